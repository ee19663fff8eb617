"""The tokenizer `o200k_base` of the o-models, from the optional package splintr.

The package contains the vocabulary, so nothing is downloaded. Loading it takes 0.1 s and about 90 MB, and happens when
the first token is counted.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splintr import AnyTokenizer, Tokenizer

TOKENIZER_NAME = "o200k_base"


def is_tokenizer_installed() -> bool:
    """Return whether splintr is installed, without loading it."""
    return find_spec("splintr") is not None


def count_o200k_tokens(text: str) -> int:
    """Return the number of tokens in a text."""
    return len(_token_ids(text))


def split_o200k_tokens(text: str) -> list[str]:
    """Return the texts of the tokens; tokens that share a character are joined."""
    return list(_decode_tokens(_token_ids(text)))


def take_o200k_tokens(text: str, max_tokens: int) -> str | None:
    """Return the complete characters of the first `max_tokens` tokens; None if the text has no more tokens."""
    ids = _token_ids(text)
    return "".join(_decode_tokens(ids[:max_tokens])) if len(ids) > max_tokens else None


def _token_ids(text: str) -> list[int]:
    # A lone surrogate cannot be encoded as UTF-8; it is replaced, not reported.
    return _load_tokenizer().encode_ordinary(text.encode("utf-8", "replace").decode())


def _decode_tokens(ids: Iterable[int]) -> Iterator[str]:
    tokenizer, decoder = _load_tokenizer(), codecs.getincrementaldecoder("utf-8")()
    for token in ids:
        text = decoder.decode(tokenizer.decode_token_bytes(token))
        if text:
            yield text


@cache
def _load_tokenizer() -> Tokenizer | AnyTokenizer:
    from splintr import Tokenizer  # noqa: PLC0415 optional, and slow to import

    return Tokenizer.from_pretrained(TOKENIZER_NAME)
