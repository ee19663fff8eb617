"""Long computations on the event loop, run in short slices so that other requests are served between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from mockserver.wire.monotonic_clock import read_monotonic

SLICE_SECONDS = 0.002  # the longest pause of the event loop, plus the work on one item

T = TypeVar("T")


class TimeSlicer:
    """Runs long computations one slice after the other; however many there are, no two slices follow directly."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def run(self, work: Callable[[T], object], items: Iterable[T]) -> None:
        """Call `work` with each item."""
        iterator = iter(items)
        unfinished = True
        while unfinished:
            async with self._lock:
                unfinished = _run_slice(work, iterator)
                # The other tasks run now, and the next computation's slice after them.
                await asyncio.sleep(0)


def _run_slice(work: Callable[[T], object], items: Iterator[T]) -> bool:
    """Work until the slice is over; return whether there may be more items."""
    end = read_monotonic() + SLICE_SECONDS
    for item in items:
        work(item)
        if read_monotonic() > end:
            return True
    return False
