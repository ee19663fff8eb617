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
from mockserver.schema.messages import did_you_mean, format_alternatives
from mockserver.schema.yaml_document import truncate_text
from mockserver.settings import ADMIN_PREFIX


def create_router(operations: tuple[Operation, ...], admin: Any, max_body: int) -> ASGIApp:
    """Return an application of the operations, whose handlers receive `admin`. `max_body` is in bytes."""

    def report_no_route(request: Request, _: Exception) -> Response:
        path, method = truncate_text(request.url.path), request.method
        methods = [
            one.method for one in operations if compile_path(one.route_path)[0].match(request.url.path)
        ]
        if not methods:
            near = did_you_mean(request.url.path.removeprefix(ADMIN_PREFIX), {one.path for one in operations})
            hint = f"nothing is at {path}{near}{' ' if near else '; '}GET {ADMIN_PREFIX} lists all operations"
            return create_error_response(AdminError(404, hint))
        headers = {"allow": ", ".join(sorted(methods))}
        return create_error_response(
            AdminError(
                405, f"found {method} {path}, expected {format_alternatives(methods)}", headers=headers
            )
        )

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
