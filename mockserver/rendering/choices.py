"""The choices of a response after applying the options of a request: truncated, numbered and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from mockserver.embeddings.input_tokens import measure_embeddings
from mockserver.fixtures.response_spec import ChoiceSpec, ResponseSpec, StreamPause, ToolCallSpec
from mockserver.generation.tool_choice import is_tool_forced
from mockserver.memoize import memoized
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_body import iter_mappings
from mockserver.tokens.token_count import (
    count_prompt_tokens,
    count_tokens,
    estimate_reasoning_tokens,
    truncate_completion,
)
from mockserver.vendors.placeholders import pick_stated_value
from mockserver.vendors.responses_spec import ECHOED_FIELDS
from mockserver.vendors.vendor import TokenUsage, Vendor

MAX_STOP_SEQUENCES = 64  # those after them are ignored; OpenAI allows 4


@dataclass(frozen=True, slots=True)
class RenderedChoice:
    """One choice as it is sent: truncated to the limits of the request, its tool calls with ids.

    `chunks` is the content in the fixture's own chunks and pauses, None if the fixture has none.
    """

    content: str | None
    chunks: tuple[str | StreamPause, ...] | None
    reasoning: str | None
    refusal: str | None
    tool_calls: tuple[dict[str, Any], ...]
    finish_reason: str


class RenderOptions(NamedTuple):
    """The parts of a request that decide the text of its answer; requests with equal options get equal text."""

    vendor: Vendor
    model: str
    prompt_tokens: int
    stream: bool
    include_usage: bool  # whether the stream ends with its usage
    choice_count: int
    stop_sequences: tuple[str, ...]
    max_tokens: int | None  # tokens of one choice
    wants_json: bool  # whether `response_format` requires JSON
    include_reasoning: bool  # whether the response includes the reasoning
    tool_forced: bool  # whether `tool_choice` names a tool
    reasoning_effort: str | None
    echo: bytes | None = (
        None  # the fields of a Responses request that its answer repeats, as JSON; None: chat
    )


def build_render_options(request: ChatRequest, response: ResponseSpec) -> RenderOptions:
    """Return the options of a request that affect the rendering of a response."""
    return _build_options(request, response.usage.prompt_tokens if response.usage else None)


@memoized
def _build_options(request: ChatRequest, prompt_tokens: int | None) -> RenderOptions:
    parsed, vendor = request.parsed, request.vendor
    body = parsed.chat_body
    if prompt_tokens is None:
        overhead = vendor.models[request.model].prompt_overhead
        prompt_tokens = count_prompt_tokens(
            parsed.messages, iter_mappings(body.get("tools")), overhead, vendor.tokenizer
        )
    always_usage, thinking = vendor.profile.stream.usage == "always", vendor.profile.thinking
    if body.keys().isdisjoint(_RELEVANT_FIELDS) and thinking not in body and body is parsed.body:
        return RenderOptions(
            vendor,
            request.model,
            prompt_tokens,
            request.stream,
            always_usage,
            1,
            (),
            None,
            False,
            vendor.sends_reasoning(request.model, body),
            False,
            None,
        )
    stop, options, effort = body.get("stop"), body.get("stream_options"), body.get("reasoning_effort")
    choice = body.get("tool_choice")
    # OpenAI, `stream_options.include_usage`: a last chunk with the usage; the chunks before it have null.
    usage_requested = isinstance(options, dict) and options.get("include_usage") is True
    return RenderOptions(
        vendor,
        request.model,
        prompt_tokens,
        request.stream,
        usage_requested or always_usage,
        parsed.choice_count,
        (stop,)
        if isinstance(stop, str)
        else tuple([one for one in (stop or ())[:MAX_STOP_SEQUENCES] if isinstance(one, str)]),
        get_token_limit(body),
        parsed.response_format != "text",
        request.is_reasoning_sent,
        choice is not None and is_tool_forced(choice),
        effort if isinstance(effort, str) else None,
        _encode_echo(parsed.body) if request.route.api == "responses" else None,
    )


def _encode_echo(body: Mapping[str, Any]) -> bytes:
    return orjson.dumps({name: body[name] for name in ECHOED_FIELDS if body.get(name) is not None})


def measure_response(request: ChatRequest, response: ResponseSpec) -> int:
    """Return the number of characters in all choices of a response, or in the lines of a raw stream."""
    if response.raw is not None:
        return sum(len(line) for line in response.raw.sse or () if isinstance(line, str))
    if response.error is not None:
        return 0
    if request.route.api == "embeddings":
        return measure_embeddings(request)
    texts = (text for choice in response.all_choices for text in _iter_texts(choice))
    size = sum(map(len, texts))
    return size if response.choices else size * request.parsed.choice_count


def _iter_texts(choice: ChoiceSpec) -> Iterator[str]:
    yield from filter(None, (choice.content, choice.reasoning, choice.refusal))
    for tool_call in choice.tool_calls or ():
        yield tool_call.arguments_json


def render_choices(
    options: RenderOptions, response: ResponseSpec, new_id: Callable[[str], str] | None = None
) -> tuple[RenderedChoice, ...]:
    """Return the choices of a response; a response with a single choice is repeated `n` times.

    `new_id` creates the ids of tool calls, by default the vendor's.
    """
    choices = response.all_choices
    if options.echo is not None:
        choices = choices[:1]  # a response of the Responses API is one choice
    elif response.choices is None:
        choices *= options.choice_count
    return tuple(_render_choice(options, choice, new_id or options.vendor.new_id) for choice in choices)


def count_response_usage(
    options: RenderOptions, response: ResponseSpec, choices: tuple[RenderedChoice, ...]
) -> TokenUsage:
    """Return the usage of a response: the numbers that the fixture states, the others counted."""
    model = options.vendor.models[options.model]
    stated = response.usage
    completion = stated.completion_tokens if stated else None
    reasoning = stated.reasoning_tokens if stated else None
    tokenizer = options.vendor.tokenizer
    visible = sum(_count_choice_tokens(one, tokenizer) for one in choices)
    if reasoning is None:
        reasoning = _count_reasoning_tokens(
            options, response, reasoned_choices=len(choices) if model.reasoning else 0
        )
        # A stated total includes the reasoning, so the reasoning is at most the rest.
        reasoning = reasoning if completion is None else min(reasoning, max(completion - visible, 0))
    if completion is None:
        completion = reasoning + visible
    cached = stated.cached_tokens if stated else None
    return TokenUsage(options.prompt_tokens, completion, reasoning, cached or 0)


def get_token_limit(body: Mapping[str, Any]) -> int | None:
    """Return the token limit of one choice, None without a limit, for which some clients send 0 or less."""
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return int(limit) if limit and limit >= 1 else None


def _render_choice(
    options: RenderOptions, choice: ChoiceSpec, new_id: Callable[[str], str]
) -> RenderedChoice:
    content, cut_reason = _truncate_content(options, choice)
    calls = tuple(_render_tool_call(tool_call, new_id) for tool_call in choice.tool_calls or ())
    # The finish reason is `stop` if `tool_choice` names the tool, `tool_calls` otherwise [C 2025-09, OpenAI].
    chose_tools = calls and not options.tool_forced
    return RenderedChoice(
        content=content,
        chunks=choice.chunks
        if cut_reason is None or not choice.chunks
        else tuple(_truncate_chunks(content, choice.chunks)),
        reasoning=choice.reasoning if options.include_reasoning else None,
        refusal=choice.refusal,
        tool_calls=calls,
        finish_reason=pick_stated_value(
            cut_reason, choice.finish_reason, default="tool_calls" if chose_tools else "stop"
        ),
    )


def _truncate_content(options: RenderOptions, choice: ChoiceSpec) -> tuple[str | None, str | None]:
    """Return the text up to a stop sequence or the token limit, and the finish reason if it was truncated.

    Tool calls with their text and JSON documents (the fixture's `json`, or any text if the request requires JSON)
    are never truncated; for a truncated document in a test, write a text with its own `finish_reason`. The
    limit counts only visible tokens: otherwise the reasoning of an o-model would suppress a fixture's text. In
    generated replies the reasoning counts as well (`generated_response`).
    """
    content = choice.content
    whole = choice.json is not None or choice.tool_calls or options.wants_json
    if not content or whole:
        return content, None
    if not options.stop_sequences and options.max_tokens is None:
        return content, None
    return truncate_completion(content, options.max_tokens, options.stop_sequences, options.vendor.tokenizer)


def _truncate_chunks(content: str | None, chunks: Iterable[str | StreamPause]) -> Iterator[str | StreamPause]:
    """Yield the fixture's chunks up to the length of the truncated content."""
    left = len(content or "")
    for chunk in chunks:
        if left <= 0:
            return
        if isinstance(chunk, StreamPause):
            yield chunk
        else:
            yield chunk[:left]
            left -= len(chunk)


def _render_tool_call(tool_call: ToolCallSpec, new_id: Callable[[str], str]) -> dict[str, Any]:
    return {
        "id": new_id("tool_call_id") if tool_call.id is None else tool_call.id,
        "type": "function",
        "function": {"name": tool_call.name, "arguments": tool_call.arguments_json},
    }


def _count_choice_tokens(choice: RenderedChoice, tokenizer: str) -> int:
    """Count the tokens of one choice without its reasoning."""
    texts = [choice.content, choice.refusal]
    texts += [call["function"]["name"] + call["function"]["arguments"] for call in choice.tool_calls]
    return sum(count_tokens(text, tokenizer) for text in texts if text)


def _count_reasoning_tokens(options: RenderOptions, response: ResponseSpec, *, reasoned_choices: int) -> int:
    """Count the reasoning tokens: of the fixture's reasoning text, or an estimate from the reasoning effort.

    `reasoned_choices` is the number of choices with hidden reasoning, each estimated on its own.
    """
    stated = response.all_choices if options.echo is None else response.all_choices[:1]
    texts = [choice.reasoning for choice in stated if choice.reasoning is not None]
    if not texts:
        return reasoned_choices * estimate_reasoning_tokens(options.reasoning_effort)
    return sum(count_tokens(text, options.vendor.tokenizer) for text in texts)


# The fields of a request, besides messages and model, that affect the rendering of its response.
_RELEVANT_FIELDS = {
    "stop",
    "stream_options",
    "reasoning_effort",
    "tool_choice",
    "n",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
}
