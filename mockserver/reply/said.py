"""What of a response the request lets through: its choices, cut, numbered and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from mockserver.call import Call
from mockserver.invention.choosing import forced
from mockserver.notes import noted
from mockserver.reading import mappings
from mockserver.reply import tokens
from mockserver.shelf.response import Choice, Pause, Response, ToolCall
from mockserver.vendors.vendor import Usage, Vendor


@dataclass(frozen=True, slots=True)
class Said:
    """One choice as it will be heard: cut to what the request allows, its calls numbered, its reasoning or none.

    `chunks` is the content as the fixture itself divided it, its silences included; None when it did not.
    """

    content: str | None
    chunks: tuple[str | Pause, ...] | None
    reasoning: str | None
    refusal: str | None
    tool_calls: tuple[dict[str, Any], ...]
    finish_reason: str


class Asked(NamedTuple):
    """What of a request bears on the words of its answer. Nothing else of it does: the same for the same `Asked`."""

    vendor: Vendor
    model: str
    prompt: int  # tokens
    stream: bool
    counted: bool  # whether the stream ends with its usage
    choices: int
    stops: tuple[str, ...]
    most: int | None  # tokens of one choice
    document: bool  # whether it wants JSON
    aloud: bool  # whether the reasoning is to be heard
    forced: bool  # whether it names the tool to be called
    effort: str | None


def asked(call: Call, response: Response) -> Asked:
    """What bears on the words of a response to a call."""
    return _asked(call, response.usage.prompt_tokens if response.usage else None)


@noted
def _asked(call: Call, prompt: int | None) -> Asked:
    words, vendor = call.reading.words, call.origin.place.vendor
    body = words.body
    if prompt is None:
        overhead = vendor.models[call.model].prompt_overhead
        prompt = tokens.prompt(words.messages, mappings(body.get("tools")), overhead, vendor.tokenizer)
    always, thinking = vendor.profile.stream.usage == "always", vendor.profile.thinking
    if body.keys().isdisjoint(_BEARING) and thinking not in body:
        return Asked(vendor, call.model, prompt, call.stream, always, 1, (), None, False, False, False, None)
    stop, options, effort = body.get("stop"), body.get("stream_options"), body.get("reasoning_effort")
    choice = body.get("tool_choice")
    # OpenAI, `stream_options`: every chunk before it says null.
    counted = isinstance(options, dict) and options.get("include_usage") is True
    return Asked(
        vendor,
        call.model,
        prompt,
        call.stream,
        counted or always,
        call.wanted,
        (stop,) if isinstance(stop, str) else tuple([one for one in stop or () if isinstance(one, str)]),
        limit(body),
        call.response_format != "text",
        body.get(thinking or "") is True,
        choice is not None and forced(choice),
        effort if isinstance(effort, str) else None,
    )


def said(asked: Asked, response: Response, new_id: Callable[[str], str] | None = None) -> tuple[Said, ...]:
    """Every choice that a response gives; one that is written once is given as often as asked for.

    `new_id` makes the ids of tool calls; the vendor's do unless others are wanted.
    """
    choices = response.spoken
    if response.choices is None:
        choices *= asked.choices
    return tuple(_heard(asked, choice, new_id or asked.vendor.new_id) for choice in choices)


def usage(asked: Asked, response: Response, heard: tuple[Said, ...]) -> Usage:
    """Raw tokens: as the fixture says, and counted where it says nothing."""
    model = asked.vendor.models[asked.model]
    stated = response.usage
    completion = stated.completion_tokens if stated else None
    reasoning = stated.reasoning_tokens if stated else None
    tokenizer = asked.vendor.tokenizer
    spoken = sum(_spoken(one, tokenizer) for one in heard)
    if reasoning is None:
        reasoning = _thought(asked, response, thinking=len(heard) if model.reasoning else 0)
        # A stated sum includes the reasoning, which can be no more than the rest of it.
        reasoning = reasoning if completion is None else min(reasoning, max(completion - spoken, 0))
    if completion is None:
        completion = reasoning + spoken
    return Usage(asked.prompt, completion, reasoning, stated.cached_tokens if stated else 0)


def limit(body: Mapping[str, Any]) -> int | None:
    """How many tokens one choice may have; clients send 0 and less for "no limit"."""
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    return int(most) if most and most >= 1 else None


@lru_cache(maxsize=256)
def cut(text: str, chunk: str | int = "token") -> tuple[str, ...]:
    """A text in pieces, remembered: a fixture says the same again and again."""
    return tuple(tokens.pieces(text, chunk))


def _heard(asked: Asked, choice: Choice, new_id: Callable[[str], str]) -> Said:
    content, ended = _let_through(asked, choice)
    calls = tuple(_numbered(made, new_id) for made in choice.tool_calls or ())
    # A tool that the request names ends with stop, one that it only requires with tool_calls [C 2025-09, OpenAI].
    called = calls and not asked.forced
    return Said(
        content=content,
        chunks=choice.chunks if ended is None or not choice.chunks else tuple(_up_to(content, choice.chunks)),
        reasoning=choice.reasoning if asked.aloud else None,
        refusal=choice.refusal,
        tool_calls=calls,
        finish_reason=ended or choice.finish_reason or ("tool_calls" if called else "stop"),
    )


def _let_through(asked: Asked, choice: Choice) -> tuple[str | None, str | None]:
    """The text as far as `stop` and the token limit let it through, and the finish reason where they cut it.

    What is of no use in half is given whole: tool calls and the text beside them, and a document, whether it is
    the fixture's `json` or any text for a request that wants JSON. (Half a document to test with is a text with
    its own `finish_reason`.) The limit counts what is heard: the reasoning of an o-model is not charged to what a
    person wrote, or a small limit would silence it altogether; it is to what is invented.
    """
    content = choice.content
    whole = choice.json is not None or choice.tool_calls or asked.document
    if not content or whole:
        return content, None
    if not asked.stops and asked.most is None:
        return content, None
    return tokens.limit(content, asked.most, asked.stops, asked.vendor.tokenizer)


def _up_to(content: str | None, chunks: Iterable[str | Pause]) -> Iterator[str | Pause]:
    """The fixture's own chunks as far as the content was let through."""
    left = len(content or "")
    for chunk in chunks:
        if left <= 0:
            return
        if isinstance(chunk, Pause):
            yield chunk
        else:
            yield chunk[:left]
            left -= len(chunk)


