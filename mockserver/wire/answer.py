"""Whatever the client will hear is a value: a status, headers, timed frames and an ending."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from functools import lru_cache
from http import HTTPStatus
from typing import Any, overload

from mockserver.memoize import fast_dataclass

Header = tuple[str, str]
FillValues = tuple[bytes, ...]
BytesTemplate = Callable[[FillValues], bytes]

_PRINTABLE = bytes(letter for letter in range(256) if (letter >= 32 and letter != 127) or letter == 9)
_LENGTH_PREFIX = b"content-length: "
_LENGTH_AFTER_NEWLINE = b"\n" + _LENGTH_PREFIX


class HeaderBlock(Sequence[Header]):
    """Lines of a head in some parts, each line with its end, names in small letters.

    What `fill` makes of `values` stands before them, and is made anew for whoever asks: a journal keeps many heads.
    """

    __slots__ = ("_fill", "_parts", "_values")

    def __init__(
        self, parts: tuple[bytes, ...], fill: BytesTemplate | None = None, values: FillValues = ()
    ) -> None:
        self._parts = parts
        self._fill = fill
        self._values = values

    def __reduce__(self) -> tuple[type[HeaderBlock], tuple[object, ...]]:
        """Wherever they are kept besides, they are filled in."""
        return HeaderBlock, ((self.text,),)

    def with_lines(self, lines: tuple[bytes, ...]) -> HeaderBlock:
        """These, and more."""
        return HeaderBlock(self._parts + lines, self._fill, self._values)

    @property
    def text(self) -> bytes:
        """All of them."""
        text = b"".join(self._parts)
        return text if self._fill is None else self._fill(self._values) + text

    @property
    def has_content_length(self) -> bool:
        """Whether the body's length is among them."""
        for part in self._parts:
            if part.startswith(_LENGTH_PREFIX):
                return True
        text = self.text
        return _LENGTH_AFTER_NEWLINE in text or text.startswith(_LENGTH_PREFIX)

    def __iter__(self) -> Iterator[Header]:
        for line in self.text.decode("latin-1").split("\r\n")[:-1]:
            name, _, value = line.partition(": ")
            yield name, value

    def __len__(self) -> int:
        return self.text.count(b"\n")

    @overload
    def __getitem__(self, index: int) -> Header: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Header, ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as a list of pairs has it


def encode_headers(headers: Iterable[Header]) -> HeaderBlock | None:
    """Headers as lines; None for what no head may have in it."""
    lines = [f"{name.lower()}: {value}\r\n" for name, value in headers]
    try:
        text = "".join(lines).encode("latin-1")
    except UnicodeEncodeError:
        return None
    # Nothing but printable letters, and an end to each line.
    return HeaderBlock((text,)) if text.translate(None, _PRINTABLE) == b"\r\n" * len(lines) else None


@lru_cache(maxsize=256)
def encode_content_length(size: int) -> bytes:
    """The line that tells how long a body is, in bytes."""
    return b"content-length: %d\r\n" % size


# RFC 9110, 6.4.1: these have no body and no content-length, whatever was written for them.
_LENGTH_NAME_SIZE = len("content-length")
_STATUSES_WITHOUT_BODY = frozenset({204, 304})


class Ending(Enum):
    """What happens when the last frame is out."""

    FINISH = "finish"  # the message is complete; the connection may be used again
    CLOSE = "close"  # the connection is closed (FIN), whether or not the message is complete
    RESET = "reset"  # the connection is aborted (RST)
    HANG = "hang"  # silence, with the connection open, until the client leaves


@fast_dataclass
class Frame:
    """A piece of the body, and the silence before it in seconds; without data it is the silence alone.

    `chunk` says whether it is one of the pieces that a person counts ("after three chunks"). A `raw` frame
    goes to the socket as it is, outside HTTP's framing; nothing but a dropped connection can follow it.
    """

    data: bytes
    wait: float = 0.0
    chunk: bool = True
    raw: bool = False


@fast_dataclass
class Answer:
    """One whole answer. `wait` is the silence in seconds before the status line.

    A `streamed` body goes out in HTTP chunks; any other is sent under its content-length, which `add_content_length`
    adds. Without `head` there is no status line and no headers: what is heard is raw, or nothing.
    """

    status: int
    headers: Sequence[Header]
    frames: Sequence[Frame] = ()
    wait: float = 0.0
    ending: Ending = Ending.FINISH
    streamed: bool = False
    head: bool = True

    def with_header_lines(self, *lines: bytes) -> Answer:
        """The answer with these lines after its own headers."""
        own = self.headers if type(self.headers) is HeaderBlock else encode_headers(self.headers)
        headers = (*self.headers, *HeaderBlock(lines)) if own is None else own.with_lines(lines)
        return Answer(self.status, headers, self.frames, self.wait, self.ending, self.streamed, self.head)

    @property
    def has_no_body(self) -> bool:
        return self.status in _STATUSES_WITHOUT_BODY


def get_reason_phrase(status: int, overrides: Mapping[int, str]) -> str:
    """A status in words: its own, or the standard's; nothing where neither knows it."""
    if status in overrides:
        return overrides[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def add_content_length(answer: Answer) -> Answer:
    """The answer with the headers it goes out with: a body that is whole and not streamed tells its length.

    An answer with another ending is left alone: its frames are not the body that its headers speak of.
    """
    if answer.has_no_body:
        return replace(answer, frames=()) if answer.frames else answer
    if answer.streamed or answer.ending is not Ending.FINISH or _has_content_length(answer.headers):
        return answer
    length = sum([len(frame.data) for frame in answer.frames])
    return answer.with_header_lines(encode_content_length(length))


def _has_content_length(headers: Sequence[Header]) -> bool:
    if type(headers) is HeaderBlock:
        return headers.has_content_length
    return any(len(name) == _LENGTH_NAME_SIZE and name.lower() == "content-length" for name, _ in headers)
