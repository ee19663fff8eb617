"""Tests of HTTP requests as sockets deliver them."""

from __future__ import annotations

import http.client
import json
import socket

import pytest

from mockserver.testing import MockServer

FIXTURES = """
fixtures:
- {match: {header: {x-tag: 'a, b'}}, response: Both tags.}
- {match: {header: {cookie: 'one=1; two=2'}}, response: Both cookies.}
- {match: {header: {x-end: end}}, response: No blanks.}
"""
PATH = "/aimlapi/v1/chat/completions"
BODY = json.dumps({"model": "o3-mini", "messages": [{"role": "user", "content": "Hello"}]}).encode()


def exchange(server: MockServer, lines: list[bytes], body: bytes = BODY) -> bytes:
    """Send a request with these header lines over a new connection; return everything until its end."""
    host, port = server.url.removeprefix("http://").split(":")
    head = [
        b"POST %b HTTP/1.1" % PATH.encode(),
        b"Host: localhost",
        b"Authorization: Bearer sk-one",
        b"Content-Type: application/json",
        b"Connection: close",
        b"Content-Length: %d" % len(body),
        *lines,
    ]
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.read()


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([b"X-Tag: a", b"x-tag: b"], "Both tags."),
        ([b"Cookie: one=1", b"Cookie: two=2"], "Both cookies."),
        ([b"X-End: end \t "], "No blanks."),
    ],
)
def test_repeated_headers_and_trailing_blanks_match(lines: list[bytes], text: str) -> None:
    with MockServer(fixtures_yaml=FIXTURES, strict=True) as server:
        assert json.loads(exchange(server, lines))["choices"][0]["message"]["content"] == text
        [request] = server.requests
        names = {line.split(b":")[0].decode().lower() for line in lines}
        kept = [(name, value) for name, value in request.raw_headers if name in names]
        expected = [tuple(part.strip() for part in line.decode().lower().split(":")) for line in lines]
        if "cookie" in names:  # masked, like every cookie
            assert [name for name, _ in kept] == ["cookie", "cookie"]
            assert "one=1" not in str(kept)
        else:
            assert kept == expected
            assert request.headers[kept[0][0]] == ", ".join(value for _, value in kept)
