"""Tests of the warning about fixtures that answer the result of their own tool call."""

from __future__ import annotations

import pytest

from mockserver.matching.shadowing import lint_fixtures
from tests.matching_examples import build_fixture_set

CALL = "{tool_calls: [{name: get_weather}]}"
LOOPS = [
    f"match: {{user: weather}}, response: {CALL}",
    "match: {}, response: {choices: [{tool_calls: [{name: get_weather}]}]}",
    f"match: {{tool_result: get_*}}, response: {CALL}",
    f"match: {{user: weather}}, responses: [{CALL}]",
    f"match: {{user: weather}}, responses: [Soon., {CALL}]",
    f"match: {{user: weather}}, responses: [{CALL}, {CALL}], then: cycle",
]
ENDS = [
    f"match: {{user: weather, tool_result: false}}, response: {CALL}",
    f"match: {{tool_result: get_time}}, response: {CALL}",
    f"match: {{tool_result: {{name: get_weather, contains: pending}}}}, response: {CALL}",
    f"match: {{body: {{messages.-1.role: user}}}}, response: {CALL}",
    "match: {user: weather}, response: {tool_calls: [{name: get_weather}], times: 1}",
    f"match: {{user: weather}}, responses: [{CALL}, Sunny.]",
    f"match: {{user: weather}}, responses: [{CALL}, Sunny.], then: cycle",
    f"match: {{user: weather}}, responses: [{CALL}], then: no_match",
]


@pytest.mark.parametrize(
    ("fixture", "warns"), [(one, True) for one in LOOPS] + [(one, False) for one in ENDS]
)
def test_a_fixture_that_repeats_its_call_for_its_own_result_is_reported(fixture: str, warns: bool) -> None:
    found = [str(problem) for problem in lint_fixtures(build_fixture_set(f"name: a, {fixture}"), [])]
    message = "it answers the result of its own call of get_weather with the same call again"
    assert found == [f"f.yaml:3:1: a: {message}; add `tool_result: false` to its match"] * warns


@pytest.mark.parametrize(
    ("match", "answers"),
    [
        ("{tool_result: true}", True),
        ("{tool_result: get_weather, user: weather}", True),
        ("{tool_result: get_weather, user: {regex: '(?i)rome'}}", True),
        ("{tool_result: get_weather, user: paris}", False),
        ("{tool_result: get_weather, stream: true}", False),
        ("{tool_result: get_time}", False),
        ("{turn: 1}", False),
    ],
)
def test_an_earlier_fixture_may_answer_the_result(match: str, answers: bool) -> None:
    earlier = f"name: b, match: {match}, response: Sunny."
    both = build_fixture_set(earlier, f"name: a, match: {{user: weather in rome}}, response: {CALL}")
    assert [problem.path for problem in lint_fixtures(both, [])] == ([] if answers else ["a"])
