"""What a person may write is a value: a shape reads plain values, says all that is wrong, describes itself.

`read` gives what the program uses or an InputError with every problem; `schema` gives the JSON Schema of what
`read` accepts. A shape that finds something wrong tells the place and returns `WRONG`, so that its neighbours
are still read; `WRONG` never leaves `read`, because every one of them has left a problem behind.
"""

from __future__ import annotations

import difflib
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from mockserver import duration
from mockserver.document import Document, Trail, clipped, spelled
from mockserver.errors import InputError, Problem


class _Wrong(Enum):
    WRONG = "wrong"


WRONG: Final = _Wrong.WRONG


@dataclass(slots=True)
class Reading:
    """One walk over one document, and the problems that it has met."""

    document: Document
    problems: list[Problem] = field(default_factory=list)


class At:
    """A place in the document that is being read."""

    __slots__ = ("parent", "reading", "step")

    def __init__(self, reading: Reading, parent: At | None = None, step: str | int = "") -> None:
        self.reading = reading
        self.parent = parent
        self.step = step

    def key(self, name: str) -> At:
        """The place of a mapping's value."""
        return At(self.reading, self, name)

    def item(self, index: int) -> At:
        """The place of a list's item."""
        return At(self.reading, self, index)

    @property
    def document(self) -> Document:
        """The document that this is a place of."""
        return self.reading.document

    @property
    def problems(self) -> list[Problem]:
        """Everything that was found wrong so far, in the whole document."""
        return self.reading.problems

    @property
    def path(self) -> Trail:
        """The keys and positions from the top down to here; a good file never asks."""
        steps: list[str | int] = []
        place = self
        while place.parent is not None:
            steps.append(place.step)
            place = place.parent
        return tuple(reversed(steps))

    def written(self) -> str | None:
        """The scalar here as it was written; None when there is no text."""
        return self.document.written(self.path)

    def problem(self, message: str) -> _Wrong:
        """Record what is wrong here."""
        path = self.path
        line, column = self.document.place(path)
        self.problems.append(Problem(message, spelled(path), self.document.name, line, column))
        return WRONG

    def refuse(self, value: object, expected: str) -> _Wrong:
        """Record that something else was expected here than what was found."""
        shown = found(value, self.written())
        if value is None and self.parent is not None and (quoted := self.parent.quoted(str(self.step))):
            expected += f"; quote the text that has a comma: {quoted}"
        return self.problem(f"found {shown}, expected {expected}")

    def quoted(self, name: str) -> str | None:
        """How the text before this key, which has no value, is written when the key belongs to it."""
        path = self.path
        if not self.document.flow(path):
            return None
        mapping: Any = self.document.value
        for step in path:
            mapping = mapping[step]
        keys = list(mapping)
        first = last = keys.index(name)
        while first > 0 and mapping[keys[first]] is None and last - first < 20:  # no text has more commas
            first -= 1
        text = self.document.written((*path, keys[first]))
        if mapping[keys[first]] is None or not text:
            return None
        quoted = ", ".join([text, *keys[first + 1 : last + 1]]).replace("'", "''")
        return f"{keys[first]}: '{clipped(quoted)}'"


class Shape(ABC):
    """What may be written at one place."""

    expected: str = "something else"  # in words, for messages: "text", "a whole number of at least 1"

    @abstractmethod
    def read(self, value: Any, at: At) -> Any:
        """What the program uses; or WRONG, once the place has been told what is wrong."""
        ...

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """JSON Schema of everything that `read` accepts; a record is referred to by its name."""
        ...

    def parts(self) -> Iterable[Shape]:
        """The shapes that this one is made of."""
        return ()


def read(shape: Shape, document: Document) -> Any:
    """What the document means, or an InputError with all its problems from top to bottom."""
    reading = Reading(document)
    value = shape.read(document.value, At(reading))
    if reading.problems:
        raise InputError(*sorted(reading.problems, key=lambda problem: (problem.line, problem.column)))
    return value


# --- words for messages


def found(value: object, written: str | None = None) -> str:
    """A value in a message: `text 'abc'`, `the number 3` (as it was written), `a list`."""
    match value:
        case None:
            return "nothing"
        case bool():
            return numeral(value)
        case str():
            return f"text {clipped(value)!r}"
        case int() | float():
            return f"the number {clipped(written or numeral(value))}"
        case list():
            return "a list"
        case _:
            return "a mapping"


def numeral(value: float) -> str:
    """A number, true or false as YAML and JSON write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return str(value)
    except ValueError:  # Python spells no whole number of more than 4,300 digits
        return hex(int(value))


def choice(words: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`; what is beyond a dozen is left out."""
    some = list(words)
    if len(some) > 12:
        return ", ".join(some[:12]) + ", …"
    return " or ".join(part for part in (", ".join(some[:-1]), *some[-1:]) if part)


def meant(word: str, words: Iterable[str]) -> str:
    """The word that was probably meant, as the end of a message; nothing when none is near."""
    near = difflib.get_close_matches(word[:100], list(words), n=1)
    return f", did you mean {near[0]!r}?" if near else ""


# --- scalars


