"""LiteLLM: completion, stream, tools, documents, and the exception that it makes of each status."""

import asyncio
import json
import os
import re
from importlib.metadata import version
from typing import Any, Literal
from uuid import uuid4

import litellm
from pydantic import BaseModel


class Feeling(BaseModel):
    sentiment: Literal["positive", "negative"]
    score: float


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ERRORS = {
    "mock 401": litellm.AuthenticationError,
    "mock 404": litellm.NotFoundError,
    "mock 429": litellm.RateLimitError,
    "mock 500": litellm.InternalServerError,
    "mock 503": litellm.ServiceUnavailableError,
    "mock 504": litellm.Timeout,
}


# The vendors' own texts.
TEXTS = {
    "mock 401": "valid API key",
    "mock 404": "cannot post|was not found",
    "mock 429": "too many requests",
    "mock 500": "internal server error",
    "mock 503": "service unavailable|no healthy provider",
    "mock 504": "generation timeout|did not answer in time",
}


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


for path, name in [
    ("/aimlapi/v1", "openai/o3-mini"),
    ("/omixa/api/v1", "openai/o1-preview"),
    ("/aimlapi/v1", "aiml/o3-mini"),
]:
    options: dict[str, Any] = {
        "model": name,
        "api_base": os.environ["MOCKSERVER_URL"] + path,
        "api_key": "any key",
        "extra_headers": {"X-Mock-Session": f"litellm-{uuid4().hex}"},
        "max_retries": 0,
    }

    plain = litellm.completion(messages=said("mock words"), **options)
    assert plain.choices[0].message.content == "One word at a time."
    assert plain.usage.completion_tokens > 0
    stream = litellm.completion(
        messages=said("mock words"), stream=True, stream_options={"include_usage": True}, **options
    )
    chunks = list(stream)
    assert (
        "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        == "One word at a time."
    )
    assert chunks[-1].usage.completion_tokens == plain.usage.completion_tokens
    later = asyncio.run(litellm.acompletion(messages=said("mock words"), **options))
    assert later.choices[0].message.content == "One word at a time."

    talk: list[Any] = said("mock tools")
    message = litellm.completion(messages=talk, tools=[WEATHER], **options).choices[0].message
    talk += [message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "21"}]
    assert (
        litellm.completion(messages=talk, tools=[WEATHER], **options).choices[0].message.content
        == "It is 21 °C in Paris."
    )
    # No fixture speaks: the loop of an agent, which ends by itself.
    talk = said("What is the weather in Paris and London?")
    message = litellm.completion(messages=talk, tools=[WEATHER], **options).choices[0].message
    cities = [json.loads(call.function.arguments)["city"] for call in message.tool_calls]
    assert cities == ["Paris", "London"]
    talk.append(message)
    talk += [
        {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"} for call in message.tool_calls
    ]
    closing = litellm.completion(messages=talk, tools=[WEATHER], **options).choices[0]
    assert "21 degrees" in closing.message.content
    assert closing.finish_reason == "stop"
    chunks = list(
        litellm.completion(
            messages=said("And in Rome?"), tools=[WEATHER], tool_choice="required", stream=True, **options
        )
    )
    call = litellm.stream_chunk_builder(chunks).choices[0].message.tool_calls[0]
    assert isinstance(json.loads(call.function.arguments)["city"], str)
    made = litellm.completion(messages=said("How do they feel?"), response_format=Feeling, **options)
    assert Feeling.model_validate_json(made.choices[0].message.content)

    for text, kind in ERRORS.items():
        for streamed in (False, True):
            try:
                litellm.completion(messages=said(text), stream=streamed, **options)
            except Exception as error:  # noqa: BLE001 which one it is, is the question
                assert type(error) is kind, (name, text, streamed, repr(error))  # noqa: PT017
                assert re.search(TEXTS[text], str(error), re.IGNORECASE), (name, text, str(error))  # noqa: PT017
            else:
                raise AssertionError(f"{text} was no error")
    assert (
        litellm.completion(messages=said("mock retry"), **options | {"max_retries": 2})
        .choices[0]
        .message.content
        == "Third time lucky."
    )

print("litellm", version("litellm"), "openai", version("openai"))  # noqa: T201
