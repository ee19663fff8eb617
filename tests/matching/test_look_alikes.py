"""Tests of texts that look alike: those that match, and the description of those that do not."""

from __future__ import annotations

import pytest

from mockserver.fixtures.jinja_template import fill_template
from mockserver.matching.fixture_set import extract_regex_groups, find_first_match, find_mismatches
from mockserver.matching.look_alikes import describe_look_alikes
from mockserver.matching.shadowing import lint_fixtures
from tests.matching_examples import build_fixture_set, build_request

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"
LINES = "first\r\nsecond"


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (f"'{COMPOSED}'", DECOMPOSED.upper()),
        (f"'{DECOMPOSED}'", COMPOSED),
        (f"{{equals: '{COMPOSED}'}}", DECOMPOSED),
        (f"{{equals: '{DECOMPOSED}'}}", COMPOSED),
        (f"{{glob: '*{DECOMPOSED}'}}", COMPOSED),
        (f"{{regex: '^{DECOMPOSED}$'}}", DECOMPOSED),
        (r'"first\nsecond"', LINES),
        (r'"first\r\nsecond\n"', "First\nsecond."),
        (r'"caf\u00e9\r\nsecond"', f"{DECOMPOSED}\r\nsecond"),
        (r'{equals: "first\nsecond"}', LINES),
        (r'{glob: "first\n*"}', LINES),
        (r"{regex: '^first\nsecond$'}", LINES),
        (r"{regex: 'first\r'}", LINES),
        (r'"\n"', LINES),
    ],
)
@pytest.mark.parametrize("others", [0, 5])
def test_texts_match_in_any_normal_form(condition: str, text: str, others: int) -> None:
    unlike = [
        f"match: {{user: other {number}}}, response: x" for number in range(others)
    ]  # five use the prefilter
    fixtures = build_fixture_set(*unlike, f"name: one, match: {{user: {condition}}}, response: x")
    found = find_first_match(build_request({"role": "user", "content": text}), fixtures, {})
    assert found is not None
    assert found.fixture.name == "one"


def test_values_inside_a_body_match_in_any_normal_form() -> None:
    fixtures = build_fixture_set(f"match: {{body: {{a: {{equals: [{COMPOSED}]}}}}}}, response: x")
    assert find_first_match(build_request(a=[DECOMPOSED]), fixtures, {}) is not None
    assert find_first_match(build_request(a=["cafe"]), fixtures, {}) is None


def test_groups_are_parts_of_the_normal_form() -> None:
    fixture = build_fixture_set(r"match: {user: {regex: '(?m)name: (.*)$'}}, response: x").fixtures[0]
    request = build_request({"role": "user", "content": f"name: {DECOMPOSED}\r\nage: 7"})
    groups = {"match": extract_regex_groups(request, fixture)}
    assert fill_template("{{ match[1] }}", groups) == COMPOSED


@pytest.mark.parametrize(
    ("expected", "text", "differences"),
    [
        ("paris", "I love P\u0410RIS", " (U+0410 instead of a)"),
        ("cop", "\u0441\u043e\u0440", " (U+0441 instead of c, U+043E instead of o, U+0440 instead of p)"),
        ("abc", "\uff41bc", " (U+FF41 instead of a)"),
        ("a b", "a\u00a0b", " (U+00A0 instead of a space)"),
        ("a\u00a0b", "a b", " (a space instead of U+00A0)"),
        ("ab", "a\u200bb", " (with an additional U+200B)"),
        ("a\u200bb", "ab", " (without U+200B)"),
        ("a\u200bb", "A\u200bB", ""),
        ("istanbul", "\u0130stanbul", " (U+0130 instead of i)"),
        ("ab", "\u0431\u0433", ""),
        ("\u5929\u6c14", "\u5929\u7a7a", ""),
        ("paris", "London, \u00a3 5", ""),
        ("paris", "london", ""),
        ("", "\u00e9", ""),
    ],
)
def test_the_characters_that_differ_are_named(expected: str, text: str, differences: str) -> None:
    assert describe_look_alikes(expected, text) == differences


@pytest.mark.parametrize(
    ("match", "found"),
    [
        ("{user: [rome, weather]}", "found 'we\u0430ther' (U+0430 instead of a)"),
        ("{user: {equals: weather}}", "found 'we\u0430ther' (U+0430 instead of a)"),
        ("{any_message: weather}", "found 'we\u0430ther' (U+0430 instead of a)"),
        ("{body: {a: {equals: 7}}}", "found nothing"),
        ("{key: weather-weather}", "found we\u0430\u2026 (key-683c5592)"),
    ],
)
def test_a_mismatch_names_the_characters_that_differ(match: str, found: str) -> None:
    request = build_request(
        {"role": "user", "content": "we\u0430ther"}, headers={"authorization": "Bearer we\u0430ther-weather"}
    )
    fixture = build_fixture_set(f"match: {match}, response: x").fixtures[0]
    (mismatch,) = find_mismatches(request, fixture, {})
    assert str(mismatch).endswith(found)


def test_odd_line_breaks_are_reported() -> None:
    fixtures = build_fixture_set(
        r'name: a, match: {user: ["weather\n", fine], body: {a: {all: ["b\r\nc"]}}}, response: x',
        r'name: b, match: {user: {regex: "c\n"}}, response: x',
        r'name: c, match: {user: {regex: "(?x) d\n"}, turn: 1}, response: "x\n"',
    )
    end = "found a line break at the end of the text, which hardly any request has; write |- instead of |"
    assert [str(problem) for problem in lint_fixtures(fixtures, [])] == [
        f"f.yaml:3:1: a: match.user[0]: {end}",
        r"f.yaml:3:1: a: match.body.a.all[0]: found a carriage return, expected \n: a CRLF in a request counts as \n",
        f"f.yaml:4:1: b: match.user.regex: {end}",
    ]
