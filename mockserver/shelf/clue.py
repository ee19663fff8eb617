"""A clue is what a value must have for a condition to hold, so that ten thousand need not be asked.

A condition names several where any one of them will do, and none where nothing is known. A clue that is there
proves nothing: the condition itself has the last word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from re import _constants as op  # type: ignore[attr-defined]  # untyped: what the parser says has no other names
from re import _parser  # type: ignore[attr-defined]
from typing import Any


@dataclass(frozen=True, slots=True)
class Is:
    """The value is this text or number."""

    value: str | float


@dataclass(frozen=True, slots=True)
class Has:
    """The value's text has this in it; both as `folded` has them."""

    part: str


Clues = tuple[Is | Has, ...]

_SHORTEST = 3  # letters of an expression that are worth looking for


def folded(text: str) -> str:
    """A text in which whatever differs in case alone is the same, to Python's expressions and to `casefold`.

    Letter by letter, so that what is a part of a text is a part of the folded one. An expression that ignores
    case takes both the dotted capital I and the dotless small one for an i, which `casefold` does not.
    """
    text = text.casefold()
    return text if text.isascii() else text.replace("ı", "i").replace("\u0307", "")


def exact(value: Any) -> Clues:
    """The clue to a value that must be this one; none for what is no text and no number."""
    known = isinstance(value, str | int | float) and not isinstance(value, bool)
    return (Is(value),) if known else ()


def part(text: str) -> Clues:
    """The clue to a text that has this in it, in any case."""
    sought = folded(text)
    return (Has(sought),) if sought else ()


def longest(texts: Iterable[str]) -> Clues:
    """The clue to a text that has all of these in it."""
    return part(max(texts, key=len, default=""))


def best(several: Iterable[Clues]) -> Clues:
    """Of several conditions that must all hold, the clues that are rarest, as far as one can tell."""
    return max(several, key=rarity, default=())


def rarity(clues: Clues) -> tuple[bool, float]:
    """How little is likely to have one of these: exact ones first, then by the shortest part."""
    return bool(clues), min((_LONG if isinstance(one, Is) else len(one.part) for one in clues), default=0)


def any_of(several: Iterable[Clues]) -> Clues:
    """The clues of several conditions of which one must hold: all of them, or none where one has none."""
    known = tuple(several)
    return tuple(one for clues in known for one in clues) if all(known) else ()


def expression(pattern: re.Pattern[str]) -> Clues:
    """The clues to a text in which this is found: letters that no match is without."""
    return best(_required(_parser.parse(pattern.pattern, pattern.flags)))


def _required(parsed: Iterable[tuple[Any, Any]]) -> Iterator[Clues]:
    """Letters in a row, and what groups, repetitions and alternatives cannot do without."""
    run = ""
    for what, of in parsed:
        if what is op.LITERAL:
            run += chr(of)
            continue
        yield _worth(run)
        run = ""
        if what is op.SUBPATTERN:
            yield from _required(of[3])
        elif what is op.ATOMIC_GROUP:
            yield from _required(of)
        elif what in _REPEATS and of[0]:
            yield from _required(of[2])
        elif what is op.BRANCH:
            yield any_of(best(_required(each)) for each in of[1])
    yield _worth(run)


def _worth(run: str) -> Clues:
    return part(run) if len(run) >= _SHORTEST else ()


_LONG = 1_000
_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
