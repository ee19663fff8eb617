"""Functions from frames to frames: splitting a body and changing a part of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from mockserver.wire.answer import Frame
from mockserver.wire.sse import (
    encode_sse_event,
    find_event_data,
    is_last_event,
    parse_sse_event,
    split_event_type,
)

Frames = tuple[Frame, ...]
FrameSplit = tuple[Frames, Frames]

_SEGMENT_DELAY = 0.002  # seconds between two halves of a frame, enough for a segment of its own
_MULTIBYTE = re.compile(rb"[\xc2-\xf4](?=[\x80-\xbf])")


def split_after_chunks(frames: Frames, count: int) -> FrameSplit | None:
    """Split after `count` chunks; None if there are fewer.

    After the last chunk with content, the other events count as well: finish reason, usage, `[DONE]`.
    """
    if count == 0:
        return (), frames
    last = max((index for index, frame in enumerate(frames) if frame.chunk), default=-1)
    for index, frame in enumerate(frames):
        count -= frame.chunk or (index > last and find_event_data(frame.data) is not None)
        if count == 0:
            return frames[: index + 1], frames[index + 1 :]
    return None


def split_after_bytes(frames: Frames, count: int) -> FrameSplit | None:
    """Split after `count` bytes, inside a frame if necessary; None if there are fewer."""
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
    """Yield frames of the same lengths and waits, filled with `filler`."""
    for frame in frames:
        length = len(frame.data)
        yield replace(frame, data=(filler * (length // len(filler) + 1))[:length])


def join_frames(frames: Iterable[Frame]) -> bytes:
    """Return the data of all frames."""
    return b"".join(frame.data for frame in frames)


def take_first_half(data: bytes) -> bytes:
    """Return the first half of the data, rounded down."""
    return data[: len(data) // 2]


def spread_json_over_lines(data: bytes) -> bytes:
    """Return a JSON object on three lines; a newline next to a brace is insignificant white space."""
    is_object = len(data) > 1 and data[:1] == b"{" and data[-1:] == b"}"
    return b"\n".join((data[:1], data[1:-1], data[-1:])) if is_object else data


def map_events(frames: Iterable[Frame], encode: Callable[[bytes], bytes]) -> Iterator[Frame]:
    """Yield every frame that is one event with its payload encoded by `encode`; any other unchanged."""
    for frame in frames:
        event_type, text = split_event_type(frame.data)
        data = parse_sse_event(text)
        yield frame if data is None else replace(frame, data=event_type + encode(data))


def map_first_event(frames: Iterable[Frame], transform: Callable[[bytes], bytes]) -> Iterator[Frame]:
    """Yield the first event with its payload transformed, the rest unchanged."""
    transformed = False
    for frame in frames:
        event_type, text = split_event_type(frame.data)
        data = None if transformed or not frame.chunk else parse_sse_event(text)
        transformed = transformed or data is not None
        yield frame if data is None else replace(frame, data=event_type + encode_sse_event(transform(data)))


def insert_after_done(frames: Iterable[Frame], extra: Frame | None = None) -> Iterator[Frame]:
    """Yield the frames, with `extra` after the last event, or with that event a second time."""
    for frame in frames:
        yield frame
        if is_last_event(frame.data):
            yield extra or replace(frame, wait=0.0)


def throttle_frames(frames: Iterable[Frame], rate: float, size: int) -> Iterator[Frame]:
    """Yield pieces of `size` bytes at `rate` bytes per second, none before its frame was due."""
    due = sent_at = 0.0  # seconds at which the frame was due, and at which the piece before it is sent
    for frame in frames:
        due += frame.wait
        pieces = [frame.data[at : at + size] for at in range(0, len(frame.data), size)] or [b""]
        for number, piece in enumerate(pieces, 1):
            moment = max(due, sent_at) + len(piece) / rate
            yield Frame(piece, moment - sent_at, frame.chunk and number == len(pieces))
            sent_at = moment


def halve_frames(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield every frame in two halves, split inside its first multi-byte character or in the middle."""
    borrowed = 0.0  # the delay added for the second half, subtracted from the next frame's wait if possible
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
