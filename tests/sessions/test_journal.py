"""Tests of the journal in memory: order, bounds, listeners, waiters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_head import RequestHead
from mockserver.sessions.journal import (
    Arrival,
    Decision,
    JournalEntry,
    Lifecycle,
    generate_request_id,
)
from mockserver.sessions.memory_journal import MemoryJournal
from mockserver.sessions.request_record import create_record, record_to_json
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.playback import Delivery
from mockserver.wire.prerendered import Placeholders, PrerenderedAnswer
from tests.request_fixtures import HELLO, ReadRequest

HEAD = RequestHead("GET", "/nowhere", "", None, {})
ANSWER = Answer(200, (), (Frame(b"x" * 1000),))
DELIVERY = Delivery(200, 0.0, 0.0, 1000, (0.0,), "finished")


def with_journal(
    check: dict[str, Any] | None = None,
) -> Callable[[Callable[[MemoryJournal], Awaitable[None]]], Any]:
    """Run a test with a journal of these bounds on its own event loop."""

    def wrapped(test: Callable[[MemoryJournal], Awaitable[None]]) -> Any:
        async def run() -> None:
            await asyncio.wait_for(test(MemoryJournal(**(check or {}))), 5)

        return lambda: asyncio.run(run())

    return wrapped


def entry(session: str = "a", request: ChatRequest | None = None) -> JournalEntry:
    return JournalEntry(Arrival(generate_request_id(), HEAD, session, request))


async def fill(journal: MemoryJournal, *sessions: str) -> list[JournalEntry]:
    made = [entry(session) for session in sessions]
    for one in made:
        await journal.open(one)
    return made


@with_journal()
async def test_the_newest_comes_first_and_a_session_sees_its_own(journal: MemoryJournal) -> None:
    a, b, c = await fill(journal, "a", "b", "a")
    assert await journal.entries() == [c, b, a]
    assert await journal.entries("a") == [c, a]
    assert await journal.entries("a", since=a.number) == [c]
    assert [one.number for one in (a, b, c)] == [1, 2, 3]
    assert await journal.entry(b.id) is b
    assert await journal.entry("none") is None


@with_journal({"max_entries": 2})
async def test_it_is_bounded_in_number_and_counts_evicted_entries(journal: MemoryJournal) -> None:
    *_, b, c = await fill(journal, "a", "a", "a")
    assert await journal.entries() == [c, b]
    assert await journal.size() == (2, 1)


@with_journal({"max_bytes": 5000})
async def test_it_is_bounded_in_bytes_but_the_newest_stays(journal: MemoryJournal) -> None:
    a, b = await fill(journal, "a", "a")
    await journal.decide(b, Decision(replace(ANSWER, frames=tuple(ANSWER.frames) * 10)))
    assert await journal.entries() == [b]
    await journal.decide(a, Decision(ANSWER))  # evicted before, so its bytes do not count
    c, d = await fill(journal, "a", "a")
    assert await journal.entries() == [d, c]
    assert journal._all.bytes == c.size + d.size


@with_journal()
async def test_removed_entries_free_their_bytes(journal: MemoryJournal) -> None:
    a, b, _ = await fill(journal, "a", "b", "a")
    assert await journal.clear("a") == 2
    assert await journal.entries() == [b]
    await journal.decide(a, Decision(ANSWER))
    assert journal._all.bytes == b.size
    assert await journal.clear() == 1
    assert journal._all.bytes == 0


@with_journal()
async def test_a_status_is_known_before_the_first_byte_and_none_without_a_status_line(
    journal: MemoryJournal,
) -> None:
    a, b = await fill(journal, "a", "a")
    assert a.status == 0
    await journal.decide(a, Decision(ANSWER))
    await journal.decide(b, Decision(replace(ANSWER, head=False)))
    assert (a.status, b.status) == (200, 0)


@with_journal()
async def test_listeners_are_called_at_every_step(journal: MemoryJournal) -> None:
    moments: list[tuple[Lifecycle, int]] = []
    journal.subscribe(lambda moment, one: moments.append((moment, one.number)))
    [one] = await fill(journal, "a")
    await journal.decide(one, Decision(ANSWER))
    await journal.close(one, DELIVERY)
    assert one.delivery is DELIVERY
    assert moments == [("arrived", 1), ("decided", 1), ("ended", 1)]


def test_a_record_has_the_fields_of_the_request(read_request: ReadRequest) -> None:
    request = read_request({"model": "m", "messages": [], "stream": True}, x_stainless_retry_count="2")
    one = create_record(entry(request=request))
    assert (one.vendor, one.model, one.stream, one.attempt) == ("aimlapi", "m", True, 2)
    assert one.path == "/v1/chat/completions"
    unknown = create_record(entry())
    assert (unknown.vendor, unknown.model, unknown.stream, unknown.attempt) == ("", "", False, 0)
    assert (unknown.method, unknown.path) == ("GET", "/nowhere")
    assert (record_to_json(unknown)["vendor"], record_to_json(unknown)["ended"]) == (None, None)


def test_parsed_bodies_are_dropped_after_the_end_and_parsed_again(
    read_request: ReadRequest,
) -> None:
    requests_made = [read_request(), read_request({"model": "m", "stream": True}), read_request(raw=b"[")]

    @with_journal()
    async def check_bodies(journal: MemoryJournal) -> None:
        entries = [entry(request=request) for request in requests_made]
        for one in (entry(), *entries, entry()):
            await journal.open(one)
            await journal.close(one, DELIVERY)
        assert [request.lazy_body.is_parsed for request in requests_made] == [False] * 3
        bodies = [one.request_with_body.parsed.body for one in entries if one.request_with_body]
        assert bodies == [
            {"model": "gpt-4o", "messages": HELLO["messages"]},
            {"model": "m", "stream": True},
            {},
        ]
        assert [request.lazy_body.is_parsed for request in requests_made] == [
            False
        ] * 3  # a reader parses a copy
        assert [create_record(one).stream for one in entries] == [False, True, False]

    check_bodies()


def test_a_shared_prerendered_answer_is_counted_once() -> None:
    shared = PrerenderedAnswer(Answer(200, (), (Frame(b"x" * 5000),)), Placeholders())

    @with_journal()
    async def check_bytes(journal: MemoryJournal) -> None:
        for one in await fill(journal, "a", "b", "a"):
            await journal.decide(one, Decision(shared.fill(())))
        assert (journal._all.bytes, journal._shared_bytes) == (3 * (1_000 + 1_000), shared.size)
        await journal.clear("a")
        assert (journal._all.bytes, journal._shared_bytes) == (1_000 + 1_000, shared.size)
        await journal.clear()
        assert (journal._all.bytes, journal._shared_bytes) == (0, 0)

    check_bytes()


def test_unshared_prerendered_answers_are_bounded_in_bytes() -> None:
    @with_journal({"max_bytes": 100_000})
    async def check(journal: MemoryJournal) -> None:
        for one in await fill(journal, *"abcdefghij"):
            own = PrerenderedAnswer(Answer(200, (), (Frame(b"x" * 20_000),)), Placeholders())
            await journal.decide(one, Decision(own.fill(())))
        assert (await journal.size()).entries == 2

    check()
