"""A request of the journal again: asked once more with nobody listening, or written down as a fixture."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from starlette.types import Message

from mockserver.admin.error_responses import AdminError
from mockserver.admin.resources import parse_stream_events
from mockserver.pipeline import ChatPipeline
from mockserver.request.chat_request import generate_request_id
from mockserver.schema.yaml_document import dump_yaml
from mockserver.sessions.journal import JournalEntry
from mockserver.wire.answer import add_content_length
from mockserver.wire.playback import TRANSPORT_KEY

REPLAY_WAIT_SECONDS = 1.0  # seconds that somebody waits for the answer; it goes on without

_DONE = "[DONE]"
_OMITTED_HEADERS = ("date", "content-length", "access-control-expose-headers", "retry-after-ms")


class _NullTransport(asyncio.Transport):
    """A client that hears everything, and leaves when its connection is dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.disconnected = asyncio.Event()

    def is_closing(self) -> bool:
        return True

    def write(self, data: object) -> None:
        """It goes nowhere."""

    def close(self) -> None:
        self.disconnected.set()

    abort = close

    async def receive(self) -> Message:
        await self.disconnected.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """It goes nowhere."""


class Replayer:
    """Requests that are asked once more. They are requests of their own: counted, and in the journal."""

    def __init__(self, pipeline: ChatPipeline) -> None:
        self._pipeline = pipeline
        self._running: set[asyncio.Task[None]] = set()

    async def replay(self, entry: JournalEntry) -> JournalEntry:
        """The entry of the new request, most often one that has ended."""
        again = JournalEntry(generate_request_id(), entry.head, entry.session, entry.request_with_body)
        client = _NullTransport()
        scope = {"method": entry.method, "state": {TRANSPORT_KEY: client}}
        task = asyncio.create_task(self._pipeline.handle(again, scope, client.receive, client.send))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=REPLAY_WAIT_SECONDS)
        return again


def render_fixture_yaml(entry: JournalEntry) -> str:
    """YAML of a fixture that answers such a request as this one was answered."""
    call, answer = entry.request_with_body, entry.answer
    if call is None or answer is None:
        raise AdminError(409, "no vendor has its path, so that no fixture can answer it")
    if not call.route.chat:
        raise AdminError(409, "it asked for no completion, so that no fixture can answer it")
    match: dict[str, Any] = {"vendor": entry.vendor}
    if call.model:
        match["model"] = call.model
    if call.last_user_text:
        match["user"] = {"equals": call.last_user_text}
    headers = {name.lower(): value for name, value in answer.headers}
    said = b"".join(frame.data for frame in add_content_length(answer).frames)
    if answer.status >= 400:
        after = headers.get("retry-after")
        response: Any = {"error": answer.status, **({"retry_after": f"{after}s"} if after else {})}
    else:
        response = _response_from_body(said, streamed=answer.streamed) or _raw_response(
            answer.status, headers, said, entry
        )
    return dump_yaml({"fixtures": [{"name": entry.id, "match": match, "response": response}]})


def _response_from_body(body: bytes, *, streamed: bool) -> dict[str, Any] | None:
    """What an OpenAI client makes of it; None where that is nothing."""
    try:
        choices = _merge_chunks(body) if streamed else orjson.loads(body)["choices"]
        parts = [_fixture_choice(one["message"], one.get("finish_reason")) for one in choices]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if not all(parts) or not parts:
        return None
    return parts[0] if len(parts) == 1 else {"choices": parts}


def _merge_chunks(body: bytes) -> Iterable[dict[str, Any]]:
    """The choices that the chunks of a stream add up to."""
    whole: dict[int, dict[str, Any]] = {}
    for event in parse_stream_events([(None, body)]):
        if event.data == _DONE or event.data.startswith(":"):
            continue
        for part in orjson.loads(event.data)["choices"]:
            one = whole.setdefault(part["index"], {"message": {}})
            one["finish_reason"] = part.get("finish_reason")
            _merge_delta(one["message"], part["delta"])
    if not all(one["finish_reason"] for one in whole.values()):
        raise ValueError("a choice has no end")
    return [whole[index] for index in sorted(whole)]


def _merge_delta(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name, value in delta.items():
        if name == "tool_calls":
            for call in value:
                made = message.setdefault(name, [])
                if call["index"] == len(made):
                    made.append({"function": {"name": "", "arguments": ""}})
                for part, text in call.get("function", {}).items():
                    made[call["index"]]["function"][part] += text
        elif isinstance(value, str) and name != "role":
            message[name] = message.get(name, "") + value


def _fixture_choice(message: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    """A choice as a fixture has it."""
    calls = [_fixture_tool_call(one["function"]) for one in message.get("tool_calls") or ()]
    said = {
        "reasoning": message.get("reasoning_content"),
        "text": message.get("content"),
        "refusal": message.get("refusal"),
        "tool_calls": calls,
        "finish_reason": reason if reason not in ("stop", "tool_calls") else None,
    }
    stated = {name: value for name, value in said.items() if value}
    if "refusal" in stated:
        stated.pop("text", None)
    return stated if stated.keys() - {"finish_reason", "reasoning"} else {"text": "", **stated}


def _fixture_tool_call(function: Mapping[str, Any]) -> dict[str, Any]:
    try:
        arguments = orjson.loads(function["arguments"])
    except ValueError:
        arguments = function["arguments"]
    kept = arguments if isinstance(arguments, dict) else function["arguments"]
    return {"name": function["name"], "arguments": kept}


def _raw_response(
    status: int, headers: Mapping[str, str], body: bytes, entry: JournalEntry
) -> dict[str, Any]:
    """The answer byte for byte, but for what the mock says of itself."""
    own = (*_OMITTED_HEADERS, *(name for name in headers if name.startswith("x-mock-")))
    kept = {name: value for name, value in headers.items() if name not in own}
    text = body.decode(errors="replace")
    if entry.answer is not None and entry.answer.streamed:
        return {"raw": {"status": status, "headers": kept, "sse": text.split("\n")[:-1] or [""]}}
    return {"raw": {"status": status, "headers": kept, "body": text}}
