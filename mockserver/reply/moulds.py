"""What was rendered once is kept, for all calls that are to hear the same but for an id and the time."""

from __future__ import annotations

from mockserver.reply.said import Asked
from mockserver.shelf.response import Response
from mockserver.wire.stencil import Stencil

_MOST, _MOST_BYTES = 1_000, 4_000_000


class Moulds:
    """Stencils, by the response and by what of a request bears on its words; the oldest make room for new ones."""

    def __init__(self, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        # A response is kept with its stencil, so that no other can have its identity.
        self._kept: dict[tuple[int, Asked], tuple[Response, Stencil]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, response: Response, asked: Asked) -> Stencil | None:
        kept = self._kept.get((id(response), asked))
        return kept and kept[1]

    def put(self, response: Response, asked: Asked, stencil: Stencil) -> None:
        self._kept[id(response), asked] = response, stencil
        self._bytes += stencil.size
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            _, oldest = self._kept.pop(next(iter(self._kept)))
            self._bytes -= oldest.size
