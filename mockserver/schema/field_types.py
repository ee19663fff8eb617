"""Field types: they read plain values, report every problem with its position, and describe themselves as JSON Schema.

`read_document` returns the converted value or raises InputError with every problem; `schema` returns the JSON Schema of
what `read_document` accepts. A field type that finds a problem reports it and returns `INVALID`, so that the fields
beside it are still read; `INVALID` never leaves `read_document`.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from mockserver.errors import InputError, Problem
from mockserver.schema.durations import DURATION_PATTERN, parse_duration
from mockserver.schema.messages import (
    describe_value,
    did_you_mean,
    format_alternatives,
    format_scalar,
    truncate_text,
)
from mockserver.schema.money import AMOUNT_PATTERN, parse_amount
from mockserver.schema.yaml_document import (
    Document,
    ValuePath,
    describe_large_integer,
    format_path,
)


class _Invalid(Enum):
    INVALID = "wrong"


INVALID: Final = _Invalid.INVALID


@dataclass(slots=True)
class ReadState:
    """The problems found while one document is read."""

    document: Document
    problems: list[Problem] = field(default_factory=list)


class Cursor:
    """A position in the document that is being read."""

    __slots__ = ("parent", "state", "step")

    def __init__(self, state: ReadState, parent: Cursor | None = None, step: str | int = "") -> None:
        self.state = state
        self.parent = parent
        self.step = step

    def key(self, name: str) -> Cursor:
        """Return the position of a mapping's value."""
        return Cursor(self.state, self, name)

    def item(self, index: int) -> Cursor:
        """Return the position of a list's item."""
        return Cursor(self.state, self, index)

    @property
    def document(self) -> Document:
        """Return the document of this position."""
        return self.state.document

    @property
    def problems(self) -> list[Problem]:
        """Return all problems found so far in the document."""
        return self.state.problems

    @property
    def path(self) -> ValuePath:
        """Return the keys and list positions from the top; built only for a problem."""
        steps: list[str | int] = []
        place = self
        while place.parent is not None:
            steps.append(place.step)
            place = place.parent
        return tuple(reversed(steps))

    def raw_scalar(self) -> str | None:
        """Return the scalar as it was written; None without a text."""
        return self.document.raw_scalar(self.path)

    def report(self, message: str) -> _Invalid:
        """Record a problem at this position; return INVALID."""
        path = self.path
        line, column = self.document.position(path)
        self.problems.append(Problem(message, format_path(path), self.document.name, line, column))
        return INVALID

    def report_type(self, value: object, expected: str) -> _Invalid:
        """Record that something else was expected than what was found; return INVALID."""
        shown = describe_value(value, self.raw_scalar())
        if value is None and self.parent is not None and (quoted := self.parent.quoting_hint(str(self.step))):
            expected += f"; quote the text that has a comma: {quoted}"
        return self.report(f"found {shown}, expected {expected}")

    def quoting_hint(self, name: str) -> str | None:
        """Return how the text before a key without a value would be written if the key belongs to it.

        An unquoted comma in a flow mapping splits a text into two keys: `{text: Hello, world}`.
        """
        path = self.path
        if not self.document.is_flow_mapping(path):
            return None
        mapping: Any = self.document.value
        for step in path:
            mapping = mapping[step]
        keys = list(mapping)
        first = last = keys.index(name)
        while first > 0 and mapping[keys[first]] is None and last - first < 20:  # no text has more commas
            first -= 1
        text = self.document.raw_scalar((*path, keys[first]))
        if mapping[keys[first]] is None or not text:
            return None
        quoted = ", ".join([text, *keys[first + 1 : last + 1]]).replace("'", "''")
        return f"{keys[first]}: '{truncate_text(quoted)}'"


class FieldType(ABC):
    """A type of values in a document."""

    expected: str = "something else"  # in words, for messages: "text", "a whole number of at least 1"

    @abstractmethod
    def read(self, value: Any, cursor: Cursor) -> Any:
        """Return the converted value; if it is invalid, report that and return INVALID."""
        ...

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of everything that `read_document` accepts; objects are referred to by name."""
        ...

    def parts(self) -> Iterable[FieldType]:
        """Return the inner field types."""
        return ()


def read_document(field_type: FieldType, document: Document) -> Any:
    """Return the converted document. Raises InputError with all problems, in the order of their positions."""
    reading = ReadState(document)
    value = field_type.read(document.value, Cursor(reading))
    if reading.problems:
        raise InputError(*sorted(reading.problems, key=lambda problem: (problem.line, problem.column)))
    return value


# --- scalars


@dataclass(frozen=True, slots=True)
class Text(FieldType):
    """Text; a number, true or false is taken as it was written, so that `text: 1.50` is the text 1.50."""

    expected = "text"

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        if isinstance(value, str):
            return value
        if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            return cursor.raw_scalar() or format_scalar(value)
        # The file may say .inf; JSON has no infinity.
        written = cursor.raw_scalar() if isinstance(value, float) else None
        return cursor.report_type(value, self.expected) if written is None else written

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        return {"type": ["string", "number", "boolean"]}


@dataclass(frozen=True, slots=True)
class Number(FieldType):
    """A finite number, whole or not."""

    minimum: float | None = None
    maximum: float | None = None

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Describe the field type in a message, after "expected"."""
        return "a number" + self._describe_limits()

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        if isinstance(value, float) and not math.isfinite(value):
            return cursor.report_type(value, self.expected)
        if isinstance(value, int | float) and not isinstance(value, bool) and self._is_within(value):
            return value
        return cursor.report_type(value, self.expected)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        limits = {"minimum": self.minimum, "maximum": self.maximum}
        return {"type": "number"} | {key: limit for key, limit in limits.items() if limit is not None}

    def _is_within(self, value: float) -> bool:
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )

    def _describe_limits(self) -> str:
        if self.minimum is None:
            return "" if self.maximum is None else f" of at most {self.maximum}"
        if self.maximum is None:
            return f" of at least {self.minimum}"
        return f" from {self.minimum} to {self.maximum}"


