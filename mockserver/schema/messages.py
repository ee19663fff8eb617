"""Words of messages: values, alternatives and "did you mean"."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Collection, Iterable
from itertools import pairwise

MAX_SHOWN_LENGTH = 60  # characters of a user's text in a message
_MAX_COMPARED, _COMPARED_LENGTH = 50, 100  # names in whole, and the characters of each


def truncate_text(text: str, limit: int = MAX_SHOWN_LENGTH) -> str:
    """Shorten a text to `limit` characters, the last of which is then an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def describe_value(value: object, raw_scalar: str | None = None) -> str:
    """Describe a value in a message: `text 'abc'`, `the number 3` (as it was written), `a list`."""
    match value:
        case None:
            return "nothing"
        case bool():
            return format_scalar(value)
        case str():
            return f"text {truncate_text(value)!r}"
        case int() | float():
            return f"the number {truncate_text(raw_scalar or format_scalar(value))}"
        case list():
            return "a list"
        case _:
            return "a mapping"


def format_scalar(value: float) -> str:
    """Format a number, true or false as YAML and JSON write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def format_alternatives(alternatives: Iterable[str]) -> str:
    """Join alternatives: `a`, `a or b`, `a, b or c`; at most a dozen."""
    some = list(alternatives)
    if len(some) > 12:
        return ", ".join(some[:12]) + ", …"
    return " or ".join(part for part in (", ".join(some[:-1]), *some[-1:]) if part)


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural if need be."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return the end of a message that suggests the most similar name, or an empty string."""
    word, names = word[:_COMPARED_LENGTH], list(candidates)
    if len(names) > _MAX_COMPARED:
        # Comparing thousands of names letter by letter takes seconds; similar ones share pairs of letters.
        pairs = _letter_pairs(word)
        names = heapq.nlargest(_MAX_COMPARED, names, key=lambda name: len(pairs & _letter_pairs(name)))
    near = difflib.get_close_matches(word, names, n=1)
    return f", did you mean {near[0]!r}?" if near else ""


def _letter_pairs(name: str) -> set[str]:
    return set(map("".join, pairwise(name[:_COMPARED_LENGTH])))


def suggest_name(word: str, names: Collection[str], before_list: str = ", expected ") -> str:
    """Return the end of a message that suggests the most similar name, or lists the names if none is similar."""
    return did_you_mean(word, names) or f"{before_list}{format_alternatives(names) or 'none'}"
