"""A vendor's JSON is a form with blanks: `$name` is a blank, everything else is printed as it stands.

A form keeps the order of its keys. A blank that nobody fills is left out together with its key, so one form
says both what is there and what may be missing; a blank that is filled with None prints null. Inside a
sentence (`Cannot $method $path`) a blank is text, and nothing when there is none; `$$` is a dollar sign.
"""

from __future__ import annotations

import binascii
import math
import re
import string
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha1
from typing import Any, Final
from urllib.parse import quote

PlaceholderValues = Mapping[str, Any]

ABSENT: Final = object()
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PLACEHOLDER = re.compile(rf"\$(?:(\$)|({_NAME})|\{{({_NAME})\}})")


class JsonTemplate:
    """A form, compiled once and filled for each answer."""

    __slots__ = ("_fill",)

    def __init__(self, tree: object) -> None:
        self._fill = _compile_template(tree)

    def fill(self, values: PlaceholderValues) -> Any:
        """The tree with its blanks filled; ABSENT when it is one blank and nobody filled it."""
        return self._fill(values)


def fill_text(template: str | None, values: PlaceholderValues) -> str:
    """A sentence with its blanks filled; no sentence is an empty one."""
    if template is None or "$" not in template:
        return template or ""

    def filled(blank: re.Match[str]) -> str:
        value = values.get(blank[2] or blank[3])
        return blank[1] or ("" if value is None or value is ABSENT else str(value))

    return _PLACEHOLDER.sub(filled, template).strip()


def find_placeholder_names(template: str) -> Iterator[str]:
    """The names of the blanks in a text."""
    yield from (blank[2] or blank[3] for blank in _PLACEHOLDER.finditer(template) if not blank[1])


def _compile_template(tree: object) -> Callable[[PlaceholderValues], Any]:
    if isinstance(tree, dict):
        return _compile_mapping([(key, _compile_template(part)) for key, part in tree.items()])
    if isinstance(tree, list):
        return _compile_list([_compile_template(part) for part in tree])
    if isinstance(tree, str) and "$" in tree:
        blank = _PLACEHOLDER.fullmatch(tree)
        name = blank and (blank[2] or blank[3])
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
    """Headers of a profile, their blanks filled; one that is a blank which nobody fills is left out."""
    told = (
        (name, value, _escape_header_value(fill_text(value, values)))
        for name, value in (headers or {}).items()
    )
    return [(name, line) for name, value, line in told if line or not value]


def format_retry_after(seconds: float | None) -> HeaderPairs:
    """`Retry-After` in whole seconds, rounded up; the exact milliseconds besides when it is not whole."""
    if seconds is None:
        return ()
    whole = math.ceil(seconds)
    exact: HeaderPairs = () if whole == seconds else (("retry-after-ms", f"{round(seconds * 1000, 3):.12g}"),)
    return (("retry-after", str(whole)), *exact)


def compute_etag(body: bytes) -> str:
    """The entity tag of a body, as Express makes it."""
    # Length in hexadecimal, then 27 characters of the SHA-1 in base 64.
    digest = binascii.b2a_base64(sha1(body, usedforsecurity=False).digest())[:27].decode()
    return f'W/"{len(body):x}-{digest}"'


def format_time_after(now: datetime, seconds: float) -> str:
    """A moment from now, in whole seconds and not before it is true."""
    whole = timedelta(seconds=math.ceil(seconds + now.microsecond / 1e6), microseconds=-now.microsecond)
    return (now + whole).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_timestamp(moment: datetime) -> str:
    """A moment in UTC as JavaScript writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _escape_header_value(value: str) -> str:
    """A header's value: what a client sent may be part of it, and must not become another header."""
    return value if value.isascii() and value.isprintable() else quote(value, safe=string.punctuation + " ")
