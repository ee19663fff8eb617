"""A stage: one real server per stack, that plays whatever answer a test hands it, and a raw ear."""

from __future__ import annotations

import itertools
import logging
import queue
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from starlette.types import Receive, Scope, Send

from mockserver.server import Server, bind
from mockserver.wire.answer import Answer
from mockserver.wire.playback import Heard, Playback

STACKS = [("httptools", "uvloop"), ("httptools", "asyncio"), ("h11", "uvloop"), ("h11", "asyncio")]


@dataclass
class Reading:
    """What a client heard, to the byte: `end` is eof, reset or silence."""

    text: bytes
    end: str
    seconds: float
    arrivals: list[tuple[float, int]] = field(default_factory=list)

    @property
    def head(self) -> bytes:
        """The head but for the clock."""
        head = self.text.partition(b"\r\n\r\n")[0]
        return re.sub(rb"(?i)date: [^\r]*\r\n", b"", head)

    @property
    def chunked(self) -> bool:
        return b"transfer-encoding: chunked" in self.head.lower()

    @property
    def body(self) -> bytes:
        """The body without its framing, as far as the framing is good."""
        rest = self.text.partition(b"\r\n\r\n")[2]
        if not self.chunked:
            return rest
        body = b""
        while found := re.match(rb"([0-9a-f]+)\r\n", rest):
            size = int(found[1], 16)
            body, rest = body + rest[found.end() :][:size], rest[found.end() + size + 2 :]
        return body

    @property
    def complete(self) -> bool:
        return self.text.endswith(b"0\r\n\r\n") if self.chunked else self.end == "eof"


class Stage:
    def __init__(self, http: str, loop: str) -> None:
        self.playback = Playback()
        self.heard: queue.Queue[Heard] = queue.Queue()
        self.heads: list[int] = []
        self.playing = threading.Event()
        self._answers: dict[str, Answer] = {}
        self._numbers = itertools.count()
        self.server = Server(self, bind("127.0.0.1", 0), self.playback, http=http, loop=loop, lifespan="off")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def on_head(status: int) -> None:
            self.heads.append(status)

        self.playing.set()
        answer = self._answers["/" + scope["path"].split("/")[1]]
        self.heard.put(await self.playback.play(answer, scope, receive, send, on_head))

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.server.address)

    def put(self, answer: Answer) -> str:
        """The path under which the answer is played, whatever follows it."""
        path = f"/{next(self._numbers)}"
        self._answers[path] = answer
        return path

    def call(
        self, answer: Answer, method: str = "GET", connection: str = "close", version: str = "1.1"
    ) -> socket.socket:
        """A request that is sent, and nothing read yet."""
        self.playing.clear()
        client = socket.create_connection(self.server.address, timeout=10)
        path = self.put(answer)
        head = f"{method} {path} HTTP/{version}\r\nhost: x\r\nconnection: {connection}\r\n\r\n"
        client.sendall(head.encode())
        return client

    def hear(self, answer: Answer, method: str = "GET", patience: float = 10.0) -> Reading:
        """The whole answer, until the connection ends or nothing comes for so many seconds."""
        began = time.perf_counter()
        with self.call(answer, method) as client:
            client.settimeout(patience)
            return self.listen(client, began)

    @staticmethod
    def listen(client: socket.socket, began: float) -> Reading:
        """Whatever still comes, until the connection ends or nothing comes for long."""
        text, arrivals, end = bytearray(), [], "eof"
        try:
            while data := client.recv(1 << 20):
                text += data
                arrivals.append((time.perf_counter() - began, len(data)))
        except ConnectionResetError:
            end = "reset"
        except TimeoutError:
            end = "silence"
        return Reading(bytes(text), end, time.perf_counter() - began, arrivals)

    def last(self) -> Heard:
        """What the server says of the play that ended last."""
        return self.heard.get(timeout=10)


@pytest.fixture(params=STACKS, ids="-".join, scope="session")
def any_stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    stage = Stage(*request.param)
    stage.server.start()
    yield stage
    stage.server.stop()


@pytest.fixture
def stage(any_stage: Stage, caplog: pytest.LogCaptureFixture) -> Iterator[Stage]:
    """A stage on which nothing is left over from the test before, and nothing may be logged."""
    any_stage.heads.clear()
    any_stage.heard.queue.clear()
    with caplog.at_level(logging.WARNING):
        yield any_stage
    assert any_stage.heard.empty()
    assert caplog.records == []


@pytest.fixture(params=STACKS, ids="-".join)
def own_stage(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[Stage]:
    """A stage that the test may stop."""
    stage = Stage(*request.param)
    stage.server.start()
    with caplog.at_level(logging.WARNING):
        yield stage
        stage.server.stop()
    assert caplog.records == []
