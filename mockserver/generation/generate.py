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

from mockserver.bounded_regex import SharedRegexBudget
from mockserver.generation.faker_text import DEFAULT_LOCALE, generate_text, seed_faker, stable_hash
from mockserver.generation.from_schema import generate_value
from mockserver.generation.generation_budget import CHARACTERS_PER_STEP, GenerationBudget
from mockserver.generation.prompt_schema import PromptedSchema, find_prompted_schema, strip_json_documents
from mockserver.generation.scalar_candidates import STEPS_PER_VALUE
from mockserver.generation.tool_choice import PlannedToolCall, choose_tools
from mockserver.schema.messages import truncate_text

if TYPE_CHECKING:
    from faker import Faker

MAX_QUOTED_LENGTH = 601  # characters of a tool's result that a reply quotes


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


class ReplyGenerator:
    """The choices of one generated response, which draw from one budget.

    `mode` is the kind of text: one of `REPLIES` in `settings`.
    """

    def __init__(
        self,
        request: GenerationRequest,
        seed: object = None,
        locale: str = DEFAULT_LOCALE,
        mode: str = "faker",
        budget: GenerationBudget | None = None,
    ) -> None:
        self.request, self.locale, self.mode = request, locale, mode
        self.budget = budget or GenerationBudget()
        self._seed = stable_hash(seed, *request.seed_parts)
        self._calls = choose_tools(
            request.tools,
            request.tool_choice,
            request.user_text,
            self.budget,
            parallel=request.parallel_tool_calls is not False,
            after_tool_result=request.tool_result is not None,
        )
        self._schema = None if self._calls else _requested_schema(request, self.budget)
        self._prompt = (
            strip_json_documents(request.user_text, self.budget) if self._schema else request.user_text
        )

    def generate(self, choice_index: int) -> GeneratedReply:
        """Return one choice. Raise ApiError if earlier choices used up the budget."""
        self.budget.raise_if_exhausted()
        seed = self._seed + choice_index
        with SharedRegexBudget():
            if self._calls:
                faker = seed_faker(self.locale, stable_hash(seed))
                return GeneratedReply(
                    None, tuple((call.name, self._arguments(call, faker)) for call in self._calls)
                )
            if self._schema:
                faker = seed_faker(self.locale, stable_hash(seed))
                document = generate_value(self._schema.schema, faker, self._prompt, budget=self.budget)
                return GeneratedReply(_format_document(document, self._schema.fenced))
        if self.request.tool_result:
            self.budget.deduct(STEPS_PER_VALUE)
            return GeneratedReply(_quote_tool_result(*self.request.tool_result, seed))
        text = generate_text(self.request.user_text, seed, self.locale, self.mode)
        self.budget.deduct(STEPS_PER_VALUE + len(text) // CHARACTERS_PER_STEP)
        return GeneratedReply(text)

    def _arguments(self, call: PlannedToolCall, faker: Faker) -> dict[str, object]:
        schema = call.parameters if isinstance(call.parameters, dict) else {"type": "object"}
        arguments = generate_value(
            schema,
            faker,
            self._prompt,
            name=call.name,
            value_index=call.value_index,
            budget=self.budget,
        )
        return arguments if isinstance(arguments, dict) else {}


def _quote_tool_result(name: str | None, result: str, seed: int) -> str:
    quoted = truncate_text(result, MAX_QUOTED_LENGTH)
    return TOOL_RESULT_REPLIES[seed % len(TOOL_RESULT_REPLIES)].format(name or "the tool", quoted)


def _requested_schema(request: GenerationRequest, budget: GenerationBudget) -> PromptedSchema | None:
    """Return the schema that the text of the reply must be valid against; None if no JSON is requested."""
    match request.response_format:
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return PromptedSchema(schema, False)
        case {"type": "json_schema"}:
            return PromptedSchema(DEFAULT_SCHEMA, False)
        case {"type": "json_object"}:
            return find_prompted_schema(request.prompts, True, budget) or PromptedSchema(
                DEFAULT_SCHEMA, False
            )
    return find_prompted_schema(request.prompts, False, budget)


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
