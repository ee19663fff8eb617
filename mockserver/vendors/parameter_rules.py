"""Rules for the fields of a request: type, bounds, allowed values, contents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mockserver.schema.field_types import Boolean, FieldType, Number, OneOf, Text
from mockserver.schema.messages import format_alternatives
from mockserver.schema.object_types import (
    Lazy,
    ListOf,
    MapOf,
    ObjectType,
    OneOrMore,
    Validated,
    spec_dataclass,
    spec_field,
)

TYPES = ("string", "number", "integer", "boolean", "array", "object")


@spec_dataclass
class ParameterRule:
    """The rule for one field. Null counts as absent, because clients send it so."""

    type: tuple[str, ...] | None = spec_field(
        OneOrMore(OneOf(*TYPES)), "its type, or its allowed types; absent: any", default=None
    )
    required: bool = spec_field(Boolean(), "whether it must be present", default=False)
    unsupported: str | None = spec_field(
        Text(), "the message if it is present; `$param` is its name; absent: it is supported", default=None
    )
    minimum: float | None = spec_field(Number(), "the lower bound of a number", default=None)
    maximum: float | None = spec_field(Number(), "the upper bound of a number", default=None)
    enum: tuple[str, ...] | None = spec_field(ListOf(Text(), 1), "the allowed texts", default=None)
    items: ParameterRule | None = spec_field(
        Lazy(lambda: PARAMETER_RULE), "the rule for each item of an array", default=None
    )
    fields: dict[str, ParameterRule] | None = spec_field(
        Lazy(lambda: PARAMETER_RULES),
        "the rules for the fields of an object; other fields are allowed",
        default=None,
    )
    by: str | None = spec_field(Text(), "the field of an object that selects one of `variants`", default=None)
    variants: dict[str, dict[str, ParameterRule]] | None = spec_field(
        MapOf(Lazy(lambda: PARAMETER_RULES)), "the rules for the fields of each variant", default=None
    )

    def check(self) -> Iterator[tuple[str | None, str]]:
        """Yield the problems of the fields in combination."""
        needs = {
            "minimum": (self.minimum, ("number", "integer")),
            "maximum": (self.maximum, ("number", "integer")),
            "enum": (self.enum, ("string",)),
            "items": (self.items, ("array",)),
            "fields": (self.fields, ("object",)),
            "by": (self.by, ("object",)),
            "required": (self.required or None, TYPES),
        }
        for name, (stated, types) in needs.items():
            if stated is not None and not set(types) & set(self.type or ()):
                yield (
                    name,
                    f"found it without a matching 'type', expected {format_alternatives(types)}",
                )
        if (self.by is None) is not (self.variants is None):
            yield None, "found one of 'by' and 'variants', expected both or neither"


PARAMETER_RULE: FieldType = ObjectType(ParameterRule)


class ParameterRules(dict[str, ParameterRule]):
    """Rules by field name, with tables of the value types that are valid without a closer check."""

    __slots__ = ("_positions", "required", "valid_types")

    def __init__(self, rules: Mapping[str, ParameterRule]) -> None:
        super().__init__(rules)
        self.valid_types = {name: _valid_types(parameter) for name, parameter in rules.items()}
        self.required = [name for name, parameter in rules.items() if parameter.required]
        self._positions = {name: position for position, name in enumerate(rules)}

    def find_unverified(self, members: Mapping[str, Any]) -> list[str]:
        """Return the fields that need a closer check or are missing, in the order of the rules."""
        known = self.valid_types.get
        found = [
            name
            for name, value in members.items()
            if (valid := known(name)) is not None and type(value) not in valid
        ]
        if self.required:
            found += [name for name in self.required if name not in members]
        return sorted(found, key=self._positions.__getitem__) if len(found) > 1 else found


PARAMETER_RULES: FieldType = Validated(MapOf(PARAMETER_RULE), ParameterRules)


def _valid_types(rule: ParameterRule) -> frozenset[type]:
    """Return the Python types whose values satisfy the rule without a closer check."""
    if rule.unsupported is not None:
        return frozenset((type(None),))
    if rule.type is None:
        return frozenset(_ALL_PYTHON_TYPES)
    constraints = {
        "string": rule.enum,
        "number": (rule.minimum, rule.maximum),
        "integer": (rule.minimum, rule.maximum),
        "array": rule.items,
        "object": (rule.fields, rule.by),
    }
    unconstrained = [name for name in rule.type if constraints.get(name) in (None, (None, None))]
    absent = () if rule.required else (type(None),)
    return frozenset((*(kind for name in unconstrained for kind in _PYTHON_TYPES[name]), *absent))


def add_default_rules(rules: Mapping[str, ParameterRule]) -> ParameterRules:
    """Return the rules completed by the defaults of every vendor; stated rules take precedence."""
    bounded = {
        name: replace(
            own,
            minimum=DEFAULT_RULES[name].minimum if own.minimum is None else own.minimum,
            maximum=DEFAULT_RULES[name].maximum if own.maximum is None else own.maximum,
        )
        for name, own in rules.items()
        if name in DEFAULT_RULES
    }
    return ParameterRules(
        {
            **rules,
            **bounded,
            **{name: default for name, default in DEFAULT_RULES.items() if name not in rules},
        }
    )


def _rule(*types: str, **constraints: Any) -> ParameterRule:
    return ParameterRule(type=types, **constraints)


MAX_CHOICES = 128  # OpenAI's limit; the other vendors state none

# The fields that change the mock's response.
DEFAULT_RULES = {
    "stream": _rule("boolean"),
    "stream_options": _rule("object"),
    "n": _rule("integer", minimum=1, maximum=MAX_CHOICES),
    "max_tokens": _rule("number"),
    "max_completion_tokens": _rule("integer"),
    "stop": _rule("string", "array", items=_rule("string")),
    "seed": _rule("number"),
    "tools": _rule("array", items=_rule("object")),
    "tool_choice": _rule("string", "object"),
    "response_format": _rule("object"),
    "reasoning_effort": _rule("string"),
    "temperature": _rule("number"),
    "top_p": _rule("number"),
}

# A float may be a whole number, as 1.0, so floats need the closer check against `integer`.
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_ALL_PYTHON_TYPES = (*(kind for kinds in _PYTHON_TYPES.values() for kind in kinds), type(None))
