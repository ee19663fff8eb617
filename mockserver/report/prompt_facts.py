"""The facts about the prompt of a request that rules need: its digest, and the answers and tool calls in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mockserver.request.request_body import iter_mappings

_TEXT_PARTS = ("text", "input_text", "output_text")
_CALL_ITEMS = ("function_call", "custom_tool_call")
_CONTINUE = re.compile(r"(?i)\b(continue|go on|keep going|carry on|finish)\b")
_PROMPT_KEYS = ("messages", "input", "prompt")


@dataclass(frozen=True, slots=True)
class PromptFacts:
    """The facts about a prompt.

    `answers` are the digests of the assistant's texts that a user message follows as if they were complete;
    `open_tool_calls` the ids of tool calls that have no result although the conversation went on.
    """

    digest: str = ""
    answers: frozenset[str] = frozenset()
    open_tool_calls: tuple[str, ...] = ()


def read_prompt_facts(body: Any) -> PromptFacts:
    """Return the facts about the prompt in a request's body; those of an empty prompt for any other value."""
    if not isinstance(body, Mapping):
        return PromptFacts()
    prompt = next((body[key] for key in _PROMPT_KEYS if body.get(key)), None)
    if prompt is None:
        return PromptFacts()
    items = list(iter_mappings(prompt))
    return PromptFacts(digest_value(prompt), frozenset(_find_answers(items)), tuple(_find_open_calls(items)))


def digest_value(value: Any) -> str:
    """Return a text that is equal for equal JSON values; empty for one that is nested too deeply."""
    try:
        data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return ""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def join_text(content: Any) -> str:
    """Return the text of a message's content: a string, or a list of parts."""
    if isinstance(content, str):
        return content
    parts = (part.get("text") for part in iter_mappings(content) if part.get("type") in _TEXT_PARTS)
    return "".join(text for text in parts if isinstance(text, str))


def _find_answers(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the digest of each text of the assistant that a user message follows, unless it asks for the rest."""
    users = [(index, one) for index, one in enumerate(items) if one.get("role") == "user"]
    for index, item in enumerate(items):
        text = join_text(item.get("content")).strip() if item.get("role") == "assistant" else ""
        following = next((one for at, one in users if at > index), None) if text else None
        if following is not None and not _CONTINUE.search(join_text(following.get("content"))):
            yield digest_value(text)


def _find_open_calls(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the id of each tool call without a result that a later message follows."""
    results = {one.get("tool_call_id") or one.get("call_id") for one in items if _is_result(one)}
    last_message = max((at for at, one in enumerate(items) if _is_message(one)), default=-1)
    for index, item in enumerate(items):
        if index < last_message:
            yield from (id_ for id_ in _list_call_ids(item) if id_ not in results)


def _is_result(item: Mapping[str, Any]) -> bool:
    return item.get("role") == "tool" or str(item.get("type")).endswith("_call_output")


def _is_message(item: Mapping[str, Any]) -> bool:
    return item.get("role") in ("user", "assistant")


def _list_call_ids(item: Mapping[str, Any]) -> Iterable[str]:
    if item.get("type") in _CALL_ITEMS:
        ids = [item.get("call_id")]
    else:
        calls = item.get("tool_calls") if item.get("role") == "assistant" else None
        ids = [one.get("id") for one in iter_mappings(calls)]
    return [one for one in ids if isinstance(one, str) and one]
