"""Tests of the store in memory: counters, overlays, accounts, eviction."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from mockserver.fixtures.account_spec import AccountSpec
from mockserver.schema.money import NO_CHARGE, Amount, Charge
from mockserver.sessions.ledger import Hold
from mockserver.sessions.store import ANSWERED, MemoryStore, Overlay

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


def test_the_least_recently_used_session_is_evicted() -> None:
    store = MemoryStore(max_sessions=2)
    counted(store, "a/x", "b/x", "a/x", "c/x")
    assert answered(store, "a") == {"x": 2}
    assert answered(store, "c") == {"x": 1}
    assert answered(store, "b") == {}
    answered(store, "a")
    assert asyncio.run(store.sessions()) == ("c", "a")


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
