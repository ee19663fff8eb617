"""An answer that is said in one breath is the one that uvicorn would have said, and is left to it where it is more."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator

import pytest
from starlette.types import Message, Receive, Scope, Send

from mockserver.server.addresses import bind_socket
from mockserver.server.uvicorn_fast_write import SingleWrite
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.playback import Delivery, Playback
from mockserver.wire.sse import create_sse_answer
from tests.server.test_uvicorn_server import ask

ANSWERS = {
    "/plain": Answer(201, (("Content-Type", "application/json"), ("x-a", "1")), (Frame(b"{}"),)),
    "/stream": create_sse_answer([Frame(b"{}"), Frame(b"[]")]),
    "/empty": Answer(200, ()),
    "/silent": Answer(200, (), streamed=True),
    "/none": Answer(204, (("x-a", "1"),), (Frame(b"never said"),)),
    "/slow": create_sse_answer([Frame(b"{}"), Frame(b"[]", 0.01)]),
    "/late": Answer(200, (), (Frame(b"{}"),), wait=0.01),
    "/latin": Answer(200, (("x-a", "é\xa0"),), (Frame(b"{}"),)),
    "/broken": Answer(200, (("x-a", "1\r\nx-b: 2"),), (Frame(b"{}"),)),
}
IN_ONE = {"/plain", "/stream", "/empty", "/silent", "/latin"}
ENDING = b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


class Speaker:
    """Plays the answer of the path, and notes what was heard of it."""

    def __init__(self) -> None:
        self.playback = Playback()
        self.heard: list[Delivery] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(heard: Delivery) -> None:
            self.heard.append(heard)

        await self.playback.play(ANSWERS[scope["path"]], scope, receive, send, told)


@pytest.fixture(params=["httptools", "h11"])
def speaker(request: pytest.FixtureRequest) -> Iterator[tuple[Speaker, BackgroundServer]]:
    app = Speaker()
    running = BackgroundServer(
        app, bind_socket("127.0.0.1", 0), app.playback, http=request.param, lifespan="off"
    )
    running.start()
    yield app, running
    running.stop()


@pytest.fixture
def breaths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The status of each answer that was said in one breath."""
    taken: list[int] = []
    say = SingleWrite.send_response

    def noted(self: SingleWrite, cycle: object, status: int, head: bytes, body: bytes) -> None:
        taken.append(status)
        say(self, cycle, status, head, body)

    monkeypatch.setattr(SingleWrite, "send_response", noted)
    return taken


