"""A JSON Schema is flat before it is met: references followed, `allOf` merged, a constant an enum of one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from urllib.parse import unquote

Flat = dict[str, object]
NOTHING: Flat = {"enum": []}  # what `false` means: no value at all
STEPS = 1_000  # sub-schemas looked at in one question, so that a schema made to explode does not


def flat(schema: object, root: object, seen: frozenset[str] = frozenset()) -> tuple[Flat, frozenset[str]]:
    """One mapping without `$ref`, `allOf`, `const` and `nullable` at its top, and the references followed."""
    if not isinstance(schema, dict):
        return ({}, seen) if schema is not False else (NOTHING, seen)
    if schema.get("nullable") is True:  # OpenAPI 3.0's word
        return {"anyOf": [{**schema, "nullable": False}, {"type": "null"}]}, seen
    merged: Flat = {word: value for word, value in schema.items() if word not in FLATTENED}
    if "const" in schema:
        merged = merge(merged, {"enum": [schema["const"]]})
    for part in _parts(schema):
        # A reference back to itself says nothing more.
        if isinstance(part, str) and part in seen:
            continue
        if isinstance(part, str):
            inner, seen = flat(follow(part, root), root, seen | {part})
        else:
            inner, seen = flat(part, root, seen)
        merged = merge(merged, inner)
    return merged, seen


def follow(ref: str, root: object) -> object:
    """What a `$ref` within the document points at; one that points elsewhere or nowhere allows anything."""
    place = root
    for step in unquote(ref.removeprefix("#")).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict) and name in place:
            place = place[name]
        elif isinstance(place, list) and name.isdecimal() and int(name) < len(place):
            place = place[int(name)]
        else:
            return True
    return place if ref.startswith("#") and (ref == "#" or "/" in ref) else True


def merge(one: Flat, other: Flat) -> Flat:
    """What meets both."""
    one, other = _closed(one, other), _closed(other, one)
    merged = dict(one)
    for word, value in other.items():
        if word in merged and merged[word] != value:
            merged[word] = MERGES.get(word, _both if word in SCHEMAS else _first)(merged[word], value)
        else:
            merged[word] = value
    return merged


def endless(schema: object, root: object, entered: Iterable[str] = ()) -> bool:
    """Whether every value of the schema leads into a reference that is already entered, and so never ends."""
    try:
        return not _Ending(root).ends(schema, frozenset(entered))
    except RecursionError:
        return True


class _Ending:
    """The search for a value that ends; `path` are the references that it may not enter."""

    def __init__(self, root: object) -> None:
        self.root = root
        self.left = STEPS
        self.finite: set[str] = set()

    def ends(self, schema: object, path: frozenset[str]) -> bool:
        self.left -= 1
        if not isinstance(schema, dict) or "enum" in schema or "const" in schema:
            return True
        if self.left < 0:
            return False
        needed = [*listed(schema.get("allOf")), *_needed(schema)]
        unions = [branches for word in ("anyOf", "oneOf") if (branches := listed(schema.get(word)))]
        return schema.get("nullable") is True or (
            self._follows(schema.get("$ref"), path)
            and all(self.ends(part, path) for part in needed)
            and all(any(self.ends(branch, path) for branch in branches) for branches in unions)
        )

    def _follows(self, ref: object, path: frozenset[str]) -> bool:
        if not isinstance(ref, str) or ref in self.finite:
            return True
        if ref in path or not self.ends(follow(ref, self.root), path | {ref}):
            return False
        self.finite.add(ref)
        return True


def _needed(schema: Flat) -> list[object]:
    """The schemas of the parts that no value can be without."""
    properties, required = schema.get("properties"), schema.get("required")
    needed: list[object] = []
    if isinstance(properties, dict) and isinstance(required, list) and _may(schema, "object"):
        needed += [properties[name] for name in required if isinstance(name, str) and name in properties]
    if number(schema.get("minItems")) and _may(schema, "array"):
        needed += listed(schema.get("prefixItems")) or [schema.get("items", True)]
    return needed


def _may(schema: Flat, kind: str) -> bool:
    """Whether nothing but this type is allowed: a list of types has a way out."""
    return schema.get("type", kind) in (kind, [kind])


def listed(value: object) -> list[object]:
    """The list that a keyword has, empty where it is malformed."""
    return value if isinstance(value, list) else []


def number(value: object) -> float | int | None:
    """The finite number that a keyword has, None where it has none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _parts(schema: Flat) -> list[object]:
    """The reference, as a text, and the parts of `allOf`."""
    ref = schema.get("$ref")
    return [
        *([ref] if isinstance(ref, str) else []),
        *(p for p in listed(schema.get("allOf")) if not isinstance(p, str)),
    ]


