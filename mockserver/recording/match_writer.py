"""The match of a written fixture: the conditions that distinguish a request from the others of its session."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

from mockserver.fixtures.criteria import MATCH, Criterion, build_criteria
from mockserver.masking import redact_text
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import MAX_INTEGER, MIN_INTEGER, document_from_value

Definition = dict[str, Any]

_BODY_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FIELDS_OF_THEIR_OWN = (
    *("model", "messages", "input", "instructions", "prompt", "stream", "tools", "response_format"),
)
_MAX_BODY_FIELDS = 20  # fields of the body that may become conditions
_MAX_CANDIDATES = 60  # with those that only other requests have
_MAX_MESSAGES = 10  # messages of the conversation whose texts may become conditions
_MAX_TEXT_LENGTH = 2_000  # characters of a tool's result or of a value in the body


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A condition that the request meets; others may not."""

    definition: Definition
    criteria: tuple[Criterion, ...]


class MatchWriter:
    """The match that a request meets and, if there is a difference, no other request of its session.

    `add_other` takes these requests one by one, so that a long session does not block the event loop. `secrets` are
    masked, and are no condition.
    """

    def __init__(self, request: ChatRequest, secrets: tuple[str, ...]) -> None:
        self._base = _compile_candidate(_build_base(request, secrets))
        self._candidates = [
            _compile_candidate(definition)
            for definition in _list_candidates(request)
            if redact_text(str(definition), secrets) == str(definition)
        ]
        self._known_fields = set(request.parsed.body)
        # The number of other requests by the candidates that they do not meet, one bit for each.
        self._others: Counter[int] = Counter()

    def add_other(self, request: ChatRequest) -> None:
        """Take another request of the session into account."""
        if _meets(request, self._base):
            self._add_absent_fields(request)
            unmet = [1 << number for number, one in enumerate(self._candidates) if not _meets(request, one)]
            self._others[sum(unmet)] += 1

    def _add_absent_fields(self, other: ChatRequest) -> None:
        """Add a candidate for each field of the body that only the other request has."""
        for name in other.parsed.body:
            if len(self._candidates) < _MAX_CANDIDATES and _may_be_condition(name, self._known_fields):
                self._known_fields.add(name)
                self._candidates.append(_compile_candidate({"body": {name: {"exists": False}}}))

    def write(self) -> Definition:
        """Return the match with as few conditions as distinguish the request; equal requests cannot be told apart."""
        match = dict(self._base.definition)
        others = {unmet: count for unmet, count in self._others.items() if unmet}
        while others:
            excluded = [
                sum(count for unmet, count in others.items() if unmet >> number & 1)
                for number in range(len(self._candidates))
            ]
            best = excluded.index(max(excluded))
            match = _merge(match, self._candidates[best].definition)
            others = {unmet: count for unmet, count in others.items() if not unmet >> best & 1}
        return match


def _compile_candidate(definition: Definition) -> _Candidate:
    match = read_document(MATCH, document_from_value(definition, "a recorded request"))
    return _Candidate(definition, build_criteria(match))


def _meets(request: ChatRequest, candidate: _Candidate) -> bool:
    return all(criterion.holds(request) for criterion in candidate.criteria)


def _merge(match: Definition, more: Definition) -> Definition:
    body = {**match.get("body", {}), **more.get("body", {})}
    return {**match, **more, **({"body": body} if body else {})}


def _build_base(request: ChatRequest, secrets: tuple[str, ...]) -> Definition:
    """Return the conditions that are always written: never so few that they match every request of the vendor."""
    parsed = request.parsed
    base: Definition = {"vendor": request.vendor.name}
    if request.model:
        base["model"] = redact_text(request.model, secrets)
    if parsed.user_turns or parsed.last_user_text:
        base["user"] = {"equals": redact_text(parsed.last_user_text, secrets)}
    elif parsed.system_text:
        base["system"] = {"equals": redact_text(parsed.system_text, secrets)}
    else:
        base["user"] = {"exists": False}
    if parsed.tools or parsed.tool_result:
        base |= _describe_tool_result(request)
    if parsed.has_image:
        base["image"] = True
    return base


def _describe_tool_result(request: ChatRequest) -> Definition:
    result = request.parsed.tool_result
    return {"tool_result": bool(result) if result is None or result.name is None else result.name}


def _list_candidates(request: ChatRequest) -> Iterator[Definition]:
    """Yield the conditions that may be added, the most readable ones first."""
    parsed = request.parsed
    yield _describe_tool_result(request)
    yield {"turn": parsed.user_turns}
    result = parsed.tool_result
    if result and result.text and len(result.text) <= _MAX_TEXT_LENGTH:
        name = {"name": result.name} if result.name else {}
        yield {"tool_result": {**name, "contains": result.text}}
    yield {"system": {"equals": parsed.system_text} if parsed.system_text else {"exists": False}}
    tools = [name for name in parsed.tool_names if name]
    yield {"tools": tools or False}
    yield {"image": parsed.has_image}
    yield {"response_format": parsed.response_format}
    yield {"attempt": request.attempt}
    yield from _list_body_fields(request)
    yield {"stream": parsed.body.get("stream") is True}
    yield from _list_nested_fields(request)
    field, messages = _find_messages(request)
    last = {f"{field}.{len(messages) - 1}": {"exists": True}} if messages else {}
    yield {"body": {f"{field}.{len(messages)}": {"exists": False}, **last}}


def _find_messages(request: ChatRequest) -> tuple[str, list[Any]]:
    """Return the field of the body that has the conversation, and its items."""
    name = "input" if request.route.api == "responses" else "messages"
    messages = request.parsed.body.get(name)
    return name, messages if isinstance(messages, list) else []


def _list_body_fields(request: ChatRequest) -> Iterator[Definition]:
    body = request.parsed.body
    names = [name for name, value in body.items() if _may_be_condition(name, ()) and _is_comparable(value)]
    for name in names[:_MAX_BODY_FIELDS]:
        yield {"body": {name: body[name]}}


def _list_nested_fields(request: ChatRequest) -> Iterator[Definition]:
    """Yield conditions on values inside the body: the name of a JSON schema, and the last texts of the conversation."""
    body = request.parsed.body
    response_format = body.get("response_format")
    schema = response_format.get("json_schema") if isinstance(response_format, dict) else None
    if isinstance(schema, dict) and isinstance(schema.get("name"), str):
        yield {"body": {"response_format.json_schema.name": schema["name"]}}
    name, messages = _find_messages(request)
    for number, message in list(enumerate(messages))[-_MAX_MESSAGES:]:
        content = message.get("content") if isinstance(message, dict) else None
        if content and isinstance(content, str) and _is_comparable(content):
            yield {"body": {f"{name}.{number}.content": content}}


def _may_be_condition(name: str, known: Container[str]) -> bool:
    return name not in _FIELDS_OF_THEIR_OWN and name not in known and bool(_BODY_FIELD.fullmatch(name))


def _is_comparable(value: Any) -> bool:
    """Return whether a value of the body can be written as a condition."""
    if isinstance(value, str):
        return len(value) <= _MAX_TEXT_LENGTH
    return isinstance(value, bool | float) or (isinstance(value, int) and MIN_INTEGER <= value <= MAX_INTEGER)
