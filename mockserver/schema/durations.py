"""Durations: a number with a unit (`30ms`, `1.5s`, `2m`, `1h`), or several, the largest first (`1m30s`).

A bare number is refused, because its unit is ambiguous.
"""

from __future__ import annotations

import re

from mockserver.schema.messages import truncate_text

MAX_DURATION = 365 * 24 * 3600.0  # a year in seconds; a longer one is a typing error

_AMOUNT = r"[0-9]+(?:\.[0-9]+)?"
# Valid in JSON Schema's dialect of regular expressions too, so that editors refuse the same values.
DURATION_PATTERN = rf"^(?!$)(?:{_AMOUNT}h)?(?:{_AMOUNT}m)?(?:{_AMOUNT}s)?(?:{_AMOUNT}ms)?$"

_COMPONENT = re.compile(rf"({_AMOUNT})(ms|[hms])")
_DURATION = re.compile(DURATION_PATTERN.removesuffix("$") + r"\Z")
_BARE_NUMBER = re.compile(rf"[-+]?(?:{_AMOUNT}|\.[0-9]+)\Z")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def parse_duration(text: str) -> float:
    """Return the seconds of a duration. Raises ValueError with a message."""
    shown = truncate_text(text, 40)
    if text.startswith("-"):
        raise ValueError(f"found {shown}, a duration cannot be negative")
    if _BARE_NUMBER.match(text):
        raise ValueError(f"a duration needs a unit, write {shown}ms or {shown}s")
    if not _DURATION.match(text):
        raise ValueError(f"found text {shown!r}, expected a duration like 30ms or 1.5s")
    # Clocks resolve microseconds; rounding to them makes 30ms exactly 0.03.
    total = sum(float(amount) * _UNITS[unit] for amount, unit in _COMPONENT.findall(text))
    if total > MAX_DURATION:
        raise ValueError(f"found {shown}, a duration is a year at most")
    return round(total, 6)


def format_duration(seconds: float) -> str:
    """Format seconds as a duration, to the millisecond (`412ms`, `1m30s`); finer below 10 ms."""
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"found {seconds}, a duration is finite and not negative")
    if 0 < seconds < 0.01:
        return f"{round(seconds * 1000, 2):g}ms"
    hours, rest = divmod(round(seconds * 1000), 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else ""]
    if rest and rest < 1000:
        parts.append(f"{rest}ms")
    elif rest:
        parts.append(f"{rest / 1000:g}s")
    return "".join(parts) or "0s"
