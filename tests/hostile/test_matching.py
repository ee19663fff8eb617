"""Texts and patterns that are made to keep the matching busy: everything ends within its limit and is reported."""

from __future__ import annotations

import contextlib
import itertools
import re
import threading
import time
from dataclasses import replace

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from mockserver.bounded_regex import REQUEST_TIME_LIMIT, RegexSearchError, SharedRegexBudget, compile_regex
from mockserver.fixtures.fault_rules import parse_fault_rule
from mockserver.fixtures.fixture import Fixture
from mockserver.fixtures.predicates import build_glob
from mockserver.matching import fixture_set, loader
from mockserver.matching.fixture_set import (
    FixtureSet,
    LayeredFixtures,
    extract_regex_groups,
    find_first_match,
    find_mismatches,
    find_near_misses,
)
from mockserver.matching.prefilter import FixturePrefilter
from mockserver.matching.shadowing import lint_fixtures
from mockserver.matching.slow_patterns import find_slow_patterns, find_slow_text
from mockserver.request.chat_request import ChatRequest
from mockserver.testing import MockServer
from mockserver.vendors.vendor import Vendor
from tests.conftest import MakeClient, StartServer
from tests.matching_examples import ROUTER, build_fixture_set, build_request

WALL_LIMIT = 10 * REQUEST_TIME_LIMIT  # seconds
SLOW = "(a|aa)+$"
SLOW_TEXT = "a" * 60 + "b"


def _ask(text: str) -> ChatRequest:
    return build_request({"role": "user", "content": text})


# --- globs


def _reference_glob(text: str, glob: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, re.split(r"\*+", glob))), text, re.DOTALL) is not None


@given(st.text("ab\n*", max_size=10), st.text("abA\n*", max_size=7))
def test_a_glob_matches_what_its_regular_expression_matches(text: str, glob: str) -> None:
    expected = _reference_glob(text, glob) if "*" in glob else text == glob
    assert build_glob(glob).holds(text) is expected


def test_globs_of_two_letters_match_what_their_regular_expressions_match() -> None:
    texts = ["".join(letters) for size in range(6) for letters in itertools.product("ab", repeat=size)]
    globs = ["".join(letters) for size in range(1, 6) for letters in itertools.product("ab*", repeat=size)]
    wrong = [
        (text, glob)
        for glob in globs
        if "*" in glob
        for holds in (build_glob(glob).holds,)
        for text in texts
        if holds(text) != _reference_glob(text, glob)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("glob", "text", "matches"),
    [
        ("*error*in*file*", "error in " * 5_700, False),
        ("*error*in*file*", "error in " * 5_700 + "file", True),
        ("*" + "a*" * 500 + "b", "a" * 100_000, False),
        ("a*" * 500, "a" * 100_000, True),
        ("*aab*" * 50, "aa" * 50_000, False),
        ("x" + "*" * 1_000 + "y", "x" * 100_000, False),
    ],
)
def test_a_glob_tries_nothing_twice(glob: str, text: str, matches: bool) -> None:
    holds = build_glob(glob).holds
    started = time.thread_time()
    assert holds(text) is matches
    assert time.thread_time() - started < 0.5  # seconds; it takes some thousandths


# --- long requests and many fixtures


def test_a_long_request_is_compared_with_many_fixtures_in_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = _ask("the quick brown fox " * 40_000)
    fixtures = build_fixture_set(
        *(f"name: n{number}, match: {{user: word{number}x}}, response: a" for number in range(100)),
        "name: last, match: {user: fox}, response: b",
    )
    first = fixtures.first_match(request)
    assert first is not None
    assert first.name == "last"
    counted = []
    monkeypatch.setattr(fixture_set, "_NEAR_MISS_SECONDS", -1.0)  # over at once
    for count in (3, 5):
        misses = find_near_misses(request, fixtures, {}, count)
        counted.append([miss.fixture.name for miss in misses])
    assert counted == [["n0", "n1", "n2"], ["n0", "n1", "n2", "n3", "n4"]]


# --- regular expressions


