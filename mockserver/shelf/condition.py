"""A condition on one value: what it expects, in words, and whether it holds.

The words stand after "expected" in a message. `operators` says how conditions are written.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson

from mockserver.document import clipped
from mockserver.shape import numeral
from mockserver.shelf import clue
from mockserver.shelf.clue import Clues

MISSING: Final = object()

Show = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Condition:
    """What is expected, in a person's words, and whether a value fulfils it.

    Two conditions of one `form` are the same. The rest is known of some conditions only: the `literal` that it
    equals; the `part`, in small letters, that a text must have; the `patterns`, whose groups a template may name;
    the `clues` without which it does not hold.
    """

    words: str
    form: str
    holds: Callable[[Any], bool]
    literal: Any = MISSING
    part: str | None = None
    patterns: tuple[re.Pattern[str], ...] = ()
    clues: Clues = ()

    def implies(self, other: Condition) -> bool:
        """Whether whatever fulfils this one is known to fulfil the other as well."""
        if self.form == other.form:
            return True
        if self.literal is not MISSING:
            return other.holds(self.literal)
        return self.part is not None and other.part is not None and other.part in self.part


# --- values in words


def spell(value: Any) -> str:
    """A value as YAML and JSON write it, short enough for a message."""
    if isinstance(value, str):
        return repr(clipped(value))
    if isinstance(value, list | dict):
        return clipped(as_text(value))
    return "null" if value is None else numeral(value)


def as_text(found: Any) -> str:
    """A value as a pattern sees it: text as it is, anything else as JSON writes it."""
    if isinstance(found, str):
        return found
    return orjson.dumps(found, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


# --- one operator each


def equal(found: Any, expected: Any) -> bool:
    """JSON's equality, at any depth: `true` is not 1, and 1 is 1.0."""
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(equal(found[key], expected[key]) for key in found)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(equal, found, expected))
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    return bool(found == expected)


def equals(expected: Any, show: Show = spell) -> Condition:
    return Condition(
        show(expected),
        _form("equals", expected),
        lambda found: equal(found, expected),
        expected,
        clues=clue.exact(expected),
    )


def contains(expected: Any, show: Show = spell) -> Condition:
    """A part of a text, in any case; or an item of a list."""
    if expected == "":
        raise ValueError("found an empty text, which every text contains; write {exists: true} for any text")
    form = _form("contains", expected)
    if not isinstance(expected, str):
        return Condition(f"a list with {show(expected)}", form, lambda found: _within(found, expected))
    part = expected.casefold()

    def holds(found: Any) -> bool:
        return part in _folded(found) if isinstance(found, str) else _within(found, expected)

    return Condition(f"text with {show(expected)}", form, holds, part=part, clues=clue.part(expected))


def regex(expected: str, show: Show = spell) -> Condition:
    control = next((char for char in expected if ord(char) < 32 and char not in "\n\t"), None)
    if control is not None:
        raise ValueError(
            f"found the control character {control!r} in a regular expression: "
            r"in double quotes YAML reads \b as a backspace; write the expression in single quotes"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what some later Python may mean by [[
            pattern = re.compile(expected)
            clues = clue.expression(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(
            f"found {clipped(expected)!r}, expected a regular expression as Python has them: {error}"
        ) from None
    words = f"text like /{clipped(expected)}/" if show is spell else f"text like {show(expected)}"

    def holds(found: Any) -> bool:
        return found is not MISSING and pattern.search(as_text(found)) is not None

    return Condition(words, _form("regex", expected), holds, patterns=(pattern,), clues=clues)


def glob(expected: Any, show: Show = spell) -> Condition:
    """A text in which each `*` stands for anything, even nothing; anything else is itself."""
    if not isinstance(expected, str) or "*" not in expected:
        return equals(expected, show)
    texts = re.split(r"\*+", expected)
    pattern = re.compile(".*".join(map(re.escape, texts)), re.DOTALL)

    def holds(found: Any) -> bool:
        return found is not MISSING and pattern.fullmatch(as_text(found)) is not None

    return Condition(show(expected), _form("glob", expected), holds, clues=clue.longest(texts))


def exists(expected: bool, _: Show = spell) -> Condition:
    def holds(found: Any) -> bool:
        return (found is not MISSING and found is not None) is expected

    return Condition("anything" if expected else "nothing", _form("exists", expected), holds)


def compared(compare: Callable[[Any, Any], bool], words: str) -> Callable[[float, Show], Condition]:
    """The operator that compares numbers so; a text that is a number counts as one."""

    def build(expected: float, _: Show = spell) -> Condition:
        def holds(found: Any) -> bool:
            number = _number(found)
            return number is not None and compare(number, expected)

        return Condition(f"{words} {numeral(expected)}", _form(words, expected), holds)

    return build


# --- conditions made of conditions


def any_of(parts: Iterable[Condition]) -> Condition:
    return _joined("or", any, tuple(parts), clue.any_of)


def all_of(parts: Iterable[Condition]) -> Condition:
    return _joined("and", all, tuple(parts), clue.best)


def none_of(part: Condition) -> Condition:
    return Condition(
        f"anything but {_bracketed(part)}", f"not ({part.form})", lambda found: not part.holds(found)
    )


def _joined(
    word: str,
    judge: Callable[[Iterable[bool]], bool],
    parts: tuple[Condition, ...],
    join: Callable[[Iterable[Clues]], Clues],
) -> Condition:
    if len(parts) == 1:
        return parts[0]
    return Condition(
        f" {word} ".join(map(_bracketed, parts)),
        f"{word} ({', '.join(part.form for part in parts)})",
        lambda found: judge(part.holds(found) for part in parts),
        patterns=tuple(pattern for part in parts for pattern in part.patterns),
        clues=join(part.clues for part in parts),
    )


def _bracketed(part: Condition) -> str:
    """A part's words inside other words; what is joined itself needs brackets."""
    return f"({part.words})" if part.form.startswith(("or (", "and (")) else part.words


def _form(name: str, operand: Any) -> str:
    return f"{name} {operand!r}"


def _within(found: Any, expected: Any) -> bool:
    return isinstance(found, list) and any(equal(item, expected) for item in found)


@lru_cache(maxsize=4)  # not more: they may be long
def _folded(text: str) -> str:
    """The text in small letters; every fixture asks for the same one."""
    return text.casefold()


def _number(found: Any) -> float | None:
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    if not isinstance(found, str):
        return found
    try:
        return float(found)
    except ValueError:
        return None
