"""Requests with large bodies: their long steps run on the worker thread, so that the event loop serves others."""

from __future__ import annotations

import asyncio
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from mockserver.answering.responder import Responder
from mockserver.fixtures import predicates, text_forms
from mockserver.fixtures.text_forms import fold_case, normalize_text
from mockserver.matching import fixture_set, prefilter
from mockserver.matching.fixture_set import FixtureSet, LayeredFixtures, find_all_matches, find_first_match
from mockserver.pipeline import ChatPipeline
from mockserver.request import request_body
from mockserver.request.chat_request import LARGE_BODY, MAX_MODEL_LENGTH
from mockserver.request.request_body import MAX_VALUES, has_too_many_values
from mockserver.server.app import create_pipeline
from mockserver.sessions.journal import JournalEntry
from mockserver.settings import Settings
from mockserver.testing import MockServer
from mockserver.tokens import token_count
from mockserver.tokens.token_count import count_prompt_tokens, count_tokens
from mockserver.validation import body_rules
from mockserver.wire.playback import Playback
from tests.conftest import MakeClient
from tests.matching_examples import build_fixture_set, build_request
from tests.request_fixtures import ReadRequest

LONG_TEXT = "the quick brown fox " * (LARGE_BODY // 20)
FIXTURES = """
fixtures:
  - {name: once, match: {user: {regex: 'fox.$'}, turn: 1}, response: {text: Once., times: 1}}
  - {name: hold, match: {user: 'hold on'}, response: Held.}
  - {name: filled, match: {user: 'fill it'}, response: 'Turn {{ turn }}, {{ user | length }} characters.'}
  - {name: seen, match: {image: true, tools: [look], any_message: fox, system: fox}, response: Seen.}
  - {name: result, match: {tool_result: look}, response: Result.}
  - {name: slow, match: {user: {regex: '(a|aa)+$'}}, response: Slow.}
faults:
  - {match: {user: 'fail now'}, error: 503}
"""


def call_pipeline(pipeline: ChatPipeline, body: dict[str, Any], fault: str = "") -> JournalEntry:
    """Send a request through the pipeline, and return its journal entry."""
    entries: list[JournalEntry] = []
    pipeline.on_request_end = entries.append
    headers = [(b"authorization", b"Bearer k"), (b"content-type", b"application/json")]
    headers += [(b"x-mock-fault", fault.encode())] if fault else []
    scope = {"type": "http", "method": "POST", "path": "/aimlapi/v1/chat/completions", "headers": headers}

    messages = [{"type": "http.request", "body": orjson.dumps(body), "more_body": False}]

    async def receive() -> Any:
        return messages.pop() if messages else await asyncio.Event().wait()

    async def send(_: Any) -> None:
        """Discard the response."""

    asyncio.run(pipeline(scope, receive, send))
    return entries[0]


def _messages(text: str, *before: dict[str, Any]) -> dict[str, Any]:
    return {"model": "o1", "messages": [*before, {"role": "user", "content": LONG_TEXT + text}]}


@pytest.fixture
def on_threads(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Return the names of the threads that have run each of the long steps."""
    threads: dict[str, set[str]] = {}

    def note(owner: Any, name: str) -> None:
        function = getattr(owner, name)

        def noted(*args: Any, **options: Any) -> Any:
            threads.setdefault(name, set()).add(threading.current_thread().name.partition("_")[0])
            return function(*args, **options)

        monkeypatch.setattr(owner, name, noted)

    note(request_body, "_parse_body")
    note(body_rules, "_has_plain_messages")
    note(body_rules, "_iter_issues")
    note(text_forms, "_cut")
    note(token_count, "_split_at_spaces")
    note(fixture_set, "_text_similarity")
    return threads


@pytest.fixture
def run_pipeline() -> Callable[..., ChatPipeline]:
    def create(**settings: Any) -> ChatPipeline:
        chosen = Settings(fixtures_yaml=FIXTURES, tokenizer="estimate", reload=False)
        return create_pipeline(replace(chosen, **settings), Playback(), lambda _: None)

    return create


@pytest.mark.parametrize(
    ("body", "status", "fixture"),
    [
        (_messages("x!"), 200, ""),
        (_messages("fox."), 200, "once"),
        (_messages("fill it"), 200, "filled"),
        (_messages("fail now"), 503, ""),
        (_messages("Hello", {"role": "unknown"}), 400, ""),
        (_messages("Hello") | {"n": "one"}, 400, ""),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_the_long_steps_of_a_large_request_run_on_the_worker_thread(
    run_pipeline: Callable[..., ChatPipeline],
    on_threads: dict[str, set[str]],
    monkeypatch: pytest.MonkeyPatch,
    body: dict[str, Any],
    status: int,
    fixture: str,
    strict: bool,
) -> None:
    pipeline = run_pipeline(strict=strict)
    monkeypatch.setattr(text_forms, "_MAX_FOLDED", 1000)
    entry = call_pipeline(pipeline, body)
    unmatched = strict and status == 200 and not fixture
    assert (entry.status, entry.fixture) == (404 if unmatched else status, fixture)
    assert {"_parse_body", "_cut"} <= on_threads.keys()
    assert set().union(*on_threads.values()) == {"mockserver-worker"}


def test_others_are_served_while_a_large_request_is_prepared(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, go_on = threading.Event(), threading.Event()
    run_long_steps = ChatPipeline._run_long_steps

    def wait(*arguments: Any) -> None:
        prepared.set()
        assert go_on.wait(20)
        run_long_steps(*arguments)

    monkeypatch.setattr(ChatPipeline, "_run_long_steps", wait)
    with MockServer(fixtures_yaml=FIXTURES) as server:
        client, large = make_client(server), make_client(server)
        replies: list[Any] = []
        thread = threading.Thread(target=lambda: replies.append(large.chat(content=LONG_TEXT + "fox.")))
        thread.start()
        assert prepared.wait(20)
        assert client.chat(content="Hello").status < 300
        assert not replies
        go_on.set()
        thread.join(20)
        assert replies[0].headers["x-mock-fixture"] == "once"


def test_a_fixture_that_is_used_up_is_not_compared_again(
    run_pipeline: Callable[..., ChatPipeline], on_threads: dict[str, set[str]]
) -> None:
    pipeline = run_pipeline()
    assert [call_pipeline(pipeline, _messages("fox.")).fixture for _ in range(2)] == ["once", ""]
    assert on_threads["_parse_body"] == {"mockserver-worker"}


def test_the_slow_patterns_of_a_large_request_are_reported(
    run_pipeline: Callable[..., ChatPipeline],
) -> None:
    entry = call_pipeline(run_pipeline(), _messages("a" * 60 + "b"))
    assert "the fixture 'slow' (MOCKSERVER_FIXTURES_YAML:8) does not match" in entry.reason


def test_an_unexpected_exception_of_a_long_step_is_a_500(
    run_pipeline: Callable[..., ChatPipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Responder, "_choose_response", fail)
    entry = call_pipeline(run_pipeline(), _messages("Hello"))
    assert entry.status == 500
    assert "unexpected ZeroDivisionError" in entry.reason


# --- the values of a large request


LOOK = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
CONVERSATION = (
    {"role": "system", "content": LONG_TEXT},
    {"role": "user", "content": [{"type": "text", "text": "this"}, {"type": "image_url", "image_url": "u"}]},
    {"role": "assistant", "content": None, "tool_calls": [LOOK]},
    {"role": "tool", "tool_call_id": "a", "content": "a cup"},
)


def test_a_large_request_has_the_values_of_any_other() -> None:
    tools = [{"type": "function", "function": {"name": "look"}}]
    request = build_request(*CONVERSATION, tools=tools)
    assert request.is_large
    names = ("user_turns", "system_text", "message_texts", "has_image", "tool_names", "tool_results")
    values = [getattr(request.parsed, name) for name in names]
    assert [getattr(request.parsed, name) is value for name, value in zip(names, values, strict=True)] == [
        True  # it is computed once
    ] * len(names)
    request.lazy_body.drop_parsed()
    assert [getattr(request.parsed, name) for name in names] == values


def test_matches_of_a_large_request_are_those_of_any_other() -> None:
    layers = (
        build_fixture_set(
            "name: a, match: {user: fox}, response: {text: a, times: 1}",
            "name: b, match: {user: dog}, response: b",
        ),
        build_fixture_set(
            "name: c, match: {user: brown}, response: {text: c, times: 1}",
            "name: d, match: {}, response: d",
        ),
    )
    request = build_request({"role": "user", "content": LONG_TEXT})
    for fixtures in (FixtureSet([*layers[0], *layers[1]]), LayeredFixtures(*layers)):
        assert [one.name for one in find_all_matches(request, fixtures)] == ["a", "c", "d"]
        for counts, name in (({}, "a"), ({"a": 1}, "c"), ({"a": 1, "c": 1}, "d"), ({}, "a"), ({"c": 1}, "a")):
            match = find_first_match(request, fixtures, counts)
            assert match is not None
            assert match.fixture.name == name
    assert find_first_match(request, build_fixture_set("match: {user: cat}, response: e"), {}) is None


# --- bounds


@pytest.mark.parametrize(
    ("unit", "count", "refused"),
    [
        (b"[]", MAX_VALUES // 2 - 10, False),
        (b"[]", MAX_VALUES // 2, True),
        (b"0", MAX_VALUES, True),
        (b"{}", 10, False),
    ],
)
def test_the_values_of_a_body_are_counted_without_parsing(unit: bytes, count: int, refused: bool) -> None:
    body = b'{"metadata":[' + b",".join([unit] * count) + b"]}"
    assert has_too_many_values(body) is refused


def test_a_body_of_too_many_values_is_too_large_for_the_vendor(
    run_pipeline: Callable[..., ChatPipeline], on_threads: dict[str, set[str]]
) -> None:
    entry = call_pipeline(run_pipeline(), _messages("Hello") | {"metadata": [0] * MAX_VALUES})
    assert (entry.status, entry.reason) == (413, "the body has more than 250,000 values")
    assert "_parse_body" not in on_threads


def test_a_long_model_name_is_refused_and_cut(read_request: ReadRequest) -> None:
    request = read_request({"model": "m" * 800, "messages": [{"role": "user", "content": "Hello"}]})
    assert request.model == "m" * (MAX_MODEL_LENGTH + 1)
    assert not body_rules.passes_fast_check(request)
    [issue] = body_rules.find_body_issues(request)
    assert issue["message"] == "String must contain at most 256 character(s)"
    shorter = read_request({"model": "m" * 256, "messages": [{"role": "user", "content": "Hello"}]})
    assert body_rules.passes_fast_check(shorter)


# --- texts in pieces


TEXTS = (
    "the quick brown fox jumps over it. " * 40,
    "İıŞ\u0307x" * 300,
    "漢字" * 500,
    "word" * 400,
    "\U0001f600 é" * 200,
    "e\u0301e\u0316\u0301 " * 300,
    "\u1112\u1161\u11ab\u1100\u116e\u11a8" * 200,
    "\u09c7\u09be\u0995" * 200,
    "a\r\n" * 300 + "é",
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_long_text_is_folded_like_a_short_one(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fold_case(text), predicates._casefolded(text), normalize_text(text)
    monkeypatch.setattr(text_forms, "_MAX_FOLDED", 7)
    monkeypatch.setattr(text_forms, "_MAX_COMPOSED", 5)
    predicates._casefolded.cache_clear()
    text_forms._normalize_unicode.cache_clear()
    assert (fold_case(text), predicates._casefolded(text), normalize_text(text)) == whole


def test_a_row_of_combining_marks_is_normalized_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def normalize(_: str, text: str) -> str:
        lengths.append(len(text))
        return unicodedata.normalize("NFC", text)

    monkeypatch.setattr(text_forms, "normalize", normalize)
    marks = "a" + "\u0301\u0316" * 10_000
    assert len(normalize_text(marks)) == len(marks) - 1  # the first two characters are one
    assert max(lengths) == text_forms._MAX_COMPOSED


@pytest.mark.parametrize("size", [1, 5, 100])
def test_a_long_text_is_searched_like_a_short_one(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefilter, "_SEARCHED_PIECE", size)
    fixtures = build_fixture_set(
        *(f"name: n{number}, match: {{user: 'word{number}x'}}, response: a" for number in range(40))
    )
    request = build_request({"role": "user", "content": "a word7x and word39x"})
    assert [fixture.name for fixture in fixtures.candidates(request)] == ["n7", "n39"]


@pytest.mark.parametrize("tokenizer", ["estimate", "o200k_base"])
def test_a_long_text_is_counted_like_a_short_one(tokenizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "the quick brown fox jumps over it. " * 40
    messages = [{"role": "user", "content": text}]
    whole = count_prompt_tokens(messages, tokenizer=tokenizer)
    monkeypatch.setattr(token_count, "_MAX_PIECE", 50)
    assert count_prompt_tokens(messages, tokenizer=tokenizer) == whole
    without_spaces = [{"role": "user", "content": "漢" * 1000}]
    assert count_prompt_tokens(without_spaces, tokenizer=tokenizer) >= count_tokens("漢" * 1000, tokenizer)
