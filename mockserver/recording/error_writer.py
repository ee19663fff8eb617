"""The response of a written fixture for an error: its status or kind, message, code and Retry-After."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.errors import STATUS_BY_KIND, ApiError
from mockserver.rendering.completion import build_error_context
from mockserver.request.chat_request import ChatRequest
from mockserver.wire.answer import Answer, index_headers
from mockserver.wire.json_leaves import JsonPath, read_leaves

_SENTINEL = "mockserver-sentinel"  # a text that no vendor sends, to find where its errors have a message


def write_error(request: ChatRequest, answer: Answer) -> dict[str, Any] | None:
    """Return the response with which the vendor sends this error again; None if its body is not the vendor's.

    Message and code are left out if they are the vendor's own.
    """
    body = read_leaves(answer)
    if body is None:
        own = _render(request, {"error": answer.status})
        return (
            {"error": answer.status} if (own.status, own.frames) == (answer.status, answer.frames) else None
        )
    found = _read_message_and_code(request, answer.status, body)
    writings = [
        {"error": kind, **fields}
        for kind in (answer.status, *STATUS_BY_KIND)
        for fields in ({}, {name: found[name] for name in ("message",) if name in found}, found)
    ]
    for writing in writings:
        if _sends(request, writing, answer.status, body):
            return writing | _write_retry_after(answer)
    return {"error": answer.status, **found, **_write_retry_after(answer)} if "message" in found else None


def _render(request: ChatRequest, writing: Mapping[str, Any]) -> Answer:
    error = ApiError(writing["error"], writing.get("message"), code=writing.get("code"))
    return request.vendor.error_answer(error, build_error_context(request))


def _sends(request: ChatRequest, writing: Mapping[str, Any], status: int, body: dict[JsonPath, Any]) -> bool:
    """Return whether an error is sent with this status and body, apart from values that differ every time."""
    first, second = _render(request, writing), read_leaves(_render(request, writing))
    sent = read_leaves(first)
    if first.status != status or sent is None or second is None or sent.keys() != body.keys():
        return False
    return all(
        body[path] == value or second[path] != value or is_time_field(path[-1:])
        for path, value in sent.items()
    )


def is_time_field(name: object) -> bool:
    """Return whether the name of a JSON field says that its value is a time."""
    return any(word in str(name).lower() for word in ("time", "created", "date"))


def _read_message_and_code(request: ChatRequest, status: int, body: dict[JsonPath, Any]) -> dict[str, str]:
    """Return the message and the code of an error, found where the vendor's errors have them."""
    template = read_leaves(
        _render(request, {"error": status, "message": _SENTINEL, "code": f"{_SENTINEL}-code"})
    )
    found: dict[str, str] = {}
    for path, value in (template or {}).items():
        field = (
            {_SENTINEL: "message", f"{_SENTINEL}-code": "code"}.get(value) if isinstance(value, str) else None
        )
        if field and isinstance(body.get(path), str):
            found.setdefault(field, body[path])
    return found


def _write_retry_after(answer: Answer) -> dict[str, Any]:
    """Return the field of a response that sends this Retry-After: a duration, or another text as a header."""
    headers = index_headers(answer.headers)
    for name, unit in (("retry-after-ms", "ms"), ("retry-after", "s")):
        if headers.get(name, "").isdecimal():
            return {"retry_after": f"{headers[name]}{unit}"}
    return {"headers": {"retry-after": headers["retry-after"]}} if headers.get("retry-after") else {}
