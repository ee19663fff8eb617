"""A fixture that can never be reached is told of; one that can is not."""

from __future__ import annotations

import pytest

from mockserver.matching.fixture_set import FixtureSet
from mockserver.matching.shadowing import find_shadowed, lint_fixtures
from tests.matching_examples import build_fixture_set

# Two matches, and whether the second can never be reached.
PAIRS = [
    ("{}", "{user: a}", True),
    ("{user: a}", "{}", False),
    ("{user: weather}", "{user: weather in paris}", True),
    ("{user: weather in paris}", "{user: weather}", False),
    ("{user: Weather}", "{user: {equals: The WEATHER}}", True),
    ("{user: weather}", "{user: {equals: snow}}", False),
    ("{user: {equals: weather}}", "{user: {equals: weather}}", True),
    ("{user: {equals: weather}}", "{user: weather}", False),
    ("{model: 'o1-*'}", "{model: o1-mini}", True),
    ("{model: 'o1-*'}", "{model: 'o1-*'}", True),
    ("{model: 'o1-*'}", "{model: {equals: 'o1-*'}}", True),
    ("{model: {equals: 'o1-*'}}", "{model: 'o1-*'}", False),
    ("{model: [a, b]}", "{model: b}", True),
    ("{model: [a, b]}", "{model: c}", False),
    ("{model: a}", "{model: [a, b]}", False),
    ("{user: a, model: m}", "{user: a}", False),
    ("{user: a, model: m}", "{user: a, model: m, turn: 1}", True),
    ("{user: {regex: a}}", "{user: {regex: a}}", True),
    ("{user: {regex: a}}", "{user: {regex: b}}", False),
    ("{turn: {gt: 1}}", "{turn: 2}", True),
    ("{turn: {gt: 1}}", "{turn: 1}", False),
    ("{stream: true}", "{stream: true}", True),
    ("{stream: true}", "{stream: false}", False),
    ("{body: {a: null}}", "{body: {a: null}}", True),
    ("{key: 'sk-aaaaaaaaa1*'}", "{key: 'sk-aaaaaaaaa2*'}", False),
    ("{any_message: a}", "{any_message: ba}", True),
    ("{tools: a}", "{tools: a}", True),
    ("{header: {x-a: b}}", "{header: {x-a: b}, user: c}", True),
]


def pair(first: str, second: str, response: str = "response: x") -> FixtureSet:
    return build_fixture_set(
        f"name: one, match: {first}, {response}", f"name: two, match: {second}, response: x"
    )


@pytest.mark.parametrize(("first", "second", "hidden"), PAIRS)
def test_a_fixture_is_hidden_by_one_that_answers_all_it_would(first: str, second: str, hidden: bool) -> None:
    told = [(later.name, before.name) for later, before in find_shadowed(pair(first, second))]
    assert told == ([("two", "one")] if hidden else [])


@pytest.mark.parametrize("response", ["response: {text: x, times: 2}", "responses: [a, b], then: no_match"])
def test_a_fixture_that_lets_others_answer_hides_none(response: str) -> None:
    assert list(find_shadowed(pair("{}", "{}", response))) == []


def test_a_warning_says_which_fixture_answers_before_it() -> None:
    told = list(map(str, lint_fixtures(pair("{}", "{user: a}"), ["aimlapi"])))
    assert told == ["f.yaml:4:1: two: this fixture can never be reached: 'one' (f.yaml:3) answers before it"]


def test_a_vendor_that_does_not_exist_is_told_of() -> None:
    of = build_fixture_set(
        "name: a, match: {vendor: segmnd}, response: x",
        "name: b, match: {vendor: [x, segmind]}, response: x",
        "name: c, match: {vendor: [x, y]}, response: x",
    )
    assert [problem.message for problem in lint_fixtures(of, ["aimlapi", "segmind"])] == [
        "this fixture can never be reached: no vendor is named 'segmnd', did you mean 'segmind'?",
        "this fixture can never be reached: no vendor is named 'x' or 'y'",
    ]