def words(answer: bytes) -> tuple[bytes, list[bytes], bytes]:
    """The status line, the headers in any order but for the time, and the body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    own = (b"date:", b"connection:")
    return status, sorted(line for line in headers if not line.lower().startswith(own)), body


@pytest.mark.parametrize("path", sorted(set(ANSWERS) - {"/broken"}))
def test_it_is_what_uvicorn_says(
    speaker: tuple[Speaker, BackgroundServer], breaths: list[int], path: str
) -> None:
    app, running = speaker
    get = f"GET {path}".encode()
    # The first is said in one breath, the one that closes the connection is left to uvicorn.
    both = ask(running, get + b" HTTP/1.1\r\nhost: x\r\n\r\n" + get + ENDING)
    first, second = (words(b"HTTP/1.1 " + part) for part in both.split(b"HTTP/1.1 ")[1:])
    assert first == second
    one, other = app.heard
    assert (one.status, one.size, len(one.times), one.end_reason) == (
        other.status,
        other.size,
        len(other.times),
        other.end_reason,
    )
    wanted = path in IN_ONE and "httptools" in str(running._uvicorn.config.http).lower()
    assert len(breaths) == wanted


def test_a_header_that_would_become_two_is_left_to_uvicorn_which_refuses_it(
    speaker: tuple[Speaker, BackgroundServer], breaths: list[int]
) -> None:
    _, running = speaker
    assert b"x-b: 2" not in ask(
        running, b"GET /broken" + ENDING.replace(b"connection: close", b"x-c: 1") + b""
    )
    assert breaths == []


def test_the_time_is_told_as_uvicorn_tells_it(speaker: tuple[Speaker, BackgroundServer]) -> None:
    _, running = speaker
    get = b"GET /plain HTTP/1.1\r\nhost: x\r\n\r\n"
    told = ask(running, get + get + b"GET /plain" + ENDING)
    assert len(re.findall(rb"\r\ndate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n", told)) == 3


def test_requests_that_come_together_are_answered_in_their_order(
    speaker: tuple[Speaker, BackgroundServer],
) -> None:
    app, running = speaker
    paths = ["/plain", "/slow", "/plain", "/stream", "/late", "/empty"]
    together = b"".join(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode() for path in paths)
    told = ask(running, together + b"GET /none" + ENDING)
    statuses = [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", told)]
    assert statuses == [ANSWERS[path].status for path in (*paths, "/none")]
    assert [heard.status for heard in app.heard] == statuses


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_client_that_has_no_more_to_say_hears_its_answer(loop: str) -> None:
    app = Speaker()
    running = BackgroundServer(app, bind_socket("127.0.0.1", 0), app.playback, loop=loop, lifespan="off")
    running.start()
    for _ in range(20):
        with socket.create_connection(running.address, timeout=10) as client:
            client.sendall(b"GET /plain HTTP/1.1\r\nhost: x\r\n\r\n")
            client.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda: client.recv(65536), b"")).startswith(b"HTTP/1.1 201")
    running.stop()


@pytest.mark.parametrize("end", ["shutdown", "send_400_response"])
def test_what_was_said_is_written_before_the_connection_ends(
    speaker: tuple[Speaker, BackgroundServer], monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    app, running = speaker
    answered = Speaker.__call__

    async def answered_and_ended(self: Speaker, scope: Scope, receive: Receive, send: Send) -> None:
        await answered(self, scope, receive, send)
        cycle = send.__self__  # type: ignore[attr-defined]
        for protocol in list(running._uvicorn.server_state.connections):
            if protocol.cycle is cycle:  # type: ignore[union-attr]
                getattr(protocol, end)(*["no more"] * (end != "shutdown"))

    monkeypatch.setattr(Speaker, "__call__", answered_and_ended)
    told = ask(running, b"GET /plain HTTP/1.1\r\nhost: x\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 201")
    assert b"{}" in told
    assert app.heard[0].end_reason == "finished"


def test_what_says_nothing_of_itself_is_left_to_it() -> None:
    assert SingleWrite(type(None), {}).take_cycle(print) is None


class Listener:
    """Notes the messages that it receives, up to a number of them, then answers."""

    def __init__(self, count: int) -> None:
        self.playback = Playback()
        self.count = count
        self.messages: list[Message] = []
        self.has_received, self.has_ended = threading.Event(), threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.has_received.set()
        for _ in range(self.count):
            self.messages.append(await receive())
        await self.playback.play(ANSWERS["/plain"], scope, receive, send)
        self.has_ended.set()


def serve(app: Listener) -> BackgroundServer:
    running = BackgroundServer(app, bind_socket("127.0.0.1", 0), app.playback, lifespan="off")
    running.start()
    return running


POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n"


def test_a_body_that_arrives_after_its_head_is_received() -> None:
    app = Listener(1)
    running = serve(app)
    with socket.create_connection(running.address, timeout=10) as client:
        client.sendall(POST + b"connection: close\r\n\r\n")
        assert app.has_received.wait(10)
        client.sendall(b"body")
        told = b"".join(iter(lambda: client.recv(65536), b""))
    running.stop()
    assert (told[:12], app.messages[0]["body"]) == (b"HTTP/1.1 201", b"body")


def test_the_message_after_the_body_is_the_disconnect() -> None:
    app = Listener(2)
    running = serve(app)
    with socket.create_connection(running.address, timeout=10) as client:
        client.sendall(POST + b"\r\nbody")
        assert app.has_received.wait(10)
    assert app.has_ended.wait(10)
    running.stop()
    assert [message["type"] for message in app.messages] == ["http.request", "http.disconnect"]
    assert (app.messages[0]["body"], app.messages[0]["more_body"]) == (b"body", False)


def test_a_client_that_expects_it_is_told_to_continue() -> None:
    app = Listener(1)
    running = serve(app)
    told = ask(running, POST + b"expect: 100-continue\r\nconnection: close\r\n\r\nbody")
    running.stop()
    assert told.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201")
