"""The headers of an answer as they stand on the wire, encoded once; they are pairs again for whoever looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, overload

Header = tuple[str, str]
Values = tuple[bytes, ...]
Fill = Callable[[Values], bytes]

_PRINTABLE = bytes(letter for letter in range(256) if (letter >= 32 and letter != 127) or letter == 9)
_LENGTH = b"content-length: "
_NEXT = b"\n" + _LENGTH


class Lines(Sequence[Header]):
    """Lines of a head in some parts, each line with its end, names in small letters.

    What `fill` makes of `values` stands before them, and is made anew for whoever asks: a journal keeps many heads.
    """

    __slots__ = ("_fill", "_parts", "_values")

    def __init__(self, parts: tuple[bytes, ...], fill: Fill | None = None, values: Values = ()) -> None:
        self._parts = parts
        self._fill = fill
        self._values = values

    def __reduce__(self) -> tuple[type[Lines], tuple[object, ...]]:
        """Wherever they are kept besides, they are filled in."""
        return Lines, ((self.text,),)

    def adding(self, more: tuple[bytes, ...]) -> Lines:
        """These, and more."""
        return Lines(self._parts + more, self._fill, self._values)

    @property
    def text(self) -> bytes:
        """All of them."""
        text = b"".join(self._parts)
        return text if self._fill is None else self._fill(self._values) + text

    @property
    def tell_length(self) -> bool:
        """Whether the body's length is among them."""
        for part in self._parts:
            if part.startswith(_LENGTH):
                return True
        text = self.text
        return _NEXT in text or text.startswith(_LENGTH)

    def __iter__(self) -> Iterator[Header]:
        for line in self.text.decode("latin-1").split("\r\n")[:-1]:
            name, _, value = line.partition(": ")
            yield name, value

    def __len__(self) -> int:
        return self.text.count(b"\n")

    @overload
    def __getitem__(self, place: int) -> Header: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Header, ...]: ...
    def __getitem__(self, place: int | slice) -> Any:
        return tuple(self)[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as a list of pairs has it


def encoded(headers: Iterable[Header]) -> Lines | None:
    """Headers as lines; None for what no head may have in it."""
    lines = [f"{name.lower()}: {value}\r\n" for name, value in headers]
    try:
        text = "".join(lines).encode("latin-1")
    except UnicodeEncodeError:
        return None
    # Nothing but printable letters, and an end to each line.
    return Lines((text,)) if text.translate(None, _PRINTABLE) == b"\r\n" * len(lines) else None


@lru_cache(maxsize=256)
def length(size: int) -> bytes:
    """The line that tells how long a body is, in bytes."""
    return b"content-length: %d\r\n" % size
