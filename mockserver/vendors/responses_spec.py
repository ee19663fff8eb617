"""The part of a profile for the Responses API: its templates, which have OpenAI's published form unless stated."""

from __future__ import annotations

from typing import Any, Final

from mockserver.schema.field_types import Boolean, FieldType
from mockserver.schema.object_types import MapOf, ObjectType, spec_dataclass, spec_field
from mockserver.vendors.parameter_rules import PARAMETER_RULES, ParameterRule
from mockserver.vendors.profile_fields import ID_PATTERN, TEMPLATE

# The fields of a request to the Responses API that its answer repeats.
ECHOED_FIELDS = (
    *(
        "instructions",
        "max_output_tokens",
        "parallel_tool_calls",
        "previous_response_id",
        "reasoning",
        "store",
    ),
    *(
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_p",
        "truncation",
        "user",
        "metadata",
        "service_tier",
    ),
    *("safety_identifier", "prompt_cache_key", "top_logprobs", "max_tool_calls"),
)

# OpenAI's reference: https://platform.openai.com/docs/api-reference/responses/object
_BODY = {
    "id": "$id",
    "object": "response",
    "created_at": "$created",
    "status": "$status",
    "background": False,
    "error": None,
    "incomplete_details": "$incomplete_details",
    "instructions": "$instructions",
    "max_output_tokens": "$max_output_tokens",
    "max_tool_calls": "$max_tool_calls",
    "model": "$model",
    "output": "$output",
    "parallel_tool_calls": "$parallel_tool_calls",
    "previous_response_id": "$previous_response_id",
    "prompt_cache_key": "$prompt_cache_key",
    "reasoning": "$reasoning",
    "safety_identifier": "$safety_identifier",
    "service_tier": "$service_tier",
    "store": "$store",
    "temperature": "$temperature",
    "text": "$text",
    "tool_choice": "$tool_choice",
    "tools": "$tools",
    "top_logprobs": "$top_logprobs",
    "top_p": "$top_p",
    "truncation": "$truncation",
    "usage": "$usage",
    "user": "$user",
    "metadata": "$metadata",
}
_USAGE = {
    "input_tokens": "$prompt_tokens",
    "input_tokens_details": {"cached_tokens": "$cached_tokens", "cache_write_tokens": 0},
    "output_tokens": "$completion_tokens",
    "output_tokens_details": {"reasoning_tokens": "$reasoning_tokens"},
    "total_tokens": "$total_tokens",
}
DEFAULT_IDS: Final = {
    "response_id": "resp_{hex:48}",
    "message_id": "msg_{hex:48}",
    "reasoning_id": "rs_{hex:48}",
    "function_call_id": "fc_{hex:48}",
}
DEFAULT_VALUES: Final[dict[str, Any]] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
    "metadata": {},
}


@spec_dataclass
class ResponsesSpec:
    """The Responses API of a vendor."""

    store: bool = spec_field(
        Boolean(), "whether a response is stored if the request does not say", default=True
    )
    ids: dict[str, str] = spec_field(
        MapOf(ID_PATTERN),
        "the ids of a response and of its items, with their patterns",
        default_factory=dict,
    )
    usage: dict[str, Any] = spec_field(TEMPLATE, "the template of the usage", default_factory=lambda: _USAGE)
    body: dict[str, Any] = spec_field(TEMPLATE, "the response", default_factory=lambda: _BODY)
    defaults: dict[str, Any] = spec_field(
        TEMPLATE,
        "the values of the body's fields that the request does not state",
        default_factory=dict,
    )
    reasoning: dict[str, Any] = spec_field(
        TEMPLATE,
        "an item of reasoning",
        default_factory=lambda: {"id": "$id", "type": "reasoning", "summary": "$summary"},
    )
    message: dict[str, Any] = spec_field(
        TEMPLATE,
        "an item of a message",
        default_factory=lambda: {
            "id": "$id",
            "type": "message",
            "status": "$status",
            "content": "$content",
            "role": "assistant",
        },
    )
    function_call: dict[str, Any] = spec_field(
        TEMPLATE,
        "an item of a function call",
        default_factory=lambda: {
            "id": "$id",
            "type": "function_call",
            "status": "$status",
            "arguments": "$arguments",
            "call_id": "$call_id",
            "name": "$name",
        },
    )
    text: dict[str, Any] = spec_field(
        TEMPLATE,
        "a part of a message with its text",
        default_factory=lambda: {"type": "output_text", "annotations": [], "logprobs": [], "text": "$text"},
    )
    refusal: dict[str, Any] = spec_field(
        TEMPLATE,
        "a part of a message with a refusal",
        default_factory=lambda: {"type": "refusal", "refusal": "$refusal"},
    )
    deleted: dict[str, Any] = spec_field(
        TEMPLATE,
        "the answer to the deletion of a stored response",
        default_factory=lambda: {"id": "$id", "object": "response", "deleted": True},
    )
    parameters: dict[str, ParameterRule] | None = spec_field(
        PARAMETER_RULES, "rules for the fields of a request, besides those of every vendor", default=None
    )


RESPONSES: FieldType = ObjectType(ResponsesSpec)
