"""What a chat request must look like: what every vendor wants of one, and what a profile says of a model.

Unknown keys are nobody's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from mockserver.call import Call
from mockserver.session import issues
from mockserver.session.issues import Issue, Path
from mockserver.vendors.model import Model
from mockserver.vendors.parameter import Fields, Parameter

MOST = 20  # issues that are told; a body of a million mistakes is refused in a few words too
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def broken(call: Call) -> list[Issue]:
    """What is wrong with the body of a call."""
    return list(islice(_all(call), MOST))


def _all(call: Call) -> Iterator[Issue]:
    if call.place.model is None:
        yield from issues.fields(_NAMED, call.body)
        if call.body.get("model") == "":
            words = "String must contain at least 1 character(s)"
            yield issues.too_small(1, "string", words, ("model",))
    if call.model and not call.vendor.offers(call.model):
        yield issues.not_among(call.vendor.models.names, call.model, ("model",))
    yield from _messages(call)
    yield from issues.fields(call.vendor.models.parameters(call.model), call.body)


def _messages(call: Call) -> Iterator[Issue]:
    body = call.body
    if "messages" not in body and call.messages:
        return  # `prompt` stood for them
    yield from issues.fields(_LISTED, body)
    messages = body.get("messages")
    if messages == []:
        yield issues.too_small(1, "array", "Array must contain at least 1 element(s)", ("messages",))
    model = call.vendor.models[call.model]
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        yield from _message(message, ("messages", index), model)


def _message(message: Any, path: Path, model: Model) -> Iterator[Issue]:
    if not isinstance(message, dict):
        yield issues.mistyped("object", message, path)
        return
    role = message.get("role")
    if role not in ROLES:
        yield issues.not_a_variant(ROLES, (*path, "role"))
        return
    # Clients send an assistant's tool calls with no content, and with null, whatever a vendor's schema says.
    yield from issues.fields(_ASSISTANT if role == "assistant" else _SPEAKER, message, path)
    if model.messages and role in model.messages:
        yield from issues.fields(model.messages[role], message, path)


_NAME = Parameter(type=("string",), required=True)
_NAMED = Fields({"model": _NAME})
_LISTED = Fields({"messages": Parameter(type=("array",), required=True)})
_PART = Parameter(type=("object",), fields=Fields({"type": _NAME}))
_ASSISTANT = Fields(
    {
        "content": Parameter(type=("string", "array"), items=_PART),
        "tool_calls": Parameter(type=("array",)),
    }
)
_SPEAKER = Fields({"content": Parameter(type=("string", "array"), items=_PART, required=True)})
