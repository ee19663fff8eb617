"""The event feed: every step of every request and every change, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from mockserver.admin.resources import build_request_row
from mockserver.sessions.event_log import EventLog
from mockserver.sessions.journal import JournalEntry, Lifecycle
from mockserver.wire.sse import encode_sse_comment, encode_sse_message

HEARTBEAT_SECONDS = 15.0  # seconds without an event before a comment is sent
BATCH_SECONDS = 0.05  # seconds for which events are gathered into one write, to keep their cost low


class EventFeed:
    """The feed of one server: it publishes to the log of events, and sends the log to subscribers."""

    def __init__(self, log: EventLog, closing: asyncio.Event) -> None:
        self._log = log
        self._closing = closing

    def publish_request(self, lifecycle: Lifecycle, entry: JournalEntry) -> None:
        """Publish a step of a request."""
        if self._log.is_recording:
            data = {"moment": lifecycle, "request": build_request_row(entry)}
            self._log.publish("request", entry.session, data)

    def publish_change(self, what: str, session: str | None) -> None:
        """Publish a change of the requests, counters, faults, fixtures, accounts or the clock."""
        self._log.publish("change", session, {"what": what, "session": session})

    async def subscribe(self, after: int | None, session: str | None) -> AsyncIterator[bytes]:
        """Yield the events from now on, or after the event with a number, until the server stops."""
        newest = await self._log.start()
        last = newest if after is None else after
        yield encode_sse_comment("mockserver")
        if last > newest:  # from an earlier run
            last = -1
        closing: asyncio.Future[Any] = asyncio.ensure_future(self._closing.wait())
        try:
            while True:
                first, events = await self._log.read(last)
                if last < first - 1:  # evicted before this subscriber received them
                    last = first - 1
                    yield encode_sse_message(b"{}", "lost", last)
                last = events[-1].number if events else last
                payloads = [
                    one.payload for one in events if session is None or one.session in (None, session)
                ]
                if payloads:
                    yield b"".join(payloads)
                    await asyncio.wait({closing}, timeout=BATCH_SECONDS)
                if self._closing.is_set() and not events:
                    return
                if not await self._log.wait(last, closing, HEARTBEAT_SECONDS):
                    yield encode_sse_comment("heartbeat")
        finally:
            closing.cancel()
