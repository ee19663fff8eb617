"""What a vendor's identifiers look like: `chatcmpl-{alnum:29}`, `{uuid}`, `SG_{hex:16}`."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterable

Maker = Callable[[], str]

LONGEST = 256  # characters that one blank may stand for
_TOGETHER = 256  # identifiers that are drawn at once

# Identifiers must differ between runs, whatever seed the words were asked for with.
_random = random.Random(random.SystemRandom().getrandbits(64))
_BLANK = re.compile(r"(\{[^{}]*\})")
_DRAWN = re.compile(r"\{([a-z]+):([1-9][0-9]{0,2})\}")
_PLAIN = re.compile(r"[ !#-\[\]-~]*")


def maker(pattern: str) -> Maker:
    """A function that makes one such identifier a call. Raises ValueError for a pattern it does not know."""
    pieces = [_piece(part) for part in _BLANK.split(pattern)]

    def draw() -> Iterable[str]:
        drawn = [[piece] * _TOGETHER if isinstance(piece, str) else piece() for piece in pieces]
        return map("".join, zip(*drawn, strict=True))

    waiting: list[str] = []

    def make() -> str:
        while True:
            try:
                return waiting.pop()
            except IndexError:  # sooner asked than looked at, and safe among threads
                waiting.extend(draw())

    return make


def _piece(part: str) -> str | Callable[[], list[str]]:
    """A text, or what draws what may stand in a blank, many at once."""
    if "{" not in part and "}" not in part:
        if not _PLAIN.fullmatch(part):
            raise ValueError(f"found {part!r}, expected printable ASCII without quotes and backslashes")
        return part
    if part == "{uuid}":
        return _uuids
    blank = _DRAWN.fullmatch(part)
    if blank is None or blank[1] not in ALPHABETS or int(blank[2]) > LONGEST:
        known = ", ".join(f"{{{name}:24}}" for name in ALPHABETS)
        raise ValueError(f"found {part!r}, expected {known} or {{uuid}}, with 1 to {LONGEST} characters")
    letters, length = _LETTERS[blank[1]], int(blank[2])
    return lambda: _cut(_random.randbytes(length * _TOGETHER).translate(letters).decode(), length)


def _uuids() -> list[str]:
    """Version 4; `uuid.UUID` would take ten times as long to say them."""
    return [
        f"{one[:8]}-{one[8:12]}-4{one[13:16]}-{'89ab'[int(one[16], 16) & 3]}{one[17:20]}-{one[20:]}"
        for one in _cut(_random.randbytes(16 * _TOGETHER).hex(), 32)
    ]


def _cut(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(0, len(text), length)]


ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "hex": "0123456789abcdef",
    "nano": string.ascii_letters + string.digits + "_-",  # nanoid's
}

# Each byte that can be drawn, as a letter; that a few letters are a little likelier does no harm.
_LETTERS = {
    name: bytes(ord(letters[byte % len(letters)]) for byte in range(256))
    for name, letters in ALPHABETS.items()
}
