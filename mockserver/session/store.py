"""What is remembered of each session, behind coroutines, so that it can be kept outside this process too.

A session owns its counters, its entries of the journal, and in front of what all share, fixtures and fault rules
of its own. What is named None here belongs to nobody: all share it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, Protocol

from mockserver.money import Charge
from mockserver.session.clock import Clock
from mockserver.session.journal import Journal, Ring
from mockserver.session.purse import Denied, Paid, Purse, Statement
from mockserver.shelf.account import Account
from mockserver.shelf.matching import Shelf
from mockserver.shelf.rule import Laid

NO_SHELF: Final = Shelf(())

# What is counted, each by name: answers of a fixture; rolls of a fault rule, and how many of them struck.
Counted = Literal["answered", "rolled", "struck"]
ANSWERED: Final = "answered"
ROLLED: Final = "rolled"
STRUCK: Final = "struck"
ALL: Final[tuple[Counted, ...]] = (ANSWERED, ROLLED, STRUCK)


@dataclass(frozen=True, slots=True)
class Layer:
    """What was added while the server ran, for one session or for all: fixtures and fault rules, newest first.

    `made` and `laid` say how many there have been, so that none is given a name that another one had. `accounts`
    are by key, and so are `topups`, which are added to balances wherever these stand.
    """

    shelf: Shelf = NO_SHELF
    rules: tuple[Laid, ...] = ()
    made: int = 0
    laid: int = 0
    accounts: Mapping[str, Account] = field(default_factory=dict)
    topups: Mapping[str, Decimal] = field(default_factory=dict)


EMPTY: Final = Layer()
_FREE: Final = nullcontext()


class Store(Protocol):
    """The verbs that a session needs, and the journal and the clock, which have their own."""

    @property
    def clock(self) -> Clock:
        """What limits, windows and fault rules go by."""
        ...

    @property
    def journal(self) -> Journal:
        """What was asked and heard, in all sessions."""
        ...

    def turn(self, session: str | None) -> AbstractAsyncContextManager[object]:
        """While somebody has a session's turn, or that of what all share, nobody else has it.

        What is read in it holds until it is over. Nothing is awaited in it but this store's verbs.
        """
        ...

    async def counts(self, session: str | None, what: Counted) -> Mapping[str, int]:
        """How often each thing, by name, was counted in a session, or in all of them."""
        ...

    async def count(self, session: str, what: Counted, name: str) -> int:
        """One more of it; returns how many there were before."""
        ...

    async def uncount(
        self, session: str | None, what: Iterable[Counted] = ALL, names: Collection[str] | None = None
    ) -> None:
        """These counters begin again, of these names or of all, in a session or in all of them."""
        ...

    async def meets(self, session: str) -> tuple[Layer, Layer, Mapping[str, int]]:
        """What a session's call meets: its own layer, then that of all, and how often each fixture has answered it."""
        ...

    async def layer(self, session: str | None) -> Layer:
        """What was added for a session, or for all."""
        ...

    async def lay(self, session: str | None, layer: Layer) -> None:
        """From now on this, in the place of what was added before."""
        ...

    async def enter(self, session: str, account: Account, least: Charge, now: float) -> Denied | None:
        """One more request of an account, or why not: nothing is left, not the `least`, or a limit is full."""
        ...

    async def charge(
        self, session: str, account: Account, charge: Charge, least: Charge, tokens: int, now: float
    ) -> Denied | Paid:
        """Draw what an answer costs, at once and wholly, or say why not. At least `least` is held."""
        ...

    async def refund(self, session: str, key: str, paid: Paid, charge: Charge, *, void: bool = False) -> None:
        """Give back so much of what was paid; `void`: the request was not charged at all."""
        ...

    async def statement(self, session: str, account: Account, now: float) -> Statement:
        """What became of an account in a session."""
        ...

    async def spenders(self, key: str) -> tuple[str, ...]:
        """The sessions that an account was used in."""
        ...

    async def redeem(self, session: str | None, key: str) -> None:
        """What was drawn does not count any more against the balance, in a session or in all of them."""
        ...

    async def forgive(self, session: str | None) -> None:
        """No account has ever spent anything, in a session or in all of them."""
        ...

    async def sessions(self) -> tuple[str, ...]:
        """The names of all sessions, the one used last at the end."""
        ...

    async def copy(self, session: str) -> Store:
        """A store that knows of a session what this one knows, and keeps what it learns to itself.

        Its journal is empty.
        """
        ...


@dataclass(slots=True)
class _Session:
    counters: dict[Counted, dict[str, int]] = field(default_factory=dict)
    layer: Layer = EMPTY
    purses: dict[str, Purse] = field(default_factory=dict)


