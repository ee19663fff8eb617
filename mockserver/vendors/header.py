"""The headers of an answer: blanks filled, and moments, waits and tags as they are spelled there."""

from __future__ import annotations

import binascii
import math
import string
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha1
from urllib.parse import quote

from mockserver.vendors.form import Values, text

Headers = tuple[tuple[str, str], ...]


def filled(headers: Mapping[str, str] | None, values: Values) -> list[tuple[str, str]]:
    """Headers of a profile, their blanks filled; one that is a blank which nobody fills is left out."""
    told = ((name, value, _line(text(value, values))) for name, value in (headers or {}).items())
    return [(name, line) for name, value, line in told if line or not value]


def retry(seconds: float | None) -> Headers:
    """`Retry-After` in whole seconds, rounded up; the exact milliseconds besides when it is not whole."""
    if seconds is None:
        return ()
    whole = math.ceil(seconds)
    exact: Headers = () if whole == seconds else (("retry-after-ms", f"{round(seconds * 1000, 3):.12g}"),)
    return (("retry-after", str(whole)), *exact)


def etag(body: bytes) -> str:
    """The entity tag of a body, as Express makes it."""
    # Length in hexadecimal, then 27 characters of the SHA-1 in base 64.
    digest = binascii.b2a_base64(sha1(body, usedforsecurity=False).digest())[:27].decode()
    return f'W/"{len(body):x}-{digest}"'


def in_utc(now: datetime, seconds: float) -> str:
    """A moment from now, in whole seconds and not before it is true."""
    whole = timedelta(seconds=math.ceil(seconds + now.microsecond / 1e6), microseconds=-now.microsecond)
    return (now + whole).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp(moment: datetime) -> str:
    """A moment in UTC as JavaScript writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(value: str) -> str:
    """A header's value: what a client sent may be part of it, and must not become another header."""
    return value if value.isascii() and value.isprintable() else quote(value, safe=string.punctuation + " ")
