"""What follows from a thing is found out once, and noted with it: it goes when the thing does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, TypeVarTuple, dataclass_transform

ExtraArgs = TypeVarTuple("ExtraArgs")
ResultT = TypeVar("ResultT")


class Memo(dict[object, Any]):
    """The notes of one thing. Wherever that is kept besides, it goes without them."""

    def __reduce__(self) -> tuple[type[Memo], tuple[()]]:
        return Memo, ()


class HasMemo(Protocol):
    """What has notes."""

    @property
    def memo(self) -> Memo:
        """Them."""
        ...


OwnerT = TypeVar("OwnerT", bound=HasMemo)


def memoized(function: Callable[[OwnerT, *ExtraArgs], ResultT]) -> Callable[[OwnerT, *ExtraArgs], ResultT]:
    """A function of what has notes, which notes there what it found last, and what else it was asked with."""

    def known(of: OwnerT, *more: *ExtraArgs) -> ResultT:
        before: tuple[object, ResultT] | None = of.memo.get(function)
        if before is not None and before[0] == more:
            return before[1]
        found = function(of, *more)
        of.memo[function] = more, found
        return found

    return known


ClassT = TypeVar("ClassT")


@dataclass_transform(frozen_default=True)
def fast_dataclass(cls: type[ClassT]) -> type[ClassT]:
    """A dataclass with slots that nothing changes, for what is made anew for each request.

    One that is frozen at run time, too, takes four times as long to make.
    """
    return dataclass(slots=True)(cls)


@dataclass_transform(frozen_default=True, eq_default=False)
def identity_dataclass(cls: type[ClassT]) -> type[ClassT]:
    """A value that equals no other, so that what follows from it may be known by it."""
    return dataclass(slots=True, eq=False)(cls)
