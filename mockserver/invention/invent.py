"""When no fixture speaks, a model still does as it is told, and says the same to the same request.

It calls tools (`choosing`), or writes the document of the schema that is asked for, in `response_format` or in the
prompt (`prompted`), or quotes a tool's result, so that an agent's loop ends, or says something (`prose`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mockserver.invention.choosing import Chosen, chosen
from mockserver.invention.prompted import Prompted, bare, prompted
from mockserver.invention.prose import prose
from mockserver.invention.specimen import specimen
from mockserver.invention.voice import DEFAULT, digest, faker_for

if TYPE_CHECKING:
    from faker import Faker

QUOTED = 600  # characters of a tool's result that the closing text repeats


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request asks for, as the client wrote it; `user` is the text of the last user message.

    `prompts` are the texts of the system, developer and user messages. `tool_result` is the last message where it
    is a tool's: its tool's name, if known, and its text. Whatever else makes two requests differ (model, earlier
    messages, the request's own seed) goes into `seed_parts`.
    """

    user: str = ""
    prompts: Sequence[str] = ()
    tools: Sequence[object] = ()
    tool_choice: object = None
    parallel_tool_calls: bool | None = None
    response_format: object = None
    tool_result: tuple[str | None, str] | None = None
    seed_parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invented:
    """One choice: a text, or calls of tools, each a name and its arguments."""

    text: str | None
    tool_calls: tuple[tuple[str, dict[str, object]], ...] = ()


def invent(
    ask: Ask, choice: int = 0, seed: object = None, locale: str = DEFAULT, mode: str = "faker"
) -> Invented:
    """One choice of an answer. `mode` is how a free text is made: one of the settings' `REPLIES`."""
    turn = digest(seed, *ask.seed_parts) + choice
    calls = chosen(
        ask.tools,
        ask.tool_choice,
        ask.user,
        parallel=ask.parallel_tool_calls is not False,
        answered=ask.tool_result is not None,
    )
    wanted = None if calls else _document(ask)
    if calls or wanted:
        faker = faker_for(locale, digest(turn))
    if calls:
        return Invented(None, tuple((call.name, _arguments(call, ask.user, faker)) for call in calls))
    if wanted:
        document = specimen(wanted.schema, faker, bare(ask.user))
        return Invented(_written(document, wanted.fenced))
    if ask.tool_result:
        name, said = ask.tool_result
        cut = said if len(said) <= QUOTED else said[:QUOTED] + "…"
        return Invented(CLOSINGS[turn % len(CLOSINGS)].format(name or "the tool", cut))
    return Invented(prose(ask.user, turn, locale, mode))


def _arguments(call: Chosen, user: str, faker: Faker) -> dict[str, object]:
    schema = call.parameters if isinstance(call.parameters, dict) else {"type": "object"}
    made = specimen(schema, faker, user, name=call.name, take=call.take)
    return made if isinstance(made, dict) else {}


def _document(ask: Ask) -> Prompted | None:
    """The schema that the answer's text has to meet, None where any text will do."""
    match ask.response_format:
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return Prompted(schema, False)
        case {"type": "json_schema"}:
            return Prompted(OBJECT, False)
        case {"type": "json_object"}:
            return prompted(ask.prompts, True) or Prompted(OBJECT, False)
    return prompted(ask.prompts, False)


def _written(document: object, fenced: bool) -> str:
    if fenced:
        return f"```json\n{json.dumps(document, ensure_ascii=False, indent=2)}\n```"
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


# A small document for a request that wants JSON and does not say which.
OBJECT: dict[str, object] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "confidence": {"type": "number"}},
    "required": ["answer", "confidence"],
}

CLOSINGS = (
    "Here is what {} says: {}",
    "According to {}: {}",
    "I asked {} and got this: {}",
    "This is the answer from {}: {}",
)
