"""Generated replies for requests that no fixture matches: tool calls, documents for a schema, or text.

The reply calls tools (`tool_choice`), or is a document for the JSON schema in `response_format` or in the prompt
(`prompt_schema`), or quotes a tool's result, so that an agent's loop ends, or is text (`faker_text`). The same request
gets the same reply.
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

MAX_QUOTED_LENGTH = 600  # characters of a tool's result that the closing text repeats


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What a request asks for, as the client wrote it; `user` is the text of the last user message.

    `prompts` are the texts of the system, developer and user messages. `tool_result` is the last message where it
    is a tool's: its tool's name, if known, and its text. Whatever else makes two requests differ (model, earlier
    messages, the request's own seed) goes into `seed_parts`.
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
    """One choice: a text, or calls of tools, each a name and its arguments."""

    text: str | None
    tool_calls: tuple[tuple[str, dict[str, object]], ...] = ()


def generate_reply(
    request: GenerationRequest,
    choice_index: int = 0,
    seed: object = None,
    locale: str = DEFAULT_LOCALE,
    mode: str = "faker",
) -> GeneratedReply:
    """One choice of an answer. `mode` is how a free text is made: one of the settings' `REPLIES`."""
    turn = stable_hash(seed, *request.seed_parts) + choice_index
    calls = choose_tools(
        request.tools,
        request.tool_choice,
        request.user_text,
        parallel=request.parallel_tool_calls is not False,
        after_tool_result=request.tool_result is not None,
    )
    wanted = None if calls else _requested_schema(request)
    if calls or wanted:
        faker = seed_faker(locale, stable_hash(turn))
    if calls:
        return GeneratedReply(
            None, tuple((call.name, _tool_arguments(call, request.user_text, faker)) for call in calls)
        )
    if wanted:
        document = generate_value(wanted.schema, faker, strip_json_documents(request.user_text))
        return GeneratedReply(_format_document(document, wanted.fenced))
    if request.tool_result:
        name, said = request.tool_result
        cut = said if len(said) <= MAX_QUOTED_LENGTH else said[:MAX_QUOTED_LENGTH] + "…"
        return GeneratedReply(
            TOOL_RESULT_REPLIES[turn % len(TOOL_RESULT_REPLIES)].format(name or "the tool", cut)
        )
    return GeneratedReply(generate_text(request.user_text, turn, locale, mode))


def _tool_arguments(call: PlannedToolCall, user_text: str, faker: Faker) -> dict[str, object]:
    schema = call.parameters if isinstance(call.parameters, dict) else {"type": "object"}
    made = generate_value(schema, faker, user_text, name=call.name, value_index=call.value_index)
    return made if isinstance(made, dict) else {}


def _requested_schema(request: GenerationRequest) -> PromptedSchema | None:
    """The schema that the answer's text has to meet, None where any text will do."""
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


# A small document for a request that wants JSON and does not say which.
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
