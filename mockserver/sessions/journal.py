"""The journal: one entry per request, with what was received, decided and sent. Only the pipeline writes it.

An answer is a value, so an entry keeps the answer itself, and what was sent of it is computed when it is read. The
pipeline awaits each method before it goes on, so that no client is ever ahead of the journal: the status is there
before the first byte is sent, and the end before the last one.
"""

from __future__ import annotations

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
from mockserver.wire.monotonic_clock import read_monotonic
from mockserver.wire.playback import Delivery
from mockserver.wire.prerendered import PrerenderedAnswer, count_retained_bytes, find_prerendered

MAX_BYTES = 64 * 1024 * 1024
_ENTRY_OVERHEAD = 1_000  # bytes of an entry without its head and bodies

Lifecycle = Literal["arrived", "decided", "ended"]


class JournalEntry:
    """One request, from its arrival to the end of its answer.

    `request` is None if no vendor has the path. `status` is 0 until an answer is decided, and if no status line is
    sent. `fixture` is the name of the one that matched, even if an error was sent instead; `rule` is the fault rule
    that applied, `fault` what was done to the answer, `reason` why the request was refused. `arrived` is in seconds
    since 1970.
    """

    __slots__ = (
        "account",  # the account of its key, if there is one
        "answer",
        "arrived",
        "charge",  # the final cost, calculated when first needed after the end
        "delivery",
        "fault",  # the fault that was applied, with its point
        "fixture",
        "head",
        "hold",  # the money that its account holds for it
        "id",
        "intended_answer",  # the answer before the fault, if one was applied
        "matched",
        "nearest",  # the name of the fixture nearest to a request with a generated reply
        "number",
        "reason",
        "request",  # its parsed body is dropped after the end
        "response",  # what the answer was rendered from
        "rule",
        "session",
        "size",  # bytes that the journal counts for it
        "started_at",  # the moment of arrival on the clock of deliveries (read_monotonic)
        "status",
        "usage",  # its tokens, counted when first needed
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
        self.fixture = self.nearest = self.rule = self.fault = ""
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
        self.started_at = read_monotonic()

    @property
    def request_with_body(self) -> ChatRequest | None:
        """Return the request, as a copy whose body can be parsed anew if the parsed body was dropped."""
        request = self.request
        return request if request is None or request.lazy_body.is_parsed else request.unparsed_copy()

    @property
    def is_generated(self) -> bool:
        """Return whether the reply was generated, because no fixture matched."""
        was_rendered = self.response is not None and (self.status < 400 or bool(self.fault))
        return was_rendered and not self.matched

    @property
    def vendor(self) -> str:
        """Return the vendor's name, empty if no vendor has the path."""
        return self.request.vendor.name if self.request else ""

    @property
    def model(self) -> str:
        """Return the model's name as the request has it, empty if it names none."""
        return self.request.model if self.request else ""

    @property
    def method(self) -> str:
        """Return the HTTP method."""
        return self.head.method

    @property
    def path(self) -> str:
        """Return the vendor's own path, or the path of the request line if no vendor has it."""
        return self.request.route.path if self.request else self.head.path

    @property
    def stream(self) -> bool:
        """Return whether a stream was requested from a vendor that supports streaming."""
        return self.request is not None and self.request.stream

    @property
    def attempt(self) -> int:
        """Return the number of earlier attempts that the client's SDK reports."""
        return self.request.attempt if self.request else 0


JournalListener = Callable[[Lifecycle, JournalEntry], None]


class JournalSize(NamedTuple):
    """The number of entries, and the number that were evicted."""

    entries: int
    evicted: int


class Journal(Protocol):
    """The methods that the pipeline and the admin API need, independent of where the entries are kept.

    A write that has been awaited is visible to every later read. `listeners` are called at each step of an entry.
    """

    listeners: list[JournalListener]

    async def open(self, entry: JournalEntry) -> None:
        """Add the entry of a request that has arrived, and number it, from 1 in the order of arrival."""
        ...

    async def decide(self, entry: JournalEntry, answer: Answer) -> None:
        """Record the answer, before anything of it is sent."""
        ...

    async def close(self, entry: JournalEntry, delivery: Delivery) -> None:
        """Record the end, before the last bytes are sent."""
        ...

    async def entries(self, session: str | None = None, since: int = 0) -> Sequence[JournalEntry]:
        """Return the entries of a session, or of all, with a number above `since`, the newest first."""
        ...

    async def entry(self, id: str) -> JournalEntry | None:  # noqa: A002
        """Return the entry with this id, None if it does not exist or was evicted."""
        ...

    async def clear(self, session: str | None = None) -> int:
        """Remove the entries of a session, or of all, and return their number."""
        ...

    async def size(self) -> JournalSize:
        """Return the number of entries and of evicted ones."""
        ...


class MemoryJournal:
    """A journal in this process, bounded in entries and in bytes: the oldest entries are evicted."""

    def __init__(self, max_entries: int = 10_000, max_bytes: int = MAX_BYTES) -> None:
        self.listeners: list[JournalListener] = []
        self._evicted = 0
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._last_ended: JournalEntry | None = None  # the entry closed last
        self._entries: dict[str, JournalEntry] = {}
        self._order: deque[JournalEntry] = deque()  # in the order of arrival
        self._prerendered_uses: dict[PrerenderedAnswer, int] = {}  # the number of entries that share each
        self._numbers = itertools.count(1)

    async def open(self, entry: JournalEntry) -> None:
        """Add and number an entry, and evict the oldest ones beyond the bounds."""
        entry.number = next(self._numbers)
        body_size = len(entry.request.lazy_body.raw) if entry.request else 0
        entry.size = _ENTRY_OVERHEAD + entry.head.size + body_size
        self._entries[entry.id] = entry
        self._order.append(entry)
        self._bytes += entry.size
        self._evict()
        self._publish("arrived", entry)

    async def decide(self, entry: JournalEntry, answer: Answer) -> None:
        """Record the answer, and evict the oldest entries beyond the bounds."""
        entry.answer = answer
        entry.status = answer.status if answer.head else 0
        if entry.id in self._entries:  # it may have been evicted while its answer was decided
            added, shared = count_retained_bytes(answer.frames), self._retain(answer)
            if entry.intended_answer is not None:
                added += count_retained_bytes(entry.intended_answer.frames)
                shared += self._retain(entry.intended_answer)
            entry.size += added
            self._bytes += added + shared
            if self._bytes > self._max_bytes:
                self._evict()
        self._publish("decided", entry)

    async def close(self, entry: JournalEntry, delivery: Delivery) -> None:
        """Record the end, and drop the parsed body of the entry closed before this one."""
        entry.delivery = delivery
        # The parsed body is dropped one request later, so that the listeners of this one can still use it.
        last, self._last_ended = self._last_ended, entry
        if last is not None and last.request is not None:
            last.request.lazy_body.drop_parsed()
        self._publish("ended", entry)

    async def entries(self, session: str | None = None, since: int = 0) -> Sequence[JournalEntry]:
        """Return the entries of a session, or of all, with a number above `since`, the newest first."""
        return list(self._newest(session, since))

    async def entry(self, id: str) -> JournalEntry | None:  # noqa: A002
        """Return the entry with this id, None if it does not exist or was evicted."""
        return self._entries.get(id)

    async def clear(self, session: str | None = None) -> int:
        """Remove the entries of a session, or of all, and return their number."""
        removed = list(self._newest(session))
        for entry in removed:
            self._remove(entry)
        self._order = deque(entry for entry in self._order if entry.id in self._entries)
        return len(removed)

    async def size(self) -> JournalSize:
        """Return the number of entries and of evicted ones."""
        return JournalSize(len(self._entries), self._evicted)

    def _newest(self, session: str | None, since: int = 0) -> Iterator[JournalEntry]:
        arrived = takewhile(lambda entry: entry.number > since, reversed(self._order))
        return (entry for entry in arrived if session is None or entry.session == session)

    def _publish(self, lifecycle: Lifecycle, entry: JournalEntry) -> None:
        for listener in self.listeners:
            listener(lifecycle, entry)

    def _evict(self) -> None:
        """Remove the oldest entries until the bounds are met."""
        # The newest entry stays, whatever its size: a test must find the request that it has just made.
        while (len(self._order) > self._max_entries or self._bytes > self._max_bytes) and len(
            self._order
        ) > 1:
            self._remove(self._order.popleft())
            self._evicted += 1

    def _remove(self, entry: JournalEntry) -> None:
        del self._entries[entry.id]
        self._bytes -= entry.size
        if entry.answer is not None:  # else nothing was retained yet, not even the intended answer
            self._release(entry.answer)
            if entry.intended_answer is not None:
                self._release(entry.intended_answer)

    def _release(self, answer: Answer) -> None:
        """Undo `_retain`."""
        prerendered = find_prerendered(answer.frames)
        if prerendered is not None:
            self._prerendered_uses[prerendered] -= 1
            if not self._prerendered_uses[prerendered]:
                del self._prerendered_uses[prerendered]
                self._bytes -= prerendered.size

    def _retain(self, answer: Answer) -> int:
        """Count one more use of a shared prerendered answer, and return the bytes that this adds."""
        prerendered = find_prerendered(answer.frames)
        if prerendered is None:
            return 0
        uses = self._prerendered_uses.get(prerendered, 0)
        self._prerendered_uses[prerendered] = uses + 1
        return 0 if uses else prerendered.size
