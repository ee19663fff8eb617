"""A token is a piece of text: what is counted is what is streamed, and the pieces joined are the text.

Where the vocabulary of the o-models is installed it cuts and counts (`vocabulary`). Else it is an estimate, stated as
one: no vocabulary, one expression. An English word with its leading space is a token
(the part beyond twelve letters another), as are a short run of signs, three digits, three letters of another
alphabet, one Chinese, Japanese or Korean character, one emoji. Where OpenAI publishes the real count, English
prose and requests come within 10 % (120 for 124 in its cookbook), Japanese within 15 %; long rare words are
counted low (`antidisestablishmentarianism` is 3 here and 6 there).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from mockserver.tokens.image_tokens import count_image_tokens
from mockserver.tokens.tokenizer import (
    TOKENIZER_NAME,
    count_o200k_tokens,
    split_o200k_tokens,
    take_o200k_tokens,
)

# What a reader sees as part of the character before it: combining marks, the vowel signs of Indic scripts,
# Thai and Arabic, variation selectors, skin tones, tags, and the later letters of a Hangul syllable.
_MARK = (
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u0900-\u0903"
    "\u093a-\u093c\u093e-\u094f\u0981-\u0983\u09bc\u09be-\u09cd\u0b82\u0bbe-\u0bcd\u0e31\u0e34-\u0e3a"
    "\u0e47-\u0e4e\u1160-\u11ff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f\ufe20-\ufe2f"
    "\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_TAIL = rf"{_MARK}*(?:\u200d\S{_MARK}*)*"
_FLAG = "[\U0001f1e6-\U0001f1ff]{2}"
_GRAPHEME = rf"\r\n?|\n|{_FLAG}{_TAIL}|[\ud800-\udbff][\udc00-\udfff]{_TAIL}|.{_TAIL}"
_IDEOGRAPH = "[\u1100-\u11ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]"

# The order is the meaning: a word before its letters, a blank line before blanks, anything at last.
_TOKEN = re.compile(
    rf"'(?:s|t|d|m|re|ve|ll)\b{_TAIL}"
    rf"|[ _]?(?:[A-Z]?[a-z]{{1,12}}|[A-Z]{{1,4}}){_TAIL}"
    rf"|{_IDEOGRAPH}{_TAIL}"
    rf"| ?(?:(?!{_IDEOGRAPH}|{_MARK})[^\W\d_a-zA-Z]){{1,3}}{_TAIL}"
    rf"|[0-9]{{1,3}}{_TAIL}"
    rf"| ?[!-/:-@\[-`{{-~]{{1,3}}{_TAIL}"
    r"|\s*[\r\n]+"
    r"|\s+(?!\S)"
    rf"|{_GRAPHEME}",
    re.DOTALL,
)
_CHARACTER = re.compile(_GRAPHEME, re.DOTALL)
_WORD = re.compile(r"\s*\S+|\s+")

ESTIMATE = "estimate"

MESSAGE_OVERHEAD = 3  # what frames one message, its role included
# What frames the tools, one of them, its properties, one of these, a choice and its values (OpenAI's cookbook, "how to
# count tokens", for gpt-4o).
TOOLS_OVERHEAD, TOOL_OVERHEAD, PROPERTIES_OVERHEAD, PROPERTY_OVERHEAD, ENUM_OVERHEAD, ENUM_VALUE_OVERHEAD = (
    12,
    7,
    3,
    3,
    -3,
    3,
)
OTHER_PART_TOKENS = 256  # a sound or a file, whose length in tokens cannot be seen from outside
# A vendor's profile gives `overhead`, what frames a request: 5 for o1-preview and o1-mini, 3 for o3-mini.
# "Hello" is 3 + 1 + 5 = 9 and 3 + 1 + 3 = 7, as in the samples that the vendor's pages print.
TokenCounter = Callable[[str], int]

_MAX_CACHED = 10_000  # texts whose count is known; some 2 MB
_cached_counts: dict[str, dict[tuple[int, int], int]] = {ESTIMATE: {}, TOKENIZER_NAME: {}}


def count_tokens(text: str, tokenizer: str = ESTIMATE) -> int:
    """How many tokens a text is. A conversation repeats what was said before: what was counted stays known.

    Of a text its length and its hash are kept, 64 bits that no other text has but by design of its author.
    """
    key = hash(text), len(text)
    counted = _cached_counts[tokenizer]
    known = counted.get(key)
    if known is None:
        if len(counted) >= _MAX_CACHED:
            counted.clear()
        known = count_o200k_tokens(text) if tokenizer == TOKENIZER_NAME else len(_TOKEN.findall(text))
        counted[key] = known
    return known


def count_prompt_tokens(
    messages: Iterable[object], tools: Iterable[object] = (), overhead: int = 3, tokenizer: str = ESTIMATE
) -> int:
    """How many tokens a request is; messages and tools as the client sent them, odd ones not refused."""
    counted = partial(count_tokens, tokenizer=tokenizer)
    said = sum([MESSAGE_OVERHEAD + _count_message(message, counted) for message in messages])
    offered = sum([TOOL_OVERHEAD + _count_tool(tool, counted) for tool in tools])
    return said + overhead + (offered and TOOLS_OVERHEAD + offered)


def split_text(text: str, chunk: str | int = "token") -> list[str]:
    """Cuts a text for streaming: by `word`, `char`, in so many characters, not at all (`whole`), or by a tokenizer.

    A character is what a reader sees: a letter with its accents, an emoji family. No text, no pieces.
    """
    if isinstance(chunk, int):
        seen = _CHARACTER.findall(text)
        return ["".join(seen[start : start + chunk]) for start in range(0, len(seen), chunk)]
    if chunk == "whole":
        return [text] if text else []
    return TEXT_SPLITTERS[chunk](text)


def truncate_completion(
    text: str,
    max_tokens: int | None = None,
    stop: str | Iterable[str] | None = None,
    tokenizer: str = ESTIMATE,
) -> tuple[str, str | None]:
    """The part of a text that a request lets through, and the finish reason, None where nothing was cut.

    The first stop sequence ends the text and is not part of it; what is still too long is cut.
    """
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    ends = [end for each in stops if each and (end := text.find(each)) >= 0]
    reason = "stop" if ends else None
    text = text[: min(ends)] if ends else text
    if max_tokens is None:
        return text, reason
    cut = TOKEN_TRUNCATORS[tokenizer](text, max(max_tokens, 0))
    return (text, reason) if cut is None else (cut, "length")


def estimate_reasoning_tokens(effort: object = None) -> int:
    """How many tokens a model thinks; like OpenAI's they come in steps of 64. No effort that is known is `medium`."""
    return TOKENS_BY_EFFORT[effort if isinstance(effort, str) and effort in TOKENS_BY_EFFORT else "medium"]


