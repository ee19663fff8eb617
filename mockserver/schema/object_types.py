"""Field types made of other field types: lists, mappings, unions, and objects described by a dataclass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass
from functools import cache
from typing import Any, TypeVar, dataclass_transform

from mockserver.errors import InputError
from mockserver.schema.field_types import INVALID, Cursor, FieldType, Null, Number, Text, read_document
from mockserver.schema.messages import did_you_mean, format_alternatives, truncate_text
from mockserver.schema.yaml_document import document_from_value as plain

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListOf(FieldType):
    """A list of values of one type; the result is a tuple."""

    item_type: FieldType
    at_least: int = 0
    at_most: int | None = None

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Describe the field type in a message, after "expected"."""
        return f"a list of at least {self.at_least}" if self.at_least else "a list"

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        if not isinstance(value, list):
            return cursor.report_type(value, self.expected)
        if len(value) < self.at_least:
            return cursor.report(f"found a list of {len(value)}, expected {self.expected}")
        if self.at_most is not None and len(value) > self.at_most:
            return cursor.report(f"found a list of {len(value):,}, expected at most {self.at_most:,}")
        items = tuple([self.item_type.read(item, cursor.item(index)) for index, item in enumerate(value)])
        return INVALID if any(item is INVALID for item in items) else items

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        limits = {"minItems": self.at_least or None, "maxItems": self.at_most}
        stated = {name: limit for name, limit in limits.items() if limit is not None}
        return {"type": "array", "items": self.item_type.schema(), **stated}

    def parts(self) -> Iterable[FieldType]:
        """Return the inner field types."""
        return (self.item_type,)


@dataclass(frozen=True, slots=True)
class OneOrMore(FieldType):
    """One value or a list of them; the result is a tuple in both cases."""

    item_type: FieldType

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Describe the field type in a message, after "expected"."""
        return f"{self.item_type.expected}, or a list of them"

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        if isinstance(value, list):
            return ListOf(self.item_type, 1).read(value, cursor)
        one = self.item_type.read(value, cursor)
        return INVALID if one is INVALID else (one,)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        return {"anyOf": [self.item_type.schema(), ListOf(self.item_type, 1).schema()]}

    def parts(self) -> Iterable[FieldType]:
        """Return the inner field types."""
        return (self.item_type,)


@dataclass(frozen=True, slots=True)
class MapOf(FieldType):
    """A mapping from any text to values of one type."""

    value_type: FieldType
    expected = "a mapping"

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        if not isinstance(value, dict):
            return cursor.report_type(value, self.expected)
        items = {key: self.value_type.read(item, cursor.key(key)) for key, item in value.items()}
        return INVALID if any(item is INVALID for item in items.values()) else items

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        return {"type": "object", "additionalProperties": self.value_type.schema()}

    def parts(self) -> Iterable[FieldType]:
        """Return the inner field types."""
        return (self.value_type,)


class ByType(FieldType):
    """A union that chooses the field type by the kind of value, so that messages are exact.

    If text is allowed and numbers or flags are not, these are read by the text's type, as they were written.
    """

    __slots__ = ("expected", "types_by_kind")

    def __init__(
        self,
        *,
        text: FieldType | None = None,
        number: FieldType | None = None,
        flag: FieldType | None = None,
        mapping: FieldType | None = None,
        sequence: FieldType | None = None,
        null: FieldType | None = None,
    ) -> None:
        given = (text, number, flag, mapping, sequence, null)
        self.expected = format_alternatives(
            name for name, shape in zip(_KIND_NAMES, given, strict=True) if shape
        )
        by_type = {
            str: text,
            int: number or text,
            float: number or text,
            bool: flag or text,
            dict: mapping,
            list: sequence,
            type(None): null,
        }
        self.types_by_kind = {kind: shape for kind, shape in by_type.items() if shape}

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        shape = self.types_by_kind.get(type(value))
        return cursor.report_type(value, self.expected) if shape is None else shape.read(value, cursor)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        types: dict[FieldType, list[str]] = {}
        for kind, shape in self.types_by_kind.items():
            if _JSON_TYPES[kind] not in types.setdefault(shape, []):
                types[shape].append(_JSON_TYPES[kind])
        branches = [_narrow_schema(shape.schema(), allowed) for shape, allowed in types.items()]
        return {"anyOf": branches} if len(branches) > 1 else branches[0]

    def parts(self) -> Iterable[FieldType]:
        """Return the inner field types."""
        return self.types_by_kind.values()


_KIND_NAMES = ("text", "a number", "true or false", "a mapping", "a list", "nothing")
_JSON_TYPES = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
    type(None): "null",
}


def _narrow_schema(schema: dict[str, Any], allowed: list[str]) -> dict[str, Any]:
    """Return a schema limited to these JSON types; another branch of the union covers the others."""
    own = schema.get("type", allowed)
    if own == "integer":
        return schema
    both = [kind for kind in ([own] if isinstance(own, str) else own) if kind in allowed]
    return schema | {"type": both[0] if len(both) == 1 else both}


@dataclass(frozen=True, slots=True)
class Validated(FieldType):
    """A field type with a function that converts its result, or refuses it with a ValueError.

    `more` is JSON Schema that expresses the same check, as far as it can.
    """

    inner: FieldType
    convert: Callable[[Any], Any]
    extra_schema: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Describe the field type in a message, after "expected"."""
        return self.inner.expected

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        inner = self.inner.read(value, cursor)
        if inner is INVALID:
            return INVALID
        try:
            return self.convert(inner)
        except ValueError as error:
            return cursor.report(str(error))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        return self.inner.schema() | dict(self.extra_schema)

    def parts(self) -> Iterable[FieldType]:
        """Return the inner field types."""
        return (self.inner,)


