"""The line that is logged of each request: for a person, or for a program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

import orjson

from mockserver.request.chat_request import ChatRequest
from mockserver.schema.durations import format_duration
from mockserver.sessions.journal import JournalEntry


class AccessLog:
    """Lines of this `form`; those of one turn of the event loop are said together, for many may end in one."""

    def __init__(self, log_format: str, write: Callable[[str], None]) -> None:
        self._format_entry = ENTRY_FORMATTERS[log_format]
        self._write = write
        self._pending: list[JournalEntry] = []

    def __call__(self, entry: JournalEntry) -> None:
        """A request has ended."""
        self._pending.append(entry)
        if len(self._pending) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Say what is still to be said."""
        if self._pending:
            ended, self._pending = self._pending, []
            self._write("\n".join(map(self._format_entry, ended)))


@lru_cache(maxsize=2)
def _format_clock(second: int) -> str:
    return datetime.fromtimestamp(second).strftime("%H:%M:%S")


def _format_text(entry: JournalEntry) -> str:
    heard, call = entry.delivery, entry.request
    first = total = "-"
    ended = ""
    if heard is not None:
        total = _format_tenths(round(heard.seconds * 10_000))
        first = total if heard.first_byte == heard.seconds else _format_first_byte(heard.first_byte)
        ended = "" if heard.end_reason == "finished" else f"  {heard.end_reason}"
    asked = _format_request(call) if call else f"-  {entry.method} {entry.path[:80]}  json"
    said = f"{entry.status or 'none'}  {entry.fixture or '-'}"
    took = f"first {first}  total {total}{ended}"
    line = f"{_format_clock(int(entry.arrived))}  {asked}  {said}  {took}  attempt {entry.attempt}"
    return f"{line}\n          {entry.reason}" if entry.reason else line


def _format_request(request: ChatRequest) -> str:
    what = request.model[:40] or f"{request.method} {request.route.path[:80]}"
    return f"{request.vendor.name}  {what}  {'stream' if request.stream else 'json'}"


@lru_cache(maxsize=256)
def _format_tenths(tenths: int) -> str:
    """So many tenths of a millisecond, of a longer time the milliseconds."""
    return format_duration(tenths / 10_000 if tenths < 100 else round(tenths / 10) / 1000)


def _format_first_byte(seconds: float | None) -> str:
    return "-" if seconds is None else _format_tenths(round(seconds * 10_000))


def _format_json(entry: JournalEntry) -> str:
    heard = entry.delivery
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
        "ended": heard.end_reason if heard else None,
        "attempt": entry.attempt,
        "reason": entry.reason or None,
    }
    return orjson.dumps(line).decode()


ENTRY_FORMATTERS: dict[str, Callable[[JournalEntry], str]] = {"text": _format_text, "json": _format_json}
