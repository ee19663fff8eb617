"""What a profile says of one model."""

from __future__ import annotations

from typing import Any

from mockserver.errors import STATUS_BY_KIND
from mockserver.schema.field_types import Boolean, Integer, Number, OneOf, Text
from mockserver.schema.object_types import ListOf, MapOf, ObjectType, spec_dataclass, spec_field
from mockserver.vendors.parameter_rules import PARAMETER_RULES, ParameterRule
from mockserver.vendors.profile_fields import TEMPLATE


@spec_dataclass
class SuccessSpec:
    """The status of a good answer."""

    body: int = spec_field(Integer(200, 299), "for a JSON body", default=200)
    stream: int = spec_field(Integer(200, 299), "for a stream", default=200)


@spec_dataclass
class PriceSpec:
    """Dollars for a million tokens."""

    prompt: float = spec_field(Number(0), "of the request")
    completion: float = spec_field(Number(0), "of the answer, reasoning included")


@spec_dataclass
class UnavailableSpec:
    """How a model is refused that is not to be had."""

    kind: str = spec_field(OneOf(*STATUS_BY_KIND), "the kind of error")
    message: str | None = spec_field(
        Text(), "in other words than the kind's; `$model` is its name", default=None
    )


@spec_dataclass
class ModelSpec:
    """What is particular to one model."""

    snapshot: str | None = spec_field(
        Text(), "the name it answers with; absent: the name it was asked by", default=None
    )
    success: SuccessSpec | None = spec_field(ObjectType(SuccessSpec), "its own statuses", default=None)
    fingerprint: str | None = spec_field(Text(), "its system_fingerprint", default=None)
    price: PriceSpec | None = spec_field(ObjectType(PriceSpec), "what it costs", default=None)
    prompt_overhead: int = spec_field(
        Integer(0), "prompt tokens it counts beyond the messages' own", default=0
    )
    reasoning: bool = spec_field(Boolean(), "whether it counts reasoning tokens", default=False)
    retired: bool = spec_field(Boolean(), "whether it is no more to be had", default=False)
    roles: tuple[str, ...] | None = spec_field(
        ListOf(Text(), at_least=1), "the roles it hears; absent: all", default=None
    )
    facts: dict[str, Any] | None = spec_field(
        TEMPLATE, "blanks that its item in a list of models fills besides `$id` and `$aliases`", default=None
    )
    parameters: dict[str, ParameterRule] | None = spec_field(
        PARAMETER_RULES,
        "what fields of a request must be; those that are not told may be there",
        default=None,
    )
    messages: dict[str, dict[str, ParameterRule]] | None = spec_field(
        MapOf(PARAMETER_RULES), "the same of a message, by its role", default=None
    )
