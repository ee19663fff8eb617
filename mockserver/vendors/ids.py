"""What a vendor's identifiers look like: `chatcmpl-{alnum:29}`, `{uuid}`, `SG_{hex:16}`."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

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
    columns = [column for part in _BLANK.split(pattern) for column in _columns(part)]
    waiting: list[str] = []

    def make() -> str:
        while True:
            try:
                return waiting.pop()
            except IndexError:  # sooner asked than looked at, and safe among threads
                waiting.extend(_drawn(columns))

    return make


def _drawn(columns: list[bytes]) -> list[str]:
    """Many at once: column by column, from what each byte that can be drawn is to mean there."""
    length = len(columns)
    if not length:
        return [""]
    drawn = bytearray(length * _TOGETHER)
    for place, meaning in enumerate(columns):
        drawn[place::length] = _random.randbytes(_TOGETHER).translate(meaning)
    text = drawn.decode()
    return [text[start : start + length] for start in range(0, len(text), length)]


def _columns(part: str) -> list[bytes]:
    """The letters of a text, or the columns of a blank."""
    if "{" not in part and "}" not in part:
        if not _PLAIN.fullmatch(part):
            raise ValueError(f"found {part!r}, expected printable ASCII without quotes and backslashes")
        return [_meaning(letter) for letter in part]
    if part == "{uuid}":
        return _UUID
    blank = _DRAWN.fullmatch(part)
    if blank is None or blank[1] not in ALPHABETS or int(blank[2]) > LONGEST:
        known = ", ".join(f"{{{name}:24}}" for name in ALPHABETS)
        raise ValueError(f"found {part!r}, expected {known} or {{uuid}}, with 1 to {LONGEST} characters")
    return [_meaning(ALPHABETS[blank[1]])] * int(blank[2])


def _meaning(letters: str) -> bytes:
    """Each byte that can be drawn, as a letter; that a few letters are a little likelier does no harm."""
    return (letters * 256)[:256].encode()


_HEX = "0123456789abcdef"
ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "hex": _HEX,
    "nano": string.ascii_letters + string.digits + "_-",  # nanoid's
}

# Version 4, of RFC 9562's variant: x is any digit, y has two bits of its own.
_DIGITS = {"x": _HEX, "y": "89ab"}
_UUID = [_meaning(_DIGITS.get(sign, sign)) for sign in "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx"]
