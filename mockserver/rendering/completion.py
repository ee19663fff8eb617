"""One list of choices, as a body or as chunks: what is streamed folds to what would have been the body."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from mockserver.errors import ApiError
from mockserver.fixtures.response_spec import RawBodySpec, ResponseSpec, StreamPacing, StreamPause
from mockserver.rendering.choices import (
    RenderedChoice,
    RenderOptions,
    build_render_options,
    count_response_usage,
    render_choices,
    split_text_cached,
)
from mockserver.rendering.render_cache import ETAG_PLACEHOLDER, CachedRender, RenderCache
from mockserver.request.chat_request import ChatRequest
from mockserver.vendors.placeholders import ABSENT, HeaderPairs, PlaceholderValues
from mockserver.vendors.vendor import Vendor
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.prerendered import Placeholders, PrerenderedAnswer
from mockserver.wire.sse import SSE_HEADERS, create_sse_answer, encode_sse_comment


class LazyRandom:
    """The chance of one answer; `asked` says how often something varied."""

    __slots__ = ("_random", "_seed", "use_count")

    def __init__(self, *seed: object) -> None:
        self._seed = seed
        self._random: random.Random | None = None
        self.use_count = 0

    def __call__(self) -> random.Random:
        self.use_count += 1
        if self._random is None:
            # Seeding takes longer than all the rest of a usual answer.
            self._random = random.Random(repr(self._seed))
        return self._random


class Delta(NamedTuple):
    """One chunk to be: the silence before it in seconds, whose it is, what it adds, and how it ends, if it does."""

    wait: float
    choice: int
    fields: Any
    finish_reason: str | None = None
    is_content: bool = True  # whether it is one that a person counts: the opening and the end are not


def render_completion(
    request: ChatRequest,
    response: ResponseSpec,
    rng: LazyRandom,
    balance_values: PlaceholderValues = MappingProxyType({}),
    cache: RenderCache | None = None,
) -> Answer:
    """The answer that a response gives to a call; `left` are the blanks of what its account has left.

    `chance` draws what varies: delays and the jitter of a stream. `moulds` keep what was rendered, of a response
    that will be given again. Raises nothing: an error is an answer too.
    """
    wait = response.delay.draw(rng) if response.delay else 0.0
    if response.raw is not None:
        answer = _with_headers(_render_raw(response.raw, rng), response)
    elif response.error is not None:
        answer = _with_headers(_render_error(request, response), response)
    else:
        known = build_render_options(request, response)
        mould = cache.get(response, known) if cache is not None else None
        if mould is None or balance_values:
            before = rng.use_count
            mould = _prerender(known, response, rng, balance_values)
            if cache is not None and not balance_values and rng.use_count == before:
                cache.put(response, known, mould)
        answer = mould.fill()
    return replace(answer, wait=wait) if wait else answer


def _prerender(
    options: RenderOptions, response: ResponseSpec, rng: LazyRandom, balance_values: PlaceholderValues
) -> CachedRender:
    """The answer with marks for what is made new for each."""
    marks = Placeholders()
    heard = render_choices(options, response, marks.add_text)
    if options.stream:
        answer = _render_stream(options, response, heard, rng, marks)
    else:
        answer = _render_body(options, response, heard, balance_values, marks)
    stencil = PrerenderedAnswer(_with_headers(answer, response), marks)
    return CachedRender(
        stencil, lambda name: _unix_time if name == _CREATED else options.vendor.id_factory(name)
    )


def _unix_time() -> str:
    return str(int(time.time()))


def _with_headers(answer: Answer, response: ResponseSpec) -> Answer:
    own = tuple((response.headers or {}).items())
    return replace(answer, headers=override_headers(answer.headers, own)) if own else answer


def override_headers(headers: Iterable[tuple[str, str]], overrides: HeaderPairs) -> HeaderPairs:
    """Headers, where the later ones take the place of those that have their name."""
    names = {name.lower() for name, _ in overrides}
    return (*((name, value) for name, value in headers if name.lower() not in names), *overrides)


def build_error_context(request: ChatRequest) -> dict[str, Any]:
    """What a refusal may say of the request it refuses."""
    return {
        "method": request.method,
        "path": request.route.path,
        "model": request.model,
        "allow": request.route.method,
    }


def _render_raw(raw: RawBodySpec, rng: LazyRandom) -> Answer:
    headers = tuple((raw.headers or {}).items())
    if raw.sse is None:
        return Answer(
            raw.status, override_headers(_JSON_HEADERS, headers), (Frame((raw.body or "").encode()),)
        )
    lines = tuple(
        Frame(b"", wait, chunk=False) if line is None else Frame(f"{line}\n".encode(), wait)
        for wait, line in _with_waits(raw.sse, rng)
    )
    return Answer(raw.status, override_headers(SSE_HEADERS, headers), lines, streamed=True)


def _render_error(request: ChatRequest, response: ResponseSpec) -> Answer:
    what = response.error or 500
    error = ApiError(what, response.message, code=response.code, retry_after=response.retry_after)
    answer = request.vendor.error_answer(error, build_error_context(request))
    return replace(answer, status=response.status or answer.status)


def _render_body(
    options: RenderOptions,
    response: ResponseSpec,
    choices: tuple[RenderedChoice, ...],
    balance_values: PlaceholderValues,
    placeholders: Placeholders,
) -> Answer:
    vendor = options.vendor
    values = _placeholder_values(options, response, placeholders)
    raw = count_response_usage(options, response, choices)
    values |= {**vendor.usage_values(raw, options.model), **balance_values}
    values["usage"] = vendor.usage(raw, options.model)
    values["choices"] = [
        vendor.choice.fill(
            {"index": index, "finish_reason": one.finish_reason, "message": _fill_message(vendor, one)}
        )
        for index, one in enumerate(choices)
    ]
    body = orjson.dumps(vendor.body.fill(values))
    status = response.status or vendor.success(options.model).body
    tag = (("etag", placeholders.add_text(ETAG_PLACEHOLDER)),) if vendor.profile.etag else ()
    return Answer(status, (*vendor.body_headers(values), *vendor.headers(values), *tag), (Frame(body),))


def _fill_message(vendor: Vendor, choice: RenderedChoice) -> Any:
    """A choice's message. `refusal` is there for vendors that always print it, `refusal_text` only for a refusal."""
    values: dict[str, Any] = {
        "content": vendor.profile.body.no_text if choice.content is None else choice.content,
        "refusal": choice.refusal,
    }
    if choice.refusal is not None:
        values["refusal_text"] = choice.refusal
    if choice.reasoning is not None:
        values["reasoning_content"] = choice.reasoning
    if choice.tool_calls:
        values["tool_calls"] = list(choice.tool_calls)
    return vendor.message.fill(values)


