"""The content chunks that a client of a stream receives before it ends or cannot be read."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from mockserver.wire.answer import Answer, index_headers
from mockserver.wire.sse import DONE_DATA, find_event_data

_ANY_HEADER = 47  # zlib's window bits for gzip and zlib


def count_received_chunks(answer: Answer) -> int:
    """Return the number of chunks with content before the end, an error or invalid JSON."""
    return sum(1 for event in _iter_events(answer) if _has_content(event))


def has_bare_event(answer: Answer) -> bool:
    """Return whether an event of a stream has no `choices`, so that they are None in the SDK."""
    return answer.streamed and any("choices" not in event for event in _iter_events(answer))


def _iter_events(answer: Answer) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of the complete events, up to the first that is none or has an error."""
    text = _decode_body(answer).replace(b"\r\n", b"\n")
    *events, _ = text.split(b"\n\n")
    for event in events:
        data = find_event_data(event)
        if data is None:
            continue
        if data.startswith(DONE_DATA):
            return
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            return
        if not isinstance(value, dict) or value.get("error"):
            return
        yield value


def _decode_body(answer: Answer) -> bytes:
    body = b"".join([frame.data for frame in answer.frames if not frame.raw])
    if index_headers(answer.headers).get("content-encoding") != "gzip":
        return body
    try:
        return zlib.decompressobj(_ANY_HEADER).decompress(body)  # the first member, as clients do
    except zlib.error:
        return b""


def _has_content(event: dict[str, Any]) -> bool:
    return any(choice.get("delta", {}).get("content") for choice in event.get("choices") or ())
