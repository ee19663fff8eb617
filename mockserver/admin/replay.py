"""Replay of journalled requests, and fixtures drafted from them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from starlette.types import Message

from mockserver.admin.error_responses import AdminError
from mockserver.admin.resources import parse_stream_events
from mockserver.masking import mask_headers, redact_text
from mockserver.pipeline import ChatPipeline
from mockserver.request.chat_request import generate_request_id
from mockserver.request.request_head import find_head_secrets
from mockserver.schema.yaml_document import dump_yaml
from mockserver.sessions.journal import Arrival, JournalEntry
from mockserver.wire.answer import MOCK_PREFIX, Ending, add_content_length, index_headers
from mockserver.wire.playback import TRANSPORT_KEY

MAX_RUNNING = 100  # replays whose streams are still open
REPLAY_WAIT_SECONDS = 1.0  # seconds to wait for the answer; playback continues after that

_DONE = "[DONE]"
_KEPT_EMPTY = ("reasoning", "finish_reason")  # an empty text is kept, because its absence has another meaning
_OMITTED_HEADERS = ("date", "content-length", "access-control-expose-headers", "retry-after-ms")


class _NullTransport(asyncio.Transport):
    """A client that discards everything, and disconnects when its connection is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.disconnected = asyncio.Event()

    def is_closing(self) -> bool:
        """Return True, so that nothing waits for the transport."""
        return True

    def write(self, data: object) -> None:
        """Discard the data."""

    def close(self) -> None:
        """Disconnect the client."""
        self.disconnected.set()

    abort = close

    async def receive(self) -> Message:
        """Wait until the connection is closed."""
        await self.disconnected.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Discard the message."""


class Replayer:
    """Sends journalled requests again. Each replay is a request of its own: counted and journalled."""

    def __init__(self, pipeline: ChatPipeline) -> None:
        self._pipeline = pipeline
        self._running: set[asyncio.Task[None]] = set()

    async def replay(self, entry: JournalEntry) -> JournalEntry:
        """Send a request again; return the new entry, which has usually ended.

        Raises AdminError while too many replays are running.
        """
        if len(self._running) >= MAX_RUNNING:
            raise AdminError(429, f"{MAX_RUNNING} replays are still running; wait until one has ended")
        copy = JournalEntry(
            Arrival(generate_request_id(), entry.head, entry.session, entry.request_with_body)
        )
        client = _NullTransport()
        scope = {"method": entry.head.method, "state": {TRANSPORT_KEY: client}}
        task = asyncio.create_task(self._pipeline.handle(copy, scope, client.receive, client.send))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=REPLAY_WAIT_SECONDS)
        if copy.answer is not None and copy.answer.ending is Ending.HANG:
            client.close()  # nothing else would ever end it
            await asyncio.wait({task})
        return copy


def render_fixture_yaml(entry: JournalEntry) -> str:
    """Return the YAML of a fixture that answers such a request as this one was answered.

    Raises AdminError if no fixture can.
    """
    request, answer = entry.request_with_body, entry.answer
    if request is None or answer is None:
        raise AdminError(409, "no vendor has this path, so no fixture can answer it")
    if not request.route.chat:
        raise AdminError(409, "the request is not for a completion, so no fixture can answer it")
    secrets = find_head_secrets(entry.head)
    match: dict[str, Any] = {"vendor": request.vendor.name}
    if request.model:
        match["model"] = request.model
    if request.last_user_text:
        match["user"] = {"equals": redact_text(request.last_user_text, secrets)}
    headers = index_headers(answer.headers)
    body = b"".join(frame.data for frame in add_content_length(answer).frames)
    body = redact_text(body.decode(errors="surrogateescape"), secrets).encode(errors="surrogateescape")
    if answer.status >= 400:
        response: Any = {"error": answer.status, **_retry_after_field(headers.get("retry-after"))}
    else:
        read = None if _is_patched(entry) else _response_from_body(body, streamed=answer.streamed)
        response = read or _raw_response(answer.status, headers, body, entry)
    return dump_yaml({"fixtures": [{"name": entry.id, "match": match, "response": response}]})


def _is_patched(entry: JournalEntry) -> bool:
    """Return whether the answer has keys that only its fixture's patch explains."""
    response = None if entry.decision is None else entry.decision.response
    return response is not None and response.patch is not None


def _retry_after_field(after: str | None) -> dict[str, Any]:
    """Return the field of a response that sends this Retry-After: a number, or another text as a header."""
    if after is None:
        return {}
    return {"retry_after": f"{after}s"} if after.isdecimal() else {"headers": {"retry-after": after}}


def _response_from_body(body: bytes, *, streamed: bool) -> dict[str, Any] | None:
    """Return the response that an OpenAI client reads from a body; None if it reads none."""
    try:
        choices = _merge_chunks(body) if streamed else orjson.loads(body)["choices"]
        parts = [_fixture_choice(one["message"], one.get("finish_reason")) for one in choices]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if not all(parts) or not parts:
        return None
    return parts[0] if len(parts) == 1 else {"choices": parts}


def _merge_chunks(body: bytes) -> Iterable[dict[str, Any]]:
    """Merge the chunks of a stream into choices."""
    choices: dict[int, dict[str, Any]] = {}
    for event in parse_stream_events([(None, body)]):
        if event.data == _DONE or event.data.startswith(":"):
            continue
        for part in orjson.loads(event.data)["choices"]:
            one = choices.setdefault(part["index"], {"message": {}})
            one["finish_reason"] = part.get("finish_reason")
            _merge_delta(one["message"], part["delta"])
    if any(one["finish_reason"] is None for one in choices.values()):
        raise ValueError("a choice has no finish_reason")
    return [choices[index] for index in sorted(choices)]


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
    try:
        arguments = orjson.loads(function["arguments"])
    except ValueError:
        arguments = function["arguments"]
    if not isinstance(arguments, dict):
        arguments = function["arguments"]
    return {"name": function["name"], "arguments": arguments}


def _raw_response(
    status: int, headers: Mapping[str, str], body: bytes, entry: JournalEntry
) -> dict[str, Any]:
    """Return a raw response: the answer byte for byte, without the headers of the mock itself."""
    omitted = (*_OMITTED_HEADERS, *(name for name in headers if name.startswith(MOCK_PREFIX)))
    own_headers = {name: value for name, value in headers.items() if name not in omitted}
    if entry.answer is not None and entry.answer.streamed:
        text = body.decode(errors="replace")
        return {
            "raw": {
                "status": status,
                "headers": mask_headers(own_headers),
                "sse": text.split("\n")[:-1] or [""],
            }
        }
    try:
        form = {"body": body.decode()}
    except UnicodeDecodeError:
        form = {"base64": base64.b64encode(body).decode()}
    return {"raw": {"status": status, "headers": mask_headers(own_headers), **form}}
