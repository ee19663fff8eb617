"""What was asked and what was heard, one entry a request. Entries are written here and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from mockserver import duration
from mockserver.wire.playback import Heard


@dataclass(slots=True)
class Entry:
    """One request. Times are in seconds; `status` is 0 until it is decided, and when no status line was sent."""

    id: str
    vendor: str
    session: str
    method: str
    path: str
    model: str = ""
    stream: bool = False
    attempt: int = 0
    fixture: str = ""
    fault: str = ""  # that struck, with its point
    status: int = 0
    why: str = ""
    heard: Heard | None = None
    arrived: float = field(default_factory=time.time)


Report = Callable[[Entry], None]


class Journal:
    """Takes note of each request when it has ended, and reports it."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def record(self, entry: Entry, heard: Heard) -> None:
        entry.heard = heard
        self._report(entry)


def text(entry: Entry) -> str:
    """The line that a person reads."""
    parts = [
        datetime.fromtimestamp(entry.arrived).strftime("%H:%M:%S"),
        entry.vendor or "-",
        entry.model[:40] or f"{entry.method} {entry.path[:80]}",
        "stream" if entry.stream else "json",
        str(entry.status or "none"),
        entry.fixture or "-",
    ]
    if entry.heard is not None:
        first = entry.heard.first_byte
        parts += [f"first {'-' if first is None else duration.spell(_rounded(first))}"]
        parts += [f"total {duration.spell(_rounded(entry.heard.seconds))}"]
        parts += [entry.heard.ended] if entry.heard.ended != "finished" else []
    parts.append(f"attempt {entry.attempt}")
    line = "  ".join(parts)
    return f"{line}\n          {entry.why}" if entry.why else line


def json(entry: Entry) -> str:
    """The line that a program reads; times in milliseconds."""
    heard = entry.heard
    line = {
        "time": datetime.fromtimestamp(entry.arrived).astimezone().isoformat(timespec="milliseconds"),
        "id": entry.id,
        "session": entry.session,
        "vendor": entry.vendor,
        "model": entry.model,
        "method": entry.method,
        "path": entry.path,
        "stream": entry.stream,
        "status": entry.status,
        "fixture": entry.fixture or None,
        "first_byte_ms": round(heard.first_byte * 1000, 2)
        if heard and heard.first_byte is not None
        else None,
        "total_ms": round(heard.seconds * 1000, 2) if heard else None,
        "ended": heard.ended if heard else None,
        "attempt": entry.attempt,
        "why": entry.why or None,
    }
    return orjson.dumps(line).decode()


def _rounded(seconds: float) -> float:
    return round(seconds, 4 if seconds < 0.01 else 3)
