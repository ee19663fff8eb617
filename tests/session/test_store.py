"""What a session remembers is its own, and forgotten when nobody has asked for it in a long time."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from mockserver.money import NOTHING, Amount, Charge
from mockserver.session.purse import Paid
from mockserver.session.store import ANSWERED, EMPTY, ROLLED, Layer, Memory
from mockserver.shelf.account import Account
from mockserver.shelf.matching import Shelf

LAYER = Layer(made=1)


def counted(store: Memory, *turns: str) -> list[int]:
    """How often the fixture had answered before, for each turn `session/fixture`."""

    async def count() -> list[int]:
        return [await store.count(session, ANSWERED, name) for session, name in map(_split, turns)]

    return asyncio.run(count())


def _split(turn: str) -> tuple[str, str]:
    session, name = turn.split("/")
    return session, name


def answered(store: Memory, session: str | None) -> dict[str, int]:
    return dict(asyncio.run(store.counts(session, ANSWERED)))


def test_a_new_session_has_heard_nothing_and_looking_does_not_make_it() -> None:
    store = Memory()
    assert answered(store, "new") == {}
    assert asyncio.run(store.sessions()) == ()


def test_every_answer_is_counted() -> None:
    store = Memory()
    assert counted(store, "a/x", "a/x", "a/y", "a/x") == [0, 1, 0, 2]
    assert answered(store, "a") == {"x": 3, "y": 1}


def test_kinds_are_counted_apart() -> None:
    store = Memory()
    counted(store, "a/x")
    assert asyncio.run(store.count("a", ROLLED, "x")) == 0
    asyncio.run(store.uncount("a", [ROLLED]))
    assert answered(store, "a") == {"x": 1}


def test_sessions_do_not_share_what_they_heard() -> None:
    store = Memory()
    assert counted(store, "a/x", "b/x", "a/x") == [0, 0, 1]
    assert answered(store, "b") == {"x": 1}


def test_all_sessions_together_are_the_sum() -> None:
    store = Memory()
    counted(store, "a/x", "b/x", "b/y")
    assert answered(store, None) == {"x": 2, "y": 1}


def test_counters_begin_again_by_name_or_all() -> None:
    store = Memory()
    counted(store, "a/x", "a/y", "b/x")
    asyncio.run(store.uncount(None, names=["x", "z"]))
    assert (answered(store, "a"), answered(store, "b")) == ({"y": 1}, {})
    asyncio.run(store.uncount("a"))
    assert answered(store, None) == {}


def test_the_session_that_was_used_longest_ago_is_forgotten() -> None:
    store = Memory(most=2)
    counted(store, "a/x", "b/x", "a/x", "c/x")
    assert answered(store, "a") == {"x": 2}
    assert answered(store, "c") == {"x": 1}
    assert answered(store, "b") == {}
    answered(store, "a")
    assert asyncio.run(store.sessions()) == ("c", "a")


def test_a_session_has_a_layer_of_its_own_before_the_shared_one() -> None:
    store = Memory()
    asyncio.run(store.lay("a", LAYER))
    counted(store, "a/x")
    assert asyncio.run(store.meets("a")) == (LAYER, EMPTY, {"x": 1})
    asyncio.run(store.lay(None, Layer(Shelf(()))))
    assert asyncio.run(store.meets("b")) == (EMPTY, asyncio.run(store.layer(None)), {})
    assert asyncio.run(store.layer("a")) is LAYER


def test_a_copy_knows_the_same_and_keeps_what_it_learns() -> None:
    store = Memory()
    counted(store, "a/x")
    asyncio.run(store.lay("a", LAYER))

    async def learn() -> int:
        copy = await store.copy("a")
        assert await copy.layer("a") is LAYER
        return await copy.count("a", ANSWERED, "x") + await (await store.copy("b")).count("b", ANSWERED, "x")

    assert asyncio.run(learn()) == 1
    assert answered(store, None) == {"x": 1}


def test_accounts_are_charged_in_one_session_and_forgiven_there() -> None:
    async def told() -> list[str]:
        store, key = Memory(most=1), Account(key="k", balance=Amount(Decimal(9)))
        one = Charge(Decimal(1), Decimal(1))
        paid = await store.charge("a", key, one, NOTHING, 0, 0.0)
        assert isinstance(paid, Paid)
        copied = await store.copy("a")
        await copied.charge("a", key, one, NOTHING, 0, 0.0)
        told = [str((await known.statement("a", key, 0.0)).left) for known in (store, copied)]
        await store.forgive("b")
        told += [str((await store.statement("a", key, 0.0)).left), *await store.spenders("k")]
        await store.redeem("a", "other")
        await store.forgive("a")
        told.append(str((await store.statement("a", key, 0.0)).left))
        await store.count("b", ANSWERED, "x")  # and so the other session is forgotten
        await store.refund("a", "k", paid, one)
        return [*told, *await store.spenders("k")]

    assert asyncio.run(told()) == ["$8", "$7", "$8", "a", "$9"]
