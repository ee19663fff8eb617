"""A schema that stands only in the prompt is followed where JSON is asked for, as a model follows it.

Libraries write it there for models that take no `response_format` (instructor's JSON modes, pydantic-ai's prompted
output, LangChain's parsers, the AI SDK). Of several the last one counts: an example may stand before it. JSON is asked
for by `json_object`, or by a prompt that says both JSON and to answer, return or provide it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_SCANNED_LENGTH = 200_000  # characters of one message, from its end
MAX_DECODE_ATTEMPTS = 64  # braces in it that open no JSON


@dataclass(frozen=True, slots=True)
class PromptedSchema:
    """A schema, and whether the document is to stand in a Markdown code block."""

    schema: dict[str, object]
    fenced: bool


def find_prompted_schema(texts: Sequence[str], json_mode: bool) -> PromptedSchema | None:
    """The schema that these messages ask an answer for, the newest first. `json_mode` is `json_object`."""
    found = next((schema for text in reversed(texts) if (schema := _last_schema(text))), None)
    if found is None:
        return None
    said = "\n".join(map(strip_json_documents, texts))
    if not json_mode and not (MENTIONS_JSON.search(said) and MENTIONS_ANSWER.search(said)):
        return None
    return PromptedSchema(
        found, not json_mode and bool(WANTS_CODE_BLOCK.search(said)) and not FORBIDS_CODE_BLOCK.search(said)
    )


def strip_json_documents(text: str) -> str:
    """What a message says beside its JSON documents."""
    said, end = [], 0
    for start, stop, _ in _json_objects(text):
        said.append(text[end:start])
        end = stop
    return "".join([*said, text[end:]])


def _last_schema(text: str) -> dict[str, object] | None:
    schemas = [document for *_, document in _json_objects(text) if _is_schema(document)]
    return schemas[-1] if schemas else None


def _is_schema(document: dict[str, object]) -> bool:
    """Whether it reads as a schema, not as a document that meets one."""
    properties, kind = document.get("properties"), document.get("type")
    if isinstance(properties, dict):
        return all(isinstance(each, dict) for each in properties.values()) and (
            bool(properties) or kind == "object"
        )
    union = any(isinstance(document.get(word), list) for word in ("anyOf", "oneOf", "allOf"))
    referred = isinstance(document.get("$ref"), str) or union
    return (referred and isinstance(document.get("$defs", {}), dict)) or (
        kind == "array" and isinstance(document.get("items"), dict)
    )


def _json_objects(text: str) -> Iterator[tuple[int, int, dict[str, object]]]:
    """The JSON objects in a text, outermost ones, each with where it begins and ends."""
    tries, at = 0, text.find("{", max(len(text) - MAX_SCANNED_LENGTH, 0))
    while at >= 0 and tries < MAX_DECODE_ATTEMPTS:
        try:
            document, end = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            tries, end = tries + 1, at + 1
        else:
            yield at, end, document
        at = text.find("{", end)


DECODER = json.JSONDecoder()
MENTIONS_JSON = re.compile(r"\bjson", re.IGNORECASE)
MENTIONS_ANSWER = re.compile(
    r"\b(?:respond|response|repl(?:y|ies)|answer|return|output|provide|produce|generate|conform|compatible|format)",
    re.IGNORECASE,
)
WANTS_CODE_BLOCK = re.compile(
    r"```json|\b(?:in|within|inside|as|using) (?:a |an |the )?(?:\S+ )?code ?block", re.IGNORECASE
)
FORBIDS_CODE_BLOCK = re.compile(
    r"\b(?:don'?t|do not|no|not|without|never)\b[^.\n]{0,60}(?:backtick|markdown|fenc|code ?block|```)",
    re.IGNORECASE,
)
