"""The characters by which texts differ that look alike: Cyrillic and Latin letters, spaces, invisible characters."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Final
from unicodedata import normalize

from mockserver.fixtures.text_forms import normalize_text

_MAX_EXPECTED, _MAX_FOUND = 100, 2_000  # characters that are compared
_MAX_CANDIDATES = 100  # parts of a text that are compared with the expected one
_MAX_SHOWN = 3  # differences that are described
_INVISIBLE: Final = "\u00ad\u0300-\u036f\u200b-\u200f\u2060-\u2064\ufeff"
_INVISIBLE_CHARACTER = re.compile(f"[{_INVISIBLE}]")
_ASCII, _NOT_ASCII = r"\x00-\x7f", rf"^\x00-\x7f{_INVISIBLE}"

# Small letters of Cyrillic and Greek, and the Latin letters that they look like in most fonts.
_LATIN_LOOKS = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455\u04bb\u0501"
    "\u03bf\u03b1\u03bd\u03c1\u03c5\u03ba\u03b9\u03c4\u03c7\u03b5",
    "abekmhopctyxijshd" + "oavpukitxe",
)


def describe_look_alikes(expected: str, text: str) -> str:
    """Describe how a text differs from an expected one that looks like a part of it: ` (U+0435 instead of e)`.

    Return an empty text if nothing in it looks like the expected one, or if it is there, in any case.
    """
    expected, text = expected[:_MAX_EXPECTED], text[:_MAX_FOUND]
    if not expected or (expected.isascii() and text.isascii()):
        return ""
    expected, text = _fold_each(normalize_text(expected)), normalize_text(text)
    for found in islice(_compile_look(expected).finditer(_fold_each(text)), _MAX_CANDIDATES):
        if _looks_like(expected, found[0]):
            differences = list(_compare_characters(expected, text[found.start() : found.end()]))
            return f" ({', '.join(differences[:_MAX_SHOWN])})" if differences else ""
    return ""


def _looks_like(expected: str, found: str) -> bool:
    """Return whether most characters of a text are the expected ones, or all of them look like these."""
    expected, found = _remove_invisible(expected), _remove_invisible(found)
    different = sum(map(operator.ne, expected, found))
    return different <= len(expected) / 3 or _get_look(expected) == _get_look(found)


def _remove_invisible(text: str) -> str:
    return _INVISIBLE_CHARACTER.sub("", text)


def _fold_each(text: str) -> str:
    """Fold the case of a text, one character for each."""
    return "".join(folded if len(folded := one.casefold()) == 1 else one for one in text)


@lru_cache(maxsize=64)
def _compile_look(expected: str) -> re.Pattern[str]:
    """Compile a pattern of texts that have ASCII in place of other characters or vice versa, or invisible ones."""
    each = (
        f"[{_INVISIBLE}]?"
        if _INVISIBLE_CHARACTER.match(one)
        else f"(?:{re.escape(one)}|[{_NOT_ASCII if one.isascii() else _ASCII}])"
        for one in expected
    )
    return re.compile(f"[{_INVISIBLE}]*".join(each), re.DOTALL)


def _compare_characters(expected: str, found: str) -> Iterator[str]:
    """Yield a description of each difference between two texts, both with their invisible characters."""
    rest = list(reversed(found))
    for one in expected:
        if _INVISIBLE_CHARACTER.match(one):
            if rest and rest[-1] == one:
                rest.pop()
            else:
                yield f"without {_describe_character(one)}"
            continue
        while _INVISIBLE_CHARACTER.match(other := rest.pop()):
            yield f"with an additional {_describe_character(other)}"
        if one != _fold_each(other):
            yield f"{_describe_character(other)} instead of {_describe_character(one)}"


def _get_look(text: str) -> str:
    """Return a text with the usual characters in place of those that look like them."""
    return normalize("NFKC", text).translate(_LATIN_LOOKS)


def _describe_character(character: str) -> str:
    if character == " ":
        return "a space"
    return character if character.isascii() and character.isprintable() else f"U+{ord(character):04X}"
