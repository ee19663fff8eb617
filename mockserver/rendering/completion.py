"""Rendering of a completion as one body or as the chunks of a stream, both from the same choices."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from mockserver.errors import ApiError
from mockserver.fixtures.response_spec import RawBodySpec, ResponseSpec, StreamPacing
from mockserver.rendering.answer_values import CREATED, build_answer_values
from mockserver.rendering.choices import (
    RenderedChoice,
    RenderOptions,
    build_render_options,
    count_response_usage,
    render_choices,
)
from mockserver.rendering.latency_table import apply_latency
from mockserver.rendering.pacing import (
    MAX_STREAM_CHUNKS,
    LazyRandom,
    apply_transport,
    draw_interval,
    iterate_with_waits,
    split_bounded,
    split_stated_text,
)
from mockserver.rendering.render_cache import ETAG_PLACEHOLDER, CachedRender, RenderCache
from mockserver.rendering.response_patch import patch_answer
from mockserver.rendering.responses_answer import render_responses_answer
from mockserver.request.chat_request import ChatRequest
from mockserver.vendors.latency_spec import LatencySpec
from mockserver.vendors.placeholders import ABSENT, HeaderPairs, PlaceholderValues
from mockserver.vendors.vendor import Vendor
from mockserver.wire.answer import Answer, Frame, index_headers, remove_headers
from mockserver.wire.prerendered import Placeholders, PrerenderedAnswer
from mockserver.wire.sse import SSE_HEADERS, create_sse_answer

_RENDER_KEY: Final = "render"


class Delta(NamedTuple):
    """One chunk of a choice: the wait before it in seconds, the fields it adds, and the finish reason of the last."""

    wait: float
    choice: int
    fields: Any
    finish_reason: str | None = None
    is_content: bool = True  # whether it counts as a chunk in fault points: the first and the last do not


def find_cached_answer(
    request: ChatRequest,
    response: ResponseSpec,
    rng: LazyRandom,
    cache: RenderCache | None,
    latency: LatencySpec | None = None,
) -> Answer | None:
    """Return the answer to a request if such an answer has been rendered before, else None."""
    if cache is None:
        return None
    known: tuple[RenderCache, ResponseSpec, CachedRender] | None = request.memo.get(_RENDER_KEY)
    if known is not None and known[0] is cache and known[1] is response:
        render: CachedRender | None = known[2]
    else:
        if response.raw is not None or response.error is not None or response.embedding is not None:
            return None
        render = cache.get(response, build_render_options(request, response))
    if render is None:
        return None
    request.memo[_RENDER_KEY] = cache, response, render
    delay = response.delay or (latency and latency.delay)
    wait = delay.draw(rng) if delay else 0.0
    return replace(render.fill(), wait=wait) if wait else render.fill()


def render_completion(
    request: ChatRequest,
    response: ResponseSpec,
    rng: LazyRandom,
    balance_values: PlaceholderValues = MappingProxyType({}),
    cache: RenderCache | None = None,
    latency: LatencySpec | None = None,
) -> Answer:
    """Return the answer to a request with this response.

    `rng` supplies the random delays and the jitter of a stream. `balance_values` are the placeholder values of the
    account's remaining balance. `cache` is for responses that are used repeatedly. `latency` has the delays that the
    response does not state. An `error` of the response is returned as an answer as well.
    """
    delay = response.delay or (latency and latency.delay)
    wait = delay.draw(rng) if delay else 0.0
    if response.raw is not None:
        answer = _with_headers(_render_raw(response.raw, rng, stream=request.stream), response)
    elif response.error is not None:
        answer = _with_headers(_render_error(request, response), response)
    elif request.route.api == "embeddings":
        answer = _render_embeddings(request, response, balance_values)
    elif response.embedding is not None:
        raise ApiError("invalid_request", "mockserver: the fixture's response is an embedding").with_cause(
            "response"
        )
    else:
        options = build_render_options(request, response)
        render = cache.get(response, options) if cache is not None else None
        if render is None or balance_values:
            use_count = rng.use_count
            timed = apply_latency(response, latency) if latency else response
            render = _prerender(options, timed, rng, balance_values)
            # Only an answer without random parts can be reused.
            if cache is not None and not balance_values and rng.use_count == use_count:
                cache.put(response, options, render)
        answer = render.fill()
    return replace(answer, wait=wait) if wait else answer


def _prerender(
    options: RenderOptions, response: ResponseSpec, rng: LazyRandom, balance_values: PlaceholderValues
) -> CachedRender:
    """Render an answer with placeholders for the parts that are new in each answer."""
    placeholders = Placeholders()
    choices = render_choices(options, response, placeholders.add_text)
    if options.echo is not None:
        answer = render_responses_answer(options, response, choices[0], rng, balance_values, placeholders)
    elif options.stream:
        answer = _render_stream(options, response, choices, rng, balance_values, placeholders)
    else:
        answer = _render_body(options, response, choices, balance_values, placeholders)
    if response.patch is not None:
        answer = patch_answer(response.patch, answer)
    prerendered = PrerenderedAnswer(_with_headers(answer, response), placeholders)
    return CachedRender(
        prerendered, lambda name: _unix_time if name == CREATED else options.vendor.id_factory(name)
    )


def _render_embeddings(
    request: ChatRequest, response: ResponseSpec, balance_values: PlaceholderValues
) -> Answer:
    from mockserver.rendering.embedding_answer import render_embeddings  # noqa: PLC0415 imported when first requested

    answer = render_embeddings(request, response, balance_values)
    return _with_headers(answer if response.patch is None else patch_answer(response.patch, answer), response)


def _unix_time() -> str:
    return str(int(time.time()))


def _with_headers(answer: Answer, response: ResponseSpec) -> Answer:
    overrides = tuple((response.headers or {}).items())
    return replace(answer, headers=override_headers(answer.headers, overrides)) if overrides else answer


def override_headers(headers: Iterable[tuple[str, str]], overrides: HeaderPairs) -> HeaderPairs:
    """Return the headers with those of the same name replaced, in any case, by the overrides."""
    return (*remove_headers(headers, index_headers(overrides)), *overrides)


def build_error_context(request: ChatRequest) -> dict[str, Any]:
    """Return the placeholder values of an error that come from its request."""
    return {
        "method": request.method,
        "path": request.route.path,
        "model": request.model,
        "allow": ", ".join(request.route.methods),
    }


def _render_raw(raw: RawBodySpec, rng: LazyRandom, *, stream: bool) -> Answer:
    """Return the body, or the event stream if there is no body or a stream is requested."""
    headers, content = tuple((raw.headers or {}).items()), raw.content
    if raw.sse is None or not (stream or content is None):
        own = _JSON_HEADERS if raw.base64 is None and raw.file is None else _BYTES_HEADERS
        return Answer(raw.status, override_headers(own, headers), (Frame(content or b""),))
    if content is not None:
        headers = remove_headers(headers, _BODY_HEADERS)
    lines = tuple(
        Frame(b"", wait, chunk=False) if line is None else Frame(f"{line}\n".encode(), wait)
        for wait, line in iterate_with_waits(raw.sse, rng)
    )
    return Answer(raw.status, override_headers(SSE_HEADERS, headers), lines, streamed=True)


def _render_error(request: ChatRequest, response: ResponseSpec) -> Answer:
    error = ApiError(
        response.error or 500, response.message, code=response.code, retry_after=response.retry_after
    )
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
    values = build_answer_values(options, response, placeholders)
    usage = count_response_usage(options, response, choices)
    values |= {
        **vendor.usage_values(usage, options.model),
        **vendor.rate_limit_values(usage),
        **balance_values,
    }
    values["usage"] = {} if response.has_empty_usage else vendor.usage(usage, options.model)
    values |= vendor.filter_values
    own_values = {
        **({"logprobs": None} if vendor.models[options.model].logprobs else {}),
        **vendor.filter_values,
    }
    values["choices"] = [
        vendor.choice.fill(
            own_values
            | {
                "index": index,
                "finish_reason": choice.finish_reason,
                "message": _fill_message(vendor, choice),
            }
        )
        for index, choice in enumerate(choices)
    ]
    body = orjson.dumps(vendor.body.fill(values))
    status = response.status or vendor.success(options.model).body
    etag = (("etag", placeholders.add_text(ETAG_PLACEHOLDER)),) if vendor.profile.etag else ()
    return Answer(status, (*vendor.body_headers(values), *vendor.headers(values), *etag), (Frame(body),))


def _fill_message(vendor: Vendor, choice: RenderedChoice) -> Any:
    """Return the message of a choice. `$refusal` may be null, `$refusal_text` is absent without a refusal."""
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
    balance_values: PlaceholderValues,
    placeholders: Placeholders,
) -> Answer:
    vendor = options.vendor
    values = build_answer_values(options, response, placeholders)
    values["usage"] = None if options.include_usage else ABSENT
    if vendor.models[options.model].logprobs:
        values["logprobs"] = None
    encoders = [_chunk_encoder(vendor, values, index) for index in range(len(choices))]
    frames = [
        Frame(encoders[delta.choice](delta), delta.wait, delta.is_content)
        for delta in _deltas(vendor, choices, response.stream or StreamPacing(), rng)
    ]
    if options.include_usage:
        usage = count_response_usage(options, response, choices)
        values |= vendor.usage_values(usage, options.model)
        values["usage"] = (
            {} if response.has_empty_usage else vendor.usage(usage, options.model, streamed=True)
        )
        values["choices"] = []
        frames.append(Frame(orjson.dumps(vendor.last_chunk.fill(values)), chunk=False))
    if vendor.filter_values and vendor.filter_chunk:
        first_chunk = vendor.filter_chunk.fill({**values, **vendor.filter_values})
        frames.insert(0, Frame(orjson.dumps(first_chunk), chunk=False))
    status = response.status or vendor.success(options.model).stream
    headers = vendor.headers(values)
    if vendor.profile.stream.headers:
        usage = count_response_usage(options, response, choices)
        headers += vendor.stream_headers({**values, **vendor.rate_limit_values(usage), **balance_values})
    answer = create_sse_answer(frames, status=status, headers=headers)
    return apply_transport(answer, vendor.profile.stream)


def _encode_chunk(vendor: Vendor, values: PlaceholderValues, choices: list[Any]) -> bytes:
    return orjson.dumps(vendor.chunk.fill({**values, "choices": choices}))


def _fill_chunk_choice(vendor: Vendor, values: PlaceholderValues, delta: Delta) -> Any:
    """Return the only choice of a chunk."""
    return vendor.chunk_choice.fill(
        {
            **values,
            "index": delta.choice,
            "delta": delta.fields,
            "finish_reason": delta.finish_reason,
            **vendor.filter_values,
        }
    )


def _chunk_encoder(vendor: Vendor, values: PlaceholderValues, index: int) -> Callable[[Delta], bytes]:
    """Return a function that encodes the chunks of one choice.

    All chunks but the last differ only in their delta, so the bytes around it are encoded once.
    """
    template = _encode_chunk(
        vendor, values, [_fill_chunk_choice(vendor, values, Delta(0.0, index, orjson.Fragment(_DELTA_SLOT)))]
    )
    before, _, after = template.partition(_DELTA_SLOT)

    def encode(delta: Delta) -> bytes:
        if delta.finish_reason is None:
            return before + orjson.dumps(delta.fields) + after
        return _encode_chunk(vendor, values, [_fill_chunk_choice(vendor, values, delta)])

    return encode


def _deltas(
    vendor: Vendor, choices: tuple[RenderedChoice, ...], pacing: StreamPacing, rng: LazyRandom
) -> Iterator[Delta]:
    """Yield all chunks but the usage: the first of each choice, the contents, the last of each choice.

    The chunks of several choices alternate, and the pacing applies to all of them together.
    """
    wait = pacing.ttft.draw(rng) if pacing.ttft else 0.0
    for index, choice in enumerate(choices):
        # null if no text follows: before tool calls [C 2024-11], and so before a refusal.
        first_values = {"content": None if choice.content is None else ""}
        yield Delta(wait, index, vendor.first_delta.fill(first_values), is_content=False)
        wait = 0.0
    chunk = vendor.tokenizer if pacing.chunk in (None, "token") else pacing.chunk
    split = partial(split_bounded, chunk=chunk, max_chunks=MAX_STREAM_CHUNKS // len(choices))
    rows = zip_longest(*(_choice_deltas(vendor, choice, split, rng) for choice in choices))
    for number, row in enumerate(rows):
        wait += draw_interval(pacing, rng) if number else 0.0
        for index, paced_delta in enumerate(row):
            if paced_delta is None:
                continue
            pause, fields = paced_delta
            wait += pause
            if fields is not None:
                yield Delta(wait, index, fields)
                wait = 0.0
    for index, choice in enumerate(choices):
        yield Delta(wait, index, {}, choice.finish_reason, is_content=False)
        wait = 0.0


def _choice_deltas(
    vendor: Vendor, choice: RenderedChoice, split: Callable[[str], list[str]], rng: LazyRandom
) -> Iterator[tuple[float, Any]]:
    """Yield the deltas of one choice between its first and its last chunk, each with the pause before it.

    The order is reasoning, text, refusal, tool calls. A final pause has None as its delta.
    """
    for part in split_stated_text(choice.reasoning, split):
        yield 0.0, vendor.reasoning_delta.fill({"reasoning_content": part})
    fill_text_delta = dict if choice.reasoning is None else vendor.text_delta.fill
    texts = split(choice.content or "") if choice.chunks is None else choice.chunks
    for wait, text in iterate_with_waits(texts, rng):
        yield wait, None if text is None else fill_text_delta({"content": text})
    for part in split_stated_text(choice.refusal, split):
        yield 0.0, {"refusal": part}
    for index, tool_call in enumerate(choice.tool_calls):
        for fragment in _tool_call_fragments(tool_call, split):
            yield 0.0, {"tool_calls": [{"index": index, **fragment}]}


def _tool_call_fragments(
    tool_call: dict[str, Any], split: Callable[[str], list[str]]
) -> Iterator[dict[str, Any]]:
    """Yield the fragments of a tool call [C 2024-11, OpenAI]: id and name first, then pieces of its arguments."""
    function = tool_call["function"]
    yield {**tool_call, "function": {"name": function["name"], "arguments": ""}}
    for part in split(function["arguments"]):
        yield {"function": {"arguments": part}}


_DELTA_SLOT: Final = b"\0"  # marks the place of the delta: a byte that JSON never contains
_BODY_HEADERS: Final = ("content-type", "content-encoding")  # of a raw body, not of the stream beside it
_BYTES_HEADERS: Final = (("content-type", "application/octet-stream"),)
_JSON_HEADERS: Final = (("content-type", "application/json"),)
