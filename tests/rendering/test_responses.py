"""A choice as an answer of the Responses API: a body, or typed events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.responses import Response

from mockserver.fixtures.response_spec import RESPONSE, ResponseSpec
from mockserver.rendering.completion import render_completion
from mockserver.rendering.generated_response import generate_response
from mockserver.rendering.pacing import LazyRandom
from mockserver.rendering.render_cache import RenderCache
from mockserver.rendering.responses_events import encode_error_event
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import document_from_value
from mockserver.wire.answer import Answer
from mockserver.wire.sse import find_event_data
from tests.request_fixtures import ReadRequest

Json = dict[str, Any]
PATH = "/aimlapi/v1/responses"
CALL = {"name": "f", "arguments": {"city": "Paris"}}
# As the page of o3-mini prints it.
PRINTED = [
    "id",
    "object",
    "created_at",
    "status",
    "error",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "model",
    "output",
    "parallel_tool_calls",
    "previous_response_id",
    "reasoning",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
    "usage",
    "metadata",
    "output_text",
]
TEXT_EVENTS = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]

PART_LISTS = {"content_part.added": "content", "reasoning_summary_part.added": "summary"}
DELTA_FIELDS = {
    "output_text.delta": ("content", "text"),
    "refusal.delta": ("content", "refusal"),
    "reasoning_summary_text.delta": ("summary", "text"),
}


class Asking:
    """A client of one path, without a server."""

    def __init__(self, read_request: ReadRequest) -> None:
        self.read_request = read_request

    def answer(self, stated: Any, cache: RenderCache | None = None, **body: Any) -> Answer:
        spec: ResponseSpec = read_document(RESPONSE, document_from_value(stated, "f.yaml"))
        request = self.read_request({"model": "o3-mini", "input": "Hello", **body}, path=PATH)
        return render_completion(request, spec, LazyRandom("x"), cache=cache)

    def body(self, stated: Any, **body: Any) -> Json:
        [frame] = self.answer(stated, **body).frames
        parsed: Json = json.loads(frame.data)
        return parsed

    def events(self, stated: Any, **body: Any) -> list[Json]:
        frames = self.answer(stated, stream=True, **body).frames
        events = [json.loads(find_event_data(frame.data) or b"") for frame in frames]
        types = [frame.data.partition(b"\n")[0].decode() for frame in frames]
        assert types == [f"event: {event['type']}" for event in events]
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        assert [frame.chunk for frame in frames] == [event["type"].endswith(".delta") for event in events]
        return events


@pytest.fixture
def asking(read_request: ReadRequest) -> Asking:
    return Asking(read_request)


def fold(events: list[Json]) -> Json:
    """Fold events into the response, by their deltas alone."""
    output: list[Json] = []
    for event in events:
        kind = event["type"].removeprefix("response.")
        if kind == "output_item.added":
            output.append(event["item"])
        elif kind == "output_item.done" and "status" in output[-1]:
            output[-1]["status"] = event["item"]["status"]
        elif kind.endswith("_part.added"):
            output[-1][PART_LISTS[kind]].append(event["part"])
        elif kind == "function_call_arguments.delta":
            output[-1]["arguments"] += event["delta"]
        elif kind.endswith(".delta"):
            parts, field = DELTA_FIELDS[kind]
            output[-1][parts][-1][field] += event["delta"]
    return {**events[-1]["response"], "output": output}


def without_ids(response: Json) -> Json:
    dropped = ("id", "call_id", "created_at")
    output = [
        {key: value for key, value in item.items() if key not in dropped} for item in response["output"]
    ]
    return {**{key: value for key, value in response.items() if key not in dropped}, "output": output}


def test_a_body_has_the_printed_fields_in_their_order(asking: Asking) -> None:
    body = asking.body({"text": "Hi", "id": "resp_mine", "created": 7})
    assert list(body) == PRINTED
    assert (body["id"], body["created_at"], body["status"], body["output_text"]) == (
        "resp_mine",
        7,
        "completed",
        "Hi",
    )
    reasoning, message = body["output"]
    assert (list(reasoning), reasoning["summary"]) == (["id", "type", "summary"], [])
    assert list(message) == ["id", "type", "status", "content", "role"]
    assert message["content"] == [{"type": "output_text", "annotations": [], "logprobs": [], "text": "Hi"}]
    assert (body["max_output_tokens"], body["reasoning"]) == (512, {"effort": "medium", "summary": None})
    assert body["text"] == {"format": {"type": "text"}}
    assert Response.model_validate(body).output_text == "Hi"
    assert asking.body({"text": "Hi", "id": "chatcmpl-1"})["id"].startswith("resp_")


def test_a_body_repeats_what_the_request_states(asking: Asking) -> None:
    stated = {
        "instructions": "Be brief.",
        "max_output_tokens": 20,
        "metadata": {"a": "b"},
        "temperature": 0.5,
    }
    body = asking.body("Hi", **stated, reasoning={"effort": "low"}, text={"verbosity": "low"}, store=None)
    assert {name: body[name] for name in stated} == stated
    assert body["reasoning"] == {"effort": "low", "summary": None}
    assert body["text"] == {"format": {"type": "text"}, "verbosity": "low"}


def test_the_events_of_a_text_are_in_openais_order(asking: Asking) -> None:
    events = asking.events({"chunks": ["Hel", "lo"]})
    assert [event["type"] for event in events] == TEXT_EVENTS
    assert (events[0]["response"]["output"], events[0]["response"]["usage"]) == ([], None)
    assert [event["delta"] for event in events[6:8]] == ["Hel", "lo"]


@pytest.mark.parametrize(
    ("stated", "body"),
    [
        ("Hello there, how are you?", {}),
        ("", {}),
        ({"text": "391", "reasoning": "17*20=340."}, {"reasoning": {"summary": "auto"}}),
        ({"text": "391", "reasoning": "17*20=340."}, {}),
        ({"text": "391", "reasoning": "17*20=340."}, {"model": "gpt-4o", "reasoning": {"summary": "auto"}}),
        ({"tool_calls": [CALL, {"name": "g", "arguments": "{"}]}, {}),
        ({"text": "Let me see.", "tool_calls": [CALL]}, {}),
        ({"refusal": "I can't."}, {}),
        ({"json": {"a": 1}}, {"text": {"format": {"type": "json_object"}}}),
        ({"text": "One two three", "finish_reason": "length"}, {}),
        ({"text": "", "finish_reason": "length"}, {}),
        ({"text": "x", "finish_reason": "content_filter"}, {}),
        ({"choices": ["First", "Second"]}, {}),
        ({"text": "x", "usage": {}}, {}),
    ],
)  # fmt: skip
def test_folding_the_events_gives_the_body(asking: Asking, stated: Any, body: Json) -> None:
    events, whole = asking.events(stated, **body), asking.body(stated, **body)
    assert without_ids(fold(events)) == without_ids(events[-1]["response"]) == without_ids(whole)
    assert events[-1]["type"] == f"response.{whole['status']}"
    if whole["usage"]:
        Response.model_validate(whole)


@pytest.mark.parametrize(
    ("stated", "model", "kinds", "details"),
    [
        ({"text": "391", "reasoning": "x"}, "gpt-4o", ["message"], None),
        ({"tool_calls": [CALL]}, "o3-mini", ["reasoning", "function_call"], None),
        ({"text": "", "finish_reason": "length"}, "o3-mini", ["reasoning"], {"reason": "max_output_tokens"}),
        ({"choices": ["First", "Second"]}, "gpt-4o", ["message"], None),
    ],
)  # fmt: skip
def test_the_items_follow_from_the_choice(
    asking: Asking, stated: Any, model: str, kinds: list[str], details: Any
) -> None:
    body = asking.body(stated, model=model)
    assert [item["type"] for item in body["output"]] == kinds
    assert body["incomplete_details"] == details
    assert body["output_text"] != "Second"


def test_a_token_limit_cuts_the_text(asking: Asking) -> None:
    body = asking.body(" ".join(["word"] * 100), max_output_tokens=16)
    assert (body["status"], body["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert 0 < len(body["output_text"].split()) <= 16


def test_pace_and_pauses_are_those_of_chat(asking: Asking) -> None:
    stated = {"chunks": ["a", {"delay": "3s"}, "b", {"delay": "4s"}], "stream": {"ttft": "1s", "tps": 2}}
    frames = asking.answer(stated, stream=True).frames
    assert [frame.wait for frame in frames if frame.wait] == [1.0, 3.5, 4.5]
    assert sum(frame.wait for frame in frames[:3]) == 1.0  # the response has begun before the first token


def test_an_answer_is_rendered_once(asking: Asking) -> None:
    cache = RenderCache()
    spec = read_document(RESPONSE, document_from_value("Hi", "f.yaml"))
    request = asking.read_request({"model": "o3-mini", "input": "Hello"}, path=PATH)
    first, second = (render_completion(request, spec, LazyRandom("x"), cache=cache) for _ in range(2))
    one, two = (json.loads(answer.frames[0].data) for answer in (first, second))
    assert len(cache) == 1
    assert one["id"] != two["id"]
    assert without_ids(one) == without_ids(two)


def test_a_generated_reply_says_the_same_in_both_apis(read_request: ReadRequest) -> None:
    chat = read_request({"model": "o3-mini", "messages": [{"role": "user", "content": "Name a city"}]})
    for more in ({}, {"reasoning": {"summary": "auto"}}):
        responses = read_request({"model": "o3-mini", "input": "Name a city", **more}, path=PATH)
        [one], [other] = (generate_response(one, 1).all_choices for one in (chat, responses))
        assert one.text == other.text
        assert bool(other.reasoning) is bool(more)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "m"}}', "m"),
        (b'{"message": "m"}', "m"),
        (b'{"error": "m"}', "m"),
        (b"<p>", "<p>"),
    ],
)
def test_an_error_event_has_the_vendors_message(body: bytes, message: str) -> None:
    data = find_event_data(encode_error_event(body, 4)) or b""
    assert json.loads(data) == {
        "type": "error",
        "code": None,
        "message": message,
        "param": None,
        "sequence_number": 4,
    }
