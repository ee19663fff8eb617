"""The log writer: what is queued is written in order, what is dropped is counted, and nothing blocks the caller."""

from __future__ import annotations

import io
import json
import logging
import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TextIO

import pytest

from mockserver.server.log_writer import JsonLogFormatter, LogWriter, LogWriterHandler, escape_controls

QUEUE = 4096  # bytes


@dataclass
class Pipe:
    """A pipe whose writing end is a text stream; the reading end is read on demand."""

    stream: TextIO
    read_end: int
    dropped: list[int] = field(default_factory=list)
    reported: threading.Event = field(default_factory=threading.Event)

    def writer(self) -> LogWriter:
        return LogWriter(self.stream, self.format_dropped, max_bytes=QUEUE)

    def format_dropped(self, count: int) -> str:
        self.dropped.append(count)
        self.reported.set()
        return f"{count} dropped"

    def read_lines(self, is_last: Callable[[str], bool]) -> list[str]:
        """Read up to a line that is the last one."""
        with os.fdopen(os.dup(self.read_end)) as reader:
            lines: list[str] = []
            while not lines or not is_last(lines[-1]):
                lines.append(reader.readline().rstrip("\n"))
            return lines


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "w", encoding="ascii") as stream:
        yield Pipe(stream, read_end)
        with suppress(OSError):
            os.close(read_end)  # a thread that still waits for it ends by this


def overflow(writer: LogWriter) -> int:
    """Write numbered lines until the pipe (64 KiB) and the queue are full; return their number."""
    count = 2_000
    for number in range(count):
        writer.write(f"{number:0100}")
    return count


def test_lines_are_written_in_order_and_the_last_ones_before_the_end(pipe: Pipe) -> None:
    writer = pipe.writer()
    writer.write("one\ntwo")
    writer.write("Grüße")  # a character that the stream lacks is escaped
    writer.close(timeout=30)
    assert pipe.read_lines(lambda line: line.startswith("Gr")) == [
        "one",
        "two",
        "Gr\\xfc\\xdfe",
    ]
    assert pipe.dropped == []


@pytest.mark.parametrize("blocking", [True, False])
def test_dropped_lines_are_reported_with_their_number_at_their_place(pipe: Pipe, blocking: bool) -> None:
    os.set_blocking(pipe.stream.fileno(), blocking)
    writer = pipe.writer()
    written = overflow(writer)
    accounted = 0

    def is_last(line: str) -> bool:
        """Check that each line has the number of the lines written and dropped before it."""
        nonlocal accounted
        if line.endswith("dropped"):
            accounted += int(line.split(maxsplit=1)[0])
        else:
            assert int(line) == accounted
            accounted += 1
        return accounted == written

    lines = pipe.read_lines(is_last)
    assert sum(pipe.dropped) > 0
    assert len(lines) - len(pipe.dropped) + sum(pipe.dropped) == written
    writer.write("after")
    assert pipe.read_lines("after".__eq__) == ["after"]
    writer.close(timeout=30)


def test_a_line_that_is_larger_than_the_queue_is_dropped(pipe: Pipe) -> None:
    writer = pipe.writer()
    writer.write("x" * QUEUE)
    assert pipe.read_lines(lambda _: True) == ["1 dropped"]
    writer.close(timeout=30)


def fill(descriptor: int, *, then_blocking: bool) -> None:
    """Fill a pipe, so that the next byte must wait for its reader."""
    os.set_blocking(descriptor, False)
    with suppress(BlockingIOError):
        while os.write(descriptor, b"x" * 4096):
            pass
    with suppress(BlockingIOError):
        while os.write(descriptor, b"\n"):
            pass
    os.set_blocking(descriptor, then_blocking)


def test_closing_does_not_wait_for_a_reader_that_does_not_read(pipe: Pipe) -> None:
    fill(pipe.stream.fileno(), then_blocking=True)
    writer = pipe.writer()
    writer.write("lost")
    writer.close(timeout=0.01)
    assert "mockserver-log" in [
        thread.name for thread in threading.enumerate()
    ]  # it still waits, as a daemon
    os.close(pipe.read_end)
    writer.close(timeout=30)