def _closed(one: Flat, other: Flat) -> Flat:
    """`one` without the properties that `other` does not allow."""
    properties = one.get("properties")
    if other.get("additionalProperties") is not False or not isinstance(properties, dict):
        return one
    if other.get("patternProperties"):
        return one
    known = other.get("properties")
    kept = {name: each for name, each in properties.items() if isinstance(known, dict) and name in known}
    return {**one, "properties": kept}


def _first(one: object, _: object) -> object:
    return one


def _both(one: object, other: object) -> object:
    return {"allOf": [one, other]}


def _types(one: object, other: object) -> object:
    ones, others = ([each] if isinstance(each, str) else listed(each) for each in (one, other))
    wide = [kind for kind in others if kind in ones or (kind == "integer" and "number" in ones)]
    return wide + [kind for kind in ones if kind == "integer" and "number" in others and kind not in wide]


def _common(one: object, other: object) -> object:
    return [value for value in listed(one) if any(same(value, each) for each in listed(other))]


def _union(one: object, other: object) -> object:
    return [*listed(one), *(each for each in listed(other) if each not in listed(one))]


def _properties(one: object, other: object) -> object:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return one if isinstance(one, dict) else other
    return {**one, **{name: _both(one[name], each) if name in one else each for name, each in other.items()}}


def _branches(one: object, other: object) -> object:
    """Two unions at once: each branch of the first carries the second."""
    return [{"allOf": [each, {"anyOf": other}]} for each in listed(one)]


def _sides(one: object, other: object) -> object:
    ones, others = listed(one), listed(other)
    longer = max(ones, others, key=len)
    return [_both(*pair) for pair in zip(ones, others, strict=False)] + longer[min(len(ones), len(others)) :]


def _bound(choose: Callable[..., object]) -> Callable[[object, object], object]:
    def chosen(one: object, other: object) -> object:
        bounds = [bound for bound in (number(one), number(other)) if bound is not None]
        return choose(bounds) if bounds else None

    return chosen


def _step(one: object, other: object) -> object:
    steps = [Fraction(str(step)) for each in (one, other) if (step := number(each))]
    common = Fraction(
        math.lcm(*(step.numerator for step in steps)), math.gcd(*(step.denominator for step in steps)) or 1
    )
    return int(common) if common.denominator == 1 else float(common)


def same(one: object, other: object) -> bool:
    """Equal as JSON: `true` is not 1, 1.0 is."""
    return key(one) == key(other)


def key(value: object) -> object:
    """What two JSON values have in common when they are equal; it can be a member of a set."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, list):
        return ("list", *map(key, value))
    if isinstance(value, dict):
        return frozenset((name, key(each)) for name, each in value.items())
    return value


FLATTENED = ("$ref", "allOf", "const", "nullable", "$defs", "definitions")
SCHEMAS = ("items", "contains", "propertyNames")

MERGES: dict[str, Callable[[object, object], object]] = {
    "type": _types,
    "enum": _common,
    "required": _union,
    "properties": _properties,
    "patternProperties": _properties,
    "anyOf": _branches,
    "oneOf": _branches,
    "prefixItems": _sides,
    "multipleOf": _step,
    "additionalProperties": lambda one, other: one is not False and other is not False and _both(one, other),
    "not": lambda one, other: {"anyOf": [one, other]},
    "uniqueItems": lambda one, other: one or other,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), _bound(max)),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), _bound(min)),
}
