"""The raw tokens behind a recorded usage, which some vendors send as the cost in credits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockserver.request.chat_request import ChatRequest
from mockserver.vendors.vendor import TokenUsage

_REPORTED_TOKENS = ("prompt_tokens", "completion_tokens")  # by every vendor
_RESPONSES_NAMES = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}
_PROBE = 1_000_000  # tokens


def list_usages(request: ChatRequest, usage: object) -> list[dict[str, Any]]:
    """Return the fields of a response with which the vendor may send this usage: without zeros, and with them.

    An empty mapping stands for no usage.
    """
    if not isinstance(usage, dict):
        return [{}]
    usage = _rename_fields(usage)
    details = [usage.get(f"{name}_tokens_details") for name in ("prompt", "completion")]
    stated = {
        name: count for part in (*details, usage) if isinstance(part, dict) for name, count in part.items()
    }
    names = (*_REPORTED_TOKENS, "reasoning_tokens", "cached_tokens")
    tokens = _convert_credits(request, {name: stated[name] for name in names if _is_count(stated.get(name))})
    counts = {name: count for name, count in tokens.items() if count or name in _REPORTED_TOKENS}
    usages = [counts] if counts == tokens else [counts, tokens]
    return [{"usage": one} if one else {} for one in usages]


def _rename_fields(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the usage of a response of any api with the names of chat completions."""
    return {_RESPONSES_NAMES.get(name, name): value for name, value in usage.items()}


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _convert_credits(request: ChatRequest, stated: Mapping[str, int]) -> dict[str, int]:
    """Return counts of tokens for which the vendor sends the stated counts."""
    prompt, completion = (stated.get(name, 0) for name in _REPORTED_TOKENS)
    reasoning, cached = stated.get("reasoning_tokens", 0), stated.get("cached_tokens", 0)

    def send(name: str, **tokens: int) -> int:
        raw = TokenUsage(**{"prompt": 0, "completion": 0, "reasoning": reasoning, "cached": cached} | tokens)
        sent = _fill_usage(request, raw)
        count = _rename_fields(sent).get(name) if isinstance(sent, dict) else None
        return count if isinstance(count, int) else 0

    found = {
        "prompt_tokens": _invert(lambda count: send("prompt_tokens", prompt=count), prompt),
        "completion_tokens": _invert(lambda count: send("completion_tokens", completion=count), completion),
    }
    return {**stated, **{name: count for name, count in found.items() if name in stated}}


def _fill_usage(request: ChatRequest, raw: TokenUsage) -> Any:
    """Return the usage object of a body that answers the request."""
    vendor = request.vendor
    if request.route.api == "responses":
        return vendor.responses.usage.fill(vendor.usage_values(raw, request.model))
    return vendor.usage(raw, request.model)


def _invert(send: Callable[[int], int], sent: int) -> int:
    """Return the number for which a function, which is about linear, returns `sent`; `sent` itself if there is none."""
    scale = send(_PROBE) / _PROBE
    if send(sent) == sent or not scale:
        return sent
    guess = int(sent / scale)
    candidates = range(max(guess - 2, 0), guess + 3)
    return next((count for count in candidates if send(count) == sent), sent)
