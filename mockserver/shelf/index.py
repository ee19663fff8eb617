"""Which fixtures may answer a call? Each is filed under one clue, so that ten thousand cost little more than ten.

The index leaves out what cannot hold and keeps the order; whether the rest holds is asked of the fixtures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import merge
from typing import Any

import ahocorasick

from mockserver.call import Call
from mockserver.shelf.clue import Clues, Is, folded, rarity
from mockserver.shelf.condition import MISSING, as_text
from mockserver.shelf.fixture import Fixture
from mockserver.shelf.match import Look, Term

_FEW = 16  # parts that are found sooner one by one
_SOME = 200  # parts that are, too, in a long text
_LONG = 5_000  # characters of one


class Index:
    """Fixtures in their order, filed."""

    __slots__ = ("_drawers", "_fixtures", "_rest")

    def __init__(self, fixtures: Sequence[Fixture]) -> None:
        self._fixtures = fixtures
        self._rest: list[int] = []  # the places of those that have no clue: they must always be asked
        drawers: dict[str, _Drawer] = {}
        counts = Counter((term.field, one) for each in fixtures for term in each.terms for one in term.clues)

        def common(term: Term) -> tuple[int, bool, float]:
            clues = term.clues
            own, length = rarity(clues)
            return sum(counts[term.field, one] for one in clues), not own, -length

        for place, fixture in enumerate(fixtures):
            term = min((term for term in fixture.terms if term.clues), key=common, default=None)
            if term is None:
                self._rest.append(place)
            else:
                drawers.setdefault(term.field, _Drawer(term.look)).file(term.clues, place)
        self._drawers = tuple(drawers.values())
        for drawer in self._drawers:
            drawer.close()

    def near(self, call: Call) -> Iterator[Fixture]:
        """The fixtures that may answer a call, in their order."""
        places: set[int] = set()
        for drawer in self._drawers:
            drawer.search(call, places)
        found = sorted(places)
        return map(self._fixtures.__getitem__, merge(found, self._rest) if self._rest else found)


class _Drawer:
    """The clues of one field, each with the places of the fixtures that have it."""

    __slots__ = ("_automaton", "_look", "_parts", "_values")

    def __init__(self, look: Look) -> None:
        self._look = look
        self._values: dict[str | float, list[int]] = {}
        self._parts: dict[str, list[int]] = {}
        self._automaton: Any = None

    def file(self, clues: Clues, place: int) -> None:
        for clue in clues:
            if isinstance(clue, Is):
                self._values.setdefault(clue.value, []).append(place)
            else:
                self._parts.setdefault(clue.part, []).append(place)

    def close(self) -> None:
        """All is filed."""
        if len(self._parts) > _FEW:
            self._automaton = ahocorasick.Automaton()
            for part, places in self._parts.items():
                self._automaton.add_word(part, places)
            self._automaton.make_automaton()

    def search(self, call: Call, places: set[int]) -> None:
        """Adds the places of those whose clue is found in a call."""
        found = self._look(call)
        for value in found if isinstance(found, tuple) else (found,):
            self._among(value, places)

    def _among(self, value: Any, places: set[int]) -> None:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            places.update(self._values.get(value, ()))
        if not self._parts or value is MISSING:
            return
        if isinstance(value, list | dict):  # a list has items, too
            places.update(*self._parts.values())
            return
        text = folded(as_text(value))
        if self._automaton is None or (len(text) > _LONG and len(self._parts) <= _SOME):
            for part in self._parts:
                if part in text:
                    places.update(self._parts[part])
            return
        for _, those in self._automaton.iter(text):
            places.update(those)
