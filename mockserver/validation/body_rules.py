"""The rules for the body of a chat request: those of every vendor, and those of a profile for a model.

Unknown keys are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from mockserver.memoize import memoized
from mockserver.request.chat_request import MAX_MODEL_LENGTH, ChatRequest
from mockserver.validation.embedding_rules import iter_embedding_issues, list_model_names
from mockserver.validation.responses_rules import iter_responses_issues
from mockserver.validation.zod_issues import (
    Issue,
    IssuePath,
    create_discriminator_issue,
    create_enum_issue,
    create_too_big_issue,
    create_too_small_issue,
    create_type_issue,
    find_field_issues,
    find_value_issues,
)
from mockserver.vendors.model_spec import ModelSpec
from mockserver.vendors.parameter_rules import ParameterRule, ParameterRules
from mockserver.vendors.vendor import Vendor

MAX_ISSUES = 20  # issues that are reported, however many mistakes a body has
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class TypicalRequest(NamedTuple):
    """The usual shape of a request to one model; a request of this shape skips the full validation."""

    plain_types: Mapping[str, frozenset[type]]  # by field: the types whose values need no further check
    required: frozenset[str]
    parameters: ParameterRules
    model: ModelSpec
    roles: tuple[str, ...]  # whose messages need no further check if the content is a string
    parts: Mapping[
        str, tuple[str, ...]
    ]  # by role, the types of the parts that it accepts; all without an entry


@memoized
def passes_fast_check(request: ChatRequest) -> bool:
    """Return whether a request of the usual shape is valid, so that the full validation can be skipped."""
    typical = _typical_request(request.vendor, request.model)
    parsed = request.lazy_body.parsed
    if typical is None or parsed.error or request.route.api != "chat":
        return False
    body = parsed.body
    if not body.get("messages") or not body.get("model", request.route.model):
        return False
    return _has_plain_fields(body, typical) and _has_plain_messages(body["messages"], typical)


def _has_plain_fields(body: dict[str, Any], typical: TypicalRequest) -> bool:
    """Return whether the fields of a body are valid, without looking into its messages."""
    plain = typical.plain_types
    for name, value in body.items():
        if name in plain and type(value) not in plain[name]:
            rule = None if name in _COMMON_FIELDS else typical.parameters.get(name)
            if rule is None or any(find_value_issues(rule, value, (name,))):
                return False
    return body.keys() >= typical.required


def _has_plain_messages(messages: list[Any], typical: TypicalRequest) -> bool:
    """Return whether all messages are valid and the model supports their roles."""
    roles, parts = typical.roles, typical.parts
    for message in messages:
        if type(message) is not dict or message.get("role") not in roles:
            return False
        content = message.get("content")
        if "tool_calls" not in message and (
            type(content) is str or _are_plain_parts(content, parts.get(message["role"]))
        ):
            continue  # the usual case
        if any(_iter_message_issues(message, (), typical.model)):
            return False
    return True


def _are_plain_parts(content: Any, accepted: tuple[str, ...] | None) -> bool:
    """Return whether the content is a list of valid parts; there may be a million of them."""
    if type(content) is not list:
        return False
    if accepted is None:
        return all(type(part) is dict and type(part.get("type")) is str for part in content)
    return all(
        type(part) is dict and (kind := part.get("type")) in accepted and type(part.get(kind)) is str
        for part in content
    )


def _typical_request(vendor: Vendor, name: str) -> TypicalRequest | None:
    """Return the typical request of a model, None if every request to it needs the full validation."""
    if name not in vendor.models:
        if len(name) > MAX_MODEL_LENGTH:
            return None
        name = ""  # the same rules hold for all unknown models
    if name not in vendor.memo:
        vendor.memo[name] = _typical_of_model(vendor, name)
    typical: TypicalRequest | None = vendor.memo[name]
    return typical


def _typical_of_model(vendor: Vendor, name: str) -> TypicalRequest | None:
    model = vendor.models[name]
    if model.retired or not vendor.has_model(name) or not vendor.serves(name, "chat"):
        return None
    parameters = vendor.models.parameters(name)
    plain = {
        **parameters.valid_types,
        **{
            field: types & parameters.valid_types.get(field, types) for field, types in _COMMON_FIELDS.items()
        },
    }
    supported = ROLES if model.roles is None else model.roles
    roles = tuple(role for role in ROLES if role in supported and role not in (model.messages or {}))
    return TypicalRequest(plain, frozenset(parameters.required), parameters, model, roles, model.parts or {})


def find_body_issues(request: ChatRequest) -> list[Issue]:
    """Return the issues of a request's body, at most MAX_ISSUES of them."""
    if request.is_large:
        return request.lazy_body.derive("issues", None, lambda: _find_issues(request))
    return _find_issues(request)


