"""Memoization on an object, a bounded cache, and the dataclass decorators that suit their keys."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, TypeVarTuple, dataclass_transform

ExtraArgs = TypeVarTuple("ExtraArgs")
ResultT = TypeVar("ResultT")


class Memo(dict[object, Any]):
    """The memoized results of one object. Pickling the object leaves them out."""

    __slots__ = ()

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

    if function.__code__.co_argcount == 1:
        alone: Callable[[OwnerT, *ExtraArgs], ResultT] = _memoized_alone(function)
        return alone

    def memoized_function(owner: OwnerT, *args: *ExtraArgs) -> ResultT:
        stored: tuple[object, ResultT] | None = owner.memo.get(function)
        if stored is not None and stored[0] == args:
            return stored[1]
        result = function(owner, *args)
        owner.memo[function] = args, result
        return result

    return memoized_function


def _memoized_alone(function: Callable[..., ResultT]) -> Any:
    """Memoize a function of one argument."""

    def memoized_function(owner: HasMemo) -> ResultT:
        memo = owner.memo
        if function in memo:
            result: ResultT = memo[function]
        else:
            result = memo[function] = function(owner)
        return result

    return memoized_function


ObjectT = TypeVar("ObjectT")


class derived_property(Generic[ObjectT, ResultT]):  # noqa: N801 it is used like `property`
    """A property that is computed at its first use and kept in the object.

    Unlike functools.cached_property of Python 3.11, it has no lock: no thread waits for the computation of another.
    """

    def __init__(self, compute: Callable[[ObjectT], ResultT]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __get__(self, owner: ObjectT, _: type[ObjectT]) -> ResultT:
        """Return the value; from now on the attribute of the object is found instead of this property."""
        value = owner.__dict__[self._compute.__name__] = self._compute(owner)
        return value


KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class BoundedCache(Generic[KeyT, ValueT]):
    """A cache that is bounded in entries and in bytes; the oldest entries are evicted.

    `get` returns the value of a key, or None. It is the dictionary's own method, since every request calls it.
    `on_evicted` is called with each evicted value.
    """

    __slots__ = ("_bytes", "_max_bytes", "_max_entries", "_on_evicted", "_sizes", "_values", "get")

    def __init__(
        self, max_entries: int, max_bytes: int, on_evicted: Callable[[ValueT], object] | None = None
    ) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._values: dict[KeyT, ValueT] = {}
        self._sizes: deque[tuple[KeyT, int]] = deque()  # the oldest first
        self._on_evicted = on_evicted
        self.get: Callable[[KeyT], ValueT | None] = self._values.get

    def __len__(self) -> int:
        return len(self._values)

    def put(self, key: KeyT, value: ValueT, size: int) -> ValueT:
        """Add or replace the value of a key, evict the oldest values, and return the value.

        `size` is about its bytes in memory. A value that is larger than the whole cache is not added.
        """
        if size <= self._max_bytes:
            if key in self._values:
                self._remove_size(key)
            self._values[key] = value
            self._sizes.append((key, size))
            self._bytes += size
            while len(self._sizes) > self._max_entries or self._bytes > self._max_bytes:
                oldest, freed = self._sizes.popleft()
                evicted = self._values.pop(oldest, None)  # another thread may have removed it
                self._bytes -= freed
                if evicted is not None and self._on_evicted is not None:
                    self._on_evicted(evicted)
        return value

    def _remove_size(self, key: KeyT) -> None:
        """Forget the size and the age of an entry. This takes long, but values are rarely replaced."""
        for known in tuple(self._sizes):
            if known[0] == key:
                self._sizes.remove(known)
                self._bytes -= known[1]


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
