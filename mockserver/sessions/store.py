"""What is remembered of each session, behind coroutines, so that it can be kept outside this process too.

A session owns its counters, its entries of the journal, and in front of what all share, fixtures and fault rules
of its own. What is named None here belongs to nobody: all share it.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, Protocol

from mockserver.fixtures.account_spec import AccountSpec
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.matching.fixture_set import FixtureSet
from mockserver.schema.money import Charge
from mockserver.sessions.journal import Journal, MemoryJournal
from mockserver.sessions.ledger import AccountLedger, AccountStatement, Denial, Hold


class AdjustableClock:
    """Seconds, as the machine counts them and as they were moved on, for one session or for all of them."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        # By session, and under None for all: when it was moved on, and by how much.
        self._advances: dict[str | None, list[tuple[float, float]]] = {}

    def now(self, session: str | None = None) -> float:
        """What it shows in a session; only differences mean something."""
        return self._monotonic() + self.offset(session)

    def offset(self, session: str | None = None, since: float = 0.0) -> float:
        """The seconds by which it was moved on, all in all or after a moment on the machine's clock."""
        if not self._advances:
            return 0.0
        scopes = {session, None}
        return sum(by for scope in scopes for when, by in self._advances.get(scope, ()) if when >= since)

    def elapsed(self, since: float, session: str | None = None) -> float:
        """The seconds in a session after a moment on the machine's clock."""
        return self._monotonic() - since + self.offset(session, since)

    def advance(self, seconds: float, session: str | None = None) -> None:
        """Move it on, for a session or for all."""
        self._advances.setdefault(session, []).append((self._monotonic(), seconds))

    def reset(self, session: str | None = None) -> None:
        """It goes with the machine's again, in a session or in all of them."""
        if session is None:
            self._advances.clear()
        else:
            self._advances.pop(session, None)


NO_FIXTURES: Final = FixtureSet(())

# What is counted, each by name: answers of a fixture; rolls of a fault rule, and how many of them struck.
CounterKind = Literal["answered", "evaluated", "applied"]
ANSWERED: Final = "answered"
EVALUATED: Final = "evaluated"
APPLIED: Final = "applied"
ALL_COUNTERS: Final[tuple[CounterKind, ...]] = (ANSWERED, EVALUATED, APPLIED)


@dataclass(frozen=True, slots=True)
class Overlay:
    """What was added while the server ran, for one session or for all: fixtures and fault rules, newest first.

    `made` and `laid` say how many there have been, so that none is given a name that another one had. `accounts`
    are by key, and so are `topups`, which are added to balances wherever these stand.
    """

    fixtures: FixtureSet = NO_FIXTURES
    rules: tuple[FaultRule, ...] = ()
    fixtures_added: int = 0
    rules_added: int = 0
    accounts: Mapping[str, AccountSpec] = field(default_factory=dict)
    topups: Mapping[str, Decimal] = field(default_factory=dict)


EMPTY_OVERLAY: Final = Overlay()
_NO_LOCK: Final = nullcontext()


class SessionStore(Protocol):
    """The verbs that a session needs, and the journal and the clock, which have their own."""

    @property
    def clock(self) -> AdjustableClock:
        """What limits, windows and fault rules go by."""
        ...

    @property
    def journal(self) -> Journal:
        """What was asked and heard, in all sessions."""
        ...

    def lock(self, session: str | None) -> AbstractAsyncContextManager[object]:
        """While somebody has a session's turn, or that of what all share, nobody else has it.

        What is read in it holds until it is over. Nothing is awaited in it but this store's verbs.
        """
        ...

    async def counters(self, session: str | None, kind: CounterKind) -> Mapping[str, int]:
        """How often each thing, by name, was counted in a session, or in all of them."""
        ...

    async def increment(self, session: str, kind: CounterKind, name: str) -> int:
        """One more of it; returns how many there were before."""
        ...

    async def reset_counters(
        self,
        session: str | None,
        kinds: Iterable[CounterKind] = ALL_COUNTERS,
        names: Collection[str] | None = None,
    ) -> None:
        """These counters begin again, of these names or of all, in a session or in all of them."""
        ...

    async def overlays_and_counts(self, session: str) -> tuple[Overlay, Overlay, Mapping[str, int]]:
        """What a session's call meets: its own layer, then that of all, and how often each fixture has answered it."""
        ...

    async def overlay(self, session: str | None) -> Overlay:
        """What was added for a session, or for all."""
        ...

    async def set_overlay(self, session: str | None, overlay: Overlay) -> None:
        """From now on this, in the place of what was added before."""
        ...

    async def admit(self, session: str, account: AccountSpec, minimum: Charge, now: float) -> Denial | None:
        """One more request of an account, or why not: nothing is left, not the `least`, or a limit is full."""
        ...

    async def hold(
        self, session: str, account: AccountSpec, charge: Charge, minimum: Charge, tokens: int, now: float
    ) -> Denial | Hold:
        """Draw what an answer costs, at once and wholly, or say why not. At least `least` is held."""
        ...

    async def refund(self, session: str, key: str, hold: Hold, charge: Charge, *, void: bool = False) -> None:
        """Give back so much of what was paid; `void`: the request was not charged at all."""
        ...

    async def statement(self, session: str, account: AccountSpec, now: float) -> AccountStatement:
        """What became of an account in a session."""
        ...

    async def sessions_of_account(self, key: str) -> tuple[str, ...]:
        """The sessions that an account was used in."""
        ...

    async def restore_balance(self, session: str | None, key: str) -> None:
        """What was drawn does not count any more against the balance, in a session or in all of them."""
        ...

    async def reset_accounts(self, session: str | None) -> None:
        """No account has ever spent anything, in a session or in all of them."""
        ...

    async def sessions(self) -> tuple[str, ...]:
        """The names of all sessions, the one used last at the end."""
        ...

    async def copy(self, session: str) -> SessionStore:
        """A store that knows of a session what this one knows, and keeps what it learns to itself.

        Its journal is empty.
        """
        ...


