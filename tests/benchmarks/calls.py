"""The interpreter's calls per request: unlike seconds, they are nearly the same on every machine."""

from __future__ import annotations

import http.client
import statistics
import sys
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import mockserver
from mockserver.testing import MockServer
from tests.benchmarks import asked

REQUESTS = 20  # in one count


class Counting:
    """Counts the calls, of Python's functions and of C's, that the server's thread makes."""

    def __init__(self, server: MockServer) -> None:
        self.calls = 0
        loop = server._server._uvicorn._loop
        assert loop is not None
        self._loop = loop

    def __enter__(self) -> Self:
        self._set_profile(self._note)
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._set_profile(None)

    def _note(self, frame: FrameType, event: str, _: Any) -> None:  # noqa: ARG002 for the other counts
        if event in ("call", "c_call"):
            self.calls += 1

    def _set_profile(self, note: Any) -> None:
        """Set the profile function of the server's thread, and wait until it is set."""
        done = threading.Event()

        def switch() -> None:
            sys.setprofile(note)
            done.set()

        self._loop.call_soon_threadsafe(switch)
        if not done.wait(10):
            raise RuntimeError("the server's event loop does not turn")


class Entering(Counting):
    """Notes the files of the package whose functions the server's thread calls."""

    def __init__(self, server: MockServer) -> None:
        super().__init__(server)
        self.files: set[str] = set()

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(_PACKAGE) and file != _HARNESS:
            self.files.add(str(file.relative_to(_PACKAGE)))


_PACKAGE = Path(mockserver.__file__).parent
_HARNESS = (
    _PACKAGE / "testing.py"
)  # it collects requests for this script; `mockserver serve` has a log in its place


def entered_files() -> dict[str, set[str]]:
    """Return the files that a canned answer enters: the first one, one to the same request, one to another request."""
    question = asked.body(asked.CANNED, **asked.NUMBERED)
    entered = {}
    with MockServer(fixtures_yaml=asked.FEW, tokenizer="estimate") as server:
        connection = http.client.HTTPConnection(*server._server.address)
        for name, number in (("first", 0), ("the same", 0), ("another", 1)):
            with Entering(server) as entering:
                _ask(connection, question, number)
            entered[name] = entering.files
        connection.close()
    return entered


def count(question: bytes, rounds: int) -> float:
    """Return the calls per answer to this question, as the median of so many counts.

    `@NUMBER@` in the question is replaced by the request's number.
    """
    with MockServer(fixtures_yaml=asked.FEW, tokenizer="estimate") as server:
        connection = http.client.HTTPConnection(*server._server.address)
        _ask(connection, question, 0)
        counts = []
        for turn in range(rounds):
            with Counting(server) as counting:
                for number in range(REQUESTS):
                    _ask(connection, question, turn * REQUESTS + number + 1)
            counts.append(counting.calls / REQUESTS)
        connection.close()
    return statistics.median(counts)


def _ask(connection: http.client.HTTPConnection, question: bytes, number: int) -> None:
    body = question.replace(b"@NUMBER@", b"%04d" % number)
    connection.request("POST", asked.PATH, body, asked.HEADERS)
    answer = connection.getresponse()
    answer.read()
    if not 200 <= answer.status <= 299:
        raise RuntimeError(f"the server answers {answer.status}")
