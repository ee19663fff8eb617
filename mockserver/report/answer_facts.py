"""The facts about an answer that rules need: its text, and whether it was complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from mockserver.report.prompt_facts import digest_value, join_text
from mockserver.request.request_body import iter_mappings

_DONE = "[DONE]"
_LIMIT_REASONS = ("length", "max_output_tokens")


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """The facts about an answer as far as it was sent.

    `text` is the digest of its first choice's text, empty without text. `finish_reason` is empty if none was sent.
    """

    text: str = ""
    finish_reason: str = ""
    has_error_event: bool = False

    @property
    def is_cut_by_limit(self) -> bool:
        """Return whether the token limit has cut the text."""
        return self.finish_reason in _LIMIT_REASONS


@dataclass(slots=True)
class _Collector:
    """The parts of an answer that were read so far."""

    texts: list[str] = field(default_factory=list)
    finish_reason: str = ""
    has_error: bool = False

    def add_choice(self, choice: Mapping[str, Any]) -> None:
        """Add a choice of a chat completion, or of a chunk of one."""
        content = choice.get("delta") or choice.get("message")
        if choice.get("index", 0) == 0 and isinstance(content, Mapping):
            self.texts.append(join_text(content.get("content")))
            self.finish_reason = str(choice.get("finish_reason") or self.finish_reason)

    def add_response(self, response: Mapping[str, Any]) -> None:
        """Add the status of a response of the Responses API."""
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, Mapping) else None
        if response.get("status") in ("completed", "incomplete"):
            self.finish_reason = str(reason or response["status"])

    def add(self, value: Mapping[str, Any]) -> None:
        """Add a body, or the data of an event."""
        kind = str(value.get("type"))
        self.has_error = self.has_error or bool(value.get("error")) or kind == "response.failed"
        for choice in iter_mappings(value.get("choices")):
            self.add_choice(choice)
        if kind == "response.output_text.delta":
            self.texts.append(str(value.get("delta")))
        response = value.get("response") if kind.startswith("response.") else value
        if isinstance(response, Mapping):
            self.add_response(response)
        for item in iter_mappings(value.get("output")):
            self.texts.append(join_text(item.get("content")))


def read_answer_facts(response: Any) -> AnswerFacts:
    """Return the facts about a response in the form of the admin API, with its body or its events."""
    if not isinstance(response, Mapping):
        return AnswerFacts()
    collector = _Collector()
    for value in _parse_parts(response):
        collector.add(value)
    text = "".join(collector.texts).strip()
    return AnswerFacts(digest_value(text) if text else "", collector.finish_reason, collector.has_error)


def _parse_parts(response: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects of a body or of the events."""
    texts: Iterable[Any] = [one.get("data") for one in iter_mappings(response.get("events"))]
    for text in [*texts, response.get("body")]:
        if isinstance(text, str) and text != _DONE:
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError:
                continue
            if isinstance(value, Mapping):
                yield value
