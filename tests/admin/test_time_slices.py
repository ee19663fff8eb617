"""Long computations let other tasks run, and one another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from mockserver.admin import time_slices
from mockserver.admin.time_slices import TimeSlicer


def test_other_tasks_run_between_any_two_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_slices, "SLICE_SECONDS", 0)  # one item is a slice
    steps: list[str] = []

    async def serve() -> None:
        for _ in range(8):
            steps.append("other")
            await asyncio.sleep(0)

    def scan(slicer: TimeSlicer, name: str) -> Awaitable[None]:
        return slicer.run(lambda _: steps.append(name), range(3))

    async def run() -> None:
        slicer = TimeSlicer()
        await asyncio.gather(*(scan(slicer, name) for name in ("a", "b", "c")), serve())

    asyncio.run(run())
    assert sorted(step for step in steps if step != "other") == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    # Between two turns of the other task there is at most one slice.
    turns = "".join(one if one != "other" else " " for one in steps).split(" ")
    assert max(map(len, turns[:-1])) == 1


def test_a_slice_takes_as_many_items_as_fit() -> None:
    seen: list[int] = []
    asyncio.run(TimeSlicer().run(seen.append, range(1000)))
    assert seen == list(range(1000))


def test_a_failing_computation_does_not_block_the_next_one() -> None:
    async def run() -> list[int]:
        slicer = TimeSlicer()
        seen: list[int] = []
        with pytest.raises(ZeroDivisionError):
            await slicer.run(lambda item: 1 // item, [0])
        await slicer.run(seen.append, [1])
        return seen

    assert asyncio.run(run()) == [1]