@pytest.fixture
def slow_and_quick() -> FixtureSet:
    return build_fixture_set(
        f"name: slow, match: {{user: {{regex: '{SLOW}'}}}}, response: a",
        "name: quick, match: {user: {regex: 'b$'}}, response: b",
    )


def test_a_fixture_whose_pattern_is_too_slow_does_not_match(slow_and_quick: FixtureSet) -> None:
    request = _ask(SLOW_TEXT)
    with SharedRegexBudget() as budget:
        match = find_first_match(request, slow_and_quick, {})
    assert match is not None
    assert match.fixture.name == "quick"
    (failure,) = budget.failures
    assert failure == (
        "the fixture 'slow' (f.yaml:3) does not match: the regular expression /(a|aa)+$/ "
        "reached the limit of 50 ms per request"
    )


@pytest.mark.parametrize(
    "condition",
    [
        f"not: {{regex: '{SLOW}'}}",
        f"any: [{{regex: '{SLOW}'}}, {{contains: b}}]",
        f"all: [{{contains: b}}, {{not: {{regex: '{SLOW}'}}}}]",
        f"not: {{all: [{{regex: '{SLOW}'}}]}}",
    ],
)
def test_nor_does_it_match_where_the_pattern_is_negated_or_combined(condition: str) -> None:
    fixtures = build_fixture_set(f"name: slow, match: {{user: {{{condition}}}}}, response: a")
    assert find_first_match(_ask(SLOW_TEXT), fixtures, {}) is None
    assert find_first_match(_ask("b"), fixtures, {}) is not None


@pytest.mark.parametrize(
    "match",
    [
        f"system: {{regex: '{SLOW}'}}",
        f"any_message: {{regex: '{SLOW}'}}",
        f"header: {{x-text: {{regex: '{SLOW}'}}}}",
        f"body: {{text: {{regex: '{SLOW}'}}}}",
        f"body: {{nested.0: {{regex: '{SLOW}'}}}}",
        f"model: {{regex: '{SLOW}'}}",
        f"key: {{regex: '{SLOW}'}}",
        f"tool_result: {{regex: '{SLOW}'}}",
    ],
)
def test_the_limit_holds_for_every_field(match: str) -> None:
    request = build_request(
        {"role": "system", "content": SLOW_TEXT},
        {"role": "tool", "content": SLOW_TEXT},
        headers={"x-text": SLOW_TEXT, "authorization": f"Bearer {SLOW_TEXT}"},
        text=SLOW_TEXT,
        nested=[SLOW_TEXT],
        model=SLOW_TEXT,
    )
    fixtures = build_fixture_set(f"name: slow, match: {{{match}}}, response: a")
    started = time.thread_time()
    with SharedRegexBudget() as budget:
        assert find_first_match(request, fixtures, {}) is None
    assert time.thread_time() - started < WALL_LIMIT
    assert len(budget.failures) == 1


@pytest.mark.parametrize("count", [3, 20, 300])
def test_many_slow_fixtures_take_no_longer_than_one(count: int) -> None:
    fixtures = build_fixture_set(
        *(
            f"name: n{number}, match: {{user: {{regex: '(a|aa)+[{number}$]$'}}}}, response: a"
            for number in range(count)
        )
    )
    request = _ask(SLOW_TEXT)
    started = time.thread_time()
    with SharedRegexBudget() as budget:
        assert find_first_match(request, fixtures, {}) is None
        assert len(find_near_misses(request, fixtures, {})) == 3
    assert time.thread_time() - started < WALL_LIMIT
    assert len(budget.failures) == count


def test_a_request_that_reached_the_limit_is_tried_anew_the_next_time(slow_and_quick: FixtureSet) -> None:
    request = _ask(SLOW_TEXT)
    for _ in range(2):
        with SharedRegexBudget() as budget:
            slow_and_quick.first_match(request)
        assert len(budget.failures) == 1
    known = _ask("b")
    assert slow_and_quick.first_match(known) is slow_and_quick.first_match(known)


