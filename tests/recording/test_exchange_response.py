"""Responses of recordings: rendered again, each sends what was recorded, apart from ids and times."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from mockserver.fixtures.response_spec import RESPONSE
from mockserver.recording.exchange_response import write_exchange_response
from mockserver.rendering.completion import render_completion
from mockserver.rendering.pacing import LazyRandom
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import document_from_value, dump_yaml, parse_yaml
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.frames import join_frames
from mockserver.wire.sse import create_sse_answer
from tests.conftest import PATHS
from tests.request_fixtures import HELLO, ReadRequest

JSON_TYPE = ("content-type", "application/json")
STREAM = {**HELLO, "stream": True, "stream_options": {"include_usage": True}}
BODIES = {
    **dict.fromkeys(PATHS, HELLO),
    "segmind": {"messages": HELLO["messages"]},
    "openai": {**HELLO, "model": "gpt-4o"},
}


def render(request: ChatRequest, definition: Any) -> Answer:
    spec = read_document(RESPONSE, document_from_value(definition, "a test"))
    return render_completion(request, spec, LazyRandom())


def record(request: ChatRequest, answer: Answer) -> Any:
    """Return the response as it is read back from a file."""
    written = parse_yaml(dump_yaml(write_exchange_response(request, answer)), "a file").value
    again = render(request, written)
    assert (again.status, again.streamed) == (answer.status, answer.streamed)
    return written


def completion(content: Any, **fields: Any) -> bytes:
    message = {"role": "assistant", "content": content}
    return orjson.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], **fields})


USAGE = {"prompt_tokens": 9, "completion_tokens": 4}
SAID: list[dict[str, Any]] = [
    {"text": "It is sunny in Paris today.", "usage": USAGE},
    {"text": "Cut", "finish_reason": "length", "usage": USAGE, "model": "another", "status": 203},
    {"text": '{"city": "Paris"}', "usage": USAGE},
    {"text": "{not JSON", "usage": USAGE},
    {"json": {"city": "Paris", "days": [1, 2]}, "usage": USAGE},
    {
        "tool_calls": [{"name": "f", "arguments": {"city": "Paris"}}, {"name": "g", "arguments": "{}"}],
        "usage": USAGE,
    },
    {"choices": [{"text": "First"}, {"text": "Second", "finish_reason": "length"}], "usage": USAGE},
    {"refusal": "I cannot help with that.", "usage": USAGE, "headers": {"x-region": "eu"}},
]


@pytest.mark.parametrize("said", SAID, ids=lambda said: next(iter(said)))
def test_a_body_is_written_in_the_words_of_fixtures(read_request: ReadRequest, said: dict[str, Any]) -> None:
    request = read_request(HELLO)
    written = record(request, render(request, said))
    normal = {"tool_calls": [{"name": "f", "arguments": {"city": "Paris"}}, {"name": "g", "arguments": {}}]}
    assert written == {**said, **(normal if "tool_calls" in said else {})}


@pytest.mark.parametrize("vendor", PATHS)
def test_each_vendor_s_body_and_error_is_written_in_words(read_request: ReadRequest, vendor: str) -> None:
    request = read_request(BODIES[vendor], path=PATHS[vendor])
    assert record(request, render(request, SAID[0])) == SAID[0]
    error = {"error": 429, "message": "Slow down.", "retry_after": "2s"}
    assert record(request, render(request, error)) == error


@pytest.mark.parametrize(
    "body", [HELLO, {**HELLO, "stream": True, "stream_options": {"include_usage": True}}]
)
@pytest.mark.parametrize("usage", [{"cached_tokens": 3, "reasoning_tokens": 64}, {"reasoning_tokens": 0}])
def test_a_usage_in_credits_is_written_in_tokens(
    read_request: ReadRequest, body: Any, usage: dict[str, int]
) -> None:
    request = read_request({**body, "model": "o1-preview"})
    said = {"text": "Hi", "usage": {"prompt_tokens": 57, "completion_tokens": 123, **usage}}
    answer = render(request, said)
    written = record(request, answer)
    assert written.keys() == {"text", "usage"}
    again = [join_frames(one.frames).partition(b'"usage":{')[2] for one in (answer, render(request, written))]
    assert again[0].partition(b"}}")[0] == again[1].partition(b"}}")[0] != b""


@pytest.mark.parametrize("stream", [{}, {"chunk": "word"}, {"chunk": "char"}, {"chunk": "whole"}], ids=str)
def test_a_stream_keeps_its_chunks_and_its_pace(read_request: ReadRequest, stream: dict[str, Any]) -> None:
    request = read_request(STREAM)
    said = {**SAID[0], "stream": {"ttft": "400ms", "tps": 25.0, **stream}}
    written = record(request, render(request, said))
    if stream.get("chunk") == "whole":
        said["stream"].pop("tps")
    assert written == said


def test_uneven_chunks_of_a_text_are_written_one_by_one(read_request: ReadRequest) -> None:
    request = read_request(STREAM)
    said = {"chunks": ["He", "llo, wor", "ld"], "usage": USAGE}
    assert record(request, render(request, said)) == said


@pytest.mark.parametrize(
    "said",
    [
        {"text": "Hi", "model": "another"},
        {"text": "One word at a time.", "stream": {"ttft": "400ms", "tps": 25.0}, "model": "another"},
        {"chunks": ["He", "llo, wor", "ld"]},
    ],
    ids=["body", "stream", "chunks"],
)
def test_a_response_of_the_responses_api_is_written_in_words(
    read_request: ReadRequest, said: dict[str, Any]
) -> None:
    body = {"model": "gpt-4o", "input": "Hello", "stream": said.keys() != {"text", "model"}}
    request = read_request(body, path="/aimlapi/v1/responses")
    said = {**said, "usage": {"prompt_tokens": 57, "completion_tokens": 123, "reasoning_tokens": 64}}
    answer = render(request, said)
    written = record(request, answer)
    assert {**written, "usage": {}} == {**said, "usage": {}}
    usages = [
        join_frames(one.frames).rpartition(b'"usage":{')[2] for one in (answer, render(request, written))
    ]
    assert usages[0].partition(b"}}")[0] == usages[1].partition(b"}}")[0] != b""


@pytest.mark.parametrize("text", [{}, {"text": ""}], ids=["no text", "empty text"])
def test_fragments_of_a_tool_call_are_joined(read_request: ReadRequest, text: dict[str, str]) -> None:
    request = read_request(STREAM)
    said = {**text, "tool_calls": [{"name": "f", "arguments": {"city": "Paris"}}], "usage": USAGE}
    odd = render(request, {**said, "stream": {"chunk": {"chars": 5}}})
    assert record(request, odd) == said


RAW_BODIES = [
    completion("Hi", service_tier="default"),
    completion("Hi", object="another"),
    b"{",
    b'{"error": "mine"}',
    completion(None, usage=1).replace(
        b'"content":null', b'"tool_calls":[{"function":{"name":null,"arguments":""}}]'
    ),
    b"[1]",
]


@pytest.mark.parametrize("body", RAW_BODIES)
def test_a_body_that_no_words_send_is_raw(read_request: ReadRequest, body: bytes) -> None:
    answer = Answer(200, (JSON_TYPE, ("x-tier", "1"), ("date", "now"), ("set-cookie", "a=b")), (Frame(body),))
    written = record(read_request(), answer)
    headers = {"content-type": "application/json", "x-tier": "1"}
    assert written == {"raw": {"status": 200, "headers": headers, "body": body.decode()}}


def test_a_value_of_another_type_is_raw(read_request: ReadRequest) -> None:
    request = read_request(HELLO)
    answer = render(request, SAID[0])
    body = orjson.dumps(orjson.loads(join_frames(answer.frames)) | {"created": "now"})
    assert "raw" in record(request, Answer(201, answer.headers, (Frame(body),)))


def test_a_stream_that_was_not_requested_is_raw(read_request: ReadRequest) -> None:
    answer = render(read_request(STREAM), SAID[0])
    assert "sse" in record(read_request(), answer)["raw"]


def test_bytes_that_are_no_text_are_base64(read_request: ReadRequest) -> None:
    assert record(read_request(), Answer(200, (), (Frame(b"\xff"),)))["raw"] == {
        "status": 200,
        "base64": "/w==",
    }


@pytest.mark.parametrize("status", [418, 500])
def test_an_error_of_another_form_is_raw(read_request: ReadRequest, status: int) -> None:
    answer = Answer(status, (JSON_TYPE, ("retry-after", "2")), (Frame(b'{"detail": "mine"}'),))
    written = record(read_request(), answer)
    assert written["raw"]["headers"] == {"content-type": "application/json", "retry-after": "2"}


@pytest.mark.parametrize(
    "delta",
    [{"content": "Hi", "annotations": []}, {"content": "Hi", "thought": "mine"}],
    ids=lambda delta: list(delta)[-1],
)
def test_a_stream_that_no_words_send_is_raw_with_its_pauses(read_request: ReadRequest, delta: Any) -> None:
    chunks = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ]
    frames = [Frame(json.dumps(chunk).encode(), 0.05) for chunk in chunks]
    answer = create_sse_answer(frames)
    written = record(read_request(STREAM), answer)["raw"]
    assert [line for line in written["sse"] if line != ""][::2] == [{"delay": "50ms"}] * 2 + ["data: [DONE]"]
    assert join_frames(render(read_request(STREAM), {"raw": written}).frames) == join_frames(answer.frames)


def test_a_stream_without_an_end_is_raw(read_request: ReadRequest) -> None:
    whole = join_frames(render(read_request(STREAM), SAID[0]).frames)
    for cut in (
        whole[: len(whole) // 2],
        whole[:-2],
        b": ping\n\n",
        b"data: no JSON\n\n",
        b"event: x\n\n",
        b"",
    ):
        answer = Answer(200, (), (Frame(cut),), streamed=True)
        assert "sse" in record(read_request(STREAM), answer)["raw"]
