"""A journal keeps the last requests, as many as it may, and says of each what is known by now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from mockserver.request.chat_request import ChatRequest, generate_request_id
from mockserver.request.request_head import RequestHead
from mockserver.sessions.journal import JournalEntry, Lifecycle, MemoryJournal
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.playback import Delivery
from mockserver.wire.prerendered import Placeholders, PrerenderedAnswer
from tests.request_fixtures import HELLO, ReadRequest

HEAD = RequestHead("GET", "/nowhere", "", None, {})
ANSWER = Answer(200, (), (Frame(b"x" * 1000),))
HEARD = Delivery(200, 0.0, 0.0, 1000, (0.0,), "finished")


def law(bounds: dict[str, Any] | None = None) -> Callable[[Callable[[MemoryJournal], Awaitable[None]]], Any]:
    """A test that is given a ring with these bounds, on a loop of its own."""

    def wrapped(test: Callable[[MemoryJournal], Awaitable[None]]) -> Any:
        async def run() -> None:
            await asyncio.wait_for(test(MemoryJournal(**(bounds or {}))), 5)

        return lambda: asyncio.run(run())

    return wrapped


def entry(session: str = "a", call: ChatRequest | None = None) -> JournalEntry:
    return JournalEntry(generate_request_id(), HEAD, session, call)


async def fill(of: MemoryJournal, *sessions: str) -> list[JournalEntry]:
    made = [entry(session) for session in sessions]
    for one in made:
        await of.open(one)
    return made


@law()
async def test_the_newest_comes_first_and_a_session_sees_its_own(of: MemoryJournal) -> None:
    a, b, c = await fill(of, "a", "b", "a")
    assert await of.entries() == [c, b, a]
    assert await of.entries("a") == [c, a]
    assert await of.entries("a", since=a.number) == [c]
    assert [one.number for one in (a, b, c)] == [1, 2, 3]
    assert await of.entry(b.id) is b
    assert await of.entry("none") is None


@law({"max_entries": 2})
async def test_it_is_bounded_in_number_and_says_how_many_it_let_go(of: MemoryJournal) -> None:
    *_, b, c = await fill(of, "a", "a", "a")
    assert await of.entries() == [c, b]
    assert await of.size() == (2, 1)


@law({"max_bytes": 5000})
async def test_it_is_bounded_in_bytes_but_the_newest_stays(of: MemoryJournal) -> None:
    a, b = await fill(of, "a", "a")
    await of.decide(b, replace(ANSWER, frames=tuple(ANSWER.frames) * 10))
    assert await of.entries() == [b]
    await of.decide(a, ANSWER)  # it was let go, and weighs nothing here any more
    c, d = await fill(of, "a", "a")
    assert await of.entries() == [d, c]
    assert of._bytes == c.size + d.size


@law()
async def test_what_is_forgotten_weighs_nothing(of: MemoryJournal) -> None:
    a, b, _ = await fill(of, "a", "b", "a")
    assert await of.clear("a") == 2
    assert await of.entries() == [b]
    await of.decide(a, ANSWER)
    assert of._bytes == b.size
    assert await of.clear() == 1
    assert of._bytes == 0


@law()
async def test_a_status_is_known_before_the_first_byte_and_none_without_a_status_line(
    of: MemoryJournal,
) -> None:
    a, b = await fill(of, "a", "a")
    assert a.status == 0
    await of.decide(a, ANSWER)
    await of.decide(b, replace(ANSWER, head=False))
    assert (a.status, b.status) == (200, 0)


@law()
async def test_every_moment_is_heard_of(of: MemoryJournal) -> None:
    moments: list[tuple[Lifecycle, int]] = []
    of.listeners.append(lambda moment, one: moments.append((moment, one.number)))
    [one] = await fill(of, "a")
    await of.decide(one, ANSWER)
    await of.close(one, HEARD)
    assert one.delivery is HEARD
    assert moments == [("arrived", 1), ("decided", 1), ("ended", 1)]


CHANGES: dict[str, Callable[[MemoryJournal, JournalEntry], Awaitable[object]]] = {
    "open": lambda of, _: of.open(entry()),
    "decide": lambda of, one: of.decide(one, ANSWER),
    "close": lambda of, one: of.close(one, HEARD),
    "forget": lambda of, _: of.clear(),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_wakes_whoever_waits(what: str) -> None:
    @law()
    async def waits(of: MemoryJournal) -> None:
        [one] = await fill(of, "a")
        waiting, gone = of.next_change(), of.next_change()
        gone.cancel()
        await CHANGES[what](of, one)
        await of.clear()  # who is awake is not woken again
        await asyncio.wait({waiting})
        await asyncio.sleep(0)  # its callbacks
        assert not of._waiters

    waits()


def test_what_is_known_of_a_call_is_told_of_its_entry(read_request: ReadRequest) -> None:
    one = entry(
        call=read_request({"model": "m", "messages": [], "stream": True}, x_stainless_retry_count="2")
    )
    assert (one.vendor, one.model, one.stream, one.attempt) == ("aimlapi", "m", True, 2)
    assert one.path == "/v1/chat/completions"
    lost = entry()
    assert (lost.vendor, lost.model, lost.stream, lost.attempt) == ("", "", False, 0)
    assert (lost.method, lost.path) == ("GET", "/nowhere")


def test_of_what_is_over_the_bytes_are_kept_and_what_they_say_is_read_again(
    read_request: ReadRequest,
) -> None:
    calls_made = [read_request(), read_request({"model": "m", "stream": True}), read_request(raw=b"[")]

    @law()
    async def sheds(of: MemoryJournal) -> None:
        entries = [entry(call=call) for call in calls_made]
        for one in (entry(), *entries, entry()):
            await of.open(one)
            await of.close(one, HEARD)
        assert [call.lazy_body.is_parsed for call in calls_made] == [False] * 3
        bodies = [one.request_with_body.body for one in entries if one.request_with_body]
        assert bodies == [
            {"model": "gpt-4o", "messages": HELLO["messages"]},
            {"model": "m", "stream": True},
            {},
        ]
        assert [call.lazy_body.is_parsed for call in calls_made] == [
            False
        ] * 3  # whoever looks keeps what they read
        assert [one.stream for one in entries] == [False, True, False]

    sheds()


def test_what_answers_share_is_counted_once_as_long_as_any_is_kept() -> None:
    shared = PrerenderedAnswer(Answer(200, (), (Frame(b"x" * 5000),)), Placeholders())

    @law({"max_entries": 3})
    async def counts(of: MemoryJournal) -> None:
        before = of._bytes
        for one in await fill(of, "a", "b", "a"):
            await of.decide(one, shared.fill((), 5000))
        assert of._bytes - before == 3 * (1_000 + 1_000) + shared.size
        await of.clear("a")
        assert of._bytes - before == 1_000 + 1_000 + shared.size
        await of.clear()
        assert of._bytes == before

    counts()


def test_answers_of_their_own_are_bounded_in_bytes() -> None:
    @law({"max_bytes": 100_000})
    async def bounds(of: MemoryJournal) -> None:
        for one in await fill(of, *"abcdefghij"):
            await of.decide(
                one,
                PrerenderedAnswer(Answer(200, (), (Frame(b"x" * 20_000),)), Placeholders()).fill((), 20_000),
            )
        assert (await of.size()).entries == 2

    bounds()
