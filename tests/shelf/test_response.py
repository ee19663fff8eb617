"""A response in each of its forms, what it draws, and the defaults that lie under it."""

from __future__ import annotations

import random
import statistics

import jsonschema_rs
import pytest
import yaml

from mockserver.errors import InputError, Problem
from mockserver.record import schema
from mockserver.shelf import template
from mockserver.shelf.fault import FAULT
from mockserver.shelf.fixture import Fixture
from mockserver.shelf.match import Match
from mockserver.shelf.response import Pace, Response, Spread, ToolCall
from tests.shelf.asking import shelf


def said(response: str, before: str = "") -> Response:
    return shelf(f"match: {{}}, response: {response}", before=before).fixtures[0].responses[0]


def test_a_text_is_said_and_a_kind_or_a_number_is_an_error() -> None:
    assert said("hello").text == "hello"
    assert said("true").text == "true"
    assert said("timeout").error == "timeout"
    assert said("{text: timeout}").text == "timeout"
    assert said("503").error == 503
    assert said("{error: '503'}").error == 503
    assert said("{error: gone}").error == "gone"


def test_the_content_is_one_however_it_was_written() -> None:
    assert said("{chunks: [a, {delay: 1s}, 2, true]}").spoken[0].content == "a2true"
    assert said("{json: {a: [1]}}").spoken[0].content == '{"a":[1]}'
    assert said("{choices: [a, {text: b}]}").spoken[1].content == "b"
    assert said("{reasoning: hm}").spoken[0].content is None


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("reset@3", "reset@3"),
        ("{reset: {after: {chunks: 3}}}", "reset@3"),
        ("{reset: {after: 3}}", "reset@3"),
        ("{reset: {after: {bytes: 100}}}", "reset@100b"),
        ("{reset: {after: 100b}}", "reset@100b"),
        ("{hang: {after: {time: 1.5s}}}", "hang@1.5s"),
        ("{hang: {after: 2s}}", "hang@2s"),
        ("{hang: }", "hang"),
        ("{close: {after: {chunks: 0}}}", "close@0"),
        ("{slow: }", "slow=100"),
        ("{slow: {bytes_per_second: 0.5, after: 3}}", "slow=0.5@3"),
        ("html", "html"),
    ],
)
def test_a_fault_has_two_forms_that_say_the_same(written: str, fault: str) -> None:
    for response in (f"{{text: a, fault: {written}}}", f"{{error: 502, fault: {written}}}"):
        assert str(said(response).fault) == fault
    judge = jsonschema_rs.Draft202012Validator(schema(FAULT))
    for each in (written, fault):
        assert judge.is_valid(yaml.safe_load(each))


@pytest.mark.parametrize(
    "written",
    ["rest", "reset@soon", "reset=3", "3", "{rest: {}}", "{reset: {}, close: {}}", "{}", "[reset]",
     "{reset: {after: soon}}", "{reset: {after: {chunk: 3}}}", "{reset: {bytes_per_second: 3}}"],
)  # fmt: skip
def test_an_editor_marks_a_fault_that_is_none(written: str) -> None:
    assert not jsonschema_rs.Draft202012Validator(schema(FAULT)).is_valid(yaml.safe_load(written))
    with pytest.raises(InputError):
        said(f"{{text: a, fault: {written}}}")


def test_arguments_are_json_and_a_text_is_sent_as_it_stands() -> None:
    assert [ToolCall(name="f", arguments=a).json for a in (None, {"a": 1}, "{a")] == ["{}", '{"a":1}', "{a"]


def test_half_of_the_times_are_below_the_median_and_one_in_twenty_above_p95() -> None:
    chance = random.Random(1)
    times = sorted(Spread(median=0.8, p95=4).draw(lambda: chance) for _ in range(10_000))
    assert statistics.median(times) == pytest.approx(0.8, rel=0.05)
    assert times[9_500] == pytest.approx(4, rel=0.1)


def test_a_time_without_a_spread_is_always_the_same() -> None:
    assert Spread(median=1, p95=1).draw(random.Random) == 1
    assert Spread(median=0, p95=4).draw(random.Random) == 0


def test_defaults_lie_under_what_a_response_states() -> None:
    before = "defaults: {stream: {ttft: 150ms, tps: 80}, delay: 2s, template: true}"
    own = said("{text: a, stream: {tps: 3, chunk: {chars: 4}}, delay: 1s, template: false}", before)
    assert own.stream == Pace(ttft=Spread(median=0.15, p95=0.15), tps=3, chunk=4)
    assert own.delay == Spread(median=1, p95=1)
    assert own.template is False
    bare = said("a", before)
    assert bare.stream == Pace(ttft=Spread(median=0.15, p95=0.15), tps=80)
    assert bare.delay == Spread(median=2, p95=2)
    assert bare.template is True
    assert said("a").stream == Pace()


def test_the_templates_of_defaults_are_checked_like_any_other() -> None:
    with pytest.raises(InputError, match="unknown name 'usr'"):
        said("'{{ usr }}'", "defaults: {template: true}")


def test_every_text_of_a_response_may_be_a_template() -> None:
    written = (
        "{chunks: [a, {delay: 1s}], reasoning: b, tool_calls: [{name: f, arguments: {x: [c, 1]}}]}",
        "{choices: [{refusal: d}, {json: {y: e}}]}",
        "{error: 400, message: f}",
        "{raw: {body: g}}",
        "{raw: {sse: [h, {delay: 1s}]}}",
        "{raw: {status: 200}}",
    )
    found = [(text, where) for one in written for text, where in template.texts(said(one))]
    assert found == [
        ("b", ("reasoning",)),
        ("a", ("chunks", 0)),
        ("c", ("tool_calls", 0, "arguments", "x", 0)),
        ("d", ("choices", 0, "refusal")),
        ("e", ("choices", 1, "json", "y")),
        ("f", ("message",)),
        ("g", ("raw", "body")),
        ("h", ("raw", "sse", 0)),
    ]


def test_a_header_is_one_line_of_latin_1() -> None:
    assert said("{text: a, headers: {x-a: b}}").headers == {"x-a": "b"}
    with pytest.raises(InputError, match="expected one line of Latin-1 text"):
        said('{text: a, headers: {x-a: "b\\nc"}}')


def test_a_fixture_from_elsewhere_is_named_in_its_problems() -> None:
    one = Fixture("a", Match(), (Response(),), "no_match", "the control API")
    assert one.problem("wrong") == Problem("wrong", "a", "the control API")
