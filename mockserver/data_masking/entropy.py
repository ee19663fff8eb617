"""Words of random characters: those with a high entropy that are neither a vendor's id nor a UUID."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from mockserver.data_masking.text_windows import iter_matches_within

_CANDIDATE: Final = re.compile(r"[A-Za-z0-9]{20,}")
_LONG_WORD: Final = re.compile(r"[A-Za-z0-9]{20,512}(?![A-Za-z0-9])")
_MIN_ENTROPY: Final = 4.0  # bits per character
_TOKEN_REST: Final = re.compile(r"[A-Za-z0-9_-]{0,128}")
_HEX_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9A-F]{32}")  # a UUID without its hyphens
_VENDOR_ID: Final = re.compile(
    r"(?:asst|batch|call|chatcmpl|cmpl|fc|file|fp|ftjob|gen|item|msg|org|proj|req|resp|rs|run|step|thread|toolu|vs|ws)[-_]"
)
# Identifiers of joined words, such as ChatCompletionMessage. Of random words less than one in 500 looks like one.
_IDENTIFIER: Final = re.compile(r"(?:[A-Z]{0,5}+[a-z]{2,}+)+[A-Z]{0,5}")
_NUMBERED_IDENTIFIER: Final = re.compile(r"(?:[A-Z]{0,4}+[a-z]{3,}+[0-9]{0,2}+|[A-Z]{1,3}+[0-9]{1,3}+)+")


def find_random_words(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the positions of words of random characters, with what hyphens and underscores join to them."""
    done = start
    for match in iter_matches_within(_LONG_WORD, _CANDIDATE, text, start, end):
        if match.start() >= done and is_random_word(match[0]):
            first, last = _extend_token(text, done, match.start(), match.end())
            if not _VENDOR_ID.match(text, first, last):
                yield first, last
            done = last


def _extend_token(text: str, done: int, start: int, end: int) -> tuple[int, int]:
    before = text[max(done, start - 128) : start][::-1]
    after = _TOKEN_REST.match(text, end)
    return start - len(_match_text(_TOKEN_REST, before)), after.end() if after else end


def _match_text(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.match(text)
    return match[0] if match else ""


def is_random_word(word: str, min_entropy: float = _MIN_ENTROPY) -> bool:
    """Return whether a word has this entropy, in bits per character, and is no UUID or identifier."""
    if _HEX_ID.fullmatch(word) or compute_entropy(word) < min_entropy:
        return False
    identifier = _IDENTIFIER if word.isalpha() else _NUMBERED_IDENTIFIER
    return word.islower() or word.isupper() or not identifier.fullmatch(word)


def compute_entropy(word: str) -> float:
    """Return the entropy of a word's characters, in bits per character."""
    length = len(word)
    return -sum(count / length * math.log2(count / length) for count in Counter(word).values())
