"""A stage: one real server per stack, that plays whatever answer a test hands it."""

from __future__ import annotations

import itertools
import logging
import queue
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.types import Receive, Scope, Send

from mockserver.server.addresses import bind_socket
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.wire.answer import Answer, Ending
from mockserver.wire.playback import Delivery, Playback
from tests.conftest import STACKS
from tests.wire.recording_transport import Reading, listen

HANG = 0.15  # seconds of silence that are a hang; longer than any pause of an answer that goes on


class Stage:
    def __init__(self, http: str, loop: str) -> None:
        self.playback = Playback()
        self.heard: queue.Queue[tuple[str, Delivery]] = queue.Queue()
        self.playing = threading.Event()
        self._answers: dict[str, Answer] = {}
        self._numbers = itertools.count()
        self.server = BackgroundServer(
            self, bind_socket("127.0.0.1", 0), self.playback, http=http, loop=loop, lifespan="off"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.playing.set()
        path = "/" + scope["path"].split("/")[1]
        self.heard.put((path, await self.playback.play(self._answers[path], scope, receive, send)))

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
        return self.call_for(self.put(answer), method, connection, version)

    def call_for(self, path: str, method: str, connection: str, version: str) -> socket.socket:
        self.playing.clear()
        client = socket.create_connection(self.server.address, timeout=10)
        head = f"{method} {path} HTTP/{version}\r\nhost: x\r\nconnection: {connection}\r\n\r\n"
        client.sendall(head.encode())
        return client

    def hear(self, answer: Answer, method: str = "GET", patience: float = 10.0) -> Reading:
        """The whole answer, until the connection ends or nothing comes for so many seconds."""
        began = time.perf_counter()
        with self.call(answer, method) as client:
            client.settimeout(patience)
            return listen(client, began)

    def together(self, answers: Iterable[Answer]) -> list[tuple[Reading, Delivery]]:
        """Many answers at once, each as its client hears it and as the server says; a hang is soon over."""
        played = {self.put(answer): answer for answer in answers}

        def hear(path: str) -> Reading:
            began = time.perf_counter()
            with self.call_for(path, "GET", "close", "1.1") as client:
                client.settimeout(HANG if played[path].ending is Ending.HANG else 10)
                return listen(client, began)

        with ThreadPoolExecutor(len(played)) as pool:
            readings = list(pool.map(hear, played))
        told = dict(self.heard.get(timeout=10) for _ in played)
        return [(reading, told[path]) for path, reading in zip(played, readings, strict=True)]

    def last(self) -> Delivery:
        """What the server says of the play that ended last."""
        return self.heard.get(timeout=10)[1]


@pytest.fixture(params=STACKS, ids="-".join, scope="session")
def any_stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    stage = Stage(*request.param)
    stage.server.start()
    yield stage
    stage.server.stop()


@pytest.fixture
def stage(any_stage: Stage, caplog: pytest.LogCaptureFixture) -> Iterator[Stage]:
    """A stage on which nothing is left over from the test before, and nothing may be logged."""
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
