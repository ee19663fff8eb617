"""What the journal drops and evicts, in which order, and what it still knows of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_body import LazyBody
from mockserver.request.request_head import RequestHead
from mockserver.sessions import memory_journal
from mockserver.sessions.journal import (
    Arrival,
    Decision,
    JournalEntry,
    describe_dropped_bodies,
    describe_evicted,
    generate_request_id,
)
from mockserver.sessions.memory_journal import LARGE_BODY, MemoryJournal, compute_body_digest
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.playback import Delivery
from mockserver.wire.prerendered import Placeholders, PrerenderedAnswer
from tests.request_fixtures import HELLO, ReadRequest

HEAD = RequestHead("GET", "/nowhere", "localhost", None, {})
DELIVERY = Delivery(200, 0.1, 0.2, 4, (), "finished")
EMPTY = Answer(200, (), ())


def run(check: Callable[[MemoryJournal], Awaitable[None]], **bounds: int) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(check(MemoryJournal(**bounds)), 10)

    asyncio.run(bounded())


async def add(
    journal: MemoryJournal,
    session: str,
    size: int = 0,
    request: ChatRequest | None = None,
    *,
    ends: bool = True,
    answer: Answer | None = None,
) -> JournalEntry:
    """Add an entry whose answer has so many bytes."""
    entry = JournalEntry(Arrival(generate_request_id(), HEAD, session, request))
    await journal.open(entry)
    await journal.decide(entry, Decision(answer or replace(EMPTY, frames=(Frame(b"x" * size),))))
    if ends:
        await journal.close(entry, DELIVERY)
    return entry


def sessions_of(entries: Any) -> str:
    return "".join(entry.session for entry in reversed(entries))


def test_large_bodies_go_first_then_others_then_entries() -> None:
    async def check(journal: MemoryJournal) -> None:
        small = [await add(journal, name, 20_000) for name in "ab"]
        large = [await add(journal, name, LARGE_BODY + 1) for name in "cdefghi"]
        assert [entry.dropped is None for entry in small + large] == [True] * 2 + [False] * 4 + [True] * 3
        small += [await add(journal, name, 60_000) for name in "jklmn"]
        assert [entry.dropped is None for entry in large] == [False] * 7
        assert [entry.dropped is None for entry in small] == [False, False, False, True, True, True, True]
        assert journal._all.bytes <= 280_000
        assert (await journal.size()) == (14, 0)  # no entry was evicted

    run(check, max_bytes=280_000)


def test_entries_are_evicted_where_there_are_no_bodies_left() -> None:
    async def check(journal: MemoryJournal) -> None:
        for name in "abbbcccdddee":
            await add(journal, name)
        assert sessions_of(await journal.entries()) == "abbbcccdddee"
        await add(journal, "f")
        assert sessions_of(await journal.entries()) == "abbcccdddeef"

    run(check, max_bytes=12_000)


def test_entries_of_the_largest_session_are_evicted() -> None:
    async def check(journal: MemoryJournal) -> None:
        for name in "abbcbbc":
            await add(journal, name)
        assert (
            sessions_of(await journal.entries()) == "abcbbc"
        )  # b has more than a quarter, and others have entries
        for name in "ddeef":
            await add(journal, name)
        assert sessions_of(await journal.entries()) == "abcbbcddeef"
        await add(journal, "g")
        await add(journal, "h")
        assert sessions_of(await journal.entries()) == "acbbcddeefgh"
        assert [await journal.count_evicted(name) for name in (None, "a", "b")] == [2, 0, 2]

    run(check, max_entries=12)


def test_a_session_alone_may_have_everything_until_others_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_journal, "_MAX_QUOTA_EVICTIONS", 3)

    async def check(journal: MemoryJournal) -> None:
        for _ in range(10):
            await add(journal, "a")
        assert len(await journal.entries("a")) == 8
        await add(journal, "b", ends=False)
        assert len(await journal.entries("a")) < 8  # a few at a time
        for _ in range(3):
            await add(journal, "b")
        assert [len(await journal.entries(name)) for name in "ab"] == [2, 2]
        assert [await journal.count_evicted(name) for name in "ab"] == [8, 2]

    run(check, max_entries=8)


def test_a_cleared_session_is_not_beyond_its_quota() -> None:
    async def check(journal: MemoryJournal) -> None:
        for _ in range(5):
            await add(journal, "a")
        assert journal._over_quota == {"a"}
        await journal.clear("a")
        assert journal._over_quota == set()
        await add(journal, "b")
        await add(journal, "a")
        assert sessions_of(await journal.entries()) == "ba"

    run(check, max_entries=8)


def test_a_session_has_a_quarter_of_the_bytes_while_others_have_entries() -> None:
    async def check(journal: MemoryJournal) -> None:
        other = await add(journal, "b", 50_000)
        entries = [await add(journal, "a", 40_000) for _ in range(6)]
        assert [entry.dropped is None for entry in [other, *entries]] == [
            True,
            *[False] * 3,
            True,
            True,
            True,
        ]
        await add(journal, "a", 150_000, ends=False)
        assert other.dropped is None
        assert await journal.count_evicted() == 0  # bodies that are being sent evict no entries

    run(check, max_bytes=400_000)


def test_bodies_in_use_are_not_dropped() -> None:
    async def check(journal: MemoryJournal) -> None:
        first = await add(journal, "a", 40_000, ends=False)
        second = await add(journal, "b", 80_000, ends=False)
        assert sessions_of(await journal.entries()) == "b"  # its entry goes instead
        await journal.close(first, DELIVERY)
        await journal.close(second, DELIVERY)
        third = await add(journal, "c", 40_000)
        assert [first.dropped, second.dropped is None, third.dropped] == [None, False, None]
        assert await journal.clear("b") == 1
        await journal.close(await add(journal, "d"), DELIVERY)
        assert journal._all.open_bytes == 0
        assert sessions_of(await journal.entries()) == "cd"

    run(check, max_bytes=100_000)


def test_the_newest_entry_stays_whatever_its_size() -> None:
    async def check(journal: MemoryJournal) -> None:
        for name in "abbc":
            await add(journal, name)
            assert sessions_of(await journal.entries()) == name

    run(check, max_bytes=500)


@pytest.mark.parametrize("size", [10, LARGE_BODY])
def test_the_last_user_message_and_the_digest_remain(read_request: ReadRequest, size: int) -> None:
    raw = json.dumps({**HELLO, "stream": True, "extra": "x" * size}).encode()
    request = with_body(read_request(), raw)

    async def check(journal: MemoryJournal) -> None:
        entry = await add(journal, "a", request=request)
        for name in "bcdef":
            await add(journal, name, 60_000)
        assert entry.dropped is not None
        assert (entry.dropped.digest, entry.dropped.is_user_text_whole) == (compute_body_digest(raw), True)
        kept = entry.request_with_body
        assert kept is not None
        assert (kept.parsed.last_user_text, kept.raw, kept.parsed.user_turns) == ("Hello", b"", 1)
        assert (kept.model, kept.vendor.name) == (request.model, "aimlapi")
        assert request.raw == raw  # other entries may share the request
        assert entry.answer is not None
        assert (entry.status, entry.answer.frames) == (200, ())
        assert entry.size == 1_000 + HEAD.size + len("Hello")

    run(check, max_bytes=250_000)


def with_body(request: ChatRequest, raw: bytes) -> ChatRequest:
    """Return a request with a body that the reader of the tests would find too large."""
    return replace(request, raw=raw, lazy_body=LazyBody(raw))


def test_a_long_message_is_truncated_and_an_invalid_body_has_none(read_request: ReadRequest) -> None:
    body = {"messages": [{"role": "user", "content": "x" * 3_000}]}
    long = with_body(read_request(), json.dumps(body).encode())
    invalid = read_request(raw=b"[")

    async def check(journal: MemoryJournal) -> None:
        entries = [await add(journal, "a", request=long), await add(journal, "a", request=invalid)]
        for name in "bcd":
            await add(journal, name, 5_000)
        wholes = [entry.dropped and entry.dropped.is_user_text_whole for entry in entries]
        texts = [
            entry.request_with_body and entry.request_with_body.parsed.last_user_text for entry in entries
        ]
        assert (wholes, texts) == ([False, True], ["x" * 2_000, ""])
        assert entries[1].request_with_body is not None
        assert entries[1].request_with_body.parsed.error == "no_json"

    run(check, max_bytes=12_000)


def test_a_shared_answer_is_released_when_bodies_are_dropped() -> None:
    shared = PrerenderedAnswer(Answer(200, (), (Frame(b"x" * 5_000),)), Placeholders())

    async def check(journal: MemoryJournal) -> None:
        answers = [await add(journal, "a", answer=shared.fill(())) for _ in range(2)]
        await add(journal, "a", 20_000)
        await add(journal, "a", 20_000)
        assert [entry.dropped is None for entry in answers] == [False, False]
        assert journal._shared_bytes == 0
        assert await journal.clear() == 4
        assert journal._all.bytes == 0

    run(check, max_bytes=44_000)


def test_counts_stay_until_the_session_is_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_journal, "_MAX_COUNTS", 2)

    async def check(journal: MemoryJournal) -> None:
        for name in "aaabb":
            await add(journal, name)
        assert [await journal.count_evicted(name) for name in (None, "a", "b", "c")] == [4, 3, 1, 0]
        assert await journal.clear("a") == 0
        assert [await journal.count_evicted(name) for name in (None, "a")] == [1, 0]
        for name in "cdef":
            await add(journal, name)
        # Only so many sessions are counted; the evictions of all are.
        assert [await journal.count_evicted(name) for name in (None, "b", "d", "e")] == [5, 0, 1, 1]
        await journal.clear()
        assert [await journal.count_evicted(name) for name in (None, "d")] == [0, 0]
        assert await journal.size() == (0, 8)

    run(check, max_entries=1)


def test_the_heap_of_sessions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_journal, "_HEAP_SLACK", 10)

    async def check(journal: MemoryJournal) -> None:
        for number in range(300):
            await add(journal, f"s{number % 7}")
            if number % 70 == 0:
                await journal.clear("s3")
        assert len(journal._by_entries.heap) <= 4 * 7 + 10
        assert len(await journal.entries()) == 20

    run(check, max_entries=20)


def test_the_reasons_are_sentences() -> None:
    assert describe_evicted(0, 10, "s") == ""
    assert describe_evicted(1, 10, "s") == "1 request of this session was evicted: raise --journal-size (10)"
    assert (
        describe_evicted(1_200, 10_000, None) == "1,200 requests were evicted: raise --journal-size (10,000)"
    )
    assert describe_dropped_bodies(1) == "the body of 1 request was dropped: the journal keeps 64 MB"
    assert describe_dropped_bodies(12) == "the bodies of 12 requests were dropped: the journal keeps 64 MB"


def test_ids_of_evicted_entries_are_forgotten(read_request: ReadRequest) -> None:
    async def check(journal: MemoryJournal) -> None:
        first = await add(journal, "a", 6_000)
        for _ in range(8):
            await add(journal, "b", 1_000)
        await journal.clear("b")
        # The bodies of a's first request ended before all of these, and stay.
        assert journal._all.small_bodies is not None
        assert journal._all.small_bodies[0] == first.id
        await add(journal, "c")
        await add(journal, "c")
        await journal.clear("c")
        assert len(journal._all.small_bodies) <= 2 * len(await journal.entries())

    run(check, max_bytes=24_000)


def test_bodies_that_are_gone_are_not_dropped_again() -> None:
    async def check(journal: MemoryJournal) -> None:
        first = await add(journal, "a", 3_000)
        for _ in range(3):
            await add(journal, "b", 3_000)
        await journal.clear("b")
        others = [await add(journal, "c", 6_000) for _ in range(3)]
        assert [entry.dropped is None for entry in (first, *others)] == [True, False, False, True]

    run(check, max_bytes=14_000)
