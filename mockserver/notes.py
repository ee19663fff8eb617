"""What follows from a thing is found out once, and noted with it: it goes when the thing does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, TypeVarTuple

More = TypeVarTuple("More")
R = TypeVar("R")


class Notes(dict[object, Any]):
    """The notes of one thing. Wherever that is kept besides, it goes without them."""

    def __reduce__(self) -> tuple[type[Notes], tuple[()]]:
        return Notes, ()


class Noted(Protocol):
    """What has notes."""

    @property
    def notes(self) -> Notes:
        """Them."""
        ...


T = TypeVar("T", bound=Noted)


def noted(find: Callable[[T, *More], R]) -> Callable[[T, *More], R]:
    """A function of what has notes, which notes there what it found last, and what else it was asked with."""

    def known(of: T, *more: *More) -> R:
        before: tuple[object, R] | None = of.notes.get(find)
        if before is not None and before[0] == more:
            return before[1]
        found = find(of, *more)
        of.notes[find] = more, found
        return found

    return known
