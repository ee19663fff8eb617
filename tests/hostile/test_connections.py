"""Connections that wait for ever, connections without a file for them, and the socket options of other systems."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from mockserver.server import connection_limits
from mockserver.server.addresses import bind_socket, get_address_option
from mockserver.server.connection_limits import AcceptErrorHandler, IdleTimeout
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.wire.playback import Playback
from tests.conftest import STACKS

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
RESPONSE = b"HTTP/1.1 204 "


class WaitingApp:
    """An application that reads the body, and answers `/wait` only after a request for `/release`."""

    def __init__(self) -> None:
        self.disconnected = threading.Event()
        self.released = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
        if scope["path"] == "/wait":
            await self.released.wait()
        elif scope["path"] == "/release":
            self.released.set()
        if message["type"] == "http.disconnect":
            self.disconnected.set()
        else:
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})


@pytest.fixture
def app() -> WaitingApp:
    return WaitingApp()


@pytest.fixture(
    params=STACKS,
    ids="-".join,
)
def address(
    app: WaitingApp, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, int]]:
    http, loop = request.param
    monkeypatch.setattr(connection_limits, "IDLE_TIMEOUT", 0.2)
    sock = bind_socket("127.0.0.1", 0)
    server = BackgroundServer(app, sock, Playback(), http=http, loop=loop, lifespan="off")
    server.start()
    yield server.address
    server.stop()


def receive_all(client: socket.socket) -> bytes:
    """Receive until the server closes the connection."""
    return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize(
    ("sent", "responses", "disconnected"),
    [
        (b"", 0, False),
        (b"G", 0, False),
        (b"GET / HTTP/1.1\r\nHost: ", 0, False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", 0, False),
        (POST + b"Content-Length: 5\r\n\r\n", 0, True),
        (POST + b"Content-Length: 5\r\n\r\nhell", 0, True),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", 0, True),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0, True),
        (GET, 1, False),
        (GET + b"GET / HT", 1, False),
        (GET + POST + b"Content-Length: 5\r\n\r\nhell", 1, True),
    ],
)
def test_a_connection_that_sends_no_whole_request_is_closed(
    address: tuple[str, int], app: WaitingApp, sent: bytes, responses: int, disconnected: bool
) -> None:
    with socket.create_connection(address, timeout=20) as client:
        client.sendall(sent)
        assert receive_all(client).count(RESPONSE) == responses
    assert app.disconnected.wait(20) if disconnected else not app.disconnected.is_set()


def test_a_client_that_waits_for_its_response_is_not_cut_off(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=20) as waiting:
        waiting.sendall(GET.replace(b"/ ", b"/wait ", 1))
        with socket.create_connection(
            address, timeout=20
        ) as idle:  # it is closed after more than the timeout
            assert receive_all(idle) == b""
        with socket.create_connection(address, timeout=20) as releasing:
            releasing.sendall(GET.replace(b"/ ", b"/release ", 1))
            assert releasing.recv(100).startswith(RESPONSE)
        assert waiting.recv(100).startswith(RESPONSE)


@pytest.mark.parametrize("stack", STACKS, ids="-".join)
@pytest.mark.parametrize("linger", [(1, 0), (0, 0)], ids=["reset", "closed"])
def test_a_lost_connection_is_freed_at_once(
    app: WaitingApp, stack: tuple[str, str], linger: tuple[int, int]
) -> None:
    http, loop = stack
    sock = bind_socket("127.0.0.1", 0)
    server = BackgroundServer(app, sock, Playback(), http=http, loop=loop, lifespan="off")
    server.start()
    with socket.create_connection(server.address, timeout=20) as client:
        client.sendall(GET)
        assert client.recv(100).startswith(RESPONSE)
        (protocol,) = map(weakref.ref, server._uvicorn.server_state.connections)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", *linger))
    deadline = time.monotonic() + 20  # the keep-alive would last 75 seconds
    while protocol() is not None and time.monotonic() < deadline:
        with socket.create_connection(server.address, timeout=20) as client:
            client.sendall(GET)
            client.recv(100)
        gc.collect()
    assert protocol() is None
    server.stop()


@pytest.mark.parametrize(
    ("received", "pipeline", "complete", "more_body", "overdue"),
    [
        (9.0, (), True, False, True),
        (10.0, (), True, False, False),
        (
            9.0,
            ("a request",),
            False,
            True,
            False,
        ),  # reading is paused until the response before it is complete
        (9.0, (), False, True, True),
        (9.0, (), False, False, False),
    ],
)
def test_a_connection_is_overdue_if_only_its_client_can_continue(
    received: float, pipeline: tuple[str, ...], complete: bool, more_body: bool, overdue: bool
) -> None:
    protocol: Any = IdleTimeout()
    protocol.last_received = received
    protocol.pipeline = pipeline
    protocol.cycle = SimpleNamespace(response_complete=complete, more_body=more_body)
    assert protocol.is_overdue(10.0) == overdue


def test_the_timeout_is_longer_than_that_of_an_idle_connection_after_a_response() -> None:
    assert connection_limits.IDLE_TIMEOUT > 75


# --- files


def test_running_out_of_files_is_a_line_a_second_and_ends_when_files_are_free() -> None:
    program = "import sys; sys.modules['uvloop'] = None; from mockserver.__main__ import run; run()"
    command = f'ulimit -n 40; exec "{sys.executable}" -c "{program}" --port 0'
    with subprocess.Popen(
        ["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            port = int(re.findall(r"http://127.0.0.1:(\d+)", process.stdout.readline())[0])
            with ExitStack() as stack:
                for _ in range(60):
                    stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
                lines = [process.stderr.readline() for _ in range(2)]  # the second one a second later
            with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                assert client.recv(12) == b"HTTP/1.1 200"
            process.send_signal(signal.SIGTERM)
            lines += process.stderr.readlines()
        finally:
            process.kill()
    expected = (
        "mockserver: connections wait, because none can be accepted: Too many open files; "
        "raise the limit (`ulimit -n`)\n"
    )
    assert set(lines) == {expected}
    assert len(lines) < 20


def test_a_stop_while_connections_wait_is_not_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async def stop() -> None:
        loop: Any = asyncio.get_running_loop()
        loop.set_exception_handler(AcceptErrorHandler())
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        listening = server.sockets[0]
        server.close()
        # asyncio's own retry after a failure to accept
        loop.call_later(0, loop._start_serving, asyncio.Protocol, listening)
        await asyncio.sleep(0.01)

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner, caplog.at_level(logging.WARNING):
        runner.run(stop())
    assert caplog.records == []


def test_other_exceptions_of_the_loop_are_logged_as_usual(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(AcceptErrorHandler())
        for error in (ValueError("a"), OSError(2, "b"), None):
            loop.call_exception_handler({"message": f"failed {error}", "exception": error})

    with caplog.at_level(logging.WARNING):
        asyncio.run(fail())
    assert [record.message.partition("\n")[0] for record in caplog.records] == [
        "failed a",
        "failed [Errno 2] b",
        "failed None",
    ]


# --- other systems


def test_a_port_is_exclusive_on_every_system() -> None:
    assert (
        get_address_option("win32") == -5
    )  # SO_EXCLUSIVEADDRUSE of winsock2.h: (int)(~SO_REUSEADDR), 4 there
    assert get_address_option("linux") == get_address_option("darwin") == socket.SO_REUSEADDR
