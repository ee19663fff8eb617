"""The headers of an answer as they stand on the wire, encoded once; they are pairs again for whoever looks at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

Header = tuple[str, str]

_PRINTABLE = bytes(letter for letter in range(256) if (letter >= 32 and letter != 127) or letter == 9)
_LENGTH = b"content-length: "
_NEXT = b"\n" + _LENGTH


class Lines(Sequence[Header]):
    """Lines of a head, each with its end, names in small letters."""

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        self.text = text

    @property
    def tell_length(self) -> bool:
        """Whether the body's length is among them."""
        return _NEXT in self.text or self.text.startswith(_LENGTH)

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
    return Lines(text) if text.translate(None, _PRINTABLE) == b"\r\n" * len(lines) else None


def length(size: int) -> bytes:
    """The line that tells how long a body is, in bytes."""
    return b"content-length: %d\r\n" % size
