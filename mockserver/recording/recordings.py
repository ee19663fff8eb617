"""The requests recorded in one run: each with its responses in order, and a match that no other one meets."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from mockserver.recording.match_writer import MatchWriter
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_body import get_message_text
from mockserver.request.request_head import find_head_secrets

Definition = dict[str, Any]

_FORM_FIELDS = ("stream", "stream_options")  # they select the form of an answer, not its content
_CONTENT_FIELDS = ("tool_calls", "choices", "refusal", "error", "reasoning", "finish_reason", "status")
_MAX_NAME_LENGTH = 48  # characters
_MAX_COMPARED_BYTES = 64 * 1024 * 1024  # of the requests with which a new one is compared
_NOT_A_WORD = re.compile(r"[\W_]+")


class Recording:
    """One request that was recorded, and the responses to it.

    `streams` tells which forms of the request the responses are for: body, stream or both.
    """

    def __init__(self, request: ChatRequest, name: str, response: Definition) -> None:
        self.request = request
        self.name = name
        self.responses = [response]
        self.streams = {request.stream}
        self.match = MatchWriter(request, find_head_secrets(request.routed_head.head))

    @property
    def ends_in_error(self) -> bool:
        """Return whether the last response is an error, after which clients try again."""
        return get_response_status(self.responses[-1]) >= 400

    @property
    def is_for_one_form(self) -> bool:
        """Return whether a response is raw, and so can answer only a request for a stream, or only one for a body."""
        return len(self.streams) == 1 and any(
            "raw" in one and get_response_status(one) < 400 for one in self.responses
        )

    def write(self) -> Definition:
        """Return the fixture."""
        match = self.match.write()
        turns = self.request.parsed.user_turns
        if turns > 1:
            match.setdefault("turn", turns)
        if self.is_for_one_form:
            match["stream"] = next(iter(self.streams))
        if any("raw" in one for one in self.responses) and self.request.route.api != "chat":
            match["api"] = self.request.route.api  # bytes are for chat completions unless a match says so
        responses: Definition = (
            {"response": self.responses[0]} if len(self.responses) == 1 else {"responses": self.responses}
        )
        return {"name": self.name, "match": match, **responses}


class RecordedRequests:
    """All recordings of one run. `taken_names` are the names of the fixtures that exist already."""

    def __init__(self, taken_names: Iterable[str] = ()) -> None:
        self._names = set(taken_names)
        self._by_name: dict[str, Recording] = {}
        self._by_key: dict[tuple[bytes, bool], Recording] = {}
        self._compared: deque[Recording] = deque()
        self._compared_bytes = 0

    def reserve_names(self, names: Iterable[str]) -> None:
        """Give none of these names to a recording."""
        self._names.update(names)

    def has_name(self, name: str) -> bool:
        """Return whether a recording of this run has the name."""
        return name in self._by_name

    def find(self, key: bytes, *, stream: bool) -> Recording | None:
        """Return the recording that answers a request with this key, None if it is new."""
        found = self._by_key.get((key, stream))
        twin = self._by_key.get((key, not stream))
        return twin if found is None and twin is not None and not twin.is_for_one_form else found

    def add(
        self, key: bytes, request: ChatRequest, response: Definition
    ) -> tuple[Recording, list[Recording]]:
        """Add an answer; return its recording, and all recordings whose fixtures have changed."""
        same = self._by_key.get((key, request.stream))
        if same is not None:
            if _read_content(same.responses[-1]) == _read_content(response):
                return same, [same]
            same.responses.append(response)
            return same, [same]
        twin = self._by_key.get((key, not request.stream))
        merged = None if twin is None else _merge_forms(twin.responses, response)
        if twin is not None and merged is not None:
            twin.responses, twin.streams = [merged], {True, False}
            self._by_key[key, request.stream] = twin
            return twin, [twin]
        text = request.parsed.last_user_text or request.parsed.system_text or request.model
        recording = Recording(request, self.choose_name(text), response)
        self._by_key[key, request.stream] = self._by_name[recording.name] = recording
        return recording, [recording, *self._compare(recording)]

    def choose_name(self, text: str) -> str:
        """Return a name for a fixture, made of the first words of a text, that no other fixture has."""
        words = write_slug(text, " ")
        name, number = words, 1
        while name in self._names:
            number += 1
            name = f"{words} {number}"
        self._names.add(name)
        return name

    def _compare(self, recording: Recording) -> list[Recording]:
        """Distinguish a recording from the others; return those whose match has changed."""
        changed = []
        for other in self._compared:
            before = other.write()["match"]
            other.match.add_other(recording.request)
            recording.match.add_other(other.request)
            if other.write()["match"] != before:
                changed.append(other)
        self._compared.append(recording)
        self._compared_bytes += len(recording.request.raw)
        while self._compared_bytes > _MAX_COMPARED_BYTES and len(self._compared) > 1:
            self._compared_bytes -= len(self._compared.popleft().request.raw)
        return changed


def compute_request_key(request: ChatRequest) -> bytes:
    """Return a digest that is equal for requests with the same body, whether they ask for a stream or not."""
    body = {name: value for name, value in request.parsed.body.items() if name not in _FORM_FIELDS}
    identity = [request.vendor.name, request.model, body]
    return hashlib.sha256(orjson.dumps(identity, option=orjson.OPT_SORT_KEYS)).digest()


def write_slug(text: str, separator: str) -> str:
    """Return the first words of a text in lower case, for the name of a fixture or of a file."""
    words = [word for word in _NOT_A_WORD.split(text[: 4 * _MAX_NAME_LENGTH].lower()) if word]
    slug = ""
    for word in words:
        longer = f"{slug}{separator}{word}" if slug else word[:_MAX_NAME_LENGTH]
        if len(longer) > _MAX_NAME_LENGTH:
            break
        slug = longer
    return slug or "recording"


def find_first_prompt(request: ChatRequest) -> str:
    """Return the text with which a conversation began."""
    texts = (get_message_text(one) for one in request.parsed.messages if one.get("role") == "user")
    return next(texts, "") or request.parsed.system_text or request.model


def get_response_status(response: Mapping[str, Any]) -> int:
    """Return the status of a written response: 500 for an error by its kind, 200 if none is stated."""
    if "raw" in response:
        return int(response["raw"]["status"])
    error = response.get("error", 200)
    return error if isinstance(error, int) else 500


def _read_content(response: Mapping[str, Any]) -> Definition:
    """Return what a response says, without its pace, usage and headers."""
    content = {name: response[name] for name in _CONTENT_FIELDS if name in response}
    text = response.get("text")
    if "json" in response:
        text = orjson.dumps(response["json"]).decode()
    elif "chunks" in response:
        text = "".join(response["chunks"])
    raw = response.get("raw")
    body = raw and {name: value for name, value in raw.items() if name != "headers"}
    return {**content, "text": text, "raw": body}


def _merge_forms(responses: list[Definition], second: Definition) -> Definition | None:
    """Return one response that is both a body and a stream; None if the two do not go together."""
    if len(responses) > 1:
        return None
    first = responses[0]
    if "raw" in first and "raw" in second:
        return _merge_raw_forms(first["raw"], second["raw"])
    if "raw" in first or "raw" in second or _read_content(first) != _read_content(second):
        return None
    paced, plain = (first, second) if first.keys() & _PACE_FIELDS else (second, first)
    if "chunks" in paced:
        return {**paced, **_without_text(plain)}
    return {**_without_text(paced), **plain}


def _merge_raw_forms(first: Definition, second: Definition) -> Definition | None:
    bodies = [one for one in (first, second) if "sse" not in one]
    streams = [one for one in (first, second) if one.keys().isdisjoint(("body", "base64"))]
    if len(bodies) != 1 or len(streams) != 1 or first["status"] != second["status"]:
        return None
    return {"raw": {**streams[0], **bodies[0]}}


def _without_text(response: Definition) -> Definition:
    return {name: value for name, value in response.items() if name not in ("text", "json")}


_PACE_FIELDS = {"stream", "chunks"}
