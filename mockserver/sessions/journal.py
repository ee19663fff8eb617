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

from mockserver.fixtures.account_spec import AccountSpec
from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_head import RequestHead
from mockserver.schema.money import Charge
from mockserver.sessions.ledger import Hold
from mockserver.vendors.vendor import TokenUsage
from mockserver.wire.answer import Answer
from mockserver.wire.playback import Delivery
from mockserver.wire.prerendered import PrerenderedAnswer, count_retained_bytes, find_prerendered

MAX_BYTES = 64 * 1024 * 1024
_ENTRY_OVERHEAD = 2_000  # bytes of an entry that keeps neither body

Lifecycle = Literal["arrived", "decided", "ended"]


class JournalEntry:
    """One request. `call` is None where no vendor has its path; `status` is 0 until one is decided, and where
    no status line is heard.

    `fixture` is the one that matched, whoever answered; `rule` the fault rule that struck, `fault` what was
    done to the answer; `why` says why it was refused. `arrived` is in seconds since 1970.
    """

    __slots__ = (
        "account",  # of its key, where there is one
        "answer",
        "arrived",
        "charge",  # what it costs, once somebody has asked after it has ended
        "delivery",
        "fault",  # that struck, with its point
        "fixture",
        "head",
        "hold",  # what its account has paid for it
        "id",
        "intended_answer",  # the answer, where a fault has made another of it
        "matched",
        "number",
        "reason",
        "request",  # the call; once it is over its words are let go
        "response",  # what the answer says
        "rule",
        "session",
        "size",  # bytes that the journal counts for it
        "started_at",  # the same moment, on the clock of what is heard
        "status",
        "usage",  # its tokens, once somebody has asked
    )

    def __init__(
        self,
        id: str,  # noqa: A002
        head: RequestHead,
        session: str,
        request: ChatRequest | None = None,
        reason: str = "",
    ) -> None:
        self.id = id
        self.head = head
        self.session = session
        self.request = request
        self.reason = reason
        self.fixture = self.rule = self.fault = ""
        self.matched = False
        self.number = self.size = self.status = 0
        self.answer: Answer | None = None
        self.delivery: Delivery | None = None
        self.response: ResponseSpec | None = None
        self.intended_answer: Answer | None = None
        self.usage: TokenUsage | None = None
        self.account: AccountSpec | None = None
        self.hold: Hold | None = None
        self.charge: Charge | None = None
        self.arrived = time.time()
        self.started_at = time.perf_counter()

    @property
    def request_with_body(self) -> ChatRequest | None:
        """The call, with its words."""
        kept = self.request
        return kept if kept is None or kept.lazy_body.is_parsed else kept.unparsed_copy()

    @property
    def vendor(self) -> str:
        return self.request.vendor.name if self.request else ""

    @property
    def model(self) -> str:
        return self.request.model if self.request else ""

    @property
    def method(self) -> str:
        return self.head.method

    @property
    def path(self) -> str:
        """The vendor's own path, where there is a vendor."""
        return self.request.route.path if self.request else self.head.path

    @property
    def stream(self) -> bool:
        return self.request is not None and self.request.stream

    @property
    def attempt(self) -> int:
        return self.request.attempt if self.request else 0


JournalListener = Callable[[Lifecycle, JournalEntry], None]


class JournalSize(NamedTuple):
    """How many entries there are, and how many were let go."""

    entries: int
    evicted: int


class Journal(Protocol):
    """The verbs that the line and the control API need, wherever the entries are kept.

    What has been awaited is seen by whoever reads next. `listeners` hear of every moment of every entry.
    """

    listeners: list[JournalListener]

    async def open(self, entry: JournalEntry) -> None:
        """A request has arrived; it is given its number, from 1 in the order of arrival."""
        ...

    async def decide(self, entry: JournalEntry, answer: Answer) -> None:
        """Its answer is decided, and nothing of it is heard yet."""
        ...

    async def close(self, entry: JournalEntry, delivery: Delivery) -> None:
        """It ends: the last bytes are next."""
        ...

    async def entries(self, session: str | None = None, since: int = 0) -> Sequence[JournalEntry]:
        """The entries of a session, or of all, that came after the one with that number; the newest first."""
        ...

    async def entry(self, id: str) -> JournalEntry | None:  # noqa: A002
        """The entry of a request, if it is still kept."""
        ...

    async def clear(self, session: str | None = None) -> int:
        """The entries of a session, or of all, are gone; returns how many."""
        ...

    async def size(self) -> JournalSize:
        """How many entries there are, and how many were let go."""
        ...

    def next_change(self) -> asyncio.Future[None]:
        """Done as soon as an entry is opened, decided or closed, or entries are forgotten; cancel it when you go."""
        ...


