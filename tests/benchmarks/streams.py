"""A client that holds thousands of streams open at once, and knows when each event of each arrived."""

from __future__ import annotations

import asyncio
import gc
import itertools
import resource
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import uvloop

from tests.benchmarks import asked
from tests.benchmarks.served import Failed, Served

_PATIENCE = 120.0  # seconds
_LEAD = 2  # events before the second chunk of text: what opens a stream comes at once
_T = TypeVar("_T")


@dataclass(frozen=True)
class Paced:
    """Streams that ran to their end: every gap between two chunks of text, in seconds, sorted; and the CPU it took."""

    gaps: list[float]
    cpu: float

    def centile(self, part: float) -> float:
        return self.gaps[min(len(self.gaps) - 1, int(len(self.gaps) * part))]


@dataclass(frozen=True)
class Held:
    """Streams that were open all at once: bytes for each, and the seconds until the last had begun."""

    each: float
    seconds: float


@dataclass
class _Stream(asyncio.Protocol):
    """One stream: its request goes out as the connection stands; `begun` and `ended` are done in time."""

    request: bytes
    begun: asyncio.Future[None]
    ended: asyncio.Future[None]
    moments: list[float] = field(default_factory=list)
    head: bytes = b""
    transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        events = data.count(b"data: ")
        self.head = self.head or data[:16]
        if events:
            self.moments += [time.perf_counter()] * events
            if not self.begun.done():
                self.begun.set_result(None)

    def connection_lost(self, _: Exception | None) -> None:
        for future in (self.begun, self.ended):
            if not future.done():
                future.set_result(None)


def _request(served: Served, body: bytes) -> bytes:
    host, port = served.address
    headers = {
        "Host": f"{host}:{port}",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **asked.HEADERS,
    }
    lines = [f"POST {served.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


async def _opened(served: Served, question: str, count: int) -> list[_Stream]:
    """So many streams, a hundred connections being made at a time."""
    loop = asyncio.get_running_loop()
    request = _request(served, asked.body(question, stream=True))
    turnstile = asyncio.Semaphore(100)

    async def one() -> _Stream:
        stream = _Stream(request, loop.create_future(), loop.create_future())
        async with turnstile:
            await loop.create_connection(lambda: stream, *served.address)
        return stream

    return await asyncio.gather(*(one() for _ in range(count)))


async def _paced(served: Served, count: int) -> Paced:
    before = served.cpu()
    streams = await _opened(served, asked.PACED, count)
    await asyncio.wait([stream.ended for stream in streams], timeout=_PATIENCE)
    used = served.cpu() - before
    short = [stream for stream in streams if len(stream.moments) < asked.CHUNKS]
    if short:
        raise Failed(f"{served.name}: {len(short)} of {count} paced streams broke off: {short[0].head!r}")
    gaps = [
        after - before
        for stream in streams
        for before, after in itertools.pairwise(stream.moments[_LEAD : asked.CHUNKS])
    ]
    return Paced(sorted(gaps), used)


async def _held(served: Served, count: int) -> Held:
    before, began = served.memory(), time.perf_counter()
    streams = await _opened(served, asked.HELD, count)
    await asyncio.wait([stream.begun for stream in streams], timeout=_PATIENCE)
    seconds = time.perf_counter() - began
    grown = served.memory() - before
    lost = [stream for stream in streams if stream.ended.done() or not stream.begun.done()]
    for stream in streams:
        if stream.transport is not None:
            stream.transport.abort()
    if lost:
        raise Failed(f"{served.name}: {len(lost)} of {count} streams are not open: {lost[0].head!r}")
    return Held(grown / count, seconds)


def paced(served: Served, count: int) -> Paced:
    """So many paced streams at once, to their end."""
    return _run(_paced(served, count))


def held(served: Served, count: int) -> Held:
    """So many streams open at once; they are left as soon as all have begun."""
    return _run(_held(served, count))


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    """RunPytest it with as many open files as are allowed, and without pauses of our own."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.collect()
    gc.disable()
    try:
        return uvloop.run(work)
    finally:
        gc.enable()
