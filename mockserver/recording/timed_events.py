"""The events of a recorded stream, each with the time at which it was complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from mockserver.wire.answer import Answer
from mockserver.wire.sse import DONE_DATA, find_event_data

_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class TimedEvent(NamedTuple):
    """The bytes of one event with the blank line after it, its data (None without), and its time in seconds.

    The time counts from the request. The bytes after the last blank line are an event, too.
    """

    at: float
    text: bytes
    data: bytes | None

    @property
    def is_comment(self) -> bool:
        """Return whether a reader ignores the event: a comment, or an empty one."""
        return self.data is None and all(line[:1] in (b":", b"") for line in self.text.splitlines())


def split_timed_events(answer: Answer) -> list[TimedEvent]:
    """Return the events of a stream, however its bytes are spread over frames."""
    return list(_iterate_events(answer))


def parse_chunks(events: list[TimedEvent]) -> list[bytes]:
    """Return the data of all events but `[DONE]`."""
    return [event.data for event in events if event.data is not None and event.data != DONE_DATA]


def _iterate_events(answer: Answer) -> Iterator[TimedEvent]:
    at, rest = answer.wait, b""
    for frame in answer.frames:
        at += frame.wait
        rest += frame.data
        start = 0
        for end in _EVENT_END.finditer(rest):
            text = rest[start : end.end()]
            yield TimedEvent(at, text, find_event_data(text))
            start = end.end()
        rest = rest[start:]
    if rest:
        yield TimedEvent(at, rest, None)
