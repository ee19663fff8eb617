"""The line that is logged of each request: for a person, or for a program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

import orjson

from mockserver import duration
from mockserver.session.journal import Entry


class Log:
    """Lines of this `form`; those of one turn of the event loop are said together, for many may end in one."""

    def __init__(self, form: str, say: Callable[[str], None]) -> None:
        self._spell = LINES[form]
        self._say = say
        self._lines: list[str] = []

    def __call__(self, entry: Entry) -> None:
        """A request has ended."""
        self._lines.append(self._spell(entry))
        if len(self._lines) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Say what is still to be said."""
        if self._lines:
            said, self._lines = "\n".join(self._lines), []
            self._say(said)


@lru_cache(maxsize=2)
def _clock(second: int) -> str:
    return datetime.fromtimestamp(second).strftime("%H:%M:%S")


def _text(entry: Entry) -> str:
    parts = [
        _clock(int(entry.arrived)),
        entry.vendor or "-",
        entry.model[:40] or f"{entry.method} {entry.path[:80]}",
        "stream" if entry.stream else "json",
        str(entry.status or "none"),
        entry.fixture or "-",
    ]
    heard = entry.heard
    first = heard.first_byte if heard else None
    parts += [f"first {'-' if first is None else duration.spell(_rounded(first))}"]
    parts += [f"total {duration.spell(_rounded(heard.seconds if heard else 0.0))}"]
    parts += [heard.ended] if heard and heard.ended != "finished" else []
    parts.append(f"attempt {entry.attempt}")
    line = "  ".join(parts)
    return f"{line}\n          {entry.why}" if entry.why else line


def _json(entry: Entry) -> str:
    heard = entry.heard
    first = heard.first_byte if heard else None
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
        "fault": entry.fault or None,
        "first_byte_ms": None if first is None else round(first * 1000, 2),
        "total_ms": round(heard.seconds * 1000, 2) if heard else None,
        "ended": heard.ended if heard else None,
        "attempt": entry.attempt,
        "why": entry.why or None,
    }
    return orjson.dumps(line).decode()


def _rounded(seconds: float) -> float:
    return round(seconds, 4 if seconds < 0.01 else 3)


LINES: dict[str, Callable[[Entry], str]] = {"text": _text, "json": _json}