class MemoryJournal:
    """A journal in this process, bounded in number and in bytes: the oldest entries make room."""

    def __init__(self, max_entries: int = 10_000, max_bytes: int = MAX_BYTES) -> None:
        self.listeners: list[JournalListener] = []
        self._evicted = 0
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._last_ended: JournalEntry | None = None  # the last one that has ended
        self._entries: dict[str, JournalEntry] = {}
        self._order: deque[JournalEntry] = deque()  # of arrival
        self._prerendered_uses: dict[PrerenderedAnswer, int] = {}  # how many entries share each
        self._numbers = itertools.count(1)
        self._waiters: set[asyncio.Future[None]] = set()

    async def open(self, entry: JournalEntry) -> None:
        entry.number = next(self._numbers)
        entry.size = _ENTRY_OVERHEAD + (len(entry.request.raw) if entry.request else 0)
        self._entries[entry.id] = entry
        self._order.append(entry)
        self._bytes += entry.size
        self._evict()
        self._publish("arrived", entry)

    async def decide(self, entry: JournalEntry, answer: Answer) -> None:
        entry.answer = answer
        entry.status = answer.status if answer.head else 0
        if entry.id in self._entries:  # it may have been let go while its answer was sought
            said = count_retained_bytes(answer.frames)
            entry.size += said
            self._bytes += said + self._retain(answer)
            self._evict()
        self._publish("decided", entry)

    async def close(self, entry: JournalEntry, delivery: Delivery) -> None:
        entry.delivery = delivery
        last, self._last_ended = (
            self._last_ended,
            entry,
        )  # whoever is told of this one now need not read it again
        if last is not None and last.request is not None:
            last.request.lazy_body.drop_parsed()
        self._publish("ended", entry)

    async def entries(self, session: str | None = None, since: int = 0) -> Sequence[JournalEntry]:
        return list(self._newest(session, since))

    async def entry(self, id: str) -> JournalEntry | None:  # noqa: A002
        return self._entries.get(id)

    async def clear(self, session: str | None = None) -> int:
        gone = list(self._newest(session))
        for entry in gone:
            self._remove(entry)
        self._order = deque(entry for entry in self._order if entry.id in self._entries)
        self._wake_waiters()
        return len(gone)

    async def size(self) -> JournalSize:
        return JournalSize(len(self._entries), self._evicted)

    def next_change(self) -> asyncio.Future[None]:
        waiting = asyncio.get_running_loop().create_future()
        self._waiters.add(waiting)
        waiting.add_done_callback(self._waiters.discard)
        return waiting

    def _newest(self, session: str | None, since: int = 0) -> Iterator[JournalEntry]:
        arrived = takewhile(lambda entry: entry.number > since, reversed(self._order))
        return (entry for entry in arrived if session is None or entry.session == session)

    def _publish(self, lifecycle: Lifecycle, entry: JournalEntry) -> None:
        for listen in self.listeners:
            listen(lifecycle, entry)
        self._wake_waiters()

    def _wake_waiters(self) -> None:
        for waiting in self._waiters:
            if not waiting.done():
                waiting.set_result(None)

    def _evict(self) -> None:
        """The oldest make room."""
        # The newest stays, whatever its size: a journal that forgets the request just made is of no use.
        while (len(self._order) > self._max_entries or self._bytes > self._max_bytes) and len(
            self._order
        ) > 1:
            self._remove(self._order.popleft())
            self._evicted += 1

    def _remove(self, entry: JournalEntry) -> None:
        del self._entries[entry.id]
        self._bytes -= entry.size
        stencil = find_prerendered(entry.answer.frames) if entry.answer else None
        if stencil is not None:
            self._prerendered_uses[stencil] -= 1
            if not self._prerendered_uses[stencil]:
                del self._prerendered_uses[stencil]
                self._bytes -= stencil.size

    def _retain(self, answer: Answer) -> int:
        """The bytes that an answer takes of what it shares: none where another one holds it already."""
        stencil = find_prerendered(answer.frames)
        if stencil is None:
            return 0
        held = self._prerendered_uses.get(stencil, 0)
        self._prerendered_uses[stencil] = held + 1
        return 0 if held else stencil.size
