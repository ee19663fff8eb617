"""The inputs of a request for embeddings: texts or lists of tokens.

https://platform.openai.com/docs/api-reference/embeddings/create
"""

from __future__ import annotations

from typing import Any

EmbeddingInput = str | list[int]  # a text, or tokens


def list_embedding_inputs(body: dict[str, Any]) -> list[EmbeddingInput]:
    """Return the inputs of a request for embeddings; those of a wrong type are left out, and refused at admission."""
    source = body.get("input")
    if isinstance(source, str):
        return [source]
    if not isinstance(source, list):
        return []
    if is_token_list(source):
        return [source]
    return [one for one in source if isinstance(one, str) or is_token_list(one)]


def is_token_list(value: object) -> bool:
    """Return whether a value is a list of tokens: at least one, and none negative."""
    return isinstance(value, list) and bool(value) and all(type(one) is int and one >= 0 for one in value)


def convert_embedding_body(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a chat request with the same texts, so that a match on the user's text sees them."""
    parts = [{"type": "text", "text": one} for one in list_embedding_inputs(body) if isinstance(one, str)]
    return {"messages": [{"role": "user", "content": parts}]}
