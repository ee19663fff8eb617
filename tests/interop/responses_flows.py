"""The default constructors of openai, openai-agents, pydantic-ai and LangChain, which use the Responses API."""

import asyncio
import os
from importlib.metadata import version
from uuid import uuid4

import openai
from agents import Agent as OpenAIAgent
from agents import Runner, function_tool, set_default_openai_client, set_tracing_disabled
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

WORDS = "One word at a time."
WEATHER = "It is 21 °C in Paris."


class Feeling(BaseModel):
    sentiment: str
    score: float


def arguments(path: str) -> dict[str, object]:
    return {
        "base_url": os.environ["MOCKSERVER_URL"] + path,
        "api_key": "any key",
        "default_headers": {"X-Mock-Session": f"responses-{uuid4().hex}"},
    }


def sdk_flows(path: str, name: str) -> None:
    client = OpenAI(**arguments(path))
    assert client.responses.create(model=name, input="mock words").output_text == WORDS
    events = list(client.responses.create(model=name, input="mock words", stream=True))
    assert "".join(one.delta for one in events if one.type == "response.output_text.delta") == WORDS
    with client.responses.stream(model=name, input="mock words") as stream:
        assert stream.get_final_response().output_text == WORDS
    parsed = client.responses.parse(model=name, input="How do they feel?", text_format=Feeling)
    assert isinstance(parsed.output_parsed, Feeling)
    assert client.responses.create(model=name, input="mock retry").output_text == "Third time lucky."
    try:
        client.with_options(max_retries=0).responses.create(model=name, input="mock 429")
    except openai.RateLimitError:
        pass
    else:
        raise AssertionError("no RateLimitError")


async def agents_flows(path: str, name: str) -> None:
    set_tracing_disabled(True)
    set_default_openai_client(AsyncOpenAI(**arguments(path)))
    called = []

    @function_tool
    def get_weather(city: str, unit: str) -> str:
        called.append((city, unit))
        return "21"

    agent = OpenAIAgent(name="mock", instructions="Be brief.", model=name, tools=[get_weather])
    assert (await Runner.run(agent, "mock words")).final_output == WORDS
    assert (await Runner.run(agent, "mock tools")).final_output == WEATHER
    assert called == [("Paris", "celsius")]
    streamed = Runner.run_streamed(agent, "mock tools")
    kinds = [event.type async for event in streamed.stream_events()]
    assert (streamed.final_output, len(called), "raw_response_event" in kinds) == (WEATHER, 2, True)
    typed = OpenAIAgent(name="typed", model=name, output_type=Feeling)
    assert isinstance((await Runner.run(typed, "How do they feel?")).final_output, Feeling)


async def pydantic_ai_flows(path: str, name: str) -> None:
    provider = OpenAIProvider(openai_client=AsyncOpenAI(**arguments(path)))
    agent = Agent(OpenAIResponsesModel(name, provider=provider), instructions="Be brief.")
    called = []

    @agent.tool_plain
    def get_weather(city: str, unit: str) -> str:
        called.append((city, unit))
        return "21"

    assert (await agent.run("mock words")).output == WORDS
    assert (await agent.run("mock tools")).output == WEATHER
    assert called == [("Paris", "celsius")]
    async with agent.run_stream("mock words") as stream:
        assert "".join([part async for part in stream.stream_text(delta=True, debounce_by=None)]) == WORDS
    typed = Agent(OpenAIResponsesModel(name, provider=provider), output_type=Feeling)
    assert isinstance((await typed.run("How do they feel?")).output, Feeling)


def langchain_flows(path: str, name: str) -> None:
    @tool
    def get_weather(city: str, unit: str) -> str:
        """Return the weather."""
        return "21"

    model = ChatOpenAI(model=name, use_responses_api=True, **arguments(path))
    assert model.invoke("mock words").text == WORDS
    assert "".join(chunk.text for chunk in model.stream("mock words")) == WORDS
    [call] = model.bind_tools([get_weather]).invoke("mock tools").tool_calls
    assert call["args"] == {"city": "Paris", "unit": "celsius"}
    assert isinstance(model.with_structured_output(Feeling).invoke("How do they feel?"), Feeling)


for base, model_name in (("/aimlapi/v1", "o3-mini"), ("/openai/v1", "o3-mini")):
    sdk_flows(base, model_name)
    asyncio.run(agents_flows(base, model_name))
    asyncio.run(pydantic_ai_flows(base, model_name))
    langchain_flows(base, model_name)
names = ("openai", "openai-agents", "pydantic-ai-slim", "langchain-openai")
print(", ".join(f"{name} {version(name)}" for name in names))  # noqa: T201
