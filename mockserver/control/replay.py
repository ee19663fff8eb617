"""A request of the journal again: asked once more with nobody listening, or written down as a fixture."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from starlette.types import Message

from mockserver import call as calls
from mockserver import document
from mockserver.chat import Line
from mockserver.control import views
from mockserver.control.refusal import Refused
from mockserver.session.journal import Entry
from mockserver.wire.answer import settled
from mockserver.wire.playback import TRANSPORT

PATIENCE = 1.0  # seconds that somebody waits for the answer; it goes on without

_DONE = "[DONE]"
_OWN = ("date", "content-length", "access-control-expose-headers", "retry-after-ms")


class _Nobody(asyncio.Transport):
    """A client that hears everything, and leaves when its connection is dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.left = asyncio.Event()

    def is_closing(self) -> bool:
        return True

    def write(self, data: object) -> None:
        """It goes nowhere."""

    def close(self) -> None:
        self.left.set()

    abort = close

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """It goes nowhere."""


class Replays:
    """Requests that are asked once more. They are requests of their own: counted, and in the journal."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._running: set[asyncio.Task[None]] = set()

    async def replay(self, entry: Entry) -> Entry:
        """The entry of the new request, most often one that has ended."""
        again = Entry(calls.new_id(), entry.head, entry.session, entry.call)
        client = _Nobody()
        scope = {"method": entry.method, "state": {TRANSPORT: client}}
        task = asyncio.create_task(self._line.serve(again, scope, client.receive, client.send))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=PATIENCE)
        return again


def fixture(entry: Entry) -> str:
    """YAML of a fixture that answers such a request as this one was answered."""
    call, answer = entry.call, entry.answer
    if call is None or answer is None:
        raise Refused(409, "no vendor has its path, so that no fixture can answer it")
    if not call.place.chat:
        raise Refused(409, "it asked for no completion, so that no fixture can answer it")
    match: dict[str, Any] = {"vendor": entry.vendor}
    if call.model:
        match["model"] = call.model
    if call.user:
        match["user"] = {"equals": call.user}
    headers = {name.lower(): value for name, value in answer.headers}
    said = b"".join(frame.data for frame in settled(answer).frames)
    if answer.status >= 400:
        after = headers.get("retry-after")
        response: Any = {"error": answer.status, **({"retry_after": f"{after}s"} if after else {})}
    else:
        response = _spoken(said, streamed=answer.streamed) or _raw(answer.status, headers, said, entry)
    return document.spell({"fixtures": [{"name": entry.id, "match": match, "response": response}]})


def _spoken(said: bytes, *, streamed: bool) -> dict[str, Any] | None:
    """What an OpenAI client makes of it; None where that is nothing."""
    try:
        choices = _folded(said) if streamed else orjson.loads(said)["choices"]
        parts = [_choice(one["message"], one.get("finish_reason")) for one in choices]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if not all(parts) or not parts:
        return None
    return parts[0] if len(parts) == 1 else {"choices": parts}


def _folded(said: bytes) -> Iterable[dict[str, Any]]:
    """The choices that the chunks of a stream add up to."""
    whole: dict[int, dict[str, Any]] = {}
    for event in views.events([(None, said)]):
        if event.data == _DONE or event.data.startswith(":"):
            continue
        for part in orjson.loads(event.data)["choices"]:
            one = whole.setdefault(part["index"], {"message": {}})
            one["finish_reason"] = part.get("finish_reason")
            _add(one["message"], part["delta"])
    if not all(one["finish_reason"] for one in whole.values()):
        raise ValueError("a choice has no end")
    return [whole[index] for index in sorted(whole)]


def _add(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
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


def _choice(message: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    """A choice as a fixture has it."""
    calls = [_called(one["function"]) for one in message.get("tool_calls") or ()]
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


def _called(function: Mapping[str, Any]) -> dict[str, Any]:
    try:
        arguments = orjson.loads(function["arguments"])
    except ValueError:
        arguments = function["arguments"]
    kept = arguments if isinstance(arguments, dict) else function["arguments"]
    return {"name": function["name"], "arguments": kept}


def _raw(status: int, headers: Mapping[str, str], said: bytes, entry: Entry) -> dict[str, Any]:
    """The answer byte for byte, but for what the mock says of itself."""
    own = (*_OWN, *(name for name in headers if name.startswith("x-mock-")))
    kept = {name: value for name, value in headers.items() if name not in own}
    text = said.decode(errors="replace")
    if entry.answer is not None and entry.answer.streamed:
        return {"raw": {"status": status, "headers": kept, "sse": text.split("\n")[:-1] or [""]}}
    return {"raw": {"status": status, "headers": kept, "body": text}}
