"""Chance falls the same way for the same seed, and is not asked where nothing varies."""

from __future__ import annotations

import random


class Chance:
    """The chance of one answer; `asked` says how often something varied."""

    __slots__ = ("_drawn", "_seed", "asked")

    def __init__(self, *seed: object) -> None:
        self._seed = seed
        self._drawn: random.Random | None = None
        self.asked = 0

    def __call__(self) -> random.Random:
        self.asked += 1
        if self._drawn is None:
            # Seeding takes longer than all the rest of a usual answer.
            self._drawn = random.Random(repr(self._seed))
        return self._drawn
