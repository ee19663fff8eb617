"""The log output: a bounded queue and a thread per stream, so that a pipe that nobody reads blocks no request."""

from __future__ import annotations

import errno
import io
import logging
import os
import re
import select
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, TextIO

import orjson

MAX_QUEUED_BYTES = 1024 * 1024  # log text that waits for a slow reader; further lines are dropped and counted
CLOSE_TIMEOUT = 0.5  # seconds that a stopping server waits for the reader of its log

# C0 and C1 controls, DEL, line and paragraph separators, and those that change the direction of text.
_SHORT_ESCAPES = {"\r": "\\r", "\n": "\\n", "\t": "\\t"}
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def escape_controls(text: str) -> str:
    """Escape control characters as `\\u001b`, so that no client can add lines to a log or steer a terminal."""
    return text if text.isprintable() else _CONTROLS.sub(_escape_control, text)


def _escape_control(found: re.Match[str]) -> str:
    return _SHORT_ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}"  # both mean the same in JSON


class LogWriter:
    """A log stream. `write` never blocks; lines beyond the bound are dropped, and their number is logged later.

    `format_dropped` returns the line that reports a number of dropped lines. A stream that is closed, or that has no
    file descriptor, discards everything. `max_write` is the number of bytes that the system writes to a pipe in one
    piece: a process that shares the stream with others writes at most so many at once, whole lines, so that its lines
    and theirs do not mix.
    """

    def __init__(
        self,
        stream: TextIO | None,
        format_dropped: Callable[[int], str],
        max_bytes: int = MAX_QUEUED_BYTES,
        *,
        max_write: int | None = None,
    ) -> None:
        self._descriptor = _find_descriptor(stream)
        self._encoding = (stream and stream.encoding) or "utf-8"
        self._format_dropped = format_dropped
        self._max_bytes = max_bytes
        self._max_write = max_write
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._dropped = (
            0  # lines; while it is not 0, further lines are dropped, so that the report is at their place
        )
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="mockserver-log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Queue one or more lines, given without the last line end."""
        if self._descriptor is None:
            return
        data = self._encode(text)
        with self._lock:
            if self._dropped or self._queued_bytes + len(data) > self._max_bytes:
                self._dropped += data.count(b"\n")
            else:
                self._queue.append(data)
                self._queued_bytes += len(data)
        self._wake.set()

    def close(self, timeout: float = CLOSE_TIMEOUT) -> None:
        """Write what is queued, for at most `timeout` seconds. Later lines are lost."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout)

    def _encode(self, text: str) -> bytes:
        return f"{text}\n".encode(self._encoding, "backslashreplace")

    def _run(self) -> None:
        closing = False
        while not closing:
            self._wake.wait()
            self._wake.clear()
            closing = (
                self._closing
            )  # read before the queue, so that everything queued before `close` is written
            self._drain()

    def _drain(self) -> None:
        """Write everything that is queued, then the report of the dropped lines; stop if writing fails."""
        while True:
            with self._lock:
                data = b"".join(self._queue)
                self._queue.clear()
                self._queued_bytes = 0
                dropped = 0 if data else self._dropped
                self._dropped -= dropped  # the lines that follow have their place after the report
            if not (data or dropped):
                return
            unwritten = self._write(data or self._encode(self._format_dropped(dropped)))
            with self._lock:
                self._dropped += unwritten if data else min(unwritten, 1) * dropped
            if unwritten:
                return

    def _write(self, data: bytes) -> int:
        """Write to the descriptor, which may block this thread; return the number of lines that found no space."""
        rest = memoryview(data)
        while rest and self._descriptor is not None:
            try:
                rest = rest[os.write(self._descriptor, self._select_piece(rest)) :]
            except BlockingIOError:  # the stream is shared with a process that has made it non-blocking
                select.select([], [self._descriptor], [])
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    return bytes(rest).count(b"\n")
                self._descriptor = None  # the reader is gone, and does not come back
        return 0

    def _select_piece(self, data: memoryview) -> memoryview:
        """Return the lines to write at once: as many as fit, at least one."""
        if self._max_write is None or len(data) <= self._max_write:
            return data
        end = bytes(data[: self._max_write]).rfind(b"\n") + 1
        return data[: end or bytes(data).index(b"\n") + 1]


class LogWriterHandler(logging.Handler):
    """A handler of Python's logging for warnings and errors of uvicorn and asyncio."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__(logging.WARNING)
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the message and its traceback."""
        self._writer.write("\n".join(map(escape_controls, self.format(record).split("\n"))))


class JsonLogFormatter(logging.Formatter):
    """A formatter that writes a record as one JSON object, its traceback in the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line of JSON."""
        fields = {"event": record.levelname.lower(), "message": super().format(record)}
        return format_json_line(datetime.fromtimestamp(record.created), fields)


def format_json_line(moment: datetime, fields: Mapping[str, Any]) -> str:
    """Return a line of the JSON log: the time with its zone, then these fields."""
    whole, zone = _format_second(int(moment.timestamp()))
    return orjson.dumps({"time": f"{whole}.{moment.microsecond // 1000:03}{zone}", **fields}).decode()


@lru_cache(maxsize=2)
def _format_second(second: int) -> tuple[str, str]:
    """Return a local time without its zone, and the zone."""
    text = datetime.fromtimestamp(second).astimezone().isoformat()
    return text[:19], text[19:]


def _find_descriptor(stream: TextIO | None) -> int | None:
    """Return the file descriptor of a stream; None if it was closed before the start, or is not a file."""
    try:
        return None if stream is None else stream.fileno()
    except (io.UnsupportedOperation, ValueError):
        return None
