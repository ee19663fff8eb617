"""What happens, as it happens: every moment of every request and every change, as an event stream."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson

from mockserver.control import views
from mockserver.session.journal import Entry, Moment
from mockserver.wire import sse

HEARTBEAT = 15.0  # seconds of silence after which a comment says that the connection lives
GATHER = (
    0.05  # seconds for which what comes thick and fast is gathered, so that telling it costs the calls little
)


@dataclass(frozen=True, slots=True)
class Told:
    """One event. Those of no session are for everybody."""

    number: int
    session: str | None
    text: bytes


class Feed:
    """The last events, for whoever listens, and for whoever comes back after a while.

    Nothing is told before somebody has listened once: until then it costs a request nothing.
    """

    def __init__(self, closing: asyncio.Event, most: int = 1000) -> None:
        self._closing = closing
        self._told: deque[Told] = deque(maxlen=most)
        self._last = 0
        self._begun = False
        self._waiting: set[asyncio.Future[None]] = set()

    def request(self, moment: Moment, entry: Entry) -> None:
        """A moment of a request."""
        if self._begun:
            self._tell("request", entry.session, {"moment": moment, "request": views.line(entry)})

    def change(self, what: str, session: str | None) -> None:
        """Something was steered: requests, counters, faults, fixtures, accounts, clock."""
        if self._begun:
            self._tell("change", session, {"what": what, "session": session})

    async def follow(self, after: int | None, session: str | None) -> AsyncIterator[bytes]:
        """All that is told from now on, or after an event; until the server stops."""
        self._begun = True
        last = self._last if after is None else after
        yield sse.comment("mockserver")
        first = self._told[0].number if self._told else self._last + 1
        if not first - 1 <= last <= self._last:  # gone from the buffer, or of an earlier run
            last = first - 1
            yield sse.message(b"{}", "lost", last)
        closing: asyncio.Future[Any] = asyncio.ensure_future(self._closing.wait())
        try:
            while True:
                news = self._since(last)
                last = news[-1].number if news else last
                heard = [one.text for one in news if session is None or one.session in (None, session)]
                if heard:
                    yield b"".join(heard)
                    await asyncio.wait({closing}, timeout=GATHER)
                if self._closing.is_set() and self._last == last:
                    return
                if self._last == last and not await self._news(closing):
                    yield sse.comment("heartbeat")
        finally:
            closing.cancel()

    def _since(self, last: int) -> list[Told]:
        """What was told after that; the newest are looked at first, because they are few among many."""
        return list(itertools.takewhile(lambda one: one.number > last, reversed(self._told)))[::-1]

    def _tell(self, kind: str, session: str | None, data: dict[str, Any]) -> None:
        self._last += 1
        text = sse.message(orjson.dumps(data), kind, self._last)
        self._told.append(Told(self._last, session, text))
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def _news(self, closing: asyncio.Future[Any]) -> bool:
        """Whether something more was told, or the server stops, before the next heartbeat is due."""
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            done, _ = await asyncio.wait(
                {waiting, closing}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            self._waiting.discard(waiting)
        return bool(done)
