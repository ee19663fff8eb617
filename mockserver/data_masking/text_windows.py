"""The search of a long text with `re` in windows, between which other threads run: a search holds the GIL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

# In JSON text, a word may follow the escape of a line break, a tab or another character.
AFTER_ESCAPE: Final = r"(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4})"
WORD_START: Final = rf"(?:(?<![A-Za-z0-9])|{AFTER_ESCAPE})"
_WINDOW: Final = 1 << 16  # characters
_MAX_MATCH: Final = 1 << 13  # characters of a match that is found whole


def iter_matches(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Yield the matches in a part of a text; one of more than 8,192 characters may be cut."""
    while start < end:
        stop = start + _WINDOW
        next_start = stop
        for match in pattern.finditer(text, start, min(stop + _MAX_MATCH, end)):
            if match.start() >= stop:
                break
            yield match
            next_start = max(stop, match.end())
        start = next_start


def iter_matches_within(
    pattern: re.Pattern[str], candidates: re.Pattern[str], text: str, start: int, end: int
) -> Iterator[re.Match[str]]:
    """Yield the matches of a pattern inside those of a simpler one, which is found much faster."""
    for candidate in iter_matches(candidates, text, start, end):
        yield from pattern.finditer(text, *candidate.span())
