"""The recorder: files of fixtures that tell each recorded request from the others, and keep what users edit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from mockserver.fixtures.response_spec import RESPONSE
from mockserver.matching.fixture_set import find_first_match
from mockserver.matching.loader import load_fixture_set
from mockserver.matching.shadowing import lint_fixtures
from mockserver.recording import recordings
from mockserver.recording.exchange import Exchange, build_exchange_request
from mockserver.recording.fixture_writer import NoFixtureError
from mockserver.recording.recorder import Recorder
from mockserver.recording.recordings import compute_request_key
from mockserver.rendering.completion import render_completion
from mockserver.rendering.pacing import LazyRandom
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import document_from_value, load_document
from mockserver.server.app import load_vendors
from mockserver.wire.answer import Answer, Frame

ROUTER = load_vendors()
NO_ANSWER = Answer(200, ())
USAGE = {"prompt_tokens": 1, "completion_tokens": 1}


def make_exchange(said: Any = "Hi", user: str = "Say hello.", **body: Any) -> Exchange:
    """Return an exchange of a request for `user`, changed by `body`, that was answered by the response `said`."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": user}], **body}
    unanswered = Exchange(
        *("aimlapi", "POST", "/v1/chat/completions", "", (("content-type", "application/json"),)),
        orjson.dumps(body),
        NO_ANSWER,
    )
    if isinstance(said, Answer):
        return replace(unanswered, answer=said)
    said = {"text": said, "usage": USAGE} if isinstance(said, str) else said
    spec = read_document(RESPONSE, document_from_value(said, "a test"))
    answer = render_completion(build_exchange_request(unanswered, ROUTER), spec, LazyRandom())
    return replace(unanswered, answer=answer)


def talk(*texts: str) -> list[dict[str, str]]:
    """Return the messages of a conversation in which user and assistant alternate."""
    return [{"role": ("user", "assistant")[number % 2], "content": text} for number, text in enumerate(texts)]


def read_fixtures(path: Path) -> list[Any]:
    value: Any = load_document(path).value
    fixtures: list[Any] = value["fixtures"]
    return fixtures


def find_fixtures(folder: Path, *exchanges: Exchange) -> list[str]:
    """Return the names of the fixtures that answer the requests; the files must be valid without a warning."""
    fixtures = load_fixture_set([folder])
    assert list(lint_fixtures(fixtures, ROUTER.vendors)) == []
    found = [find_first_match(build_exchange_request(one, ROUTER), fixtures, {}) for one in exchanges]
    return [one.fixture.name if one else "" for one in found]


def test_a_conversation_has_a_file_and_each_request_a_name(tmp_path: Path) -> None:
    first = make_exchange("Hi", "What is the capital of France?")
    second = make_exchange("Paris", messages=talk("What is the capital of France?", "Paris", "Of Italy?"))
    other = make_exchange("¡Hola!", "¿Cómo estás?")
    recorder = Recorder(ROUTER)
    for exchange in (first, second, other):
        recorder.record(exchange, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cómo-estás.yaml",
        "what-is-the-capital-of-france.yaml",
    ]
    assert read_fixtures(tmp_path / "what-is-the-capital-of-france.yaml") == [
        {
            "name": "what is the capital of france",
            "match": {
                "vendor": "aimlapi",
                "model": "gpt-4o",
                "user": {"equals": "What is the capital of France?"},
            },
            "response": {"text": "Hi", "usage": USAGE},
        },
        {
            "name": "of italy",
            "match": {"vendor": "aimlapi", "model": "gpt-4o", "user": {"equals": "Of Italy?"}, "turn": 2},
            "response": {"text": "Paris", "usage": USAGE},
        },
    ]
    names = ["what is the capital of france", "of italy", "cómo estás"]
    assert find_fixtures(tmp_path, first, second, other) == names


TOOL = {"type": "function", "function": {"name": "get", "parameters": {}}}
DIFFERENCES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"temperature": 0.5}),
    ({"messages": [{"role": "system", "content": "Be brief."}, *talk("Say hello.")]}, {}),
    ({"messages": talk("One", "1", "Go on")}, {"messages": talk("Two", "2", "Go on")}),
    ({"tools": [TOOL]}, {}),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "b", "schema": {}}}},
    ),
]


