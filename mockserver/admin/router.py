"""The router of the admin API: from operations to Starlette routes, with errors in one form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, compile_path
from starlette.types import ASGIApp

from mockserver.admin.error_responses import AdminError, create_error_response
from mockserver.admin.openapi import Operation
from mockserver.admin.request_input import parse_admin_request
from mockserver.errors import InputError
from mockserver.schema.messages import did_you_mean, format_alternatives, truncate_text
from mockserver.settings import ADMIN_PREFIX


def create_router(operations: tuple[Operation, ...], admin: Any, max_body: int) -> ASGIApp:
    """Return an application of the operations, whose handlers receive `admin`. `max_body` is in bytes."""

    def report_no_route(request: Request, _: Exception) -> Response:
        path = request.url.path
        matching = [one for one in operations if compile_path(one.route_path)[0].match(path)]
        if not matching:
            near = did_you_mean(path.removeprefix(ADMIN_PREFIX), {one.path for one in operations})
            hint = f"nothing is at {truncate_text(path)}{near}{' ' if near else '; '}"
            return create_error_response(AdminError(404, f"{hint}GET {ADMIN_PREFIX} lists all operations"))
        methods = [one.method for one in matching]
        # The path of the operation instead of the request's, which may contain an API key.
        message = (
            f"found {request.method} {matching[0].display_path}, expected {format_alternatives(methods)}"
        )
        headers = {"allow": ", ".join(sorted(methods))}
        return create_error_response(AdminError(405, message, headers=headers))

    routes = [
        Route(one.route_path, _create_endpoint(one, admin, max_body), methods=[one.method])
        for one in operations
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: report_no_route})
    app.router.redirect_slashes = False
    return app


def _create_endpoint(
    operation: Operation, admin: Any, max_body: int
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await operation.handler(
                admin, parse_admin_request(request, operation.query_parameters, max_body)
            )
        except AdminError as error:
            return create_error_response(error)
        except InputError as error:
            return create_error_response(AdminError.from_input_error(error))

    return endpoint
