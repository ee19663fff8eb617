"""A vocabulary cuts a text as the model does: `o200k_base` is that of the o-models, and comes with splintr.

Nothing is fetched: the package carries it. It is optional, and takes a tenth of a second and some 90 MB when the first
token is counted.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splintr import AnyTokenizer, Tokenizer

TOKENIZER_NAME = "o200k_base"


def is_tokenizer_installed() -> bool:
    """Whether there is one here; it is not loaded for that."""
    return find_spec("splintr") is not None


def count_o200k_tokens(text: str) -> int:
    """How many tokens a text is."""
    return len(_token_ids(text))


def split_o200k_tokens(text: str) -> list[str]:
    """The text cut into its tokens; those that hold a part of a character only are heard with its last one."""
    return list(_decode_tokens(_token_ids(text)))


def take_o200k_tokens(text: str, max_tokens: int) -> str | None:
    """The text of the first tokens, a character that is not complete left out; None where the text has no more."""
    ids = _token_ids(text)
    return "".join(_decode_tokens(ids[:max_tokens])) if len(ids) > max_tokens else None


def _token_ids(text: str) -> list[int]:
    # Half of a surrogate pair is no character; a text that has one cannot be sent, and is not worth an error here.
    return _load_tokenizer().encode_ordinary(text.encode("utf-8", "replace").decode())


def _decode_tokens(ids: Iterable[int]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for token in ids:
        text = decoder.decode(_token_bytes(token))
        if text:
            yield text


@lru_cache(maxsize=20_000)
def _token_bytes(token: int) -> bytes:
    return _load_tokenizer().decode_token_bytes(token)


@cache
def _load_tokenizer() -> Tokenizer | AnyTokenizer:
    from splintr import Tokenizer  # noqa: PLC0415 it is optional, and heavy

    return Tokenizer.from_pretrained(TOKENIZER_NAME)
