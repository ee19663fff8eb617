"""What a session remembers is its own, and forgotten when nobody has asked for it in a long time."""

from __future__ import annotations

import asyncio

from mockserver.session.store import Memory


def counted(store: Memory, *turns: str) -> list[int]:
    """How often the fixture had answered before, for each turn `session/fixture`."""

    async def count() -> list[int]:
        return [await store.count(*turn.split("/")) for turn in turns]

    return asyncio.run(count())


def answered(store: Memory, session: str) -> dict[str, int]:
    return dict(asyncio.run(store.answered(session)))


def test_a_new_session_has_heard_nothing() -> None:
    assert answered(Memory(), "new") == {}


def test_every_answer_is_counted() -> None:
    store = Memory()
    assert counted(store, "a/x", "a/x", "a/y", "a/x") == [0, 1, 0, 2]
    assert answered(store, "a") == {"x": 3, "y": 1}


def test_sessions_do_not_share_what_they_heard() -> None:
    store = Memory()
    assert counted(store, "a/x", "b/x", "a/x") == [0, 0, 1]
    assert answered(store, "b") == {"x": 1}


def test_the_session_that_was_used_longest_ago_is_forgotten() -> None:
    store = Memory(most=2)
    counted(store, "a/x", "b/x", "a/x", "c/x")
    assert answered(store, "a") == {"x": 2}
    assert answered(store, "c") == {"x": 1}
    assert answered(store, "b") == {}
