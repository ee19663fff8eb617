"""The event feed: subscribers receive all events in order, and after a reconnect those that they missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from mockserver.admin import event_stream
from mockserver.admin.event_stream import EventFeed
from mockserver.request.request_head import RequestHead
from mockserver.sessions.event_log import MemoryEventLog
from mockserver.sessions.journal import Arrival, JournalEntry

HEAD = RequestHead("GET", "/", "", None, {})


def listen(
    script: Callable[[EventFeed, asyncio.Event], Awaitable[list[bytes]]], most: int = 1000
) -> list[bytes]:
    async def run() -> list[bytes]:
        closing = asyncio.Event()
        heard = apart(await asyncio.wait_for(script(EventFeed(MemoryEventLog(most), closing), closing), 5))
        return [text for text in heard if not text.startswith(b": mockserver")]

    return asyncio.run(run())


def apart(heard: list[bytes]) -> list[bytes]:
    """Split the received pieces into events."""
    return [text + b"\n\n" for piece in heard for text in piece.split(b"\n\n")[:-1]]


async def begun(
    feed: EventFeed, after: int | None = None, session: str | None = None
) -> AsyncIterator[bytes]:
    follower = feed.subscribe(after, session)
    assert await anext(follower) == b": mockserver\n\n"
    return follower


async def rest(follower: AsyncIterator[bytes]) -> list[bytes]:
    return [text async for text in follower]


async def until(true: Callable[[], bool]) -> None:
    """Run the other tasks of the loop until a condition is true."""
    while not true():  # noqa: ASYNC110 what is waited for is no event
        await asyncio.sleep(0)


def reached(heard: list[bytes], count: int) -> bool:
    return len(apart(heard)) >= count


def event(number: int, what: str = "faults", session: str = "null") -> bytes:
    data = f'{{"what":"{what}","session":{session}}}'
    return f"id: {number}\nevent: change\ndata: {data}\n\n".encode()


def test_nothing_is_kept_before_somebody_listens() -> None:
    async def script(feed: EventFeed, closing: asyncio.Event) -> list[bytes]:
        feed.publish_change("faults", None)
        feed.publish_request("arrived", JournalEntry(Arrival("a", HEAD, "s")))
        follower = await begun(feed)
        feed.publish_change("fixtures", "s")
        heard = [await anext(follower)]
        closing.set()
        return heard + await rest(follower)

    assert listen(script) == [event(1, "fixtures", '"s"')]


def test_a_moment_of_a_request_is_told_with_what_is_known_of_it() -> None:
    async def script(feed: EventFeed, closing: asyncio.Event) -> list[bytes]:
        follower = await begun(feed)
        feed.publish_request("arrived", JournalEntry(Arrival("req-1", HEAD, "s")))
        return [await anext(follower)]

    [told] = listen(script)
    assert told.startswith(b'id: 1\nevent: request\ndata: {"moment":"arrived","request":{"id":"req-1",')


def test_it_waits_for_what_is_told_and_ends_when_the_server_stops() -> None:
    async def script(feed: EventFeed, closing: asyncio.Event) -> list[bytes]:
        heard: list[bytes] = []
        follower = await begun(feed)

        async def hear() -> None:
            async for text in follower:
                heard.append(text)  # noqa: PERF401 one by one, as they come

        hearing = asyncio.create_task(hear())
        for count in (2, 4, 6):
            await until(lambda: bool(feed._log._waiters))  # type: ignore[attr-defined]
            feed.publish_change("faults", None)
            feed.publish_change("faults", None)
            await until(partial(reached, heard, count))
        closing.set()
        await hearing
        assert not feed._log._waiters  # type: ignore[attr-defined]
        return heard

    assert listen(script) == [event(number) for number in range(1, 7)]


def test_a_session_hears_its_own_and_what_is_everybody_s() -> None:
    async def script(feed: EventFeed, closing: asyncio.Event) -> list[bytes]:
        follower = await begun(feed, session="mine")
        for session in ("mine", "other", None):
            feed.publish_change("faults", session)
        heard = [await anext(follower)]
        feed.publish_change("faults", "other")
        closing.set()
        return heard + await rest(follower)

    assert listen(script) == [event(1, session='"mine"'), event(3)]


def test_what_comes_thick_and_fast_is_told_in_few_pieces() -> None:
    async def script(feed: EventFeed, closing: asyncio.Event) -> list[bytes]:
        follower = await begun(feed)
        pieces = []
        for _ in range(2):
            for _ in range(100):
                feed.publish_change("faults", None)
            pieces.append(await anext(follower))
        closing.set()
        assert [len(apart([piece])) for piece in pieces] == [100, 100]
        return pieces + await rest(follower)

    assert listen(script) == [event(number) for number in range(1, 201)]


@pytest.mark.parametrize(
    ("after", "numbers", "lost"),
    [(4, [5], False), (2, [3, 4, 5], False), (5, [], False), (1, [3, 4, 5], True), (99, [3, 4, 5], True)],
)
def test_whoever_comes_back_hears_what_was_missed(after: int, numbers: list[int], lost: bool) -> None:
    async def script(feed: EventFeed, closing: asyncio.Event) -> list[bytes]:
        await begun(feed)
        for _ in range(5):
            feed.publish_change("faults", None)
        follower = await begun(feed, after)
        closing.set()
        return await rest(follower)

    gone = [b"id: 2\nevent: lost\ndata: {}\n\n"] if lost else []
    assert listen(script, most=3) == [*gone, *map(event, numbers)]


def test_whoever_comes_back_to_a_new_server_is_told_so() -> None:
    async def script(feed: EventFeed, closing: asyncio.Event) -> list[bytes]:
        return [await anext(await begun(feed, 7))]

    assert listen(script) == [b"id: 0\nevent: lost\ndata: {}\n\n"]


def test_a_long_silence_has_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.001)

    async def script(feed: EventFeed, closing: asyncio.Event) -> list[bytes]:
        follower = await begun(feed)
        return [await anext(follower), await anext(follower)]

    assert listen(script) == [b": heartbeat\n\n"] * 2


def test_the_buffer_is_bounded_in_bytes() -> None:
    size = len(event(1)) * 3 + 1

    async def script(feed: EventFeed, closing: asyncio.Event) -> list[bytes]:
        feed = EventFeed(MemoryEventLog(1000, size), closing)
        await begun(feed)
        for _ in range(5):
            feed.publish_change("faults", None)
        feed.publish_change("faults", "s" * size)  # larger than all of the buffer, and kept all the same
        follower = await begun(feed, 4)
        closing.set()
        return await rest(follower)

    lost, last = listen(script)
    assert lost == b"id: 5\nevent: lost\ndata: {}\n\n"
    assert last.startswith(b"id: 6\n")


def test_a_subscriber_that_is_too_slow_learns_what_it_has_lost() -> None:
    async def script(feed: EventFeed, closing: asyncio.Event) -> list[bytes]:
        follower = await begun(feed)
        feed.publish_change("faults", None)
        received = [await anext(follower)]
        for _ in range(9):
            feed.publish_change("faults", None)
        closing.set()
        return received + await rest(follower)

    lost = b"id: 7\nevent: lost\ndata: {}\n\n"
    assert listen(script, most=3) == [event(1), lost, event(8), event(9), event(10)]
