"""Random texts that match a regular expression, for the keyword `pattern`.

A text is generated along the parsed expression. Lookaheads cannot be followed; texts are generated until one matches.
JSON Schema uses the dialect of ECMA-262; the differences in common patterns are translated for Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from mockserver.bounded_regex import BoundedRegex, RegexSearchError, compile_regex
from mockserver.generation.generation_budget import GenerationBudget

MAX_PATTERN_LENGTH = 1_000  # characters; longer patterns are ignored
MAX_LENGTH = 5_000  # characters, and steps on the way to them
TIMEOUT_STEPS = 10_000  # that stand for the time of a search that reached its limit
MAX_ATTEMPTS = 24  # texts generated until one has the length
MAX_EXPONENTIAL_LENGTH = (
    16  # characters that may be held against an expression which can take exponential time
)


@dataclass(frozen=True, slots=True)
class ParsedPattern:
    """A regular expression and its syntax tree. `risky`: a search may take exponential time."""

    compiled: BoundedRegex
    tree: Any
    risky: bool

    def matches(self, text: str, budget: GenerationBudget) -> bool:
        """Return whether the text contains a match; also true if that cannot be determined in time."""
        budget.spend(2 + len(text) // 64)
        if self.risky and len(text) > MAX_EXPONENTIAL_LENGTH:
            return True
        try:
            return bool(self.compiled.search(text[:MAX_LENGTH]))
        except RegexSearchError:
            budget.spend(TIMEOUT_STEPS)
            return True


def matches_pattern(pattern: str, text: str, budget: GenerationBudget) -> bool:
    """Return whether the text contains a match; also true if that cannot be determined. Raise GenerationBudgetError."""
    parsed = _get_pattern(pattern, budget)
    return parsed is None or parsed.matches(text, budget)


def generate_matching_text(
    pattern: str,
    random: Random,
    budget: GenerationBudget,
    min_length: int = 0,
    max_length: int | None = None,
) -> str | None:
    """Return a text of `min_length` to `max_length` characters that contains a match; None if none was found.

    Raise GenerationBudgetError.
    """
    parsed = _get_pattern(pattern, budget)
    if parsed is None:
        return None
    extra = 3  # repetitions of a part beyond its minimum, at most; adapted to the missing length
    for _ in range(MAX_ATTEMPTS):
        text = _padded("".join(_RegexSampler(random, extra, budget).sample(parsed.tree)), pattern, min_length)
        missing = max(min_length - len(text), 0) - max(
            len(text) - (len(text) if max_length is None else max_length), 0
        )
        if not missing and parsed.matches(text, budget):
            return text
        extra = max(0, extra + (missing + 1) // 2)
    return None


def _get_pattern(pattern: str, budget: GenerationBudget) -> ParsedPattern | None:
    if len(pattern) > MAX_PATTERN_LENGTH:
        return None
    if pattern not in budget.patterns:  # the cache of the process has no influence on the steps
        budget.spend(200 + 6 * len(pattern) + len(pattern) ** 2 // 50)
        budget.patterns.add(pattern)
    return _parse_pattern(pattern)


@lru_cache(256)
def _parse_pattern(pattern: str) -> ParsedPattern | None:
    """Return the parsed expression; None if it is invalid."""
    python = (
        re.sub(r"\(\?<(?![=!])", "(?P<", pattern).replace(r"\p{L}", "[a-zA-Z]").replace(r"\p{N}", "[0-9]")
    )
    try:
        tree = parser.parse(python, re.ASCII)
        if _min_part_count(tree) > MAX_LENGTH:
            return None
        return ParsedPattern(compile_regex(python, re.ASCII), tree, _may_be_exponential(tree, False))
    except (re.error, OverflowError, RecursionError):
        return None


def _min_part_count(tree: Any) -> int:
    """Return the minimum number of parts of a text, including empty ones."""
    return (
        sum(
            max(value[0], 1) * _min_part_count(value[2])
            if kind in REPEAT_OPS
            else _min_group_part_count(kind, value)
            for kind, value in tree
        )
        or 1
    )


def _min_group_part_count(kind: Any, value: Any) -> int:
    return _min_part_count(value[3]) if kind is op.SUBPATTERN else 1


def _may_be_exponential(tree: Any, repeated: bool) -> bool:
    """Return whether an unbounded repetition contains a choice or repetition, as in `(a+)+`."""
    for kind, value in tree:
        if kind in REPEAT_OPS:
            unbounded = value[1] > 64
            if (repeated and value[0] != value[1]) or _may_be_exponential(value[2], repeated or unbounded):
                return True
        elif kind is op.BRANCH:
            if repeated or any(_may_be_exponential(each, repeated) for each in value[1]):
                return True
        elif kind is op.SUBPATTERN and _may_be_exponential(value[3], repeated):
            return True
    return False


class _RegexSampler:
    """The state while one text is generated: the texts of its groups and the remaining steps."""

    def __init__(self, random: Random, max_extra_repeats: int, budget: GenerationBudget) -> None:
        self.random, self.max_extra_repeats, self.budget = random, max_extra_repeats, budget
        self.steps_left = MAX_LENGTH
        self.groups: dict[int, str] = {}

    def sample(self, tree: Any, outer: bool = True) -> Iterator[str]:
        """Yield the parts of a text that matches the tree. `outer`: the tree is not in a repetition."""
        for kind, value in tree:
            self.steps_left -= 1
            self.budget.spend()
            if kind in REPEAT_OPS:
                for _ in range(self._repeat_count(value[0], value[1], outer)):
                    yield from self.sample(value[2], False)
            elif kind is op.GROUPREF:
                yield self.groups.get(value, "")
            elif kind is op.IN or kind in CHARACTER_OPS:
                yield self.random.choice(_character_pool(tuple(value) if kind is op.IN else ((kind, value),)))
            elif kind in GROUP_OPS:
                text = "".join(self.sample(GROUP_OPS[kind](value, self.random), outer))
                if kind is op.SUBPATTERN:
                    self.groups[value[0]] = text
                yield text

    def _repeat_count(self, low: int, high: int, outer: bool) -> int:
        """Return the number of repetitions; only an outermost repetition is used to reach the length."""
        extra = (
            self.max_extra_repeats
            if outer and self.max_extra_repeats > 3
            else self.random.randint(0, min(self.max_extra_repeats, 3))
        )
        return min(low + min(extra, high - low), max(self.steps_left, 0))


@lru_cache(1024)
def _character_pool(members: tuple[tuple[Any, Any], ...]) -> str:
    """Return the characters of a class from which one is chosen: its letters and digits if it contains any."""
    negated = members[0][0] is op.NEGATE
    characters = set[str]().union(*(_character_set(kind, value) for kind, value in members))
    pool = (
        sorted(PRINTABLE - characters) if negated else sorted(characters & ALPHANUMERIC) or sorted(characters)
    )
    return "".join(pool) or "\u00e9"


def _character_set(kind: Any, value: Any) -> set[str]:
    if kind is op.LITERAL:
        return {chr(value)}
    if kind is op.NOT_LITERAL:
        return set(PRINTABLE - {chr(value)})
    if kind is op.RANGE:
        return {chr(code) for code in range(value[0], min(value[1], value[0] + 255) + 1)}
    if kind is op.CATEGORY:
        return set(CATEGORIES.get(value, PRINTABLE))
    return set(ALPHANUMERIC) if kind is op.ANY else set()


def _padded(text: str, pattern: str, min_length: int) -> str:
    """Return the text, extended to the length if the expression is not anchored at both ends."""
    missing = min(min_length, MAX_LENGTH) - len(text)
    if missing <= 0 or (pattern.startswith("^") and pattern.endswith("$")):
        return text
    return "a" * missing + text if pattern.endswith("$") else text + "a" * missing


PRINTABLE = frozenset(map(chr, range(32, 127)))
ALPHANUMERIC = frozenset(char for char in PRINTABLE if char.isalnum())
DIGITS = frozenset("0123456789")
WORD_CHARACTERS = ALPHANUMERIC | {"_"}
SPACES = frozenset(" ")

CATEGORIES = {
    op.CATEGORY_DIGIT: DIGITS,
    op.CATEGORY_NOT_DIGIT: PRINTABLE - DIGITS,
    op.CATEGORY_SPACE: SPACES,
    op.CATEGORY_NOT_SPACE: PRINTABLE - SPACES,
    op.CATEGORY_WORD: WORD_CHARACTERS,
    op.CATEGORY_NOT_WORD: PRINTABLE - WORD_CHARACTERS,
}
REPEAT_OPS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
# The operations that contain a subexpression, and the function that returns it.
GROUP_OPS: dict[Any, Callable[[Any, Random], Any]] = {
    op.SUBPATTERN: lambda value, _: value[3],
    op.ATOMIC_GROUP: lambda value, _: value,
    op.BRANCH: lambda value, random: random.choice(value[1]),
}
CHARACTER_OPS = (op.LITERAL, op.NOT_LITERAL, op.ANY)
