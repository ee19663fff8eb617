"""The access log: one line per finished request, as text or as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

import orjson

from mockserver.request.chat_request import ChatRequest
from mockserver.schema.durations import format_duration
from mockserver.server.log_writer import escape_controls
from mockserver.sessions.journal import JournalEntry


class AccessLog:
    """A log in one of the formats `text` and `json`; the lines of one turn of the event loop are written together."""

    def __init__(self, log_format: str, write: Callable[[str], None]) -> None:
        self._format_entry = ENTRY_FORMATTERS[log_format]
        self._write = write
        self._pending: list[JournalEntry] = []

    def __call__(self, entry: JournalEntry) -> None:
        """Log a finished request."""
        self._pending.append(entry)
        if len(self._pending) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Write the lines that are still pending."""
        if self._pending:
            pending, self._pending = self._pending, []
            self._write("\n".join(map(self._format_entry, pending)))


@lru_cache(maxsize=2)
def _format_clock(second: int) -> str:
    return datetime.fromtimestamp(second).strftime("%H:%M:%S")


def _format_text(entry: JournalEntry) -> str:
    delivery = entry.delivery
    first = total = "-"
    end_reason = ""
    if delivery is not None:
        total = _format_tenths(round(delivery.seconds * 10_000))
        first = total if delivery.first_byte == delivery.seconds else _format_first_byte(delivery.first_byte)
        end_reason = "" if delivery.end_reason == "finished" else f"  {delivery.end_reason}"
    request = (
        _format_request(entry.request, entry.status)
        if entry.request
        else f"-  {entry.method} {entry.path[:80]}  json"
    )
    outcome = f"{entry.status or 'none'}  {_format_source(entry)}"
    times = f"first {first}  total {total}{end_reason}"
    line = escape_controls(
        f"{_format_clock(int(entry.arrival.arrived_at))}  {request}  {outcome}  {times}  attempt {entry.attempt}"
    )
    return f"{line}\n          {escape_controls(entry.reason)}" if entry.reason else line


def _format_source(entry: JournalEntry) -> str:
    """Return the fixture that matched, or that the reply was generated."""
    if entry.fixture or not entry.is_generated:
        return entry.fixture or "-"
    return f"generated (nearest: {entry.nearest})" if entry.nearest else "generated"


def _format_request(request: ChatRequest, status: int) -> str:
    """Return vendor, model and path; the path only if the request was refused, or names no model."""
    target = request.model[:40]
    if not target or 400 <= status < 500:
        target = "  ".join(filter(None, (target, f"{request.method} {request.route.path[:80]}")))
    return f"{request.vendor.name}  {target}  {'stream' if request.stream else 'json'}"


@lru_cache(maxsize=256)
def _format_tenths(tenths: int) -> str:
    """Format a time in tenths of a millisecond; from 10 ms on, in whole milliseconds."""
    return format_duration(tenths / 10_000 if tenths < 100 else round(tenths / 10) / 1000)


def _format_first_byte(seconds: float | None) -> str:
    return "-" if seconds is None else _format_tenths(round(seconds * 10_000))


def _format_json(entry: JournalEntry) -> str:
    delivery = entry.delivery
    first = delivery.first_byte if delivery else None
    line = {
        "time": datetime.fromtimestamp(entry.arrival.arrived_at)
        .astimezone()
        .isoformat(timespec="milliseconds"),
        "id": entry.id,
        "session": entry.session,
        "vendor": entry.vendor,
        "model": entry.model,
        "method": entry.method,
        "path": entry.path,
        "stream": entry.stream,
        "status": entry.status,
        "fixture": entry.fixture or None,
        "generated": entry.is_generated,
        "nearest": entry.nearest or None,
        "fault": entry.fault or None,
        "first_byte_ms": None if first is None else round(first * 1000, 2),
        "total_ms": round(delivery.seconds * 1000, 2) if delivery else None,
        "ended": delivery.end_reason if delivery else None,
        "attempt": entry.attempt,
        "reason": entry.reason or None,
    }
    return escape_controls(orjson.dumps(line).decode())  # `\u001b` means the same in JSON


ENTRY_FORMATTERS: dict[str, Callable[[JournalEntry], str]] = {"text": _format_text, "json": _format_json}
