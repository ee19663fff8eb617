"""The connection of a worker to its supervisor, and through it to the other workers."""

from __future__ import annotations

import asyncio
import itertools
import signal
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from mockserver.errors import Problem
from mockserver.workers.message_channel import Message, MessageChannel, encode_message

METRICS, RELOAD, REFRESH = "metrics", "reload", "refresh"  # what a worker does for another one
METRICS_TIMEOUT = 2.0  # seconds until a worker without an answer contributes its last counters
RELOAD_TIMEOUT = 60.0  # seconds that a worker may take to read its fixture files


@dataclass(frozen=True, slots=True)
class WorkerStart:
    """The arguments of a worker's process: its number from 1, and the metrics of the process that it replaces.

    One of the workers announces the server: it logs where the server listens.
    """

    number: int
    count: int
    announces: bool = False
    former_metrics: str = ""


@dataclass(frozen=True, slots=True)
class WorkerReplies:
    """The results of all workers, and the last metrics of those that did not answer."""

    current: list[Any] = field(default_factory=list)
    former: list[str] = field(default_factory=list)


class WorkerLink:
    """A worker's end of its channel. `handlers` do for the other workers what these call for."""

    def __init__(self, sock: socket.socket, start: WorkerStart) -> None:
        self.start = start
        self.handlers: dict[str, Callable[[], Awaitable[Any]]] = {}
        self._sock = sock
        self._connected: asyncio.Future[MessageChannel] | None = None
        self._calls: dict[int, asyncio.Future[WorkerReplies]] = {}
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_first(self) -> bool:
        """Return whether this is the worker that does what one of them has to do, such as watching files."""
        return self.start.number == 1

    def report_failure(self, problems: Iterable[Problem]) -> None:
        """Report why this worker cannot start, before there is an event loop."""
        self._sock.sendall(encode_message(type="failed", problems=[asdict(one) for one in problems]))

    async def run(self) -> None:
        """Receive messages until this worker stops. It stops when the supervisor has ended."""
        channel = await MessageChannel.connect(self._sock)
        self._get_connected().set_result(channel)
        channel.send(type="ready")
        try:
            while (message := await channel.read()) is not None:
                self._receive(channel, message)
            signal.raise_signal(signal.SIGTERM)
        finally:
            channel.close()
            for call in self._calls.values():
                call.cancel()

    async def call(self, verb: str, timeout: float) -> WorkerReplies:  # noqa: ASYNC109 it is the supervisor's
        """Let all workers, this one included, do something; return their results."""
        channel = await self._get_connected()
        number = next(self._numbers)
        reply: asyncio.Future[WorkerReplies] = asyncio.get_running_loop().create_future()
        self._calls[number] = reply
        channel.send(type="call", id=number, verb=verb, timeout=timeout)
        try:
            return await reply
        finally:
            del self._calls[number]

    def _get_connected(self) -> asyncio.Future[MessageChannel]:
        if self._connected is None:
            self._connected = asyncio.get_running_loop().create_future()
        return self._connected

    def _receive(self, channel: MessageChannel, message: Message) -> None:
        if message["type"] == "run":
            task = asyncio.create_task(self._handle(channel, message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif (reply := self._calls.get(message["id"])) is not None:
            reply.set_result(WorkerReplies(message["current"], message["former"]))

    async def _handle(self, channel: MessageChannel, message: Message) -> None:
        channel.send(type="result", id=message["id"], result=await self.handlers[message["verb"]]())
