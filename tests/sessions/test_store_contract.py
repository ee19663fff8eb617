"""The contract of a session store, for the store in memory and for one that keeps bytes elsewhere."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import mockserver
from mockserver.fixtures.account_spec import AccountSpec
from mockserver.request.request_head import RequestHead
from mockserver.schema.money import NO_CHARGE, Amount, Charge
from mockserver.sessions.adjustable_clock import read_session_time
from mockserver.sessions.event_log import EventLog
from mockserver.sessions.jobs import Job
from mockserver.sessions.journal import Arrival, Decision, Journal, JournalEntry
from mockserver.sessions.ledger import Denial, Hold
from mockserver.sessions.store import (
    ANSWERED,
    APPLIED,
    EMPTY_OVERLAY,
    CounterKind,
    MemoryStore,
    Overlay,
    SessionStore,
)
from mockserver.sessions.stored_responses import StoredResponse
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.playback import Delivery
from tests.sessions.remote_store import RemoteStore

ACCOUNT = AccountSpec(key="k", balance=Amount(Decimal(9)))
DOLLAR = Charge(Decimal(1), Decimal(1))
LAYER = Overlay(fixtures_added=1)
DECISION = Decision(Answer(200, (), (Frame(b"x"),)), fixture="f")
DELIVERY = Delivery(200, 0.002, 0.5, 1, (0.5,), "finished")


@pytest.fixture(params=[MemoryStore, RemoteStore], ids=["in memory", "elsewhere"])
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[SessionStore], Awaitable[None]]], None]:
    def run_with_store(check: Callable[[SessionStore], Awaitable[None]]) -> None:
        async def checked() -> None:
            await asyncio.wait_for(check(request.param()), 20)

        asyncio.run(checked())

    return run_with_store


Run = Callable[[Callable[[SessionStore], Awaitable[None]]], None]


def test_counters_are_those_of_a_session_of_a_kind_and_of_a_name(run: Run) -> None:
    async def check(store: SessionStore) -> None:
        turns: list[tuple[str, CounterKind, str]] = [
            ("a", ANSWERED, "x"),
            ("a", ANSWERED, "x"),
            ("a", APPLIED, "x"),
            ("b", ANSWERED, "y"),
        ]
        assert [await store.increment(*turn) for turn in turns] == [0, 1, 0, 0]
        assert await store.counters("a", ANSWERED) == {"x": 2}
        assert await store.counters(None, ANSWERED) == {"x": 2, "y": 1}
        assert sorted(await store.sessions()) == ["a", "b"]
        await store.reset_counters(None, names=["y", "z"])
        assert await store.counters(None, ANSWERED) == {"x": 2}
        await store.reset_counters("a", [APPLIED])
        assert (await store.counters("a", ANSWERED), await store.counters("a", APPLIED)) == ({"x": 2}, {})

    run(check)


def test_what_a_lock_protects_is_done_one_after_the_other(run: Run) -> None:
    async def check(store: SessionStore) -> None:
        async def add_one() -> None:
            async with store.lock("a"):
                layer = await store.overlay("a")
                await store.set_overlay("a", Overlay(fixtures_added=layer.fixtures_added + 1))

        await asyncio.gather(*(add_one() for _ in range(20)))
        assert (await store.overlay("a")).fixtures_added == 20
        assert await store.overlay(None) == EMPTY_OVERLAY

    run(check)


def test_each_request_gets_its_overlays_and_counts(run: Run) -> None:
    async def check(store: SessionStore) -> None:
        await store.set_overlay("a", LAYER)
        await store.increment("a", ANSWERED, "x")
        assert await store.overlays_and_counts("a") == (LAYER, EMPTY_OVERLAY, {"x": 1})
        await store.set_overlay(None, LAYER)
        assert await store.overlays_and_counts("b") == (EMPTY_OVERLAY, LAYER, {})

    run(check)


def test_accounts_are_charged_per_session(run: Run) -> None:
    async def check(store: SessionStore) -> None:
        async def left(session: str) -> str:
            return str((await store.statement(session, ACCOUNT)).remaining)

        assert await store.admit("a", ACCOUNT, DOLLAR) is None
        hold = await store.hold("a", ACCOUNT, DOLLAR, NO_CHARGE, 0)
        assert isinstance(hold, Hold)
        dear = Charge(Decimal(10), Decimal(10))
        assert isinstance(await store.hold("a", ACCOUNT, dear, NO_CHARGE, 0), Denial)
        assert isinstance(await store.admit("a", ACCOUNT, dear), Denial)
        assert (await left("a"), await left("b"), await store.sessions_of_account("k")) == (
            "$8",
            "$9",
            ("a",),
        )
        await store.refund("a", "k", hold, DOLLAR)
        assert await left("a") == "$9"
        for undo in (store.restore_balance("a", "k"), store.reset_accounts(None)):
            await store.hold("a", ACCOUNT, DOLLAR, NO_CHARGE, 0)
            await undo
            assert await left("a") == "$9"

    run(check)


def test_the_clock_is_advanced_for_one_session_or_for_all(run: Run) -> None:
    async def check(store: SessionStore) -> None:
        await store.advance_clock("a", 60)
        await store.advance_clock(None, 10)
        offsets = [await store.clock_offset(session) for session in ("a", "b", None)]
        assert offsets == [70, 10, 10]
        assert await store.elapsed(0.0, "a") - await store.elapsed(0.0, "b") == pytest.approx(60, abs=5)
        assert [seconds for _, seconds in await store.clock_advances("a")] == [60, 10]
        await store.reset_clock("a")
        assert await store.clock_offset("a") == 10
        [(moment, seconds)] = await store.clock_advances("a")
        times = [read_session_time(moment + later, [(moment, seconds)]) - moment for later in (-1, 0, 1)]
        assert times == [-1, 10, 11]

    run(check)


def test_the_plan_begins_once_and_again_after_a_restart(run: Run) -> None:
    async def check(store: SessionStore) -> None:
        await store.advance_clock(None, 1000)
        assert await store.plan_elapsed("a") is None
        assert await store.start_plan("a") < 500
        await store.advance_clock(None, 1000)
        await store.advance_clock("a", 1000)
        found = [await store.start_plan("a"), await store.start_plan("b"), await store.plan_elapsed(None)]
        assert found == pytest.approx([2000, 1000, 1000], abs=300)
        await store.restart_plan()
        assert await store.plan_elapsed("a") is None
        assert await store.start_plan("b") < 500

    run(check)


def test_requests_are_counted_with_their_durations(run: Run) -> None:
    async def check(store: SessionStore) -> None:
        for _ in range(2):
            await store.count_request(None, DECISION, DELIVERY)
        [(labels, row)] = await store.request_counts()
        assert (labels.vendor, labels.status, sum(row.total.counts), row.total.seconds) == ("", 200, 2, 1.0)

    run(check)


def test_the_journal_tells_each_step_to_its_listeners(run: Run) -> None:
    async def check(store: SessionStore) -> None:
        steps: list[tuple[str, str]] = []
        journal = store.journal
        journal.subscribe(lambda lifecycle, entry: steps.append((lifecycle, entry.id)))
        for name, session in (("1", "a"), ("2", "b")):
            head = RequestHead("GET", "/", "", None, {})
            await journal.open(entry := JournalEntry(Arrival(name, head, session)))
            await journal.decide(entry, DECISION)
            await journal.close(entry, DELIVERY)
        assert steps == [(step, name) for name in "12" for step in ("arrived", "decided", "ended")]
        assert [one.id for one in await journal.entries()] == ["2", "1"]
        assert [one.id for one in await journal.entries("a")] == ["1"]
        assert [one.id for one in await journal.entries(since=1)] == ["2"]
        found = await journal.entry("1")
        assert found is not None
        assert (found.fixture, found.delivery) == ("f", DELIVERY)
        assert await journal.clear("a") == 1
        assert (await journal.entry("1"), await journal.size()) == (None, (1, 0))

    run(check)


def test_responses_are_found_in_their_session_alone(run: Run) -> None:
    def build(id_: str) -> StoredResponse:
        body = json.dumps({"id": id_, "output": [{"id": f"msg_{id_}", "type": "message"}]}).encode()
        return StoredResponse(id_, "aimlapi", ({"role": "user", "content": "Hi"},), body, 10)

    async def check(store: SessionStore) -> None:
        one, two = build("1"), build("2")
        await store.add_response("a", one)
        await store.add_response("a", two)
        assert await store.find_response("a", "1") == one
        assert await store.find_response("b", "1") is None
        assert await store.find_response_item("a", "msg_1") == {"id": "msg_1", "type": "message"}
        assert [await store.find_response_item(*key) for key in (("a", "msg_"), ("b", "msg_1"))] == [
            None,
            None,
        ]
        assert [await store.delete_response("a", "1") for _ in range(2)] == [True, False]
        await store.forget_responses("b")
        assert await store.find_response("a", "2") == two
        await store.forget_responses(None)
        assert await store.find_response("a", "2") is None

    run(check)


def test_events_are_numbered_from_the_start_of_the_recording(run: Run) -> None:
    async def check(store: SessionStore) -> None:
        log, stop = store.events, asyncio.get_running_loop().create_future()
        log.publish("change", None, {"what": "early"})
        assert (log.is_recording, await log.start(), log.is_recording) == (False, 0, True)
        waiting = asyncio.ensure_future(log.wait(0, stop, 10))
        log.publish("change", "a", {"what": "faults"})
        log.publish("change", None, {"what": "clock"})
        assert await waiting
        first, events = await log.read(0)
        assert (first, [(one.number, one.session) for one in events]) == (1, [(1, "a"), (2, None)])
        assert events[0].payload == b'id: 1\nevent: change\ndata: {"what":"faults"}\n\n'
        assert (await log.read(2)).events == []
        assert await log.wait(1, stop, 10)
        assert not await log.wait(2, stop, 0.001)

    run(check)


def test_jobs_are_found_by_their_id_until_they_are_forgotten(run: Run) -> None:
    async def check(store: SessionStore) -> None:
        jobs = [Job(f"job-{session}", session, "v", "m", 0.0, 1.0, b"{}") for session in ("a", "b")]
        for job in jobs:
            await store.add_job(job)
        assert [await store.find_job(job.id) for job in jobs] == jobs
        await store.forget_jobs("a")
        assert [await store.find_job(job.id) for job in jobs] == [None, jobs[1]]
        await store.forget_jobs(None)
        assert await store.find_job("job-b") is None

    run(check)


def test_a_copy_changes_nothing_in_the_original(run: Run) -> None:
    async def check(store: SessionStore) -> None:
        await store.increment("a", ANSWERED, "x")
        await store.set_overlay("a", LAYER)
        copied = await store.copy("a")
        assert await copied.overlay("a") == LAYER
        assert await copied.increment("a", ANSWERED, "x") == 1
        assert (await store.counters("a", ANSWERED), await store.evicted_sessions()) == ({"x": 1}, 0)

    run(check)


def _verbs(protocol: Any) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("protocol", "names"),
    [
        (SessionStore, {"store", "_store"}),
        (Journal, {"journal", "_journal"}),
        (EventLog, {"events", "_log"}),
    ],
)
def test_the_server_uses_the_methods_of_the_contract_alone(protocol: Any, names: set[str]) -> None:
    used = set()
    for path in Path(mockserver.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                owner = node.value
                name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                # The log of accesses and the regular events of uvicorn have methods of their own.
                if name in names and path.parent.name not in ("sessions", "server"):
                    used.add(node.attr)
    assert used
    assert used <= _verbs(protocol)
    # The parts of a store, and whether events are recorded, are known without waiting; so are locks and listeners.
    at_once = {"journal", "events", "is_recording", "lock", "subscribe", "publish", "max_entries"}
    waiting = {name for name in _verbs(protocol) if inspect.iscoroutinefunction(vars(protocol)[name])}
    assert _verbs(protocol) - waiting <= at_once
