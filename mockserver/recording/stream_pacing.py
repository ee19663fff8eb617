"""The pace of a recorded stream: its time to the first token, its tokens per second, and the pauses in its lines."""

from __future__ import annotations

from typing import Any

import orjson

from mockserver.recording.timed_events import TimedEvent, split_timed_events
from mockserver.wire.answer import Answer
from mockserver.wire.sse import split_event_type

_ANNOUNCEMENTS = (b"response.created", b"response.queued", b"response.in_progress")
_SHORTEST_PAUSE = 0.01  # seconds; shorter ones are the noise of the network


def measure_pacing(answer: Answer) -> dict[str, Any]:
    """Return the fields of `stream` that a stream of chunks has; none for a stream without noticeable pauses."""
    events = [event for event in split_timed_events(answer) if event.data is not None]
    content = [event.at for event in events if has_content(event)]
    pacing: dict[str, Any] = {}
    first = next((event.at for event in events if not _is_announcement(event)), 0.0)
    if first >= _SHORTEST_PAUSE:
        pacing["ttft"] = format_milliseconds(first)
    if len(content) > 1 and content[-1] - content[0] >= _SHORTEST_PAUSE:
        pacing["tps"] = float(f"{(len(content) - 1) / (content[-1] - content[0]):.3g}")
    return pacing


def _is_announcement(event: TimedEvent) -> bool:
    """Return whether an event of the Responses API precedes the output, which a stream's `ttft` does not delay."""
    return split_event_type(event.text)[0].partition(b":")[2].strip() in _ANNOUNCEMENTS


def write_event_lines(answer: Answer) -> list[Any]:
    """Return the lines of a stream for a raw response, with its noticeable pauses."""
    lines: list[Any] = []
    at = answer.wait
    for event in split_timed_events(answer):
        if event.at - at >= _SHORTEST_PAUSE:
            lines.append({"delay": format_milliseconds(event.at - at)})
        at = event.at
        lines += event.text.decode(errors="replace").removesuffix("\n").split("\n")
    return lines or [""]


def format_milliseconds(seconds: float) -> str:
    """Return a time as a duration of fixtures, in whole milliseconds."""
    return f"{round(seconds * 1000)}ms"


def has_content(event: TimedEvent) -> bool:
    """Return whether an event adds something to a message: a chunk, or an event of the Responses API."""
    try:
        payload = orjson.loads(event.data or b"")
        if "choices" not in payload:
            return bool(payload["type"].endswith(".delta"))
        choices = payload["choices"]
        return any(value for choice in choices for name, value in choice["delta"].items() if name != "role")
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