@dataclass(frozen=True, slots=True)
class Lazy(FieldType):
    """A field type that is resolved when it is first needed: a condition can contain conditions."""

    resolve: Callable[[], FieldType]

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Describe the field type in a message, after "expected"."""
        return self.resolve().expected

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        return self.resolve().read(value, cursor)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        return self.resolve().schema()

    def parts(self) -> Iterable[FieldType]:
        """Return the inner field types."""
        return (self.resolve(),)


OPTIONAL_TEXT: FieldType = ByType(text=Text(), null=Null())
OPTIONAL_NUMBER: FieldType = ByType(number=Number(), null=Null())

# --- objects


def spec_field(
    field_type: FieldType,
    documentation: str,
    *,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    name: str | None = None,
) -> Any:
    """Declare a dataclass field that users write, under `name` if given; without a default it is required."""
    metadata = {"shape": field_type, "documentation": documentation, "name": name}
    if default_factory is not MISSING:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(spec_field, dataclasses.field)
)
def spec_dataclass(cls: type[T]) -> type[T]:
    """Make a class a frozen keyword-only dataclass with slots; required fields may follow optional ones."""
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


@dataclass_transform(frozen_default=True, field_specifiers=(spec_field, dataclasses.field))
def record_dataclass(**options: bool) -> Callable[[type[T]], type[T]]:
    """Make a class as `spec_dataclass` does, but frozen for the type checker alone.

    One is created for every request, and a class that is frozen at run time takes ten times as long.
    """
    return dataclass(**{"slots": True, "unsafe_hash": True, **options})


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """The metadata of one field of an object."""

    attribute: str
    field_type: FieldType
    documentation: str
    default: Any
    required: bool


@cache
def get_spec_fields(cls: type) -> dict[str, FieldInfo]:
    """Return the fields that users write, by the name under which they write them."""
    found = {}
    for field in dataclasses.fields(cls):
        if "shape" in field.metadata:
            required = field.default is MISSING and field.default_factory is MISSING
            about = (field.metadata["shape"], field.metadata["documentation"])
            name = field.metadata["name"] or field.name
            found[name] = FieldInfo(field.name, *about, field.default, required)
    return found


@dataclass(frozen=True, slots=True)
class ObjectType(FieldType):
    """A mapping with known keys, which becomes an instance of a dataclass whose fields are `spec_field`.

    The class may have a method `check` that yields `(field, message)` for problems between its fields, with None for
    the field if the whole object is meant.
    """

    cls: type
    expected = "a mapping"

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read a value; see `FieldType.read`."""
        if not isinstance(value, dict):
            return cursor.report_type(value, self.expected)
        fields = get_spec_fields(self.cls)
        before = len(cursor.problems)
        values: dict[str, Any] = {}
        for name, item in value.items():
            field = fields.get(name)
            if field is None:
                self._report_unknown_key(name, value, cursor)
            else:
                values[field.attribute] = field.field_type.read(item, cursor.key(name))
        for name, field in fields.items():
            if field.required and name not in value:
                cursor.report(f"the key {name!r} is missing, expected {field.field_type.expected}")
        return INVALID if len(cursor.problems) > before else self._construct(values, cursor)

    def _construct(self, values: dict[str, Any], cursor: Cursor) -> Any:
        instance = self.cls(**values)
        if not hasattr(self.cls, "check"):
            return instance
        before = len(cursor.problems)
        names = {field.attribute: name for name, field in get_spec_fields(self.cls).items()}
        for attribute, message in instance.check():
            (cursor if attribute is None else cursor.key(names[attribute])).report(message)
        return INVALID if len(cursor.problems) > before else instance

    def _report_unknown_key(self, name: str, value: dict[str, Any], cursor: Cursor) -> None:
        fields = get_spec_fields(self.cls)
        quoted = cursor.quoting_hint(name) if value[name] is None else None
        near = did_you_mean(name, fields)
        message = f"unknown key {truncate_text(name)!r}" + (
            near or f", expected {format_alternatives(fields)}"
        )
        if quoted and not near:
            message = (
                f"{truncate_text(name)!r} is a key of its own here: quote the text that has a comma: {quoted}"
            )
        cursor.key(name).report(message)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema; see `FieldType.schema`."""
        return {"$ref": f"#/$defs/{self.cls.__name__}"}

    def parts(self) -> Iterable[FieldType]:
        """Return the inner field types."""
        return [field.field_type for field in get_spec_fields(self.cls).values()]

    def definition(self) -> dict[str, Any]:
        """Return the JSON Schema that `$defs` has under the name of the class."""
        fields = get_spec_fields(self.cls)
        summary = (self.cls.__doc__ or "").partition("\n\n")[0]
        required = [name for name, field in fields.items() if field.required]
        return {
            "type": "object",
            # A dataclass without a docstring has its signature as docstring.
            **(
                {}
                if summary.startswith(f"{self.cls.__name__}(")
                else {"description": " ".join(summary.split())}
            ),
            "properties": {name: _property_schema(field) for name, field in fields.items()},
            **({"required": required} if required else {}),
            "additionalProperties": False,
        }


def create_json_schema(
    field_type: FieldType,
    *,
    title: str | None = None,
    id: str | None = None,  # noqa: A002
) -> dict[str, Any]:
    """Return the complete JSON Schema (draft 2020-12), with every object once in `$defs`."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": id, "title": title}
    records = {record.cls.__name__: record.definition() for record in _collect_object_types(field_type)}
    whole = {key: value for key, value in head.items() if value is not None} | field_type.schema()
    return whole | ({"$defs": dict(sorted(records.items()))} if records else {})


def _collect_object_types(field_type: FieldType) -> Iterable[ObjectType]:
    """Return every object type inside a field type, once. Field types are recursive only through objects."""
    found: dict[type, ObjectType] = {}
    waiting = [field_type]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ObjectType):
            if part.cls in found:
                continue
            found[part.cls] = part
        waiting += part.parts()
    names = [cls.__name__ for cls in found]
    if len(set(names)) < len(names):
        raise TypeError(f"two records have one name: {sorted(names)}")
    return found.values()


def _property_schema(field: FieldInfo) -> dict[str, Any]:
    default = {"default": field.default} if _has_writable_default(field) else {}
    return field.field_type.schema() | {"description": field.documentation} | default


def _has_writable_default(field: FieldInfo) -> bool:
    """Return whether users can write the default; that of a duration is in seconds, which they cannot."""
    if field.default is None or field.default is MISSING:
        return False
    try:
        return bool(read_document(field.field_type, plain(field.default, "default")) == field.default)
    except InputError:
        return False
