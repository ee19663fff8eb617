"""The point at which a fault applies, and an answer split there into the part sent before and the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from mockserver.errors import ApiError
from mockserver.wire.answer import Answer, Ending, Frame, add_content_length, remove_headers
from mockserver.wire.frames import Frames, FrameSplit, overwrite_frames, split_after_bytes, split_after_chunks
from mockserver.wire.sse import (
    DONE_DATA,
    LAST_EVENT_TYPES,
    encode_sse_event,
    find_event_data,
    is_last_event,
)

FaultPointUnit = Literal["chunks", "bytes", "time"]
Landmark = Literal["finish", "usage", "done", "end"]
ErrorAnswerFactory = Callable[[ApiError], Answer]
ErrorEventEncoder = Callable[
    [bytes, int], bytes
]  # of the body of an error, and the number of events before it


def encode_error_data(body: bytes, _: int) -> bytes:
    """Encode the body of an error as an event of a stream of chunks."""
    return encode_sse_event(body)


@dataclass(frozen=True, slots=True)
class FaultPoint:
    """A position in an answer: after `amount` chunks, bytes of body or seconds, or at a landmark.

    The landmarks of a stream are before the chunk with the finish reason, before that with the usage, and before
    `[DONE]`, or before the last typed event of the Responses API; `end` is after the last byte of any answer.
    """

    unit: FaultPointUnit | Landmark
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class SplitAnswer:
    """An answer split at a fault point, with what the fault may use: the vendor's error bodies, a rate.

    `answer` is the complete answer with its final headers. `before_head` is true if the status line is not sent
    yet (it follows after `wait` seconds); otherwise the head must not change. `inside_frame` is true if the point
    is inside a frame. `rate` is in bytes per second; `status` is that of an error, None for the usual one.
    """

    answer: Answer
    sent: Frames
    rest: Frames
    error_answer: ErrorAnswerFactory
    rate: float
    status: int | None
    wait: float
    before_head: bool = False
    inside_frame: bool = False
    encode_error: ErrorEventEncoder = encode_error_data

    def continue_with(self, rest: Iterable[Frame]) -> Answer:
        """Return the answer with the part already sent, then these frames."""
        return replace(self.answer, frames=(*self.sent, *rest))

    def drop_connection(self, ending: Ending, *last: Frame) -> Answer:
        """Return the answer with the part already sent, then this ending; without a head if none is sent yet."""
        head = self.answer.head and not self.before_head
        return replace(self.continue_with(last), wait=self.wait, ending=ending, head=head)

    def split_events(self) -> FrameSplit:
        """Return the rest as the remainder of a partly sent event and the complete events after it."""
        whole = 1 if self.inside_frame else 0
        return self.rest[:whole], self.rest[whole:]

    def replace_body(self, body: bytes) -> Answer:
        """Return the answer with another plain body and its Content-Length. Only valid before the head is sent."""
        wait = self.rest[0].wait if self.rest else 0.0
        return add_content_length(
            replace(
                self.answer,
                headers=remove_headers(self.answer.headers, (CONTENT_LENGTH,)),
                frames=(Frame(body, wait),),
            )
        )

    def fill_rest(self, filler: bytes) -> Answer:
        """Return the answer with the rest of a plain body overwritten; its length is already sent, so it is kept."""
        return self.continue_with(overwrite_frames(self.rest, filler))


def split_answer(
    answer: Answer,
    point: FaultPoint | None,
    error_answer: ErrorAnswerFactory,
    rate: float,
    status: int | None = None,
) -> SplitAnswer | None:
    """Split an answer at the point (None: before the head). Return None if the answer does not have it."""
    whole = tuple(answer.frames)
    answer = add_content_length(replace(answer, frames=whole))
    start = SplitAnswer(answer, (), whole, error_answer, rate, status, answer.wait)
    if point is None:
        return replace(start, before_head=True)
    if point.unit == "time":
        return _split_after_seconds(start, point.amount)
    parts = _split_frames(whole, point)
    if parts is None:
        return None
    sent, rest = parts
    return replace(start, sent=sent, rest=rest, inside_frame=len(sent) + len(rest) > len(whole))


def _split_frames(frames: Frames, point: FaultPoint) -> FrameSplit | None:
    """Split frames at a point that is not a time; None if there is no such point."""
    match point.unit:
        case "chunks":
            return split_after_chunks(frames, int(point.amount))
        case "bytes":
            return split_after_bytes(frames, int(point.amount))
        case "end":
            return frames, ()
    index = _LANDMARK_FINDERS[point.unit](frames)
    return None if index is None else (frames[:index], frames[index:])


def _find_finish(frames: Frames) -> int | None:
    """Return the index of the first chunk with a finish reason; if all are empty texts, of the last such chunk."""
    found: int | None = None
    for index, payload in _parse_payloads(frames):
        choices = payload.get("choices")
        reasons = [
            choice["finish_reason"]
            for choice in (choices if isinstance(choices, list) else ())
            if isinstance(choice, dict) and choice.get("finish_reason") is not None
        ]
        if any(reasons) or payload.get("type") in LAST_EVENT_TYPES:
            return index
        found = index if reasons else found
    return found


def _find_usage(frames: Frames) -> int | None:
    """Return the index of the last chunk with a usage."""
    found = [
        index
        for index, payload in _parse_payloads(frames)
        if payload.get("usage") is not None or payload.get("type") in LAST_EVENT_TYPES
    ]
    return found[-1] if found else None


def _find_done(frames: Frames) -> int | None:
    """Return the index of `[DONE]`, or of the last typed event in a stream without it."""
    data = [find_event_data(frame.data) for frame in frames]
    if DONE_DATA in data:
        return data.index(DONE_DATA)
    return next((index for index, frame in enumerate(frames) if is_last_event(frame.data)), None)


def _parse_payloads(frames: Frames) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the JSON object of each event with its index."""
    for index, frame in enumerate(frames):
        try:
            payload = orjson.loads(find_event_data(frame.data) or b"null")
        except orjson.JSONDecodeError:
            continue
        if isinstance(payload, dict):
            yield index, payload


_LANDMARK_FINDERS: Mapping[str, Callable[[Frames], int | None]] = {
    "finish": _find_finish,
    "usage": _find_usage,
    "done": _find_done,
}


def _split_after_seconds(start: SplitAnswer, moment: float) -> SplitAnswer | None:
    """Split at `moment` seconds; a frame due at exactly that moment belongs to the rest."""
    answer = start.answer
    if moment <= answer.wait:
        return replace(start, wait=moment, before_head=True)
    due = answer.wait
    for index, frame in enumerate(answer.frames):
        if due + frame.wait >= moment:
            sent = (*answer.frames[:index], _silent_frame(moment - due))
            delayed = replace(frame, wait=due + frame.wait - moment)
            return replace(start, sent=sent, rest=(delayed, *answer.frames[index + 1 :]))
        due += frame.wait
    if answer.ending is Ending.HANG:  # it never ends by itself, so that every moment is inside it
        return replace(start, sent=(*answer.frames, _silent_frame(moment - due)), rest=())
    return None


def _silent_frame(seconds: float) -> Frame:
    return Frame(b"", seconds, chunk=False)


CONTENT_LENGTH = "content-length"
