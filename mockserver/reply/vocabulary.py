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

NAME = "o200k_base"


def installed() -> bool:
    """Whether there is one here; it is not loaded for that."""
    return find_spec("splintr") is not None


def count(text: str) -> int:
    """How many tokens a text is."""
    return len(_ids(text))


def pieces(text: str) -> list[str]:
    """The text cut into its tokens; those that hold a part of a character only are heard with its last one."""
    return list(_decoded(_ids(text)))


def first(text: str, most: int) -> str | None:
    """The text of the first tokens, a character that is not complete left out; None where the text has no more."""
    ids = _ids(text)
    return "".join(_decoded(ids[:most])) if len(ids) > most else None


def _ids(text: str) -> list[int]:
    # Half of a surrogate pair is no character; a text that has one cannot be sent, and is not worth an error here.
    return _tokenizer().encode_ordinary(text.encode("utf-8", "replace").decode())


def _decoded(ids: Iterable[int]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for token in ids:
        text = decoder.decode(_bytes(token))
        if text:
            yield text


@lru_cache(maxsize=20_000)
def _bytes(token: int) -> bytes:
    return _tokenizer().decode_token_bytes(token)


@cache
def _tokenizer() -> Tokenizer | AnyTokenizer:
    from splintr import Tokenizer  # noqa: PLC0415 it is optional, and heavy

    return Tokenizer.from_pretrained(NAME)
