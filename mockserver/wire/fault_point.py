"""Where a fault strikes: an answer, divided into what was heard before and what was to follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from mockserver.errors import ApiError
from mockserver.wire.answer import Answer, Ending, Frame, add_content_length
from mockserver.wire.frames import Frames, FrameSplit, overwrite_frames, split_after_bytes, split_after_chunks

FaultPointUnit = Literal["chunks", "bytes", "time"]
ErrorAnswerFactory = Callable[[ApiError], Answer]


@dataclass(frozen=True, slots=True)
class FaultPoint:
    """A point: after so many chunks, bytes of body, or seconds."""

    unit: FaultPointUnit
    amount: float


@dataclass(frozen=True, slots=True)
class SplitAnswer:
    """An answer at the point where a fault strikes, and what the fault may use: the vendor's words, a rate.

    `answer` is whole and settled. `early` says that the status line is still to come, after a silence of
    `wait` seconds; later, nothing of the head may change. `split` says that the point is inside a frame.
    """

    answer: Answer
    sent: Frames
    rest: Frames
    error_answer: ErrorAnswerFactory
    rate: float
    wait: float
    before_head: bool = False
    inside_frame: bool = False

    def continue_with(self, rest: Iterable[Frame]) -> Answer:
        """The answer as it was so far, then these frames."""
        return replace(self.answer, frames=(*self.sent, *rest))

    def drop_connection(self, ending: Ending, *last: Frame) -> Answer:
        """The answer as it was so far, then the end of it; without a head where none is out yet."""
        head = self.answer.head and not self.before_head
        return replace(self.continue_with(last), wait=self.wait, ending=ending, head=head)

    def split_events(self) -> FrameSplit:
        """What follows, as the end of an event that has begun and the whole ones after it."""
        whole = 1 if self.inside_frame else 0
        return self.rest[:whole], self.rest[whole:]

    def replace_body(self, body: bytes) -> Answer:
        """Another body in the place of a plain one, with its own length: nothing of the head may be out."""
        wait = self.rest[0].wait if self.rest else 0.0
        return add_content_length(
            replace(
                self.answer, headers=remove_header(self.answer, CONTENT_LENGTH), frames=(Frame(body, wait),)
            )
        )

    def fill_rest(self, filler: bytes) -> Answer:
        """Something else where the rest of a plain body was: its length is out already, and is kept."""
        return self.continue_with(overwrite_frames(self.rest, filler))


def split_answer(
    answer: Answer, point: FaultPoint | None, error_answer: ErrorAnswerFactory, rate: float
) -> SplitAnswer | None:
    """The strike at that point, at once without one; None where the answer is over before it."""
    whole = tuple(answer.frames)
    answer = add_content_length(replace(answer, frames=whole))
    begun = SplitAnswer(answer, (), whole, error_answer, rate, answer.wait)
    if point is None:
        return replace(begun, before_head=True)
    if point.unit == "time":
        return _split_after_seconds(begun, point.amount)
    divide = split_after_chunks if point.unit == "chunks" else split_after_bytes
    divided = divide(whole, int(point.amount))
    if divided is None:
        return None
    heard, rest = divided
    split = len(heard) + len(rest) > len(whole)
    return replace(begun, sent=heard, rest=rest, inside_frame=split)


def _split_after_seconds(start: SplitAnswer, moment: float) -> SplitAnswer | None:
    """What was to be said at that very moment is not said."""
    answer = start.answer
    if moment <= answer.wait:
        return replace(start, wait=moment, before_head=True)
    due = answer.wait
    for index, frame in enumerate(answer.frames):
        if due + frame.wait >= moment:
            heard = (*answer.frames[:index], _silent_frame(moment - due))
            late = replace(frame, wait=due + frame.wait - moment)
            return replace(start, sent=heard, rest=(late, *answer.frames[index + 1 :]))
        due += frame.wait
    if answer.ending is Ending.HANG:  # there is time enough
        return replace(start, sent=(*answer.frames, _silent_frame(moment - due)), rest=())
    return None


def _silent_frame(seconds: float) -> Frame:
    return Frame(b"", seconds, chunk=False)


def remove_header(answer: Answer, name: str) -> tuple[tuple[str, str], ...]:
    """The headers but that one."""
    return tuple(header for header in answer.headers if header[0].lower() != name)


CONTENT_LENGTH = "content-length"
