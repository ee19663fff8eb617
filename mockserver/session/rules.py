"""What a chat request must look like: what every vendor wants of one, and what a profile says of a model.

Unknown keys are nobody's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from mockserver.call import Call
from mockserver.notes import noted
from mockserver.session import issues
from mockserver.session.issues import Issue, Path
from mockserver.vendors.model import Model
from mockserver.vendors.parameter import Fields, Parameter
from mockserver.vendors.vendor import Vendor

MOST = 20  # issues that are told; a body of a million mistakes is refused in a few words too
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class Usual(NamedTuple):
    """What the requests to one model mostly are, so that little must be asked of one that is like them."""

    plain: Mapping[str, frozenset[type]]  # the types of a field's values of which nothing more is asked
    required: frozenset[str]
    parameters: Fields
    model: Model
    roles: tuple[str, ...]  # that may say a text, and nothing more is asked of it


@noted
def sound(call: Call) -> bool:
    """Whether nothing is wrong with a request: its body is in order, and its model hears it. `broken` says what is."""
    usual = _usual(call.origin.place.vendor, call.model)
    words = call.reading.words
    if usual is None or words.flaw:
        return False
    body = words.body
    if not body.get("messages") or not body.get("model", call.origin.place.model):
        return False
    return _plain(body, usual) and _heard(body["messages"], usual)


def _plain(body: dict[str, Any], usual: Usual) -> bool:
    """Whether nothing is wrong with the fields of a body; its messages are a list, if it has any."""
    plain = usual.plain
    for name, value in body.items():
        if name in plain and type(value) not in plain[name]:
            stated = None if name in _OURS else usual.parameters.get(name)
            if stated is None or any(issues.of(stated, value, (name,))):
                return False
    return body.keys() >= usual.required


def _heard(messages: list[Any], usual: Usual) -> bool:
    """Whether nothing is wrong with any message, and its role is heard."""
    roles = usual.roles
    for message in messages:
        if type(message) is not dict or message.get("role") not in roles:
            return False
        if type(message.get("content")) is str and "tool_calls" not in message:
            continue  # as most are
        if any(_message(message, (), usual.model)):
            return False
    return True


def _usual(vendor: Vendor, name: str) -> Usual | None:
    """None for a model of whose requests nothing can be said at a glance."""
    name = name if name in vendor.models else ""  # of the others, all that is known is the same
    if name not in vendor.notes:
        vendor.notes[name] = _of_model(vendor, name)
    known: Usual | None = vendor.notes[name]
    return known


def _of_model(vendor: Vendor, name: str) -> Usual | None:
    model = vendor.models[name]
    if model.retired or not vendor.offers(name):
        return None
    parameters = vendor.models.parameters(name)
    plain = {
        **parameters.plain,
        **{own: kinds & parameters.plain.get(own, kinds) for own, kinds in _OURS.items()},
    }
    heard = ROLES if model.roles is None else model.roles
    roles = tuple(role for role in ROLES if role in heard and role not in (model.messages or {}))
    return Usual(plain, frozenset(parameters.required), parameters, model, roles)


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
_OURS = {**_NAMED.plain, **_LISTED.plain}
_PART = Parameter(type=("object",), fields=Fields({"type": _NAME}))
_ASSISTANT = Fields(
    {
        "content": Parameter(type=("string", "array"), items=_PART),
        "tool_calls": Parameter(type=("array",)),
    }
)
_SPEAKER = Fields({"content": Parameter(type=("string", "array"), items=_PART, required=True)})
