"""The token counts of a request for embeddings, and the length of its vectors."""

from __future__ import annotations

from typing import cast

from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.request.chat_request import ChatRequest
from mockserver.request.embedding_input import list_embedding_inputs
from mockserver.tokens.token_count import count_tokens
from mockserver.vendors.embeddings_spec import EmbeddingsSpec
from mockserver.vendors.vendor import TokenUsage


def count_input_tokens(request: ChatRequest) -> tuple[int, ...]:
    """Return the number of tokens of each input, counted once."""

    def count() -> tuple[int, ...]:
        tokenizer = request.vendor.tokenizer
        return tuple(
            count_tokens(one, tokenizer) if isinstance(one, str) else len(one)
            for one in list_embedding_inputs(request.parsed.body)
        )

    return request.lazy_body.derive("input_tokens", None, count)


def count_embedding_usage(request: ChatRequest, response: ResponseSpec) -> TokenUsage:
    """Return the usage of a response with embeddings: the number that the fixture states, or counted."""
    stated = response.usage.prompt_tokens if response.usage else None
    return TokenUsage(sum(count_input_tokens(request)) if stated is None else stated, 0)


def get_native_dimensions(request: ChatRequest) -> int:
    """Return the length of the vectors of the requested model, if the request states no shorter one."""
    spec = cast(EmbeddingsSpec, request.vendor.profile.embeddings)  # a profile with their path has it
    return request.vendor.models[request.model].dimensions or spec.dimensions


def measure_embeddings(request: ChatRequest) -> int:
    """Return the number of numbers in the answer to a request for embeddings."""
    return len(list_embedding_inputs(request.parsed.body)) * get_native_dimensions(request)
