"""When no fixture speaks, a model still does as it is told, and says the same to the same request.

Whether it calls a tool:
- `tool_choice` required, or one that names a tool, always yields a call, even after a tool's result, because
  a library that asks again for a better call (instructor) ends its request so. With several tools to choose
  from, those that the message names are called, else the first.
- `auto` yields a call only when the last message is the user's and names a tool: its name (`get_weather`),
  its words in a row (`get weather`), or somewhere all its words but verbs and fillers (`weather`).
- Several tools named are several calls, in the order offered, unless `parallel_tool_calls` is false.
- After a tool's result a text quotes it, so that an agent's loop ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from mockserver.invention.specimen import specimen

if TYPE_CHECKING:
    from faker import Faker

QUOTED = 600  # characters of a tool's result that the closing text repeats


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request asks for, as the client wrote it; `user` is the text of the last user message.

    `tool_result` is the last message where it is a tool's: its tool's name, if known, and its text. Whatever
    else makes two requests differ (model, earlier messages, the request's own seed) goes into `seed_parts`.
    """

    user: str = ""
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
    ask: Ask, choice: int = 0, seed: object = None, locale: str = "en_US", mode: str = "polite"
) -> Invented:
    """One choice of an answer. `mode` is how a free text is made: one of `MODES`."""
    turn = digest(seed, *ask.seed_parts) + choice
    called = _called(ask)
    if called:
        faker = faker_for(locale, digest(turn))
        return Invented(None, tuple((name, _arguments(form, faker, ask.user)) for name, form in called))
    schema = _schema(ask.response_format)
    if schema is not None:
        document = specimen(schema, faker_for(locale, digest(turn)), ask.user)
        return Invented(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
    if ask.tool_result:
        name, said = ask.tool_result
        cut = said if len(said) <= QUOTED else said[:QUOTED] + "…"
        return Invented(CLOSINGS[turn % len(CLOSINGS)].format(name or "the tool", cut))
    return Invented(MODES[mode](ask, turn, locale))


def _called(ask: Ask) -> list[tuple[str, object]]:
    """The tools to call, each with the schema of its arguments."""
    mode, only = _choice(ask.tool_choice)
    offered = [tool for tool in map(_function, ask.tools) if tool and (only is None or tool[0] in only)]
    if mode == "named":
        return offered[:1] or [(name, {"type": "object"}) for name in only or ()]
    if mode == "none" or (mode == "auto" and ask.tool_result):
        return []
    named = [tool for tool in offered if _named(tool[0], ask.user)]
    if mode == "required":
        named = named or offered[:1]
    return named[:1] if ask.parallel_tool_calls is False else named


def _choice(choice: object) -> tuple[str, list[str] | None]:
    """How free the model is (`none`, `auto`, `required`, `named`), and the only tools it may call."""
    match choice:
        case "none" | "required":
            return str(choice), None
        case "any":  # what other vendors call required
            return "required", None
        case {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": list(tools)}}:
            return "required" if mode == "required" else "auto", [
                name for name, _ in filter(None, map(_function, tools))
            ]
        case {"function": {"name": str(name)}} | {"name": str(name)}:
            return "named", [name]
    return "auto", None


def _function(tool: object) -> tuple[str, object] | None:
    match tool:
        case {"function": {"name": str(name)} as function}:
            return name, function.get("parameters", {})
    return None


def _named(name: str, text: str) -> bool:
    words = WORDS.findall(name)
    if not words:
        return False
    row = r"[\W_]*".join(map(re.escape, words))
    if re.search(rf"(?<![^\W_]){row}(?![^\W_])", text, re.IGNORECASE):
        return True
    telling = {word.lower() for word in words} - FILLERS
    return bool(telling) and telling <= {word.lower() for word in WORDS.findall(text.lower())}


def _arguments(schema: object, faker: Faker, hint: str) -> dict[str, object]:
    made = specimen(schema if isinstance(schema, dict) else {"type": "object"}, faker, hint)
    return made if isinstance(made, dict) else {}


def _schema(form: object) -> dict[str, object] | None:
    """The schema that the answer's text has to meet, None where any text will do."""
    match form:
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return schema
        case {"type": "json_schema" | "json_object"}:
            return OBJECT
    return None


def _polite(_: Ask, turn: int, locale: str) -> str:
    faker = faker_for(locale, digest(turn))
    said = faker.sentences(nb=faker.random.randint(1, 2))
    # The openings take turns, so that two choices side by side never say the same; they are English.
    opening = OPENINGS[turn % len(OPENINGS)] if locale.startswith("en") else faker.sentence()
    return " ".join([opening, *said])


def _lorem(_: Ask, turn: int, __: str) -> str:
    return str(faker_for("la", digest(turn)).paragraph())


def _echo(ask: Ask, _: int, __: str) -> str:
    return ask.user


def digest(*parts: object) -> int:
    """The same number for the same parts in every process, which `hash()` does not promise."""
    return int.from_bytes(blake2b(repr(tuple(map(str, parts))).encode(), digest_size=8).digest())


def faker_for(locale: str, seed: int) -> Faker:
    """The Faker of a locale, seeded anew; to be used before the next one is asked for."""
    faker = _made(locale)
    faker.seed_instance(seed)
    return faker


@cache
def _made(locale: str) -> Faker:
    from faker import Faker  # noqa: PLC0415 its import costs a fifth of a second, and most servers never need it

    return Faker(locale, use_weighting=False)


# A name's words: `getHTTPPage`, `get_http_page` and `get-http-page` have the same.
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")

# Words of a tool's name that do not tell it from another's.
FILLERS = frozenset(
    WORDS.findall("""
    a add all and answer any by call check compute create current delete do execute fetch final find for from
    function generate get in insert list load look lookup make of on output post put query read remove response
    result retrieve return run save search send set show submit tell the to tool update up use with write
    """)
)

# A small document for a request that wants JSON and does not say which.
OBJECT: dict[str, object] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "confidence": {"type": "number"}},
    "required": ["answer", "confidence"],
}

OPENINGS = (
    "Thank you for your question.",
    "Of course, I am happy to help.",
    "Certainly, here is what I found.",
    "That is a good question.",
    "Let me help you with that.",
    "Sure, here is a short answer.",
)

CLOSINGS = (
    "Here is what {} says: {}",
    "According to {}: {}",
    "I asked {} and got this: {}",
    "This is the answer from {}: {}",
)

MODES = {"polite": _polite, "lorem": _lorem, "echo": _echo}
