"""What was rendered once is kept, for all calls that are to hear the same but for an id and the time."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.reply.said import Asked
from mockserver.shelf.response import Response
from mockserver.vendors.header import etag
from mockserver.vendors.ids import Maker
from mockserver.wire.answer import Answer
from mockserver.wire.stencil import Stencil

TAG = "$etag"  # the blank for the entity tag; no name of an id
_MOST, _MOST_BYTES = 1_000, 4_000_000


class Mould:
    """A stencil, and who makes what belongs in its blanks."""

    __slots__ = ("_makers", "_stencil", "_tagged", "size")

    def __init__(self, stencil: Stencil, maker: Callable[[str], Maker]) -> None:
        self.size = stencil.size
        self._stencil = stencil
        self._makers = [maker(name) for name in stencil.blanks if name != TAG]
        self._tagged = TAG in stencil.blanks  # the last of them: it was marked when all else had been

    def cast(self) -> Answer:
        """The answer with what is made new for each."""
        values, body = tuple([make().encode() for make in self._makers]), b""
        if self._stencil.sized:
            body = self._stencil.body(values)
        if self._tagged:
            values = (*values, etag(body).encode())
        return self._stencil.fill(values, len(body))


class Moulds:
    """Moulds, by the response and by what of a request bears on its words; the oldest make room for new ones."""

    def __init__(self, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        # A response is kept with its mould, so that no other can have its identity.
        self._kept: dict[tuple[int, Asked], tuple[Response, Mould]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, response: Response, asked: Asked) -> Mould | None:
        kept = self._kept.get((id(response), asked))
        return kept and kept[1]

    def put(self, response: Response, asked: Asked, mould: Mould) -> None:
        self._kept[id(response), asked] = response, mould
        self._bytes += mould.size
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            _, oldest = self._kept.pop(next(iter(self._kept)))
            self._bytes -= oldest.size
