"""The events of a stream of the Responses API, in OpenAI's order.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import orjson

from mockserver.fixtures.response_spec import StreamPacing, StreamPause
from mockserver.rendering.choices import RenderedChoice
from mockserver.rendering.pacing import (
    MAX_STREAM_CHUNKS,
    LazyRandom,
    draw_interval,
    iterate_with_waits,
    split_bounded,
)
from mockserver.rendering.responses_output import JsonObject, OutputItem, OutputPart, ResponsesOutput
from mockserver.wire.answer import Frame
from mockserver.wire.sse import encode_typed_event

Event = tuple[str, JsonObject]


class EventWriter:
    """The writer of one stream: it numbers the events and sums up the waits before them."""

    def __init__(
        self,
        output: ResponsesOutput,
        choice: RenderedChoice,
        pacing: StreamPacing,
        tokenizer: str,
        rng: LazyRandom,
    ) -> None:
        self._output = output
        self._texts = choice.chunks
        self._pacing = pacing
        self._rng = rng
        chunk = tokenizer if pacing.chunk in (None, "token") else pacing.chunk
        self._split: Callable[[str], list[str]] = partial(
            split_bounded, chunk=chunk, max_chunks=MAX_STREAM_CHUNKS
        )
        self._number = 0  # of the next event
        self._wait = 0.0
        self._has_delta = False

    def frames(self) -> Iterator[Frame]:
        """Yield all events; only deltas count as chunks in fault points."""
        start = self._output.fill_start()
        for name in ("response.created", "response.in_progress"):
            yield self._encode(name, {"response": start})
        if self._pacing.ttft:
            self._wait += self._pacing.ttft.draw(self._rng)
        for index, item in enumerate(self._output.items):
            yield from self._item_frames(item, index)
        yield self._encode(f"response.{self._output.status}", {"response": self._output.fill_body()})

    def _item_frames(self, item: OutputItem, index: int) -> Iterator[Frame]:
        yield self._encode("response.output_item.added", {"output_index": index, "item": item.added})
        for part_index, part in enumerate(item.parts):
            yield from self._part_frames(part, item.whole["id"], index, part_index)
        yield self._encode("response.output_item.done", {"output_index": index, "item": item.whole})

    def _part_frames(self, part: OutputPart, id_: str, index: int, part_index: int) -> Iterator[Frame]:
        names = _PART_EVENTS[part.kind]
        place: JsonObject = {"item_id": id_, "output_index": index}
        if part.empty is not None:
            place[names["index"]] = part_index
            yield self._encode(names["added"], {**place, "part": part.empty})
        extra: JsonObject = {"logprobs": []} if part.kind == "text" else {}
        for wait, text in self._iterate_deltas(part):
            self._wait += wait
            if text is not None:
                yield self._encode(names["delta"], {**place, "delta": text, **extra}, chunk=True)
        yield self._encode(names["done"], {**place, names["field"]: part.text, **extra})
        if part.whole is not None:
            yield self._encode(names["part_done"], {**place, "part": part.whole})

    def _iterate_deltas(self, part: OutputPart) -> Iterator[tuple[float, str | None]]:
        """Yield the texts of the deltas with the pause before each; a final pause has None as its text."""
        own: tuple[str | StreamPause, ...] | None = self._texts if part.kind == "text" else None
        for pause, text in iterate_with_waits(self._split(part.text) if own is None else own, self._rng):
            interval = draw_interval(self._pacing, self._rng) if self._has_delta else 0.0
            self._has_delta = True
            yield pause + interval, text

    def _encode(self, name: str, fields: JsonObject, *, chunk: bool = False) -> Frame:
        payload = {"type": name, "sequence_number": self._number, **fields}
        frame = Frame(encode_typed_event(name, orjson.dumps(payload)), self._wait, chunk)
        self._number += 1
        self._wait = 0.0
        return frame


def encode_error_event(body: bytes, sequence_number: int) -> bytes:
    """Return the event of an error in the midst of a stream; `body` is the vendor's error."""
    event = {"type": "error", **_find_error_fields(body), "sequence_number": sequence_number}
    return encode_typed_event("error", orjson.dumps(event))


def _find_error_fields(body: bytes) -> JsonObject:
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = body.decode(errors="replace")
    inner = value.get("error", value) if isinstance(value, dict) else value
    fields = inner if isinstance(inner, dict) else {"message": str(inner)}
    return {name: fields.get(name) for name in ("code", "message", "param")}


_PART_EVENTS: Final = {
    "summary": {
        "index": "summary_index",
        "added": "response.reasoning_summary_part.added",
        "delta": "response.reasoning_summary_text.delta",
        "done": "response.reasoning_summary_text.done",
        "field": "text",
        "part_done": "response.reasoning_summary_part.done",
    },
    "text": {
        "index": "content_index",
        "added": "response.content_part.added",
        "delta": "response.output_text.delta",
        "done": "response.output_text.done",
        "field": "text",
        "part_done": "response.content_part.done",
    },
    "refusal": {
        "index": "content_index",
        "added": "response.content_part.added",
        "delta": "response.refusal.delta",
        "done": "response.refusal.done",
        "field": "refusal",
        "part_done": "response.content_part.done",
    },
    "arguments": {
        "delta": "response.function_call_arguments.delta",
        "done": "response.function_call_arguments.done",
        "field": "arguments",
    },
}
