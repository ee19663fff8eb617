"""Plans: errors, faults and delays by the time since the first request, for all sessions, repeated by the seed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver.admin.explain import EXPLAIN_INPUT, dry_run_input
from mockserver.errors import InputError
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import document_from_value
from mockserver.server.app import create_pipeline
from mockserver.sessions.journal import Decision
from mockserver.settings import Settings
from mockserver.wire.playback import Playback
from tests.request_fixtures import create_request_reader

HOUR = 3600
PLAN = """
plan:
- {at: 1h, for: 1h, error: 503}
- {at: 2h, for: 1h, match: {user: chat}, error: 429, retry_after: 20s}
- {at: 3h, for: 1h, match: {user: chat}, delay: 5s}
- {at: 5h, fault: reset@0}
"""
RAMP = "plan: [{at: 0s, for: 100h, error: 503, probability: {from: 0%, to: 100%}}]"


def says(user: str) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": user}]}


class Run:
    """A pipeline with a plan; its time is set by hand, so that no test depends on the speed of the machine."""

    def __init__(self, text: str, path: Path, **settings: Any) -> None:
        path.write_text(text)
        stated: dict[str, Any] = {
            "fixtures_yaml": "fixtures: [{match: {}, response: fine}]",
            "plan": path,
        } | settings
        self.pipeline = create_pipeline(Settings(**stated), Playback(), lambda _: None)
        self._read = create_request_reader(self.pipeline.router)

    @property
    def store(self) -> Any:
        return self.pipeline.store

    def read(self, session: str = "one", user: str = "chat", **headers: str) -> ChatRequest:
        body = says(user)
        return self._read(body, path="/omixa/api/v1/chat/completions", x_mock_session=session, **headers)

    def decide(self, request: ChatRequest) -> Decision:
        return asyncio.run(self.pipeline.decide(request, "r"))

    def status(self, session: str = "one", user: str = "chat", **headers: str) -> int:
        return self.decide(self.read(session, user, **headers)).answer.status

    def advance(self, hours: float, session: str | None = None) -> None:
        asyncio.run(self.store.advance_clock(session, hours * HOUR))


@pytest.fixture
def create(tmp_path: Path) -> Callable[..., Run]:
    return lambda text=PLAN, **settings: Run(text, tmp_path / "plan.yaml", **settings)


def test_the_steps_follow_each_other_from_the_first_request_on(create: Callable[..., Run]) -> None:
    run = create()
    run.advance(50)  # nothing has arrived, so the plan has not begun
    assert run.status() == 200
    run.advance(1.1)
    assert run.status() == 503
    run.advance(1)
    limited = run.decide(run.read()).answer
    assert (limited.status, dict(limited.headers)["retry-after"]) == (429, "20")
    assert run.status(user="other") == 200
    run.advance(1)
    slow = run.decide(run.read())
    assert (slow.answer.status, slow.answer.wait, slow.rule) == (200, 5, "plan-plan-3")
    run.advance(1)
    assert run.decide(run.read()).answer.wait == 0
    run.advance(500)
    assert run.decide(run.read()).fault == "reset@0"


def test_all_sessions_share_the_plan_and_a_session_can_be_ahead(create: Callable[..., Run]) -> None:
    run = create()
    assert run.status("one") == 200
    run.advance(1.1)
    assert run.status("two") == 503
    run.advance(1, "two")
    assert [run.status(session) for session in ("one", "two", "three")] == [503, 429, 503]


def test_a_reload_keeps_the_beginning_and_a_restart_moves_it(create: Callable[..., Run]) -> None:
    run = create()
    assert run.status() == 200
    run.advance(1.1)
    run.pipeline.replace_fixtures(create("plan: [{at: 1h, error: 502}]").pipeline.fixtures)
    assert run.status() == 502
    asyncio.run(run.store.restart_plan())
    run.advance(50)
    assert run.status() == 200
    run.advance(1.1)
    assert run.status() == 502


def test_a_header_and_a_rule_precede_the_plan_and_start_it_nevertheless(create: Callable[..., Run]) -> None:
    run = create(faults=("user=unlucky error=402",))
    assert run.status(x_mock_error="418") == 418
    run.advance(1.1)
    assert [run.status(user=user) for user in ("chat", "unlucky")] == [503, 402]
    assert run.status(x_mock_error="418") == 418
    assert run.status(x_mock_nonsense="1") == 422


def sample(run: Run, count: int) -> Iterator[int]:
    return (run.status() for _ in range(count))


def test_a_ramp_changes_its_probability_evenly(create: Callable[..., Run]) -> None:
    run = create(RAMP)
    assert set(sample(run, 20)) == {200}
    run.advance(50)
    assert 0.4 < list(sample(run, 300)).count(503) / 300 < 0.6
    run.advance(49.9)
    assert list(sample(run, 20)).count(503) >= 19
    run.advance(1)
    assert set(sample(run, 5)) == {200}


def test_the_same_seed_repeats_a_run_whatever_other_sessions_do(create: Callable[..., Run]) -> None:
    def play(seed: int, sessions: tuple[str, ...] = ("one",)) -> list[int]:
        run = create("plan: [{at: 0s, error: 503, probability: 50%}]", seed=seed)
        return [run.status(session) for _ in range(30) for session in sessions][:: len(sessions)]

    assert play(7) == play(7) == play(7, ("one", "two"))
    assert play(7) != play(8)
    assert {200, 503} == set(play(7))


def test_a_dry_run_neither_begins_nor_counts(create: Callable[..., Run]) -> None:
    run = create()
    asked = read_document(
        EXPLAIN_INPUT, document_from_value({"vendor": "omixa", "body": says("chat"), "session": "one"}, "r")
    )
    asyncio.run(dry_run_input(run.pipeline, asked))
    assert asyncio.run(run.store.plan_elapsed(None)) is None
    assert run.status() == 200
    run.advance(1.1)
    explained = asyncio.run(dry_run_input(run.pipeline, asked))
    assert (explained.status, explained.reason) == (503, "the fault rule plan-plan-1")
    assert asyncio.run(run.store.counters("one", "evaluated")) == {}


def test_a_large_request_is_compared_on_the_thread(create: Callable[..., Run]) -> None:
    run = create("plan: [{at: 0s, match: {user: {regex: 'n+eedle'}}, error: 503}]")
    large = create_request_reader(run.pipeline.router, 1_000_000)(says("n" * 70_000 + "eedle"))
    assert large.is_large

    async def decide() -> Decision:
        await run.pipeline.prepare(large)
        return await run.pipeline.decide(large, "r")

    assert asyncio.run(decide()).answer.status == 503


def test_without_a_plan_nothing_begins(create: Callable[..., Run]) -> None:
    run = create(plan=None)
    assert run.status() == 200
    assert asyncio.run(run.store.plan_elapsed("one")) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("plan: 5", "plan.yaml:1:1: plan: found the number 5, expected a list"),
        ("faults: []", "plan.yaml:1:1: the key 'plan' is missing, expected a list"),
        ("plan: [{error: 503}]", "plan[0]: the key 'at' is missing, expected a duration like 30ms or 1.5s"),
        ("plan: [{at: 1s}]", "plan[0]: it does nothing; expected error, fault or delay"),
        (
            "plan: [{at: 400h, for: 9000h, error: 503}]",
            "plan[0].for: found 9000h, a duration is a year at most",
        ),
        (
            "plan: [{at: 1s, error: 503, probability: {from: 0%, to: 50%}}]",
            "plan[0].probability: a ramp needs a time over which it changes; write `for`",
        ),
        (
            "plan: [{at: 1s, for: 1s, error: 503, probability: {from: 0%, to: 500%}}]",
            "plan[0].probability.to: found text '500%', expected a share like 20%, or a number from 0 to 1",
        ),
        (
            f"plan: [{'{at: 1s, error: 503}, ' * 1_001}]",
            "plan: found a list of 1,001, expected at most 1,000",
        ),
    ],
)
def test_a_mistake_in_a_plan_is_one_clear_error(create: Callable[..., Run], text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        create(text)
    assert problem in str(caught.value)
    assert len(caught.value.problems) == 1
