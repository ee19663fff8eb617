"""Where a request comes from and where it goes: what follows from its head alone, the same for the same head."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.types import Scope

from mockserver.masking import derive_key_session
from mockserver.memoize import Memo, identity_dataclass
from mockserver.vendors.routing import RouteMatch, VendorRouter
from mockserver.vendors.vendor import Vendor

SESSION_HEADER = "x-mock-session"  # the header that names a session
_SESSION_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MAX_CACHED, _MAX_CACHED_LENGTH = (
    256,
    2_000,
)  # heads that are remembered, and letters of one that is too long for that


@identity_dataclass
class RequestHead:
    """What is known of a request before its body is read. Many requests of one client have the same."""

    method: str
    path: str
    host: str
    session: str | None
    headers: Mapping[str, str]


@identity_dataclass
class RoutedHead:
    """A head, and what the vendor it goes to makes of it.

    `attempt` is how often the client's SDK says that it has tried before; 0 when it says nothing. `notes` are for what
    follows from it alone, so that it is found out once.
    """

    head: RequestHead
    route: RouteMatch
    api_key: str | None
    session: str
    attempt: int
    content_length: int  # bytes that the body is said to have; 0 when nobody says
    memo: Memo

    @property
    def vendor(self) -> Vendor:
        return self.route.vendor

    @property
    def headers(self) -> Mapping[str, str]:
        return self.head.headers


def read_head(scope: Scope) -> RequestHead:
    """The head of a request, the `/s/{session}` prefix taken off its path."""
    path: str = scope["path"]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    session = None
    if path.startswith("/s/"):
        session, slash, rest = path[3:].partition("/")
        path = slash + rest or "/"
    host = headers.get("host", "").lower()
    # A port is no part of a name; an IPv6 address has colons of its own.
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    return RequestHead(scope["method"], path, name, session, headers)


def match_route(head: RequestHead, router: VendorRouter) -> RouteMatch | None:
    """Whom the request is for."""
    return router.locate(head.host, head.method, head.path)


def route_head(head: RequestHead, router: VendorRouter) -> RoutedHead | None:
    """Where a request comes from; None where no vendor has its path."""
    at = match_route(head, router)
    if at is None:
        return None
    key = at.vendor.api_key(head.headers)
    return RoutedHead(
        head,
        at,
        key,
        resolve_session_name(head, key),
        _parse_attempt(head.headers),
        _parse_content_length(head.headers),
        Memo(),
    )


def _parse_attempt(headers: Mapping[str, str]) -> int:
    count = headers.get("x-stainless-retry-count", "0")
    return int(count) if count.isascii() and count.isdigit() and len(count) < 10 else 0


def _parse_content_length(headers: Mapping[str, str]) -> int:
    length = headers.get("content-length", "")
    # A number of more than 4,300 digits is one that Python does not read.
    return int(length[:20]) if length.isdecimal() else 0


class HeadCache:
    """The origins of one server, remembered: of many requests the heads are the same."""

    def __init__(self, router: VendorRouter) -> None:
        self._router = router
        self._cache: dict[tuple[object, ...], tuple[RequestHead, RoutedHead | None]] = {}

    def get(self, scope: Scope) -> tuple[RequestHead, RoutedHead | None]:
        """The head of a request, and where that comes from; None where no vendor has its path."""
        key = scope["method"], scope["path"], *scope["headers"]
        found = self._cache.get(key)
        if found is None:
            asked = read_head(scope)
            found = asked, route_head(asked, self._router)
            if (
                len(asked.path) + sum(len(name) + len(value) for name, value in scope["headers"])
                < _MAX_CACHED_LENGTH
            ):
                if len(self._cache) >= _MAX_CACHED:
                    self._cache.clear()
                self._cache[key] = found
        return found


def resolve_session_name(head: RequestHead, api_key: str | None = None) -> str:
    """Whose request it is: the session that it names, or the account of its key."""
    named = head.headers.get(SESSION_HEADER) if head.session is None else head.session
    return derive_key_session(api_key) if named is None else named


def is_session_name(name: str) -> bool:
    return _SESSION_NAME.fullmatch(name) is not None
