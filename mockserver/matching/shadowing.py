"""Detection of fixtures that can never match, because an earlier one matches all their requests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from mockserver.bounded_regex import SharedRegexBudget
from mockserver.errors import Problem
from mockserver.fixtures.criteria import Criterion, list_apis
from mockserver.fixtures.fixture import Fixture
from mockserver.fixtures.predicates import Predicate
from mockserver.matching.fixture_set import FixtureSet
from mockserver.matching.line_breaks import find_odd_line_breaks
from mockserver.matching.slow_patterns import find_slow_patterns
from mockserver.matching.tool_call_loops import find_tool_call_loops
from mockserver.schema.messages import did_you_mean

_COMPARISON_SECONDS = 1.0  # of the regular expressions, when all fixtures are compared
_UNLIMITED = 10**9
_UNREACHABLE = "this fixture can never be reached: {}"


def lint_fixtures(fixtures: FixtureSet, vendors: Iterable[str]) -> Iterator[Problem]:
    """Yield warnings about likely mistakes: omitted files, slow patterns, fixtures out of reach and others."""
    yield from fixtures.omitted_files
    yield from find_slow_patterns(fixtures)
    yield from find_odd_line_breaks(fixtures)
    known = tuple(vendors)
    with SharedRegexBudget(_COMPARISON_SECONDS):
        shadows = {fixture.name: before for fixture, before in find_shadowed(fixtures)}
        loops = list(find_tool_call_loops(fixtures))
    yield from loops
    for fixture in fixtures.fixtures:
        if before := shadows.get(fixture.name):
            yield fixture.problem(_UNREACHABLE.format(f"{before.name!r} ({before.source}) answers before it"))
        for term in fixture.criteria:
            if term.field == "vendor" and not any(map(term.predicate.surely_holds, known)):
                name = term.predicate.exact_value
                near = did_you_mean(name, known) if isinstance(name, str) else ""
                yield fixture.problem(
                    _UNREACHABLE.format(f"no vendor is named {term.predicate.description}{near}")
                )


def find_shadowed(fixtures: FixtureSet) -> Iterator[tuple[Fixture, Fixture]]:
    """Return the fixtures that are known to be unreachable, each with the earlier one that shadows it."""
    tireless = _UnlimitedFixtures()
    for fixture in fixtures.fixtures:
        before = tireless.find_covering(fixture)
        if before is not None:
            yield fixture, before
        elif fixture.response_at(_UNLIMITED) is not None:
            tireless.add(fixture)


class _UnlimitedFixtures:
    """The fixtures so far that are never used up, each indexed by one of its criteria.

    That criterion is implied by a criterion of every fixture that it shadows, so that few must be compared.
    """

    def __init__(self) -> None:
        self._match_all: list[Fixture] = []  # they ask for nothing
        self._by_canonical_form: dict[tuple[str, str], list[Fixture]] = defaultdict(list)
        self._by_substring: dict[tuple[str, str], list[Fixture]] = defaultdict(list)
        self._lengths: dict[str, set[int]] = defaultdict(set)  # of the parts, by field
        self._by_predicate: dict[str, dict[str, tuple[Predicate, list[Fixture]]]] = defaultdict(dict)

    def add(self, fixture: Fixture) -> None:
        """Add a fixture that is never used up."""
        if not fixture.criteria:
            self._match_all.append(fixture)
            return
        # By what is easy to look up, and of that what the fewest have in common.
        term = min(
            fixture.criteria,
            key=lambda term: (_lookup_cost(term) == 2, len(self._by_canonical_form[_criterion_key(term)])),
        )
        field, predicate = term.field, term.predicate
        self._by_canonical_form[_criterion_key(term)].append(fixture)
        if predicate.substring is not None:
            self._by_substring[field, predicate.substring].append(fixture)
            self._lengths[field].add(len(predicate.substring))
        elif _lookup_cost(term):
            self._by_predicate[field].setdefault(predicate.canonical_form, (predicate, []))[1].append(fixture)

    def find_covering(self, later: Fixture) -> Fixture | None:
        """Return the first fixture that matches every request of a later one; None if there is none."""
        covers = (earlier for earlier in self._candidates(later) if _covers(earlier, later))
        return next(covers, None)

    def _candidates(self, later: Fixture) -> Iterator[Fixture]:
        yield from self._match_all
        for term in later.criteria:
            field, own = term.field, term.predicate
            yield from self._by_canonical_form.get(_criterion_key(term), ())
            for part in self._known_substrings(field, _contained_text(own)):
                yield from self._by_substring[field, part]
            if _lookup_cost(term) == 0:
                for judge, filed in self._by_predicate[field].values():
                    yield from filed if judge.surely_holds(own.exact_value) else ()

    def _known_substrings(self, field: str, text: str) -> Iterator[str]:
        """Yield the indexed substrings that this text contains."""
        for length in self._lengths[field] if text else ():
            for start in range(len(text) - length + 1):
                if (field, part := text[start : start + length]) in self._by_substring:
                    yield part


def _criterion_key(criterion: Criterion) -> tuple[str, str]:
    return criterion.field, criterion.predicate.canonical_form


def _contained_text(condition: Predicate) -> str:
    """Return the text, in lower case, that every value fulfilling the predicate contains."""
    literal = condition.exact_value
    return literal.casefold() if isinstance(literal, str) else condition.substring or ""


def _lookup_cost(criterion: Criterion) -> int:
    """Return the cost of finding the criteria that imply this one: by literal, by substring, or one by one."""
    if isinstance(criterion.predicate.exact_value, str | int | float):
        return 0
    return 1 if criterion.predicate.substring is not None else 2


def _covers(earlier: Fixture, later: Fixture) -> bool:
    """Return whether every request that matches the later fixture matches the earlier one."""
    if not set(list_apis(later.match)) <= set(list_apis(earlier.match)):
        return False
    return all(
        any(_looks_at_same(own, term) and own.predicate.implies(term.predicate) for own in later.criteria)
        for term in earlier.criteria
    )


def _looks_at_same(own: Criterion, other: Criterion) -> bool:
    """Return whether two criteria check the same value of a request, masked in the same way."""
    return own.field == other.field and own.masking == other.masking
