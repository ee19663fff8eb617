"""What was asked and what was heard, one entry a request. Entries are written here and nowhere else.

An answer is a value, so an entry keeps the answer itself: what was heard of it, and when, is read off when
somebody wants to know. The line awaits each verb before it goes on, so that no client is ever ahead of the
journal: its status is written before the first byte goes out, and its end before the last one.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import Literal, NamedTuple, Protocol

from mockserver.call import Call
from mockserver.money import Charge
from mockserver.origin import Head
from mockserver.session.purse import Paid
from mockserver.shelf.account import Account
from mockserver.shelf.response import Response
from mockserver.vendors.vendor import Usage
from mockserver.wire.answer import Answer
from mockserver.wire.playback import Heard
from mockserver.wire.stencil import Stencil, kept, shared

MOST_BYTES = 64 * 1024 * 1024
_ENTRY = 2_000  # bytes of an entry that keeps neither body

Moment = Literal["arrived", "decided", "ended"]


class Entry:
    """One request. `call` is None where no vendor has its path; `status` is 0 until one is decided, and where
    no status line is heard.

    `fixture` is the one that matched, whoever answered; `rule` the fault rule that struck, `fault` what was
    done to the answer; `why` says why it was refused. `arrived` is in seconds since 1970.
    """

    __slots__ = (
        "account",  # of its key, where there is one
        "answer",
        "arrived",
        "began",  # the same moment, on the clock of what is heard
        "charge",  # what it costs, once somebody has asked after it has ended
        "fault",  # that struck, with its point
        "fixture",
        "head",
        "heard",
        "id",
        "kept",  # the call; once it is over its words are let go
        "matched",
        "meant",  # the answer, where a fault has made another of it
        "number",
        "paid",  # what its account has paid for it
        "rule",
        "said",  # what the answer says
        "session",
        "size",  # bytes that the journal counts for it
        "status",
        "used",  # its tokens, once somebody has asked
        "why",
    )

    def __init__(self, id: str, head: Head, session: str, call: Call | None = None, why: str = "") -> None:  # noqa: A002
        self.id = id
        self.head = head
        self.session = session
        self.kept = call
        self.why = why
        self.fixture = self.rule = self.fault = ""
        self.matched = False
        self.number = self.size = self.status = 0
        self.answer: Answer | None = None
        self.heard: Heard | None = None
        self.said: Response | None = None
        self.meant: Answer | None = None
        self.used: Usage | None = None
        self.account: Account | None = None
        self.paid: Paid | None = None
        self.charge: Charge | None = None
        self.arrived = time.time()
        self.began = time.perf_counter()

    @property
    def call(self) -> Call | None:
        """The call, with its words."""
        kept = self.kept
        return kept if kept is None or kept.reading.kept else kept.again()

    @property
    def vendor(self) -> str:
        return self.kept.vendor.name if self.kept else ""

    @property
    def model(self) -> str:
        return self.kept.model if self.kept else ""

    @property
    def method(self) -> str:
        return self.head.method

    @property
    def path(self) -> str:
        """The vendor's own path, where there is a vendor."""
        return self.kept.place.path if self.kept else self.head.path

    @property
    def stream(self) -> bool:
        return self.kept is not None and self.kept.stream

    @property
    def attempt(self) -> int:
        return self.kept.attempt if self.kept else 0


Listener = Callable[[Moment, Entry], None]


class Extent(NamedTuple):
    """How many entries there are, and how many were let go."""

    kept: int
    dropped: int


class Journal(Protocol):
    """The verbs that the line and the control API need, wherever the entries are kept.

    What has been awaited is seen by whoever reads next. `listeners` hear of every moment of every entry.
    """

    listeners: list[Listener]

    async def open(self, entry: Entry) -> None:
        """A request has arrived; it is given its number, from 1 in the order of arrival."""
        ...

    async def decide(self, entry: Entry, answer: Answer) -> None:
        """Its answer is decided, and nothing of it is heard yet."""
        ...

    async def close(self, entry: Entry, heard: Heard) -> None:
        """It ends: the last bytes are next."""
        ...

    async def entries(self, session: str | None = None, since: int = 0) -> Sequence[Entry]:
        """The entries of a session, or of all, that came after the one with that number; the newest first."""
        ...

    async def entry(self, id: str) -> Entry | None:  # noqa: A002
        """The entry of a request, if it is still kept."""
        ...

    async def forget(self, session: str | None = None) -> int:
        """The entries of a session, or of all, are gone; returns how many."""
        ...

    async def extent(self) -> Extent:
        """How many entries there are, and how many were let go."""
        ...

    def change(self) -> asyncio.Future[None]:
        """Done as soon as an entry is opened, decided or closed, or entries are forgotten; cancel it when you go."""
        ...


