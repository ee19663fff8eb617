"""An index of fixtures by literals of their matches, so that few of many fixtures are checked for a request.

The index excludes fixtures that cannot match and keeps their order; the fixtures check the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import merge
from typing import TYPE_CHECKING, Any

import ahocorasick

from mockserver.fixtures.criteria import Criterion, FieldGetter
from mockserver.fixtures.fixture import Fixture
from mockserver.fixtures.predicates import (
    MISSING,
    ExactLiteral,
    RequiredLiterals,
    measure_selectivity,
    stringify_value,
)
from mockserver.fixtures.text_forms import fold_case, normalize_text
from mockserver.request.chat_request import ChatRequest

if TYPE_CHECKING:
    from mockserver.data_masking.masking_rules import MaskingRules

_AUTOMATON_THRESHOLD = 16  # parts that are found sooner one by one
_MAX_SCANNED = 20_000_000  # literals times characters that are, too, in a long text
_LONG_TEXT = 5_000  # characters of one
_SEARCHED_PIECE = 1_000_000  # characters of a text, after which other threads can run


class FixturePrefilter:
    """Fixtures in their order, filed."""

    __slots__ = ("_field_indexes", "_fixtures", "_unindexed")

    def __init__(self, fixtures: Sequence[Fixture]) -> None:
        self._fixtures = fixtures
        self._unindexed: list[
            int
        ] = []  # the positions of fixtures without literals, which are always checked
        drawers: dict[tuple[str, MaskingRules | None], _FieldIndex] = {}
        counts = Counter(
            (term.field, one) for each in fixtures for term in each.criteria for one in term.required_literals
        )

        def common(term: Criterion) -> tuple[int, bool, float]:
            literals = term.required_literals
            own, length = measure_selectivity(literals)
            return sum(counts[term.field, one] for one in literals), not own, -length

        for place, fixture in enumerate(fixtures):
            term = min(
                (term for term in fixture.criteria if term.required_literals), key=common, default=None
            )
            if term is None:
                self._unindexed.append(place)
            else:
                drawers.setdefault((term.field, term.masking), _FieldIndex(term.get_value)).add(
                    term.required_literals, place
                )
        self._field_indexes = tuple(drawers.values())
        for field_index in self._field_indexes:
            field_index.build()

    def candidates(self, request: ChatRequest) -> Iterator[Fixture]:
        """Return the fixtures that may match a request, in their order."""
        places: set[int] = set()
        for field_index in self._field_indexes:
            field_index.search(request, places)
        found = sorted(places)
        return map(self._fixtures.__getitem__, merge(found, self._unindexed) if self._unindexed else found)


class _FieldIndex:
    """The literals of one field, each with the places of the fixtures that have it."""

    __slots__ = ("_automaton", "_exact_values", "_get_value", "_substrings")

    def __init__(self, get_value: FieldGetter) -> None:
        self._get_value = get_value
        self._exact_values: dict[str | float, list[int]] = {}
        self._substrings: dict[str, list[int]] = {}
        self._automaton: Any = None

    def add(self, literals: RequiredLiterals, position: int) -> None:
        """Add a fixture by the literals that one of its fields requires."""
        for literal in literals:
            if isinstance(literal, ExactLiteral):
                self._exact_values.setdefault(literal.value, []).append(position)
            else:
                self._substrings.setdefault(literal.substring, []).append(position)

    def build(self) -> None:
        """Build the index after all fixtures are added."""
        if len(self._substrings) > _AUTOMATON_THRESHOLD:
            self._automaton = ahocorasick.Automaton()
            for part, places in self._substrings.items():
                self._automaton.add_word(part, places)
            self._automaton.make_automaton()

    def search(self, request: ChatRequest, positions: set[int]) -> None:
        """Add the positions of the fixtures with a literal in this request."""
        found = self._get_value(request)
        for value in found if isinstance(found, tuple) else (found,):
            self._search_value(value, positions)

    def _search_value(self, value: Any, positions: set[int]) -> None:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            exact = normalize_text(value) if isinstance(value, str) else value
            positions.update(self._exact_values.get(exact, ()))
        if not self._substrings or value is MISSING:
            return
        if isinstance(value, list | dict):  # a list has items, too
            positions.update(*self._substrings.values())
            return
        text = fold_case(stringify_value(value))
        if self._automaton is None or (
            len(text) > _LONG_TEXT and len(text) * len(self._substrings) <= _MAX_SCANNED
        ):
            for part in self._substrings:
                if part in text:
                    positions.update(self._substrings[part])
        else:
            self._search_automaton(text, positions)

    def _search_automaton(self, text: str, positions: set[int]) -> None:
        found = self._automaton.iter(text[:_SEARCHED_PIECE])
        for start in range(0, len(text), _SEARCHED_PIECE):
            if start:
                found.set(text[start : start + _SEARCHED_PIECE])  # the search goes on where it was
            for _, those in found:
                positions.update(those)
