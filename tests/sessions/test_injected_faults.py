"""Tests of the evaluation of fault rules: order, counts, reproducible draws."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from mockserver.errors import RetryAfter
from mockserver.fixtures.fault_rules import FaultRule, parse_fault_rule
from mockserver.sessions.injected_faults import NO_INJECTION, Injection, roll_fault_rules
from mockserver.sessions.store import APPLIED, EVALUATED, MemoryStore
from tests.request_fixtures import ReadRequest


def rules(*texts: str) -> list[FaultRule]:
    return [parse_fault_rule(text, f"rule-{number}", "test") for number, text in enumerate(texts, 1)]


def rolls(
    read_request: ReadRequest,
    fault_rules: Iterable[FaultRule],
    count: int = 1,
    store: MemoryStore | None = None,
    seed: int = 0,
    **headers: Any,
) -> list[Injection]:
    known_store = store or MemoryStore()
    call = read_request(**{"x_mock_session": "s", **headers})
    fault_rules = list(fault_rules)

    async def roll() -> list[Injection]:
        return [await roll_fault_rules(call, fault_rules, known_store, seed) for _ in range(count)]

    return asyncio.run(roll())


def outcomes(demands: Iterable[Injection]) -> str:
    return "".join("x" if one.rule else "." for one in demands)


def test_without_rules_nothing_is_injected(read_request: ReadRequest) -> None:
    assert rolls(read_request, []) == [NO_INJECTION]


def test_a_rule_injects_its_error_fault_and_delay(read_request: ReadRequest) -> None:
    [one] = rolls(read_request, rules("error=429 retry_after=2s message=Slow code=c fault=reset@3 delay=1s"))
    assert one.error is not None
    assert (one.error.kind, one.error.message, one.error.code, one.error.retry_after) == (
        429,
        "Slow",
        "c",
        RetryAfter(2.0),
    )
    assert (str(one.fault), one.delay, one.rule, one.fixture) == ("reset@3", 1.0, "rule-1", None)


def test_rules_after_the_first_that_applies_are_not_evaluated(read_request: ReadRequest) -> None:
    store = MemoryStore()
    fault_rules = rules("user=Bye error=500", "user=Hello error=501", "error=502")
    [one] = rolls(read_request, fault_rules, store=store)
    assert one.rule == "rule-2"
    assert dict(asyncio.run(store.counters("s", EVALUATED))) == {"rule-2": 1}


def test_times_are_counted_in_each_session(read_request: ReadRequest) -> None:
    store, fault_rules = MemoryStore(), rules("error=429 times=2")
    assert outcomes(rolls(read_request, fault_rules, 4, store)) == "xx.."
    assert outcomes(rolls(read_request, fault_rules, 3, store, x_mock_session="t")) == "xx."
    assert dict(asyncio.run(store.counters("s", APPLIED))) == {"rule-1": 2}


def test_a_rule_expires_after_its_duration(read_request: ReadRequest) -> None:
    [fault_rules] = rules("error=429 for=10s")
    call = read_request()
    assert fault_rules.applies_to(call, fault_rules.active_since + 9.9)
    assert not fault_rules.applies_to(call, fault_rules.active_since + 10)


def test_draws_are_reproducible_by_seed_session_and_rule(read_request: ReadRequest) -> None:
    fault_rules = rules("error=500 probability=50%")
    first = outcomes(rolls(read_request, fault_rules, 64))
    assert first == outcomes(rolls(read_request, fault_rules, 64))
    assert 16 < first.count("x") < 48
    others = {
        outcomes(rolls(read_request, fault_rules, 64, seed=1)),
        outcomes(rolls(read_request, fault_rules, 64, x_mock_session="t")),
        outcomes(rolls(read_request, [*rules("user=Bye error=400", "error=500 probability=50%")][1:], 64)),
    }
    assert first not in others
    assert len(others) == 3


def test_random_delays_are_reproducible(read_request: ReadRequest) -> None:
    fault_rules = rules("'delay={median: 1s, p95: 4s}'")
    delays = [one.delay for one in rolls(read_request, fault_rules, 5)]
    assert len(set(delays)) == 5
    assert delays == [one.delay for one in rolls(read_request, fault_rules, 5)]


@pytest.mark.parametrize("session", ["no name", "x" * 65])
def test_an_invalid_session_name_is_not_counted(read_request: ReadRequest, session: str) -> None:
    store = MemoryStore()
    assert rolls(read_request, rules("error=500"), store=store, x_mock_session=session) == [NO_INJECTION]
    assert asyncio.run(store.sessions()) == ()
