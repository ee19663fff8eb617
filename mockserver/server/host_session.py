"""The session of requests to the vendors' own hosts, whose URLs cannot name one."""

from __future__ import annotations

from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.request.request_head import SESSION_HEADER, read_head


class HostSession:
    """An application whose requests to the vendors' hosts belong to the session `name`, unless they name another.

    A request names its session by its path or by a header. While `name` is None, the session is that of the API key.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.name: str | None = None
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if self.name is not None and scope["type"] == "http":
            head = read_head(scope)
            if head.host in self._hosts and head.session is None and SESSION_HEADER not in head.headers:
                scope["path"] = f"/s/{self.name}{scope['path']}"
        await self._app(scope, receive, send)
