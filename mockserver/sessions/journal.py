"""The journal: one entry per request, with what was received, decided and sent. Only the pipeline writes it.

An answer is a value, so an entry keeps the answer itself, and what was sent of it is computed when it is read. The
pipeline awaits each method before it goes on, so that no client is ever ahead of the journal: the status is there
before the first byte is sent, and the end before the last one.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Final, Literal, NamedTuple, Protocol

from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.memoize import Memo, fast_dataclass
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_head import RequestHead
from mockserver.sessions.ledger import Hold
from mockserver.vendors.vendor import TokenUsage
from mockserver.wire.answer import Answer
from mockserver.wire.faults import Fault
from mockserver.wire.monotonic_clock import read_monotonic
from mockserver.wire.playback import Delivery

MAX_BYTES = 64 * 1024 * 1024  # of all entries

Lifecycle = Literal["arrived", "decided", "ended"]


def generate_request_id() -> str:
    """Return a new request id that is unique across processes."""
    return f"req-{_PROCESS_TOKEN}-{next(_REQUEST_NUMBERS)}"


_PROCESS_TOKEN = os.urandom(3).hex()
_REQUEST_NUMBERS = itertools.count(1)


@fast_dataclass
class Arrival:
    """A request that has arrived; `request` is None if no vendor has the path.

    `arrived_at` is in seconds since 1970, `started_at` the same moment on the clock of deliveries. `is_replay` means
    that the admin API sent it again.
    """

    id: str
    head: RequestHead
    session: str
    request: ChatRequest | None = None
    arrived_at: float = field(default_factory=time.time)
    started_at: float = field(default_factory=read_monotonic)
    is_replay: bool = False


# The kind of an answer. The answer of a fixture or an auxiliary endpoint; a generated reply; a refusal by the vendor's
# rules; an error or fault that a header, the key, the message or a fault rule has injected; the 404 of a strict server;
# the error for a path or method that is not served; the answer of the real vendor, while a server records.
Outcome = Literal["answered", "generated", "refused", "injected", "unmatched", "unknown_path", "forwarded"]
UNMATCHED_OUTCOMES: Final[tuple[Outcome, ...]] = ("generated", "unmatched", "unknown_path")


@fast_dataclass
class Decision:
    """The answer to a request, and how it was chosen.

    `fixture` is the name of the one that matched, even if an error was injected; a request that is refused has none.
    `rule` is the fault rule that applied, `fault` what was done to the answer, with its point, and `reason` why the
    request was refused.
    """

    answer: Answer
    fixture: str = ""
    matched: bool = False
    rule: str = ""
    reason: str = ""
    response: ResponseSpec | None = None  # what the answer was rendered from; None for a refusal
    hold: Hold | None = None  # the money that the request's account holds for the answer
    usage: TokenUsage | None = None  # its tokens, if they were counted for the hold
    outcome: Outcome = "answered"
    is_counted: bool = True  # whether assertions count the request: not with a wrong path, or an invalid body
    nearest: str = ""  # the name of the fixture nearest to a request with a generated reply
    own_fault: Fault | None = None  # the fault of the response itself, whether it is applied or not
    fault: str = ""
    intended_answer: Answer | None = None  # the answer before the fault, if one was applied
    unused_fault: str = ""  # the part of the reason about a fault that changes nothing

    @property
    def status(self) -> int:
        """Return the status of the answer, 0 if no status line is sent."""
        answer = self.answer
        return answer.status if answer.head else 0

    @property
    def is_generated(self) -> bool:
        """Return whether the reply was generated, because no fixture matched."""
        return self.response is not None and not self.matched


@fast_dataclass
class DroppedBodies:
    """The bodies of an entry that the journal has dropped: the digest of the request's.

    The last user message is kept, whole or truncated.
    """

    digest: str
    is_user_text_whole: bool


class JournalEntry:
    """One request, from its arrival to the end of its answer: three values, each None until its step.

    The journal alone sets them. `number` is 0 until the entry is in a journal, and `size` is in bytes. `memo` holds
    what is memoized for this entry, such as its cost. `dropped` is set when the journal has dropped the bodies of the
    request and its answer, to stay within its bounds.
    """

    __slots__ = ("_memo", "arrival", "decision", "delivery", "dropped", "number", "size")

    def __init__(self, arrival: Arrival) -> None:
        self.arrival = arrival
        self.decision: Decision | None = None
        self.delivery: Delivery | None = None
        self.dropped: DroppedBodies | None = None
        self._memo: Memo | None = None
        self.number = self.size = 0

    @property
    def memo(self) -> Memo:
        """Return what is memoized for this entry; most entries have nothing."""
        memo = self._memo
        if memo is None:
            memo = self._memo = Memo()
        return memo

    @property
    def id(self) -> str:
        """Return the id, as in x-mock-request-id."""
        return self.arrival.id

    @property
    def session(self) -> str:
        """Return the name of the session."""
        return self.arrival.session

    @property
    def head(self) -> RequestHead:
        """Return the head of the request."""
        return self.arrival.head

    @property
    def request(self) -> ChatRequest | None:
        """Return the request, None if no vendor has the path; its parsed body is dropped after the end."""
        return self.arrival.request

    @property
    def request_with_body(self) -> ChatRequest | None:
        """Return the request, as a copy whose body can be parsed anew if the parsed body was dropped."""
        request = self.arrival.request
        return request if request is None or request.lazy_body.is_parsed else request.unparsed_copy()

    @property
    def answer(self) -> Answer | None:
        """Return the answer, None until it is decided."""
        return self.decision.answer if self.decision else None

    @property
    def status(self) -> int:
        """Return the status of the answer; 0 until it is decided, and if no status line is sent."""
        return self.decision.status if self.decision else 0

    @property
    def fixture(self) -> str:
        """Return the name of the fixture that matched, empty if none did."""
        return self.decision.fixture if self.decision else ""

    @property
    def outcome(self) -> Outcome | None:
        """Return the kind of the answer, None until it is decided."""
        return self.decision.outcome if self.decision else None

    @property
    def matched(self) -> bool:
        """Return whether a fixture or an auxiliary endpoint answers the request."""
        return self.decision is not None and self.decision.matched

    @property
    def rule(self) -> str:
        """Return the fault rule that applied, empty if none did."""
        return self.decision.rule if self.decision else ""

    @property
    def fault(self) -> str:
        """Return the fault that was applied, empty if none was."""
        return self.decision.fault if self.decision else ""

    @property
    def reason(self) -> str:
        """Return why the request was refused, empty if it was not."""
        return self.decision.reason if self.decision else ""


DROPPED_BODY = "the journal has dropped the body of this request, to stay within its bounds"
JournalListener = Callable[[Lifecycle, JournalEntry], None]


class JournalSize(NamedTuple):
    """The number of entries, and the number that were evicted."""

    entries: int
    evicted: int


class Journal(Protocol):
    """The methods that the pipeline and the admin API need, independent of where the entries are kept.

    A write that has been awaited is visible to every later read.
    """

    def subscribe(self, listener: JournalListener) -> None:
        """Call a function at each step of every entry from now on."""
        ...

    async def open(self, entry: JournalEntry) -> None:
        """Add the entry of a request that has arrived, and number it, from 1 in the order of arrival."""
        ...

    async def decide(self, entry: JournalEntry, decision: Decision) -> None:
        """Record the decision, before anything of the answer is sent."""
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

    async def count_evicted(self, session: str | None = None) -> int:
        """Return the number of entries of a session, or of all, that were evicted since it was last cleared."""
        ...

    @property
    def max_entries(self) -> int:
        """Return the number of entries that are kept."""
        ...


def describe_dropped_bodies(count: int) -> str:
    """Return why the bodies of so many requests cannot be compared."""
    subject = "the body of 1 request was" if count == 1 else f"the bodies of {count:,} requests were"
    return f"{subject} dropped: the journal keeps {MAX_BYTES >> 20} MB"


def describe_evicted(count: int, max_entries: int, session: str | None) -> str:
    """Return why a question about a session, or about all, cannot be answered; an empty text without evictions."""
    if not count:
        return ""
    subject = "1 request" if count == 1 else f"{count:,} requests"
    owner = "" if session is None else " of this session"
    return (
        f"{subject}{owner} {'was' if count == 1 else 'were'} evicted: raise --journal-size ({max_entries:,})"
    )
