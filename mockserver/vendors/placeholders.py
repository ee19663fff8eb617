"""JSON templates with placeholders: `$name` is replaced by a value, everything else is kept.

A template keeps the order of its keys. A placeholder without a value is omitted together with its key, so that one
template describes required and optional fields; the value None gives null. Inside a longer text
(`Cannot $method $path`) a placeholder is replaced by its text, or by nothing; `$$` is a dollar sign.
"""

from __future__ import annotations

import binascii
import math
import re
import string
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha1
from typing import Any, Final, TypeVar
from urllib.parse import quote

from mockserver.errors import RetryAfter

PlaceholderValues = Mapping[str, Any]
StatedValue = TypeVar("StatedValue")

ABSENT: Final = object()
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PLACEHOLDER = re.compile(rf"\$(?:(\$)|({_NAME})|\{{({_NAME})\}})")


class JsonTemplate:
    """A JSON template, compiled once and filled for each answer."""

    __slots__ = ("_fill",)

    def __init__(self, tree: object) -> None:
        self._fill = _compile_template(tree)

    def fill(self, values: PlaceholderValues) -> Any:
        """Return the tree with its placeholders replaced; ABSENT if it is a single placeholder without a value."""
        return self._fill(values)


def fill_text(template: str | None, values: PlaceholderValues) -> str:
    """Return a text with its placeholders replaced; "" for None."""
    if template is None or "$" not in template:
        return template or ""

    def replacement(found: re.Match[str]) -> str:
        value = values.get(found[2] or found[3])
        return found[1] or ("" if value is None or value is ABSENT else str(value))

    return _PLACEHOLDER.sub(replacement, template).strip()


def fill_optional_text(template: str | None, values: PlaceholderValues) -> str | None:
    """Return a filled text; None without a template, or if one that is not empty leaves nothing."""
    text = fill_text(template, values)
    return text if text or template == "" else None


def pick_stated_value(*values: StatedValue | None, default: StatedValue) -> StatedValue:
    """Return the first value that is not None, else the default: an empty text or a zero is a value, too."""
    return next((value for value in values if value is not None), default)


def find_placeholder_names(template: str) -> Iterator[str]:
    """Yield the names of the placeholders in a text."""
    yield from (found[2] or found[3] for found in _PLACEHOLDER.finditer(template) if not found[1])


def _compile_template(tree: object) -> Callable[[PlaceholderValues], Any]:
    if isinstance(tree, dict):
        return _compile_mapping([(key, _compile_template(part)) for key, part in tree.items()])
    if isinstance(tree, list):
        return _compile_list([_compile_template(part) for part in tree])
    if isinstance(tree, str) and "$" in tree:
        placeholder = _PLACEHOLDER.fullmatch(tree)
        name = placeholder and (placeholder[2] or placeholder[3])
        return (lambda values: values.get(name, ABSENT)) if name else (lambda values: fill_text(tree, values))
    return lambda _: tree


def _compile_mapping(
    parts: list[tuple[str, Callable[[PlaceholderValues], Any]]],
) -> Callable[[PlaceholderValues], Any]:
    def fill(values: PlaceholderValues) -> dict[str, Any]:
        return {key: value for key, part in parts if (value := part(values)) is not ABSENT}

    return fill


def _compile_list(parts: list[Callable[[PlaceholderValues], Any]]) -> Callable[[PlaceholderValues], Any]:
    def fill(values: PlaceholderValues) -> list[Any]:
        return [value for part in parts if (value := part(values)) is not ABSENT]

    return fill


HeaderPairs = tuple[tuple[str, str], ...]


def fill_headers(headers: Mapping[str, str] | None, values: PlaceholderValues) -> list[tuple[str, str]]:
    """Return a profile's headers with their placeholders replaced; a header that becomes empty is omitted."""
    filled = (
        (name, template, _escape_header_value(fill_text(template, values)))
        for name, template in (headers or {}).items()
    )
    return [(name, text) for name, template, text in filled if text or not template]


def format_retry_after(retry_after: RetryAfter | None) -> HeaderPairs:
    """Return `retry-after` in seconds, rounded up; with `retry-after-ms` as well if it is not whole.

    As an HTTP date (RFC 9110, 5.6.7) it is the time of that moment, rounded up to whole seconds.
    """
    if retry_after is None:
        return ()
    seconds = retry_after.seconds
    if retry_after.as_date:
        moment = math.ceil(datetime.now(UTC).timestamp() + seconds)
        return (("retry-after", format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)),)
    whole = math.ceil(seconds)
    exact: HeaderPairs = () if whole == seconds else (("retry-after-ms", f"{round(seconds * 1000, 3):.12g}"),)
    return (("retry-after", str(whole)), *exact)


def compute_etag(body: bytes) -> str:
    """Return the weak entity tag of a body in the form of Express."""
    # The length in hexadecimal, then 27 characters of the SHA-1 in base64.
    digest = binascii.b2a_base64(sha1(body, usedforsecurity=False).digest())[:27].decode()
    return f'W/"{len(body):x}-{digest}"'


def format_time_after(now: datetime, seconds: float) -> str:
    """Return the time `seconds` after `now`, rounded up to whole seconds, in ISO 8601."""
    whole = timedelta(seconds=math.ceil(seconds + now.microsecond / 1e6), microseconds=-now.microsecond)
    return (now + whole).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_wait(seconds: float) -> str:
    """Return a duration as OpenAI's headers have it: `11ms`, `1m6.499s`, `6m0s`."""
    milliseconds = math.ceil(round(seconds * 1000, 3))
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h" * bool(hours) + f"{minutes}m" * bool(hours or minutes) + f"{rest / 1000:g}s"


def format_timestamp(moment: datetime) -> str:
    """Return a time in UTC in the form of JavaScript's `toISOString`: milliseconds and `Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _escape_header_value(value: str) -> str:
    """Escape a header value: it may contain client input, which must not inject another header."""
    return value if value.isascii() and value.isprintable() else quote(value, safe=string.punctuation + " ")
