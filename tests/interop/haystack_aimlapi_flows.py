"""AI/ML API's Haystack component: answers, a streaming callback, tools, errors."""

import os
from importlib.metadata import version

import openai
from haystack.dataclasses import ChatMessage, StreamingChunk
from haystack.tools import Tool
from haystack.utils import Secret
from haystack_integrations.components.generators.aimlapi import AIMLAPIChatGenerator

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"


def generator(name: str) -> AIMLAPIChatGenerator:
    return AIMLAPIChatGenerator(
        api_key=Secret.from_token("any key"),
        model=name,
        api_base_url=os.environ["MOCKSERVER_URL"] + "/aimlapi/v1",
        max_retries=0,
    )


[reply] = generator("o1-preview").run([ChatMessage.from_user("Hello")])["replies"]
assert reply.text == "Hello! How can I assist you today?"
assert reply.meta["usage"]["completion_tokens"] == 51786
assert reply.meta["finish_reason"] == "stop"

o3 = generator("o3-mini")
parts: list[str] = []


def heard(chunk: StreamingChunk) -> None:
    parts.append(chunk.content)


[reply] = o3.run([ChatMessage.from_user("mock words")], streaming_callback=heard)["replies"]
assert reply.text == "".join(parts) == "One word at a time."

weather = Tool(
    name="get_weather",
    description="The weather in a city",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    function=lambda city, unit="celsius": f"21 {unit} in {city}",
)
talk = [ChatMessage.from_user("mock tools")]
for stream in (None, heard):
    [asked] = o3.run(talk, tools=[weather], streaming_callback=stream)["replies"]
    [call] = asked.tool_calls
    assert call.arguments == {"city": "Paris", "unit": "celsius"}
    told = ChatMessage.from_tool(weather.invoke(**call.arguments), origin=call)
    [closing] = o3.run([*talk, asked, told], tools=[weather], streaming_callback=stream)["replies"]
    assert closing.text == "It is 21 °C in Paris."
try:
    o3.run([ChatMessage.from_user("mock 429")])
except openai.RateLimitError as error:
    assert "Too Many Requests" in str(error)  # noqa: PT017 the vendor's own text
else:
    raise AssertionError("mock 429 was no error")

print("aimlapi-haystack", version("aimlapi-haystack"), "haystack-ai", version("haystack-ai"))  # noqa: T201