def test_layers_are_bounded_together(slow_and_quick: FixtureSet) -> None:
    with SharedRegexBudget() as budget:
        layers = LayeredFixtures(slow_and_quick, build_fixture_set("name: last, match: {}, response: c"))
        match = find_first_match(_ask(SLOW_TEXT), layers, {"quick": 1})
    assert match is not None
    assert match.fixture.name == "quick"
    assert len(budget.failures) == 1


def test_near_misses_name_the_limit(slow_and_quick: FixtureSet) -> None:
    request = _ask(SLOW_TEXT + "!")
    with SharedRegexBudget():
        assert find_first_match(request, slow_and_quick, {}) is None
        misses = find_near_misses(request, slow_and_quick, {})
        assert find_mismatches(request, slow_and_quick.fixtures[0], {}) == misses[0].mismatches
    assert str(misses[0]) == (
        f"'slow' missed on user: expected text like /(a|aa)+$/, found '{'a' * 59}…', but the regular expression "
        "/(a|aa)+$/ reached the limit of 50 ms per request"
    )
    assert "limit" not in str(misses[1])


def test_a_fault_rule_whose_pattern_is_too_slow_does_not_apply() -> None:
    rule = parse_fault_rule("user='{regex: (a|aa)+$}' error=500", "r", "--fault")
    with SharedRegexBudget() as budget:
        assert not rule.applies_to(_ask(SLOW_TEXT), rule.active_since)
    assert budget.failures[0].startswith(
        "the fault rule 'r' (--fault) does not match: the regular expression"
    )
    assert rule.applies_to(_ask("aa"), rule.active_since)


