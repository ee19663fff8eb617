"""The Responses API in releases of the OpenAI SDK for Python: each flow without and with a fixture."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import openai
from openai import OpenAI
from pydantic import BaseModel

WORDS = "One word at a time."
WEATHER = "It is 21 °C in Paris."
TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
        "required": ["city", "unit"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Feeling(BaseModel):
    sentiment: str
    score: float


def check_text(client: OpenAI, model: str, said: str, expected: str | None) -> None:
    """Check the body, the events and the stream helper. Without a fixture, any text will do that stays the same."""
    text = client.responses.create(model=model, input=said).output_text
    assert text
    assert text == (expected or text)
    events = list(client.responses.create(model=model, input=said, stream=True))
    assert "".join(one.delta for one in events if one.type == "response.output_text.delta") == text
    assert events[-1].type == "response.completed"
    with client.responses.stream(model=model, input=said) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        assert "".join(deltas) == stream.get_final_response().output_text == text
    assert len(deltas) > 1


def check_tool_loop(client: OpenAI, model: str, said: str, expected: str | None) -> None:
    items: list[Any] = [{"role": "user", "content": said}]
    response = client.responses.create(model=model, input=items, tools=[TOOL])
    [call] = [item for item in response.output if item.type == "function_call"]
    assert call.name == "get_weather"
    assert set(json.loads(call.arguments)) == {"city", "unit"}
    with client.responses.stream(model=model, input=items, tools=[TOOL]) as stream:
        output = stream.get_final_response().output
    assert call.name in [item.name for item in output if item.type == "function_call"]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "21"}
    text = client.responses.create(
        model=model, input=[*items, *response.output, result], tools=[TOOL]
    ).output_text
    assert text
    assert text == (expected or text)


def check_parse(client: OpenAI, model: str, said: str, expected: Feeling | None) -> None:
    parsed = client.responses.parse(model=model, input=said, text_format=Feeling).output_parsed
    assert isinstance(parsed, Feeling)
    assert parsed == (expected or parsed)
    with client.responses.stream(model=model, input=said, text_format=Feeling) as stream:
        streamed = stream.get_final_response().output_parsed
    assert isinstance(streamed, Feeling)
    assert streamed == (expected or streamed)


def check_error(client: OpenAI, model: str, said: str, raised: type[openai.APIStatusError]) -> None:
    for stream in (False, True):
        try:
            client.with_options(max_retries=0).responses.create(model=model, input=said, stream=stream)
        except raised:
            pass
        else:
            raise AssertionError(f"no {raised.__name__}")


def check_retries(client: OpenAI, model: str) -> None:
    assert client.responses.create(model=model, input="mock retry").output_text == "Third time lucky."
    headers = {"X-Mock-Error": "503", "X-Mock-Retry-After": "20ms"}
    retried = None
    try:
        client.responses.create(model=model, input="Hello", extra_headers=headers)
    except openai.InternalServerError as error:
        retried = error.request.headers["x-stainless-retry-count"]
    assert retried == "2"


def main() -> None:
    for path in ("/aimlapi/v1", "/openai/v1"):
        headers = {"X-Mock-Session": f"responses-{uuid4().hex}"}
        client = OpenAI(
            base_url=os.environ["MOCKSERVER_URL"] + path, api_key="any key", default_headers=headers
        )
        check_text(client, "o3-mini", "Tell me about Rome.", None)
        check_text(client, "o3-mini", "mock words", WORDS)
        check_tool_loop(client, "o3-mini", "What is the weather in Rome?", None)
        check_tool_loop(client, "o3-mini", "mock tools", WEATHER)
        check_parse(client, "o3-mini", "How do they feel?", None)
        check_parse(client, "o3-mini", "mock json", Feeling(sentiment="positive", score=0.93))
        check_error(client, "o3-mini", "mock 429", openai.RateLimitError)
        check_error(client, "o3-mini", "mock busy", openai.InternalServerError)
        check_retries(client, "o3-mini")
    print("openai", version("openai"))  # noqa: T201


if __name__ == "__main__":
    main()
