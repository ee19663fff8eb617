"""What happens, as it happens: every moment of every request and every change, as an event stream."""

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

HEARTBEAT_SECONDS = 15.0  # seconds of silence after which a comment says that the connection lives
BATCH_SECONDS = (
    0.05  # seconds for which what comes thick and fast is gathered, so that telling it costs the calls little
)


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event. Those of no session are for everybody."""

    number: int
    session: str | None
    payload: bytes


class EventFeed:
    """The last events, for whoever listens, and for whoever comes back after a while.

    Nothing is told before somebody has listened once: until then it costs a request nothing.
    """

    def __init__(self, closing: asyncio.Event, max_events: int = 1000) -> None:
        self._closing = closing
        self._events: deque[FeedEvent] = deque(maxlen=max_events)
        self._last_number = 0
        self._subscribed = False
        self._waiters: set[asyncio.Future[None]] = set()

    def publish_request(self, lifecycle: Lifecycle, entry: JournalEntry) -> None:
        """A moment of a request."""
        if self._subscribed:
            self._publish(
                "request", entry.session, {"moment": lifecycle, "request": build_request_row(entry)}
            )

    def publish_change(self, what: str, session: str | None) -> None:
        """Something was steered: requests, counters, faults, fixtures, accounts, clock."""
        if self._subscribed:
            self._publish("change", session, {"what": what, "session": session})

    async def subscribe(self, after: int | None, session: str | None) -> AsyncIterator[bytes]:
        """All that is told from now on, or after an event; until the server stops."""
        self._subscribed = True
        last = self._last_number if after is None else after
        yield encode_sse_comment("mockserver")
        first = self._events[0].number if self._events else self._last_number + 1
        if not first - 1 <= last <= self._last_number:  # gone from the buffer, or of an earlier run
            last = first - 1
            yield encode_sse_message(b"{}", "lost", last)
        closing: asyncio.Future[Any] = asyncio.ensure_future(self._closing.wait())
        try:
            while True:
                news = self._events_after(last)
                last = news[-1].number if news else last
                heard = [one.payload for one in news if session is None or one.session in (None, session)]
                if heard:
                    yield b"".join(heard)
                    await asyncio.wait({closing}, timeout=BATCH_SECONDS)
                if self._closing.is_set() and self._last_number == last:
                    return
                if self._last_number == last and not await self._wait_for_event(closing):
                    yield encode_sse_comment("heartbeat")
        finally:
            closing.cancel()

    def _events_after(self, number: int) -> list[FeedEvent]:
        """What was told after that; the newest are looked at first, because they are few among many."""
        return list(itertools.takewhile(lambda one: one.number > number, reversed(self._events)))[::-1]

    def _publish(self, kind: str, session: str | None, data: dict[str, Any]) -> None:
        self._last_number += 1
        text = encode_sse_message(orjson.dumps(data), kind, self._last_number)
        self._events.append(FeedEvent(self._last_number, session, text))
        for waiting in self._waiters:
            if not waiting.done():
                waiting.set_result(None)

    async def _wait_for_event(self, closing: asyncio.Future[Any]) -> bool:
        """Whether something more was told, or the server stops, before the next heartbeat is due."""
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiting)
        try:
            done, _ = await asyncio.wait(
                {waiting, closing}, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            self._waiters.discard(waiting)
        return bool(done)
