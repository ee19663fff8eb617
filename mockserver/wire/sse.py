"""The only place that writes `data: `: an event stream is JSON in, lines out.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from collections.abc import Iterable

from mockserver.wire.answer import Answer, Frame

_FIELD = b"data:"


def event(data: bytes, *, space: bool = True) -> bytes:
    """One event. Data of several lines takes a field for each; the reader joins them with a newline."""
    start = _FIELD + b" " if space else _FIELD
    return b"".join(start + line + b"\n" for line in data.split(b"\n")) + b"\n"


def message(data: bytes, kind: str, number: int) -> bytes:
    """One event with its type, and the id that a reader names when it comes back."""
    return f"id: {number}\nevent: {kind}\n".encode() + event(data)


def comment(text: str) -> bytes:
    """A line that every reader skips, as servers send it to keep a connection alive."""
    return b"".join(b": " + line.encode() + b"\n" for line in text.split("\n")) + b"\n"


def payload(text: bytes) -> bytes | None:
    """What one event carries, the inverse of `event`; None where the text is anything but one event."""
    lines = text.removesuffix(b"\n\n").split(b"\n")
    if not text.endswith(b"\n\n") or not all(line.startswith(_FIELD) for line in lines):
        return None
    return b"\n".join(line.removeprefix(_FIELD).removeprefix(b" ") for line in lines)


def stream(
    payloads: Iterable[Frame],
    *,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (),
    wait: float = 0.0,
    done: bool = True,
) -> Answer:
    """An answer that says each payload as one event, with its wait, and then `[DONE]`.

    Every payload that is a chunk stays one; `[DONE]` is none.
    """
    frames = [Frame(event(frame.data), frame.wait, frame.chunk) for frame in payloads]
    if done:
        frames.append(Frame(DONE, chunk=False))
    return Answer(status, (*HEADERS, *headers), tuple(frames), wait, streamed=True)


DONE = event(b"[DONE]")
HEADERS = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
