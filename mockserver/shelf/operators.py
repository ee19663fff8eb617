"""How a condition is written: a scalar, whose meaning is the field's own; a list, any of them; operators, all.

The operators are one table. It reads them, and tells editors what they are.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mockserver.document import clipped
from mockserver.record import Record
from mockserver.shape import WRONG, Anything, At, Flag, Number, Shape, Text, Whole, choice, meant
from mockserver.shelf import condition
from mockserver.shelf.condition import Condition, Show

Meaning = Literal["contains", "glob", "equals", "counts"]


@dataclass(frozen=True, slots=True)
class Operator:
    """What an operator takes (None: what the field itself does), what it makes of that, and what it means."""

    operand: Shape | None
    build: Callable[[Any, Show], Condition]
    says: str


class Conditions(Shape):
    """The shape of a condition.

    `meaning` is what a scalar means; `counts` is equality with a whole number. `show` puts an operand into
    words, where it may not be shown as it is.
    """

    def __init__(self, meaning: Meaning, show: Show = condition.spell) -> None:
        self.show = show
        self.build = OPERATORS["equals" if meaning == "counts" else meaning].build
        self.operand: Shape = _OPERANDS[meaning]
        self.expected = f"{self.operand.expected}, a list of them, or operators"
        self.operators = _Operators(_NAMES[meaning], self)

    def read(self, value: Any, at: At) -> Any:
        """A Condition, or WRONG."""
        if isinstance(value, list):
            return self.several(value, at, condition.any_of)
        if isinstance(value, dict):
            return self.operators.read(value, at)
        if value is None and not isinstance(self.operand, Anything):
            return at.refuse(value, self.expected)
        return self.one(self.operand, self.build, value, at)

    def one(self, operand: Shape, build: Callable[[Any, Show], Condition], value: Any, at: At) -> Any:
        """The condition that an operator makes of what is written after it."""
        read = operand.read(value, at)
        if read is WRONG:
            return WRONG
        try:
            return build(read, self.show)
        except ValueError as error:
            return at.problem(str(error))

    def several(self, value: Any, at: At, join: Callable[[list[Condition]], Condition]) -> Any:
        """A list of conditions, joined."""
        if not isinstance(value, list):
            return at.refuse(value, "a list of conditions")
        if not value:
            return at.problem("found an empty list, expected at least one condition")
        parts = [self.read(item, at.item(index)) for index, item in enumerate(value)]
        return WRONG if any(part is WRONG for part in parts) else join(parts)

    def negated(self, value: Any, at: At) -> Any:
        part = self.read(value, at)
        return WRONG if part is WRONG else condition.none_of(part)

    def schema(self) -> dict[str, Any]:
        scalar = self.operand.schema()
        if isinstance(self.operand, Anything):
            scalar = {"type": ["string", "number", "boolean", "null"]}
        one = [scalar, self.operators.schema()]
        return {"anyOf": [*one, {"type": "array", "minItems": 1, "items": self.itself()}]}

    def itself(self) -> dict[str, Any]:
        """The schema of a condition inside a condition, which would never end were it spelled out."""
        return {"$ref": f"#/$defs/{self.operators.cls.__name__}/$defs/condition"}

    def parts(self) -> tuple[Shape, ...]:
        return (self.operators,)


@dataclass(frozen=True, slots=True)
class _Operators(Record):
    """A mapping of operators. `cls` only names it in the schema: there is one for each meaning of a scalar."""

    conditions: Conditions

    def read(self, value: Any, at: At) -> Any:
        if not value:
            return at.problem(f"found an empty mapping, expected operators: {choice(_ALL)}")
        parts = [self._operator(name, operand, at) for name, operand in value.items()]
        return WRONG if any(part is WRONG for part in parts) else condition.all_of(parts)

    def _operator(self, name: str, value: Any, at: At) -> Any:
        conditions, inside = self.conditions, at.key(name)
        if name in OPERATORS:
            found = OPERATORS[name]
            return conditions.one(found.operand or conditions.operand, found.build, value, inside)
        match name:
            case "any":
                return conditions.several(value, inside, condition.any_of)
            case "all":
                return conditions.several(value, inside, condition.all_of)
            case "not":
                return conditions.negated(value, inside)
        return inside.problem(self._unknown_operator(name, value, at))

    def _unknown_operator(self, name: str, value: Any, at: At) -> str:
        if value is None and (quoted := at.quoted(name)):
            return f"{clipped(name)!r} is a key of its own here: quote the text that has a comma: {quoted}"
        if near := meant(name, _ALL):
            return f"unknown operator {clipped(name)!r}{near}"
        if isinstance(self.conditions.operand, Anything) and isinstance(at.step, str):
            path = f"{at.step}.{clipped(name)}"
            return f"unknown operator {clipped(name)!r}; to look inside {at.step!r}, write {path} as its key"
        return f"unknown operator {clipped(name)!r}, expected {choice(_ALL)}"

    def parts(self) -> tuple[Shape, ...]:
        return (self.conditions,)

    def definition(self) -> dict[str, Any]:
        own = self.conditions.operand.schema()
        many = {"type": "array", "minItems": 1, "items": self.conditions.itself()}
        told: dict[str, dict[str, Any]] = {
            name: {**(known.operand.schema() if known.operand else own), "description": known.says}
            for name, known in OPERATORS.items()
        }
        told["regex"]["format"] = "regex"
        told["any"] = many | {"description": _JOINED["any"]}
        told["all"] = many | {"description": _JOINED["all"]}
        told["not"] = self.conditions.itself() | {"description": _JOINED["not"]}
        return {
            "type": "object",
            "description": "Operators, all of which must hold.",
            "properties": told,
            "additionalProperties": False,
            "minProperties": 1,
            "$defs": {"condition": self.conditions.schema()},
        }


class TextOperators:
    """Of a field whose scalar is a part of a text."""


class PatternOperators:
    """Of a field whose scalar is a text that may have a `*`."""


class ValueOperators:
    """Of a field whose scalar is any value."""


class CountOperators:
    """Of a field whose scalar is a whole number."""


_TEXT, _VALUE = Text(), Anything()
_OPERANDS: Mapping[Meaning, Shape] = {
    "contains": _TEXT,
    "glob": _TEXT,
    "equals": _VALUE,
    "counts": Whole(0),
}
_NAMES: Mapping[Meaning, type] = {
    "contains": TextOperators,
    "glob": PatternOperators,
    "equals": ValueOperators,
    "counts": CountOperators,
}

# The operators, in the order in which messages and the schema name them.
OPERATORS: Mapping[str, Operator] = {
    "equals": Operator(None, condition.equals, "Exactly this."),
    "contains": Operator(
        None, condition.contains, "A text with this part, in any case; or a list with this item."
    ),
    "regex": Operator(_TEXT, condition.regex, "A text in which this regular expression (Python's) is found."),
    "glob": Operator(_TEXT, condition.glob, "A text like this; `*` stands for anything, even nothing."),
    "gt": Operator(Number(), condition.compared(operator.gt, "more than"), "More than this."),
    "gte": Operator(Number(), condition.compared(operator.ge, "at least"), "This or more."),
    "lt": Operator(Number(), condition.compared(operator.lt, "less than"), "Less than this."),
    "lte": Operator(Number(), condition.compared(operator.le, "at most"), "This or less."),
    "exists": Operator(Flag(), condition.exists, "Whether it is there at all."),
}
_JOINED = {
    "any": "One of these conditions holds.",
    "all": "All of these conditions hold.",
    "not": "This condition does not hold.",
}
_ALL = (*OPERATORS, *_JOINED)
