"""Generated replies for requests that no fixture matches: tool calls, JSON documents or text.

The reply calls tools (`tool_choice`), or is a document for the JSON Schema in `response_format` or in the prompt
(`prompt_schema`), or quotes the result of a tool, so that an agent's loop ends, or is text (`faker_text`). The same
request always gets the same reply.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mockserver.generation.faker_text import DEFAULT_LOCALE, generate_text, seed_faker, stable_hash
from mockserver.generation.from_schema import generate_value
from mockserver.generation.prompt_schema import PromptedSchema, find_prompted_schema, strip_json_documents
from mockserver.generation.tool_choice import PlannedToolCall, choose_tools

if TYPE_CHECKING:
    from faker import Faker

MAX_QUOTED_LENGTH = 600  # characters of a tool's result that a reply quotes


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """The parts of a request that a generated reply depends on, as the client sent them.

    `user_text` is the text of the last user message, `prompts` are the texts of the system, developer and user
    messages. `tool_result` is the name of the tool, if known, and its result, if the last message is one. `seed_parts`
    is everything else by which requests differ: model, messages, the `seed` of the request.
    """

    user_text: str = ""
    prompts: Sequence[str] = ()
    tools: Sequence[object] = ()
    tool_choice: object = None
    parallel_tool_calls: bool | None = None
    response_format: object = None
    tool_result: tuple[str | None, str] | None = None
    seed_parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GeneratedReply:
    """One choice of a generated response: a text, or tool calls, each a name and its arguments."""

    text: str | None
    tool_calls: tuple[tuple[str, dict[str, object]], ...] = ()


def generate_reply(
    request: GenerationRequest,
    choice_index: int = 0,
    seed: object = None,
    locale: str = DEFAULT_LOCALE,
    mode: str = "faker",
) -> GeneratedReply:
    """Return one choice of a generated response. `mode` is the kind of text: one of `REPLIES` in `settings`."""
    choice_seed = stable_hash(seed, *request.seed_parts) + choice_index
    calls = choose_tools(
        request.tools,
        request.tool_choice,
        request.user_text,
        parallel=request.parallel_tool_calls is not False,
        after_tool_result=request.tool_result is not None,
    )
    requested = None if calls else _requested_schema(request)
    if calls or requested:
        faker = seed_faker(locale, stable_hash(choice_seed))
    if calls:
        return GeneratedReply(
            None, tuple((call.name, _tool_arguments(call, request.user_text, faker)) for call in calls)
        )
    if requested:
        document = generate_value(requested.schema, faker, strip_json_documents(request.user_text))
        return GeneratedReply(_format_document(document, requested.fenced))
    if request.tool_result:
        return GeneratedReply(_quote_tool_result(*request.tool_result, choice_seed))
    return GeneratedReply(generate_text(request.user_text, choice_seed, locale, mode))


def _quote_tool_result(name: str | None, result: str, seed: int) -> str:
    quoted = result if len(result) <= MAX_QUOTED_LENGTH else result[:MAX_QUOTED_LENGTH] + "…"
    return TOOL_RESULT_REPLIES[seed % len(TOOL_RESULT_REPLIES)].format(name or "the tool", quoted)


def _tool_arguments(call: PlannedToolCall, user_text: str, faker: Faker) -> dict[str, object]:
    schema = call.parameters if isinstance(call.parameters, dict) else {"type": "object"}
    arguments = generate_value(schema, faker, user_text, name=call.name, value_index=call.value_index)
    return arguments if isinstance(arguments, dict) else {}


def _requested_schema(request: GenerationRequest) -> PromptedSchema | None:
    """Return the schema that the text of the reply must be valid against; None if no JSON is requested."""
    match request.response_format:
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return PromptedSchema(schema, False)
        case {"type": "json_schema"}:
            return PromptedSchema(DEFAULT_SCHEMA, False)
        case {"type": "json_object"}:
            return find_prompted_schema(request.prompts, True) or PromptedSchema(DEFAULT_SCHEMA, False)
    return find_prompted_schema(request.prompts, False)


def _format_document(document: object, fenced: bool) -> str:
    if fenced:
        return f"```json\n{json.dumps(document, ensure_ascii=False, indent=2)}\n```"
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


# The schema of requests that ask for JSON without a schema.
DEFAULT_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "confidence": {"type": "number"}},
    "required": ["answer", "confidence"],
}

TOOL_RESULT_REPLIES = (
    "Here is what {} says: {}",
    "According to {}: {}",
    "I asked {} and got this: {}",
    "This is the answer from {}: {}",
)