class Memory:
    """A store in this process. Beyond `most` sessions the one that was used longest ago is forgotten.

    `requests` is how many the journal keeps. No verb is ever suspended, so that a turn needs no lock.
    """

    def __init__(self, most: int = 10_000, requests: int = 10_000) -> None:
        self.journal: Journal = Ring(requests)
        self.clock = Clock()
        self._most = most
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._last: tuple[str, _Session | None] = "", None  # the one used last
        self._shared = EMPTY

    def turn(self, session: str | None) -> AbstractAsyncContextManager[object]:  # noqa: ARG002
        return _FREE

    async def counts(self, session: str | None, what: Counted) -> Mapping[str, int]:
        if session is not None:
            known = self._known(session)
            return known.counters.get(what, {}) if known else {}
        total: Counter[str] = Counter()
        for one in self._sessions.values():
            total.update(one.counters.get(what, {}))
        return total

    async def count(self, session: str, what: Counted, name: str) -> int:
        counters = self._session(session).counters.setdefault(what, {})
        before = counters.get(name, 0)
        counters[name] = before + 1
        return before

    async def uncount(
        self, session: str | None, what: Iterable[Counted] = ALL, names: Collection[str] | None = None
    ) -> None:
        known = list(self._sessions.values()) if session is None else [self._session(session)]
        for counters in (one.counters.get(kind, {}) for one in known for kind in what):
            for name in list(counters) if names is None else names:
                counters.pop(name, None)

    async def meets(self, session: str) -> tuple[Layer, Layer, Mapping[str, int]]:
        known = self._known(session)
        if known is None:
            return EMPTY, self._shared, {}
        return known.layer, self._shared, known.counters.get(ANSWERED, {})

    async def layer(self, session: str | None) -> Layer:
        if session is None:
            return self._shared
        known = self._known(session)
        return known.layer if known else EMPTY

    async def lay(self, session: str | None, layer: Layer) -> None:
        if session is None:
            self._shared = layer
        else:
            self._session(session).layer = layer

    async def enter(self, session: str, account: Account, least: Charge, now: float) -> Denied | None:
        return self._purse(session, account.key).enter(account, least, now)

    async def charge(
        self, session: str, account: Account, charge: Charge, least: Charge, tokens: int, now: float
    ) -> Denied | Paid:
        return self._purse(session, account.key).charge(account, charge, least, tokens, now)

    async def refund(self, session: str, key: str, paid: Paid, charge: Charge, *, void: bool = False) -> None:
        known = self._sessions.get(session)
        if known is not None and key in known.purses:  # or nothing is remembered that could be given back
            known.purses[key].refund(charge, paid.era, void=void)

    async def statement(self, session: str, account: Account, now: float) -> Statement:
        known = self._sessions.get(session)
        return (known.purses.get(account.key, Purse()) if known else Purse()).statement(account, now)

    async def spenders(self, key: str) -> tuple[str, ...]:
        return tuple(name for name, one in self._sessions.items() if key in one.purses)

    async def redeem(self, session: str | None, key: str) -> None:
        for known in self._some(session):
            if key in known.purses:
                known.purses[key].redeem()

    async def forgive(self, session: str | None) -> None:
        for known in self._some(session):
            for purse in known.purses.values():
                purse.forgive()

    async def sessions(self) -> tuple[str, ...]:
        return tuple(self._sessions)

    async def copy(self, session: str) -> Store:
        copied = Memory(1)
        copied._shared = self._shared
        copied.clock = self.clock
        if known := self._known(session):
            counters = {what: dict(counted) for what, counted in known.counters.items()}
            purses = {key: purse.copy() for key, purse in known.purses.items()}
            copied._sessions[session] = _Session(counters, known.layer, purses)
        return copied

    def _some(self, session: str | None) -> list[_Session]:
        if session is None:
            return list(self._sessions.values())
        return [self._sessions[session]] if session in self._sessions else []

    def _purse(self, session: str, key: str) -> Purse:
        return self._session(session).purses.setdefault(key, Purse())

    def _known(self, name: str) -> _Session | None:
        """The session, which counts as used now; None where nothing is to be remembered of it yet."""
        if name == self._last[0]:  # most ask several times
            return self._last[1]
        session = self._sessions.get(name)
        if session is not None:
            self._sessions.move_to_end(name)
            self._last = name, session
        return session

    def _session(self, name: str) -> _Session:
        session = self._known(name)
        if session is None:
            session = self._sessions[name] = _Session()
            if len(self._sessions) > self._most:
                self._sessions.popitem(last=False)
            self._last = name, session
        return session
