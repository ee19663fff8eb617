"""Random identifiers from patterns such as `chatcmpl-{alnum:29}`, `{uuid}` and `SG_{hex:16}`."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

IdFactory = Callable[[], str]

MAX_PLACEHOLDER_LENGTH = 256  # characters of one placeholder
_BATCH_SIZE = 256  # identifiers generated at once

# Identifiers differ between runs, even with a fixed seed for the generated texts.
_random = random.Random(random.SystemRandom().getrandbits(64))
_PLACEHOLDER = re.compile(r"(\{[^{}]*\})")
_RANDOM_PLACEHOLDER = re.compile(r"\{([a-z]+):([1-9][0-9]{0,2})\}")
_LITERAL_TEXT = re.compile(r"[ !#-\[\]-~]*")


def create_id_factory(pattern: str) -> IdFactory:
    """Return a function that returns a new identifier of this pattern. Raises ValueError for an invalid pattern."""
    columns = [column for part in _PLACEHOLDER.split(pattern) for column in _byte_columns(part)]
    pool: list[str] = []

    def create_id() -> str:
        while True:
            try:
                return pool.pop()
            except IndexError:  # popping first, without a check, is safe among threads
                pool.extend(_random_ids(columns))

    return create_id


def _random_ids(columns: list[bytes]) -> list[str]:
    """Generate a batch of identifiers, column by column: each random byte is translated by the column's table."""
    length = len(columns)
    if not length:
        return [""]
    characters = bytearray(length * _BATCH_SIZE)
    for index, table in enumerate(columns):
        characters[index::length] = _random.randbytes(_BATCH_SIZE).translate(table)
    text = characters.decode()
    return [text[start : start + length] for start in range(0, len(text), length)]


def _byte_columns(part: str) -> list[bytes]:
    """Return one byte table for each character of a literal text or of a placeholder."""
    if "{" not in part and "}" not in part:
        if not _LITERAL_TEXT.fullmatch(part):
            raise ValueError(f"found {part!r}, expected printable ASCII without quotes and backslashes")
        return [_byte_table(letter) for letter in part]
    if part == "{uuid}":
        return _UUID_COLUMNS
    placeholder = _RANDOM_PLACEHOLDER.fullmatch(part)
    if placeholder is None or placeholder[1] not in ALPHABETS or int(placeholder[2]) > MAX_PLACEHOLDER_LENGTH:
        known = ", ".join(f"{{{name}:24}}" for name in ALPHABETS)
        raise ValueError(
            f"found {part!r}, expected {known} or {{uuid}}, with 1 to {MAX_PLACEHOLDER_LENGTH} characters"
        )
    return [_byte_table(ALPHABETS[placeholder[1]])] * int(placeholder[2])


def _byte_table(letters: str) -> bytes:
    """Return the table that maps each byte to a letter; some letters are slightly likelier, which is harmless."""
    return (letters * 256)[:256].encode()


_HEX = "0123456789abcdef"
ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "hex": _HEX,
    "nano": string.ascii_letters + string.digits + "_-",  # the alphabet of nanoid
}

# RFC 9562, 5.4: version 4; x is any hexadecimal digit, y carries the two bits of the variant.
_UUID_DIGITS = {"x": _HEX, "y": "89ab"}
_UUID_COLUMNS = [_byte_table(_UUID_DIGITS.get(sign, sign)) for sign in "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx"]
