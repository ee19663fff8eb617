"""A value conforms to a schema when no keyword objects to it; what is not understood does not object.

It judges what `specimen` proposes, so it knows the keywords that a proposal can miss, not formats; and it is
no client's validator.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from mockserver.invention.pattern import matches
from mockserver.invention.schema import Flat, follow, key, listed, number, same

DEPTH = 80  # references and levels; what lies deeper is taken to conform


def conforms(value: object, schema: object, root: object, depth: int = 0) -> bool:
    """Whether the value meets the schema; `root` is the document that its references point into."""
    if not isinstance(schema, dict) or depth > DEPTH:
        return schema is not False
    ref = schema.get("$ref")
    if isinstance(ref, str) and not conforms(value, follow(ref, root), root, depth + 1):
        return False

    def holds(part: object, inner: object = value) -> bool:
        return conforms(inner, part, root, depth + 1)

    return (
        ("const" not in schema or same(schema["const"], value))
        and all(WORDS[word](value, schema[word]) for word in schema if word in WORDS)
        and (LOGIC.isdisjoint(schema) or _logic(schema, holds))
        and (not isinstance(value, list) or _items(value, schema, holds))
        and (not isinstance(value, dict) or _members(value, schema, holds))
    )


def is_a(value: object, kind: object) -> bool:
    """Whether the value is of a JSON type; 1.0 is an integer."""
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(kind, str) and kind in TYPES and isinstance(value, TYPES[kind])


def _logic(schema: Flat, holds: Callable[..., bool]) -> bool:
    some, one = listed(schema.get("anyOf")), listed(schema.get("oneOf"))
    branch = "then" if "if" in schema and holds(schema["if"]) else "else"
    return (
        all(holds(part) for part in listed(schema.get("allOf")))
        and (not some or any(holds(part) for part in some))
        and (not one or sum(holds(part) for part in one) == 1)
        and ("not" not in schema or not holds(schema["not"]))
        and ("if" not in schema or holds(schema.get(branch, True)))
    )


def _items(value: list[object], schema: Flat, holds: Callable[..., bool]) -> bool:
    first = listed(schema.get("prefixItems"))
    # Until 2019 a list under `items` was what `prefixItems` is now.
    rest = schema.get("items", True)
    if isinstance(rest, list):
        first, rest = rest, schema.get("additionalItems", True)
    if not all(holds(part, item) for part, item in zip(first, value, strict=False)):
        return False
    if not all(holds(rest, item) for item in value[len(first) :]):
        return False
    return "contains" not in schema or _contains(value, schema, holds)


def _contains(value: list[object], schema: Flat, holds: Callable[..., bool]) -> bool:
    found = sum(holds(schema["contains"], item) for item in value)
    least, most = number(schema.get("minContains", 1)) or 0, number(schema.get("maxContains"))
    return found >= least and (most is None or found <= most)


def _members(value: Flat, schema: Flat, holds: Callable[..., bool]) -> bool:
    names, patterns = schema.get("properties"), schema.get("patternProperties")
    names = names if isinstance(names, dict) else {}
    patterns = patterns if isinstance(patterns, dict) else {}
    for name, member in value.items():
        parts = [names[name]] if name in names else []
        parts += [part for pattern, part in patterns.items() if matches(pattern, name)]
        parts = parts or [schema.get("additionalProperties", True)]
        if not all(holds(part, member) for part in parts) or not holds(
            schema.get("propertyNames", True), name
        ):
            return False
    dependent = schema.get("dependentRequired")
    return not isinstance(dependent, dict) or all(
        _required(value, needed) for name, needed in dependent.items() if name in value
    )


def _required(value: object, names: object) -> bool:
    return not isinstance(value, dict) or all(
        name in value for name in listed(names) if isinstance(name, str)
    )


def _multiple(value: object, step: object) -> bool:
    given = number(value)
    return given is None or not number(step) or Fraction(str(given)) % Fraction(str(step)) == 0


def _unique(value: object, wanted: object) -> bool:
    return wanted is not True or not isinstance(value, list) or len(set(map(key, value))) == len(value)


def _typed(value: object, kinds: object) -> bool:
    return any(is_a(value, kind) for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _compared(objects: Callable[[float, float], bool]) -> Callable[[object, object], bool]:
    def check(value: object, bound: object) -> bool:
        given, limit = number(value), number(bound)
        return given is None or limit is None or not objects(given, limit)

    return check


def _sized(
    kind: type[str | list[object] | Flat], objects: Callable[[float, float], bool]
) -> Callable[[object, object], bool]:
    def check(value: object, bound: object) -> bool:
        limit = number(bound)
        return limit is None or not isinstance(value, kind) or not objects(len(value), limit)

    return check


def _less(given: float, limit: float) -> bool:
    return given < limit


def _more(given: float, limit: float) -> bool:
    return given > limit


TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}

LOGIC = frozenset(("allOf", "anyOf", "oneOf", "not", "if"))

# Each keyword that one value and the keyword's own value decide.
WORDS: dict[str, Callable[[object, object], bool]] = {
    "type": _typed,
    "enum": lambda value, among: key(value) in map(key, listed(among)),
    "minimum": _compared(_less),
    "maximum": _compared(_more),
    "exclusiveMinimum": _compared(lambda given, limit: given <= limit),
    "exclusiveMaximum": _compared(lambda given, limit: given >= limit),
    "multipleOf": _multiple,
    "minLength": _sized(str, _less),
    "maxLength": _sized(str, _more),
    "pattern": lambda value, pattern: (
        not isinstance(value, str) or not isinstance(pattern, str) or matches(pattern, value)
    ),
    "minItems": _sized(list, _less),
    "maxItems": _sized(list, _more),
    "uniqueItems": _unique,
    "minProperties": _sized(dict, _less),
    "maxProperties": _sized(dict, _more),
    "required": _required,
}
