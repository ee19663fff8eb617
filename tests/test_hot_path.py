"""A usual answer asks little of the interpreter: calls are counted, not seconds, which are not the same anywhere."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    from mockserver.testing import MockServer

TIMES = 20
# A little above what is needed now, uvicorn's own included. Whatever raises it slows down every answer: look for what
# is asked anew for each request and could be known before. What is the same in all of them is known.
MOST, MOST_OF_ANOTHER = 210, 290
CHUNKS = ", ".join(f"word{number}" for number in range(50))
# Answers without a choice of words: nothing is invented, nothing varies.
FIXTURES = f"""
fixtures:
  - {{name: hi, match: {{user: {{equals: Hello}}}}, response: "Hello! How can I assist you today?"}}
  - {{name: stream, match: {{user: {{equals: Stream}}}}, response: {{chunks: [{CHUNKS}]}}}}
"""


@pytest.fixture(scope="module")
def running() -> Iterator[MockServer]:
    from mockserver.testing import MockServer  # noqa: PLC0415

    with MockServer(fixtures_yaml=FIXTURES) as server:
        yield server


class Counting:
    """Counts the calls, of Python's functions and of C's, that the server's thread makes."""

    def __init__(self, server: MockServer) -> None:
        self.calls: Counter[str] = Counter()
        loop = server._server._uvicorn._loop
        assert loop is not None
        self._loop = loop

    def __enter__(self) -> Self:
        self._profile(self.note)
        return self

    def __exit__(self, *_: object) -> None:
        self._profile(None)

    def note(self, _: Any, event: str, __: object) -> None:  # pragma: no cover - nothing traces a profiler
        if event in ("call", "c_call"):
            self.calls[event] += 1

    def _profile(self, note: Any) -> None:
        done = threading.Event()

        def switch() -> None:
            sys.setprofile(note)
            done.set()

        self._loop.call_soon_threadsafe(switch)
        assert done.wait(10)


def ask(connection: HTTPConnection, text: str, **more: Any) -> bytes:
    body = {"model": "o3-mini", "messages": [{"role": "user", "content": text}], **more}
    headers = {"authorization": "Bearer sk-1", "content-type": "application/json"}
    connection.request("POST", "/aimlapi/v1/chat/completions", json.dumps(body), headers)
    return connection.getresponse().read()


@pytest.mark.parametrize("another", [False, True], ids=["same", "another"])
@pytest.mark.parametrize(("text", "more"), [("Hello", {}), ("Stream", {"stream": True})])
def test_a_usual_answer_makes_few_calls(
    running: MockServer, text: str, more: dict[str, Any], another: bool
) -> None:
    host, port = running._server.address
    connection = HTTPConnection(host, port)
    first = ask(connection, text, user="customer 00", **more)
    with Counting(running) as counting:
        for number in range(1, TIMES + 1):
            user = f"customer {number if another else 0:02}"
            assert len(ask(connection, text, user=user, **more)) == len(first)
    connection.close()
    most = MOST_OF_ANOTHER if another else MOST
    assert counting.calls.total() / TIMES <= most, counting.calls
