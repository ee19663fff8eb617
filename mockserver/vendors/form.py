"""A vendor's JSON is a form with blanks: `$name` is a blank, everything else is printed as it stands.

A form keeps the order of its keys. A blank that nobody fills is left out together with its key, so one form
says both what is there and what may be missing; a blank that is filled with None prints null. Inside a
sentence (`Cannot $method $path`) a blank is text, and nothing when there is none; `$$` is a dollar sign.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Values = Mapping[str, Any]

ABSENT: Final = object()
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_BLANK = re.compile(rf"\$(?:(\$)|({_NAME})|\{{({_NAME})\}})")


class Form:
    """A form, compiled once and filled for each answer."""

    __slots__ = ("_fill",)

    def __init__(self, tree: object) -> None:
        self._fill = _compiled(tree)

    def fill(self, values: Values) -> Any:
        """The tree with its blanks filled; ABSENT when it is one blank and nobody filled it."""
        return self._fill(values)


def text(template: str | None, values: Values) -> str:
    """A sentence with its blanks filled; no sentence is an empty one."""
    if template is None or "$" not in template:
        return template or ""

    def filled(blank: re.Match[str]) -> str:
        value = values.get(blank[2] or blank[3])
        return blank[1] or ("" if value is None or value is ABSENT else str(value))

    return _BLANK.sub(filled, template).strip()


def named(template: str) -> Iterator[str]:
    """The names of the blanks in a text."""
    yield from (blank[2] or blank[3] for blank in _BLANK.finditer(template) if not blank[1])


def _compiled(tree: object) -> Callable[[Values], Any]:
    if isinstance(tree, dict):
        return _mapping([(key, _compiled(part)) for key, part in tree.items()])
    if isinstance(tree, list):
        return _sequence([_compiled(part) for part in tree])
    if isinstance(tree, str) and "$" in tree:
        blank = _BLANK.fullmatch(tree)
        name = blank and (blank[2] or blank[3])
        return (lambda values: values.get(name, ABSENT)) if name else (lambda values: text(tree, values))
    return lambda _: tree


def _mapping(parts: list[tuple[str, Callable[[Values], Any]]]) -> Callable[[Values], Any]:
    def fill(values: Values) -> dict[str, Any]:
        return {key: value for key, part in parts if (value := part(values)) is not ABSENT}

    return fill


def _sequence(parts: list[Callable[[Values], Any]]) -> Callable[[Values], Any]:
    def fill(values: Values) -> list[Any]:
        return [value for part in parts if (value := part(values)) is not ABSENT]

    return fill