@dataclass(frozen=True, slots=True)
class Text(Shape):
    """Text; a number, true or false is taken as it was written, so that `text: 1.50` says 1.50."""

    expected = "text"

    def read(self, value: Any, at: At) -> Any:
        if isinstance(value, str):
            return value
        if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            return at.written() or numeral(value)
        # Infinity was perhaps written in a file; JSON has no word for it.
        written = at.written() if isinstance(value, float) else None
        return at.refuse(value, self.expected) if written is None else written

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"]}


@dataclass(frozen=True, slots=True)
class Number(Shape):
    """A number, whole or not, but finite."""

    minimum: float | None = None
    maximum: float | None = None

    @property
    def expected(self) -> str:  # type: ignore[override]
        return "a number" + self._limits()

    def read(self, value: Any, at: At) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return at.refuse(value, self.expected)
        if isinstance(value, int | float) and not isinstance(value, bool) and self._within(value):
            return value
        return at.refuse(value, self.expected)

    def schema(self) -> dict[str, Any]:
        limits = {"minimum": self.minimum, "maximum": self.maximum}
        return {"type": "number"} | {key: limit for key, limit in limits.items() if limit is not None}

    def _within(self, value: float) -> bool:
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )

    def _limits(self) -> str:
        if self.minimum is None:
            return "" if self.maximum is None else f" of at most {self.maximum}"
        if self.maximum is None:
            return f" of at least {self.minimum}"
        return f" from {self.minimum} to {self.maximum}"


@dataclass(frozen=True, slots=True)
class Whole(Number):
    """A whole number; 3.0 and 1e3 are whole, as they are for JSON Schema."""

    @property
    def expected(self) -> str:  # type: ignore[override]
        return "a whole number" + self._limits()

    def read(self, value: Any, at: At) -> Any:
        if isinstance(value, float) and not value.is_integer():
            return at.refuse(value, self.expected)
        number = Number.read(self, value, at)
        return number if number is WRONG else int(number)

    def schema(self) -> dict[str, Any]:
        return Number.schema(self) | {"type": "integer"}


@dataclass(frozen=True, slots=True)
class Flag(Shape):
    """true or false, and no other words for them."""

    expected = "true or false"

    def read(self, value: Any, at: At) -> Any:
        if isinstance(value, bool):
            return value
        word = _FLAGS.get(value.lower()) if isinstance(value, str) else None
        return at.refuse(value, self.expected + (f"; write {word}" if word else ""))

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


_YES, _NO = ("yes", "y", "on", "true"), ("no", "n", "off", "false")
_FLAGS = dict.fromkeys(_YES, "true") | dict.fromkeys(_NO, "false")


@dataclass(frozen=True, slots=True)
class Duration(Shape):
    """A duration with its unit; the program gets seconds."""

    expected = "a duration like 30ms or 1.5s"

    def read(self, value: Any, at: At) -> Any:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return at.refuse(value, self.expected)
        try:
            return duration.seconds(value if isinstance(value, str) else at.written() or numeral(value))
        except ValueError as error:
            return at.problem(str(error))

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": duration.PATTERN}


@dataclass(frozen=True, slots=True)
class Percent(Shape):
    """`20%`, or a number from 0 to 1; the program gets the number."""

    expected = "a share like 20%, or a number from 0 to 1"

    def read(self, value: Any, at: At) -> Any:
        if isinstance(value, str) and re.fullmatch(_PERCENT, value):
            return float(value.removesuffix("%")) / 100
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        return at.refuse(value, self.expected)

    def schema(self) -> dict[str, Any]:
        return {
            "anyOf": [
                {"type": "string", "pattern": f"^{_PERCENT}$"},
                {"type": "number", "minimum": 0, "maximum": 1},
            ]
        }


_PERCENT = r"(?:100(?:\.0+)?|[0-9]{1,2}(?:\.[0-9]+)?)%"


class OneOf(Shape):
    """One of a few words."""

    __slots__ = ("words",)

    def __init__(self, *words: str) -> None:
        self.words = words

    @property
    def expected(self) -> str:  # type: ignore[override]
        return choice(self.words)

    def read(self, value: Any, at: At) -> Any:
        if isinstance(value, str) and value in self.words:
            return value
        return at.refuse(value, self.expected + (meant(value, self.words) if isinstance(value, str) else ""))

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Nothing(Shape):
    """null, where leaving something empty means something."""

    expected = "nothing"

    def read(self, value: Any, at: At) -> Any:
        return None if value is None else at.refuse(value, self.expected)

    def schema(self) -> dict[str, Any]:
        return {"type": "null"}


@dataclass(frozen=True, slots=True)
class Anything(Shape):
    """Any value that JSON can hold, as it is."""

    expected = "a value that JSON can hold"

    def read(self, value: Any, at: At) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return at.refuse(value, self.expected)
        inside: Iterable[Any] = ()
        if isinstance(value, dict):
            inside = [self.read(item, at.key(key)) for key, item in value.items()]
        elif isinstance(value, list):
            inside = [self.read(item, at.item(index)) for index, item in enumerate(value)]
        return WRONG if WRONG in inside else value

    def schema(self) -> dict[str, Any]:
        return {}