class Ring:
    """A journal in this process, bounded in number and in bytes: the oldest entries make room."""

    def __init__(self, most: int = 10_000, most_bytes: int = MOST_BYTES) -> None:
        self.listeners: list[Listener] = []
        self._dropped = 0
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._over: Entry | None = None  # the last one that has ended
        self._entries: dict[str, Entry] = {}
        self._order: deque[Entry] = deque()  # of arrival
        self._stencils: dict[Stencil, int] = {}  # how many entries share each
        self._numbers = itertools.count(1)
        self._waiting: set[asyncio.Future[None]] = set()

    async def open(self, entry: Entry) -> None:
        entry.number = next(self._numbers)
        entry.size = _ENTRY + (len(entry.kept.raw) if entry.kept else 0)
        self._entries[entry.id] = entry
        self._order.append(entry)
        self._bytes += entry.size
        self._trim()
        self._changed("arrived", entry)

    async def decide(self, entry: Entry, answer: Answer) -> None:
        entry.answer = answer
        entry.status = answer.status if answer.head else 0
        if entry.id in self._entries:  # it may have been let go while its answer was sought
            said = kept(answer.frames)
            entry.size += said
            self._bytes += said + self._hold(answer)
            self._trim()
        self._changed("decided", entry)

    async def close(self, entry: Entry, heard: Heard) -> None:
        entry.heard = heard
        last, self._over = self._over, entry  # whoever is told of this one now need not read it again
        if last is not None and last.kept is not None:
            last.kept.reading.forget()
        self._changed("ended", entry)

    async def entries(self, session: str | None = None, since: int = 0) -> Sequence[Entry]:
        return list(self._newest(session, since))

    async def entry(self, id: str) -> Entry | None:  # noqa: A002
        return self._entries.get(id)

    async def forget(self, session: str | None = None) -> int:
        gone = list(self._newest(session))
        for entry in gone:
            self._drop(entry)
        self._order = deque(entry for entry in self._order if entry.id in self._entries)
        self._wake()
        return len(gone)

    async def extent(self) -> Extent:
        return Extent(len(self._entries), self._dropped)

    def change(self) -> asyncio.Future[None]:
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        waiting.add_done_callback(self._waiting.discard)
        return waiting

    def _newest(self, session: str | None, since: int = 0) -> Iterator[Entry]:
        arrived = takewhile(lambda entry: entry.number > since, reversed(self._order))
        return (entry for entry in arrived if session is None or entry.session == session)

    def _changed(self, moment: Moment, entry: Entry) -> None:
        for listen in self.listeners:
            listen(moment, entry)
        self._wake()

    def _wake(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    def _trim(self) -> None:
        """The oldest make room."""
        # The newest stays, whatever its size: a journal that forgets the request just made is of no use.
        while (len(self._order) > self._most or self._bytes > self._most_bytes) and len(self._order) > 1:
            self._drop(self._order.popleft())
            self._dropped += 1

    def _drop(self, entry: Entry) -> None:
        del self._entries[entry.id]
        self._bytes -= entry.size
        stencil = shared(entry.answer.frames) if entry.answer else None
        if stencil is not None:
            self._stencils[stencil] -= 1
            if not self._stencils[stencil]:
                del self._stencils[stencil]
                self._bytes -= stencil.size

    def _hold(self, answer: Answer) -> int:
        """The bytes that an answer takes of what it shares: none where another one holds it already."""
        stencil = shared(answer.frames)
        if stencil is None:
            return 0
        held = self._stencils.get(stencil, 0)
        self._stencils[stencil] = held + 1
        return 0 if held else stencil.size
