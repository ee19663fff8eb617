"""What a vendor's identifiers look like: `chatcmpl-{alnum:29}`, `{uuid}`, `SG_{hex:16}`."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

Maker = Callable[[], str]

LONGEST = 256  # characters that one blank may stand for
_AT_A_TIME = 256  # texts that are drawn together

# Identifiers must differ between runs, whatever seed the words were asked for with.
_random = random.Random(random.SystemRandom().getrandbits(64))
_BLANK = re.compile(r"(\{[^{}]*\})")
_DRAWN = re.compile(r"\{([a-z]+):([1-9][0-9]{0,2})\}")


def maker(pattern: str) -> Maker:
    """A function that makes one such identifier a call. Raises ValueError for a pattern it does not know."""
    pieces = [_piece(part) for part in _BLANK.split(pattern)]
    made = [piece for piece in pieces if not isinstance(piece, str)]
    form = "".join(piece.replace("%", "%%") if isinstance(piece, str) else "%s" for piece in pieces)
    if len(made) == 1:  # as most have it
        only = made[0]
        return lambda: form % only()
    return lambda: form % tuple([make() for make in made])


def _piece(part: str) -> str | Maker:
    if "{" not in part and "}" not in part:
        return part
    if part == "{uuid}":
        return _uuid
    blank = _DRAWN.fullmatch(part)
    if blank is None or blank[1] not in ALPHABETS or int(blank[2]) > LONGEST:
        known = ", ".join(f"{{{name}:24}}" for name in ALPHABETS)
        raise ValueError(f"found {part!r}, expected {known} or {{uuid}}, with 1 to {LONGEST} characters")
    letters, length = _LETTERS[blank[1]], int(blank[2])
    return _drawing(letters, length)


def _drawing(letters: bytes, length: int) -> Maker:
    """Draws texts of so many letters, a few hundred together."""
    drawn: list[str] = []

    def draw() -> str:
        while True:
            try:
                return drawn.pop()
            except IndexError:
                text = _random.randbytes(length * _AT_A_TIME).translate(letters).decode()
                drawn.extend(text[start : start + length] for start in range(0, len(text), length))

    return draw


def _uuid() -> str:
    """Version 4, its digits drawn at once: `uuid.UUID` would take twice as long to say them."""
    digits = f"{_random.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


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
