"""What was rendered once is kept, for all calls that are to hear the same but for an id and the time."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.rendering.choices import RenderOptions
from mockserver.vendors.ids import IdFactory
from mockserver.vendors.placeholders import compute_etag
from mockserver.wire.answer import Answer
from mockserver.wire.prerendered import PrerenderedAnswer

ETAG_PLACEHOLDER = "$etag"  # the blank for the entity tag; no name of an id
_MAX_ENTRIES, _MAX_BYTES = 1_000, 4_000_000


class CachedRender:
    """A stencil, and who makes what belongs in its blanks."""

    __slots__ = ("_has_etag", "_id_factories", "_prerendered", "size")

    def __init__(self, prerendered: PrerenderedAnswer, id_factory: Callable[[str], IdFactory]) -> None:
        self.size = prerendered.size
        self._prerendered = prerendered
        self._id_factories = [
            id_factory(name) for name in prerendered.placeholder_names if name != ETAG_PLACEHOLDER
        ]
        self._has_etag = (
            ETAG_PLACEHOLDER in prerendered.placeholder_names
        )  # the last of them: it was marked when all else had been

    def fill(self) -> Answer:
        """The answer with what is made new for each."""
        values, body = tuple([make().encode() for make in self._id_factories]), b""
        if self._prerendered.adds_content_length:
            body = self._prerendered.body(values)
        if self._has_etag:
            values = (*values, compute_etag(body).encode())
        return self._prerendered.fill(values, len(body))


class RenderCache:
    """Moulds, by the response and by what of a request bears on its words; the oldest make room for new ones."""

    def __init__(self, max_entries: int = _MAX_ENTRIES, max_bytes: int = _MAX_BYTES) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        # A response is kept with its mould, so that no other can have its identity.
        self._entries: dict[tuple[int, RenderOptions], tuple[ResponseSpec, CachedRender]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, response: ResponseSpec, options: RenderOptions) -> CachedRender | None:
        kept = self._entries.get((id(response), options))
        return kept and kept[1]

    def put(self, response: ResponseSpec, options: RenderOptions, render: CachedRender) -> None:
        self._entries[id(response), options] = response, render
        self._bytes += render.size
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            _, oldest = self._entries.pop(next(iter(self._entries)))
            self._bytes -= oldest.size
