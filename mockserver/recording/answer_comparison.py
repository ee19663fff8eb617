"""The comparison of a rendered answer with a recorded one, without the values that differ in every answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any

import orjson

from mockserver.recording.error_writer import is_time_field
from mockserver.recording.response_writer import merge_chunks
from mockserver.recording.timed_events import TimedEvent, parse_chunks, split_timed_events
from mockserver.wire.answer import Answer
from mockserver.wire.frames import join_frames
from mockserver.wire.sse import DONE_DATA


class AnswerComparison:
    """A rendered answer beside a recorded one. It is rendered twice, to find the values that are new in each answer."""

    def __init__(self, rendered: Answer, rendered_again: Answer, recorded: Answer) -> None:
        self._answers = rendered, rendered_again, recorded

    def has_same_bytes(self) -> bool:
        """Return whether both send the same JSON in the same events, apart from ids and times."""
        return self._compare(_read_documents)

    def has_same_message(self) -> bool:
        """Return whether a client that joins the chunks of both streams reads the same."""
        return self._compare(_read_merged_stream)

    def has_same_content(self) -> bool:
        """Return whether the rendered answer has all that the recorded one has; it may have more fields."""
        return self._compare(_read_content, may_have_more=True)

    def _compare(self, read: Callable[[Answer], Any], *, may_have_more: bool = False) -> bool:
        rendered, _, recorded = self._answers
        if (rendered.status, rendered.streamed) != (recorded.status, recorded.streamed):
            return False
        try:
            first, again, second = map(read, self._answers)
        except (ValueError, TypeError, KeyError, AttributeError):
            return False
        return is_same_json(first, again, second, may_have_more=may_have_more)


def is_same_json(
    first: Any, again: Any, second: Any, name: object = "", *, may_have_more: bool = False
) -> bool:
    """Return whether two values are the same but for parts that differ between `first` and `again`, and for times.

    The first one `may_have_more` fields than the second, which may have others that are empty.
    """
    if isinstance(first, dict) and isinstance(second, dict):
        if may_have_more:
            second = {
                key: value for key, value in second.items() if key in first or value not in (None, [], {})
            }
            first = {key: value for key, value in first.items() if key in second}
        return first.keys() == second.keys() and all(
            is_same_json(value, again[key], second[key], key, may_have_more=may_have_more)
            for key, value in first.items()
        )
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(
            is_same_json(*parts, may_have_more=may_have_more)
            for parts in zip(first, again, second, strict=True)
        )
    if type(first) is not type(second):
        return False
    return first == second or first != again or is_time_field(name)


def _read_documents(answer: Answer) -> Any:
    if not answer.streamed:
        return orjson.loads(join_frames(answer.frames))
    return [_load_data(event) for event in split_timed_events(answer) if not event.is_comment]


def _load_data(event: TimedEvent) -> Any:
    if event.data is None:
        raise ValueError("an event without data")
    try:
        return orjson.loads(event.data)
    except ValueError:
        return event.data.decode()


def _read_merged_stream(answer: Answer) -> Any:
    """Return the merged choices of a stream, its usage, and the other fields of its chunks. Raises ValueError."""
    events = split_timed_events(answer)
    chunks = [orjson.loads(data) for data in parse_chunks(events)]
    return {
        "choices": merge_chunks(chunks),
        "usage": [chunk["usage"] for chunk in chunks if chunk.get("usage")],
        "fields": _collect_distinct(_drop_names(chunk, _OWN_FIELDS) for chunk in chunks),
        "extras": _collect_distinct(_collect_extras(chunks)),
        "is_done": bool(events) and events[-1].data == DONE_DATA,
    }


def _read_content(answer: Answer) -> Any:
    """Return a JSON body, or the merged chunks of a stream with the fields of the first one."""
    if not answer.streamed:
        return _read_documents(answer)
    stream = _read_merged_stream(answer)
    return {**stream, "fields": stream["fields"][0]}


def _collect_extras(chunks: Iterable[Mapping[str, Any]]) -> Iterator[Any]:
    """Yield the fields of choices and deltas that merging ignores, such as log probabilities."""
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        delta = {name: value for name, value in choice["delta"].items() if not isinstance(value, str)}
        extra = {**_drop_names(choice, _CHOICE_FIELDS), **_drop_names(delta, _DELTA_FIELDS)}
        yield {name: value for name, value in extra.items() if value is not None}


def _drop_names(mapping: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name not in names}


def _collect_distinct(values: Iterable[Any]) -> list[Any]:
    """Return values without those that equal the one before."""
    return [value for value, _ in itertools.groupby(values)]


_OWN_FIELDS = ("choices", "usage")
_CHOICE_FIELDS = ("index", "delta", "finish_reason")
_DELTA_FIELDS = ("tool_calls",)
