"""The log of events: the last steps of requests and changes of state, numbered in their order for the event feed."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from typing import Any, NamedTuple, Protocol

import orjson

from mockserver.wire.sse import encode_sse_message


class LoggedEvent(NamedTuple):
    """One encoded event. Events without a session are for all subscribers."""

    number: int
    session: str | None
    payload: bytes


class EventBatch(NamedTuple):
    """The events after a number. `first` is the number of the oldest event that the log still has, or of the next."""

    first: int
    events: list[LoggedEvent]


class EventLog(Protocol):
    """The events of the feed, independent of where they are kept.

    Nothing is recorded before `start`, so that the log costs nothing until the feed is used.
    """

    @property
    def is_recording(self) -> bool:
        """Return whether events are recorded."""
        ...

    def publish(self, kind: str, session: str | None, data: dict[str, Any]) -> None:
        """Record an event, if they are recorded. This does not suspend: another process is told in the background."""
        ...

    async def start(self) -> int:
        """Record events from now on; return the number of the newest event."""
        ...

    async def read(self, after: int) -> EventBatch:
        """Return the events after a number."""
        ...

    async def wait(self, after: int, stop: asyncio.Future[Any], seconds: float) -> bool:
        """Wait for an event after a number, or for `stop`; return False if the time is over before."""
        ...


class MemoryEventLog:
    """A log in this process, bounded in events and in bytes: the oldest events are evicted."""

    def __init__(self, max_events: int = 1000, max_bytes: int = 4 * 1024 * 1024) -> None:
        self.is_recording = False
        self._events: deque[LoggedEvent] = deque()
        self._max_events, self._max_bytes = max_events, max_bytes
        self._bytes = 0  # of all payloads
        self._last_number = 0
        self._waiters: set[asyncio.Future[None]] = set()

    def publish(self, kind: str, session: str | None, data: dict[str, Any]) -> None:
        """Record an event, evict the oldest ones beyond the bounds, and end all waits."""
        if not self.is_recording:
            return
        self._last_number += 1
        payload = encode_sse_message(orjson.dumps(data), kind, self._last_number)
        self._events.append(LoggedEvent(self._last_number, session, payload))
        self._bytes += len(payload)
        while len(self._events) > 1 and (
            len(self._events) > self._max_events or self._bytes > self._max_bytes
        ):
            self._bytes -= len(self._events.popleft().payload)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def start(self) -> int:
        """Record events from now on; return the number of the newest event."""
        self.is_recording = True
        return self._last_number

    async def read(self, after: int) -> EventBatch:
        """Return the events after a number; searched from the newest, because most are older."""
        first = self._events[0].number if self._events else self._last_number + 1
        newer = itertools.takewhile(lambda one: one.number > after, reversed(self._events))
        return EventBatch(first, list(newer)[::-1])

    async def wait(self, after: int, stop: asyncio.Future[Any], seconds: float) -> bool:
        """Wait for an event after a number, or for `stop`; return False if the time is over before."""
        if self._last_number > after:
            return True
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            done, _ = await asyncio.wait({waiter, stop}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiters.discard(waiter)
        return bool(done)
