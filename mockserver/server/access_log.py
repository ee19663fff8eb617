"""The access log: one line per finished request, as text or as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from mockserver.schema.durations import format_duration
from mockserver.schema.messages import truncate_text
from mockserver.server.log_writer import escape_controls, format_json_line
from mockserver.sessions.journal import JournalEntry
from mockserver.sessions.request_record import RequestRecord, create_json_encoder, create_record


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
    record = create_record(entry)
    ended = "" if record.ended in ("", "finished") else f"  {record.ended}"
    first, total = record.first_byte_ms, record.total_ms
    total_time = _format_time(total)
    line = escape_controls(
        f"{_format_clock(int(entry.arrival.arrived_at))}  {record.vendor or '-'}  {_format_target(record)}"
        f"  {'stream' if record.stream else 'json'}  {record.status or 'none'}  {_format_source(record)}"
        f"  first {total_time if first == total else _format_time(first)}  total {total_time}{ended}"
        f"  attempt {record.attempt}"
    )
    return f"{line}\n          {escape_controls(record.reason)}" if record.reason else line


def _format_target(record: RequestRecord) -> str:
    """Return model and path; the path only if the request was refused, or names no model."""
    model = record.model
    target = model if len(model) <= 40 else truncate_text(model, 40)
    if target and not 400 <= record.status < 500:
        return target
    return "  ".join(filter(None, (target, f"{record.method} {truncate_text(record.path, 80)}")))


def _format_source(record: RequestRecord) -> str:
    """Return the fixture that matched, or that the reply was generated, or is the real vendor's."""
    if record.fixture or not record.generated:
        return record.fixture or ("forwarded" if record.outcome == "forwarded" else "-")
    return f"generated (nearest: {record.nearest})" if record.nearest else "generated"


def _format_time(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else _format_tenths(round(milliseconds * 10))


@lru_cache(maxsize=256)
def _format_tenths(tenths: int) -> str:
    """Format a time in tenths of a millisecond; from 10 ms on, in whole milliseconds."""
    return format_duration(tenths / 10_000 if tenths < 100 else round(tenths / 10) / 1000)


def _format_json(entry: JournalEntry) -> str:
    record = create_record(entry)
    line = format_json_line(record.arrived, _select_fields(record))
    return escape_controls(line)  # `\u001b` means the same in JSON


_select_fields = create_json_encoder(
    *("id", "session", "vendor", "model", "method", "path", "stream", "status", "fixture", "generated"),
    *("nearest", "fault", "first_byte_ms", "total_ms", "ended", "attempt", "reason"),
)
ENTRY_FORMATTERS: dict[str, Callable[[JournalEntry], str]] = {"text": _format_text, "json": _format_json}
