"""The apis of requests: chat completions, responses and embeddings, reading requests, and paths that are not served."""

from __future__ import annotations

from typing import Final, Literal, get_args

Api = Literal["chat", "responses", "embeddings", "read", "unknown"]
APIS: Final[tuple[Api, ...]] = get_args(Api)
POSTED_APIS: Final[tuple[Api, ...]] = ("chat", "responses", "embeddings")  # with a body
COMPLETION_APIS: Final[tuple[Api, ...]] = ("chat", "responses")  # those of a match that names none
