"""The response to a client as one value: a status, headers, timed frames and an ending."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from http import HTTPStatus
from typing import Any, overload

from mockserver.memoize import fast_dataclass

Header = tuple[str, str]
FillValues = tuple[bytes, ...]
BytesTemplate = Callable[[FillValues], bytes]

_PRINTABLE = bytes(letter for letter in range(256) if (letter >= 32 and letter != 127) or letter == 9)
MOCK_PREFIX = "x-mock-"  # of the headers between a client and this server
# The headers that state where a body ends. A wrong one makes a response unreadable.
_FRAMING_HEADERS = ("content-length", "transfer-encoding")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_LENGTH_PREFIX = b"content-length: "
CONTENT_LENGTH_LINE = _LENGTH_PREFIX + b"%d\r\n"
_LENGTH_AFTER_NEWLINE = b"\n" + _LENGTH_PREFIX


class HeaderBlock(Sequence[Header]):
    """Encoded header lines, each with its CR LF, with names in lower case; a sequence of (name, value) pairs.

    `fill(values)` returns lines that come before `parts`. They are not cached, because the journal keeps many heads.
    """

    __slots__ = ("_fill", "_parts", "_values")

    def __init__(
        self, parts: tuple[bytes, ...], fill: BytesTemplate | None = None, values: FillValues = ()
    ) -> None:
        self._parts = parts
        self._fill = fill
        self._values = values

    def __reduce__(self) -> tuple[type[HeaderBlock], tuple[object, ...]]:
        """Pickle the filled-in text, because a template cannot be pickled."""
        return HeaderBlock, ((self.text,),)

    def with_lines(self, lines: tuple[bytes, ...]) -> HeaderBlock:
        """Return a block with `lines` after these."""
        return HeaderBlock(self._parts + lines, self._fill, self._values)

    @property
    def text(self) -> bytes:
        """Return all lines as bytes."""
        text = b"".join(self._parts)
        return text if self._fill is None else self._fill(self._values) + text

    @property
    def has_content_length(self) -> bool:
        """Return whether one of the lines is Content-Length."""
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

    __hash__ = None  # type: ignore[assignment]  # unhashable, like a list of pairs


def encode_headers(headers: Iterable[Header]) -> HeaderBlock | None:
    """Encode headers as lines; None if a name or value holds a character that a head may not contain."""
    lines = [f"{name.lower()}: {value}\r\n" for name, value in headers]
    try:
        text = "".join(lines).encode("latin-1")
    except UnicodeEncodeError:
        return None
    # Without the printable characters, exactly one CR LF per header must remain.
    return HeaderBlock((text,)) if text.translate(None, _PRINTABLE) == b"\r\n" * len(lines) else None


# RFC 9110, 6.4.1: these have no body and no Content-Length, whatever the fixture contains.
_LENGTH_NAME_SIZE = len("content-length")
_STATUSES_WITHOUT_BODY = frozenset({204, 304})


class Ending(Enum):
    """The end of an answer, after its last frame."""

    FINISH = "finish"  # complete the message; the connection may be reused
    CLOSE = "close"  # close the connection (FIN), whether or not the message is complete
    RESET = "reset"  # abort the connection (RST)
    HANG = "hang"  # send nothing, with the connection open, until the client disconnects


@fast_dataclass
class Frame:
    """A piece of the body and the seconds to wait before it; without data, only the wait.

    `chunk` is true for a piece that counts as a chunk in a fault point ("after three chunks"). A `raw` frame is
    written to the socket outside HTTP's framing; only a dropped connection can follow it.
    """

    data: bytes
    wait: float = 0.0
    chunk: bool = True
    raw: bool = False


@fast_dataclass
class Answer:
    """One complete answer. `wait` is the time in seconds before the status line.

    A `streamed` body is sent with chunked transfer coding; any other with a Content-Length, which
    `add_content_length` adds. Without `head`, no status line and no headers are sent: only raw frames, or nothing.
    With a `piece_size`, no chunk of a streamed body has more bytes; a frame may then be sent in several of them.
    """

    status: int
    headers: Sequence[Header]
    frames: Sequence[Frame] = ()
    wait: float = 0.0
    ending: Ending = Ending.FINISH
    streamed: bool = False
    head: bool = True
    piece_size: int = 0

    def with_header_lines(self, *lines: bytes) -> Answer:
        """Return the answer with these lines after its own headers."""
        own = self.headers if type(self.headers) is HeaderBlock else encode_headers(self.headers)
        headers = (*self.headers, *HeaderBlock(lines)) if own is None else own.with_lines(lines)
        return Answer(
            self.status,
            headers,
            self.frames,
            self.wait,
            self.ending,
            self.streamed,
            self.head,
            self.piece_size,
        )

    @property
    def has_no_body(self) -> bool:
        """Return whether HTTP forbids a body with this status."""
        return self.status in _STATUSES_WITHOUT_BODY


def get_reason_phrase(status: int, overrides: Mapping[int, str]) -> str:
    """Return the reason phrase of a status: from `overrides`, else the usual one; empty if there is none."""
    if status in overrides:
        return overrides[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return GATEWAY_PHRASES.get(status, "")


# The phrases of statuses that no RFC defines: nginx's 499, Cloudflare's 520 to 526, and 529 of overloaded services.
GATEWAY_PHRASES = {
    499: "Client Closed Request",
    520: "Web Server Returned an Unknown Error",
    521: "Web Server Is Down",
    522: "Connection Timed Out",
    523: "Origin Is Unreachable",
    524: "A Timeout Occurred",
    525: "SSL Handshake Failed",
    526: "Invalid SSL Certificate",
    529: "Site Is Overloaded",
}


def is_header_name(name: str) -> bool:
    """Return whether a text is a valid name of a header."""
    return _TOKEN.fullmatch(name) is not None


def check_header_name(name: str) -> str:
    """Return a header's name in lower case. Raises ValueError if it is not valid."""
    if not is_header_name(name):
        raise ValueError(f"found the header name {name!r}, expected letters, digits and '-'")
    return name.lower()


def check_response_header_name(name: str) -> str:
    """Return the name of a response header in lower case. Raises ValueError if the server itself sets this header."""
    if name.lower() in _FRAMING_HEADERS:
        raise ValueError(
            f"found {name}, which the server sets itself; leave it out"
            " (the faults truncated and malformed_chunk send a wrong one)"
        )
    return check_header_name(name)


def index_headers(headers: Iterable[Header]) -> dict[str, str]:
    """Return headers by their names in lower case."""
    return {name.lower(): value for name, value in headers}


def remove_headers(headers: Iterable[Header], names: Container[str]) -> tuple[Header, ...]:
    """Return the headers without those of these names (in lower case)."""
    return tuple(header for header in headers if header[0].lower() not in names)


def add_content_length(answer: Answer) -> Answer:
    """Return the answer with a Content-Length if its body is complete and not streamed.

    An answer with another ending is returned unchanged: its frames are not the body that its headers describe.
    """
    if answer.status in _STATUSES_WITHOUT_BODY:
        return replace(answer, frames=()) if answer.frames else answer
    if answer.streamed or answer.ending is not Ending.FINISH:
        return answer
    headers = answer.headers
    if headers.has_content_length if type(headers) is HeaderBlock else _has_content_length(headers):
        return answer
    length = sum([len(frame.data) for frame in answer.frames])
    return answer.with_header_lines(CONTENT_LENGTH_LINE % length)


def _has_content_length(headers: Sequence[Header]) -> bool:
    return any(len(name) == _LENGTH_NAME_SIZE and name.lower() == "content-length" for name, _ in headers)
