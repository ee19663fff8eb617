"""The latency of models: its sources in their order, and the distribution of the answers that are decided."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import InputError
from mockserver.matching.loader import load_fixture_set
from mockserver.pipeline import ChatPipeline
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.delay_distribution import DelayDistribution, fix_delay
from mockserver.server.app import create_pipeline
from mockserver.settings import Settings
from mockserver.wire.answer import Answer
from mockserver.wire.playback import Playback
from tests.delay_statistics import measure_difference
from tests.request_fixtures import create_request_reader

DELAY = DelayDistribution(median=0.3, p95=0.9)
TTFT = DelayDistribution(median=0.42, p95=1.9, p99=6)
GAP = DelayDistribution(median=0.018, p95=0.045)
LATENCY = """
latency:
- {vendor: omixa, delay: 9s}
- model: measured-*
  stream: true
  delay: {median: 300ms, p95: 900ms}
  ttft: {median: 420ms, p95: 1.9s, p99: 6s}
  gap: {median: 18ms, p95: 45ms}
- {model: measured-*, delay: 2s}
- {model: silent, gap: 10ms}
"""
PROFILE = """
extends: aimlapi
latency: {delay: 50ms, ttft: 60ms}
models: {o1-mini: {latency: {delay: 70ms, gap: 80ms}}}
"""
FIXTURES = """
fixtures:
- {name: short, match: {user: short}, response: One two}
- {name: own, match: {user: own}, response: {text: One two, delay: 1s, stream: {ttft: 0s, tps: 100}}}
- {name: error, match: {user: error}, response: 503}
"""


@pytest.fixture
def create(tmp_path: Path) -> Callable[..., ChatPipeline]:
    def create_with(
        latency: str = "", profile: str = "", fixtures: str = FIXTURES, seed: int = 0
    ) -> ChatPipeline:
        files = {"latency": latency, "profile": profile}
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        settings = Settings(
            fixtures_yaml=fixtures,
            latency=tmp_path / "latency.yaml" if latency else None,
            vendors=(tmp_path / "profile.yaml",) if profile else (),
            tokenizer="estimate",
            seed=seed,
        )
        return create_pipeline(settings, Playback(), lambda _: None)

    return create_with


def read(pipeline: ChatPipeline, user: str, model: str, **more: Any) -> ChatRequest:
    path = more.pop("path", "/aimlapi/v1/chat/completions")
    body = {"model": model, "messages": [{"role": "user", "content": user}], **more}
    return create_request_reader(pipeline.router)(body, path=path)


def decide(pipeline: ChatPipeline, *requests: ChatRequest) -> list[Answer]:
    async def decide_all() -> list[Answer]:
        return [
            (await pipeline.decide(request, f"r{number}")).answer for number, request in enumerate(requests)
        ]

    return asyncio.run(decide_all())


def waits(answer: Answer) -> list[float]:
    """Return the waits of an answer: before its head, then before each frame that has one."""
    return [answer.wait, *[frame.wait for frame in answer.frames if frame.wait]]


def test_many_answers_have_the_latency_of_the_file(create: Any) -> None:
    pipeline = create(LATENCY)
    answers = decide(pipeline, *[read(pipeline, "short", "measured-1", stream=True)] * 1_500)
    delays, ttfts, gaps = (list(column) for column in zip(*map(waits, answers), strict=True))
    for times, delay in ((delays, DELAY), (ttfts, TTFT), (gaps, GAP)):
        assert measure_difference(times, delay) < 0.05
    # The head is sent after `delay`, the first token after both, and these are independent.
    assert measure_difference(ttfts, DELAY) > 0.05


def test_the_same_seed_and_requests_give_the_same_latencies(create: Any) -> None:
    def run() -> list[list[float]]:
        pipeline = create(LATENCY)
        users = ("short", "no fixture", "short", "no fixture")
        return list(
            map(waits, decide(pipeline, *[read(pipeline, user, "measured-1", stream=True) for user in users]))
        )

    first, again = run(), run()
    assert first == again
    assert len({tuple(one) for one in first}) == 4


def test_the_first_rule_that_matches_is_used(create: Any) -> None:
    pipeline = create(LATENCY)
    requests = [
        read(pipeline, "short", "measured-1"),
        read(pipeline, "short", "silent", stream=True),
        read(pipeline, "short", "other", stream=True),
        read(pipeline, "short", "measured-1", path="/omixa/api/v1/chat/completions"),
    ]
    found = list(map(waits, decide(pipeline, *requests)))
    assert found == [[2], [0, 0.01], [0], [9]]


def test_a_fixture_precedes_its_defaults_then_the_file_then_the_profile(create: Any) -> None:
    def run(pipeline: ChatPipeline) -> list[list[float]]:
        asked = (("own", "o1-mini"), ("short", "o1-mini"), ("short", "gpt-4o"))
        requests = [read(pipeline, user, model, stream=True) for user, model in asked]
        return list(map(waits, decide(pipeline, *requests)))

    file = "latency: [{model: o1-*, delay: 2s}, {gap: 4s}]"
    defaults = f"defaults: {{delay: 5s, stream: {{tps: 10}}}}\n{FIXTURES}"
    assert run(create(profile=PROFILE)) == [[1, 0.01], [0.07, 0.06, 0.08], [0.05, 0.06]]
    assert run(create(file, PROFILE)) == [[1, 0.01], [2, 0.06, 0.08], [0.05, 0.06, 4]]
    assert run(create(file, PROFILE, defaults)) == [[1, 0.01], [5, 0.06, 0.1], [5, 0.06, 0.1]]


def test_an_error_is_not_delayed_and_a_cached_answer_is(create: Any) -> None:
    pipeline = create("latency: [{delay: 2s, gap: 1s}]")
    body, stream = read(pipeline, "short", "x"), read(pipeline, "short", "x", stream=True)
    requests = [read(pipeline, "error", "x"), body, body, stream, stream]
    assert list(map(waits, decide(pipeline, *requests))) == [[0], [2], [2], [2, 1], [2, 1]]


def test_a_header_asks_for_a_delay_that_varies(create: Any) -> None:
    def run(seed: int) -> list[float]:
        pipeline = create(seed=seed)
        headers = {"x_mock_session": "one", "x_mock_delay": '{"median": "300ms", p95: 900ms}'}
        request = create_request_reader(pipeline.router)(**headers)
        return [answer.wait for answer in decide(pipeline, *[request] * 300)]

    assert measure_difference(run(1), DELAY) < 0.08
    assert run(1) == run(1) != run(2)


def test_a_reload_changes_the_latency_also_of_answers_that_were_rendered(create: Any) -> None:
    pipeline = create("latency: [{gap: 1s}]")
    request = read(pipeline, "short", "gpt-4o", stream=True)
    assert waits(decide(pipeline, request)[0]) == [0, 1]
    pipeline.replace_fixtures(create("latency: [{gap: 2s}]").fixtures)
    assert waits(decide(pipeline, request)[0]) == [0, 2]
    pipeline.replace_fixtures(create().fixtures)
    assert waits(decide(pipeline, request)[0]) == [0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fixtures: []", "latency.yaml:1:1: the key 'latency' is missing, expected a list"),
        ("[]", "latency.yaml:1:1: the key 'latency' is missing, expected a list"),
        (
            "latency: []\nfaults: []",
            "latency.yaml:2:1: faults: found 'faults', expected only 'latency'; pass a",
        ),
        (
            "latency: [{model: a}]",
            "latency.yaml:1:11: latency[0]: it states no time, expected delay, ttft or gap",
        ),
        ("latency: [{delay: 5}]", "latency[0].delay: a duration needs a unit, write 5ms or 5s"),
        (f"latency: [{'{delay: 1s}, ' * 1_001}]", "latency: found a list of 1,001, expected at most 1,000"),
    ],
)
def test_a_file_that_is_no_latency_has_one_clear_error(create: Any, text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        create(text)
    assert problem in str(caught.value)
    assert len(caught.value.problems) == 1


def test_a_latency_file_in_a_served_folder_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "latency.yaml"
    file.write_text("latency: [{delay: 1s}]")
    (tmp_path / "fixtures.yaml").write_text("fixtures: [{match: {}, response: a}]\nlatency: [{delay: 2s}]")
    loaded = load_fixture_set([tmp_path], section_files={"latency": file})
    assert [rule.delay for rule in loaded.latency_rules] == [fix_delay(1), fix_delay(2)]
    assert loaded.names == ("fixtures#1",)


def test_a_profile_that_states_no_time_is_reported(create: Any) -> None:
    with pytest.raises(InputError, match="latency: it states no time"):
        create(profile="extends: aimlapi\nlatency: {}")
