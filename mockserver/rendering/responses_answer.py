"""Rendering of a choice as an answer of the Responses API: a body, or a stream of typed events."""

from __future__ import annotations

import orjson

from mockserver.fixtures.response_spec import ResponseSpec, StreamPacing
from mockserver.rendering.choices import RenderedChoice, RenderOptions
from mockserver.rendering.pacing import LazyRandom, apply_transport
from mockserver.rendering.render_cache import ETAG_PLACEHOLDER
from mockserver.rendering.responses_events import EventWriter
from mockserver.rendering.responses_output import ResponsesOutput
from mockserver.vendors.placeholders import PlaceholderValues
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.prerendered import Placeholders
from mockserver.wire.sse import SSE_HEADERS


def render_responses_answer(
    options: RenderOptions,
    response: ResponseSpec,
    choice: RenderedChoice,
    rng: LazyRandom,
    balance_values: PlaceholderValues,
    placeholders: Placeholders,
) -> Answer:
    """Return the answer with this choice, with placeholders for the parts that are new in each answer."""
    vendor = options.vendor
    output = ResponsesOutput(options, response, choice, placeholders, balance_values)
    headers, status = vendor.headers(output.values), response.status or 200
    if options.stream:
        pacing = response.stream or StreamPacing()
        frames = tuple(EventWriter(output, choice, pacing, vendor.tokenizer, rng).frames())
        own_headers = vendor.stream_headers(output.values) if vendor.profile.stream.headers else ()
        answer = Answer(status, (*SSE_HEADERS, *headers, *own_headers), frames, streamed=True)
        return apply_transport(answer, vendor.profile.stream)
    body = orjson.dumps(output.fill_body())
    etag = (("etag", placeholders.add_text(ETAG_PLACEHOLDER)),) if vendor.profile.etag else ()
    return Answer(status, (*vendor.body_headers(output.values), *headers, *etag), (Frame(body),))
