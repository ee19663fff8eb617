"""Flattening of JSON Schemas: references are resolved, `allOf` is merged, `const` becomes an enum of one value."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from fractions import Fraction
from urllib.parse import unquote

from mockserver.fixtures.predicates import is_equal_value
from mockserver.generation.generation_budget import GenerationBudget, GenerationBudgetError

FlatSchema = dict[str, object]
MergeRule = Callable[[object, object, GenerationBudget], object]
FALSE_SCHEMA: FlatSchema = {"enum": []}  # the schema `false`, which no value is valid against
MAX_STEPS = 1_000  # subschemas visited by one search for a finite value


def flatten_schema(
    schema: object, root: object, budget: GenerationBudget, seen: frozenset[str] = frozenset()
) -> tuple[FlatSchema, frozenset[str]]:
    """Return the schema without `$ref`, `allOf`, `const` and `nullable` at its top level, and the references followed.

    References in `seen` are not followed again. The subschemas stay as they are. Raise GenerationBudgetError.
    """
    if not isinstance(schema, dict):
        return ({}, seen) if schema is not False else (FALSE_SCHEMA, seen)
    budget.spend(1 + len(schema) // 4)
    if schema.get("nullable") is True:  # OpenAPI 3.0
        return {"anyOf": [{**schema, "nullable": False}, {"type": "null"}]}, seen
    merged: FlatSchema = {
        keyword: value for keyword, value in schema.items() if keyword not in FLATTENED_KEYWORDS
    }
    if "const" in schema:
        merged = merge_schemas(merged, {"enum": [schema["const"]]}, budget)
    for part in _refs_and_parts(schema):
        # A schema that refers to itself adds no condition.
        if isinstance(part, str) and part in seen:
            continue
        if isinstance(part, str):
            budget.spend(len(seen) // 4)
            inner, seen = flatten_schema(resolve_ref(part, root, budget), root, budget, seen | {part})
        else:
            inner, seen = flatten_schema(part, root, budget, seen)
        merged = merge_schemas(merged, inner, budget)
    return merged, seen


def resolve_ref(ref: str, root: object, budget: GenerationBudget) -> object:
    """Return the subschema that a `$ref` points to; `true` if that is missing or in another document."""
    budget.spend(1 + len(ref) // 16)
    target = root
    for step in unquote(ref.removeprefix("#")).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(target, dict) and name in target:
            target = target[name]
        elif isinstance(target, list) and (index := _parse_index(name)) < len(target):
            target = target[index]
        else:
            return True
    return target if ref.startswith("#") and (ref == "#" or "/" in ref) else True


def _parse_index(name: str) -> int:
    """Return the index in a JSON Pointer (RFC 6901); one that is no number is beyond every list."""
    return int(name) if len(name) < 10 and name.isdecimal() else sys.maxsize


def merge_schemas(one: FlatSchema, other: FlatSchema, budget: GenerationBudget) -> FlatSchema:
    """Return a flat schema of the values that are valid against both. Raise GenerationBudgetError."""
    budget.spend(1 + (len(one) + len(other)) // 4)
    one, other = (
        _without_forbidden_properties(one, other, budget),
        _without_forbidden_properties(other, one, budget),
    )
    merged = dict(one)
    for keyword, value in other.items():
        if keyword in merged and not is_equal_value(merged[keyword], value, budget.spend):
            default = _all_of if keyword in SCHEMA_KEYWORDS else _keep_first
            merged[keyword] = MERGE_RULES.get(keyword, default)(merged[keyword], value, budget)
        else:
            merged[keyword] = value
    return merged


def is_infinite_schema(
    schema: object, root: object, budget: GenerationBudget, entered_refs: Iterable[str] = ()
) -> bool:
    """Return whether every value of the schema contains a reference in `entered_refs`, and so is infinitely deep.

    Also true if a value of finite depth is not found in time.
    """
    try:
        return not _TerminationCheck(root, budget).terminates(schema, frozenset(entered_refs))
    except (RecursionError, GenerationBudgetError):
        return True


class _TerminationCheck:
    """The search for a value of finite depth. `path` is the references that it may not enter again."""

    def __init__(self, root: object, budget: GenerationBudget) -> None:
        self.root, self.budget = root, budget
        self.steps_left = MAX_STEPS
        self.finite_refs: set[str] = set()

    def terminates(self, schema: object, path: frozenset[str]) -> bool:
        """Return whether the schema has a value of finite depth; false if the search takes too many steps."""
        self.steps_left -= 1
        self.budget.spend()
        if not isinstance(schema, dict) or "enum" in schema or "const" in schema:
            return True
        if self.steps_left < 0:
            return False
        self.budget.spend(
            len(as_list(schema.get("allOf"))) // 16 + len(as_list(schema.get("required"))) // 16
        )
        needed = [*as_list(schema.get("allOf")), *_required_parts(schema)]
        unions = [branches for keyword in ("anyOf", "oneOf") if (branches := as_list(schema.get(keyword)))]
        return schema.get("nullable") is True or (
            self._ref_terminates(schema.get("$ref"), path)
            and all(self.terminates(part, path) for part in needed)
            and all(any(self.terminates(branch, path) for branch in branches) for branches in unions)
        )

    def _ref_terminates(self, ref: object, path: frozenset[str]) -> bool:
        if not isinstance(ref, str) or ref in self.finite_refs:
            return True
        if ref in path or not self.terminates(resolve_ref(ref, self.root, self.budget), path | {ref}):
            return False
        self.finite_refs.add(ref)
        return True


def _required_parts(schema: FlatSchema) -> list[object]:
    """Return the schemas of the members and items that every value has."""
    properties, required = schema.get("properties"), schema.get("required")
    needed: list[object] = []
    if isinstance(properties, dict) and isinstance(required, list) and _allows_only(schema, "object"):
        needed += [properties[name] for name in required if isinstance(name, str) and name in properties]
    if as_finite_number(schema.get("minItems")) and _allows_only(schema, "array"):
        needed += as_list(schema.get("prefixItems")) or [schema.get("items", True)]
    return needed


def _allows_only(schema: FlatSchema, kind: str) -> bool:
    """Return whether `type` allows only this type."""
    return schema.get("type", kind) in (kind, [kind])


def as_list(value: object) -> list[object]:
    """Return the value of a keyword if it is a list, or else an empty list."""
    return value if isinstance(value, list) else []


def as_strings(value: object) -> list[str]:
    """Return the string or the strings that a keyword gives, without duplicates."""
    given = [value] if isinstance(value, str) else as_list(value)
    return list(dict.fromkeys(each for each in given if isinstance(each, str)))


def as_finite_number(value: object) -> float | int | None:
    """Return the value of a keyword if it is a number that a float can represent, or else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -sys.float_info.max <= value <= sys.float_info.max else None