def _take_estimated_tokens(text: str, max_tokens: int) -> str | None:
    """The text of the first tokens, None where it has no more."""
    cut = _TOKEN.findall(text)
    return "".join(cut[:max_tokens]) if len(cut) > max_tokens else None


def _count_message(message: object, count: TokenCounter) -> int:
    if not isinstance(message, dict):
        return 0
    content = message.get("content")
    if type(content) is str and len(message) == 2 and "role" in message:
        return count(content)  # what most messages are
    parts = content if isinstance(content, list) else [content]
    # A name costs one token beside itself, a call is written out as the model wrote it.
    named = 1 + count(str(message["name"])) if message.get("name") else 0
    said = sum(_count_part(part, count) for part in parts)
    return named + said + sum(map(count, _json_texts(message.get("tool_calls"))))


def _count_part(part: object, count: TokenCounter) -> int:
    if not isinstance(part, dict):
        return count(part) if isinstance(part, str) else 0
    match part.get("type"):
        case "text" | "refusal" as kind:
            return count(str(part.get(kind, "")))
        case "image_url":
            return count_image_tokens(part.get("image_url"))
    return OTHER_PART_TOKENS


def _count_tool(tool: object, count: TokenCounter) -> int:
    """A tool as the cookbook counts it: a line for itself and one for each property, however deep that is."""
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        return sum(map(count, _json_texts(tool)))
    total = count(f"{function.get('name')}:{_get_description(function)}")
    waiting: list[object] = [function.get("parameters")]
    while waiting:
        schema = waiting.pop()
        properties = schema.get("properties") if isinstance(schema, dict) else None
        if isinstance(properties, dict) and properties:
            total += PROPERTIES_OVERHEAD + sum(
                _count_property(name, part, count) for name, part in properties.items()
            )
            waiting += properties.values()
        if isinstance(schema, dict):
            waiting.append(schema.get("items"))
            waiting += [*_subschemas(schema, "$defs"), *_subschemas(schema, "anyOf")]
    return total


def _count_property(name: str, part: object, count: TokenCounter) -> int:
    if not isinstance(part, dict):
        return PROPERTY_OVERHEAD + count(name)
    values = part.get("enum")
    among = (
        ENUM_OVERHEAD + sum(ENUM_VALUE_OVERHEAD + count(str(value)) for value in values)
        if isinstance(values, list)
        else 0
    )
    return PROPERTY_OVERHEAD + among + count(f"{name}:{part.get('type')}:{_get_description(part)}")


def _get_description(part: dict[str, object]) -> str:
    return str(part.get("description") or "").removesuffix(".")


def _subschemas(schema: dict[str, object], keyword: str) -> Iterator[object]:
    held = schema.get(keyword)
    yield from held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()


def _json_texts(value: object) -> Iterator[str]:
    """What is written in a JSON value: its names and texts, a sign for any other leaf, the punctuation left out."""
    rest = [value]
    while rest:
        match rest.pop():
            case str() as text:
                yield text
            case dict() as mapping:
                rest += [*mapping, *mapping.values()]
            case list() as items:
                rest += items
            case None:
                pass
            case _:
                yield "0"


TEXT_SPLITTERS: dict[str, Callable[[str], list[str]]] = {
    "token": _TOKEN.findall,
    ESTIMATE: _TOKEN.findall,
    TOKENIZER_NAME: split_o200k_tokens,
    "word": _WORD.findall,
    "char": _CHARACTER.findall,
}
TOKEN_TRUNCATORS = {ESTIMATE: _take_estimated_tokens, TOKENIZER_NAME: take_o200k_tokens}

# The thinking that the vendor's samples show: o1-mini 64, o3-mini 256, o1-preview 384.
TOKENS_BY_EFFORT = {"none": 0, "minimal": 0, "low": 64, "medium": 256, "high": 384, "xhigh": 640}
