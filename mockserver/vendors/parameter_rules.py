"""What a field of a request must be: of which type, within which bounds, one of which words, holding what."""

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
    """One field. Null stands for absent, as clients send it; a field that is not described may hold anything."""

    type: tuple[str, ...] | None = spec_field(
        OneOrMore(OneOf(*TYPES)), "its type, or the types that it may have; absent: any", default=None
    )
    required: bool = spec_field(Boolean(), "whether it must be there", default=False)
    minimum: float | None = spec_field(Number(), "the least that a number may be", default=None)
    maximum: float | None = spec_field(Number(), "the most that a number may be", default=None)
    enum: tuple[str, ...] | None = spec_field(ListOf(Text(), 1), "the texts that it may be", default=None)
    items: ParameterRule | None = spec_field(
        Lazy(lambda: PARAMETER_RULE), "what an array holds", default=None
    )
    fields: dict[str, ParameterRule] | None = spec_field(
        Lazy(lambda: PARAMETER_RULES), "what an object holds; more is left alone", default=None
    )
    by: str | None = spec_field(
        Text(), "the field of an object that says which of `variants` it is", default=None
    )
    variants: dict[str, dict[str, ParameterRule]] | None = spec_field(
        MapOf(Lazy(lambda: PARAMETER_RULES)), "what an object of each variant holds", default=None
    )

    def check(self) -> Iterator[tuple[str | None, str]]:
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
                    f"found it without a 'type' that it goes with, expected {format_alternatives(types)}",
                )
        if (self.by is None) is not (self.variants is None):
            yield None, "found one of 'by' and 'variants', expected both or neither"


PARAMETER_RULE: FieldType = ObjectType(ParameterRule)


class ParameterRules(dict[str, ParameterRule]):
    """Fields by name, which knows at a glance what there can be nothing wrong with."""

    __slots__ = ("_positions", "required", "valid_types")

    def __init__(self, rules: Mapping[str, ParameterRule]) -> None:
        super().__init__(rules)
        self.valid_types = {name: _valid_types(parameter) for name, parameter in rules.items()}
        self.required = [name for name, parameter in rules.items() if parameter.required]
        self._positions = {name: place for place, name in enumerate(rules)}

    def find_unverified(self, members: Mapping[str, Any]) -> list[str]:
        """The fields of an object that must be looked at, and those that it lacks, in the order of this."""
        known = self.valid_types.get
        found = [
            name
            for name, value in members.items()
            if (plain := known(name)) is not None and type(value) not in plain
        ]
        if self.required:
            found += [name for name in self.required if name not in members]
        return sorted(found, key=self._positions.__getitem__) if len(found) > 1 else found


PARAMETER_RULES: FieldType = Validated(MapOf(PARAMETER_RULE), ParameterRules)


def _valid_types(rule: ParameterRule) -> frozenset[type]:
    """The types of values of which nothing more is asked."""
    if rule.type is None:
        return frozenset(_ALL_PYTHON_TYPES)
    more = {
        "string": rule.enum,
        "number": (rule.minimum, rule.maximum),
        "integer": (rule.minimum, rule.maximum),
        "array": rule.items,
        "object": (rule.fields, rule.by),
    }
    plain = [name for name in rule.type if more.get(name) in (None, (None, None))]
    absent = () if rule.required else (type(None),)
    return frozenset((*(kind for name in plain for kind in _PYTHON_TYPES[name]), *absent))


def add_default_rules(rules: Mapping[str, ParameterRule]) -> ParameterRules:
    """What a request is held to where this is stated: that, and for all else what every vendor wants."""
    both = {
        name: replace(
            own,
            minimum=DEFAULT_RULES[name].minimum if own.minimum is None else own.minimum,
            maximum=DEFAULT_RULES[name].maximum if own.maximum is None else own.maximum,
        )
        for name, own in rules.items()
        if name in DEFAULT_RULES
    }
    return ParameterRules(
        {**rules, **both, **{name: usual for name, usual in DEFAULT_RULES.items() if name not in rules}}
    )


def _rule(*types: str, **more: Any) -> ParameterRule:
    return ParameterRule(type=types, **more)


MAX_CHOICES = 128  # no vendor states a bound; OpenAI's is this

# The fields that the mock acts upon.
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

# Whole numbers are no `integer` where they are written with a fraction, so that floats must be looked at.
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_ALL_PYTHON_TYPES = (*(kind for kinds in _PYTHON_TYPES.values() for kind in kinds), type(None))
