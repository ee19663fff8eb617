"""Shapes made of shapes: lists, mappings, unions, and records, whose dataclass is their whole description."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass
from functools import cache
from typing import Any, TypeVar, dataclass_transform

from mockserver.document import clipped
from mockserver.document import of as plain
from mockserver.errors import InputError
from mockserver.shape import WRONG, At, Shape, choice, meant, read

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListOf(Shape):
    """A list whose items have one shape; the program gets a tuple."""

    shape: Shape
    at_least: int = 0

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"a list of at least {self.at_least}" if self.at_least else "a list"

    def read(self, value: Any, at: At) -> Any:
        if not isinstance(value, list):
            return at.refuse(value, self.expected)
        if len(value) < self.at_least:
            return at.problem(f"found a list of {len(value)}, expected {self.expected}")
        items = tuple([self.shape.read(item, at.item(index)) for index, item in enumerate(value)])
        return WRONG if any(item is WRONG for item in items) else items

    def schema(self) -> dict[str, Any]:
        least = {"minItems": self.at_least} if self.at_least else {}
        return {"type": "array", "items": self.shape.schema(), **least}

    def parts(self) -> Iterable[Shape]:
        return (self.shape,)


@dataclass(frozen=True, slots=True)
class OneOrMore(Shape):
    """One value or a list of them; the program gets a tuple either way."""

    shape: Shape

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.shape.expected}, or a list of them"

    def read(self, value: Any, at: At) -> Any:
        if isinstance(value, list):
            return ListOf(self.shape, 1).read(value, at)
        one = self.shape.read(value, at)
        return WRONG if one is WRONG else (one,)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.shape.schema(), ListOf(self.shape, 1).schema()]}

    def parts(self) -> Iterable[Shape]:
        return (self.shape,)


@dataclass(frozen=True, slots=True)
class MapOf(Shape):
    """A mapping from any text to values of one shape."""

    shape: Shape
    expected = "a mapping"

    def read(self, value: Any, at: At) -> Any:
        if not isinstance(value, dict):
            return at.refuse(value, self.expected)
        items = {key: self.shape.read(item, at.key(key)) for key, item in value.items()}
        return WRONG if any(item is WRONG for item in items.values()) else items

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.shape.schema()}

    def parts(self) -> Iterable[Shape]:
        return (self.shape,)


class ByType(Shape):
    """One shape for each kind of value, so that a message tells exactly what may stand here.

    Where text may stand and no number or flag may, these go to the text's shape, which takes them as written.
    """

    __slots__ = ("expected", "shapes")

    def __init__(
        self,
        *,
        text: Shape | None = None,
        number: Shape | None = None,
        flag: Shape | None = None,
        mapping: Shape | None = None,
        sequence: Shape | None = None,
        null: Shape | None = None,
    ) -> None:
        given = (text, number, flag, mapping, sequence, null)
        self.expected = choice(words for words, shape in zip(_KINDS, given, strict=True) if shape)
        by_type = {
            str: text,
            int: number or text,
            float: number or text,
            bool: flag or text,
            dict: mapping,
            list: sequence,
            type(None): null,
        }
        self.shapes = {kind: shape for kind, shape in by_type.items() if shape}

    def read(self, value: Any, at: At) -> Any:
        shape = self.shapes.get(type(value))
        return at.refuse(value, self.expected) if shape is None else shape.read(value, at)

    def schema(self) -> dict[str, Any]:
        types: dict[Shape, list[str]] = {}
        for kind, shape in self.shapes.items():
            if _TYPES[kind] not in types.setdefault(shape, []):
                types[shape].append(_TYPES[kind])
        branches = [_narrowed(shape.schema(), allowed) for shape, allowed in types.items()]
        return {"anyOf": branches} if len(branches) > 1 else branches[0]

    def parts(self) -> Iterable[Shape]:
        return self.shapes.values()


_KINDS = ("text", "a number", "true or false", "a mapping", "a list", "nothing")
_TYPES = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
    type(None): "null",
}


def _narrowed(schema: dict[str, Any], allowed: list[str]) -> dict[str, Any]:
    """The schema for these types alone; what else its shape takes, another branch has."""
    own = schema.get("type", allowed)
    if own == "integer":
        return schema
    both = [kind for kind in ([own] if isinstance(own, str) else own) if kind in allowed]
    return schema | {"type": both[0] if len(both) == 1 else both}


@dataclass(frozen=True, slots=True)
class Check(Shape):
    """A shape, and a function that converts what it read or refuses it with a ValueError.

    `more` is JSON Schema that says the same of what was written, as far as it can.
    """

    shape: Shape
    function: Callable[[Any], Any]
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)

    @property
    def expected(self) -> str:  # type: ignore[override]
        return self.shape.expected

    def read(self, value: Any, at: At) -> Any:
        inner = self.shape.read(value, at)
        if inner is WRONG:
            return WRONG
        try:
            return self.function(inner)
        except ValueError as error:
            return at.problem(str(error))

    def schema(self) -> dict[str, Any]:
        return self.shape.schema() | dict(self.more)

    def parts(self) -> Iterable[Shape]:
        return (self.shape,)


@dataclass(frozen=True, slots=True)
class Lazy(Shape):
    """A shape that is named before it is made: a condition that holds conditions."""

    later: Callable[[], Shape]

    @property
    def expected(self) -> str:  # type: ignore[override]
        return self.later().expected

    def read(self, value: Any, at: At) -> Any:
        return self.later().read(value, at)

    def schema(self) -> dict[str, Any]:
        return self.later().schema()

    def parts(self) -> Iterable[Shape]:
        return (self.later(),)


# --- records


def said(
    shape: Shape,
    documentation: str,
    *,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    name: str | None = None,
) -> Any:
    """A dataclass field that a person writes, under `name` if need be; required without a default."""
    saying = {"shape": shape, "documentation": documentation, "name": name}
    if default_factory is not MISSING:
        return dataclasses.field(default_factory=default_factory, metadata=saying)
    return dataclasses.field(default=default, metadata=saying)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(said, dataclasses.field))
def record(cls: type[T]) -> type[T]:
    """A frozen dataclass with slots, made by keyword, so that required fields may stand among the others."""
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


@dataclass(frozen=True, slots=True)
class Saying:
    """What one field of a record says of itself."""

    attribute: str
    shape: Shape
    documentation: str
    default: Any
    required: bool


@cache
def sayings(cls: type) -> dict[str, Saying]:
    """The fields of a dataclass that a person writes, by the name they are written under."""
    found = {}
    for field in dataclasses.fields(cls):
        if "shape" in field.metadata:
            required = field.default is MISSING and field.default_factory is MISSING
            about = (field.metadata["shape"], field.metadata["documentation"])
            name = field.metadata["name"] or field.name
            found[name] = Saying(field.name, *about, field.default, required)
    return found


@dataclass(frozen=True, slots=True)
class Record(Shape):
    """A mapping with known keys, which becomes an instance of a dataclass whose fields are `said`.

    The class may have a method `check` that yields `(field, message)` for what is wrong between its fields,
    with None for the field when the whole is.
    """

    cls: type
    expected = "a mapping"

    def read(self, value: Any, at: At) -> Any:
        if not isinstance(value, dict):
            return at.refuse(value, self.expected)
        fields = sayings(self.cls)
        before = len(at.problems)
        told: dict[str, Any] = {}
        for name, item in value.items():
            field = fields.get(name)
            if field is None:
                self._unknown(name, value, at)
            else:
                told[field.attribute] = field.shape.read(item, at.key(name))
        for name, field in fields.items():
            if field.required and name not in value:
                at.problem(f"the key {name!r} is missing, expected {field.shape.expected}")
        return WRONG if len(at.problems) > before else self._made(told, at)

    def _made(self, told: dict[str, Any], at: At) -> Any:
        made = self.cls(**told)
        if not hasattr(self.cls, "check"):
            return made
        before = len(at.problems)
        names = {field.attribute: name for name, field in sayings(self.cls).items()}
        for attribute, message in made.check():
            (at if attribute is None else at.key(names[attribute])).problem(message)
        return WRONG if len(at.problems) > before else made

    def _unknown(self, name: str, value: dict[str, Any], at: At) -> None:
        fields = sayings(self.cls)
        quoted = at.quoted(name) if value[name] is None else None
        near = meant(name, fields)
        message = f"unknown key {clipped(name)!r}" + (near or f", expected {choice(fields)}")
        if quoted and not near:
            message = f"{clipped(name)!r} is a key of its own here: quote the text that has a comma: {quoted}"
        at.key(name).problem(message)

    def schema(self) -> dict[str, Any]:
        return {"$ref": f"#/$defs/{self.cls.__name__}"}

    def parts(self) -> Iterable[Shape]:
        return [field.shape for field in sayings(self.cls).values()]

    def definition(self) -> dict[str, Any]:
        """What the name in `schema` stands for."""
        fields = sayings(self.cls)
        told = (self.cls.__doc__ or "").partition("\n\n")[0]
        required = [name for name, field in fields.items() if field.required]
        return {
            "type": "object",
            # A dataclass without a docstring is given its signature for one.
            **({} if told.startswith(f"{self.cls.__name__}(") else {"description": " ".join(told.split())}),
            "properties": {name: _property(field) for name, field in fields.items()},
            **({"required": required} if required else {}),
            "additionalProperties": False,
        }


def schema(shape: Shape, *, title: str | None = None, id: str | None = None) -> dict[str, Any]:  # noqa: A002
    """The whole JSON Schema (draft 2020-12), every record in `$defs` once."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": id, "title": title}
    records = {record.cls.__name__: record.definition() for record in _records(shape)}
    whole = {key: value for key, value in head.items() if value is not None} | shape.schema()
    return whole | ({"$defs": dict(sorted(records.items()))} if records else {})


def _records(shape: Shape) -> Iterable[Record]:
    """Every record that the shape is made of, once; a shape may come back to itself through a record only."""
    met: dict[type, Record] = {}
    waiting = [shape]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Record):
            if part.cls in met:
                continue
            met[part.cls] = part
        waiting += part.parts()
    names = [cls.__name__ for cls in met]
    if len(set(names)) < len(names):
        raise TypeError(f"two records have one name: {sorted(names)}")
    return met.values()


def _property(field: Saying) -> dict[str, Any]:
    default = {"default": field.default} if _writable(field) else {}
    return field.shape.schema() | {"description": field.documentation} | default


def _writable(field: Saying) -> bool:
    """Whether a person could write the default: a duration's is in seconds, which nobody may write."""
    if field.default is None or field.default is MISSING:
        return False
    try:
        return bool(read(field.shape, plain(field.default, "default")) == field.default)
    except InputError:
        return False
