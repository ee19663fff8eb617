"""The rules for the body of a request to the Responses API: those of every vendor, and those of a profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mockserver.errors import ApiError
from mockserver.request.chat_request import ChatRequest
from mockserver.request.responses_input import INPUT_ITEM_TYPES
from mockserver.schema.messages import truncate_text
from mockserver.validation.zod_issues import (
    Issue,
    IssuePath,
    create_discriminator_issue,
    create_type_issue,
    find_field_issues,
)
from mockserver.vendors.parameter_rules import ParameterRule, ParameterRules

_ROLES: Final = ("user", "assistant", "system", "developer")
_MIN_OUTPUT_TOKENS: Final = 16
_SERVED_ELSEWHERE: Final = ("background", "conversation", "prompt")  # fields of features that are not served


def iter_responses_issues(request: ChatRequest) -> Iterator[Issue]:
    """Yield the issues of a request's body, apart from its model."""
    body = request.parsed.body
    rules = ParameterRules({**_RULES, **(request.vendor.responses.spec.parameters or {})})
    yield from find_field_issues(rules, body)
    items = body.get("input")
    for index, item in enumerate(items if isinstance(items, list) else ()):
        yield from _iter_item_issues(item, ("input", index))


def refuse_unserved_features(request: ChatRequest) -> None:
    """Raise ApiError if a request uses a feature that this server lacks, or refers to what is not stored."""
    body, earlier = request.parsed.body, request.lazy_body.earlier
    name = next((name for name in _SERVED_ELSEWHERE if body.get(name)), None)
    if name is not None:
        raise _build_error(f"`{name}`")
    for tool in body.get("tools") or ():
        if tool.get("type") != "function":
            raise _build_error(f"built-in tools, such as {truncate_text(str(tool.get('type')), 80)!r}")
    if earlier is not None and earlier.error is not None:
        raise earlier.error


def _build_error(feature: str) -> ApiError:
    return ApiError("invalid_request", f"mockserver does not serve {feature} of the Responses API")


def _iter_item_issues(item: Any, path: IssuePath) -> Iterator[Issue]:
    if not isinstance(item, dict):
        yield create_type_issue("object", item, path)
        return
    kind = item.get("type", "message")
    if kind not in _ITEM_RULES:
        yield create_discriminator_issue(INPUT_ITEM_TYPES, (*path, "type"))
        return
    yield from find_field_issues(_ITEM_RULES[kind], item, path)


def _rule(*types: str, **constraints: Any) -> ParameterRule:
    return ParameterRule(type=types, **constraints)


_PART: Final = _rule("object", fields=ParameterRules({"type": _rule("string", required=True)}))
_CONTENT: Final = _rule("string", "array", items=_PART, required=True)
_TEXT: Final = _rule("string", required=True)
_ITEM_RULES: Final[Mapping[str, ParameterRules]] = {
    "message": ParameterRules({"role": _rule("string", enum=_ROLES, required=True), "content": _CONTENT}),
    "function_call": ParameterRules({"call_id": _TEXT, "name": _TEXT, "arguments": _TEXT}),
    "function_call_output": ParameterRules(
        {"call_id": _TEXT, "output": _rule("string", "array", items=_PART, required=True)}
    ),
    "reasoning": ParameterRules({}),
    "item_reference": ParameterRules({"id": _TEXT}),
}
_FORMATS: Final = {
    "text": ParameterRules({}),
    "json_object": ParameterRules({}),
    "json_schema": ParameterRules({"name": _TEXT, "schema": _rule("object", required=True)}),
}
_FUNCTION: Final = _rule("object", fields=ParameterRules({"type": _TEXT}))

# The fields that change the response, or that it repeats.
_RULES: Final = ParameterRules(
    {
        "input": _rule("string", "array", required=True),
        "instructions": _rule("string"),
        "stream": _rule("boolean"),
        "store": _rule("boolean"),
        "background": _rule("boolean"),
        "previous_response_id": _rule("string"),
        "max_output_tokens": _rule("integer", minimum=_MIN_OUTPUT_TOKENS),
        "parallel_tool_calls": _rule("boolean"),
        "temperature": _rule("number"),
        "top_p": _rule("number"),
        "truncation": _rule("string"),
        "reasoning": _rule(
            "object", fields=ParameterRules({"effort": _rule("string"), "summary": _rule("string")})
        ),
        "text": _rule(
            "object", fields=ParameterRules({"format": _rule("object", by="type", variants=_FORMATS)})
        ),
        "tools": _rule("array", items=_FUNCTION),
        "tool_choice": _rule("string", "object"),
        "metadata": _rule("object"),
    }
)
