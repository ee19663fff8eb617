"""Encoding and parsing of server-sent events; the only module that writes and reads `data: ` lines.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mockserver.wire.answer import Answer, Frame

_DATA_FIELD = b"data:"
_EVENT_FIELD = b"event:"
LAST_EVENT_TYPES = ("response.completed", "response.incomplete", "response.failed")  # of the Responses API
_LAST_TYPES = tuple(f"event: {name}\n".encode() for name in LAST_EVENT_TYPES)


def encode_sse_event(data: bytes, *, space: bool = True) -> bytes:
    """Encode one event. Each line of the data gets its own field; a reader joins them with a newline."""
    start = _DATA_FIELD + b" " if space else _DATA_FIELD
    return b"".join(start + line + b"\n" for line in data.split(b"\n")) + b"\n"


def encode_sse_message(data: bytes, event_type: str, event_id: int) -> bytes:
    """Encode one event with its type and its id, which a reader sends as Last-Event-ID when it reconnects."""
    return f"id: {event_id}\nevent: {event_type}\n".encode() + encode_sse_event(data)


def encode_typed_event(event_type: str, data: bytes) -> bytes:
    """Encode one event with its type."""
    return f"event: {event_type}\n".encode() + encode_sse_event(data)


def encode_sse_comment(text: str) -> bytes:
    """Encode a comment, which every reader ignores; servers send one to keep a connection alive."""
    return b"".join(b": " + line.encode() + b"\n" for line in text.split("\n")) + b"\n"


def parse_sse_event(text: bytes) -> bytes | None:
    """Return the data of one event, the inverse of `encode_sse_event`; None if the text is not exactly one event."""
    lines = text.removesuffix(b"\n\n").split(b"\n")
    if not text.endswith(b"\n\n") or not all(line.startswith(_DATA_FIELD) for line in lines):
        return None
    return b"\n".join(line.removeprefix(_DATA_FIELD).removeprefix(b" ") for line in lines)


def split_event_type(text: bytes) -> tuple[bytes, bytes]:
    """Return the line with the type of an event, empty if it has none, and the rest."""
    if not text.startswith(_EVENT_FIELD):
        return b"", text
    line, end, rest = text.partition(b"\n")
    return line + end, rest


def is_last_event(text: bytes) -> bool:
    """Return whether an event says that a stream is complete: `[DONE]`, or the last event of the Responses API."""
    return text == DONE_EVENT or (text.startswith(_LAST_TYPES) and text.endswith(b"\n\n"))


def find_event_data(text: bytes) -> bytes | None:
    """Return the data of an event, also if the text has other fields or is a single line; None if it has no data."""
    fields = [line for line in text.splitlines() if line.startswith(_DATA_FIELD)]
    return (
        b"\n".join(line.removeprefix(_DATA_FIELD).removeprefix(b" ") for line in fields) if fields else None
    )


def replace_event_data(text: bytes, data: bytes) -> bytes:
    """Return an event with other data; its other fields, its comments and its line breaks stay as they are."""
    lines = text.splitlines(keepends=True)
    places = [number for number, line in enumerate(lines) if line.startswith(_DATA_FIELD)]
    first = lines[places[0]]
    line_break = first[len(first.rstrip(b"\r\n")) :]
    new = b"".join(_DATA_FIELD + b" " + line + line_break for line in data.split(b"\n"))
    rest = b"".join(line for number, line in enumerate(lines) if number > places[0] and number not in places)
    return b"".join(lines[: places[0]]) + new + rest


def transform_other_lines(text: bytes, transform: Callable[[bytes], bytes]) -> bytes:
    """Return an event whose lines without data are transformed: other fields, comments, and what is no field."""
    lines = text.splitlines(keepends=True)
    return b"".join(line if line.startswith(_DATA_FIELD) else transform(line) for line in lines)


def create_sse_answer(
    payloads: Iterable[Frame],
    *,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (),
    wait: float = 0.0,
    done: bool = True,
) -> Answer:
    """Return an answer that sends each payload as one event, after its wait, and then `[DONE]`.

    A payload keeps its `chunk` flag; `[DONE]` does not count as a chunk.
    """
    frames = [Frame(encode_sse_event(frame.data), frame.wait, frame.chunk) for frame in payloads]
    if done:
        frames.append(Frame(DONE_EVENT, chunk=False))
    return Answer(status, (*SSE_HEADERS, *headers), tuple(frames), wait, streamed=True)


DONE_DATA = b"[DONE]"
DONE_EVENT = encode_sse_event(DONE_DATA)
SSE_HEADERS = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