def _numbered(made: ToolCall, new_id: Callable[[str], str]) -> dict[str, Any]:
    return {
        "id": made.id or new_id("tool_call_id"),
        "type": "function",
        "function": {"name": made.name, "arguments": made.json},
    }


@lru_cache(maxsize=256)
def counted(text: str, tokenizer: str) -> int:
    """How many tokens a text is, remembered too."""
    return tokens.count(text, tokenizer)


def _spoken(one: Said, tokenizer: str) -> int:
    """The tokens of one choice but for its reasoning."""
    texts = [one.content, one.refusal]
    texts += [made["function"]["name"] + made["function"]["arguments"] for made in one.tool_calls]
    return sum(counted(text, tokenizer) for text in texts if text)


def _thought(asked: Asked, response: Response, *, thinking: int) -> int:
    """The tokens of reasoning: of the text that is written, heard or not; else as its effort makes it likely.

    `thinking` is how many choices are thought about unseen: each on its own.
    """
    texts = [choice.reasoning for choice in response.spoken if choice.reasoning]
    written = sum(counted(text, asked.vendor.tokenizer) for text in texts)
    return written or thinking * tokens.reasoning(asked.effort)


# What a request may say that bears on the words of its answer, besides its messages and its model.
_BEARING = {
    "stop",
    "stream_options",
    "reasoning_effort",
    "tool_choice",
    "n",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
}
