"""Recordings of other programs become fixtures that answer the recorded requests; what is not imported is reported."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from mockserver.data_masking.masking_rules import BUILT_IN_RULES
from mockserver.errors import InputError
from mockserver.matching.fixture_set import find_first_match
from mockserver.matching.loader import load_fixture_set
from mockserver.matching.shadowing import lint_fixtures
from mockserver.recording import fixture_import
from mockserver.recording.cassette_file import read_cassette
from mockserver.recording.exchange import Exchange, build_exchange_request
from mockserver.recording.exchange_mask import ExchangeMask
from mockserver.recording.fixture_import import ImportResult, import_files
from mockserver.recording.har_file import read_har
from mockserver.recording.http_exchange import HttpExchange, ImportRouter
from mockserver.recording.response_writer import read_response
from mockserver.rendering.completion import render_completion
from mockserver.rendering.pacing import LazyRandom
from mockserver.rendering.templated_response import fill_response_template
from mockserver.schema.yaml_document import load_document
from mockserver.wire.answer import Answer, Frame
from tests.recording.test_recorder import ROUTER

URL = "https://api.openai.com/v1/chat/completions"
PARAMETERS = {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}
TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather of a place", "parameters": PARAMETERS},
}
CALLS = [
    {
        "id": f"call_{n}",
        "type": "function",
        "function": {"name": "get_weather", "arguments": f'{{"location": "{place}"}}'},
    }
    for n, place in enumerate(("Oslo, Norway", "Rome, Italy"))
]
QUESTION = [
    {"role": "system", "content": "You help."},
    {"role": "user", "content": "The weather in Oslo and Rome?"},
]
RESULTS = [
    {"role": "assistant", "tool_calls": CALLS},
    *({"role": "tool", "tool_call_id": call["id"], "content": "Rain"} for call in CALLS),
]
USAGE = {
    "prompt_tokens": 75,
    "completion_tokens": 51,
    "total_tokens": 126,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}
HEADERS = {
    "Content-Type": ["application/json"],
    "CF-RAY": ["8dd07c349cb38bcb-SIN"],
    "Set-Cookie": "test_set_cookie",
    "openai-organization": "test_organization",
    "x-request-id": ["req_a121f023915b3c4a2ca2415663e54dd8"],
}


def complete(message: Any, reason: str = "stop") -> Any:
    choice = {"index": 0, "message": {"role": "assistant", "content": None, "refusal": None, **message}}
    return {
        "id": "chatcmpl-APfFOuWLsYvVpZYqENRo9rKnifNdD",
        "object": "chat.completion",
        "created": 1730680118,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{**choice, "logprobs": None, "finish_reason": reason}],
        "usage": USAGE,
        "system_fingerprint": "fp_0ba0d124f1",
    }


def stream(*deltas: Any, reason: str = "stop") -> str:
    head: Any = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
    head["usage"] = None
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "logprobs": None, "finish_reason": reason})
    chunks = [{**head, "choices": [choice]} for choice in choices] + [{**head, "choices": [], "usage": USAGE}]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def say(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def ask(messages: Any, **more: Any) -> str:
    return json.dumps({"messages": messages, "model": "gpt-4o-mini", **more}, indent=2)


def record(body: Any, response: Any, status: int = 200, url: str = URL, headers: Any = None) -> Any:
    """Return an interaction as vcrpy writes it."""
    sent = {"accept": ["*/*"], "authorization": ["Bearer sk-x"]}
    return {
        "request": {"body": body, "headers": sent, "method": "POST", "uri": url},
        "response": {
            "body": response,
            "headers": {**HEADERS, **(headers or {})},
            "status": {"code": status, "message": "OK"},
        },
    }


SSE = {"Content-Type": ["text/event-stream; charset=utf-8"]}
GZIP = {"content-encoding": ["gzip"]}
NAMED = {"name": "get_weather", "arguments": ""}
CALL_DELTAS: list[Any] = [
    {"role": "assistant", "content": None},
    {"tool_calls": [{"index": 0, "id": "call_0", "type": "function", "function": NAMED}]},
    *(
        {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}
        for part in ('{"lo', 'cation": "S', 'eattle"}')
    ),
]
TEXT_DELTAS = [{"role": "assistant", "content": ""}, {"content": "It"}, {"content": " rains."}]
ERROR = {
    "error": {
        "message": "The model `x` does not exist",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }
}
STREAM = {"stream": True, "stream_options": {"include_usage": True}}
ZIPPED = gzip.compress(orjson.dumps(complete({"content": "Zipped."})))
CALLED = json.dumps(complete({"tool_calls": CALLS}, "tool_calls"), indent=2)
CALLED_STREAM = stream(*CALL_DELTAS, reason="tool_calls")
INTERACTIONS = [
    record(ask(QUESTION, tools=[TOOL]), {"string": CALLED}),
    record(ask(QUESTION + RESULTS), {"string": json.dumps(complete({"content": "It rains in both."}))}),
    record(ask(QUESTION, tools=[TOOL], **STREAM), {"string": CALLED_STREAM}, headers=SSE),
    record(ask(say("Say it."), **STREAM), {"string": stream(*TEXT_DELTAS)}, headers=SSE),
    record(ask(say("Fail.")), {"string": json.dumps(ERROR)}, 404),
    record(ask(say("Zip.")), {"string": ZIPPED}, headers=GZIP),
    record(
        ask(say("Unzip.")).encode(), {"string": json.dumps(complete({"content": "Plain."}))}, headers=GZIP
    ),
]


def make_import(tmp_path: Path, *files: tuple[str, str], **base_urls: str) -> ImportResult:
    paths = []
    for name, text in files:
        paths.append(tmp_path / name)
        paths[-1].write_text(text)
    return import_files(
        paths, tmp_path / "fixtures", ImportRouter(ROUTER, base_urls, "openai"), ExchangeMask()
    )


def find_answer(folder: Path, exchange: Exchange) -> Answer:
    """Return the answer to the request of an exchange from the imported fixtures."""
    request = build_exchange_request(exchange, ROUTER)
    found = find_first_match(request, load_fixture_set([folder]), {})
    assert found is not None, exchange.body
    response = found.response
    if response.template:
        response = fill_response_template(request, found.fixture, response, 0)
    return render_completion(request, response, LazyRandom())


def assert_replays(tmp_path: Path, *recorded: HttpExchange) -> None:
    """Check that the fixtures are valid without a warning, and answer the requests with the recorded messages."""
    folder = tmp_path / "fixtures"
    assert list(lint_fixtures(load_fixture_set([folder]), ROUTER.vendors)) == []
    for one in recorded:
        exchange = ImportRouter(ROUTER, {}, "openai").build_exchange(one)
        answer = find_answer(folder, exchange)
        assert answer.status == exchange.answer.status
        assert read_response(answer) == read_response(exchange.answer)


def read_interactions(interactions: Any = INTERACTIONS) -> Iterator[HttpExchange]:
    for part in read_cassette({"interactions": interactions}):
        assert isinstance(part, HttpExchange)
        yield part


@pytest.mark.parametrize("write", [yaml.dump, lambda value: yaml.dump(value, default_style='"')])
def test_a_cassette_in_yaml_answers_its_requests(tmp_path: Path, write: Callable[[Any], str]) -> None:
    result = make_import(tmp_path, ("cassette.yaml", write({"interactions": INTERACTIONS, "version": 1})))
    assert result.problems == []
    (file,) = result.files
    assert (file.target.name, file.part_count) == ("cassette.yaml", 7)
    assert_replays(tmp_path, *read_interactions())
    document: Any = load_document(file.target).value
    assert document["masked"] == list(BUILT_IN_RULES.labels)
    assert "raw" not in file.target.read_text()
    assert "sk-x" not in file.target.read_text()


def test_other_forms_of_cassettes_are_read(tmp_path: Path) -> None:
    body = {"model": "gpt-4o-mini", "messages": QUESTION}
    answer = complete({"content": "Fine."})
    encoded, text = base64.b64encode(orjson.dumps(body)).decode(), json.dumps(answer)
    forms: list[tuple[Any, Any]] = [
        ({"parsed_body": body}, {"parsed_body": answer, "status": {"code": 200}}),
        ({"body": {"type": "json", "content": body}}, {"body": {"content": answer}, "status": 200}),
        ({"body": {"base64_string": encoded}}, {"content": text, "status_code": 200}),
        ({"body": {"string": json.dumps(body)}}, {"body": {"text": text}, "status": {"code": "200"}}),
        ({"body": body}, {"body": answer, "status": 200}),
    ]
    ruby = [
        {"request": {"method": "post", "uri": URL, "headers": None, **request}, "response": response}
        for request, response in forms
    ]
    result = make_import(tmp_path, ("cassette.json", json.dumps({"http_interactions": ruby})))
    assert (result.problems, result.files[0].part_count) == ([], 5)
    document: Any = load_document(result.files[0].target).value
    assert [one["response"]["text"] for one in document["fixtures"]] == ["Fine."]


def test_bytes_and_texts_of_python_are_read_in_yaml(tmp_path: Path) -> None:
    text = f"""interactions:
