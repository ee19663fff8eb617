"""Tests of the store in memory: counters, overlays, accounts, eviction."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from mockserver.fixtures.account_spec import AccountSpec
from mockserver.matching.fixture_set import FixtureSet
from mockserver.schema.money import NO_CHARGE, Amount, Charge
from mockserver.sessions.ledger import Hold
from mockserver.sessions.store import ANSWERED, EMPTY_OVERLAY, EVALUATED, MemoryStore, Overlay

LAYER = Overlay(fixtures_added=1)


def counted(store: MemoryStore, *turns: str) -> list[int]:
    """Count an answer for each `session/fixture`; return the counts before."""

    async def count() -> list[int]:
        return [await store.increment(session, ANSWERED, name) for session, name in map(_split, turns)]

    return asyncio.run(count())


def _split(turn: str) -> tuple[str, str]:
    session, name = turn.split("/")
    return session, name


def answered(store: MemoryStore, session: str | None) -> dict[str, int]:
    return dict(asyncio.run(store.counters(session, ANSWERED)))


def test_reading_a_new_session_does_not_create_it() -> None:
    store = MemoryStore()
    assert answered(store, "new") == {}
    assert asyncio.run(store.sessions()) == ()


def test_every_answer_is_counted() -> None:
    store = MemoryStore()
    assert counted(store, "a/x", "a/x", "a/y", "a/x") == [0, 1, 0, 2]
    assert answered(store, "a") == {"x": 3, "y": 1}


def test_kinds_are_counted_apart() -> None:
    store = MemoryStore()
    counted(store, "a/x")
    assert asyncio.run(store.increment("a", EVALUATED, "x")) == 0
    asyncio.run(store.reset_counters("a", [EVALUATED]))
    assert answered(store, "a") == {"x": 1}


def test_sessions_do_not_share_counters() -> None:
    store = MemoryStore()
    assert counted(store, "a/x", "b/x", "a/x") == [0, 0, 1]
    assert answered(store, "b") == {"x": 1}


def test_all_sessions_together_are_the_sum() -> None:
    store = MemoryStore()
    counted(store, "a/x", "b/x", "b/y")
    assert answered(store, None) == {"x": 2, "y": 1}


def test_counters_are_reset_by_name_or_all() -> None:
    store = MemoryStore()
    counted(store, "a/x", "a/y", "b/x")
    asyncio.run(store.reset_counters(None, names=["x", "z"]))
    assert (answered(store, "a"), answered(store, "b")) == ({"y": 1}, {})
    asyncio.run(store.reset_counters("a"))
    assert answered(store, None) == {}


def test_the_least_recently_used_session_is_evicted() -> None:
    store = MemoryStore(max_sessions=2)
    counted(store, "a/x", "b/x", "a/x", "c/x")
    assert answered(store, "a") == {"x": 2}
    assert answered(store, "c") == {"x": 1}
    assert answered(store, "b") == {}
    answered(store, "a")
    assert asyncio.run(store.sessions()) == ("c", "a")


def test_a_session_has_an_overlay_of_its_own_before_the_shared_one() -> None:
    store = MemoryStore()
    asyncio.run(store.set_overlay("a", LAYER))
    counted(store, "a/x")
    assert asyncio.run(store.overlays_and_counts("a")) == (LAYER, EMPTY_OVERLAY, {"x": 1})
    asyncio.run(store.set_overlay(None, Overlay(FixtureSet(()))))
    assert asyncio.run(store.overlays_and_counts("b")) == (
        EMPTY_OVERLAY,
        asyncio.run(store.overlay(None)),
        {},
    )
    assert asyncio.run(store.overlay("a")) is LAYER


def test_a_copy_starts_equal_and_changes_nothing_in_the_original() -> None:
    store = MemoryStore()
    counted(store, "a/x")
    asyncio.run(store.set_overlay("a", LAYER))

    async def learn() -> int:
        copy = await store.copy("a")
        assert await copy.overlay("a") is LAYER
        return await copy.increment("a", ANSWERED, "x") + await (await store.copy("b")).increment(
            "b", ANSWERED, "x"
        )

    assert asyncio.run(learn()) == 1
    assert answered(store, None) == {"x": 1}


def test_accounts_are_charged_and_reset_per_session() -> None:
    async def told() -> list[str]:
        store, key = MemoryStore(max_sessions=1), AccountSpec(key="k", balance=Amount(Decimal(9)))
        one = Charge(Decimal(1), Decimal(1))
        paid = await store.hold("a", key, one, NO_CHARGE, 0)
        assert isinstance(paid, Hold)
        copied = await store.copy("a")
        await copied.hold("a", key, one, NO_CHARGE, 0)
        told = [str((await known.statement("a", key)).remaining) for known in (store, copied)]
        await store.reset_accounts("b")
        told += [str((await store.statement("a", key)).remaining), *await store.sessions_of_account("k")]
        await store.restore_balance("a", "other")
        await store.reset_accounts("a")
        told.append(str((await store.statement("a", key)).remaining))
        await store.increment("b", ANSWERED, "x")  # which evicts the other session
        await store.refund("a", "k", paid, one)
        return [*told, *await store.sessions_of_account("k")]

    assert asyncio.run(told()) == ["$8", "$7", "$8", "a", "$9"]
