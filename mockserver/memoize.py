"""Memoization on the object that a result follows from, and the dataclass decorators that suit it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, TypeVarTuple, dataclass_transform

ExtraArgs = TypeVarTuple("ExtraArgs")
ResultT = TypeVar("ResultT")


class Memo(dict[object, Any]):
    """The memoized results of one object. Pickling the object leaves them out."""

    def __reduce__(self) -> tuple[type[Memo], tuple[()]]:
        """Pickle as an empty memo."""
        return Memo, ()


class HasMemo(Protocol):
    """An object that carries its own memoized results."""

    @property
    def memo(self) -> Memo:
        """Return the memoized results of this object."""
        ...


OwnerT = TypeVar("OwnerT", bound=HasMemo)


def memoized(function: Callable[[OwnerT, *ExtraArgs], ResultT]) -> Callable[[OwnerT, *ExtraArgs], ResultT]:
    """Memoize a function's result on its first argument, so that the entry is freed together with the object.

    Only the last result is stored, with the other arguments it was computed from; other arguments replace it.
    """

    def memoized_function(owner: OwnerT, *args: *ExtraArgs) -> ResultT:
        stored: tuple[object, ResultT] | None = owner.memo.get(function)
        if stored is not None and stored[0] == args:
            return stored[1]
        result = function(owner, *args)
        owner.memo[function] = args, result
        return result

    return memoized_function


ClassT = TypeVar("ClassT")


@dataclass_transform(frozen_default=True)
def fast_dataclass(cls: type[ClassT]) -> type[ClassT]:
    """Make a dataclass with slots for values that are created for every request and never changed.

    The type checker treats it as frozen. A class that is frozen at run time takes four times as long to create.
    """
    return dataclass(slots=True)(cls)


@dataclass_transform(frozen_default=True, eq_default=False)
def identity_dataclass(cls: type[ClassT]) -> type[ClassT]:
    """Make a dataclass that is compared by identity, so that its instances can be keys of a cache."""
    return dataclass(slots=True, eq=False)(cls)
