"""Tests of HTTP requests as sockets deliver them."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
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


def encoding(name: str) -> list[bytes]:
    return [f"Content-Encoding: {name}".encode()]


@pytest.fixture(scope="module")
def compressed() -> Iterator[MockServer]:
    with MockServer(
        fixtures_yaml="fixtures: [{match: {user: Hello}, response: Read.}]", max_body=5_000
    ) as server:
        yield server


@pytest.mark.parametrize(("name", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_request_is_read_and_journalled_as_plain_text(
    compressed: MockServer, name: str, encode: Callable[[bytes], bytes]
) -> None:
    compressed.reset()
    answer = json.loads(exchange(compressed, encoding(name), encode(BODY)))
    assert answer["choices"][0]["message"]["content"] == "Read."
    [request] = compressed.requests
    assert request.body == json.loads(BODY)
    assert request.headers["content-encoding"] == name


@pytest.mark.parametrize(
    "path", ["/aimlapi/v1/chat/completions", "/omixa/api/v1/chat/completions", "/segmind/v1/m"]
)
@pytest.mark.parametrize(
    ("name", "body", "status", "text"),
    [
        ("snappy", BODY, 415, "found 'snappy', expected gzip, deflate"),
        ("gzip", gzip.compress(bytes(1_000_000), mtime=0), 413, ""),
        ("gzip", BODY, 400, "the body is not valid gzip"),
        ("gzip", gzip.compress(BODY, mtime=0) + b"junk", 400, "4 bytes follow its end"),
    ],
    ids=["unknown", "bomb", "invalid", "trailing"],  # compressed bytes contain the time
)
def test_a_request_that_cannot_be_decoded_is_refused(
    compressed: MockServer, path: str, name: str, body: bytes, status: int, text: str
) -> None:
    headers = {"content-encoding": name, "content-type": "application/json"}
    headers |= {"x-api-key": "SG_one"} if "segmind" in path else {"authorization": "Bearer one"}
    response = httpx2.post(compressed.url + path, content=body, headers=headers)
    assert response.status_code == (422 if status == 400 and "omixa" in path else status)
    if "segmind" not in path or status == 415:
        assert text in json.dumps(response.json(), ensure_ascii=False)


def test_a_compressed_body_of_the_admin_api_is_read(compressed: MockServer) -> None:
    rule = json.dumps({"error": 503, "times": 1}).encode()

    def post(body: bytes, name: str) -> httpx2.Response:
        headers = {"content-encoding": name, "content-type": "application/json"}
        return httpx2.post(f"{compressed.url}/_mock/faults", content=body, headers=headers)

    assert post(gzip.compress(rule), "gzip").status_code == 201
    assert len(httpx2.get(f"{compressed.url}/_mock/faults").json()["faults"]) == 1
    for body, name, status, text in (
        (rule, "snappy", 415, "found 'snappy'"),
        (gzip.compress(bytes(1_000_000), mtime=0), "gzip", 413, "the decoded body has more than 5,000 bytes"),
        (rule, "gzip", 400, "the body is not valid gzip"),
        (b"", "gzip", 400, "the body is empty"),
    ):
        response = post(body, name)
        assert (response.status_code, text in response.text) == (status, True), response.text
    compressed.reset()


@pytest.mark.parametrize("stream", [False, True])
def test_a_connection_header_of_a_fixture_closes_the_connection(stream: bool) -> None:
    fixtures = """
    fixtures:
    - {match: {user: bye}, response: {text: Bye., headers: {Connection: close}}}
    - {match: {}, response: Stay.}
    """
    with MockServer(fixtures_yaml=fixtures) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            for text in ("Hello", "bye"):
                body = {"model": "o3-mini", "messages": [{"role": "user", "content": text}], "stream": stream}
                data = json.dumps(body).encode()
                head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer one\r\n"
                head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
                connection.sendall(head.encode() + data)
                response = http.client.HTTPResponse(connection)
                response.begin()
                assert response.will_close == (text == "bye")
                assert ("Bye" if text == "bye" else "Stay") in response.read().decode()
            assert connection.recv(1) == b""  # closed by the server


def test_a_raw_file_is_sent_byte_for_byte(tmp_path: Path) -> None:
    data = gzip.compress(b'{"compressed": true}')
    (tmp_path / "body.gz").write_bytes(data)
    raw = "{headers: {content-encoding: gzip, content-type: application/json}, file: body.gz}"
    (tmp_path / "fixtures.yaml").write_text(f"fixtures: [{{match: {{}}, response: {{raw: {raw}}}}}]")
    with MockServer(tmp_path / "fixtures.yaml") as server:
        assert exchange(server, []) == data
