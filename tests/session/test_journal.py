"""A journal keeps the last requests, as many as it may, and says of each what is known by now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mockserver import call as calls
from mockserver.session.journal import Entry, Journal, Moment
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.playback import Heard
from tests.session.conftest import Asked

HEAD = calls.Head("GET", "/nowhere", "", None, {})
ANSWER = Answer(200, (), (Frame(b"x" * 1000),))
HEARD = Heard(200, 0.0, 0.0, 1000, (0.0,), "finished")


def journal(**bounds: Any) -> tuple[Journal, list[Entry]]:
    reported: list[Entry] = []
    return Journal(reported.append, **bounds), reported


def entry(session: str = "a", call: calls.Call | None = None) -> Entry:
    return Entry(calls.new_id(), HEAD, session, call)


def fill(of: Journal, *sessions: str) -> list[Entry]:
    made = [entry(session) for session in sessions]
    for one in made:
        of.open(one)
    return made


def test_the_newest_comes_first_and_a_session_sees_its_own() -> None:
    of, _ = journal()
    a, b, c = fill(of, "a", "b", "a")
    assert list(of.entries()) == [c, b, a]
    assert list(of.entries("a")) == [c, a]
    assert [one.number for one in (a, b, c)] == [1, 2, 3]
    assert of.entry(b.id) is b
    assert of.entry("none") is None


def test_it_is_bounded_in_number_and_says_how_many_it_let_go() -> None:
    of, _ = journal(most=2)
    *_, b, c = fill(of, "a", "a", "a")
    assert (list(of.entries()), of.dropped, len(of)) == ([c, b], 1, 2)


def test_it_is_bounded_in_bytes_but_the_newest_stays() -> None:
    of, _ = journal(most_bytes=5000)
    a, b = fill(of, "a", "a")
    of.decide(b, replace(ANSWER, frames=ANSWER.frames * 10))
    assert list(of.entries()) == [b]
    of.decide(a, ANSWER)  # it was let go, and weighs nothing here any more
    c, d = fill(of, "a", "a")
    assert list(of.entries()) == [d, c]
    assert of._bytes == c.size + d.size


def test_what_is_forgotten_weighs_nothing() -> None:
    of, _ = journal()
    a, b, _ = fill(of, "a", "b", "a")
    assert of.forget("a") == 2
    assert list(of.entries()) == [b]
    of.decide(a, ANSWER)
    assert of._bytes == b.size
    assert of.forget() == 1
    assert of._bytes == 0


def test_a_status_is_known_before_the_first_byte_and_none_without_a_status_line() -> None:
    of, _ = journal()
    a, b = fill(of, "a", "a")
    assert a.status == 0
    of.decide(a, ANSWER)
    of.decide(b, replace(ANSWER, head=False))
    assert (a.status, b.status) == (200, 0)


def test_every_moment_is_heard_of_and_the_end_is_reported() -> None:
    of, reported = journal()
    moments: list[tuple[Moment, int]] = []
    of.listeners.append(lambda moment, one: moments.append((moment, one.number)))
    [one] = fill(of, "a")
    of.decide(one, ANSWER)
    assert reported == []
    of.close(one, HEARD)
    assert moments == [("arrived", 1), ("decided", 1), ("ended", 1)]
    assert reported == [one]


@pytest.mark.parametrize("what", ["open", "decide", "close", "forget"])
def test_a_change_wakes_whoever_waits(what: str) -> None:
    async def waits() -> None:
        of, _ = journal()
        [one] = fill(of, "a")
        waiting, gone = of.change(), of.change()
        gone.cancel()
        does: dict[str, Callable[[], object]] = {
            "open": lambda: of.open(entry()),
            "decide": lambda: of.decide(one, ANSWER),
            "close": lambda: of.close(one, HEARD),
            "forget": of.forget,
        }
        does[what]()
        of.forget()  # who is awake is not woken again
        await asyncio.wait_for(waiting, 1)
        assert not of._waiting

    asyncio.run(waits())


def test_what_is_known_of_a_call_is_told_of_its_entry(asked: Asked) -> None:
    one = entry(call=asked({"model": "m", "messages": [], "stream": True}, x_stainless_retry_count="2"))
    assert (one.vendor, one.model, one.stream, one.attempt) == ("aimlapi", "m", True, 2)
    assert one.path == "/v1/chat/completions"
    lost = entry()
    assert (lost.vendor, lost.model, lost.stream, lost.attempt) == ("", "", False, 0)
    assert (lost.method, lost.path) == ("GET", "/nowhere")
