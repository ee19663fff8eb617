"""The first fixture without a difference answers; a miss says what came nearest; expressions leave groups."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mockserver.fixtures.fixture import Fixture
from mockserver.fixtures.jinja_template import fill_template
from mockserver.matching.fixture_set import (
    FixtureSet,
    extract_regex_groups,
    find_first_match,
    find_mismatches,
    find_near_misses,
)
from mockserver.matching.nearest_fixture import find_nearest_fixture
from tests.matching_examples import USER, build_fixture_set, build_request

WEATHER = {"role": "tool", "name": "get_weather", "content": "21 degrees"}


def picked(of: FixtureSet, **answered: int) -> str | None:
    found = find_first_match(build_request(), of, answered)
    return found.fixture.name if found else None


def test_the_first_fixture_that_matches_answers() -> None:
    both = build_fixture_set(
        "name: a, match: {user: snow}, response: a",
        "name: b, match: {user: weather}, response: b",
        "name: c, match: {}, response: c",
    )
    assert picked(both) == "b"
    assert both.by_name("c") is both.fixtures[2]
    assert both.by_name("d") is None
    assert (both.names, len(both)) == (("a", "b", "c"), 3)


def test_a_response_with_times_lets_the_next_fixture_answer_afterwards() -> None:
    both = build_fixture_set(
        "name: a, match: {}, response: {text: a, times: 2}", "name: b, match: {}, response: b"
    )
    assert [picked(both, a=times) for times in range(4)] == ["a", "a", "b", "b"]
    used_up = find_mismatches(build_request(), both.fixtures[0], {"a": 2})
    assert str(used_up[0]) == "times: expected a response that is left, found none: it has answered 2 times"


@pytest.mark.parametrize(
    ("then", "texts"),
    [
        ("repeat_last", ["a", "b", "b", "c", "c", "c"]),
        ("cycle", ["a", "b", "b", "c", "a", "b"]),
        ("no_match", ["a", "b", "b", "c", None, None]),
    ],
)
def test_then_says_what_follows_the_last_response(then: str, texts: list[str | None]) -> None:
    one = build_fixture_set(f"match: {{}}, responses: [a, {{text: b, times: 2}}, c], then: {then}").fixtures[
        0
    ]
    responses = [one.response_at(answered) for answered in range(6)]
    assert [response and response.text for response in responses] == texts


def test_a_list_of_responses_repeats_its_last_one_unless_told_otherwise() -> None:
    one = build_fixture_set("match: {}, responses: [a, b]").fixtures[0]
    last = one.response_at(7)
    assert last is not None
    assert last.text == "b"


def test_a_fixture_without_a_name_is_called_by_its_place_in_the_file() -> None:
    assert build_fixture_set("match: {}, response: a", "name: b, match: {}, response: a").names == (
        "f#1",
        "b",
    )


def test_the_nearest_miss_is_the_one_with_the_fewest_differences_and_the_likest_text() -> None:
    far = [f"name: far{i}, match: {{user: bicycle {i}, model: gpt}}, response: x" for i in range(60)]
    near = [
        "name: other, match: {user: bicycle}, response: x",
        "name: near, match: {user: wether}, response: x",
    ]
    told = find_near_misses(build_request(), build_fixture_set(*far, *near), {})
    assert [miss.fixture.name for miss in told] == ["near", "other", "far0"]
    assert str(told[0]) == (
        "'near' missed on user: expected text with 'wether', found 'What is the Weather in Paris?'"
    )


def test_fixtures_of_a_test_are_the_nearest_and_shipped_ones_are_a_last_resort() -> None:
    [file] = build_fixture_set("name: file, match: {user: wether}, response: x")
    [added] = build_fixture_set("name: added, match: {user: x, turn: 3}, response: x")
    shipped, added = replace(file, name="shipped", origin="shipped"), replace(added, origin="runtime")

    def nearest(*fixtures: Fixture) -> list[str]:
        misses = find_near_misses(build_request(), FixtureSet(fixtures), {})
        assert find_nearest_fixture(build_request(), FixtureSet(fixtures)) == misses[0].fixture.name
        return [miss.fixture.name for miss in misses]

    assert nearest(shipped, file, added) == ["added", "file"]
    assert nearest(shipped) == ["shipped"]


def test_a_literal_is_compared_for_likeness_too() -> None:
    of = build_fixture_set(
        "name: a, match: {user: {equals: Bicycle}}, response: x",
        "name: b, match: {user: {equals: What is the weather}}, response: x",
        "name: c, match: {turn: 3}, response: x",
    )
    assert [miss.fixture.name for miss in find_near_misses(build_request(), of, {})] == ["b", "a", "c"]


def test_groups_are_known_by_name_and_number_the_first_expression_first() -> None:
    one = build_fixture_set(
        "match: {user: {regex: 'the (?P<what>\\w+)( in (?P<none>Rome))?'}, header: {x-a: {regex: '(x)'}}, "
        "any_message: {regex: '(?P<city>Paris)'}, body: {n: {regex: '2'}}, tool_result: {regex: '(\\d+)'}}, "
        "response: x"
    ).fixtures[0]
    found = extract_regex_groups(build_request(USER, WEATHER, headers={"x-a": "x"}, n=2), one)
    assert [found[name] for name in ("what", "none", "city", 0, 1)] == [
        "Weather",
        "",
        "Paris",
        "the Weather",
        "Weather",
    ]
    with pytest.raises(ValueError, match="match has no group 'x': the expression found nothing"):
        found["x"]


def test_groups_of_what_is_absent_are_none() -> None:
    one = build_fixture_set(
        "match: {header: {x-a: {regex: '(?P<items>x)'}}, tool_result: {regex: x}}, response: x"
    ).fixtures[0]
    assert (
        fill_template("{{ match is defined }}", {"match": extract_regex_groups(build_request(), one)})
        == "True"
    )
    with pytest.raises(ValueError, match="no group 'items'"):
        extract_regex_groups(build_request(), one)["items"]