def _render_stream(
    options: RenderOptions,
    response: ResponseSpec,
    choices: tuple[RenderedChoice, ...],
    rng: LazyRandom,
    placeholders: Placeholders,
) -> Answer:
    vendor = options.vendor
    values = _placeholder_values(options, response, placeholders)
    values["usage"] = None if options.include_usage else ABSENT
    write = [_chunk_writer(vendor, values, index) for index in range(len(choices))]
    frames = [
        Frame(write[delta.choice](delta), delta.wait, delta.is_content)
        for delta in _deltas(vendor, choices, response.stream or StreamPacing(), rng)
    ]
    if options.include_usage:
        raw = count_response_usage(options, response, choices)
        values |= vendor.usage_values(raw, options.model)
        values |= {"usage": vendor.usage(raw, options.model, streamed=True), "choices": []}
        frames.append(Frame(orjson.dumps(vendor.last_chunk.fill(values)), chunk=False))
    status = response.status or vendor.success(options.model).stream
    heartbeat = vendor.profile.stream.heartbeat
    answer = create_sse_answer(frames, status=status, headers=vendor.headers(values))
    return answer if heartbeat is None else _with_heartbeats(answer, heartbeat)


def _encode_chunk(vendor: Vendor, values: PlaceholderValues, choices: list[Any]) -> bytes:
    return orjson.dumps(vendor.chunk.fill({**values, "choices": choices}))


def _fill_chunk_choice(vendor: Vendor, delta: Delta) -> Any:
    """A chunk's only choice."""
    return vendor.chunk_choice.fill(
        {"index": delta.choice, "delta": delta.fields, "finish_reason": delta.finish_reason}
    )


def _chunk_writer(vendor: Vendor, values: PlaceholderValues, index: int) -> Callable[[Delta], bytes]:
    """Writes the chunks of one choice: all but what they add is the same until the last, and written once."""
    blank = _encode_chunk(
        vendor, values, [_fill_chunk_choice(vendor, Delta(0.0, index, orjson.Fragment(_DELTA_SLOT)))]
    )
    before, _, after = blank.partition(_DELTA_SLOT)

    def write(delta: Delta) -> bytes:
        if delta.finish_reason is None:
            return before + orjson.dumps(delta.fields) + after
        return _encode_chunk(vendor, values, [_fill_chunk_choice(vendor, delta)])

    return write


