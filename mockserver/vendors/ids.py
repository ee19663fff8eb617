"""What a vendor's identifiers look like: `chatcmpl-{alnum:29}`, `{uuid}`, `SG_{hex:16}`."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

IdFactory = Callable[[], str]

MAX_PLACEHOLDER_LENGTH = 256  # characters that one blank may stand for
_BATCH_SIZE = 256  # identifiers that are drawn at once

# Identifiers must differ between runs, whatever seed the words were asked for with.
_random = random.Random(random.SystemRandom().getrandbits(64))
_PLACEHOLDER = re.compile(r"(\{[^{}]*\})")
_RANDOM_PLACEHOLDER = re.compile(r"\{([a-z]+):([1-9][0-9]{0,2})\}")
_LITERAL_TEXT = re.compile(r"[ !#-\[\]-~]*")


def create_id_factory(pattern: str) -> IdFactory:
    """A function that makes one such identifier a call. Raises ValueError for a pattern it does not know."""
    columns = [column for part in _PLACEHOLDER.split(pattern) for column in _byte_columns(part)]
    waiting: list[str] = []

    def make() -> str:
        while True:
            try:
                return waiting.pop()
            except IndexError:  # sooner asked than looked at, and safe among threads
                waiting.extend(_random_ids(columns))

    return make


def _random_ids(columns: list[bytes]) -> list[str]:
    """Many at once: column by column, from what each byte that can be drawn is to mean there."""
    length = len(columns)
    if not length:
        return [""]
    drawn = bytearray(length * _BATCH_SIZE)
    for place, meaning in enumerate(columns):
        drawn[place::length] = _random.randbytes(_BATCH_SIZE).translate(meaning)
    text = drawn.decode()
    return [text[start : start + length] for start in range(0, len(text), length)]


def _byte_columns(part: str) -> list[bytes]:
    """The letters of a text, or the columns of a blank."""
    if "{" not in part and "}" not in part:
        if not _LITERAL_TEXT.fullmatch(part):
            raise ValueError(f"found {part!r}, expected printable ASCII without quotes and backslashes")
        return [_byte_table(letter) for letter in part]
    if part == "{uuid}":
        return _UUID_COLUMNS
    blank = _RANDOM_PLACEHOLDER.fullmatch(part)
    if blank is None or blank[1] not in ALPHABETS or int(blank[2]) > MAX_PLACEHOLDER_LENGTH:
        known = ", ".join(f"{{{name}:24}}" for name in ALPHABETS)
        raise ValueError(
            f"found {part!r}, expected {known} or {{uuid}}, with 1 to {MAX_PLACEHOLDER_LENGTH} characters"
        )
    return [_byte_table(ALPHABETS[blank[1]])] * int(blank[2])


def _byte_table(letters: str) -> bytes:
    """Each byte that can be drawn, as a letter; that a few letters are a little likelier does no harm."""
    return (letters * 256)[:256].encode()


_HEX = "0123456789abcdef"
ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "hex": _HEX,
    "nano": string.ascii_letters + string.digits + "_-",  # nanoid's
}

# Version 4, of RFC 9562's variant: x is any digit, y has two bits of its own.
_UUID_DIGITS = {"x": _HEX, "y": "89ab"}
_UUID_COLUMNS = [_byte_table(_UUID_DIGITS.get(sign, sign)) for sign in "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx"]
