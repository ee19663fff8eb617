"""Values: frozen for whoever reads and checks the code, and made without delay when it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """A dataclass with slots that nothing changes, for what is made anew for each request.

    One that is frozen at run time, too, takes four times as long to make.
    """
    return dataclass(slots=True)(cls)


@dataclass_transform(frozen_default=True, eq_default=False)
def single(cls: type[T]) -> type[T]:
    """A value that equals no other, so that what follows from it may be known by it."""
    return dataclass(slots=True, eq=False)(cls)
