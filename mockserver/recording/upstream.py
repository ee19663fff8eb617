"""The upstream leg of a recorder: requests to the real vendors over verified connections, and their answers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from mockserver.errors import InputError
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.messages import did_you_mean
from mockserver.vendors.routing import VendorRouter
from mockserver.wire.answer import MOCK_PREFIX, Header, index_headers

if TYPE_CHECKING:
    import httpx2

_INSTALL_HINT = "the extra `record` is not installed: pip install 'mock-provider-server[record]'"
_CONNECT_TIMEOUT, _READ_TIMEOUT, _WRITE_TIMEOUT = 10.0, 600.0, 60.0  # seconds; a model may think for minutes
_URL_PATH = "/:@!$&'()*+,;=-._~%"  # characters of a path that need no encoding

# RFC 9110, 7.6.1, and the older names
_HOP_BY_HOP: Final = frozenset(
    (
        *("connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization"),
        *("te", "trailer", "transfer-encoding", "upgrade", "http2-settings"),
    )
)
_REPLACED_REQUEST_HEADERS: Final = frozenset(
    ("host", "content-length", "content-encoding", "accept-encoding", "expect")
)
_REPLACED_RESPONSE_HEADERS: Final = frozenset(("content-length", "content-encoding", "date"))


class UpstreamError(Exception):
    """The vendor could not be reached, or its answer broke off; the message says how."""


def check_upstream_client() -> None:
    """Raise InputError if the HTTP client is not installed."""
    if find_spec("httpx2") is None:
        raise InputError.from_message(_INSTALL_HINT)


def find_upstreams(router: VendorRouter, stated: Iterable[str]) -> dict[str, str]:
    """Return the base URLs of the vendors: those stated as VENDOR=URL, and https with the vendors' own hosts.

    Raises InputError.
    """
    urls = {
        name: f"https://{vendor.profile.hosts[0]}"
        for name, vendor in router.vendors.items()
        if vendor.profile.hosts
    }
    for text in stated:
        name, equals, url = text.partition("=")
        if not equals:
            raise InputError.from_message(f"found {text!r}, expected VENDOR=URL", "--upstream")
        if name not in router.vendors:
            message = f"there is no vendor {name!r}{did_you_mean(name, router.vendors)}"
            raise InputError.from_message(message, "--upstream")
        urls[name] = _check_url(url)
    return urls


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        valid = False
    if not valid or parts.query or parts.fragment or "@" in parts.netloc:
        raise InputError.from_message(
            "found a URL of another form, expected https://HOST[:PORT][/PATH]", "--upstream"
        )
    return url.rstrip("/")


class UpstreamAnswer:
    """The answer of a vendor: its head, and the parts of its body as they arrive, without content codings."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers = _remove_connection_headers(
            ((name.lower(), value) for name, value in response.headers.multi_items()),
            _REPLACED_RESPONSE_HEADERS,
        )

    @property
    def is_stream(self) -> bool:
        """Return whether the body is an event stream."""
        return index_headers(self.headers).get("content-type", "").startswith("text/event-stream")

    async def iter_pieces(self) -> AsyncIterator[bytes]:
        """Yield the parts of the body. Raises UpstreamError if it breaks off."""
        with _translate_errors(str(self._response.url)):
            async for piece in self._response.aiter_bytes():
                yield piece


class UpstreamClient:
    """The connections to the vendors; `urls` are the base URLs by the vendors' names."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        import httpx2  # noqa: PLC0415 imported only by a recorder

        self._urls = urls
        self._request_type = httpx2.Request
        timeout = httpx2.Timeout(_CONNECT_TIMEOUT, read=_READ_TIMEOUT, write=_WRITE_TIMEOUT)
        limits = httpx2.Limits(max_connections=None)
        self._client = httpx2.AsyncClient(timeout=timeout, limits=limits)

    def find_url(self, request: ChatRequest) -> str:
        """Return the URL to which a request is forwarded, without its query. Raises UpstreamError if there is none."""
        base = self._urls.get(request.vendor.name)
        if base is None:
            name = request.vendor.name
            raise UpstreamError(f"the profile {name} names no host: use --upstream {name}=URL")
        return base + quote(request.route.path, safe=_URL_PATH)

    @contextlib.asynccontextmanager
    async def send(self, request: ChatRequest, headers: Iterable[Header]) -> AsyncIterator[UpstreamAnswer]:
        """Send a request, and give its answer as soon as the head has arrived. Raises UpstreamError."""
        url = self.find_url(request)
        query = request.routed_head.head.query
        with _translate_errors(url):
            sent = self._request_type(
                request.method,
                f"{url}?{query}" if query else url,
                headers=list(headers),
                content=request.raw or None,
            )
            response = await self._client.send(sent, stream=True)
        try:
            yield UpstreamAnswer(response)
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


def select_forwarded_headers(request: ChatRequest) -> tuple[Header, ...]:
    """Return the headers with which a request is forwarded: the client's own, without those of its connection."""
    received = ((name.lower(), value) for name, value in request.routed_head.head.raw_headers)
    kept = _remove_connection_headers(received, _REPLACED_REQUEST_HEADERS)
    return (*kept, ("accept-encoding", "identity"))


def _remove_connection_headers(headers: Iterable[Header], others: frozenset[str]) -> tuple[Header, ...]:
    """Return headers without those of one connection, those between client and mock, and `others`."""
    headers = tuple(headers)
    listed = [value for name, value in headers if name == "connection"]
    removed = {name.strip().lower() for value in listed for name in value.split(",")} | _HOP_BY_HOP | others
    return tuple(
        (name, value) for name, value in headers if name not in removed and not name.startswith(MOCK_PREFIX)
    )


@contextlib.contextmanager
def _translate_errors(url: str) -> Iterator[None]:
    """Raise UpstreamError in place of the errors of the HTTP client; it shows no query, which may have a key."""
    import httpx2  # noqa: PLC0415 imported only by a recorder

    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
        reason = str(error).partition(" for url")[0]
        name = type(error).__name__
        raise UpstreamError(f"{url.partition('?')[0]}: {name}{f': {reason}' if reason else ''}") from error
