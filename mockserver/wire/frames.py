"""Frames in, frames out: where a body is divided, and what can be done to a part of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from mockserver.wire.answer import Frame
from mockserver.wire.sse import DONE_EVENT, encode_sse_event, parse_sse_event

Frames = tuple[Frame, ...]
FrameSplit = tuple[Frames, Frames]

_SEGMENT_DELAY = 0.002  # seconds between two halves of a frame, enough for a segment of its own
_MULTIBYTE = re.compile(rb"[\xc2-\xf4](?=[\x80-\xbf])")


def split_after_chunks(frames: Frames, count: int) -> FrameSplit | None:
    """Right after the last of so many chunks; None where there are fewer."""
    if count == 0:
        return (), frames
    for index, frame in enumerate(frames, 1):
        count -= frame.chunk
        if count == 0:
            return frames[:index], frames[index:]
    return None


def split_after_bytes(frames: Frames, count: int) -> FrameSplit | None:
    """Right after so many bytes, through a frame if need be; None where there are fewer."""
    if count == 0:
        return (), frames
    for index, frame in enumerate(frames):
        size = len(frame.data)
        if count < size:
            first = Frame(frame.data[:count], frame.wait, chunk=False)
            second = replace(frame, data=frame.data[count:], wait=0.0)
            return (*frames[:index], first), (second, *frames[index + 1 :])
        count -= size
        if count == 0:
            return frames[: index + 1], frames[index + 1 :]
    return None


def overwrite_frames(frames: Iterable[Frame], filler: bytes) -> Iterator[Frame]:
    """Something else in their place, as long as they were."""
    for frame in frames:
        length = len(frame.data)
        yield replace(frame, data=(filler * (length // len(filler) + 1))[:length])


def join_frames(frames: Iterable[Frame]) -> bytes:
    return b"".join(frame.data for frame in frames)


def take_first_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def spread_json_over_lines(data: bytes) -> bytes:
    """JSON on three lines; between its braces a newline is only blank space."""
    whole = len(data) > 1 and data[:1] == b"{" and data[-1:] == b"}"
    return b"\n".join((data[:1], data[1:-1], data[-1:])) if whole else data


def map_events(frames: Iterable[Frame], encode: Callable[[bytes], bytes]) -> Iterator[Frame]:
    """Every frame that is one event, said otherwise; any other as it is."""
    for frame in frames:
        data = parse_sse_event(frame.data)
        yield frame if data is None else replace(frame, data=encode(data))


def map_first_event(frames: Iterable[Frame], transform: Callable[[bytes], bytes]) -> Iterator[Frame]:
    """The first event with its payload spoiled, the rest as it is."""
    spoiled = False
    for frame in frames:
        data = None if spoiled or not frame.chunk else parse_sse_event(frame.data)
        spoiled = spoiled or data is not None
        yield frame if data is None else replace(frame, data=encode_sse_event(transform(data)))


def insert_after_done(frames: Iterable[Frame], extra: Frame) -> Iterator[Frame]:
    for frame in frames:
        yield frame
        if frame.data == DONE_EVENT:
            yield extra


def throttle_frames(frames: Iterable[Frame], rate: float, size: int) -> Iterator[Frame]:
    """Pieces as a slow line brings them: none before its own time, none faster than the line."""
    due = spoken = 0.0  # when the frame was to be said, and when the piece before it was
    for frame in frames:
        due += frame.wait
        pieces = [frame.data[at : at + size] for at in range(0, len(frame.data), size)] or [b""]
        for number, piece in enumerate(pieces, 1):
            moment = max(due, spoken) + len(piece) / rate
            yield Frame(piece, moment - spoken, frame.chunk and number == len(pieces))
            spoken = moment


def halve_frames(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Every frame in two segments: inside its first character of several bytes, or in its middle."""
    borrowed = 0.0  # what the second half took, given back by the next frame's wait as far as it has one
    for frame in frames:
        wait = max(0.0, frame.wait - borrowed)
        found = _MULTIBYTE.search(frame.data)
        at = found.end() if found else len(frame.data) // 2
        borrowed = _SEGMENT_DELAY if at else 0.0
        if at:
            yield replace(frame, data=frame.data[:at], wait=wait or _SEGMENT_DELAY, chunk=False)
            yield replace(frame, data=frame.data[at:], wait=_SEGMENT_DELAY)
        else:
            yield replace(frame, wait=wait)
