"""The response of a written fixture: what an answer says, or its bytes where no other response would send them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from mockserver.masking import mask_headers, redact_text
from mockserver.recording.error_writer import write_error
from mockserver.recording.responses_reader import read_responses_choice
from mockserver.request.chat_request import ChatRequest
from mockserver.sessions.journal import Decision
from mockserver.wire.answer import MOCK_PREFIX, Answer, Frame, add_content_length, index_headers
from mockserver.wire.frames import join_frames
from mockserver.wire.sse import parse_sse_event, split_event_type

_DONE = b"[DONE]"
_KEPT_EMPTY = ("reasoning", "finish_reason")  # an empty text is kept, because its absence has another meaning
_OMITTED_HEADERS = ("date", "content-length", "access-control-expose-headers", "retry-after-ms")

_EVENT_SEPARATOR = re.compile(rb"\n\n|\r\n\r\n")
_PLACEHOLDER = "Write the response here."  # for a request that no fixture matched


def write_response(request: ChatRequest, decision: Decision, secrets: tuple[str, ...]) -> dict[str, Any]:
    """Return the response that answers as this decision did; `secrets` are masked."""
    if decision.outcome == "unmatched":
        return {"text": _PLACEHOLDER}
    answer = _redact_answer(decision.intended_answer or decision.answer, secrets)
    spec = decision.response
    response = None
    if spec is None or (spec.raw is None and spec.patch is None):
        response = _write_content(request, answer)
        if response is not None and spec is not None:
            response |= {"status": spec.status} if spec.status else {}
            response |= {"headers": mask_headers(spec.headers)} if spec.headers else {}
    fault = {"fault": decision.fault} if decision.fault else {}
    return (_write_raw(answer) if response is None else response) | fault


def _redact_answer(answer: Answer, secrets: tuple[str, ...]) -> Answer:
    """Return the answer as one frame, its length stated, its secrets masked."""
    answer = add_content_length(answer)
    body = join_frames(answer.frames)
    text = redact_text(body.decode(errors="surrogateescape"), secrets)
    return replace(answer, frames=(Frame(text.encode(errors="surrogateescape")),))


def _write_content(request: ChatRequest, answer: Answer) -> dict[str, Any] | None:
    """Return the response in the grammar of fixtures; None if only its bytes are exact."""
    if answer.status >= 400:
        return write_error(request, answer)
    return read_response(answer)


def read_response(answer: Answer) -> dict[str, Any] | None:
    """Return the response that an OpenAI client reads from a body or a stream; None if it reads none."""
    try:
        choices = _read_choices(join_frames(answer.frames), streamed=answer.streamed)
        parts = [_fixture_choice(one["message"], one.get("finish_reason")) for one in choices]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if not all(parts) or not parts:
        return None
    return parts[0] if len(parts) == 1 else {"choices": parts}


def _read_choices(body: bytes, *, streamed: bool) -> list[dict[str, Any]]:
    """Return the choices of a body or a stream of any api. Raises an error if it has none."""
    if not streamed:
        value = orjson.loads(body)
        choices: list[dict[str, Any]] = (
            value["choices"] if "output" not in value else [read_responses_choice(value)]
        )
        return choices
    events = [orjson.loads(data) for data in _iterate_event_data(body)]
    if events and "response" in events[-1]:
        return [read_responses_choice(events[-1]["response"])]
    return merge_chunks(events)


def merge_chunks(chunks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Merge the chunks of a stream into choices. Raises ValueError if a choice has no end."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for part in chunk["choices"]:
            one = choices.setdefault(part["index"], {"message": {}})
            one["finish_reason"] = part.get("finish_reason")
            _merge_delta(one["message"], part["delta"])
    if any(one["finish_reason"] is None for one in choices.values()):
        raise ValueError("a choice has no finish_reason")
    return [choices[index] for index in sorted(choices)]


def _iterate_event_data(body: bytes) -> Iterator[bytes]:
    """Yield the data of each event. Raises ValueError for an event without data that is no comment."""
    for event in _EVENT_SEPARATOR.split(body)[:-1]:
        _, text = split_event_type(event.replace(b"\r\n", b"\n") + b"\n\n")
        data = parse_sse_event(text)
        if data is None and not event.startswith(b":"):
            raise ValueError("an event without data")
        if data is not None and data != _DONE:
            yield data


def _merge_delta(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name, value in delta.items():
        if name == "tool_calls":
            for call in value:
                calls = message.setdefault(name, [])
                if call["index"] == len(calls):
                    calls.append({"function": {"name": "", "arguments": ""}})
                for part, text in call.get("function", {}).items():
                    calls[call["index"]]["function"][part] += text
        elif isinstance(value, str) and name != "role":
            message[name] = message.get(name, "") + value


def _fixture_choice(message: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    """Return a choice in the grammar of fixtures."""
    calls = [_fixture_tool_call(one["function"]) for one in message.get("tool_calls") or ()]
    fields = {
        "reasoning": message.get("reasoning_content"),
        "text": message.get("content"),
        "refusal": message.get("refusal"),
        "tool_calls": calls,
        "finish_reason": reason if reason not in ("stop", "tool_calls") else None,
    }
    choice = {name: value for name, value in fields.items() if value or (name in _KEPT_EMPTY and value == "")}
    if "refusal" in choice:
        choice.pop("text", None)
    return choice if choice.keys() - {"finish_reason", "reasoning"} else {"text": "", **choice}


def _fixture_tool_call(function: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": function["name"], "arguments": write_arguments(function["arguments"])}


def write_arguments(text: str) -> Any:
    """Return the arguments of a tool call as a mapping, if it is sent as the same text; else the text."""
    try:
        arguments = orjson.loads(text)
    except ValueError:
        return text
    is_same = isinstance(arguments, dict) and orjson.dumps(arguments).decode() == text
    return arguments if is_same else text


def _write_raw(answer: Answer) -> dict[str, Any]:
    """Return a raw response: the answer byte for byte, without the headers of the mock itself."""
    headers = index_headers(answer.headers)
    omitted = (*_OMITTED_HEADERS, *(name for name in headers if name.startswith(MOCK_PREFIX)))
    own_headers = {name: value for name, value in headers.items() if name not in omitted}
    body = join_frames(answer.frames)
    form: dict[str, Any]
    if answer.streamed:
        form = {"sse": body.decode(errors="replace").split("\n")[:-1] or [""]}
    else:
        try:
            form = {"body": body.decode()}
        except UnicodeDecodeError:
            form = {"base64": base64.b64encode(body).decode()}
    return {"raw": {"status": answer.status, "headers": mask_headers(own_headers), **form}}
