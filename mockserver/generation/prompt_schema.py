"""JSON Schemas in the prompt of requests that ask for JSON.

Libraries put the schema there for models without `response_format` (instructor's JSON modes, pydantic-ai's prompted
output, LangChain's parsers, the AI SDK). The last schema counts, since an example may precede it. A request asks for
JSON by `json_object`, or by a prompt that contains both "JSON" and a word such as "answer", "return" or "provide".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from mockserver.generation.generation_budget import GenerationBudget
from mockserver.schema.messages import truncate_text

MAX_SCANNED_LENGTH = 100_000  # characters of one message, counted from its end
MAX_DECODE_ATTEMPTS = 64  # opening braces that start no JSON object
CHARACTERS_PER_FAILURE = 200  # that stand for the time of a failed attempt


@dataclass(frozen=True, slots=True)
class PromptedSchema:
    """A schema in a prompt; `fenced`: the reply is to be a Markdown code block."""

    schema: dict[str, object]
    fenced: bool


def find_prompted_schema(
    texts: Sequence[str], json_mode: bool, budget: GenerationBudget
) -> PromptedSchema | None:
    """Return the last schema in these messages if they ask for JSON; `json_mode`: the request says `json_object`."""
    found = next((schema for text in reversed(texts) if (schema := _last_schema(text, budget))), None)
    if found is None:
        return None
    prose = "\n".join(strip_json_documents(text, budget) for text in texts)[-MAX_SCANNED_LENGTH:]
    if not json_mode and not (MENTIONS_JSON.search(prose) and MENTIONS_ANSWER.search(prose)):
        return None
    return PromptedSchema(
        found, not json_mode and bool(WANTS_CODE_BLOCK.search(prose)) and not FORBIDS_CODE_BLOCK.search(prose)
    )


def strip_json_documents(text: str, budget: GenerationBudget) -> str:
    """Return the text of a message without its JSON objects."""
    parts, end = [], 0
    for start, stop, _ in _json_objects(text, budget):
        parts.append(text[end:start])
        end = stop
    return "".join([*parts, text[end:]])


def _last_schema(text: str, budget: GenerationBudget) -> dict[str, object] | None:
    schemas = [document for *_, document in _json_objects(text, budget) if _is_schema(document)]
    return schemas[-1] if schemas and _is_encodable(schemas[-1]) else None


def _is_schema(document: dict[str, object]) -> bool:
    """Return whether a JSON object looks like a schema, not like a document described by one."""
    properties, kind = document.get("properties"), document.get("type")
    if isinstance(properties, dict):
        return all(isinstance(each, dict) for each in properties.values()) and (
            bool(properties) or kind == "object"
        )
    union = any(isinstance(document.get(keyword), list) for keyword in ("anyOf", "oneOf", "allOf"))
    composed = isinstance(document.get("$ref"), str) or union
    return (composed and isinstance(document.get("$defs", {}), dict)) or (
        kind == "array" and isinstance(document.get("items"), dict)
    )


def _json_objects(text: str, budget: GenerationBudget) -> Iterator[tuple[int, int, dict[str, object]]]:
    """Yield the outermost JSON objects in a text, each with its start and end."""
    failures, start = 0, text.find("{", max(len(text) - MAX_SCANNED_LENGTH, 0))
    while start >= 0 and failures < MAX_DECODE_ATTEMPTS and budget.json_characters_left > 0:
        try:
            document, end = DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            failures, end = failures + 1, start + 1
            # Only a JSONDecodeError has the position up to which the text was read.
            budget.json_characters_left -= CHARACTERS_PER_FAILURE + getattr(error, "pos", len(text)) - start
        else:
            budget.json_characters_left -= end - start
            yield start, end, document
        start = text.find("{", end)


def _is_encodable(document: object) -> bool:
    """Return whether a response can contain every value in a document.

    A lone surrogate and an integer of more than 64 bits cannot be encoded.
    """
    try:
        orjson.dumps(document)
    except TypeError:
        return False
    return True


def _parse_finite_float(text: str) -> float:
    """Return a number. Raise ValueError for infinity (`1e999`) and for `NaN`, which are not JSON."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"found the number {truncate_text(text)}")
    return number


DECODER = json.JSONDecoder(parse_float=_parse_finite_float, parse_constant=_parse_finite_float)
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
