"""The server starts where it was told, stops at once, and says nothing about it."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Literal

import httpx2
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.errors import InputError
from mockserver.server import uvicorn_server
from mockserver.server.addresses import bind_socket
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.faults import FAULTS, apply_fault, parse_fault
from mockserver.wire.playback import Playback
from mockserver.wire.sse import create_sse_answer
from tests.conftest import STACKS

pytestmark = pytest.mark.usefixtures("quiet")

PLAIN = Answer(200, (("content-type", "application/json"),), (Frame(b'{"text":"hello"}'),))
PACED = create_sse_answer([Frame(b"{}", 0.005) for _ in range(6)])


class Speaker:
    """Plays a fault that the query names over a plain answer or, under /stream, over a stream."""

    def __init__(self) -> None:
        self.playback = Playback()
        self.life: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        fault = parse_fault(scope["query_string"].decode()) if scope["query_string"] else None
        answer = apply_fault(fault, PACED if scope["path"] == "/stream" else PLAIN, lambda _: PLAIN)
        await self.playback.play(answer, scope, receive, send)

    async def live(self, receive: Receive, send: Send) -> None:
        for _ in range(2):
            message = await receive()
            self.life.append(message["type"])
            await send({"type": message["type"] + ".complete"})


@pytest.fixture(params=STACKS, ids="-".join)
def stack(request: pytest.FixtureRequest) -> tuple[str, str]:
    http, loop = request.param
    return http, loop


def run(app: ASGIApp, stack: tuple[str, str], playback: Playback | None = None) -> BackgroundServer:
    http, loop = stack
    lifespan: Literal["on", "off"] = "on" if isinstance(app, Speaker) else "off"
    playback = playback or getattr(app, "playback", None) or Playback()
    running = BackgroundServer(
        app, bind_socket("127.0.0.1", 0), playback, http=http, loop=loop, lifespan=lifespan
    )
    running.start()
    return running


def ask(running: BackgroundServer, text: bytes) -> bytes:
    """Everything that comes back until the connection ends."""
    with socket.create_connection(running.address, timeout=10) as client:
        client.sendall(text)
        return b"".join(iter(lambda: client.recv(65536), b""))


SOON = 10  # seconds; where something is waited for that never comes, there is no end
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
GET_AND_CLOSE = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


# bind


def test_port_0_is_a_free_one() -> None:
    with bind_socket("127.0.0.1", 0) as sock:
        assert sock.getsockname()[1] > 0


def test_a_name_is_an_address() -> None:
    with bind_socket("localhost", 0) as sock:
        assert sock.getsockname()[0] in {"127.0.0.1", "::1"}


def refused(host: str, port: int) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        bind_socket(host, port)
    [problem] = caught.value.problems
    return problem.path, problem.message


def test_a_taken_port_says_what_to_do_next() -> None:
    with bind_socket("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        path, message = refused("127.0.0.1", port)
        assert (path, message.startswith(f"port {port} is taken on 127.0.0.1: stop the other")) == (
            "port",
            True,
        )
        assert message.endswith("choose another port with --port (0 picks a free one)")


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_has_sixteen_bits(port: int) -> None:
    assert refused("127.0.0.1", port) == (
        "port",
        f"port {port} does not exist: choose one from 1 to 65535, or 0 for a free one",
    )


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "a" * 70 + ".b", ".."])
def test_a_host_that_is_not_this_machine_is_refused(host: str) -> None:
    path, message = refused(host, 0)
    assert path == "host"
    assert "not an address of this machine: use 127.0.0.1" in message


@pytest.mark.parametrize(
    ("number", "says"), [(errno.EACCES, "port 80 needs privileges"), (errno.EIO, "127.0.0.1:80")]
)
def test_any_other_refusal_is_worded_too(monkeypatch: pytest.MonkeyPatch, number: int, says: str) -> None:
    class Refusing(socket.socket):
        def bind(self, _: object) -> None:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "socket", Refusing)
    path, message = refused("127.0.0.1", 80)
    assert (path, message.startswith(says)) == ("port", True)


# start and stop


def test_a_started_server_answers_and_a_stopped_one_is_gone(stack: tuple[str, str]) -> None:
    speaker = Speaker()
    running = run(speaker, stack)
    response = httpx2.get("http://{}:{}/".format(*running.address))
    assert response.json() == {"text": "hello"}
    assert "date" in response.headers
    assert "server" not in response.headers
    began = time.perf_counter()
    running.stop()
    assert time.perf_counter() - began < SOON
    running.stop()
    assert speaker.life == ["lifespan.startup", "lifespan.shutdown"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(running.address)


def test_an_answer_in_two_writes_does_not_wait_for_an_ack(stack: tuple[str, str]) -> None:
    running = run(Speaker(), stack)
    took = []
    with httpx2.Client(base_url="http://{}:{}".format(*running.address)) as client:
        for _ in range(50):
            began = time.perf_counter()
            assert client.get("/").status_code == 200
            took.append(time.perf_counter() - began)
    assert min(took[25:]) < 0.04  # a wait for an ACK would delay each, a busy machine only some
    running.stop()


def test_a_server_that_never_started_gives_its_port_back() -> None:
    idle = BackgroundServer(Speaker(), bind_socket("127.0.0.1", 0), Playback())
    idle.stop()
    idle.stop()
    bind_socket(*idle.address).close()


@pytest.mark.usefixtures("outspoken")
def test_an_application_that_cannot_start_is_an_error(stack: tuple[str, str]) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise OSError("no disk")

    http, loop = stack
    sick = BackgroundServer(broken, bind_socket("127.0.0.1", 0), Playback(), http=http, loop=loop)
    with pytest.raises(RuntimeError, match="startup failed"):
        sick.start()
    sick.stop()


def test_without_httptools_h11_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn_server, "find_spec", lambda _: None)
    assert "H11" in uvicorn_server._http_protocol_class("auto").__name__
    monkeypatch.undo()
    assert "HttpTools" in uvicorn_server._http_protocol_class("auto").__name__


def test_a_signal_before_the_start_is_obeyed() -> None:
    early = BackgroundServer(Speaker(), bind_socket("127.0.0.1", 0), Playback())
    early._uvicorn.handle_exit(signal.SIGTERM, None)
    early.run()


# what uvicorn would log


@pytest.mark.usefixtures("outspoken")
def test_what_is_no_http_is_a_400(stack: tuple[str, str], caplog: pytest.LogCaptureFixture) -> None:
    running = run(Speaker(), stack)
    assert ask(running, b"\x16\x03\x01 this is TLS\r\n\r\n").startswith(b"HTTP/1.1 400")
    running.stop()
    assert [(record.levelname, record.exc_info) for record in caplog.records] == [("WARNING", None)]


@pytest.mark.usefixtures("outspoken")
def test_a_400_does_not_break_into_an_answer(
    stack: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    running = run(Speaker(), stack)
    heard = ask(running, b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n" + b"\x16\x03\x01\r\n\r\n")
    assert b" 400 " not in heard.partition(b"[DONE]")[0]
    running.stop()
    assert all(record.exc_info is None for record in caplog.records)


def test_a_reader_that_does_not_read_is_cut(stack: tuple[str, str]) -> None:
    begun = threading.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        frames = tuple(Frame(b"x" * 1_000_000, 0.0001) for _ in range(100))

        async def spoken(message: Message) -> None:
            begun.set()
            await send(message)

        await playback.play(Answer(200, (), frames, streamed=True), scope, receive, spoken)

    playback = Playback()
    running = run(endless, stack, playback)
    with socket.create_connection(running.address) as client:
        client.sendall(GET)
        assert begun.wait(10)
        began = time.perf_counter()
        running.stop()
        assert time.perf_counter() - began < SOON


@pytest.mark.usefixtures("outspoken")
def test_a_call_that_does_not_stop_is_cancelled_without_a_traceback(
    stack: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    begun = threading.Event()

    async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    running = run(deaf, stack)
    with socket.create_connection(running.address) as client:
        client.sendall(GET)
        assert begun.wait(10)
        began = time.perf_counter()
        running.stop()
        assert time.perf_counter() - began < SOON
    assert all(record.exc_info is None for record in caplog.records)
    assert len(caplog.records) == 1


# signals

SCRIPT = """
import sys
from mockserver.server.addresses import bind_socket
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.wire import sse
from mockserver.wire.answer import Frame
from mockserver.wire.playback import Playback

