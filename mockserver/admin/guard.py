"""Who may steer: no page of another site, no name that was bent to this machine, nobody without the token."""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.admin.error_responses import AdminError, create_error_response
from mockserver.schema.yaml_document import truncate_text


class AdminGuard:
    """Lets a call through to the control API, or refuses it. `host` is where the server was told to listen."""

    def __init__(self, app: ASGIApp, token: str | None, host: str) -> None:
        self._app = app
        self._token = token
        self._host = host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check(scope, Headers(scope=scope))
        except AdminError as refused:
            await create_error_response(refused)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        origin = headers.get("origin")
        # A browser says itself whose page asks, and no page can make it say otherwise; behind a proxy that writes a
        # Host of its own nothing else tells. https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
        own = headers.get("sec-fetch-site") == "same-origin"
        if origin is not None and not own and _authority(origin) != headers.get("host", "").lower():
            raise AdminError(403, f"a page of {truncate_text(origin)!r} asks, and only this server's own may")
        if self._token is not None:
            # Nobody who has the token came here by a bent name.
            self._check_token(headers.get("authorization", ""))
        elif _is_loopback(_server_address(scope)) and not self._is_allowed_host(headers.get("host", "")):
            raise AdminError(
                403,
                f"found the Host {truncate_text(headers.get('host', ''))!r} on a loopback address, which only "
                "localhost is; use 127.0.0.1 or localhost, or start with --admin-token",
            )

    def _check_token(self, authorization: str) -> None:
        scheme, _, token = authorization.partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else ""
        if not hmac.compare_digest(given.encode(), (self._token or "").encode()):
            message = "the control API asks for its token: Authorization: Bearer <the --admin-token>"
            raise AdminError(401, message, headers={"www-authenticate": "Bearer"})

    def _is_allowed_host(self, host: str) -> bool:
        name = _host_name(host.lower())
        return name in ("localhost", self._host) or name.endswith(".localhost") or _is_loopback(name)


def _authority(origin: str) -> str | None:
    """Host and port of an origin; None of one that has neither (`null`), or is no URL."""
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return None
    return parts.netloc or None


def _server_address(scope: Scope) -> str:
    server = scope.get("server")
    return str(server[0]) if server else ""


def _host_name(host: str) -> str:
    """A Host without its port; an IPv6 address without its brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
