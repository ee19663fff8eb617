"""The state that requests leave behind: sessions, overlays, counters and ledgers, behind one protocol.

A session owns its counters, its journal entries, and an overlay of fixtures, fault rules and accounts that takes
precedence over the shared one. All methods are coroutines, so that a store may be in another process. The session
None stands for the state that all sessions share, or for all sessions together.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple, Protocol

from mockserver.fixtures.account_spec import AccountSpec
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.fixtures.fixture import Fixture
from mockserver.fixtures.plan_spec import PlanStep
from mockserver.matching.fixture_set import FixtureSet
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.money import Charge
from mockserver.sessions.adjustable_clock import AdjustableClock, ClockAdvances
from mockserver.sessions.counters import MetricLabels, MetricRow, RequestCounters
from mockserver.sessions.event_log import EventLog, MemoryEventLog
from mockserver.sessions.jobs import Job, JobRegistry
from mockserver.sessions.journal import Decision, Journal
from mockserver.sessions.ledger import AccountLedger, AccountStatement, Denial, Hold
from mockserver.sessions.memory_journal import MemoryJournal
from mockserver.sessions.stored_responses import ResponseRegistry, StoredResponse
from mockserver.wire.playback import Delivery

_logger = logging.getLogger("mockserver")

NO_FIXTURES: Final = FixtureSet(())

# The counters, each by `counter_key`: answers of a fixture; evaluations of a fault rule, and those in which it applied.
# Generated replies are counted if their latency is random.
CounterKind = Literal["answered", "evaluated", "applied", "generated"]
ANSWERED: Final = "answered"
EVALUATED: Final = "evaluated"
APPLIED: Final = "applied"
GENERATED: Final = "generated"
ALL_COUNTERS: Final[tuple[CounterKind, ...]] = (ANSWERED, EVALUATED, APPLIED, GENERATED)


class RemovedFixture(NamedTuple):
    """A fixture that was removed, and the names of the fixtures that it took precedence over."""

    fixture: Fixture
    behind: frozenset[str]


@dataclass(frozen=True, slots=True)
class Overlay:
    """The fixtures and fault rules (newest first) and accounts added at run time, for one session or for all.

    `fixtures_added` and `rules_added` count all that were ever added, so that no name is given twice. `accounts` and
    `topups` are by key; a top-up is added to the balance even if the account is defined elsewhere. `plan`, if it is not
    None, replaces that of the files; a session has none of its own. `removed` has the fixtures that were removed last,
    newest first.
    """

    fixtures: FixtureSet = NO_FIXTURES
    rules: tuple[FaultRule, ...] = ()
    fixtures_added: int = 0
    rules_added: int = 0
    accounts: Mapping[str, AccountSpec] = field(default_factory=dict)
    topups: Mapping[str, Decimal] = field(default_factory=dict)
    plan: tuple[PlanStep, ...] | None = None
    removed: tuple[RemovedFixture, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is in force that was added."""
        added = self.fixtures.fixtures or self.rules or self.accounts or self.topups
        return not added and self.plan is None


EMPTY_OVERLAY: Final = Overlay()


class _Done:
    """An awaitable that is done."""

    def __await__(self) -> Generator[Any, Any, None]:
        return iter(())  # type: ignore[return-value]  # `await` needs an iterator


class _NoLock(AbstractAsyncContextManager[object]):
    """A lock that does nothing, without the coroutines of `contextlib.nullcontext`."""

    def __aenter__(self) -> _Done:  # type: ignore[override]
        return _DONE

    def __aexit__(self, *_: object) -> _Done:  # type: ignore[override]
        return _DONE


_DONE: Final = _Done()


_NO_LOCK: Final = _NoLock()