@dataclass(slots=True)
class _SessionState:
    counters: dict[CounterKind, dict[str, int]] = field(default_factory=dict)
    overlay: Overlay = EMPTY_OVERLAY
    ledgers: dict[str, AccountLedger] = field(default_factory=dict)


class MemoryStore:
    """A store in this process. Beyond `most` sessions the one that was used longest ago is forgotten.

    `requests` is how many the journal keeps. No verb is ever suspended, so that a turn needs no lock.
    """

    def __init__(self, max_sessions: int = 10_000, max_requests: int = 10_000) -> None:
        self.journal: Journal = MemoryJournal(max_requests)
        self.clock = AdjustableClock()
        self._max_sessions = max_sessions
        self._sessions: OrderedDict[str, _SessionState] = OrderedDict()
        self._last_used: tuple[str, _SessionState | None] = "", None  # the one used last
        self._shared = EMPTY_OVERLAY

    def lock(self, session: str | None) -> AbstractAsyncContextManager[object]:  # noqa: ARG002
        return _NO_LOCK

    async def counters(self, session: str | None, kind: CounterKind) -> Mapping[str, int]:
        if session is not None:
            known = self._find_session(session)
            return known.counters.get(kind, {}) if known else {}
        total: Counter[str] = Counter()
        for one in self._sessions.values():
            total.update(one.counters.get(kind, {}))
        return total

    async def increment(self, session: str, kind: CounterKind, name: str) -> int:
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
        known = list(self._sessions.values()) if session is None else [self._get_or_create_session(session)]
        for counters in (one.counters.get(kind, {}) for one in known for kind in kinds):
            for name in list(counters) if names is None else names:
                counters.pop(name, None)

    async def overlays_and_counts(self, session: str) -> tuple[Overlay, Overlay, Mapping[str, int]]:
        known = self._find_session(session)
        if known is None:
            return EMPTY_OVERLAY, self._shared, {}
        return known.overlay, self._shared, known.counters.get(ANSWERED, {})

    async def overlay(self, session: str | None) -> Overlay:
        if session is None:
            return self._shared
        known = self._find_session(session)
        return known.overlay if known else EMPTY_OVERLAY

    async def set_overlay(self, session: str | None, overlay: Overlay) -> None:
        if session is None:
            self._shared = overlay
        else:
            self._get_or_create_session(session).overlay = overlay

    async def admit(self, session: str, account: AccountSpec, minimum: Charge, now: float) -> Denial | None:
        return self._ledger(session, account.key).admit(account, minimum, now)

    async def hold(
        self, session: str, account: AccountSpec, charge: Charge, minimum: Charge, tokens: int, now: float
    ) -> Denial | Hold:
        return self._ledger(session, account.key).hold(account, charge, minimum, tokens, now)

    async def refund(self, session: str, key: str, hold: Hold, charge: Charge, *, void: bool = False) -> None:
        known = self._sessions.get(session)
        if known is not None and key in known.ledgers:  # or nothing is remembered that could be given back
            known.ledgers[key].refund(charge, hold.epoch, void=void)

    async def statement(self, session: str, account: AccountSpec, now: float) -> AccountStatement:
        known = self._sessions.get(session)
        return (known.ledgers.get(account.key, AccountLedger()) if known else AccountLedger()).statement(
            account, now
        )

    async def sessions_of_account(self, key: str) -> tuple[str, ...]:
        return tuple(name for name, one in self._sessions.items() if key in one.ledgers)

    async def restore_balance(self, session: str | None, key: str) -> None:
        for known in self._selected_sessions(session):
            if key in known.ledgers:
                known.ledgers[key].restore_balance()

    async def reset_accounts(self, session: str | None) -> None:
        for known in self._selected_sessions(session):
            for purse in known.ledgers.values():
                purse.reset()

    async def sessions(self) -> tuple[str, ...]:
        return tuple(self._sessions)

    async def copy(self, session: str) -> SessionStore:
        copied = MemoryStore(1)
        copied._shared = self._shared
        copied.clock = self.clock
        if known := self._find_session(session):
            counters = {what: dict(counted) for what, counted in known.counters.items()}
            purses = {key: purse.copy() for key, purse in known.ledgers.items()}
            copied._sessions[session] = _SessionState(counters, known.overlay, purses)
        return copied

    def _selected_sessions(self, session: str | None) -> list[_SessionState]:
        if session is None:
            return list(self._sessions.values())
        return [self._sessions[session]] if session in self._sessions else []

    def _ledger(self, session: str, key: str) -> AccountLedger:
        return self._get_or_create_session(session).ledgers.setdefault(key, AccountLedger())

    def _find_session(self, name: str) -> _SessionState | None:
        """The session, which counts as used now; None where nothing is to be remembered of it yet."""
        if name == self._last_used[0]:  # most ask several times
            return self._last_used[1]
        session = self._sessions.get(name)
        if session is not None:
            self._sessions.move_to_end(name)
            self._last_used = name, session
        return session

    def _get_or_create_session(self, name: str) -> _SessionState:
        session = self._find_session(name)
        if session is None:
            session = self._sessions[name] = _SessionState()
            if len(self._sessions) > self._max_sessions:
                self._sessions.popitem(last=False)
            self._last_used = name, session
        return session