@pytest.mark.parametrize(("first", "second"), DIFFERENCES, ids=lambda body: ",".join(body) or "-")
def test_the_match_tells_a_request_from_the_others(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any]
) -> None:
    exchanges = make_exchange("first", **first), make_exchange("second", **second)
    recorder = Recorder(ROUTER)
    for exchange in exchanges:
        recorder.record(exchange, tmp_path / "all.yaml")
    names = [one["name"] for one in read_fixtures(tmp_path / "all.yaml")]
    assert find_fixtures(tmp_path, *exchanges) == names
    assert names[1] == f"{names[0]} 2"


def test_repeated_requests_have_their_answers_in_order(tmp_path: Path) -> None:
    recorder = Recorder(ROUTER)
    error = {"error": 429, "retry_after": "1s"}
    for said in (error, "One", "One", "Two"):
        recorder.record(make_exchange(said), tmp_path)
    [fixture] = read_fixtures(tmp_path / "say-hello.yaml")
    texts = [{"text": text, "usage": USAGE} for text in ("One", "Two")]
    assert fixture["responses"] == [error, *texts]


STREAM: Any = {"stream": True, "stream_options": {"include_usage": True}}
PACED = {"text": "One two three", "usage": USAGE, "stream": {"ttft": "300ms", "tps": 20.0}}
BODY = Answer(201, (("content-type", "application/json"),), (Frame(b"{}"),))
EVENTS = Answer(201, (), (Frame(b"data: {}\n\n"),), streamed=True)
JSON_TEXT = '{"a":1}'


@pytest.mark.parametrize(
    ("body", "stream", "merged"),
    [
        ("One two three", PACED, PACED),
        (
            {"json": {"a": 1}, "usage": USAGE},
            {"text": JSON_TEXT, "usage": USAGE, "stream": {"ttft": "300ms"}},
            {"json": {"a": 1}, "usage": USAGE, "stream": {"ttft": "300ms"}},
        ),
        (
            "One two three",
            {"chunks": ["One two t", "hree"], "usage": USAGE},
            {"chunks": ["One two t", "hree"], "usage": USAGE},
        ),
        (
            BODY,
            EVENTS,
            {
                "raw": {
                    "status": 201,
                    "body": "{}",
                    "sse": ["data: {}", ""],
                    "headers": {"content-type": "application/json"},
                }
            },
        ),
    ],
    ids=["text", "json", "chunks", "raw"],
)
@pytest.mark.parametrize("is_stream_first", [False, True])
def test_body_and_stream_are_in_one_fixture(
    tmp_path: Path, body: Any, stream: Any, merged: Any, is_stream_first: bool
) -> None:
    exchanges = [make_exchange(body), make_exchange(stream, **STREAM)]
    recorder = Recorder(ROUTER)
    for exchange in reversed(exchanges) if is_stream_first else exchanges:
        recorder.record(exchange, tmp_path / "one.yaml")
    [fixture] = read_fixtures(tmp_path / "one.yaml")
    assert fixture["response"] == merged
    assert "stream" not in fixture["match"]


@pytest.mark.parametrize(
    ("body", "stream"),
    [("One", "Two"), (BODY, replace(EVENTS, status=200)), ("One", EVENTS), (BODY, "One")],
    ids=["texts", "statuses", "raw stream", "raw body"],
)
def test_different_body_and_stream_are_two_fixtures(tmp_path: Path, body: Any, stream: Any) -> None:
    exchanges = [make_exchange(body), make_exchange(stream, **STREAM)]
    recorder = Recorder(ROUTER)
    for exchange in exchanges:
        recorder.record(exchange, tmp_path / "one.yaml")
    assert find_fixtures(tmp_path, *exchanges) == ["say hello", "say hello 2"]


def test_a_second_answer_of_one_form_is_not_merged_with_the_other_form(tmp_path: Path) -> None:
    recorder = Recorder(ROUTER)
    for exchange in (make_exchange("One"), make_exchange("Two"), make_exchange("Two", **STREAM)):
        recorder.record(exchange, tmp_path)
    assert [one["match"]["stream"] for one in read_fixtures(tmp_path / "say-hello.yaml")] == [False, True]


def test_a_known_request_is_found_in_the_form_that_it_has_an_answer_for(tmp_path: Path) -> None:
    text, raw, error = (
        make_exchange("One"),
        make_exchange(BODY, "Raw?"),
        make_exchange({"error": 429}, "Slow?"),
    )
    recorder = Recorder(ROUTER)
    for exchange in (text, raw, error):
        recorder.record(exchange, tmp_path)
    found = [
        recorder.requests.find(compute_request_key(build_exchange_request(one, ROUTER)), stream=stream)
        for one in (text, raw, error)
        for stream in (False, True)
    ]
    assert [one and (one.name, one.ends_in_error) for one in found] == [
        *[("say hello", False)] * 2,
        *[("raw", False), None],
        *[("slow", True)] * 2,
    ]


