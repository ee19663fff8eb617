"""Whatever the client will hear is a value: a status, headers, timed frames and an ending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from http import HTTPStatus

from mockserver.value import value
from mockserver.wire import lines
from mockserver.wire.lines import Header, Lines, encoded

# RFC 9110, 6.4.1: these have no body and no content-length, whatever was written for them.
_LENGTH = len("content-length")
_BODILESS = frozenset({204, 304})


class Ending(Enum):
    """What happens when the last frame is out."""

    FINISH = "finish"  # the message is complete; the connection may be used again
    CLOSE = "close"  # the connection is closed (FIN), whether or not the message is complete
    RESET = "reset"  # the connection is aborted (RST)
    HANG = "hang"  # silence, with the connection open, until the client leaves


@value
class Frame:
    """A piece of the body, and the silence before it in seconds; without data it is the silence alone.

    `chunk` says whether it is one of the pieces that a person counts ("after three chunks"). A `raw` frame
    goes to the socket as it is, outside HTTP's framing; nothing but a dropped connection can follow it.
    """

    data: bytes
    wait: float = 0.0
    chunk: bool = True
    raw: bool = False


@value
class Answer:
    """One whole answer. `wait` is the silence in seconds before the status line.

    A `streamed` body goes out in HTTP chunks; any other is sent under its content-length, which `settled`
    adds. Without `head` there is no status line and no headers: what is heard is raw, or nothing.
    """

    status: int
    headers: Sequence[Header]
    frames: Sequence[Frame] = ()
    wait: float = 0.0
    ending: Ending = Ending.FINISH
    streamed: bool = False
    head: bool = True

    def adding(self, *more: bytes) -> Answer:
        """The answer with these lines after its own headers."""
        own = self.headers if type(self.headers) is Lines else encoded(self.headers)
        headers = (*self.headers, *Lines(more)) if own is None else own.adding(more)
        return Answer(self.status, headers, self.frames, self.wait, self.ending, self.streamed, self.head)

    @property
    def bodiless(self) -> bool:
        return self.status in _BODILESS


def phrase(status: int, own: Mapping[int, str]) -> str:
    """A status in words: its own, or the standard's; nothing where neither knows it."""
    if status in own:
        return own[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def settled(answer: Answer) -> Answer:
    """The answer with the headers it goes out with: a body that is whole and not streamed tells its length.

    An answer with another ending is left alone: its frames are not the body that its headers speak of.
    """
    if answer.bodiless:
        return replace(answer, frames=()) if answer.frames else answer
    if answer.streamed or answer.ending is not Ending.FINISH or _tells_length(answer.headers):
        return answer
    length = sum([len(frame.data) for frame in answer.frames])
    return answer.adding(lines.length(length))


def _tells_length(headers: Sequence[Header]) -> bool:
    if type(headers) is Lines:
        return headers.tell_length
    return any(len(name) == _LENGTH and name.lower() == "content-length" for name, _ in headers)
