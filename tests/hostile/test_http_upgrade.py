"""Requests that offer an upgrade are served as if they did not, with both parsers."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import subprocess
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from mockserver.server.addresses import bind_socket
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.testing import MockServer
from mockserver.wire.playback import Playback

OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
CLOSING = OFFER.replace(b"Upgrade, ", b"close, Upgrade, ")
JAVA = Path(__file__).parents[1] / "interop" / "Http2Offer.java"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what the server made of a request."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    names = [name.decode() for name, _ in scope["headers"]]
    text = json.dumps([scope["method"], scope["path"], body.decode(), "upgrade" in names]).encode()
    length = str(len(text)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": text})


@pytest.fixture(scope="module", params=["httptools", "h11"])
def parser(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def address(parser: str) -> Iterator[tuple[str, int]]:
    server = BackgroundServer(echo, bind_socket("127.0.0.1", 0), Playback(), http=parser, lifespan="off")
    server.start()
    yield server.address
    server.stop()


def post(body: bytes, path: bytes = b"/a", offer: bytes = OFFER, version: bytes = b"1.1") -> bytes:
    return b"POST %b HTTP/%b\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n%b" % (
        path,
        version,
        offer,
        len(body),
        body,
    )


def post_chunked(body: bytes) -> bytes:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    return b"POST /a HTTP/1.1\r\nHost: x\r\n%bTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % (OFFER, chunks)


def receive_response(client: socket.socket) -> Any:
    response = HTTPResponse(client)
    response.begin()
    assert response.status == 200
    return json.loads(response.read())


@pytest.mark.parametrize("request_bytes", [post(b"hello"), post_chunked(b"hello")], ids=["length", "chunked"])
@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 500])
def test_the_body_arrives_in_however_many_pieces(
    address: tuple[str, int], parser: str, request_bytes: bytes, pieces: int
) -> None:
    size = -(-len(request_bytes) // pieces)
    with socket.create_connection(address) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(request_bytes), size):
            client.sendall(request_bytes[start : start + size])
        assert receive_response(client) == ["POST", "/a", "hello", parser == "h11"]


@pytest.mark.parametrize("together", [True, False], ids=["pipelined", "kept alive"])
def test_the_next_requests_of_the_connection_are_served(address: tuple[str, int], together: bool) -> None:
    plain = b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"
    requests = [post(b"one"), post_chunked(b"two"), plain, post(b"three", b"/b"), post(b"four", offer=b"")]
    expected = [["/a", "one"], ["/a", "two"], ["/plain", ""], ["/b", "three"], ["/a", "four"]]
    with socket.create_connection(address) as client:
        if together:
            client.sendall(b"".join(requests))
        stream = client.makefile("rb")
        for sent, found in zip(requests, expected, strict=True):
            if not together:
                client.sendall(sent)
            length = next(
                int(line[15:])
                for line in iter(stream.readline, b"\r\n")
                if line.lower().startswith(b"content-length:")
            )
            stream.readline()  # the blank line, or what is left of the head
            text = stream.read(length)
            assert json.loads(text)[1:3] == found


@pytest.mark.parametrize(
    "request_bytes",
    [post(b"hello", offer=CLOSING), post(b"hello", version=b"1.0")],
    ids=["connection: close", "HTTP/1.0"],
)
def test_a_connection_that_is_to_be_closed_is_closed(address: tuple[str, int], request_bytes: bytes) -> None:
    with socket.create_connection(address) as client:
        client.sendall(request_bytes)
        assert receive_response(client)[2] == "hello"
        assert client.recv(1) == b""


@pytest.mark.parametrize("offer", [OFFER, OFFER.replace(b"h2c", b"websocket"), OFFER + b"Upgrade: other\r\n"])
def test_a_request_without_a_body_is_served_and_nothing_is_logged(
    address: tuple[str, int], offer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), socket.create_connection(address) as client:
        client.sendall(b"GET /g HTTP/1.1\r\nHost: x\r\n%b\r\n" % offer)
        assert receive_response(client)[:3] == ["GET", "/g", ""]
    assert [record for record in caplog.records if "pgrade" in record.getMessage()] == []


def test_connect_is_not_parsed_again(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as client:
        client.sendall(b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n%b\r\nopaque" % OFFER)
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass
    with socket.create_connection(address) as client:
        client.sendall(post(b"after"))
        assert receive_response(client)[2] == "after"


def test_an_invalid_head_is_a_400(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as client:
        client.sendall(b"POST / HTTP/1.1\r\n\0: x\r\n%b\r\n" % OFFER)
        assert client.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_an_invalid_body_ends_the_connection(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as client:
        client.sendall(post_chunked(b"hello").replace(b"1\r\nh", b"zz\r\nh"))
        assert client.recv(4096) == b""  # its request has begun, so that no other response can be sent


CHAT = {"model": "o3-mini", "messages": [{"role": "user", "content": "weather"}]}
FIXTURES = "fixtures:\n  - {match: {user: weather}, response: Sunny.}\n"


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(fixtures_yaml=FIXTURES) as running:
        yield running


@pytest.mark.skipif(not shutil.which("curl"), reason="install curl")
def test_curl_with_http2_is_answered(server: MockServer) -> None:
    headers = ["-H", "Authorization: Bearer k", "-H", "Content-Type: application/json"]
    url = f"{server.url}/aimlapi/v1/chat/completions"
    command = ["curl", "-sS", "--http2", *headers, "--data-raw", json.dumps(CHAT), url]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    assert json.loads(answer)["choices"][0]["message"]["content"] == "Sunny."


@pytest.mark.skipif(not shutil.which("java"), reason="install a JDK (17 or newer)")
def test_javas_own_http_client_is_answered(server: MockServer) -> None:
    ran = subprocess.run(
        ["java", str(JAVA), server.url], capture_output=True, text=True, check=False, timeout=50
    )
    assert (ran.stdout, ran.returncode) == ("Sunny.\nSunny.\n201\n", 0), ran.stderr
