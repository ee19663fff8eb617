"""What a chat request must look like, whoever the vendor is. What is wrong is an issue, worded as Zod words it.

Unknown keys are nobody's business. The issues have Zod's keys in Zod's order, because one vendor sends them as
they are; to people they are spelled out in a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from mockserver.call import Call

Issue = dict[str, Any]
Path = Sequence[str | int]

MOST = 20  # issues that are told; a body of a million mistakes is refused in a few words too
MOST_CHOICES = 128  # no vendor states a bound; OpenAI's is this
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def issues(call: Call) -> list[Issue]:
    """What is wrong with the body of a call."""
    return list(islice(_all(call), MOST))


def issue(code: str, path: Path, message: str, **more: Any) -> Issue:
    """One issue; `more` are the keys that its code has besides."""
    return {"code": code, **more, "path": list(path), "message": message}


def spelled(found: list[Issue]) -> str:
    """Issues as a person reads them: `messages: Required; n: Number must be ...`."""
    parts = (f"{'.'.join(map(str, one['path']))}: {one['message']}".removeprefix(": ") for one in found)
    return "; ".join(parts)


def _all(call: Call) -> Iterator[Issue]:
    if call.place.model is None:
        yield from _typed(call.body, "model", ("string",), (), required=True)
        if call.body.get("model") == "":
            yield _too_small(1, "string", "String must contain at least 1 character(s)", ("model",))
    yield from _messages(call)
    yield from _fields(call.body, call.vendor.model(call.model).minimum or {})


def _messages(call: Call) -> Iterator[Issue]:
    body = call.body
    if "messages" not in body and call.messages:
        return  # `prompt` stood for them
    yield from _typed(body, "messages", ("array",), (), required=True)
    messages = body.get("messages")
    if messages == []:
        yield _too_small(1, "array", "Array must contain at least 1 element(s)", ("messages",))
    for path, message in _items(messages, ("messages",)):
        if isinstance(message, dict):
            yield from _message(message, path)
        else:
            yield _mistyped("object", message, path)


def _message(message: dict[str, Any], path: Path) -> Iterator[Issue]:
    role = message.get("role")
    yield from _typed(message, "role", ("string",), path, required=True)
    if isinstance(role, str) and role not in ROLES:
        options = " | ".join(f"'{name}'" for name in ROLES)
        yield {
            "received": role[:80],
            "code": "invalid_enum_value",
            "options": list(ROLES),
            "path": [*path, "role"],
            "message": f"Invalid enum value. Expected {options}, received '{role[:80]}'",
        }
    # Clients send an assistant's tool calls with no content, and with null, whatever a vendor's schema says.
    yield from _typed(message, "content", ("string", "array"), path, required=role != "assistant")
    for where, part in _items(message.get("content"), (*path, "content")):
        if isinstance(part, dict):
            yield from _typed(part, "type", ("string",), where, required=True)
        else:
            yield _mistyped("object", part, where)
    yield from _typed(message, "tool_calls", ("array",), path)


def _fields(body: dict[str, Any], minimum: Mapping[str, float]) -> Iterator[Issue]:
    for name, kinds in FIELDS.items():
        yield from _typed(body, name, kinds, ())
    for name, least in {"n": 1, **minimum}.items():
        if _is_number(body.get(name)) and body[name] < least:
            yield _too_small(least, "number", f"Number must be greater than or equal to {least:g}", (name,))
    if _is_number(body.get("n")) and body["n"] > MOST_CHOICES:
        words = f"Number must be less than or equal to {MOST_CHOICES}"
        yield _bound("too_big", "maximum", MOST_CHOICES, "number", words, ("n",))
    for name, kind in ITEMS.items():
        for path, item in _items(body.get(name), (name,)):
            if _kind(item) != kind:
                yield _mistyped(kind, item, path)


def _items(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """The items of an array, each with its path; nothing where there is no array."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield (*path, index), item


def _typed(
    holder: dict[str, Any], name: str, kinds: tuple[str, ...], path: Path, *, required: bool = False
) -> Iterator[Issue]:
    """A value must be there, if it is required; and be of one of these kinds, if it is there. Null is not there."""
    kind = _kind(holder[name]) if name in holder else "undefined"
    if kind in kinds or (kind == "integer" and "number" in kinds):
        return
    if kind == "undefined" and required:
        yield issue("invalid_type", (*path, name), "Required", expected=kinds[0], received=kind)
    elif kind not in ("undefined", "null") or required:
        yield _mistyped(kinds[0], holder[name], (*path, name))


def _mistyped(expected: str, value: Any, path: Path) -> Issue:
    received = _kind(value)
    if received in ("number", "integer"):
        received = "float" if expected == "integer" else "number"
    return issue(
        "invalid_type",
        path,
        f"Expected {expected}, received {received}",
        expected=expected,
        received=received,
    )


def _too_small(least: float, kind: str, message: str, path: Path) -> Issue:
    return _bound("too_small", "minimum", least, kind, message, path)


def _bound(code: str, bound: str, value: float, kind: str, message: str, path: Path) -> Issue:
    return {
        "code": code,
        bound: value,
        "type": kind,
        "inclusive": True,
        "exact": False,
        "message": message,
        "path": list(path),
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    """A JSON value's type, with JSON Schema's words."""
    return _KINDS[type(value)]


_KINDS = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}

# The fields that the mock acts upon; null stands for absent, as clients send it.
FIELDS: dict[str, tuple[str, ...]] = {
    "stream": ("boolean",),
    "stream_options": ("object",),
    "n": ("integer",),
    "max_tokens": ("number",),
    "max_completion_tokens": ("integer",),
    "stop": ("string", "array"),
    "seed": ("number",),
    "tools": ("array",),
    "tool_choice": ("string", "object"),
    "response_format": ("object",),
    "reasoning_effort": ("string",),
    "temperature": ("number",),
    "top_p": ("number",),
}

# What the arrays among them hold.
ITEMS = {"stop": "string", "tools": "object"}