def test_a_pipe_that_another_process_has_made_non_blocking_is_waited_for(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, wait = threading.Event(), select.select

    def report_and_wait(*arguments: Any) -> Any:
        waiting.set()
        return wait(*arguments)

    monkeypatch.setattr(select, "select", report_and_wait)
    fill(pipe.stream.fileno(), then_blocking=False)
    writer = pipe.writer()
    writer.write("late")
    assert waiting.wait(timeout=30)
    assert pipe.read_lines(lambda line: line.endswith("late"))
    writer.close(timeout=30)
    assert pipe.dropped == []


def test_a_reader_that_has_gone_ends_the_log_without_an_exception(pipe: Pipe) -> None:
    os.close(pipe.read_end)
    writer = pipe.writer()
    for _ in range(3):
        writer.write("lost")
    writer.close(timeout=30)
    writer.write("lost")
    assert pipe.dropped == []


def test_a_full_disk_drops_lines_until_there_is_space(pipe: Pipe) -> None:
    descriptor = pipe.stream.fileno()
    pipe_end, full = os.dup(descriptor), os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, descriptor)
    writer = pipe.writer()
    written = 0
    while not pipe.reported.is_set():  # every line after the first failure tries to write the report
        writer.write("lost")
        written += 1
    os.dup2(pipe_end, descriptor)
    writer.write("lost, or written after the report")
    writer.close(timeout=30)
    os.close(pipe_end)
    os.close(full)
    lines = os.read(pipe.read_end, 65536).decode().splitlines()
    reported = sum(int(line.split()[0]) for line in lines if line.endswith("dropped"))
    assert reported + sum(line.startswith("lost") for line in lines) == written + 1
    assert reported > 0


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_stream_without_a_descriptor_discards_everything(stream: TextIO | None) -> None:
    writer = LogWriter(stream, str)
    writer.write("lost")
    writer.close(timeout=30)


def test_a_closed_stream_discards_everything(pipe: Pipe) -> None:
    with open(os.devnull, "w", encoding="ascii") as closed:  # noqa: PTH123
        pass
    writer = LogWriter(closed, pipe.format_dropped)
    writer.write("lost")
    writer.close(timeout=30)


def test_warnings_and_tracebacks_of_libraries_take_the_same_way(pipe: Pipe) -> None:
    writer = pipe.writer()
    logger = logging.Logger("library")
    logger.addHandler(LogWriterHandler(writer))
    logger.info("not logged")
    try:
        raise ValueError("bad \x1b[2J")
    except ValueError:
        logger.exception("failed\x07")
    writer.close(timeout=30)
    lines = pipe.read_lines(lambda line: line.startswith("ValueError"))
    assert (lines[0], lines[1], lines[-1]) == (
        "failed\\u0007",
        "Traceback (most recent call last):",
        "ValueError: bad \\u001b[2J",
    )


def test_a_record_may_be_one_line_of_json(pipe: Pipe) -> None:
    writer = pipe.writer()
    handler = LogWriterHandler(writer)
    handler.setFormatter(JsonLogFormatter())
    logger = logging.Logger("library")
    logger.addHandler(handler)
    try:
        raise ValueError("bad")
    except ValueError:
        logger.exception("failed")
    writer.close(timeout=30)
    (line,) = pipe.read_lines(lambda line: "failed" in line)
    record = json.loads(line)
    assert (record["event"], record["message"].splitlines()[-1]) == ("error", "ValueError: bad")
    assert datetime.fromisoformat(record["time"]).tzinfo is not None


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain text, 21 °C", "plain text, 21 °C"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31mred\x9b0m\x7f\x00", "\\u001b[31mred\\u009b0m\\u007f\\u0000"),
        ("\u2028\u2029\u202eabc\u2066", "\\u2028\\u2029\\u202eabc\\u2066"),
        ("family: \U0001f468\u200d\U0001f469", "family: \U0001f468\u200d\U0001f469"),  # a joiner is harmless
    ],
)
def test_control_characters_are_escaped(text: str, escaped: str) -> None:
    assert escape_controls(text) == escaped


def test_a_shared_stream_receives_whole_lines(monkeypatch: pytest.MonkeyPatch, pipe: Pipe) -> None:
    pieces: list[bytes] = []
    write = os.write

    def record(descriptor: int, data: memoryview) -> int:
        pieces.append(bytes(data))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", record)
    writer = LogWriter(pipe.stream, pipe.format_dropped, max_write=8)
    writer.write("a\nbb\nccc\nlonger than a piece\nd")
    writer.close()
    assert pieces == [b"a\nbb\n", b"ccc\n", b"longer than a piece\n", b"d\n"]
