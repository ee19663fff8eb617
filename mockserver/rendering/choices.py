"""What of a response the request lets through: its choices, cut, numbered and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from mockserver.fixtures.response_spec import ChoiceSpec, ResponseSpec, StreamPause, ToolCallSpec
from mockserver.generation.tool_choice import is_tool_forced
from mockserver.memoize import memoized
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_body import iter_mappings
from mockserver.tokens.token_count import (
    count_prompt_tokens,
    count_tokens,
    estimate_reasoning_tokens,
    split_text,
    truncate_completion,
)
from mockserver.vendors.vendor import TokenUsage, Vendor


@dataclass(frozen=True, slots=True)
class RenderedChoice:
    """One choice as it will be heard: cut to what the request allows, its calls numbered, its reasoning or none.

    `chunks` is the content as the fixture itself divided it, its silences included; None when it did not.
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
    prompt_tokens: int  # tokens
    stream: bool
    include_usage: bool  # whether the stream ends with its usage
    choice_count: int
    stop_sequences: tuple[str, ...]
    max_tokens: int | None  # tokens of one choice
    wants_json: bool  # whether it wants JSON
    include_reasoning: bool  # whether the reasoning is to be heard
    tool_forced: bool  # whether it names the tool to be called
    reasoning_effort: str | None


def build_render_options(request: ChatRequest, response: ResponseSpec) -> RenderOptions:
    """What bears on the words of a response to a call."""
    return _build_options(request, response.usage.prompt_tokens if response.usage else None)


@memoized
def _build_options(request: ChatRequest, prompt_tokens: int | None) -> RenderOptions:
    words, vendor = request.lazy_body.parsed, request.routed_head.route.vendor
    body = words.body
    if prompt_tokens is None:
        overhead = vendor.models[request.model].prompt_overhead
        prompt_tokens = count_prompt_tokens(
            words.messages, iter_mappings(body.get("tools")), overhead, vendor.tokenizer
        )
    always, thinking = vendor.profile.stream.usage == "always", vendor.profile.thinking
    if body.keys().isdisjoint(_RELEVANT_FIELDS) and thinking not in body:
        return RenderOptions(
            vendor,
            request.model,
            prompt_tokens,
            request.stream,
            always,
            1,
            (),
            None,
            False,
            False,
            False,
            None,
        )
    stop, options, effort = body.get("stop"), body.get("stream_options"), body.get("reasoning_effort")
    choice = body.get("tool_choice")
    # OpenAI, `stream_options`: every chunk before it says null.
    counted = isinstance(options, dict) and options.get("include_usage") is True
    return RenderOptions(
        vendor,
        request.model,
        prompt_tokens,
        request.stream,
        counted or always,
        request.choice_count,
        (stop,) if isinstance(stop, str) else tuple([one for one in stop or () if isinstance(one, str)]),
        get_token_limit(body),
        request.response_format != "text",
        body.get(thinking or "") is True,
        choice is not None and is_tool_forced(choice),
        effort if isinstance(effort, str) else None,
    )


def render_choices(
    options: RenderOptions, response: ResponseSpec, new_id: Callable[[str], str] | None = None
) -> tuple[RenderedChoice, ...]:
    """Every choice that a response gives; one that is written once is given as often as asked for.

    `new_id` makes the ids of tool calls; the vendor's do unless others are wanted.
    """
    choices = response.all_choices
    if response.choices is None:
        choices *= options.choice_count
    return tuple(_render_choice(options, choice, new_id or options.vendor.new_id) for choice in choices)


def count_response_usage(
    options: RenderOptions, response: ResponseSpec, choices: tuple[RenderedChoice, ...]
) -> TokenUsage:
    """Raw tokens: as the fixture says, and counted where it says nothing."""
    model = options.vendor.models[options.model]
    stated = response.usage
    completion = stated.completion_tokens if stated else None
    reasoning = stated.reasoning_tokens if stated else None
    tokenizer = options.vendor.tokenizer
    spoken = sum(_count_choice_tokens(one, tokenizer) for one in choices)
    if reasoning is None:
        reasoning = _count_reasoning_tokens(
            options, response, reasoned_choices=len(choices) if model.reasoning else 0
        )
        # A stated sum includes the reasoning, which can be no more than the rest of it.
        reasoning = reasoning if completion is None else min(reasoning, max(completion - spoken, 0))
    if completion is None:
        completion = reasoning + spoken
    return TokenUsage(options.prompt_tokens, completion, reasoning, stated.cached_tokens if stated else 0)


