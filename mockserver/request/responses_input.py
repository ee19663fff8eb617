"""Requests to the Responses API in the terms of chat completions, so that fixtures match both apis alike.

https://platform.openai.com/docs/api-reference/responses/create
Values of a wrong type are left out here; admission reports them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mockserver.errors import ApiError

JsonObject = dict[str, Any]

INPUT_ITEM_TYPES: Final = ("message", "function_call", "function_call_output", "reasoning", "item_reference")


@dataclass(frozen=True, slots=True)
class Conversation:
    """The earlier part of a conversation: its messages, and the items by id that the input refers to.

    `error` refuses a request that refers to what the session does not have.
    """

    messages: tuple[JsonObject, ...] = ()
    items: Mapping[str, Mapping[str, Any]] | None = None
    error: ApiError | None = None


def convert_responses_body(body: JsonObject, earlier: Conversation | None) -> JsonObject:
    """Return the body of the chat request that says the same; `earlier` is the conversation that it continues."""
    instructions = body.get("instructions")
    messages = [{"role": "system", "content": instructions}] if isinstance(instructions, str) else []
    items = None
    if earlier is not None:
        messages += earlier.messages
        items = earlier.items
    messages += convert_input(body.get("input"), items or {})
    converted: JsonObject = {name: body[name] for name in _SHARED_FIELDS if name in body}
    converted["messages"] = messages
    if isinstance(body.get("tools"), list):
        converted["tools"] = [_convert_tool(tool) for tool in body["tools"] if isinstance(tool, dict)]
    if "tool_choice" in body:
        converted["tool_choice"] = _convert_tool_choice(body["tool_choice"])
    if body.get("max_output_tokens") is not None:
        converted["max_completion_tokens"] = body["max_output_tokens"]
    match body:
        case {"reasoning": {"effort": str(effort)}}:
            converted["reasoning_effort"] = effort
    match body:
        case {"text": {"format": dict(text_format)}}:
            converted["response_format"] = _convert_format(text_format)
    return converted


def convert_input(source: object, items: Mapping[str, Mapping[str, Any]]) -> list[JsonObject]:
    """Return the messages of an input, a text or a list of items; `items` are those that it may refer to, by id."""
    if isinstance(source, str):
        return [{"role": "user", "content": source}]
    messages: list[JsonObject] = []
    for item in _resolve_references(source, items):
        match item:
            case {"type": "function_call", "name": str(name), "arguments": str(arguments)}:
                call = {"type": "function", "function": {"name": name, "arguments": arguments}}
                _add_tool_call(messages, {"id": item.get("call_id"), **call})
            case {"type": "function_call_output", "call_id": str(call_id)}:
                content = _convert_content(item.get("output"))
                messages.append({"role": "tool", "tool_call_id": call_id, "content": content})
            case {"role": str(role), **rest} if rest.get("type", "message") == "message":
                messages.append({"role": role, "content": _convert_content(rest.get("content"))})
    return messages


def iter_references(source: object) -> Iterator[str]:
    """Yield the ids of the earlier items that an input refers to."""
    for item in source if isinstance(source, list) else ():
        match item:
            case {"type": "item_reference", "id": str(id_)}:
                yield id_


def asks_for_summary(body: Mapping[str, Any]) -> bool:
    """Return whether a request asks for a summary of the reasoning."""
    reasoning = body.get("reasoning")
    return isinstance(reasoning, dict) and any(
        isinstance(reasoning.get(name), str) for name in ("summary", "generate_summary")
    )


def _resolve_references(source: object, items: Mapping[str, Mapping[str, Any]]) -> Iterable[Any]:
    for item in source if isinstance(source, list) else ():
        match item:
            case {"type": "item_reference", "id": str(id_)}:
                yield items.get(id_)
            case _:
                yield item


def _add_tool_call(messages: list[JsonObject], call: JsonObject) -> None:
    """Add a call to the assistant's message at the end, as chat completions have the calls of one turn."""
    if messages and messages[-1]["role"] == "assistant":
        messages[-1] = {**messages[-1], "tool_calls": [*messages[-1].get("tool_calls", ()), call]}
    else:
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})


def _convert_content(content: object) -> object:
    if not isinstance(content, list):
        return content
    return [_convert_part(part) for part in content if isinstance(part, dict)]


def _convert_part(part: JsonObject) -> JsonObject:
    match part:
        case {"type": "input_text" | "output_text" | "text" | "summary_text", "text": text}:
            return {"type": "text", "text": text}
        case {"type": "input_image", "image_url": str(url)}:
            detail = {"detail": part["detail"]} if "detail" in part else {}
            return {"type": "image_url", "image_url": {"url": url, **detail}}
        case {"type": "input_file", **file}:
            return {"type": "file", "file": file}
    return part


def _convert_tool(tool: JsonObject) -> JsonObject:
    if tool.get("type") != "function":
        return tool
    return {"type": "function", "function": {name: value for name, value in tool.items() if name != "type"}}


def _convert_tool_choice(choice: object) -> object:
    match choice:
        case {"type": "function", "name": name}:
            return {"type": "function", "function": {"name": name}}
        case {"type": "allowed_tools", "tools": list(tools), **rest}:
            allowed = [_convert_tool(tool) for tool in tools if isinstance(tool, dict)]
            return {
                "type": "allowed_tools",
                "allowed_tools": {"mode": rest.get("mode"), "tools": allowed},
            }
    return choice


def _convert_format(text_format: JsonObject) -> JsonObject:
    if text_format.get("type") != "json_schema":
        return text_format
    schema = {name: value for name, value in text_format.items() if name != "type"}
    return {"type": "json_schema", "json_schema": schema}


# The fields that both apis have.
_SHARED_FIELDS: Final = ("model", "stream", "temperature", "top_p", "parallel_tool_calls", "metadata", "user")