def test_groups_of_a_slow_pattern_are_missing() -> None:
    fixtures = build_fixture_set(f"name: slow, match: {{user: {{regex: '{SLOW}|(?P<end>b)$'}}}}, response: a")
    with pytest.raises(ValueError, match="no group 'end'"):
        extract_regex_groups(_ask(SLOW_TEXT), fixtures.fixtures[0])["end"]
    assert extract_regex_groups(_ask("b"), fixtures.fixtures[0])["end"] == "b"


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(\w+\s?)+$", r"(a*)*b", r"(a|a)*$", r"(a|aa)+$", r"(.+)+z", r"(a+)+\1z", r"(x+x+)+y", r"(?:a?){40}a{40}b",
        r"(.*)*=!", r".*.*.*.*.*=!", r"^(?=.*(.+)+z)a{20,40}$", r"(?i)(ab|a|b)+c", r"(?<=a)b+c", r"(\w|\d)*!",
        r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(?:a|b|ab)*?(?:a|b|ab)*?c", r"(\d+x?)+y", r"((a+)(b+))*c",
    ],
)  # fmt: skip
@pytest.mark.parametrize("unit", ["a", "x", "1 "])
def test_no_text_keeps_a_pattern_busy(pattern: str, unit: str) -> None:
    compiled = compile_regex(pattern)
    for length in (40, 50_000):
        started = time.thread_time()
        with contextlib.suppress(RegexSearchError):
            compiled.search(unit * (length // len(unit)) + "\n")
        assert time.thread_time() - started < WALL_LIMIT


# --- warnings


@pytest.mark.parametrize(
    "pattern",
    [r"^(\w+\s?)+$", SLOW, r"^(?=.*(.+)+z)a{20,40}$", r"(x+x+)+y", r"(?:[^,]*,){5,}end", r"^(?:[^a\d]+|\W)+!$",
     r"^(?:\d+|[0-9])+x?!", r"^x(?:(?>a)a?b*+)*(\S+\s*)+(?(1)c|d)!", r"^(?:\D\s\S\W\w\d|[^\D]x)(a|aa)+$"],
)  # fmt: skip
def test_a_probe_finds_what_makes_a_pattern_slow(pattern: str) -> None:
    assert find_slow_text(compile_regex(pattern)) is not None


@pytest.mark.parametrize(
    "pattern",
    ["weather", r"my name is (?P<name>\w+)", r"(?i)\btranslate\b.*\bto (\w+)", r"(\d{4})-(\d\d)-(\d\d)",
     r"[\w.]+@[\w.]+\.\w+", r"^\s*(\w+)\s*:\s*(.*)$", r"(?s)```json(.*?)```", r"https?://\S+/\S+",
     r"(?i)(?:please|kindly)\s+.*(?:now|today)", r"^.+@.+$", r'"[^"]*"\s*:\s*"[^"]*"', r"(?:cat|dog|bird)+",
     r"(?:(?=a))*(?:(?=b))*c"],
)  # fmt: skip
def test_ordinary_patterns_cause_no_warning(pattern: str) -> None:
    assert find_slow_text(compile_regex(pattern)) is None


def test_only_nested_repetitions_are_tried_at_start() -> None:
    assert find_slow_text(compile_regex("x+x+x+x+x+x+y"), nested_only=True) is None
    assert find_slow_text(compile_regex(SLOW), nested_only=True) is not None


def test_the_start_is_not_delayed_for_long() -> None:
    fixtures = build_fixture_set(
        *(f"match: {{user: {{regex: '(a|aa)+[{number}$]$'}}}}, response: a" for number in range(50))
    )
    assert 1 <= len(list(find_slow_patterns(fixtures, at_start=True))) < 50


def test_a_warning_has_the_position_of_the_fixture(slow_and_quick: FixtureSet) -> None:
    (warning,) = lint_fixtures(slow_and_quick, ["aimlapi"])
    assert str(warning) == (
        "f.yaml:3:1: slow: match.user: the regular expression /(a|aa)+$/ reaches its time limit on a text of 61 "
        "characters like 'aaaaaaaaaaaaaaaaaaa…'; such a request does not match. "
        "Nested repetitions like (a+)+ are the usual cause"
    )


def test_fault_rules_are_warned_of_too() -> None:
    rule = parse_fault_rule("any_message='{regex: (a|aa)+$}' error=500", "r", "--fault")
    (warning,) = find_slow_patterns(FixtureSet((), rules=(rule,)))
    assert str(warning).startswith("--fault: r: match.any_message: the regular expression /(a|aa)+$/ reaches")


def test_a_long_pattern_is_shortened_in_a_warning() -> None:
    fixtures = build_fixture_set(f"match: {{user: {{regex: '{SLOW}|{'b' * 99}'}}}}, response: a")
    (warning,) = find_slow_patterns(fixtures)
    assert f"/{SLOW}|{'b' * 50}…/" in warning.message


def test_comparing_fixtures_is_bounded() -> None:
    fixtures = build_fixture_set(
        f"name: slow, match: {{user: {{regex: '{SLOW}'}}}}, response: a",
        f"name: exact, match: {{user: {{equals: {SLOW_TEXT}}}}}, response: b",
        f"name: other, match: {{user: {{any: [{{equals: {SLOW_TEXT}}}]}}}}, response: b",
    )
    started = time.thread_time()
    assert [problem.path for problem in lint_fixtures(fixtures, [])] == ["slow", "other"]
    assert time.thread_time() - started < 1 + WALL_LIMIT


# --- the server


@pytest.fixture(scope="module")
def slow_server(start_server: StartServer) -> MockServer:
    return start_server(f"""
fixtures:
  - {{name: slow, match: {{user: {{regex: '{SLOW}'}}}}, response: a}}
  - {{name: quick, match: {{user: {{regex: 'b$'}}}}, response: b}}
""")


def test_the_server_answers_and_its_log_names_the_fixture(
    slow_server: MockServer, make_client: MakeClient
) -> None:
    client = make_client(slow_server)
    for text in (SLOW_TEXT, "b", SLOW_TEXT):
        assert client.chat(content=text).headers["x-mock-fixture"] == "quick"
    reasons = [entry.reason for entry in client.wait_for_entries(3)]
    assert reasons[1] == ""
    for reason in (reasons[0], reasons[2]):
        assert reason.startswith("the fixture 'slow' (")
        assert reason.endswith(
            ") does not match: the regular expression /(a|aa)+$/ reached the limit of 50 ms per request"
        )


def test_a_log_line_names_three_fixtures_at_most(start_server: StartServer, make_client: MakeClient) -> None:
    fixtures = "".join(f"- {{match: {{user: {{regex: '(a|aa)+[{n}$]$'}}}}, response: a}}\n" for n in range(5))
    client = make_client(start_server(f"fixtures:\n{fixtures}", strict=True))
    assert client.chat(content=SLOW_TEXT).status == 404
    reason = client.wait_for_entries(1)[0].reason
    assert reason.startswith("mockserver: no fixture matched. Nearest: ")
    assert reason.count("does not match") == 3
    assert reason.endswith("; 2 more like these")


def test_explain_names_the_limit(slow_server: MockServer) -> None:
    body = {"body": {"model": "o1-preview", "messages": [{"role": "user", "content": SLOW_TEXT}]}}
    response = requests.post(f"{slow_server.url}/_mock/explain", json=body, timeout=20)
    assert "'slow'" in response.json()["reason"]
    assert response.json()["fixture"] == "quick"
    assert "reached the limit of 50 ms per request" in response.text.partition('"near_misses"')[2]


def test_verify_names_the_limit(slow_server: MockServer, make_client: MakeClient) -> None:
    client = make_client(slow_server)
    for number in range(2):
        client.chat(content=f"{number}{SLOW_TEXT}")
    client.wait_for_entries(2)
    query = {"match": {"user": {"regex": SLOW}}, "count": 1}
    url = f"{slow_server.url}/_mock/verify?session={client.session}"
    response = requests.post(url, json=query, timeout=20)
    assert response.status_code == 409
    assert response.text.count("reached the limit") >= 2


def test_the_patterns_of_a_profile_are_bounded() -> None:
    profile = replace(ROUTER.vendors["aimlapi"].profile, echo={"x-id": SLOW})
    vendor = Vendor(profile)
    assert vendor.echo_headers({"x-id": "aaa"}) == (("x-id", "aaa"),)
    started = time.thread_time()
    assert vendor.echo_headers({"x-id": SLOW_TEXT}) == ()
    assert time.thread_time() - started < WALL_LIMIT


def test_slow_requests_do_not_keep_the_server_from_others(
    slow_server: MockServer, make_client: MakeClient
) -> None:
    def send(number: int) -> None:
        make_client(slow_server).chat(content="a" * (60 + number) + "b")

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    assert requests.get(f"{slow_server.url}/healthz", timeout=20).status_code == 200
    for thread in threads:
        thread.join()


# --- the prefilter of many fixtures


def _write_many(count: int) -> str:
    lines = (
        f"- {{name: n{number}, match: {{user: word{number}x}}, response: a}}\n" for number in range(count)
    )
    return "fixtures:\n" + "".join(lines)


def test_the_prefilter_of_many_fixtures_is_built_when_they_are_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fixture_set, "LARGE_SET", 10)
    monkeypatch.setattr(loader, "LARGE_SET", 10)
    assert loader.load_fixture_set((), _write_many(10))._prefilter is None
    many = loader.load_fixture_set((), _write_many(11))
    assert many._prefilter is not None
    assert many.keep_start_times(many)._prefilter is many._prefilter


def test_requests_are_matched_while_a_prefilter_is_built(
    start_server: StartServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixture_set, "LARGE_SET", 10)
    building, go_on = threading.Event(), threading.Event()

    def build(fixtures: tuple[Fixture, ...]) -> FixturePrefilter:
        building.set()
        assert go_on.wait(20)
        return FixturePrefilter(fixtures)

    monkeypatch.setattr(fixture_set, "FixturePrefilter", build)
    client = make_client(start_server("fixtures: [{name: other, match: {}, response: b}]"))
    url = f"{client.server.url}/_mock/fixtures?session={client.session}"
    added: list[int] = []
    thread = threading.Thread(
        target=lambda: added.append(requests.post(url, data=_write_many(11), timeout=20).status_code)
    )
    thread.start()
    assert building.wait(20)
    assert client.chat(content="word7x").headers["x-mock-fixture"] == "n7"
    assert not added
    go_on.set()
    thread.join(20)
    assert added == [201]
    assert client.chat(content="word8x").headers["x-mock-fixture"] == "n8"
