"""Validation of generated values against JSON Schemas.

It checks the keywords that a candidate of `from_schema` can violate. Formats and unknown keywords are ignored, so it
is not a general validator.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from mockserver.fixtures.predicates import is_equal_value
from mockserver.generation.generation_budget import GenerationBudget
from mockserver.generation.json_schema import (
    FlatSchema,
    as_finite_number,
    as_list,
    make_equality_key,
    resolve_ref,
)
from mockserver.generation.regex_text import matches_pattern

KeywordCheck = Callable[[object, object, GenerationBudget], bool]
MAX_DEPTH = 80  # references and levels; deeper values are taken to be valid


def conforms_to_schema(
    value: object, schema: object, root: object, budget: GenerationBudget, depth: int = 0
) -> bool:
    """Return whether the value is valid against the schema; `root` is the document that references point into.

    Raise GenerationBudgetError if that takes more steps than are left.
    """
    budget.spend()
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return schema is not False
    budget.spend(1 + len(schema) // 4)

    def is_valid(part: object, inner: object = value) -> bool:
        return conforms_to_schema(inner, part, root, budget, depth + 1)

    ref = schema.get("$ref")
    if isinstance(ref, str) and not is_valid(resolve_ref(ref, root, budget)):
        return False

    return (
        ("const" not in schema or is_equal_value(schema["const"], value, budget.spend))
        and all(KEYWORD_CHECKS[key](value, schema[key], budget) for key in schema if key in KEYWORD_CHECKS)
        and (COMBINATORS.isdisjoint(schema) or _meets_combinators(schema, is_valid))
        and (not isinstance(value, list) or _meets_item_keywords(value, schema, is_valid))
        and (not isinstance(value, dict) or _meets_object_keywords(value, schema, is_valid, budget))
    )


def is_in_enum(value: object, choices: list[object], budget: GenerationBudget) -> bool:
    """Return whether the value is equal to one of the choices. Raise GenerationBudgetError."""
    if value is None or isinstance(value, str):  # the usual case, at the speed of C
        budget.spend(1 + len(choices) // 32)
        return value in choices
    if type(value) is int:
        budget.spend(1 + len(choices) // 16)
        return any(choice == value and type(choice) in NUMBER_TYPES for choice in choices)
    key = make_equality_key(value, budget)
    return any(make_equality_key(choice, budget) == key for choice in choices)


def is_json_type(value: object, kind: object) -> bool:
    """Return whether the value has a JSON type; 1.0 is an integer."""
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(kind, str) and kind in PYTHON_TYPES and isinstance(value, PYTHON_TYPES[kind])


def _meets_combinators(schema: FlatSchema, is_valid: Callable[..., bool]) -> bool:
    any_of, one_of = as_list(schema.get("anyOf")), as_list(schema.get("oneOf"))
    branch = "then" if "if" in schema and is_valid(schema["if"]) else "else"
    return (
        all(is_valid(part) for part in as_list(schema.get("allOf")))
        and (not any_of or any(is_valid(part) for part in any_of))
        and (not one_of or sum(is_valid(part) for part in one_of) == 1)
        and ("not" not in schema or not is_valid(schema["not"]))
        and ("if" not in schema or is_valid(schema.get(branch, True)))
    )


def _meets_item_keywords(value: list[object], schema: FlatSchema, is_valid: Callable[..., bool]) -> bool:
    first = as_list(schema.get("prefixItems"))
    # A list in `items` means `prefixItems` up to draft 2019-09.
    rest = schema.get("items", True)
    if isinstance(rest, list):
        first, rest = rest, schema.get("additionalItems", True)
    if not all(is_valid(part, item) for part, item in zip(first, value, strict=False)):
        return False
    if not all(is_valid(rest, item) for item in value[len(first) :]):
        return False
    return "contains" not in schema or _meets_contains(value, schema, is_valid)


def _meets_contains(value: list[object], schema: FlatSchema, is_valid: Callable[..., bool]) -> bool:
    found = sum(is_valid(schema["contains"], item) for item in value)
    least, most = (
        as_finite_number(schema.get("minContains", 1)) or 0,
        as_finite_number(schema.get("maxContains")),
    )
    return found >= least and (most is None or found <= most)


def _meets_object_keywords(
    value: FlatSchema, schema: FlatSchema, is_valid: Callable[..., bool], budget: GenerationBudget
) -> bool:
    names, patterns = schema.get("properties"), schema.get("patternProperties")
    names = names if isinstance(names, dict) else {}
    patterns = patterns if isinstance(patterns, dict) else {}
    for name, member in value.items():
        parts = [names[name]] if name in names else []
        parts += [part for pattern, part in patterns.items() if matches_pattern(pattern, name, budget)]
        parts = parts or [schema.get("additionalProperties", True)]
        if not all(is_valid(part, member) for part in parts) or not is_valid(
            schema.get("propertyNames", True), name
        ):
            return False
    dependent = schema.get("dependentRequired")
    return not isinstance(dependent, dict) or all(
        _has_required(value, needed, budget) for name, needed in dependent.items() if name in value
    )


def _has_required(value: object, names: object, budget: GenerationBudget) -> bool:
    budget.spend(len(as_list(names)) // 16)
    return not isinstance(value, dict) or all(
        name in value for name in as_list(names) if isinstance(name, str)
    )


def _is_multiple(value: object, step: object, budget: GenerationBudget) -> bool:
    budget.spend(10)  # a fraction takes a microsecond, one of many digits several
    number = as_finite_number(value)
    return number is None or not as_finite_number(step) or Fraction(str(number)) % Fraction(str(step)) == 0


def _has_unique_items(value: object, required: object, budget: GenerationBudget) -> bool:
    return (
        required is not True
        or not isinstance(value, list)
        or len({make_equality_key(item, budget) for item in value}) == len(value)
    )


def _has_type(value: object, kinds: object, budget: GenerationBudget) -> bool:
    budget.spend(len(kinds) // 4 if isinstance(kinds, list) else 0)
    return any(is_json_type(value, kind) for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _bound_check(fails: Callable[[float, float], bool]) -> KeywordCheck:
    def check(value: object, bound: object, _: GenerationBudget) -> bool:
        number, limit = as_finite_number(value), as_finite_number(bound)
        return number is None or limit is None or not fails(number, limit)

    return check


def _size_check(
    kind: type[str | list[object] | FlatSchema], fails: Callable[[float, float], bool]
) -> KeywordCheck:
    def check(value: object, bound: object, _: GenerationBudget) -> bool:
        limit = as_finite_number(bound)
        return limit is None or not isinstance(value, kind) or not fails(len(value), limit)

    return check


def _is_less(number: float, limit: float) -> bool:
    return number < limit


def _is_greater(number: float, limit: float) -> bool:
    return number > limit


NUMBER_TYPES = (int, float)  # `bool` is a subclass of `int`, but not a number in JSON

PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}

COMBINATORS = frozenset(("allOf", "anyOf", "oneOf", "not", "if"))

# The checks of the keywords without subschemas: of a value, and of the value of the keyword.
KEYWORD_CHECKS: dict[str, KeywordCheck] = {
    "type": _has_type,
    "enum": lambda value, choices, budget: is_in_enum(value, as_list(choices), budget),
    "minimum": _bound_check(_is_less),
    "maximum": _bound_check(_is_greater),
    "exclusiveMinimum": _bound_check(lambda number, limit: number <= limit),
    "exclusiveMaximum": _bound_check(lambda number, limit: number >= limit),
    "multipleOf": _is_multiple,
    "minLength": _size_check(str, _is_less),
    "maxLength": _size_check(str, _is_greater),
    "pattern": lambda value, pattern, budget: (
        not isinstance(value, str) or not isinstance(pattern, str) or matches_pattern(pattern, value, budget)
    ),
    "minItems": _size_check(list, _is_less),
    "maxItems": _size_check(list, _is_greater),
    "uniqueItems": _has_unique_items,
    "minProperties": _size_check(dict, _is_less),
    "maxProperties": _size_check(dict, _is_greater),
    "required": _has_required,
}
