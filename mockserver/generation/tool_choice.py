"""Which tools are called: those that the choice or the message names, each as often as the message lists places for it.

- `tool_choice` required, or one that names a tool, always yields a call, even after a tool's result, because
  a library that asks again for a better call (instructor) ends its request so. With several tools to choose
  from, those that the message names are called, else the first.
- `auto` yields a call only when the last message is the user's and names a tool: its name (`get_weather`),
  its words in a row (`get weather`), or somewhere all its words but verbs and fillers (`weather`).
- Several tools named are several calls, in the order offered; so is one tool for each of several places, email
  addresses or URLs that the message lists (`the weather in Paris and London`). With `parallel_tool_calls` false
  there is one call, and one that the choice names is called once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mockserver.generation.prompt_values import PromptValues

MAX_TOOL_CALLS = 16  # calls at once


@dataclass(frozen=True, slots=True)
class PlannedToolCall:
    """A tool to call, the schema of its arguments, and which of the listed places it is called for."""

    name: str
    parameters: object
    value_index: int = 0


def choose_tools(
    tools: Sequence[object],
    choice: object,
    user_text: str,
    *,
    parallel: bool = True,
    after_tool_result: bool = False,
) -> list[PlannedToolCall]:
    """The calls to make. `answered` is whether the last message is a tool's."""
    mode, only = _parse_choice(choice)
    offered = [tool for tool in map(_parse_function, tools) if tool and (only is None or tool[0] in only)]
    if mode == "named":
        return [PlannedToolCall(*tool) for tool in offered[:1]] or [
            PlannedToolCall(name, {"type": "object"}) for name in only or ()
        ]
    if mode == "none" or (mode == "auto" and after_tool_result):
        return []
    named = [tool for tool in offered if _is_named(tool[0], user_text)]
    if mode == "required":
        named = named or offered[:1]
    calls = [PlannedToolCall(*tool, take) for tool in named for take in range(_call_count(*tool, user_text))]
    return calls[: MAX_TOOL_CALLS if parallel else 1]


def is_tool_forced(choice: object) -> bool:
    """Whether the choice names the one tool to call."""
    return _parse_choice(choice)[0] == "named"


def _parse_choice(choice: object) -> tuple[str, list[str] | None]:
    """How free the model is (`none`, `auto`, `required`, `named`), and the only tools it may call."""
    match choice:
        case "none" | "required":
            return str(choice), None
        case "any":  # what other vendors call required
            return "required", None
        case {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": list(tools)}}:
            return "required" if mode == "required" else "auto", [
                name for name, _ in filter(None, map(_parse_function, tools))
            ]
        case {"function": {"name": str(name)}} | {"name": str(name)}:
            return "named", [name]
    return "auto", None


def _parse_function(tool: object) -> tuple[str, object] | None:
    match tool:
        case {"function": {"name": str(name)} as function}:
            return name, function.get("parameters", {})
    return None


def _is_named(name: str, text: str) -> bool:
    words = NAME_WORDS.findall(name)
    if not words:
        return False
    row = r"[\W_]*".join(map(re.escape, words))
    if re.search(rf"(?<![^\W_]){row}(?![^\W_])", text, re.IGNORECASE):
        return True
    telling = {word.lower() for word in words} - FILLER_WORDS
    return bool(telling) and telling <= {word.lower() for word in NAME_WORDS.findall(text.lower())}


def _call_count(tool: str, parameters: object, user_text: str) -> int:
    """How many values the message lists for a text among the arguments; one where it lists none."""
    hint = PromptValues(user_text)
    return (
        max(
            (len(hint.values_for(f"{tool}_{name}", form)) for name, form in _string_arguments(parameters)),
            default=1,
        )
        or 1
    )


def _string_arguments(parameters: object) -> Iterator[tuple[str, object]]:
    """The arguments that are texts, each with its format."""
    match parameters:
        case {"properties": dict(properties)}:
            for name, part in properties.items():
                if isinstance(part, dict) and part.get("type") == "string" and "enum" not in part:
                    yield str(name), part.get("format")


# A name's words: `getHTTPPage`, `get_http_page` and `get-http-page` have the same.
NAME_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")

# Words of a tool's name that do not tell it from another's.
FILLER_WORDS = frozenset(
    NAME_WORDS.findall("""
    a add all and answer any by call check compute create current delete do execute fetch final find for from
    function generate get in insert list load look lookup make of on output post put query read remove response
    result retrieve return run save search send set show submit tell the to tool update up use with write
    """)
)
