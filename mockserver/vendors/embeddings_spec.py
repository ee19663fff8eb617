"""The description of a vendor's embeddings in a profile."""

from __future__ import annotations

from typing import Any

from mockserver.schema.field_types import Integer, Text
from mockserver.schema.object_types import ObjectType, spec_dataclass, spec_field
from mockserver.vendors.model_spec import MAX_DIMENSIONS, UnavailableSpec
from mockserver.vendors.profile_fields import TEMPLATE


@spec_dataclass
class EmbeddingsSpec:
    """The answer to a request for embeddings, and its limits."""

    body: dict[str, Any] = spec_field(TEMPLATE, "the body")
    item: dict[str, Any] = spec_field(TEMPLATE, "one of `$data`, with `$embedding`")
    dimensions: int = spec_field(
        Integer(1, MAX_DIMENSIONS), "the length of a vector of a model that is not listed", default=1536
    )
    max_inputs: int = spec_field(Integer(1), "the most inputs of a request", default=2048)
    max_tokens: int = spec_field(Integer(1), "the most tokens of an input", default=8192)
    max_total_tokens: int = spec_field(Integer(1), "the most tokens of all inputs", default=300_000)
    too_long: str | None = spec_field(
        Text(), "the message for an input of `$tokens` tokens, more than `$limit`", default=None
    )
    too_many: str | None = spec_field(Text(), "the same for all inputs together", default=None)
    other_model: UnavailableSpec | None = spec_field(
        ObjectType(UnavailableSpec),
        "the error for a listed model without embeddings; absent: that of not_found",
        default=None,
    )
    in_chat: UnavailableSpec | None = spec_field(
        ObjectType(UnavailableSpec),
        "the error for completions of a model for embeddings; absent: that of not_found",
        default=None,
    )
