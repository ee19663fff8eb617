"""The choice of the tools that a generated reply calls, by `tool_choice` and the user's message.

- `required`, or a `tool_choice` that names a tool, always gives a call, even after a tool's result, since libraries
  that ask for a corrected call (instructor) end their requests with one. Of several tools, those that the message
  mentions are called, or else the first.
- `auto` gives a call only if the last message is the user's and mentions a tool: its name (`get_weather`), the words
  of the name in a row (`get weather`), or all of them except verbs and fillers, anywhere (`weather`).
- If the message mentions several tools, each is called, in the order of `tools`; if it lists several places, email
  addresses or URLs (`the weather in Paris and London`), the tool is called for each. If `parallel_tool_calls` is
  false, there is one call; a tool that `tool_choice` names is called once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mockserver.generation.generation_budget import GenerationBudget
from mockserver.generation.prompt_values import MAX_PROMPT_LENGTH, PromptValues

MAX_TOOL_CALLS = 16  # in one reply
MAX_ARGUMENTS = 1_000  # of one tool
MAX_NAME_LENGTH = 256  # characters; a tool with a longer name is not mentioned
STEPS_PER_TOOL = 100  # for the regular expression of its name


@dataclass(frozen=True, slots=True)
class PlannedToolCall:
    """A tool to call, the schema of its arguments, and the index of the listed value that it is called for."""

    name: str
    parameters: object
    value_index: int = 0


def choose_tools(
    tools: Sequence[object],
    choice: object,
    user_text: str,
    budget: GenerationBudget,
    *,
    parallel: bool = True,
    after_tool_result: bool = False,
) -> list[PlannedToolCall]:
    """Return the calls of a reply. `after_tool_result`: the last message is the result of a tool.

    Tools beyond the budget are not considered.
    """
    mode, only = _parse_choice(choice)
    allowed = None if only is None else set(only)
    offered = [
        tool for tool in map(_parse_function, tools) if tool and (allowed is None or tool[0] in allowed)
    ]
    if mode == "named":
        return [PlannedToolCall(*tool) for tool in offered[:1]] or [
            PlannedToolCall(name, {"type": "object"}) for name in only or ()
        ]
    if mode == "none" or (mode == "auto" and after_tool_result):
        return []
    text = user_text[:MAX_PROMPT_LENGTH]
    mentioned = [tool for tool in offered if _is_mentioned(tool[0], text, budget)]
    if mode == "required":
        mentioned = mentioned or offered[:1]
    prompt_values = PromptValues(text)
    calls = [
        PlannedToolCall(*tool, index)
        for tool in mentioned[:MAX_TOOL_CALLS]
        for index in range(_call_count(*tool, prompt_values, budget))
    ]
    return calls[: MAX_TOOL_CALLS if parallel else 1]


def is_tool_forced(choice: object) -> bool:
    """Return whether `tool_choice` names the one tool to call."""
    return _parse_choice(choice)[0] == "named"


def _parse_choice(choice: object) -> tuple[str, list[str] | None]:
    """Return the mode (`none`, `auto`, `required`, `named`) and the names of the allowed tools; None allows all."""
    match choice:
        case "none" | "required":
            return str(choice), None
        case "any":  # other vendors' name for required
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


def _is_mentioned(name: str, text: str, budget: GenerationBudget) -> bool:
    """Return whether a text mentions a tool, as the docstring of this module defines it."""
    if budget.is_exhausted or len(name) > MAX_NAME_LENGTH:
        return False
    budget.deduct(STEPS_PER_TOOL + len(name) + len(text) // 200)
    words = NAME_WORDS.findall(name)
    if not words:
        return False
    phrase = r"[\W_]*".join(map(re.escape, words))
    if re.search(rf"(?<![^\W_]){phrase}(?![^\W_])", text, re.IGNORECASE):
        return True
    distinctive = {word.lower() for word in words} - FILLER_WORDS
    return bool(distinctive) and distinctive <= {word.lower() for word in NAME_WORDS.findall(text.lower())}


def _call_count(tool: str, parameters: object, prompt_values: PromptValues, budget: GenerationBudget) -> int:
    """Return the number of values that the message lists for a string argument, at least 1."""
    arguments = list(_string_arguments(parameters))
    budget.deduct(2 * len(arguments))
    counts = (
        len(prompt_values.values_for(f"{tool}_{name}", form)) for name, form in arguments[:MAX_ARGUMENTS]
    )
    return max(counts, default=1) or 1


def _string_arguments(parameters: object) -> Iterator[tuple[str, object]]:
    """Yield the name and format of each string argument that is not an enum."""
    match parameters:
        case {"properties": dict(properties)}:
            for name, part in properties.items():
                if isinstance(part, dict) and part.get("type") == "string" and "enum" not in part:
                    yield str(name), part.get("format")


# The words of a name; `getHTTPPage`, `get_http_page` and `get-http-page` have the same words.
NAME_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")

# Words in the names of tools that do not distinguish one tool from another.
FILLER_WORDS = frozenset(
    NAME_WORDS.findall("""
    a add all and answer any by call check compute create current delete do execute fetch final find for from
    function generate get in insert list load look lookup make of on output post put query read remove response
    result retrieve return run save search send set show submit tell the to tool update up use with write
    """)
)