async def app(scope, receive, send):
    await playback.play(sse.create_sse_answer([Frame(b"{}", 0.01)] * 10_000), scope, receive, send)

playback = Playback()
sock = bind_socket("127.0.0.1", 0)
server = BackgroundServer(app, sock, playback, http=sys.argv[1], loop=sys.argv[2], lifespan="off")
print(server.address[1], flush=True)
server.run()
print("stopped", flush=True)
"""


@pytest.mark.parametrize(
    "signals", [[signal.SIGTERM], [signal.SIGINT], [signal.SIGINT, signal.SIGINT]], ids=str
)
def test_a_signal_ends_an_open_stream_cleanly(stack: tuple[str, str], signals: list[signal.Signals]) -> None:
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), *stack]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        port = int(process.stdout.readline())
        text = b""
        with connected(port) as client:
            client.sendall(GET)
            while text.count(b"data: ") < 3:
                part = client.recv(65536)
                assert part
                text += part
            began = time.perf_counter()
            for each in signals:
                process.send_signal(each)
            text += b"".join(iter(lambda: client.recv(65536), b""))
            assert process.stdout.readline() == b"stopped\n"
            assert time.perf_counter() - began < SOON
        assert process.wait(10) == 0
        assert text.endswith(b"\r\n0\r\n\r\n")
        assert process.stderr.read() == b""


def connected(port: int) -> socket.socket:
    """The address is told before the server listens."""
    while True:
        with suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port), timeout=10)


# many at once


@pytest.mark.parametrize("count", [500, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("stack", [STACKS[0], pytest.param(STACKS[3], marks=pytest.mark.slow)], ids="-".join)
def test_many_broken_connections_leave_nothing_behind(stack: tuple[str, str], count: int) -> None:
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()  # the sockets that earlier tests have left
    speaker = Speaker()
    running = run(speaker, stack)
    spoken = [
        "",
        *(f"?{name}{point}" for name in FAULTS for point in ("", "@0", "@2", "@20b") if name != "slow"),
    ]
    calls = [f"/{kind}{query}" for kind in ("", "stream") for query in spoken]
    warm_up(running, calls)
    before = left_over(running, speaker)
    for _ in range(count // len(calls) + 1):
        warm_up(running, calls)
    after = left_over(running, speaker)
    assert after[:2] == before[:2]
    assert after[2] - before[2] < count // 2  # one for every other connection would be a leak
    running.stop()


def warm_up(running: BackgroundServer, calls: list[str]) -> None:
    asyncio.run(call_all(running.address, calls))


async def call_all(address: tuple[str, int], calls: list[str]) -> None:
    few = asyncio.Semaphore(100)

    async def call(target: str) -> None:
        async with few:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(f"GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
            with suppress(TimeoutError, ConnectionResetError):
                await asyncio.wait_for(reader.read(), 0.02 if "hang" in target else 10)
            writer.transport.abort()

    await asyncio.gather(*map(call, calls))


def left_over(running: BackgroundServer, speaker: Speaker) -> tuple[int, int, int]:
    """Open sockets, tasks and blocks of memory, once the last client's leaving has been noticed."""
    answers = (ask(running, GET_AND_CLOSE) for _ in range(1000))
    assert any(not speaker.playback._playing for _ in answers)
    loop = running._uvicorn._loop
    # The fewest of some: a connection that is over may still be on its way out.
    seen = [(sockets(), len(asyncio.all_tasks(loop))) for _, _ in zip(range(50), answers, strict=False)]
    gc.collect()
    return min(wires for wires, _ in seen), min(tasks for _, tasks in seen), sys.getallocatedblocks()


def sockets() -> int:
    links = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return sum(link.startswith("socket:") for link in links)
