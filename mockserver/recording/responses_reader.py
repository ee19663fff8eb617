"""The choice in a recorded response of the Responses API, in the form of chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_FINISH_REASONS: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


def read_responses_choice(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message and the finish reason of a response. Raises ValueError if the response has no end.

    Raises KeyError and TypeError if it has another form.
    """
    reason = "stop"
    if response["status"] == "incomplete":
        reason = _FINISH_REASONS[response["incomplete_details"]["reason"]]
    elif response["status"] != "completed":
        raise ValueError("the response is not complete")
    message: dict[str, Any] = {}
    for item in response["output"]:
        _add_item(message, item)
    return {"message": message, "finish_reason": reason}


def _add_item(message: dict[str, Any], item: Mapping[str, Any]) -> None:
    """Add an item of the output to a message. Raises KeyError for one that no fixture can describe."""
    match item:
        case {"type": "function_call", "name": name, "arguments": arguments}:
            call = {"function": {"name": name, "arguments": arguments}}
            message.setdefault("tool_calls", []).append(call)
        case {"type": "message", "content": list(parts)}:
            for part in parts:
                name, field = _PART_FIELDS[part["type"]]
                message[name] = message.get(name, "") + part[field]
        case {"type": "reasoning"}:
            for part in item.get("summary") or ():
                message["reasoning_content"] = message.get("reasoning_content", "") + part["text"]
        case _:
            raise KeyError(item["type"])


_PART_FIELDS: Final = {"output_text": ("content", "text"), "refusal": ("refusal", "refusal")}
