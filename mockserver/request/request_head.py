"""The head of a request, and what follows from it alone: vendor, route, API key and session."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field

from starlette.types import Scope

from mockserver.masking import derive_key_session, find_secret_values
from mockserver.memoize import BoundedCache, Memo, identity_dataclass, memoized
from mockserver.schema.messages import truncate_text
from mockserver.vendors.routing import RouteMatch, VendorRouter
from mockserver.vendors.vendor import Vendor
from mockserver.wire.answer import Header

SESSION_HEADER = "x-mock-session"  # the header that names a session
_SINGLE_HEADERS = frozenset(
    (
        *("authorization", "content-length", "content-type", "date", "from", "host", "if-modified-since"),
        *("if-unmodified-since", "max-forwards", "proxy-authorization", "referer", "user-agent"),
    )
)
_SESSION_CHARACTERS = "A-Za-z0-9._-"
SESSION_NAME_PATTERN = f"^[{_SESSION_CHARACTERS}]{{1,64}}$"
SESSION_NAME_FORM = "1 to 64 letters, digits, '.', '_' or '-'"
_SESSION_NAME = re.compile(SESSION_NAME_PATTERN)
_MAX_CACHED, _MAX_CACHED_BYTES = 256, 1_000_000  # heads of one server, and their size together
MAX_CACHED_HEAD = 4_000  # bytes; a larger head is not cached, nor is a request with it
_HEADER_OVERHEAD = 100  # bytes of a header in memory besides its characters


@identity_dataclass
class RequestHead:
    """The request line and headers, without the `/s/{session}` prefix. Requests with equal heads may share one.

    `headers` has one value for each name: repeated ones are joined. `raw_headers` has every line, in order.
    `size` is about the bytes that it takes in memory, `memo` holds what is memoized for this head.
    """

    method: str
    path: str
    host: str
    session: str | None
    headers: Mapping[str, str]
    query: str = ""  # without its `?`, as it was sent
    size: int = 0
    raw_headers: tuple[Header, ...] = ()
    scheme: str = "http"
    memo: Memo = field(default_factory=Memo)


@identity_dataclass
class RoutedHead:
    """A head with its route to a vendor.

    `attempt` is the number of earlier attempts that the client's SDK reports, 0 if it reports none. `memo` holds what
    is memoized for this head.
    """

    head: RequestHead
    route: RouteMatch
    api_key: str | None
    session: str
    attempt: int
    content_length: int  # the Content-Length in bytes; 0 without a valid one
    memo: Memo

    @property
    def vendor(self) -> Vendor:
        """Return the vendor that the route leads to."""
        return self.route.vendor

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers, their names in lower case."""
        return self.head.headers


def read_head(scope: Scope) -> RequestHead:
    """Return the head of an ASGI request, with the `/s/{session}` prefix split off its path."""
    path: str = scope["path"]
    # RFC 9110, 5.5: blanks around a value are not part of it; httptools keeps those at its end.
    raw_headers = tuple(
        [(name.decode("latin-1"), value.decode("latin-1").strip(" \t")) for name, value in scope["headers"]]
    )
    headers = _join_repeated_headers(raw_headers)
    session = None
    if path.startswith("/s/"):
        session, slash, rest = path[3:].partition("/")
        path = slash + rest or "/"
    host = headers.get("host", "").lower()
    # Remove the port; an IPv6 address without one ends in a bracket and contains colons.
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    query = scope.get("query_string", b"").decode("latin-1")
    header_sizes = [_HEADER_OVERHEAD + len(header) + len(value) for header, value in scope["headers"]]
    size = len(path) + len(query) + sum(header_sizes)
    scheme = scope.get("scheme", "http")
    return RequestHead(scope["method"], path, name, session, headers, query, size, raw_headers, scheme)


def _join_repeated_headers(raw_headers: Iterable[Header]) -> dict[str, str]:
    """Return one value for each name. Of a header that may occur only once, the first value counts, as in Node."""
    values: dict[str, list[str]] = {}
    for name, value in raw_headers:
        if name not in values:
            values[name] = [value]
        elif name not in _SINGLE_HEADERS:
            values[name].append(value)
    # RFC 9110, 5.3; RFC 9113, 8.2.3
    return {name: ("; " if name == "cookie" else ", ").join(parts) for name, parts in values.items()}


@memoized
def find_head_secrets(head: RequestHead) -> tuple[str, ...]:
    """Return the secrets in a head, the longest first. Many requests of one client share their head."""
    return find_secret_values(head.headers, head.query)


def match_route(head: RequestHead, router: VendorRouter) -> RouteMatch | None:
    """Return the vendor, path and model that the head leads to, None if no vendor has the path."""
    return router.locate(head.host, head.method, head.path)


def route_head(head: RequestHead, router: VendorRouter) -> RoutedHead | None:
    """Return the head with its route, None if no vendor has the path."""
    route = match_route(head, router)
    if route is None:
        return None
    key = route.vendor.api_key(head.headers)
    return RoutedHead(
        head,
        route,
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
    # Python refuses to convert more than 4,300 digits.
    return int(length[:20]) if length.isdecimal() else 0


def get_media_type(content_type: str) -> str:
    """Return the media type in a Content-Type, in lower case and without parameters."""
    return content_type.partition(";")[0].strip().lower()


class HeadCache:
    """The heads that one server has received recently: many requests of a client have the same head."""

    def __init__(self, router: VendorRouter) -> None:
        self._router = router
        self._cache: BoundedCache[tuple[object, ...], tuple[RequestHead, RoutedHead | None]] = BoundedCache(
            _MAX_CACHED, _MAX_CACHED_BYTES
        )

    def get(self, scope: Scope) -> tuple[RequestHead, RoutedHead | None]:
        """Return the head of a request, and its route (None if no vendor has the path)."""
        key = (
            *(scope["method"], scope["path"], scope.get("query_string"), scope.get("scheme")),
            *scope["headers"],
        )
        cached = self._cache.get(key)
        if cached is None:
            head = read_head(scope)
            cached = head, route_head(head, self._router)
            if head.size < MAX_CACHED_HEAD:
                self._cache.put(key, cached, head.size)
        return cached


def resolve_session_name(head: RequestHead, api_key: str | None = None) -> str:
    """Return the session that a request names in its path or by header, else the session of its API key."""
    name = head.headers.get(SESSION_HEADER) if head.session is None else head.session
    return derive_key_session(api_key) if name is None else name


def is_session_name(name: str) -> bool:
    """Return whether a name has the characters and the length of a session's name."""
    return _SESSION_NAME.fullmatch(name) is not None


def make_session_name(text: str, end: str) -> str:
    """Return a session's name that shows a text, shortened and without other characters, and has this end."""
    return f"{re.sub(f'[^{_SESSION_CHARACTERS}]+', '-', text)[:40]}-{end}"


def check_session_name(name: str) -> str:
    """Return a session's name. Raises ValueError if it is not valid."""
    if not is_session_name(name):
        raise ValueError(f"found {truncate_text(name, 80)!r}, expected {SESSION_NAME_FORM}")
    return name
