"""Rendering of the answer to a request for embeddings."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from mockserver.embeddings.hashed_vectors import embed_text, embed_tokens
from mockserver.embeddings.input_tokens import count_embedding_usage, get_native_dimensions
from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.request.chat_request import ChatRequest
from mockserver.request.embedding_input import EmbeddingInput, list_embedding_inputs
from mockserver.vendors.placeholders import PlaceholderValues, pick_stated_value
from mockserver.wire.answer import Answer, Frame

_DIGITS = 8  # after the point: about the precision of a float with 32 bits


def render_embeddings(
    request: ChatRequest, response: ResponseSpec, balance_values: PlaceholderValues
) -> Answer:
    """Return the answer with a vector for each input: that of the response, or one that follows from the input."""
    vendor, body = request.vendor, request.parsed.body
    usage = count_embedding_usage(request, response)
    values: dict[str, Any] = {name: vendor.new_id(name) for name in vendor.profile.ids}
    values |= {
        "model": pick_stated_value(response.model, default=request.model),
        **vendor.usage_values(usage, request.model),
        **vendor.rate_limit_values(usage),
        **balance_values,
    }
    encode = _encode_base64 if body.get("encoding_format") == "base64" else _encode_floats
    stated = _encode_stated(response.embedding, encode) if response.embedding else None
    size = int(body.get("dimensions") or get_native_dimensions(request))
    # Each vector is encoded on its own, so that other threads run between them.
    values["data"] = [
        vendor.embedding_item.fill(
            {
                "index": index,
                "embedding": stated or orjson.Fragment(encode(_embed_input(one, request.model, size))),
            }
        )
        for index, one in enumerate(list_embedding_inputs(body))
    ]
    encoded = orjson.dumps(vendor.embedding_body.fill(values))
    headers = (*vendor.body_headers(values), *vendor.headers(values, encoded))
    return Answer(response.status or 200, headers, (Frame(encoded),))


def _embed_input(source: EmbeddingInput, model: str, size: int) -> list[float]:
    if isinstance(source, str):
        return embed_text(source, model, size)
    return embed_tokens(source, model, size)


def _encode_floats(vector: Sequence[float]) -> bytes:
    """Encode a vector as a JSON array."""
    return orjson.dumps([round(number, _DIGITS) for number in vector])


def _encode_base64(vector: Sequence[float]) -> bytes:
    """Encode a vector as a JSON string: floats of 32 bits, little-endian, in base64."""
    return b'"%b"' % b64encode(struct.pack(f"<{len(vector)}f", *vector))


def _encode_stated(vector: Sequence[float], encode: Callable[[Sequence[float]], bytes]) -> orjson.Fragment:
    """Encode the vector of a fixture; its numbers are sent as they are written."""
    return orjson.Fragment(orjson.dumps(vector) if encode is _encode_floats else encode(vector))
