"""What a vendor's identifiers look like: `chatcmpl-{alnum:29}`, `{uuid}`, `SG_{hex:16}`."""

from __future__ import annotations

import random
import re
import string
import uuid
from collections.abc import Callable

Maker = Callable[[], str]

LONGEST = 256  # characters that one blank may stand for

# Identifiers must differ between runs, whatever seed the words were asked for with.
_random = random.Random(random.SystemRandom().getrandbits(64))
_BLANK = re.compile(r"(\{[^{}]*\})")
_DRAWN = re.compile(r"\{([a-z]+):([1-9][0-9]{0,2})\}")


def maker(pattern: str) -> Maker:
    """A function that makes one such identifier a call. Raises ValueError for a pattern it does not know."""
    pieces = [_piece(part) for part in _BLANK.split(pattern)]
    return lambda: "".join(piece if isinstance(piece, str) else piece() for piece in pieces)


def _piece(part: str) -> str | Maker:
    if "{" not in part and "}" not in part:
        return part
    if part == "{uuid}":
        return lambda: str(uuid.UUID(int=_random.getrandbits(128), version=4))
    blank = _DRAWN.fullmatch(part)
    if blank is None or blank[1] not in ALPHABETS or int(blank[2]) > LONGEST:
        known = ", ".join(f"{{{name}:24}}" for name in ALPHABETS)
        raise ValueError(f"found {part!r}, expected {known} or {{uuid}}, with 1 to {LONGEST} characters")
    alphabet, length = ALPHABETS[blank[1]], int(blank[2])
    return lambda: "".join(_random.choices(alphabet, k=length))


ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "hex": "0123456789abcdef",
    "nano": string.ascii_letters + string.digits + "_-",  # nanoid's
}
