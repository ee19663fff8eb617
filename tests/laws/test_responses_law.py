"""Laws of the Responses API for every shipped fixture: the words of chat, and events that fold into the body."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.matching.loader import load_fixture_set
from mockserver.rendering.completion import render_completion
from mockserver.rendering.pacing import LazyRandom
from mockserver.rendering.templated_response import fill_response_template
from mockserver.wire.sse import find_event_data
from tests.request_fixtures import ReadRequest

Json = dict[str, Any]
SPEAKING = [
    (fixture, response)
    for fixture in load_fixture_set(()).fixtures
    for response in fixture.responses
    if not (response.error or response.raw or response.choices)
]
PATHS = {"chat": "/aimlapi/v1/chat/completions", "responses": "/aimlapi/v1/responses"}
INPUTS = {"chat": {"messages": [{"role": "user", "content": "Hi, my name is Ada"}]}}
INPUTS["responses"] = {"input": INPUTS["chat"]["messages"]}
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
each = pytest.mark.parametrize(
    ("fixture", "response"),
    SPEAKING,
    ids=[f"{fixture.name}-{at}" for at, (fixture, _) in enumerate(SPEAKING)],
)


@pytest.fixture
def payloads(read_request: ReadRequest, fixture: Any, response: ResponseSpec) -> Any:
    """Return a function that renders a response in an api, and returns the JSON objects of its frames."""

    def render(api: str, **body: Any) -> list[Json]:
        request = read_request({"model": "o3-mini", **INPUTS[api], **body}, path=PATHS[api])
        filled = fill_response_template(request, fixture, response, 0) if response.template else response
        frames = render_completion(request, filled, LazyRandom("x")).frames
        data = [find_event_data(frame.data) if body.get("stream") else frame.data for frame in frames]
        return [json.loads(one or b"null") for one in data]

    return render


@each
def test_both_apis_say_the_same_words(payloads: Any) -> None:
    [chat], [whole] = payloads("chat"), payloads("responses")
    message = chat["choices"][0]["message"]
    calls = [
        (one["function"]["name"], one["function"]["arguments"]) for one in message.get("tool_calls") or ()
    ]
    items = whole["output"]
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    assert (
        whole["output_text"] == "".join(part.get("text", "") for part in parts) == (message["content"] or "")
    )
    assert [part["refusal"] for part in parts if "refusal" in part] == [message["refusal"]] * bool(
        message["refusal"]
    )
    assert [(one["name"], one["arguments"]) for one in items if one["type"] == "function_call"] == calls
    assert whole["usage"]["input_tokens"] == chat["usage"]["prompt_tokens"]
    assert whole["usage"]["output_tokens"] == chat["usage"]["completion_tokens"]


@each
def test_the_accumulator_of_the_sdk_agrees_with_the_body(payloads: Any) -> None:
    [whole] = payloads("responses", reasoning={"summary": "auto"})
    state: Any = ResponseStreamState(text_format=omit, input_tools=[])
    text = ""
    for payload in payloads("responses", reasoning={"summary": "auto"}, stream=True):
        for event in state.handle_event(EVENT.validate_python(payload)):
            text += event.delta if event.type == "response.output_text.delta" else ""
    assert text == whole["output_text"]
    folded = state._completed_response or state._ResponseStreamState__current_snapshot
    assert [item.type for item in folded.output] == [item["type"] for item in whole["output"]]
    assert folded.output_text == whole["output_text"]
