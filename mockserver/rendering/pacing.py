"""The pace of streams: random delays, chunks of a text, pauses between them, and the vendor's own transport."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from mockserver.fixtures.response_spec import StreamPacing, StreamPause
from mockserver.tokens.token_count import split_text
from mockserver.vendors.profile import StreamTemplate
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.sse import encode_sse_comment


class LazyRandom:
    """The random numbers of one answer, seeded when first used; `use_count` is the number of uses."""

    __slots__ = ("_random", "_seed", "use_count")

    def __init__(self, *seed: object) -> None:
        self._seed = seed
        self._random: random.Random | None = None
        self.use_count = 0

    def __call__(self) -> random.Random:
        """Return the random number generator, and count the use."""
        self.use_count += 1
        if self._random is None:
            # Seeding takes longer than rendering a typical answer.
            self._random = random.Random(repr(self._seed))
        return self._random


MAX_STREAM_CHUNKS = 20_000  # of text; a longer text is sent in larger chunks


def split_bounded(text: str, chunk: str | int, max_chunks: int) -> list[str]:
    """Split a text into chunks; if these are too many, join some of them."""
    parts = split_text(text, chunk)
    if len(parts) <= max_chunks:
        return parts
    size = -(-len(parts) // max_chunks)
    return ["".join(parts[start : start + size]) for start in range(0, len(parts), size)]


def split_stated_text(text: str | None, split: Callable[[str], list[str]]) -> list[str]:
    """Split a text into chunks: an empty text is one empty chunk, None has no chunks."""
    return [] if text is None else split(text) or [""]


def iterate_with_waits(
    items: Iterable[str | StreamPause], rng: LazyRandom
) -> Iterator[tuple[float, str | None]]:
    """Yield the texts, each with the pause before it in seconds; a final pause has None as its text."""
    wait = 0.0
    for item in items:
        if isinstance(item, StreamPause):
            wait += item.delay.draw(rng)
        else:
            yield wait, item
            wait = 0.0
    if wait:
        yield wait, None


def draw_interval(pacing: StreamPacing, rng: LazyRandom) -> float:
    """Return the seconds between two chunks."""
    if pacing.gap is not None:
        gap = pacing.gap.draw(rng)
    elif pacing.tps:
        gap = 1 / pacing.tps
    else:
        return 0.0
    return gap * (1 + rng().uniform(-1, 1) * pacing.jitter) if pacing.jitter else gap


def apply_transport(answer: Answer, stream: StreamTemplate) -> Answer:
    """Return a stream with the heartbeats and the padding of a vendor, and in pieces of its size."""
    if stream.heartbeat is not None:
        answer = _with_heartbeats(answer, stream.heartbeat)
    if stream.padding:
        padding = Frame(encode_sse_comment(" " * max(stream.padding - _COMMENT_SIZE, 0)), chunk=False)
        first = next(index for index, frame in enumerate(answer.frames) if frame.data != _HEARTBEAT) + 1
        answer = replace(answer, frames=(*answer.frames[:first], padding, *answer.frames[first:]))
    return replace(answer, piece_size=stream.pieces) if stream.pieces else answer


def _with_heartbeats(answer: Answer, interval: float) -> Answer:
    """Insert comments into long pauses, so that proxies do not close the stream as idle."""
    frames: list[Frame] = []
    for frame in answer.frames:
        # No heartbeat at the same time as the frame itself.
        beats = max(math.ceil(frame.wait / interval) - 1, 0)
        frames += [Frame(_HEARTBEAT, interval, chunk=False)] * beats
        frames.append(replace(frame, wait=frame.wait - beats * interval) if beats else frame)
    return replace(answer, frames=tuple(frames))


_HEARTBEAT: Final = encode_sse_comment("heartbeat")
_COMMENT_SIZE: Final = len(encode_sse_comment(""))