def test_long_runs_compare_with_the_last_requests_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "_MAX_COMPARED_BYTES", 300)
    recorder = Recorder(ROUTER)
    for number in range(4):
        recorder.record(make_exchange("One", "word " * 30, temperature=number), tmp_path)
    fixtures = read_fixtures(next(tmp_path.iterdir()))
    assert fixtures[0]["name"] == "word word word word word word word word word"
    assert [one["match"].get("body") for one in fixtures] == [{"temperature": number} for number in range(4)]
    assert len(recorder.requests._compared) == 1


def test_a_raw_body_answers_no_request_for_a_stream(tmp_path: Path) -> None:
    recorder = Recorder(ROUTER)
    recorder.record(make_exchange(BODY), tmp_path)
    assert find_fixtures(tmp_path, make_exchange(BODY), make_exchange(**STREAM)) == ["say hello", ""]


def test_a_raw_body_of_the_responses_api_answers_its_requests(tmp_path: Path) -> None:
    asked = orjson.dumps({"model": "gpt-4o", "input": "Say hello."})
    exchange = replace(make_exchange(BODY), path="/v1/responses", body=asked)
    Recorder(ROUTER).record(exchange, tmp_path)
    assert find_fixtures(tmp_path, exchange, make_exchange(BODY)) == ["say hello", ""]


def test_a_later_run_extends_the_files(tmp_path: Path) -> None:
    Recorder(ROUTER).record(make_exchange("One"), tmp_path / "all.yaml")
    path = tmp_path / "all.yaml"
    path.write_text("# Edited.\n" + path.read_text().replace("One", "Uno"))
    Recorder(ROUTER).record(make_exchange("Two", temperature=1.5), path)
    assert path.read_text().startswith("# Edited.\n")
    assert [one["response"]["text"] for one in read_fixtures(path)] == ["Uno", "Two"]
    Recorder(ROUTER, is_new=True).record(make_exchange("Three"), path)
    assert [one["response"]["text"] for one in read_fixtures(path)] == ["Three"]


@pytest.mark.parametrize(
    "edit", [lambda text: f"{text}faults: []\n", lambda _: "- x", lambda _: "faults:\n", lambda _: "{"]
)
def test_a_file_that_cannot_be_extended_has_a_successor(tmp_path: Path, edit: Any) -> None:
    path = tmp_path / "all.yaml"
    Recorder(ROUTER).record(make_exchange("One"), path)
    edited = edit(path.read_text())
    path.write_text(edited)
    Recorder(ROUTER).record(make_exchange("Two"), path)
    assert path.read_text() == edited
    assert [one["response"]["text"] for one in read_fixtures(tmp_path / "all-2.yaml")] == ["Two"]


def test_an_edit_during_the_run_is_kept(tmp_path: Path) -> None:
    recorder, path = Recorder(ROUTER), tmp_path / "all.yaml"
    recorder.record(make_exchange("One", "First?"), path)
    path.write_text(path.read_text().replace("One", "Uno"))
    recorder.record(make_exchange("Two", "Second?"), path)
    recorder.record(make_exchange("Three", "Third?"), path)
    assert [one["response"]["text"] for one in read_fixtures(path)] == ["Uno", "Two", "Three"]
    edited = path.read_text() + "# The end."
    path.write_text(edited)
    recorder.record(make_exchange("Two", "Second?"), path)
    assert path.read_text() == edited
    path.unlink()
    recorder.record(make_exchange("One", "First?"), path)
    assert [one["response"]["text"] for one in read_fixtures(path)] == ["One"]


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/v1/models", "method": "GET"},
        {"body": b"no JSON"},
        {"vendor": "nobody"},
        {"vendor": "segmind", "path": "/v2/o1-preview"},
    ],
)
def test_what_no_fixture_can_answer_is_not_recorded(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(NoFixtureError):
        Recorder(ROUTER).record(replace(make_exchange(), **change), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(OSError, match="folder"):
        Recorder(ROUTER, is_new=True).record(make_exchange(), tmp_path / "folder.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.yaml"]