- request:
    body: !!python/unicode '{json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]})}'
    headers: {{}}
    method: POST
    uri: {URL}
  response:
    body:
      string: !!binary |
        {base64.b64encode(orjson.dumps(complete({"content": "Bytes."}))).decode()}
    headers: {{}}
    status: {{code: 200, message: OK}}
"""
    result = make_import(tmp_path, ("cassette.yaml", text))
    assert result.problems == []
    assert "text: Bytes." in result.files[0].target.read_text()


def test_what_cannot_be_imported_is_reported(tmp_path: Path) -> None:
    other = [
        record("{}", {"string": "{}"}, url="https://api.openai.com/v1/models"),
        record("{}", {"string": "{}"}, url="https://llm.example.com/v1/chat/completions"),
        record("{}", {"string": "{}"}, url="https://[bad/v1"),
        {"request": {}, "response": None},
        "no interaction",
        INTERACTIONS[1],
    ]
    result = make_import(tmp_path, ("cassette.json", json.dumps({"interactions": other})))
    assert [f"{one.path}: {one.message[:45]}" for one in result.problems] == [
        "interactions[0]: not imported: POST /v1/models of openai is no",
        "interactions[1]: not imported: no vendor has the host 'llm.exa",
        "interactions[2]: not imported: found the URL 'https://[bad/v1'",
        "interactions[3]: no request and response as vcrpy writes them ",
        "interactions[4]: no request and response as vcrpy writes them ",
    ]
    assert result.files[0].part_count == 1


def test_base_urls_name_the_vendor_of_other_hosts(tmp_path: Path) -> None:
    answer = {"string": json.dumps(complete({"content": "Hi."}))}
    urls = (
        "https://llm.example.com/openai/v1/chat/completions",
        "http://127.0.0.1:8402/aimlapi/v1/chat/completions",
        "http://127.0.0.1",
    )
    hosts = [record(ask(say("Hi")), answer, url=url) for url in urls]
    cassette = ("c.json", json.dumps({"interactions": hosts}))
    result = make_import(tmp_path, cassette, openai="https://llm.example.com/openai")
    assert [one.path for one in result.problems] == ["interactions[2]"]
    document: Any = load_document(result.files[0].target).value
    assert [one["match"]["vendor"] for one in document["fixtures"]] == ["openai", "aimlapi"]


def make_har(*entries: Any) -> str:
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "x"}, "entries": entries}})


def make_entry(body: str, content: Any, status: int = 200, method: str = "POST") -> Any:
    names = {":method": "POST", "Content-Type": "application/json"}
    headers = [{"name": name, "value": value} for name, value in names.items()]
    post_data = {"mimeType": "application/json", "text": body}
    return {
        "request": {"method": method, "url": URL, "headers": headers, "postData": post_data},
        "response": {"status": status, "headers": headers[1:], "content": content},
    }


def test_a_har_file_answers_its_requests(tmp_path: Path) -> None:
    answer = json.dumps(complete({"content": "Hi."}))
    encoded = {"text": base64.b64encode(answer.encode()).decode(), "encoding": "base64"}
    entries = [
        make_entry(ask(say("One")), {"text": answer}),
        make_entry(ask(say("Two")), encoded),
        make_entry("", {}, method="OPTIONS"),
        {"request": {"method": "GET"}, "response": {}},
    ]
    result = make_import(tmp_path, ("session.har", make_har(*entries)))
    assert [one.path for one in result.problems] == ["log.entries[3]"]
    assert result.files[0].part_count == 2
    read = read_har({"log": {"entries": entries[:2]}})
    assert_replays(tmp_path, *(one for one in read if isinstance(one, HttpExchange)))


def test_a_batch_joins_its_two_files(tmp_path: Path) -> None:
    body = json.loads(ask(say("Hi")))
    requests = [
        {"custom_id": f"r{n}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        for n in range(2)
    ]
    answered = {"status_code": 200, "request_id": "req_1", "body": complete({"content": "Batched."})}
    results = [
        {"id": "batch_req_1", "custom_id": "r0", "response": answered, "error": None},
        {"id": "batch_req_2", "custom_id": "r1", "response": None, "error": {"message": "expired"}},
        {"id": "batch_req_3", "custom_id": "r9", "response": answered, "error": None},
    ]
    contents = {"in.jsonl": requests, "out.jsonl": results}
    files = [(name, "\n".join(map(json.dumps, lines)) + "\n\n") for name, lines in contents.items()]
    result = make_import(tmp_path, *files)
    assert [one.message for one in result.problems] == [
        "it has no response: expired",
        "no file has the request with the custom_id 'r9'; import both files",
    ]
    assert [(one.target.name, one.part_count) for one in result.files] == [("in.yaml", 0), ("out.yaml", 1)]
    assert not (tmp_path / "fixtures" / "in.yaml").exists()
    assert "text: Batched." in (tmp_path / "fixtures" / "out.yaml").read_text()


def test_logs_of_several_forms_are_read(tmp_path: Path) -> None:
    answer = complete({"content": "Logged."})
    failed = {"status": 404, "headers": {"x-note": "2"}, "body": ERROR}
    lines: list[Any] = [
        {"request": {"model": "gpt-4o", "messages": say("One")}, "response": answer},
        {"model": "gpt-4o", "messages": say("Two"), "response": answer},
        {"request": {"url": URL, "body": {"model": "gpt-4o", "messages": say("Three")}}, "response": failed},
        {"request": {"model": "gpt-4o", "messages": say("Four")}, "response": ERROR},
        {"request": {"model": "gpt-4o"}, "response": answer},
        {"request": {"url": URL}, "response": answer},
        {"model": "gpt-4o", "messages": say("Five"), "response": None},
        3,
    ]
    result = make_import(tmp_path, ("log.jsonl", "\n".join(map(json.dumps, lines))))
    assert [one.path for one in result.problems] == ["line 5", "line 6", "line 7", "line 8"]
    document: Any = load_document(result.files[0].target).value
    fixtures = document["fixtures"]
    assert [one["match"]["user"]["equals"] for one in fixtures] == ["One", "Two", "Three", "Four"]
    assert fixtures[2]["response"]["headers"] == {"x-note": "2"}
    assert make_import(tmp_path, ("one.json", json.dumps(lines[0]))).files[0].part_count == 1


AIMOCK = {
    "fixtures": [
        {"match": {"userMessage": "hello", "endpoint": "chat"},
         "response": {"content": "Hi jane@x.de!", "role": "assistant"}},
        {"match": {"userMessage": "weather", "toolName": "get_weather", "hasToolResult": False},
         "response": {"toolCalls": [{"name": "get_weather", "arguments": '{"city":"Oslo"}', "id": "call_1"}],
                      "usage": {"prompt_tokens": 3, "output_tokens": 4}}},
        {"match": {"systemMessage": ["a", "b"], "model": "gpt-4o", "responseFormat": "json_object"},
         "response": {"content": {"ok": True}, "finishReason": "length", "reasoning": "Hm."}},
        {"match": {"toolResultContains": "rain", "toolCallId": "call_1", "hasToolResult": True},
         "response": {"content": "Wet."}},
        {"match": {"userMessage": "order"}, "response": {"blocks": [
            {"type": "toolCall", "name": "look", "arguments": [1]}, {"type": "text", "text": "Looking."}]}},
        {"match": {"userMessage": "turns", "sequenceIndex": 1}, "response": {"content": "Second."}},
        {"match": {"userMessage": "turns", "sequenceIndex": 0}, "status": 1, "response": {
            "error": {"message": "Slow down", "type": "x", "code": "fast"}, "status": 429, "retryAfter": 2}},
        {"match": {"userMessage": "hello"}, "response": {"content": "Never reached."}},
        {"match": {"userMessage": "slow", "context": "x"}, "response": {"content": "Slow."}, "latency": 20,
         "chunkSize": 4, "streamingProfile": {"ttft": 300, "jitter": 0.2}, "truncateAfterChunks": 3,
         "chaos": {"dropRate": 0.1}},
        {"match": {"userMessage": "timed", "systemMessage": "c"}, "response": {"content": "Timed."},
         "disconnectAfterMs": 50, "recordedTimings": {"ttftMs": 100, "interChunkDelaysMs": [10, 30]}},
        {"match": {"userMessage": "raw"}, "response": {"json": {"a": 1}, "status": 202}, "latency": 3},
        {"match": {"userMessage": "odd"},
         "response": {"toolCalls": [{"name": "f", "arguments": "{"}, {"name": "g"}], "webSearches": ["x"]},
         "recordedTimings": {"ttftMs": 1}},
        {"match": {"endpoint": "image"}, "response": {"image": {}}},
        {"match": {"userMessage": "sound"}, "response": {"audio": "x"}},
        {"match": {"userMessage": "", "responseFormat": "xml"}, "response": {"content": "Empty."}},
        {"match": {"userMessage": "blocks"}, "response": {"blocks": [{"type": "text", "text": "Only."}]}},
        {"match": {"userMessage": "calls"}, "response": {"blocks": [{"type": "toolCall", "name": "f"}]}},
        {"match": None, "response": {}},
    ]
}  # fmt: skip


def test_fixtures_of_aimock_are_written_in_the_words_of_ours(tmp_path: Path) -> None:
    result = make_import(tmp_path, ("agents.json", json.dumps(AIMOCK)))
    assert [(one.path, one.message[:60]) for one in result.problems] == [
        ("fixtures[4]", "left out, because no fixture has it: response.blocks (their "),
        ("fixtures[6]", "left out, because no fixture has it: status"),
        ("fixtures[8]", "left out, because no fixture has it: match.context, chaos"),
        ("fixtures[11]", "left out, because no fixture has it: response.webSearches"),
        ("fixtures[12]", "it is for the endpoint 'image', not for completions"),
        ("fixtures[13]", "its response has none of content, toolCalls, blocks, error, "),
        ("fixtures[17]", "no fixture as aimock has them (TypeError: argument of type '"),
        ("match.response_format", "not imported: found text 'xml', expected text, json_object o"),
    ]
    document: Any = load_document(result.files[0].target).value
    fixtures = {one.pop("name"): one for one in document["fixtures"]}
    assert fixtures == {
        "hello": {"match": {"user": "hello"}, "response": {"text": "Hi <email-1>!"}},
        "weather": {
            "match": {"user": "weather", "tools": "get_weather", "tool_result": False},
            "response": {
                "tool_calls": [{"name": "get_weather", "arguments": {"city": "Oslo"}, "id": "call_1"}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 4},
            },
        },
        "fixture": {
            "match": {
                "system": {"all": [{"contains": "a"}, {"contains": "b"}]},
                "model": {"equals": "gpt-4o"},
                "response_format": "json_object",
            },
            "response": {"json": {"ok": True}, "finish_reason": "length", "reasoning": "Hm."},
        },
        "fixture 2": {
            "match": {"tool_result": {"contains": "rain"}, "body": {"messages.-1.tool_call_id": "call_1"}},
            "response": {"text": "Wet."},
        },
        "order": {
            "match": {"user": "order"},
            "response": {"text": "Looking.", "tool_calls": [{"name": "look", "arguments": "[1]"}]},
        },
        "turns": {
            "match": {"user": "turns"},
            "responses": [
                {"error": 429, "message": "Slow down", "code": "fast", "retry_after": "2s"},
                {"text": "Second."},
            ],
        },
        "slow": {
            "match": {"user": "slow"},
            "response": {
                "text": "Slow.",
                "stream": {"gap": "20ms", "chunk": {"chars": 4}, "ttft": "300ms", "jitter": "20%"},
                "fault": "reset@3",
            },
        },
        "timed": {
            "match": {"user": "timed", "system": "c"},
            "response": {"text": "Timed.", "stream": {"ttft": "100ms", "gap": "20ms"}, "fault": "reset@50ms"},
        },
        "raw": {
            "match": {"user": "raw"},
            "response": {
                "raw": {"status": 202, "headers": {"content-type": "application/json"}, "body": '{"a":1}'}
            },
        },
        "odd": {
            "match": {"user": "odd"},
            "response": {
                "tool_calls": [{"name": "f", "arguments": "{"}, {"name": "g", "arguments": {}}],
                "stream": {"ttft": "1ms"},
            },
        },
        "blocks": {"match": {"user": "blocks"}, "response": {"text": "Only."}},
        "calls": {"match": {"user": "calls"}, "response": {"tool_calls": [{"name": "f", "arguments": {}}]}},
    }
    assert result.files[0].masked_count == 1


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.json", "3", "expected a vcrpy cassette, a HAR file, aimock fixtures, or"),
        ("a.json", '{"a": 1}', "expected a vcrpy cassette"),
        ("a.json", '{"log": {}}', "expected a vcrpy cassette"),
        ("a.jsonl", '{"a": 1}\nno', "2:1: expected a vcrpy cassette"),
        ("a.yaml", "a: [", "a.yaml"),
        ("a.yaml", "a: !!python/object:x {}", "found the tag"),
        ("a.yaml", "a: !!binary '#'", "expected bytes in base64"),
    ],
)
def test_a_file_of_another_format_is_refused(tmp_path: Path, name: str, text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        make_import(tmp_path, (name, text))
    assert problem in str(caught.value)


def test_a_file_that_exists_is_not_replaced(tmp_path: Path) -> None:
    cassette = ("c.json", json.dumps({"interactions": INTERACTIONS[:1]}))
    make_import(tmp_path, cassette)
    with pytest.raises(InputError, match=r"c.yaml: exists already; remove it"):
        make_import(tmp_path, cassette)


def test_an_import_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixture_import, "_MAX_PARTS", 1)
    with pytest.raises(InputError, match="more than 1 requests"):
        make_import(tmp_path, ("c.json", json.dumps({"interactions": INTERACTIONS[:2]})))
    monkeypatch.setattr("mockserver.recording.http_exchange._MAX_BODY", 10)
    result = make_import(tmp_path, ("d.yaml", yaml.dump({"interactions": INTERACTIONS[5:6]})))
    assert [one.message for one in result.problems] == ["not imported: the body has more than 10 bytes"]


def test_frames_of_an_answer_are_kept_unless_they_are_decoded() -> None:
    frames = (Frame(b"data: 1\n\n", 0.1), Frame(b"data: 2\n\n", 0.2))
    recorded = HttpExchange("x", "post", "/v1/chat/completions?a=1", (), b"{}", 200, (), frames)
    exchange = ImportRouter(ROUTER, {}, "openai").build_exchange(recorded)
    assert (exchange.method, exchange.path, exchange.query) == ("POST", "/v1/chat/completions", "a=1")
    assert (exchange.answer.frames, exchange.answer.streamed) == (frames, True)
    assert exchange.answer.headers == (("content-type", "text/event-stream"),)
