"""Random texts that match a regular expression, for the keyword `pattern`.

A text is generated along the parsed expression. Lookaheads cannot be followed; texts are generated until one matches.
JSON Schema uses the dialect of ECMA-262; the differences in common patterns are translated for Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from random import Random
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MAX_LENGTH = 5_000  # characters, and steps on the way to them
MAX_ATTEMPTS = 24  # texts generated until one has the length
MAX_EXPONENTIAL_LENGTH = (
    16  # characters that may be held against an expression which can take exponential time
)


def matches_pattern(pattern: str, text: str) -> bool:
    """Return whether the text contains a match; also true if that cannot be determined in time."""
    parsed = _parse_pattern(pattern)
    if parsed is None:
        return True
    compiled, _, risky = parsed
    return (risky and len(text) > MAX_EXPONENTIAL_LENGTH) or bool(compiled.search(text[:MAX_LENGTH]))


def generate_matching_text(
    pattern: str, random: Random, min_length: int = 0, max_length: int | None = None
) -> str | None:
    """Return a text of `min_length` to `max_length` characters that contains a match; None if none was found."""
    parsed = _parse_pattern(pattern)
    if parsed is None:
        return None
    compiled, tree, risky = parsed
    extra = 3  # repetitions of a part beyond its minimum, at most; adapted to the missing length
    for _ in range(MAX_ATTEMPTS):
        text = _padded("".join(_RegexSampler(random, extra).sample(tree)), pattern, min_length)
        missing = max(min_length - len(text), 0) - max(
            len(text) - (len(text) if max_length is None else max_length), 0
        )
        if not missing and (risky or compiled.search(text)):
            return text
        extra = max(0, extra + (missing + 1) // 2)
    return None


@lru_cache(256)
def _parse_pattern(pattern: str) -> tuple[re.Pattern[str], Any, bool] | None:
    """Return the compiled expression, its syntax tree and whether it may take exponential time; None if invalid."""
    python = (
        re.sub(r"\(\?<(?![=!])", "(?P<", pattern).replace(r"\p{L}", "[a-zA-Z]").replace(r"\p{N}", "[0-9]")
    )
    try:
        tree = parser.parse(python, re.ASCII)
        if _min_part_count(tree) > MAX_LENGTH:
            return None
        return re.compile(python, re.ASCII), tree, _may_be_exponential(tree, False)
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

    def __init__(self, random: Random, max_extra_repeats: int) -> None:
        self.random, self.max_extra_repeats = random, max_extra_repeats
        self.steps_left = MAX_LENGTH
        self.groups: dict[int, str] = {}

    def sample(self, tree: Any, outer: bool = True) -> Iterator[str]:
        """Yield the parts of a text that matches the tree. `outer`: the tree is not in a repetition."""
        for kind, value in tree:
            self.steps_left -= 1
            if kind in REPEAT_OPS:
                for _ in range(self._repeat_count(value[0], value[1], outer)):
                    yield from self.sample(value[2], False)
            elif kind is op.GROUPREF:
                yield self.groups.get(value, "")
            elif kind is op.IN or kind in CHARACTER_OPS:
                yield _random_character(value if kind is op.IN else [(kind, value)], self.random)
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


def _random_character(members: Any, random: Random) -> str:
    """Return a character of a class, a letter or digit if it contains one."""
    negated = members[0][0] is op.NEGATE
    characters = set[str]().union(*(_character_set(kind, value) for kind, value in members))
    pool = (
        sorted(PRINTABLE - characters) if negated else sorted(characters & ALPHANUMERIC) or sorted(characters)
    )
    return random.choice(pool or ["\u00e9"])


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
