"""Where a fault strikes: an answer, divided into what was heard before and what was to follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from mockserver.errors import ApiError
from mockserver.wire import frames
from mockserver.wire.answer import Answer, Ending, Frame, settled
from mockserver.wire.frames import Division, Frames

Unit = Literal["chunks", "bytes", "time"]
Refuse = Callable[[ApiError], Answer]


@dataclass(frozen=True, slots=True)
class After:
    """A point: after so many chunks, bytes of body, or seconds."""

    unit: Unit
    amount: float


@dataclass(frozen=True, slots=True)
class Strike:
    """An answer at the point where a fault strikes, and what the fault may use: the vendor's words, a rate.

    `answer` is whole and settled. `early` says that the status line is still to come, after a silence of
    `wait` seconds; later, nothing of the head may change. `split` says that the point is inside a frame.
    """

    answer: Answer
    heard: Frames
    rest: Frames
    refuse: Refuse
    rate: float
    wait: float
    early: bool = False
    split: bool = False

    def go_on(self, rest: Iterable[Frame]) -> Answer:
        """The answer as it was so far, then these frames."""
        return replace(self.answer, frames=(*self.heard, *rest))

    def drop(self, ending: Ending, *last: Frame) -> Answer:
        """The answer as it was so far, then the end of it; without a head where none is out yet."""
        head = self.answer.head and not self.early
        return replace(self.go_on(last), wait=self.wait, ending=ending, head=head)

    def events(self) -> Division:
        """What follows, as the end of an event that has begun and the whole ones after it."""
        whole = 1 if self.split else 0
        return self.rest[:whole], self.rest[whole:]

    def anew(self, body: bytes) -> Answer:
        """Another body in the place of a plain one, with its own length: nothing of the head may be out."""
        wait = self.rest[0].wait if self.rest else 0.0
        return settled(
            replace(self.answer, headers=without(self.answer, LENGTH), frames=(Frame(body, wait),))
        )

    def fill(self, filler: bytes) -> Answer:
        """Something else where the rest of a plain body was: its length is out already, and is kept."""
        return self.go_on(frames.filled(self.rest, filler))


def find(answer: Answer, after: After | None, refuse: Refuse, rate: float) -> Strike | None:
    """The strike at that point, at once without one; None where the answer is over before it."""
    whole = tuple(answer.frames)
    answer = settled(replace(answer, frames=whole))
    begun = Strike(answer, (), whole, refuse, rate, answer.wait)
    if after is None:
        return replace(begun, early=True)
    if after.unit == "time":
        return _after_seconds(begun, after.amount)
    divide = frames.after_chunks if after.unit == "chunks" else frames.after_bytes
    divided = divide(whole, int(after.amount))
    if divided is None:
        return None
    heard, rest = divided
    split = len(heard) + len(rest) > len(whole)
    return replace(begun, heard=heard, rest=rest, split=split)


def _after_seconds(begun: Strike, moment: float) -> Strike | None:
    """What was to be said at that very moment is not said."""
    answer = begun.answer
    if moment <= answer.wait:
        return replace(begun, wait=moment, early=True)
    due = answer.wait
    for index, frame in enumerate(answer.frames):
        if due + frame.wait >= moment:
            heard = (*answer.frames[:index], _silence(moment - due))
            late = replace(frame, wait=due + frame.wait - moment)
            return replace(begun, heard=heard, rest=(late, *answer.frames[index + 1 :]))
        due += frame.wait
    if answer.ending is Ending.HANG:  # there is time enough
        return replace(begun, heard=(*answer.frames, _silence(moment - due)), rest=())
    return None


def _silence(seconds: float) -> Frame:
    return Frame(b"", seconds, chunk=False)


def without(answer: Answer, name: str) -> tuple[tuple[str, str], ...]:
    """The headers but that one."""
    return tuple(header for header in answer.headers if header[0].lower() != name)


LENGTH = "content-length"
