"""The description of one model in a profile."""

from __future__ import annotations

from typing import Any

from mockserver.errors import STATUS_BY_KIND
from mockserver.schema.field_types import Boolean, Integer, Number, OneOf, Text
from mockserver.schema.object_types import ListOf, MapOf, ObjectType, spec_dataclass, spec_field
from mockserver.vendors.apis import POSTED_APIS, Api
from mockserver.vendors.latency_spec import LatencySpec
from mockserver.vendors.parameter_rules import PARAMETER_RULES, ParameterRule
from mockserver.vendors.profile_fields import TEMPLATE

MAX_DIMENSIONS = 16_384


@spec_dataclass
class SuccessSpec:
    """The statuses of successful responses."""

    body: int = spec_field(Integer(200, 299), "for a JSON body", default=200)
    stream: int = spec_field(Integer(200, 299), "for a stream", default=200)


@spec_dataclass
class PriceSpec:
    """The price of a model, in dollars for a million tokens."""

    prompt: float = spec_field(Number(0), "of the prompt")
    completion: float = spec_field(Number(0), "of the completion, reasoning included")
    cached: float | None = spec_field(
        Number(0), "of the prompt's cached tokens; absent: as the others", default=None
    )


@spec_dataclass
class UnavailableSpec:
    """The error for a model that is not available."""

    kind: str = spec_field(OneOf(*STATUS_BY_KIND), "the kind of error")
    message: str | None = spec_field(
        Text(), "a message in place of the kind's; `$model` is the model's name", default=None
    )
    code: str | None = spec_field(Text(), "a code in place of the kind's", default=None)


@spec_dataclass
class RejectedValueSpec:
    """The error for a parameter whose value is not allowed, if it differs from that of other mistakes in a body."""

    status: int = spec_field(Integer(400, 599), "its status")
    message: str = spec_field(Text(), "its message; `$detail` describes the problem of this request")


@spec_dataclass
class ModelSpec:
    """The properties of one model."""

    maker: str | None = spec_field(
        Text(), "its maker; `maker/name` is another name for it, and its id in lists of models", default=None
    )
    listed: bool = spec_field(Boolean(), "whether lists of models contain it", default=True)
    dimensions: int | None = spec_field(
        Integer(1, MAX_DIMENSIONS), "the length of its embeddings; absent: that of `embeddings`", default=None
    )
    snapshot: str | None = spec_field(
        Text(), "the model name in its responses; absent: the requested name", default=None
    )
    accepts_snapshot: bool = spec_field(
        Boolean(),
        "whether a request may name the snapshot, if models that are not listed are rejected",
        default=True,
    )
    apis: tuple[Api, ...] | None = spec_field(
        ListOf(OneOf(*POSTED_APIS), at_least=1),
        "the apis that serve it, if the vendor has a path for them; absent: chat and responses",
        default=None,
    )
    success: SuccessSpec | None = spec_field(ObjectType(SuccessSpec), "its own statuses", default=None)
    fingerprint: str | None = spec_field(Text(), "its system_fingerprint", default=None)
    price: PriceSpec | None = spec_field(ObjectType(PriceSpec), "its price", default=None)
    latency: LatencySpec | None = spec_field(ObjectType(LatencySpec), "its own latency", default=None)
    prompt_overhead: int = spec_field(
        Integer(0), "prompt tokens counted in addition to the messages", default=0
    )
    reasoning: bool = spec_field(Boolean(), "whether it counts reasoning tokens", default=False)
    hides_reasoning: bool = spec_field(
        Boolean(), "whether its reasoning is never sent as reasoning_content", default=False
    )
    retired: bool = spec_field(Boolean(), "whether it is no longer available", default=False)
    logprobs: bool = spec_field(
        Boolean(),
        "whether each choice of a body has `logprobs: null`, where the template has `$logprobs`",
        default=False,
    )
    roles: tuple[str, ...] | None = spec_field(
        ListOf(Text(), at_least=1), "the message roles that it accepts; absent: all", default=None
    )
    parts: dict[str, tuple[str, ...]] | None = spec_field(
        MapOf(ListOf(Text(), at_least=1)),
        "the types of content parts that it accepts, by role; for other roles: all",
        default=None,
    )
    facts: dict[str, Any] | None = spec_field(
        TEMPLATE,
        "further placeholder values of its item in a list of models, besides `$id` and `$aliases`",
        default=None,
    )
    parameters: dict[str, ParameterRule] | None = spec_field(
        PARAMETER_RULES,
        "rules for the fields of a request; other fields are allowed",
        default=None,
    )
    messages: dict[str, dict[str, ParameterRule]] | None = spec_field(
        MapOf(PARAMETER_RULES), "the same for the fields of a message, by its role", default=None
    )