class SessionStore(Protocol):
    """The state that requests leave behind: of all sessions, with the journal, the events and the metrics.

    The rest of the server keeps none, and uses these methods alone. So a second store can replace the first.
    """

    @property
    def journal(self) -> Journal:
        """Return the journal of all sessions."""
        ...

    @property
    def events(self) -> EventLog:
        """Return the events of all sessions."""
        ...

    def lock(self, session: str | None) -> AbstractAsyncContextManager[object]:
        """Return the lock of a session, or of the shared state.

        What is read under the lock stays true until it is released. Only this store's methods, and
        the rendering of a long response, are awaited under it.
        """
        ...

    async def counters(self, session: str | None, kind: CounterKind) -> Mapping[str, int]:
        """Return the counts by name in a session, or the sums over all sessions."""
        ...

    async def increment(self, session: str, kind: CounterKind, name: str) -> int:
        """Count one more, and return the count before."""
        ...

    async def reset_counters(
        self,
        session: str | None,
        kinds: Iterable[CounterKind] = ALL_COUNTERS,
        names: Collection[str] | None = None,
    ) -> None:
        """Reset these counters, for some names or all, in a session or in all of them."""
        ...

    async def overlays_and_counts(self, session: str) -> tuple[Overlay, Overlay, Mapping[str, int]]:
        """Return the session's overlay, the shared overlay and the counts of ANSWERED, as each request needs them."""
        ...

    async def overlay(self, session: str | None) -> Overlay:
        """Return the overlay of a session, or the shared one."""
        ...

    async def set_overlay(self, session: str | None, overlay: Overlay) -> None:
        """Replace the overlay of a session, or the shared one."""
        ...

    async def admit(self, session: str, account: AccountSpec, minimum: Charge) -> Denial | None:
        """Count one more request of an account, or return the denial: less than `minimum` left, or a full limit."""
        ...

    async def hold(
        self, session: str, account: AccountSpec, charge: Charge, minimum: Charge, tokens: int
    ) -> Denial | Hold:
        """Draw the cost of an answer atomically, at least `minimum`, or return why it is denied."""
        ...

    async def refund(self, session: str, key: str, hold: Hold, charge: Charge, *, void: bool = False) -> None:
        """Give back `charge` of a hold; `void`: the request does not count as paid at all."""
        ...

    async def statement(self, session: str, account: AccountSpec) -> AccountStatement:
        """Return the state of an account in a session."""
        ...

    async def sessions_of_account(self, key: str) -> tuple[str, ...]:
        """Return the names of the sessions in which an account was used."""
        ...

    async def restore_balance(self, session: str | None, key: str) -> None:
        """Restore the full balance of an account, in a session or in all of them."""
        ...

    async def reset_accounts(self, session: str | None) -> None:
        """Reset the ledgers of all accounts, in a session or in all of them."""
        ...

    async def elapsed(self, since: float, session: str | None) -> float:
        """Return the seconds since a moment of the machine's clock, with those by which a test advanced the clock."""
        ...

    async def clock_offset(self, session: str | None) -> float:
        """Return the seconds by which the clock of limits and fault rules was advanced, in a session or in all."""
        ...

    async def clock_advances(self, session: str | None) -> ClockAdvances:
        """Return when that clock was advanced, on the machine's clock, and by how many seconds."""
        ...

    async def advance_clock(self, session: str | None, seconds: float) -> None:
        """Advance the clock of a session, or of all."""
        ...

    async def reset_clock(self, session: str | None) -> None:
        """Undo the advances of a session, or of all."""
        ...

    async def start_plan(self, session: str) -> float:
        """Begin the plan unless it has begun; return the seconds since then, as `elapsed` counts them."""
        ...

    async def plan_elapsed(self, session: str | None) -> float | None:
        """Return the seconds since the plan began, None if it has not."""
        ...

    async def restart_plan(self) -> None:
        """Let the plan begin again, at the next request of any session."""
        ...

    async def count_request(
        self, request: ChatRequest | None, decision: Decision, delivery: Delivery
    ) -> None:
        """Count a request that has ended; None stands for one whose path no vendor has."""
        ...

    async def request_counts(self) -> Sequence[tuple[MetricLabels, MetricRow]]:
        """Return the counts and durations of all requests, also of those that the journal no longer has."""
        ...

    async def add_job(self, job: Job) -> None:
        """Add an asynchronous job of a session."""
        ...

    async def find_job(self, id: str) -> Job | None:  # noqa: A002
        """Return the job with this id, of whatever session; None if there is none."""
        ...

    async def forget_jobs(self, session: str | None) -> None:
        """Forget the jobs of a session, or of all."""
        ...

    async def add_response(self, session: str, response: StoredResponse) -> None:
        """Add a stored response of the Responses API."""
        ...

    async def find_response(self, session: str, id: str) -> StoredResponse | None:  # noqa: A002
        """Return the stored response of a session with this id, None if there is none."""
        ...

    async def find_response_item(self, session: str, id: str) -> Mapping[str, Any] | None:  # noqa: A002
        """Return the output item of a session's stored responses with this id, None if there is none."""
        ...

    async def delete_response(self, session: str, id: str) -> bool:  # noqa: A002
        """Delete a stored response of a session; return whether there was one."""
        ...

    async def forget_responses(self, session: str | None) -> None:
        """Forget the stored responses of a session, or of all."""
        ...

    async def sessions(self) -> tuple[str, ...]:
        """Return the names of all sessions, in the order of their last use."""
        ...

    async def evicted_sessions(self) -> int:
        """Return the number of sessions that were evicted to stay within the bounds."""
        ...

    async def copy(self, session: str) -> SessionStore:
        """Return an independent store with a copy of one session's state and an empty journal."""
        ...


