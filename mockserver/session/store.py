"""What is remembered of each session, behind coroutines, so that it can be kept outside this process too."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Store(Protocol):
    """The verbs that a session needs."""

    async def answered(self, session: str) -> Mapping[str, int]:
        """How often each fixture, by name, has answered in a session."""
        ...

    async def count(self, session: str, fixture: str) -> int:
        """One more answer of a fixture in a session; returns how many there were before it."""
        ...


@dataclass(slots=True)
class _Session:
    answered: dict[str, int] = field(default_factory=dict)


class Memory:
    """A store in this process. Beyond `most` sessions the one that was used longest ago is forgotten."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    async def answered(self, session: str) -> Mapping[str, int]:
        return self._session(session).answered

    async def count(self, session: str, fixture: str) -> int:
        answered = self._session(session).answered
        before = answered.get(fixture, 0)
        answered[fixture] = before + 1
        return before

    def _session(self, name: str) -> _Session:
        session = self._sessions.setdefault(name, _Session())
        self._sessions.move_to_end(name)
        if len(self._sessions) > self._most:
            self._sessions.popitem(last=False)
        return session
