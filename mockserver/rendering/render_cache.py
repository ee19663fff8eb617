"""A cache of rendered answers for requests whose answers differ only in ids and time."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.memoize import BoundedCache
from mockserver.rendering.choices import RenderOptions
from mockserver.vendors.ids import IdFactory
from mockserver.vendors.placeholders import compute_etag
from mockserver.wire.answer import Answer
from mockserver.wire.prerendered import PrerenderedAnswer

ETAG_PLACEHOLDER = "$etag"  # the placeholder of the entity tag; cannot be the name of an id
_MAX_ENTRIES, _MAX_BYTES = 1_000, 4_000_000


class CachedRender:
    """A prerendered answer with the functions that create the values of its placeholders."""

    __slots__ = ("_has_etag", "_id_factories", "_prerendered", "size")

    def __init__(self, prerendered: PrerenderedAnswer, id_factory: Callable[[str], IdFactory]) -> None:
        self.size = prerendered.size
        self._prerendered = prerendered
        self._id_factories = [
            id_factory(name) for name in prerendered.placeholder_names if name != ETAG_PLACEHOLDER
        ]
        # The entity tag is the last placeholder, because it is added after all others.
        self._has_etag = ETAG_PLACEHOLDER in prerendered.placeholder_names

    def fill(self) -> Answer:
        """Return the answer with new ids, the current time and its entity tag."""
        prerendered, body = self._prerendered, None
        values = tuple([create_id().encode() for create_id in self._id_factories])
        if prerendered.adds_content_length:
            body = prerendered.body(values)
        if self._has_etag:
            values = (*values, compute_etag(body or b"").encode())
        return prerendered.fill(values, body)


class RenderCache:
    """Rendered answers by response and render options, bounded in number and bytes; the oldest are evicted."""

    def __init__(self, max_entries: int = _MAX_ENTRIES, max_bytes: int = _MAX_BYTES) -> None:
        # An entry holds its response, so that no other response can get the same id().
        self._entries: BoundedCache[tuple[int, RenderOptions], tuple[ResponseSpec, CachedRender]] = (
            BoundedCache(max_entries, max_bytes)
        )

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, response: ResponseSpec, options: RenderOptions) -> CachedRender | None:
        """Return the cached answer of a response for these options, None if there is none."""
        entry = self._entries.get((id(response), options))
        return entry and entry[1]

    def put(self, response: ResponseSpec, options: RenderOptions, render: CachedRender) -> None:
        """Add an answer; evict the oldest ones beyond the limits."""
        self._entries.put((id(response), options), (response, render), render.size)
