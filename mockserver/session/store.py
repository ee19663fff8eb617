"""What is remembered of each session, behind coroutines, so that it can be kept outside this process too.

A session owns its counters, its entries of the journal, and in front of what all share, fixtures and fault rules
of its own. What is named None here belongs to nobody: all share it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from mockserver.session.journal import Journal, Ring
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

    `made` and `laid` say how many there have been, so that none is given a name that another one had.
    """

    shelf: Shelf = NO_SHELF
    rules: tuple[Laid, ...] = ()
    made: int = 0
    laid: int = 0


EMPTY: Final = Layer()


class Store(Protocol):
    """The verbs that a session needs, and the journal, which has its own."""

    @property
    def journal(self) -> Journal:
        """What was asked and heard, in all sessions."""
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

    async def layers(self, session: str) -> tuple[Layer, Layer]:
        """What a session's calls meet before the files: its own, then what is shared."""
        ...

    async def layer(self, session: str | None) -> Layer:
        """What was added for a session, or for all."""
        ...

    async def lay(self, session: str | None, layer: Layer) -> None:
        """From now on this, in the place of what was added before."""
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


class Memory:
    """A store in this process. Beyond `most` sessions the one that was used longest ago is forgotten.

    `requests` is how many the journal keeps.
    """

    def __init__(self, most: int = 10_000, requests: int = 10_000) -> None:
        self.journal: Journal = Ring(requests)
        self._most = most
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._shared = EMPTY

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

    async def layers(self, session: str) -> tuple[Layer, Layer]:
        known = self._known(session)
        return known.layer if known else EMPTY, self._shared

    async def layer(self, session: str | None) -> Layer:
        return self._shared if session is None else (await self.layers(session))[0]

    async def lay(self, session: str | None, layer: Layer) -> None:
        if session is None:
            self._shared = layer
        else:
            self._session(session).layer = layer

    async def sessions(self) -> tuple[str, ...]:
        return tuple(self._sessions)

    async def copy(self, session: str) -> Store:
        copied = Memory(1)
        copied._shared = self._shared
        if known := self._known(session):
            counters = {what: dict(counted) for what, counted in known.counters.items()}
            copied._sessions[session] = _Session(counters, known.layer)
        return copied

    def _known(self, name: str) -> _Session | None:
        """The session, which counts as used now; None where nothing is to be remembered of it yet."""
        session = self._sessions.get(name)
        if session is not None:
            self._sessions.move_to_end(name)
        return session

    def _session(self, name: str) -> _Session:
        session = self._known(name)
        if session is None:
            session = self._sessions[name] = _Session()
            if len(self._sessions) > self._most:
                self._sessions.popitem(last=False)
        return session