@dataclass(slots=True)
class _SessionState:
    """The state of one session."""

    counters: dict[CounterKind, dict[str, int]] = field(default_factory=dict)
    overlay: Overlay = EMPTY_OVERLAY
    ledgers: dict[str, AccountLedger] = field(default_factory=dict)


class MemoryStore:
    """A store in this process.

    Beyond `max_sessions` the least recently used session is evicted, those without an overlay of their own first; the
    journal holds `max_requests` entries. No method ever suspends, so the lock is a no-op.
    """

    def __init__(self, max_sessions: int = 10_000, max_requests: int = 10_000) -> None:
        self.journal: Journal = MemoryJournal(max_requests)
        self.events: EventLog = MemoryEventLog()
        self._clock = AdjustableClock()
        self._counters = RequestCounters()
        self._max_sessions = max_sessions
        self._evicted = 0
        # Both in the order of their last use; `_plain` has the sessions without an overlay of their own.
        self._sessions: OrderedDict[str, _SessionState] = OrderedDict()
        self._plain: OrderedDict[str, None] = OrderedDict()
        self._last_used: tuple[str, _SessionState | None] = "", None  # the session used last
        self._shared = EMPTY_OVERLAY
        self._jobs = JobRegistry()
        self._responses = ResponseRegistry()
        self._plan_start: float | None = None  # on the machine's clock

    def lock(self, session: str | None) -> AbstractAsyncContextManager[object]:  # noqa: ARG002
        """Return a lock that does nothing: no method of this store suspends."""
        return _NO_LOCK

    async def counters(self, session: str | None, kind: CounterKind) -> Mapping[str, int]:
        """Return the counts by name in a session, or the sums over all sessions."""
        if session is not None:
            state = self._find_session(session)
            return state.counters.get(kind, {}) if state else {}
        total: Counter[str] = Counter()
        for state in self._sessions.values():
            total.update(state.counters.get(kind, {}))
        return total

    async def increment(self, session: str, kind: CounterKind, name: str) -> int:
        """Count one more, and return the count before."""
        counters = self._get_or_create_session(session).counters.setdefault(kind, {})
        before = counters.get(name, 0)
        counters[name] = before + 1
        return before

    async def reset_counters(
        self,
        session: str | None,
        kinds: Iterable[CounterKind] = ALL_COUNTERS,
        names: Collection[str] | None = None,
    ) -> None:
        """Reset counters of a session, or of all."""
        states = list(self._sessions.values()) if session is None else [self._get_or_create_session(session)]
        selected = None if names is None else frozenset(names)
        for counters in (state.counters.get(kind, {}) for state in states for kind in kinds):
            # A session uses few of many fixtures, so its own counters are the shorter list.
            for name in [name for name in counters if selected is None or name in selected]:
                del counters[name]

    async def overlays_and_counts(self, session: str) -> tuple[Overlay, Overlay, Mapping[str, int]]:
        """Return the session's overlay, the shared overlay and the counts of ANSWERED."""
        state = self._find_session(session)
        if state is None:
            return EMPTY_OVERLAY, self._shared, {}
        return state.overlay, self._shared, state.counters.get(ANSWERED, {})

    async def overlay(self, session: str | None) -> Overlay:
        """Return the overlay of a session, or the shared one."""
        if session is None:
            return self._shared
        state = self._find_session(session)
        return state.overlay if state else EMPTY_OVERLAY

    async def set_overlay(self, session: str | None, overlay: Overlay) -> None:
        """Replace the overlay of a session, or the shared one."""
        if session is None:
            self._shared = overlay
            return
        self._get_or_create_session(session).overlay = overlay
        self._plain.pop(session, None)
        if overlay.is_empty:
            self._plain[session] = None

    async def admit(self, session: str, account: AccountSpec, minimum: Charge) -> Denial | None:
        """Count one more request of an account, or return why it is denied."""
        return self._ledger(session, account.key).admit(account, minimum, self._clock.now(session))

    async def hold(
        self, session: str, account: AccountSpec, charge: Charge, minimum: Charge, tokens: int
    ) -> Denial | Hold:
        """Draw the cost of an answer, or return why it is denied."""
        return self._ledger(session, account.key).hold(
            account, charge, minimum, tokens, self._clock.now(session)
        )

    async def refund(self, session: str, key: str, hold: Hold, charge: Charge, *, void: bool = False) -> None:
        """Give back `charge` of a hold, if its session still exists."""
        state = self._sessions.get(session)
        if state is not None and key in state.ledgers:  # else the session was evicted, and the ledger with it
            state.ledgers[key].refund(charge, hold.epoch, void=void)

    async def statement(self, session: str, account: AccountSpec) -> AccountStatement:
        """Return the state of an account in a session."""
        state = self._sessions.get(session)
        ledger = state.ledgers.get(account.key) if state else None
        return (ledger or AccountLedger()).statement(account, self._clock.now(session))

    async def sessions_of_account(self, key: str) -> tuple[str, ...]:
        """Return the names of the sessions in which an account was used."""
        return tuple(name for name, state in self._sessions.items() if key in state.ledgers)

    async def restore_balance(self, session: str | None, key: str) -> None:
        """Restore the full balance of an account, in a session or in all of them."""
        for state in self._selected_sessions(session):
            if key in state.ledgers:
                state.ledgers[key].restore_balance()

    async def reset_accounts(self, session: str | None) -> None:
        """Reset the ledgers of all accounts, in a session or in all of them."""
        for state in self._selected_sessions(session):
            for ledger in state.ledgers.values():
                ledger.reset()

    async def elapsed(self, since: float, session: str | None) -> float:
        """Return the seconds since a moment of the machine's clock, with those by which a test advanced the clock."""
        return self._clock.elapsed(since, session)

    async def clock_offset(self, session: str | None) -> float:
        """Return the seconds by which the clock was advanced, in a session or in all."""
        return self._clock.offset(session)

    async def clock_advances(self, session: str | None) -> ClockAdvances:
        """Return when the clock was advanced, on the machine's clock, and by how many seconds."""
        return self._clock.advances(session)

    async def advance_clock(self, session: str | None, seconds: float) -> None:
        """Advance the clock of a session, or of all."""
        self._clock.advance(seconds, session)

    async def reset_clock(self, session: str | None) -> None:
        """Undo the advances of a session, or of all."""
        self._clock.reset(session)

    async def start_plan(self, session: str) -> float:
        """Begin the plan unless it has begun; return the seconds since then."""
        if self._plan_start is None:
            self._plan_start = self._clock.read_machine()
        return self._clock.elapsed(self._plan_start, session)

    async def plan_elapsed(self, session: str | None) -> float | None:
        """Return the seconds since the plan began, None if it has not."""
        return None if self._plan_start is None else self._clock.elapsed(self._plan_start, session)

    async def restart_plan(self) -> None:
        """Let the plan begin again, at the next request of any session."""
        self._plan_start = None

    async def count_request(
        self, request: ChatRequest | None, decision: Decision, delivery: Delivery
    ) -> None:
        """Count a request that has ended."""
        self._counters.record(request, decision, delivery)

    async def request_counts(self) -> Sequence[tuple[MetricLabels, MetricRow]]:
        """Return the counts and durations of all requests."""
        return list(self._counters.rows)

    async def add_job(self, job: Job) -> None:
        """Add an asynchronous job of a session."""
        self._get_or_create_session(job.session)
        self._jobs.add(job)

    async def find_job(self, id: str) -> Job | None:  # noqa: A002
        """Return the job with this id, of whatever session; None if there is none."""
        return self._jobs.find(id)

    async def forget_jobs(self, session: str | None) -> None:
        """Forget the jobs of a session, or of all."""
        self._jobs.forget(session)

    async def add_response(self, session: str, response: StoredResponse) -> None:
        """Add a stored response of the Responses API."""
        self._get_or_create_session(session)
        self._responses.add(session, response)

    async def find_response(self, session: str, id: str) -> StoredResponse | None:  # noqa: A002
        """Return the stored response of a session with this id, None if there is none."""
        return self._responses.find(session, id)

    async def find_response_item(self, session: str, id: str) -> Mapping[str, Any] | None:  # noqa: A002
        """Return the output item of a session's stored responses with this id, None if there is none."""
        return self._responses.find_item(session, id)

    async def delete_response(self, session: str, id: str) -> bool:  # noqa: A002
        """Delete a stored response of a session; return whether there was one."""
        return self._responses.remove(session, id)

    async def forget_responses(self, session: str | None) -> None:
        """Forget the stored responses of a session, or of all."""
        self._responses.forget(session)

    async def sessions(self) -> tuple[str, ...]:
        """Return the names of all sessions, in the order of their last use."""
        return tuple(self._sessions)

    async def evicted_sessions(self) -> int:
        """Return the number of sessions that were evicted to stay within `max_sessions`."""
        return self._evicted

    async def copy(self, session: str) -> SessionStore:
        """Return an independent store with a copy of one session's state and an empty journal."""
        copied = MemoryStore(1)
        copied._shared = self._shared
        copied._clock = self._clock
        copied._plan_start = self._plan_start
        copied._jobs = self._jobs.copy(session)
        copied._responses = self._responses.copy(session)
        if state := self._find_session(session):
            counters = {kind: dict(counts) for kind, counts in state.counters.items()}
            ledgers = {key: ledger.copy() for key, ledger in state.ledgers.items()}
            copied._sessions[session] = _SessionState(counters, state.overlay, ledgers)
        return copied

    def _selected_sessions(self, session: str | None) -> list[_SessionState]:
        if session is None:
            return list(self._sessions.values())
        return [self._sessions[session]] if session in self._sessions else []

    def _ledger(self, session: str, key: str) -> AccountLedger:
        return self._get_or_create_session(session).ledgers.setdefault(key, AccountLedger())

    def _find_session(self, name: str) -> _SessionState | None:
        """Return the state of a session and mark it as used; None if it has no state yet."""
        if name == self._last_used[0]:  # a request looks its session up several times
            return self._last_used[1]
        state = self._sessions.get(name)
        if state is not None:
            self._sessions.move_to_end(name)
            if name in self._plain:
                self._plain.move_to_end(name)
            self._last_used = name, state
        return state

    def _get_or_create_session(self, name: str) -> _SessionState:
        state = self._find_session(name)
        if state is None:
            if len(self._sessions) >= self._max_sessions:
                self._evict()
            state = self._sessions[name] = _SessionState()
            self._plain[name] = None
            self._last_used = name, state
        return state

    def _evict(self) -> None:
        """Remove the least recently used session; log the 1st, 2nd, 4th, 8th ... eviction."""
        name = next(iter(self._plain or self._sessions))
        state = self._sessions.pop(name)
        self._plain.pop(name, None)
        self._jobs.forget(name)
        self._responses.forget(name)
        self._evicted += 1
        if self._evicted & (self._evicted - 1) == 0:
            _logger.warning(
                "mockserver: evicted %d sessions so far, since no more than %d are kept; the last one, %r, had %s",
                self._evicted,
                self._max_sessions,
                name,
                "counters only" if state.overlay.is_empty else "fixtures, fault rules or accounts of its own",
            )
