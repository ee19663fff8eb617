"""The `x-mock-*` headers, which report fixture, session and seed with every answer."""

from __future__ import annotations

import contextlib
from typing import Final, cast
from urllib.parse import quote, unquote

from mockserver.memoize import memoized
from mockserver.request.request_head import RoutedHead
from mockserver.wire.answer import Answer, HeaderBlock, encode_headers

_EXPOSED_HEADERS: Final = (
    "x-mock-request-id, x-mock-fixture, x-mock-session, x-mock-seed, x-mock-hint, x-mock-invented, "
    "x-request-id, retry-after, retry-after-ms"
)  # that scripts of web pages may read


def add_mock_headers(
    answer: Answer, routed_head: RoutedHead, request_id: str, fixture: str, seed: int
) -> Answer:
    """Return the answer with the `x-mock-*` headers; `fixture` is a name, empty if none matched."""
    own_line = b"x-mock-request-id: %b\r\n" % request_id.encode()
    return answer.with_header_lines(own_line, _encode_shared_headers(routed_head, fixture, seed))


def decode_fixture_name(value: str) -> str:
    """Return the name of a fixture from a request header: percent-encoded, as answers have it, or in UTF-8."""
    with contextlib.suppress(UnicodeError):
        value = value.encode("latin-1").decode()  # ASGI servers and clients pass bytes as Latin-1
    return unquote(value)


@memoized
def _encode_shared_headers(routed_head: RoutedHead, fixture: str, seed: int) -> bytes:
    """Encode the headers that are identical for all requests with this head and fixture."""
    headers = (
        ("x-mock-fixture", quote(fixture)),
        ("x-mock-session", quote(routed_head.session)),
        ("x-mock-seed", str(seed)),
        ("access-control-expose-headers", _EXPOSED_HEADERS),
        *routed_head.vendor.echo_headers(routed_head.headers),
    )
    return cast(HeaderBlock, encode_headers(headers)).text