def get_token_limit(body: Mapping[str, Any]) -> int | None:
    """How many tokens one choice may have; clients send 0 and less for "no limit"."""
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    return int(most) if most and most >= 1 else None


@lru_cache(maxsize=256)
def split_text_cached(text: str, chunk: str | int = "token") -> tuple[str, ...]:
    """A text in pieces, remembered: a fixture says the same again and again."""
    return tuple(split_text(text, chunk))


def _render_choice(
    options: RenderOptions, choice: ChoiceSpec, new_id: Callable[[str], str]
) -> RenderedChoice:
    content, ended = _truncate_content(options, choice)
    calls = tuple(_render_tool_call(made, new_id) for made in choice.tool_calls or ())
    # A tool that the request names ends with stop, one that it only requires with tool_calls [C 2025-09, OpenAI].
    called = calls and not options.tool_forced
    return RenderedChoice(
        content=content,
        chunks=choice.chunks
        if ended is None or not choice.chunks
        else tuple(_truncate_chunks(content, choice.chunks)),
        reasoning=choice.reasoning if options.include_reasoning else None,
        refusal=choice.refusal,
        tool_calls=calls,
        finish_reason=ended or choice.finish_reason or ("tool_calls" if called else "stop"),
    )


def _truncate_content(options: RenderOptions, choice: ChoiceSpec) -> tuple[str | None, str | None]:
    """The text as far as `stop` and the token limit let it through, and the finish reason where they cut it.

    What is of no use in half is given whole: tool calls and the text beside them, and a document, whether it is
    the fixture's `json` or any text for a request that wants JSON. (Half a document to test with is a text with
    its own `finish_reason`.) The limit counts what is heard: the reasoning of an o-model is not charged to what a
    person wrote, or a small limit would silence it altogether; it is to what is invented.
    """
    content = choice.content
    whole = choice.json is not None or choice.tool_calls or options.wants_json
    if not content or whole:
        return content, None
    if not options.stop_sequences and options.max_tokens is None:
        return content, None
    return truncate_completion(content, options.max_tokens, options.stop_sequences, options.vendor.tokenizer)


def _truncate_chunks(content: str | None, chunks: Iterable[str | StreamPause]) -> Iterator[str | StreamPause]:
    """The fixture's own chunks as far as the content was let through."""
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
        "id": tool_call.id or new_id("tool_call_id"),
        "type": "function",
        "function": {"name": tool_call.name, "arguments": tool_call.arguments_json},
    }


@lru_cache(maxsize=256)
def count_tokens_cached(text: str, tokenizer: str) -> int:
    """How many tokens a text is, remembered too."""
    return count_tokens(text, tokenizer)


def _count_choice_tokens(choice: RenderedChoice, tokenizer: str) -> int:
    """The tokens of one choice but for its reasoning."""
    texts = [choice.content, choice.refusal]
    texts += [made["function"]["name"] + made["function"]["arguments"] for made in choice.tool_calls]
    return sum(count_tokens_cached(text, tokenizer) for text in texts if text)


def _count_reasoning_tokens(options: RenderOptions, response: ResponseSpec, *, reasoned_choices: int) -> int:
    """The tokens of reasoning: of the text that is written, heard or not; else as its effort makes it likely.

    `thinking` is how many choices are thought about unseen: each on its own.
    """
    texts = [choice.reasoning for choice in response.all_choices if choice.reasoning]
    written = sum(count_tokens_cached(text, options.vendor.tokenizer) for text in texts)
    return written or reasoned_choices * estimate_reasoning_tokens(options.reasoning_effort)


# What a request may say that bears on the words of its answer, besides its messages and its model.
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
