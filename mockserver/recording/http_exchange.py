"""An HTTP request and its response as another program has recorded them, and the exchange that they become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from mockserver.recording.exchange import Exchange
from mockserver.recording.fixture_writer import NoFixtureError
from mockserver.request.content_coding import BodyTooLargeError, decode_body
from mockserver.schema.messages import truncate_text
from mockserver.vendors.routing import VendorRouter
from mockserver.wire.answer import Answer, Frame, Header, index_headers
from mockserver.wire.sse import find_event_data

_MAX_BODY: Final = 64 * 1024 * 1024  # bytes of a decoded body
_EVENT_STREAM: Final = "text/event-stream"
_OTHER_EVENT_LINES: Final = (b"event:", b":")  # with which a stream may begin
_LOCAL_HOSTS: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class HttpExchange:
    """A recorded request and its response. `url` is whole, or begins with the path; `place` says where it stood.

    `vendor` is known of requests that this server recorded. `frames` are the timed pieces of the response's body.
    """

    place: str
    method: str
    url: str
    headers: tuple[Header, ...]
    body: bytes
    status: int
    response_headers: tuple[Header, ...]
    frames: tuple[Frame, ...]
    vendor: str = ""


class ImportRouter:
    """Finds the vendor of a recorded request. `base_urls` are those of the vendors, by name.

    `vendor` is that of requests whose URL has no host.
    """

    def __init__(self, router: VendorRouter, base_urls: Mapping[str, str], vendor: str) -> None:
        self.router = router
        self.vendor = vendor
        self._base_urls = sorted(base_urls.items(), key=lambda one: -len(one[1]))

    def build_exchange(self, recorded: HttpExchange) -> Exchange:
        """Return the exchange of a recorded request. Raises NoFixtureError if no vendor has it."""
        vendor, path, query = self._find_vendor(recorded)
        request = _decode(recorded.headers, recorded.body)
        response_body = b"".join(frame.data for frame in recorded.frames)
        decoded = _decode(recorded.response_headers, response_body)
        frames = recorded.frames if decoded == response_body else (Frame(decoded),)
        streamed = _is_event_stream(recorded.response_headers, decoded)
        headers = recorded.response_headers
        if streamed and not index_headers(headers).get("content-type", "").startswith(_EVENT_STREAM):
            headers = (*headers, ("content-type", _EVENT_STREAM))
        answer = Answer(recorded.status, headers, frames, streamed=streamed)
        return Exchange(vendor, recorded.method.upper(), path, query, recorded.headers, request, answer)

    def _find_vendor(self, recorded: HttpExchange) -> tuple[str, str, str]:
        """Return the vendor of a request, with the vendor's own path and the query."""
        try:
            parts = urlsplit(recorded.url)
            host = parts.hostname or ""
        except ValueError:
            raise NoFixtureError(f"found the URL {truncate_text(recorded.url)!r}") from None
        if recorded.vendor or not host:
            return recorded.vendor or self.vendor, parts.path, parts.query
        for name, base_url in self._base_urls:
            if recorded.url.startswith(f"{base_url}/"):
                return name, parts.path.removeprefix(urlsplit(base_url).path), parts.query
        for name, vendor in self.router.vendors.items():
            if host in vendor.profile.hosts:
                return name, parts.path, parts.query
        prefix = parts.path.split("/")[1] if host in _LOCAL_HOSTS and parts.path else ""
        if prefix in self.router.vendors:
            return prefix, parts.path.removeprefix(f"/{prefix}"), parts.query
        raise NoFixtureError(
            f"no vendor has the host {truncate_text(host)!r}; --upstream VENDOR=URL names the vendor of a base URL"
        )


def _is_event_stream(headers: Iterable[Header], body: bytes) -> bool:
    content_type = index_headers(headers).get("content-type", "")
    if content_type.startswith(_EVENT_STREAM) or "json" in content_type:
        return "json" not in content_type
    line = body.lstrip().partition(b"\n")[0]
    return line.startswith(_OTHER_EVENT_LINES) or find_event_data(line) is not None


def _decode(headers: Iterable[Header], body: bytes) -> bytes:
    """Return a body without its content codings; most recorders have decoded it and keep the header all the same."""
    codings = index_headers(headers).get("content-encoding", "")
    if not body or not codings:
        return body
    try:
        return decode_body(body, codings, _MAX_BODY)
    except BodyTooLargeError:
        raise NoFixtureError(f"the body has more than {_MAX_BODY:,} bytes") from None
    except ValueError:
        return body


def read_headers(value: Any) -> tuple[Header, ...]:
    """Return headers from a mapping of names to a text or a list of texts, or from a list of pairs."""
    if value is None:
        return ()
    pairs = value.items() if isinstance(value, Mapping) else value
    return tuple(
        (str(name).lower(), _to_text(one))
        for name, values in pairs
        for one in (values if isinstance(values, list | tuple) else [values])
    )


def _to_text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def encode_content(value: Any) -> bytes:
    """Return the bytes of a body: of a text, of bytes, or of a JSON value. Raises ValueError for any other."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode(errors="surrogateescape")
    return orjson.dumps(value)
