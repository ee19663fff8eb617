"""The event feed: every step of every request and every change, as server-sent events."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson

from mockserver.admin.resources import build_request_row
from mockserver.sessions.journal import JournalEntry, Lifecycle
from mockserver.wire.sse import encode_sse_comment, encode_sse_message

HEARTBEAT_SECONDS = 15.0  # seconds without an event before a comment is sent
BATCH_SECONDS = 0.05  # seconds for which events are gathered into one write, to keep their cost low


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One encoded event. Events without a session are sent to all subscribers."""

    number: int
    session: str | None
    payload: bytes


class EventFeed:
    """The last events, for subscribers and for those that reconnect.

    Nothing is recorded before the first subscription, so that the feed costs nothing until it is used.
    """

    def __init__(
        self, closing: asyncio.Event, max_events: int = 1000, max_bytes: int = 4 * 1024 * 1024
    ) -> None:
        self._closing = closing
        self._events: deque[FeedEvent] = deque()
        self._max_events, self._max_bytes = max_events, max_bytes
        self._bytes = 0  # of all payloads
        self._last_number = 0
        self._subscribed = False
        self._waiters: set[asyncio.Future[None]] = set()

    def publish_request(self, lifecycle: Lifecycle, entry: JournalEntry) -> None:
        """Publish a step of a request."""
        if self._subscribed:
            self._publish(
                "request", entry.session, {"moment": lifecycle, "request": build_request_row(entry)}
            )

    def publish_change(self, what: str, session: str | None) -> None:
        """Publish a change of the requests, counters, faults, fixtures, accounts or the clock."""
        if self._subscribed:
            self._publish("change", session, {"what": what, "session": session})

    async def subscribe(self, after: int | None, session: str | None) -> AsyncIterator[bytes]:
        """Yield the events from now on, or after the event with a number, until the server stops."""
        self._subscribed = True
        last = self._last_number if after is None else after
        yield encode_sse_comment("mockserver")
        if last > self._last_number:  # from an earlier run
            last = -1
        closing: asyncio.Future[Any] = asyncio.ensure_future(self._closing.wait())
        try:
            while True:
                first = self._events[0].number if self._events else self._last_number + 1
                if last < first - 1:  # evicted before this subscriber received them
                    last = first - 1
                    yield encode_sse_message(b"{}", "lost", last)
                events = self._events_after(last)
                last = events[-1].number if events else last
                payloads = [
                    one.payload for one in events if session is None or one.session in (None, session)
                ]
                if payloads:
                    yield b"".join(payloads)
                    await asyncio.wait({closing}, timeout=BATCH_SECONDS)
                if self._closing.is_set() and self._last_number == last:
                    return
                if self._last_number == last and not await self._wait_for_event(closing):
                    yield encode_sse_comment("heartbeat")
        finally:
            closing.cancel()

    def _events_after(self, number: int) -> list[FeedEvent]:
        """Return the events after a number; searched from the newest, because most are older."""
        return list(itertools.takewhile(lambda one: one.number > number, reversed(self._events)))[::-1]

    def _publish(self, kind: str, session: str | None, data: dict[str, Any]) -> None:
        self._last_number += 1
        payload = encode_sse_message(orjson.dumps(data), kind, self._last_number)
        self._events.append(FeedEvent(self._last_number, session, payload))
        self._bytes += len(payload)
        while len(self._events) > 1 and (
            len(self._events) > self._max_events or self._bytes > self._max_bytes
        ):
            self._bytes -= len(self._events.popleft().payload)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _wait_for_event(self, closing: asyncio.Future[Any]) -> bool:
        """Wait for an event or for the server to stop; return False when the next heartbeat is due first."""
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            done, _ = await asyncio.wait(
                {waiter, closing}, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            self._waiters.discard(waiter)
        return bool(done)
