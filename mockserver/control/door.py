"""From a request to the way that answers it; whatever is refused on it is told in one form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, compile_path
from starlette.types import ASGIApp

from mockserver.control import intake
from mockserver.control.openapi import Way
from mockserver.control.refusal import Refused, told
from mockserver.document import clipped
from mockserver.errors import InputError
from mockserver.settings import PREFIX
from mockserver.shape import choice, meant


def door(ways: tuple[Way, ...], admin: Any, max_body: int) -> ASGIApp:
    """An application of these ways, which are given `admin`. `max_body` is in bytes."""

    def no_way(request: Request, _: Exception) -> Response:
        path, method = clipped(request.url.path), request.method
        known = [way.method for way in ways if compile_path(way.at)[0].match(request.url.path)]
        if not known:
            near = meant(request.url.path.removeprefix(PREFIX), {way.path for way in ways})
            hint = f"nothing is at {path}{near}{' ' if near else '; '}GET {PREFIX} tells what there is"
            return told(Refused(404, hint))
        headers = {"allow": ", ".join(sorted(known))}
        return told(Refused(405, f"found {method} {path}, expected {choice(known)}", headers=headers))

    routes = [Route(way.at, _endpoint(way, admin, max_body), methods=[way.method]) for way in ways]
    app = Starlette(routes=routes, exception_handlers={HTTPException: no_way})
    app.router.redirect_slashes = False
    return app


def _endpoint(way: Way, admin: Any, max_body: int) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await way.answer(admin, intake.read(request, way.takes, max_body))
        except Refused as refused:
            return told(refused)
        except InputError as error:
            return told(Refused.of(error))

    return endpoint