def _deltas(
    vendor: Vendor, choices: tuple[RenderedChoice, ...], pacing: StreamPacing, rng: LazyRandom
) -> Iterator[Delta]:
    """Every chunk but the usage: the openings, what is said, the ends.

    Choices are interleaved, as a model that writes them side by side sends them; all are paced as one.
    """
    wait = pacing.ttft.draw(rng) if pacing.ttft else 0.0
    for index, one in enumerate(choices):
        # null where no text will follow: before tool calls [C 2024-11], and so before a refusal.
        opening = {"content": None if one.content is None else ""}
        yield Delta(wait, index, vendor.first_delta.fill(opening), is_content=False)
        wait = 0.0
    chunk = vendor.tokenizer if pacing.chunk in (None, "token") else pacing.chunk
    rows = zip_longest(*(_choice_pieces(one, chunk, rng) for one in choices))
    for number, row in enumerate(rows):
        wait += _chunk_interval(pacing, rng) if number else 0.0
        for index, piece in enumerate(row):
            if piece is None:
                continue
            wait += piece[0]
            if piece[1] is not None:
                yield Delta(wait, index, piece[1])
                wait = 0.0
    for index, one in enumerate(choices):
        yield Delta(wait, index, {}, one.finish_reason, is_content=False)
        wait = 0.0


def _choice_pieces(choice: RenderedChoice, chunk: str | int, rng: LazyRandom) -> Iterator[tuple[float, Any]]:
    """What one choice adds between its opening and its end, each piece after its own silence.

    A model thinks, then speaks, then calls. A silence that nothing follows has None for a piece.
    """
    for part in split_text_cached(choice.reasoning or "", chunk):
        yield 0.0, {"reasoning_content": part}
    texts = split_text_cached(choice.content or "", chunk) if choice.chunks is None else choice.chunks
    for wait, text in _with_waits(texts, rng):
        yield wait, None if text is None else {"content": text}
    for part in split_text_cached(choice.refusal or "", chunk):
        yield 0.0, {"refusal": part}
    for index, made in enumerate(choice.tool_calls):
        for fragment in _tool_call_fragments(made, chunk):
            yield 0.0, {"tool_calls": [{"index": index, **fragment}]}


def _tool_call_fragments(tool_call: dict[str, Any], chunk: str | int) -> Iterator[dict[str, Any]]:
    """A tool call as OpenAI sends it [C 2024-11]: its id and name, then its arguments alone, bit by bit."""
    function = tool_call["function"]
    yield {**tool_call, "function": {"name": function["name"], "arguments": ""}}
    for part in split_text_cached(function["arguments"], chunk):
        yield {"function": {"arguments": part}}


def _with_waits(items: Iterable[str | StreamPause], rng: LazyRandom) -> Iterator[tuple[float, str | None]]:
    """Texts, each with the silence before it; None for a text when the last silence has nothing after it."""
    wait = 0.0
    for item in items:
        if isinstance(item, StreamPause):
            wait += item.delay.draw(rng)
        else:
            yield wait, item
            wait = 0.0
    if wait:
        yield wait, None


def _chunk_interval(pacing: StreamPacing, rng: LazyRandom) -> float:
    if not pacing.tps:
        return 0.0
    return (1 + (rng().uniform(-1, 1) * pacing.jitter if pacing.jitter else 0.0)) / pacing.tps


def _with_heartbeats(answer: Answer, interval: float) -> Answer:
    """The stream with a comment in every long silence, so that nothing between takes it for dead."""
    frames: list[Frame] = []
    for frame in answer.frames:
        # A beat that would fall together with the frame is not needed.
        beats = max(math.ceil(frame.wait / interval) - 1, 0)
        frames += [Frame(_HEARTBEAT, interval, chunk=False)] * beats
        frames.append(replace(frame, wait=frame.wait - beats * interval) if beats else frame)
    return replace(answer, frames=tuple(frames))


def _placeholder_values(
    options: RenderOptions, response: ResponseSpec, placeholders: Placeholders
) -> dict[str, Any]:
    """What fills the blanks of a body and of every chunk alike; a mark where it is made new for each answer."""
    vendor = options.vendor
    model = vendor.models[options.model]
    values: dict[str, Any] = {name: placeholders.add_text(name) for name in vendor.profile.ids}
    values["created"] = placeholders.add_number(_CREATED) if response.created is None else response.created
    values["model"] = response.model or model.snapshot or options.model
    if response.id is not None:
        values["id"] = response.id
    fingerprint = response.system_fingerprint or model.fingerprint
    if fingerprint:
        values["system_fingerprint"] = fingerprint
    return values


_CREATED: Final = "$created"  # no name of an id
_DELTA_SLOT: Final = b"\0"  # where what is added goes: a byte that no JSON text contains
_HEARTBEAT: Final = encode_sse_comment("heartbeat")
_JSON_HEADERS: Final = (("content-type", "application/json"),)
