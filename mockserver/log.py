"""The line that is logged of each request: for a person, or for a program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

import orjson

from mockserver import duration
from mockserver.call import Call
from mockserver.session.journal import Entry


class Log:
    """Lines of this `form`; those of one turn of the event loop are said together, for many may end in one."""

    def __init__(self, form: str, say: Callable[[str], None]) -> None:
        self._spell = LINES[form]
        self._say = say
        self._ended: list[Entry] = []

    def __call__(self, entry: Entry) -> None:
        """A request has ended."""
        self._ended.append(entry)
        if len(self._ended) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Say what is still to be said."""
        if self._ended:
            ended, self._ended = self._ended, []
            self._say("\n".join(map(self._spell, ended)))


@lru_cache(maxsize=2)
def _clock(second: int) -> str:
    return datetime.fromtimestamp(second).strftime("%H:%M:%S")


def _text(entry: Entry) -> str:
    heard, call = entry.heard, entry.kept
    first = total = "-"
    ended = ""
    if heard is not None:
        total = _time(round(heard.seconds * 10_000))
        first = total if heard.first_byte == heard.seconds else _first(heard.first_byte)
        ended = "" if heard.ended == "finished" else f"  {heard.ended}"
    asked = _asked(call) if call else f"-  {entry.method} {entry.path[:80]}  json"
    said = f"{entry.status or 'none'}  {entry.fixture or '-'}"
    took = f"first {first}  total {total}{ended}"
    line = f"{_clock(int(entry.arrived))}  {asked}  {said}  {took}  attempt {entry.attempt}"
    return f"{line}\n          {entry.why}" if entry.why else line


def _asked(call: Call) -> str:
    what = call.model[:40] or f"{call.method} {call.place.path[:80]}"
    return f"{call.vendor.name}  {what}  {'stream' if call.stream else 'json'}"


@lru_cache(maxsize=256)
def _time(tenths: int) -> str:
    """So many tenths of a millisecond, of a longer time the milliseconds."""
    return duration.spell(tenths / 10_000 if tenths < 100 else round(tenths / 10) / 1000)


def _first(seconds: float | None) -> str:
    return "-" if seconds is None else _time(round(seconds * 10_000))


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


LINES: dict[str, Callable[[Entry], str]] = {"text": _text, "json": _json}
