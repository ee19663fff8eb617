"""Regular expressions that a text of moderate length brings to their time limit, found by trying such texts."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from itertools import product
from re import _constants as op  # type: ignore[attr-defined]  # untyped: the parser's results have no other names
from re import _parser  # type: ignore[attr-defined]
from time import thread_time
from typing import Any

from mockserver.bounded_regex import BoundedRegex, RegexSearchError
from mockserver.errors import Problem
from mockserver.fixtures.criteria import Criterion
from mockserver.fixtures.fixture import locate_problem
from mockserver.matching.fixture_set import FixtureSet
from mockserver.schema.messages import truncate_text

_PROBE_LENGTHS = (
    60,
    1_000,
    10_000,
)  # characters: for exponential, cubic and, where repetitions are nested, quadratic patterns
_START_SECONDS = 0.25  # the longest delay of the start
_MANY = 10  # repetitions that can make a search slow
_MAX_UNITS = 6  # texts that are tried, each in every length

_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT)  # possessive ones do not try again
_SAMPLES = {
    op.CATEGORY_DIGIT: "0",
    op.CATEGORY_SPACE: " ",
    op.CATEGORY_WORD: "a",
    op.CATEGORY_NOT_DIGIT: "a",
    op.CATEGORY_NOT_SPACE: "a",
    op.CATEGORY_NOT_WORD: " ",
}


def find_slow_patterns(fixtures: FixtureSet, *, at_start: bool = False) -> Iterator[Problem]:
    """Yield a warning for each pattern of a fixture or fault rule that reaches its time limit on a probe text.

    `at_start` tries only those with a repetition inside a repetition, which are few, and not for long.
    """
    started = thread_time()
    owners: list[tuple[str, str, Iterable[Criterion]]] = [
        (fixture.name, fixture.source, fixture.criteria) for fixture in fixtures.fixtures
    ]
    owners += [(rule.name, rule.source, rule.criteria) for rule in fixtures.all_rules]
    for name, source, criteria in owners:
        for criterion in criteria:
            for pattern in criterion.predicate.patterns:
                if at_start and thread_time() - started > _START_SECONDS:
                    return
                if (text := find_slow_text(pattern, nested_only=at_start)) is not None:
                    message = f"match.{criterion.field}: {_describe_slow_text(pattern, text)}"
                    yield locate_problem(message, name, source)


def find_slow_text(pattern: BoundedRegex, *, nested_only: bool = False) -> str | None:
    """Return a text on which a search reaches its time limit; None if no probe does."""
    if sum(map(pattern.pattern.count, "*+{")) < 2 and "|" not in pattern.pattern:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about sets that a later Python may read differently
        parsed = _parser.parse(pattern.pattern, pattern.flags)
    depth, count = _measure_repeats(parsed)
    if depth < 2 and (nested_only or count < 2):
        return None
    units = list(dict.fromkeys(_repeated_samples(parsed, "")))[:_MAX_UNITS]
    # Something that ends the repetition; then a match, for a search fails at once without a required character.
    endings = ("\0", "\0a 0" + _sample(parsed, 0))
    for (prefix, unit), length, ending in product(units, _PROBE_LENGTHS[: depth + 1], endings):
        text = f"{prefix}{unit * (length // len(unit))}{ending}"
        try:
            pattern.search(text)
        except RegexSearchError:
            return text
    return None


def _describe_slow_text(pattern: BoundedRegex, text: str) -> str:
    shown = truncate_text(pattern.pattern)
    return (
        f"the regular expression /{shown}/ reaches its time limit on a text of {len(text):,} characters like "
        f"{truncate_text(text, 20)!r}; such a request does not match. Nested repetitions like (a+)+ are the usual cause"
    )


def _measure_repeats(parsed: Iterable[tuple[Any, Any]]) -> tuple[int, int]:
    """Return how deep long repetitions are nested, and how many there are.

    Alternatives count as a level: two of them may match the same text, as in (a|aa)+.
    """
    depth = count = 0
    for code, argument in parsed:
        repeats = code in _REPEATS and argument[1] >= _MANY
        inside = [_measure_repeats(part) for part in _subpatterns(code, argument)]
        depth = max([depth, *(repeats + (code is op.BRANCH) + below for below, _ in inside)])
        count += repeats + sum(below for _, below in inside)
    return depth, count


def _subpatterns(code: Any, argument: Any) -> list[Any]:
    if code is op.SUBPATTERN:
        return [argument[3]]
    if code is op.BRANCH:
        return list(argument[1])
    if code in (*_REPEATS, op.POSSESSIVE_REPEAT):
        return [argument[2]]
    if code in (op.ASSERT, op.ASSERT_NOT):
        return [argument[1]]
    if code is op.ATOMIC_GROUP:
        return [argument]
    return [part for part in argument[1:] if part] if code is op.GROUPREF_EXISTS else []


def _repeated_samples(parsed: Iterable[tuple[Any, Any]], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield texts that a long repetition can repeat, each after a text that leads to it."""
    for code, argument in parsed:
        parts = _subpatterns(code, argument)
        if code in _REPEATS and argument[1] >= _MANY:
            for optional in (0, 1):
                if sample := _sample(parts[0], optional):
                    yield prefix, sample
        for part in parts:
            yield from _repeated_samples(part, prefix)
        prefix += _sample([(code, argument)], 0)


def _sample(parsed: Iterable[tuple[Any, Any]], optional: int) -> str:
    """Return a short text that matches, without the optional parts (0) or with one of each (1)."""
    text = ""
    for code, argument in parsed:
        if code is op.LITERAL:
            text += chr(argument)
        elif code in (op.ANY, op.NOT_LITERAL):
            text += "b" if argument == ord("a") else "a"
        elif code is op.IN:
            text += _sample_set(argument)
        elif code in (*_REPEATS, op.POSSESSIVE_REPEAT):
            text += _sample(argument[2], optional) * min(max(argument[0], optional), _MANY)
        elif code not in (op.ASSERT, op.ASSERT_NOT, op.GROUPREF_EXISTS):
            text += "".join(_sample(part, optional) for part in _subpatterns(code, argument)[:1])
    return text


def _sample_set(items: list[tuple[Any, Any]]) -> str:
    code, argument = items[0]
    if code is op.NEGATE:
        excluded = {_sample_set([item]) for item in items[1:]}
        return next((char for char in "a0 _-~" if char not in excluded), "\x7f")
    if code is op.LITERAL:
        return chr(argument)
    return chr(argument[0]) if code is op.RANGE else _SAMPLES[argument]