@dataclass(frozen=True, slots=True)
class Integer(Number):
    """A whole number of at most 64 bits; 3.0 and 1e3 are whole, as in JSON Schema."""

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Describe the field type in a message, after "expected"."""
        return "a whole number" + self._describe_limits()

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        if isinstance(value, float) and not value.is_integer():
            return cursor.report_type(value, self.expected)
        number = Number.read(self, value, cursor)
        if number is not INVALID and (problem := describe_large_integer(int(number))):
            return cursor.report(problem)
        return number if number is INVALID else int(number)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        return Number.schema(self) | {"type": "integer"}


@dataclass(frozen=True, slots=True)
class Boolean(FieldType):
    """true or false, and no other words."""

    expected = "true or false"

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        if isinstance(value, bool):
            return value
        word = _BOOLEAN_WORDS.get(value.lower()) if isinstance(value, str) else None
        return cursor.report_type(value, self.expected + (f"; write {word}" if word else ""))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        return {"type": "boolean"}


_TRUE_WORDS, _FALSE_WORDS = ("yes", "y", "on", "true"), ("no", "n", "off", "false")
_BOOLEAN_WORDS = dict.fromkeys(_TRUE_WORDS, "true") | dict.fromkeys(_FALSE_WORDS, "false")


class Quantity(FieldType):
    """A number with its unit; the error for a bare number suggests the unit."""

    __slots__ = ()
    pattern: str
    parse: Callable[[str], Any]

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return cursor.report_type(value, self.expected)
        try:
            return self.parse(
                value if isinstance(value, str) else cursor.raw_scalar() or format_scalar(value)
            )
        except ValueError as error:
            return cursor.report(str(error))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        return {"type": "string", "pattern": self.pattern}


class Duration(Quantity):
    """A duration with its unit; the result is in seconds."""

    __slots__ = ()
    expected = "a duration like 30ms or 1.5s"
    pattern = DURATION_PATTERN
    parse = staticmethod(parse_duration)


class AmountField(Quantity):
    """An amount with its unit."""

    __slots__ = ()
    expected = "money like $0.001 or 5000 credits"
    pattern = AMOUNT_PATTERN
    parse = staticmethod(parse_amount)


@dataclass(frozen=True, slots=True)
class Percent(FieldType):
    """`20%`, or a number from 0 to 1; the result is the number."""

    expected = "a share like 20%, or a number from 0 to 1"

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        if isinstance(value, str) and re.fullmatch(_PERCENT_PATTERN, value):
            return float(value.removesuffix("%")) / 100
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        return cursor.report_type(value, self.expected)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        return {
            "anyOf": [
                {"type": "string", "pattern": f"^{_PERCENT_PATTERN}$"},
                {"type": "number", "minimum": 0, "maximum": 1},
            ]
        }


_PERCENT_PATTERN = r"(?:100(?:\.0+)?|[0-9]{1,2}(?:\.[0-9]+)?)%"


class OneOf(FieldType):
    """One of a few words."""

    __slots__ = ("choices",)

    def __init__(self, *choices: str) -> None:
        self.choices = choices

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Describe the field type in a message, after "expected"."""
        return format_alternatives(self.choices)

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        if isinstance(value, str) and value in self.choices:
            return value
        return cursor.report_type(
            value, self.expected + (did_you_mean(value, self.choices) if isinstance(value, str) else "")
        )

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        return {"enum": list(self.choices)}


@dataclass(frozen=True, slots=True)
class Null(FieldType):
    """null, where an empty value has a meaning."""

    expected = "nothing"

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        return None if value is None else cursor.report_type(value, self.expected)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        return {"type": "null"}


@dataclass(frozen=True, slots=True)
class AnyValue(FieldType):
    """Any JSON value, unchanged."""

    expected = "a value that JSON can hold"

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        if isinstance(value, float) and not math.isfinite(value):
            return cursor.report_type(value, self.expected)
        inside: Iterable[Any] = ()
        if isinstance(value, dict):
            inside = [self.read(item, cursor.key(key)) for key, item in value.items()]
        elif isinstance(value, list):
            inside = [self.read(item, cursor.item(index)) for index, item in enumerate(value)]
        return INVALID if INVALID in inside else value

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        return {}
