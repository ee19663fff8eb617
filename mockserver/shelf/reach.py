"""Which fixtures can never be reached, because an earlier one answers everything that they would?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from mockserver.errors import Problem
from mockserver.shape import meant
from mockserver.shelf.condition import Condition
from mockserver.shelf.fixture import Fixture
from mockserver.shelf.match import Term
from mockserver.shelf.matching import Shelf

_EVER = 10**9
_NEVER = "this fixture can never be reached: {}"


def warnings(shelf: Shelf, vendors: Iterable[str]) -> Iterator[Problem]:
    """What is most likely not meant: fixtures that none can reach, for another's sake or for a vendor's name."""
    known = tuple(vendors)
    shadows = {fixture.name: before for fixture, before in shadowed(shelf)}
    for fixture in shelf.fixtures:
        if before := shadows.get(fixture.name):
            yield fixture.problem(_NEVER.format(f"{before.name!r} ({before.source}) answers before it"))
        for term in fixture.terms:
            if term.field == "vendor" and not any(map(term.condition.holds, known)):
                name = term.condition.literal
                near = meant(name, known) if isinstance(name, str) else ""
                yield fixture.problem(_NEVER.format(f"no vendor is named {term.condition.words}{near}"))


def shadowed(shelf: Shelf) -> Iterator[tuple[Fixture, Fixture]]:
    """Each fixture that is known to be unreachable, and the one before it that answers in its place."""
    tireless = _Tireless()
    for fixture in shelf.fixtures:
        before = tireless.covering(fixture)
        if before is not None:
            yield fixture, before
        elif fixture.after(_EVER) is not None:
            tireless.add(fixture)


class _Tireless:
    """The fixtures so far that never let another answer, each filed under one of its terms.

    Whatever covers a later fixture has this term implied by one of that fixture's, so that few must be asked.
    """

    def __init__(self) -> None:
        self._of_all: list[Fixture] = []  # they ask for nothing
        self._by_form: dict[tuple[str, str], list[Fixture]] = defaultdict(list)
        self._by_part: dict[tuple[str, str], list[Fixture]] = defaultdict(list)
        self._lengths: dict[str, set[int]] = defaultdict(set)  # of the parts, by field
        self._judges: dict[str, dict[str, tuple[Condition, list[Fixture]]]] = defaultdict(dict)

    def add(self, fixture: Fixture) -> None:
        if not fixture.terms:
            self._of_all.append(fixture)
            return
        # By what is easy to look up, and of that what the fewest have in common.
        term = min(fixture.terms, key=lambda term: (_toil(term) == 2, len(self._by_form[_key(term)])))
        field, asked = term.field, term.condition
        self._by_form[_key(term)].append(fixture)
        if asked.part is not None:
            self._by_part[field, asked.part].append(fixture)
            self._lengths[field].add(len(asked.part))
        elif _toil(term):
            self._judges[field].setdefault(asked.form, (asked, []))[1].append(fixture)

    def covering(self, later: Fixture) -> Fixture | None:
        """The first that answers whatever the later one would, if there is one."""
        covers = (earlier for earlier in self._candidates(later) if _covers(earlier, later))
        return next(covers, None)

    def _candidates(self, later: Fixture) -> Iterator[Fixture]:
        yield from self._of_all
        for term in later.terms:
            field, own = term.field, term.condition
            yield from self._by_form.get(_key(term), ())
            for part in self._parts(field, _text(own)):
                yield from self._by_part[field, part]
            if _toil(term) == 0:
                for judge, filed in self._judges[field].values():
                    yield from filed if judge.holds(own.literal) else ()

    def _parts(self, field: str, text: str) -> Iterator[str]:
        """The parts on file that are in this text."""
        for length in self._lengths[field] if text else ():
            for start in range(len(text) - length + 1):
                if (field, part := text[start : start + length]) in self._by_part:
                    yield part


def _key(term: Term) -> tuple[str, str]:
    return term.field, term.condition.form


def _text(condition: Condition) -> str:
    """The text, in small letters, that whatever fulfils the condition has in it."""
    literal = condition.literal
    return literal.casefold() if isinstance(literal, str) else condition.part or ""


def _toil(term: Term) -> int:
    """How hard it is to find what implies a term: its literal, its part, or only by asking."""
    if isinstance(term.condition.literal, str | int | float):
        return 0
    return 1 if term.condition.part is not None else 2


def _covers(earlier: Fixture, later: Fixture) -> bool:
    """Whether whatever fulfils the later one fulfils the earlier one too."""
    return all(
        any(own.field == term.field and own.condition.implies(term.condition) for own in later.terms)
        for term in earlier.terms
    )
