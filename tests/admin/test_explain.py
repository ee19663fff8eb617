"""Dry runs: which fixture would answer a request, and why the others would not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mockserver.admin.explain import EXPLAIN_INPUT, dry_run_input, format_dry_run
from mockserver.errors import InputError
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import document_from_value
from mockserver.server import app
from mockserver.settings import Settings
from mockserver.wire.playback import Playback

FIXTURES = """
fixtures:
- {name: snow, match: {user: snow}, response: Cold.}
- {name: weather, match: {user: weather}, response: {text: Sunny., times: 1}}
- {name: cut, match: {user: cut}, response: {text: One two three four., stream: {chunk: word}, fault: reset@3}}
- {name: broke, match: {user: money}, response: {template: true, text: "{{ body.none }}"}}
"""


def told(tmp_path: Path, fixtures: str = FIXTURES, **asked: Any) -> str:
    file = tmp_path / "f.yaml"
    file.write_text(fixtures)
    line = app.create_pipeline(Settings(paths=(file,), strict=True), Playback(), lambda _: None)
    body = {"model": "o1-preview", "messages": [{"role": "user", "content": "The weather?"}]}
    read = read_document(EXPLAIN_INPUT, document_from_value({"body": body} | asked, "r.json"))
    for _ in range(2):  # nothing is counted
        text = format_dry_run(asyncio.run(dry_run_input(line, read)))
    return text.replace(f"{tmp_path}/", "")


def says(text: str) -> dict[str, Any]:
    return {"model": "o1-preview", "messages": [{"role": "user", "content": text}]}


def test_it_reads_like_a_story(tmp_path: Path) -> None:
    assert told(tmp_path) == (
        "AI/ML API, o1-preview, 'The weather?'\n"
        "\n"
        "  answers  201  weather  (f.yaml:4)\n"
        "  openai   no error\n"
        "\n"
        "  missed   snow  (f.yaml:3)\n"
        "           user: expected text with 'snow', found 'The weather?'"
    )


def test_where_nothing_matches_it_tells_what_came_nearest(tmp_path: Path) -> None:
    text = told(tmp_path, body={"messages": []})
    assert text.splitlines()[:3] == [
        "AI/ML API, no model, no user message",
        "",
        "  answers  400  the request is refused",
    ]
    assert text.count("missed") == 0
    text = told(tmp_path, body=says("Anything"))
    assert text.splitlines()[2] == "  answers  404  no fixture matched"
    assert text.count("missed") == 4


def test_it_says_what_goes_wrong_and_what_the_openai_sdk_makes_of_it(tmp_path: Path) -> None:
    assert told(tmp_path, body=says("cut") | {"stream": True}).splitlines()[2:5] == [
        "  answers  200  cut  (f.yaml:5)",
        "  fault    reset@3",
        "  openai   APIConnectionError, after 3 chunks; SDK 2 and 1: ReadError, after 3 chunks",
    ]
    assert told(tmp_path, body=says("cut"), headers={"X-Mock-Fault": "reset"}).splitlines()[2:5] == [
        "  answers  none  cut  (f.yaml:5)",
        "  fault    reset",
        "  openai   APIConnectionError, 3 attempts",
    ]
    assert "  fault" not in told(tmp_path, body=says("cut"))


def test_a_fault_without_effect_is_reported(tmp_path: Path) -> None:
    lines = told(tmp_path, body=says("cut")).splitlines()
    assert lines[2:5] == [
        "  answers  201  cut  (f.yaml:5)",
        "           the fault reset@3 found nothing to act on: the answer has nothing at this point that it changes",
        "  openai   no error",
    ]


def test_reasoning_that_is_dropped_is_reported_with_its_cause(tmp_path: Path) -> None:
    fixtures = "fixtures: [{name: think, match: {}, response: {reasoning: Hm., text: Yes.}}]"
    cause = "the reasoning is not sent: "
    hidden = told(tmp_path, fixtures).splitlines()[3]
    assert hidden == f"           {cause}o1-preview at AI/ML API hides it"
    assert f"{cause}the request has no `show_thinking: true`" in told(tmp_path, fixtures, vendor="omixa")
    asked = says("Well?") | {"show_thinking": True}
    assert cause not in told(tmp_path, fixtures, vendor="omixa", body=asked)
    assert cause not in told(tmp_path, fixtures, body=says("Well?") | {"model": "deepseek-r1"})
    assert cause not in told(tmp_path, fixtures, headers={"X-Mock-Error": "429"})


def test_a_fault_without_effect_is_reported_where_no_fixture_matches(tmp_path: Path) -> None:
    text = told(tmp_path, body=says("none of them"), headers={"X-Mock-Fault": "no_done"})
    assert text.splitlines()[2:4] == [
        "  answers  404  no fixture matched",
        "           the fault no_done found nothing to act on: the answer is not a stream",
    ]


def test_where_no_openai_client_can_go_it_is_not_told_of(tmp_path: Path) -> None:
    assert "openai" not in told(tmp_path, vendor="segmind")


def test_where_the_request_names_a_fixture_the_one_that_matches_is_told_too(tmp_path: Path) -> None:
    assert told(tmp_path, headers={"X-Mock-Fixture": "cut"}).splitlines()[2:] == [
        "  answers  201  cut  (f.yaml:5)",
        "           selected by x-mock-fixture, instead of  weather  (f.yaml:4)",
        "           the fault reset@3 found nothing to act on: the answer has nothing at this point that it changes",
        "  openai   no error",
        "",
        "  missed   snow  (f.yaml:3)",
        "           user: expected text with 'snow', found 'The weather?'",
    ]
    same = told(tmp_path, headers={"X-Mock-Fixture": "weather"})
    assert "instead" not in same
    assert same == told(tmp_path)
    alone = told(tmp_path, body=says("nothing"), headers={"X-Mock-Fixture": "snow"})
    assert "instead" not in alone
    assert alone.count("missed") == 4


def test_an_answer_that_fails_says_why(tmp_path: Path) -> None:
    text = told(tmp_path, body=says("money"))
    assert "answers  500  broke" in text
    assert "the template failed: 'dict object' has no attribute 'none'" in text


def test_a_long_list_of_misses_is_cut(tmp_path: Path) -> None:
    many = "fixtures:\n" + "".join(f"- {{match: {{user: x{i}}}, response: y}}\n" for i in range(13))
    assert told(tmp_path, many).endswith("  and 1 more")
    assert told(tmp_path, many + "- {match: {user: z}, response: y}\n").endswith("  and 2 more")


@pytest.mark.parametrize(
    ("vendor", "path"),
    [("segmind", None), ("omixa", None), ("segmind", "/v1/o3-mini"), ("aimlapi", "/v1/nothing")],
)
def test_any_vendor_and_path_may_be_asked(tmp_path: Path, vendor: str, path: str | None) -> None:
    text = told(
        tmp_path, vendor=vendor, headers={"X-A": "b"}, session="one", **({"path": path} if path else {})
    )
    assert ("answers  404" if path == "/v1/nothing" else "answers  20") in text


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"vendor": "nobody"}, "vendor: found 'nobody', expected one of"),
        ({"path": "v1"}, "path: found 'v1', expected a path like /v1/chat/completions"),
        (
            {"body": {"n": 10**30}},
            "body.n: found 1000000000000000000000000000000, expected a whole number of at most 64 bits",
        ),
    ],
)
def test_what_cannot_be_asked_is_told(tmp_path: Path, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        told(tmp_path, **asked)