def _refs_and_parts(schema: FlatSchema) -> list[object]:
    """Return the `$ref`, as a string, and the subschemas in `allOf`."""
    ref = schema.get("$ref")
    return [
        *([ref] if isinstance(ref, str) else []),
        *(part for part in as_list(schema.get("allOf")) if not isinstance(part, str)),
    ]


def _without_forbidden_properties(one: FlatSchema, other: FlatSchema, budget: GenerationBudget) -> FlatSchema:
    """Return `one` without the properties that `other` forbids by `additionalProperties: false`."""
    properties = one.get("properties")
    if other.get("additionalProperties") is not False or not isinstance(properties, dict):
        return one
    if other.get("patternProperties"):
        return one
    budget.spend(len(properties) // 8)
    known = other.get("properties")
    allowed = {name: each for name, each in properties.items() if isinstance(known, dict) and name in known}
    return {**one, "properties": allowed}


def _keep_first(one: object, _: object, __: GenerationBudget) -> object:
    return one


def _all_of(one: object, other: object, _: GenerationBudget) -> object:
    return {"allOf": [one, other]}


def _merge_types(one: object, other: object, _: GenerationBudget) -> object:
    ones, others = as_strings(one), as_strings(other)
    both = [kind for kind in others if kind in ones or (kind == "integer" and "number" in ones)]
    return both + [kind for kind in ones if kind == "integer" and "number" in others and kind not in both]


def _merge_enums(one: object, other: object, budget: GenerationBudget) -> object:
    allowed = {make_equality_key(value, budget) for value in as_list(other)}
    return [value for value in as_list(one) if make_equality_key(value, budget) in allowed]


def _merge_required(one: object, other: object, _: GenerationBudget) -> object:
    return list(dict.fromkeys(name for name in [*as_list(one), *as_list(other)] if isinstance(name, str)))


def _merge_properties(one: object, other: object, budget: GenerationBudget) -> object:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return one if isinstance(one, dict) else other
    return {
        **one,
        **{name: _all_of(one[name], each, budget) if name in one else each for name, each in other.items()},
    }


def _merge_unions(one: object, other: object, _: GenerationBudget) -> object:
    """Return the union of the branches of `one`, each together with the union `other`."""
    return [{"allOf": [each, {"anyOf": other}]} for each in as_list(one)]


def _merge_prefix_items(one: object, other: object, budget: GenerationBudget) -> object:
    ones, others = as_list(one), as_list(other)
    longer = max(ones, others, key=len)
    return [_all_of(*pair, budget) for pair in zip(ones, others, strict=False)] + longer[
        min(len(ones), len(others)) :
    ]


def _bound_merger(choose: Callable[..., object]) -> MergeRule:
    def merge(one: object, other: object, _: GenerationBudget) -> object:
        bounds = [bound for bound in (as_finite_number(one), as_finite_number(other)) if bound is not None]
        return choose(bounds) if bounds else None

    return merge


def _merge_multiples(one: object, other: object, _: GenerationBudget) -> object:
    factors = [Fraction(str(factor)) for each in (one, other) if (factor := as_finite_number(each))]
    common = Fraction(
        math.lcm(*(factor.numerator for factor in factors)),
        math.gcd(*(factor.denominator for factor in factors)) or 1,
    )
    if common > Fraction(sys.float_info.max):  # no value but 0 is a multiple of both
        return one
    return int(common) if common.denominator == 1 else float(common)


def make_equality_key(value: object, budget: GenerationBudget) -> object:
    """Return a hashable key, the same for values that `is_equal_value` calls equal. Raise GenerationBudgetError."""
    budget.spend()
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, list):
        return ("list", *(make_equality_key(each, budget) for each in value))
    if isinstance(value, dict):
        return frozenset((name, make_equality_key(each, budget)) for name, each in value.items())
    return value


FLATTENED_KEYWORDS = ("$ref", "allOf", "const", "nullable", "$defs", "definitions")
SCHEMA_KEYWORDS = ("items", "contains", "propertyNames")

MERGE_RULES: dict[str, MergeRule] = {
    "type": _merge_types,
    "enum": _merge_enums,
    "required": _merge_required,
    "properties": _merge_properties,
    "patternProperties": _merge_properties,
    "anyOf": _merge_unions,
    "oneOf": _merge_unions,
    "prefixItems": _merge_prefix_items,
    "multipleOf": _merge_multiples,
    "additionalProperties": lambda one, other, budget: (
        one is not False and other is not False and _all_of(one, other, budget)
    ),
    "not": lambda one, other, _: {"anyOf": [one, other]},
    "uniqueItems": lambda one, other, _: one or other,
    **dict.fromkeys(
        ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), _bound_merger(max)
    ),
    **dict.fromkeys(
        ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), _bound_merger(min)
    ),
}