def _find_issues(request: ChatRequest) -> list[Issue]:
    return list(islice(_iter_issues(request), MAX_ISSUES))


def _iter_issues(request: ChatRequest) -> Iterator[Issue]:
    if request.route.model is None:
        yield from find_field_issues(_MODEL_FIELD, request.parsed.body)
        if request.parsed.body.get("model") == "":
            message = "String must contain at least 1 character(s)"
            yield create_too_small_issue(1, "string", message, ("model",))
    if len(request.model) > MAX_MODEL_LENGTH:
        message = f"String must contain at most {MAX_MODEL_LENGTH} character(s)"
        yield create_too_big_issue(MAX_MODEL_LENGTH, "string", message, ("model",))
    if request.model and not request.vendor.has_model(request.model):
        yield create_enum_issue(list_model_names(request), request.model, ("model",))
    if request.route.api == "responses":
        yield from iter_responses_issues(request)
        return
    if request.route.api == "embeddings":
        yield from iter_embedding_issues(request)
        return
    yield from _iter_messages_issues(request)
    yield from find_field_issues(request.vendor.models.parameters(request.model), request.parsed.body)


def _iter_messages_issues(request: ChatRequest) -> Iterator[Issue]:
    body = request.parsed.body
    if "messages" not in body and request.parsed.messages:
        return  # the body has a `prompt` instead
    yield from find_field_issues(_MESSAGES_FIELD, body)
    messages = body.get("messages")
    if messages == []:
        yield create_too_small_issue(1, "array", "Array must contain at least 1 element(s)", ("messages",))
    model = request.vendor.models[request.model]
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        yield from _iter_message_issues(message, ("messages", index), model)


def _iter_message_issues(message: Any, path: IssuePath, model: ModelSpec) -> Iterator[Issue]:
    if not isinstance(message, dict):
        yield create_type_issue("object", message, path)
        return
    role = message.get("role")
    if role not in ROLES:
        yield create_discriminator_issue(ROLES, (*path, "role"))
        return
    accepted = model.parts.get(role) if model.parts else None
    yield from find_field_issues(_role_fields(role == "assistant", accepted), message, path)
    if model.messages and role in model.messages:
        yield from find_field_issues(model.messages[role], message, path)


@cache
def _role_fields(by_assistant: bool, accepted: tuple[str, ...] | None) -> ParameterRules:
    """Return the rules for a message that may have parts of these types, None for all.

    A part of these types has its text under the name of its type.
    """
    # Clients send an assistant's tool calls without content or with null, whatever the vendor's schema requires.
    fields = _ASSISTANT_FIELDS if by_assistant else _OTHER_ROLE_FIELDS
    if accepted is None:
        return fields
    variants: dict[str, dict[str, ParameterRule]] = {
        kind: ParameterRules({kind: _REQUIRED_STRING}) for kind in accepted
    }
    part = ParameterRule(type=("object",), by="type", variants=variants)
    return ParameterRules(fields | {"content": replace(fields["content"], items=part)})


_REQUIRED_STRING = ParameterRule(type=("string",), required=True)
_MODEL_FIELD = ParameterRules({"model": _REQUIRED_STRING})
_MESSAGES_FIELD = ParameterRules({"messages": ParameterRule(type=("array",), required=True)})
_COMMON_FIELDS = {**_MODEL_FIELD.valid_types, **_MESSAGES_FIELD.valid_types}
_CONTENT_PART = ParameterRule(type=("object",), fields=ParameterRules({"type": _REQUIRED_STRING}))
_ASSISTANT_FIELDS = ParameterRules(
    {
        "content": ParameterRule(type=("string", "array"), items=_CONTENT_PART),
        "tool_calls": ParameterRule(type=("array",)),
    }
)
_OTHER_ROLE_FIELDS = ParameterRules(
    {"content": ParameterRule(type=("string", "array"), items=_CONTENT_PART, required=True)}
)
