"""A text made along a regular expression matches it; what cannot be followed (a lookahead) is tried.

JSON Schema writes ECMA-262, Python reads its own dialect; what differs in everyday patterns is translated.
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
MAX_ATTEMPTS = 24  # texts tried until one has the length
MAX_EXPONENTIAL_LENGTH = (
    16  # characters that may be held against an expression which can take exponential time
)


def matches_pattern(pattern: str, text: str) -> bool:
    """Whether the expression is found in the text; where that cannot be told in time, it is taken to be."""
    read = _parse_pattern(pattern)
    if read is None:
        return True
    compiled, _, risky = read
    return (risky and len(text) > MAX_EXPONENTIAL_LENGTH) or bool(compiled.search(text[:MAX_LENGTH]))


def generate_matching_text(
    pattern: str, random: Random, min_length: int = 0, max_length: int | None = None
) -> str | None:
    """A text in which the expression is found, with so many characters, or None where none was made."""
    read = _parse_pattern(pattern)
    if read is None:
        return None
    compiled, tree, risky = read
    more = 3  # how often a part is repeated beyond what it must, at most; it follows what the length lacks
    for _ in range(MAX_ATTEMPTS):
        text = _padded("".join(_RegexSampler(random, more).sample(tree)), pattern, min_length)
        lacking = max(min_length - len(text), 0) - max(
            len(text) - (len(text) if max_length is None else max_length), 0
        )
        if not lacking and (risky or compiled.search(text)):
            return text
        more = max(0, more + (lacking + 1) // 2)
    return None


@lru_cache(256)
def _parse_pattern(pattern: str) -> tuple[re.Pattern[str], Any, bool] | None:
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
    """How many parts a text has at least, empty ones too."""
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
    """Whether a choice or a repetition stands in an endless repetition, as in `(a+)+`."""
    for kind, value in tree:
        if kind in REPEAT_OPS:
            endless = value[1] > 64
            if (repeated and value[0] != value[1]) or _may_be_exponential(value[2], repeated or endless):
                return True
        elif kind is op.BRANCH:
            if repeated or any(_may_be_exponential(each, repeated) for each in value[1]):
                return True
        elif kind is op.SUBPATTERN and _may_be_exponential(value[3], repeated):
            return True
    return False


class _RegexSampler:
    """A text in the making: what its groups hold, and how many steps may still be taken."""

    def __init__(self, random: Random, max_extra_repeats: int) -> None:
        self.random, self.max_extra_repeats = random, max_extra_repeats
        self.steps_left = MAX_LENGTH
        self.groups: dict[int, str] = {}

    def sample(self, tree: Any, outer: bool = True) -> Iterator[str]:
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
                made = "".join(self.sample(GROUP_OPS[kind](value, self.random), outer))
                if kind is op.SUBPATTERN:
                    self.groups[value[0]] = made
                yield made

    def _repeat_count(self, low: int, high: int, outer: bool) -> int:
        """Only a repetition that stands in no other fills the length."""
        more = (
            self.max_extra_repeats
            if outer and self.max_extra_repeats > 3
            else self.random.randint(0, min(self.max_extra_repeats, 3))
        )
        return min(low + min(more, high - low), max(self.steps_left, 0))


def _random_character(members: Any, random: Random) -> str:
    """One character of a class: a letter or digit where there is one, since it reads best."""
    negated = members[0][0] is op.NEGATE
    found = set[str]().union(*(_character_set(kind, value) for kind, value in members))
    pool = sorted(PRINTABLE - found) if negated else sorted(found & ALPHANUMERIC) or sorted(found)
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
    """An expression that is not anchored leaves room for more."""
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
# What holds an expression of its own, and how that is taken out.
GROUP_OPS: dict[Any, Callable[[Any, Random], Any]] = {
    op.SUBPATTERN: lambda value, _: value[3],
    op.ATOMIC_GROUP: lambda value, _: value,
    op.BRANCH: lambda value, random: random.choice(value[1]),
}
CHARACTER_OPS = (op.LITERAL, op.NOT_LITERAL, op.ANY)
