"""What a field of a request must be: of which type, within which bounds, one of which words, holding what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mockserver.record import Check, Lazy, ListOf, MapOf, OneOrMore, Record, record, said
from mockserver.shape import Flag, Number, OneOf, Shape, Text, choice

TYPES = ("string", "number", "integer", "boolean", "array", "object")


@record
class Parameter:
    """One field. Null stands for absent, as clients send it; a field that is not described may hold anything."""

    type: tuple[str, ...] | None = said(
        OneOrMore(OneOf(*TYPES)), "its type, or the types that it may have; absent: any", default=None
    )
    required: bool = said(Flag(), "whether it must be there", default=False)
    minimum: float | None = said(Number(), "the least that a number may be", default=None)
    maximum: float | None = said(Number(), "the most that a number may be", default=None)
    enum: tuple[str, ...] | None = said(ListOf(Text(), 1), "the texts that it may be", default=None)
    items: Parameter | None = said(Lazy(lambda: PARAMETER), "what an array holds", default=None)
    fields: dict[str, Parameter] | None = said(
        Lazy(lambda: PARAMETERS), "what an object holds; more is left alone", default=None
    )
    by: str | None = said(Text(), "the field of an object that says which of `variants` it is", default=None)
    variants: dict[str, dict[str, Parameter]] | None = said(
        MapOf(Lazy(lambda: PARAMETERS)), "what an object of each variant holds", default=None
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
                yield name, f"found it without a 'type' that it goes with, expected {choice(types)}"
        if (self.by is None) is not (self.variants is None):
            yield None, "found one of 'by' and 'variants', expected both or neither"


PARAMETER: Shape = Record(Parameter)


class Fields(dict[str, Parameter]):
    """Fields by name, which knows at a glance what there can be nothing wrong with."""

    __slots__ = ("_places", "plain", "required")

    def __init__(self, stated: Mapping[str, Parameter]) -> None:
        super().__init__(stated)
        self.plain = {name: _plain(parameter) for name, parameter in stated.items()}
        self.required = [name for name, parameter in stated.items() if parameter.required]
        self._places = {name: place for place, name in enumerate(stated)}

    def doubtful(self, holder: Mapping[str, Any]) -> list[str]:
        """The fields of an object that must be looked at, and those that it lacks, in the order of this."""
        known = self.plain.get
        found = [
            name
            for name, value in holder.items()
            if (plain := known(name)) is not None and type(value) not in plain
        ]
        if self.required:
            found += [name for name in self.required if name not in holder]
        return sorted(found, key=self._places.__getitem__) if len(found) > 1 else found


PARAMETERS: Shape = Check(MapOf(PARAMETER), Fields)


def _plain(parameter: Parameter) -> frozenset[type]:
    """The types of values of which nothing more is asked."""
    if parameter.type is None:
        return frozenset(_TYPES)
    more = {
        "string": parameter.enum,
        "number": (parameter.minimum, parameter.maximum),
        "integer": (parameter.minimum, parameter.maximum),
        "array": parameter.items,
        "object": (parameter.fields, parameter.by),
    }
    plain = [name for name in parameter.type if more.get(name) in (None, (None, None))]
    absent = () if parameter.required else (type(None),)
    return frozenset((*(kind for name in plain for kind in _KINDS[name]), *absent))


def held(stated: Mapping[str, Parameter]) -> Fields:
    """What a request is held to where this is stated: that, and for all else what every vendor wants."""
    both = {
        name: replace(
            own,
            minimum=USUAL[name].minimum if own.minimum is None else own.minimum,
            maximum=USUAL[name].maximum if own.maximum is None else own.maximum,
        )
        for name, own in stated.items()
        if name in USUAL
    }
    return Fields({**stated, **both, **{name: usual for name, usual in USUAL.items() if name not in stated}})


def _typed(*types: str, **more: Any) -> Parameter:
    return Parameter(type=types, **more)


MOST_CHOICES = 128  # no vendor states a bound; OpenAI's is this

# The fields that the mock acts upon.
USUAL = {
    "stream": _typed("boolean"),
    "stream_options": _typed("object"),
    "n": _typed("integer", minimum=1, maximum=MOST_CHOICES),
    "max_tokens": _typed("number"),
    "max_completion_tokens": _typed("integer"),
    "stop": _typed("string", "array", items=_typed("string")),
    "seed": _typed("number"),
    "tools": _typed("array", items=_typed("object")),
    "tool_choice": _typed("string", "object"),
    "response_format": _typed("object"),
    "reasoning_effort": _typed("string"),
    "temperature": _typed("number"),
    "top_p": _typed("number"),
}

# Whole numbers are no `integer` where they are written with a fraction, so that floats must be looked at.
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_TYPES = (*(kind for kinds in _KINDS.values() for kind in kinds), type(None))
