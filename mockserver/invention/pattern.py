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

LONGEST = 5_000  # characters, and steps on the way to them
ROUNDS = 24  # texts tried until one has the length
TRUSTED = 16  # characters that may be held against an expression which can take exponential time


def matches(pattern: str, text: str) -> bool:
    """Whether the expression is found in the text; where that cannot be told in time, it is taken to be."""
    read = _read(pattern)
    if read is None:
        return True
    compiled, _, risky = read
    return (risky and len(text) > TRUSTED) or bool(compiled.search(text[:LONGEST]))


def matching(pattern: str, random: Random, least: int = 0, most: int | None = None) -> str | None:
    """A text in which the expression is found, with so many characters, or None where none was made."""
    read = _read(pattern)
    if read is None:
        return None
    compiled, tree, risky = read
    more = 3  # how often a part is repeated beyond what it must, at most; it follows what the length lacks
    for _ in range(ROUNDS):
        text = _padded("".join(_Writer(random, more).write(tree)), pattern, least)
        lacking = max(least - len(text), 0) - max(len(text) - (len(text) if most is None else most), 0)
        if not lacking and (risky or compiled.search(text)):
            return text
        more = max(0, more + (lacking + 1) // 2)
    return None


@lru_cache(256)
def _read(pattern: str) -> tuple[re.Pattern[str], Any, bool] | None:
    python = (
        re.sub(r"\(\?<(?![=!])", "(?P<", pattern).replace(r"\p{L}", "[a-zA-Z]").replace(r"\p{N}", "[0-9]")
    )
    try:
        tree = parser.parse(python, re.ASCII)
        if _weight(tree) > LONGEST:
            return None
        return re.compile(python, re.ASCII), tree, _risky(tree, False)
    except (re.error, OverflowError, RecursionError):
        return None


def _weight(tree: Any) -> int:
    """How many parts a text has at least, empty ones too."""
    return (
        sum(
            max(value[0], 1) * _weight(value[2]) if kind in REPEATS else _held(kind, value)
            for kind, value in tree
        )
        or 1
    )


def _held(kind: Any, value: Any) -> int:
    return _weight(value[3]) if kind is op.SUBPATTERN else 1


def _risky(tree: Any, repeated: bool) -> bool:
    """Whether a choice or a repetition stands in an endless repetition, as in `(a+)+`."""
    for kind, value in tree:
        if kind in REPEATS:
            endless = value[1] > 64
            if (repeated and value[0] != value[1]) or _risky(value[2], repeated or endless):
                return True
        elif kind is op.BRANCH:
            if repeated or any(_risky(each, repeated) for each in value[1]):
                return True
        elif kind is op.SUBPATTERN and _risky(value[3], repeated):
            return True
    return False


class _Writer:
    """A text in the making: what its groups hold, and how many steps may still be taken."""

    def __init__(self, random: Random, more: int) -> None:
        self.random, self.more = random, more
        self.left = LONGEST
        self.groups: dict[int, str] = {}

    def write(self, tree: Any, outer: bool = True) -> Iterator[str]:
        for kind, value in tree:
            self.left -= 1
            if kind in REPEATS:
                for _ in range(self._times(value[0], value[1], outer)):
                    yield from self.write(value[2], False)
            elif kind is op.GROUPREF:
                yield self.groups.get(value, "")
            elif kind is op.IN or kind in SINGLES:
                yield _one(value if kind is op.IN else [(kind, value)], self.random)
            elif kind in NESTS:
                made = "".join(self.write(NESTS[kind](value, self.random), outer))
                if kind is op.SUBPATTERN:
                    self.groups[value[0]] = made
                yield made

    def _times(self, low: int, high: int, outer: bool) -> int:
        """Only a repetition that stands in no other fills the length."""
        more = self.more if outer and self.more > 3 else self.random.randint(0, min(self.more, 3))
        return min(low + min(more, high - low), max(self.left, 0))


def _one(members: Any, random: Random) -> str:
    """One character of a class: a letter or digit where there is one, since it reads best."""
    negated = members[0][0] is op.NEGATE
    found = set[str]().union(*(_members(kind, value) for kind, value in members))
    pool = sorted(PLAIN - found) if negated else sorted(found & READABLE) or sorted(found)
    return random.choice(pool or ["\u00e9"])


def _members(kind: Any, value: Any) -> set[str]:
    if kind is op.LITERAL:
        return {chr(value)}
    if kind is op.NOT_LITERAL:
        return set(PLAIN - {chr(value)})
    if kind is op.RANGE:
        return {chr(code) for code in range(value[0], min(value[1], value[0] + 255) + 1)}
    if kind is op.CATEGORY:
        return set(CATEGORIES.get(value, PLAIN))
    return set(READABLE) if kind is op.ANY else set()


def _padded(text: str, pattern: str, least: int) -> str:
    """An expression that is not anchored leaves room for more."""
    missing = min(least, LONGEST) - len(text)
    if missing <= 0 or (pattern.startswith("^") and pattern.endswith("$")):
        return text
    return "a" * missing + text if pattern.endswith("$") else text + "a" * missing


PLAIN = frozenset(map(chr, range(32, 127)))
READABLE = frozenset(char for char in PLAIN if char.isalnum())
DIGITS = frozenset("0123456789")
WORDS = READABLE | {"_"}
SPACES = frozenset(" ")

CATEGORIES = {
    op.CATEGORY_DIGIT: DIGITS,
    op.CATEGORY_NOT_DIGIT: PLAIN - DIGITS,
    op.CATEGORY_SPACE: SPACES,
    op.CATEGORY_NOT_SPACE: PLAIN - SPACES,
    op.CATEGORY_WORD: WORDS,
    op.CATEGORY_NOT_WORD: PLAIN - WORDS,
}
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
# What holds an expression of its own, and how that is taken out.
NESTS: dict[Any, Callable[[Any, Random], Any]] = {
    op.SUBPATTERN: lambda value, _: value[3],
    op.ATOMIC_GROUP: lambda value, _: value,
    op.BRANCH: lambda value, random: random.choice(value[1]),
}
SINGLES = (op.LITERAL, op.NOT_LITERAL, op.ANY)
