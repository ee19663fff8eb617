"""The Responses API in openai-agents, pydantic-ai and LangChain: each flow without and with a fixture."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import openai
from agents import Agent as OpenAIAgent
from agents import Runner, function_tool, set_default_openai_client, set_tracing_disabled
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider


class Feeling(BaseModel):
    sentiment: str
    score: float


# What is said and what is expected; without a fixture, any text will do that is the same each time.
TEXTS = (("Tell me about Rome.", None), ("mock words", "One word at a time."))
LOOPS = (("What is the weather in Rome?", None), ("mock tools", "It is 21 °C in Paris."))
DOCUMENTS = (("How do they feel?", None), ("mock json", Feeling(sentiment="positive", score=0.93)))
ERRORS = (("mock 429", 429), ("mock busy", 503))
LUCKY = "Third time lucky."
BROKEN = {"X-Mock-Error": "503", "X-Mock-Retry-After": "20ms"}


def arguments(path: str, **headers: str) -> dict[str, Any]:
    return {
        "base_url": os.environ["MOCKSERVER_URL"] + path,
        "api_key": "any key",
        "default_headers": {"X-Mock-Session": f"responses-{uuid4().hex}", **headers},
    }


def check_output(output: Any, expected: Any) -> None:
    assert output
    assert output == (expected or output)


async def check_status(call: Callable[[], Awaitable[object]], status: int, retries: int) -> None:
    """Check the status of the error that is raised, and how often the SDK below had retried by then."""
    seen: tuple[int, str] | None = None
    try:
        await call()
    except openai.APIStatusError as error:
        seen = error.status_code, error.request.headers["x-stainless-retry-count"]
    except ModelHTTPError as error:
        if isinstance(cause := error.__cause__, openai.APIStatusError):
            seen = error.status_code, cause.request.headers["x-stainless-retry-count"]
    assert seen == (status, str(retries))


async def agents_flows(path: str, name: str) -> None:
    set_tracing_disabled(True)
    client = AsyncOpenAI(**arguments(path))
    set_default_openai_client(client)
    called: list[tuple[str, str]] = []

    @function_tool
    def get_weather(city: str, unit: str) -> str:
        called.append((city, unit))
        return "21"

    agent = OpenAIAgent(name="mock", instructions="Be brief.", model=name, tools=[get_weather])
    for said, expected in (*TEXTS, *LOOPS):
        output = (await Runner.run(agent, said)).final_output
        check_output(output, expected)
        streamed = Runner.run_streamed(agent, said)
        kinds = [event.type async for event in streamed.stream_events()]
        assert "raw_response_event" in kinds
        check_output(streamed.final_output, expected)
    assert len(called) == 4
    assert called[2:] == [("Paris", "celsius")] * 2
    typed = OpenAIAgent(name="typed", model=name, output_type=Feeling)
    for said, document in DOCUMENTS:
        check_output((await Runner.run(typed, said)).final_output, document)
    assert (await Runner.run(agent, "mock retry")).final_output == LUCKY
    set_default_openai_client(client.with_options(max_retries=0))
    for said, status in ERRORS:
        await check_status(lambda said=said: Runner.run(agent, said), status, 0)
    set_default_openai_client(AsyncOpenAI(**arguments(path, **BROKEN)))
    await check_status(lambda: Runner.run(agent, "Hello"), 503, 2)


def pydantic_ai_model(client: AsyncOpenAI, name: str) -> OpenAIResponsesModel:
    return OpenAIResponsesModel(name, provider=OpenAIProvider(openai_client=client))


async def pydantic_ai_flows(path: str, name: str) -> None:
    client = AsyncOpenAI(**arguments(path))
    agent = Agent(pydantic_ai_model(client, name), instructions="Be brief.")
    called: list[tuple[str, str]] = []

    @agent.tool_plain
    def get_weather(city: str, unit: str) -> str:
        called.append((city, unit))
        return "21"

    for said, expected in (*TEXTS, *LOOPS):
        check_output((await agent.run(said)).output, expected)
        async with agent.run_stream(said) as stream:
            parts = [part async for part in stream.stream_text(delta=True, debounce_by=None)]
        check_output("".join(parts), expected)
        assert len(parts) > 1
    assert len(called) == 4
    assert called[2:] == [("Paris", "celsius")] * 2
    # Its default is a tool whose arguments are the document; a native one is `text.format`.
    typed = Agent(pydantic_ai_model(client, name), output_type=Feeling)
    assert isinstance((await typed.run("How do they feel?")).output, Feeling)
    native = Agent(pydantic_ai_model(client, name), output_type=NativeOutput(Feeling))
    for said, document in DOCUMENTS:
        check_output((await native.run(said)).output, document)
    check_output((await agent.run("mock retry")).output, LUCKY)
    once = pydantic_ai_model(client.with_options(max_retries=0), name)
    for said, status in ERRORS:
        await check_status(lambda said=said: agent.run(said, model=once), status, 0)
    broken = pydantic_ai_model(AsyncOpenAI(**arguments(path, **BROKEN)), name)
    await check_status(lambda: agent.run("Hello", model=broken), 503, 2)


async def langchain_flows(path: str, name: str) -> None:
    @tool
    def get_weather(city: str, unit: str) -> str:
        """Return the weather."""
        return "21"

    def model(most: int = 2, **headers: str) -> ChatOpenAI:
        return ChatOpenAI(model=name, use_responses_api=True, max_retries=most, **arguments(path, **headers))

    chat = model()
    for said, expected in TEXTS:
        text = chat.invoke(said).text
        check_output(text, expected)
        parts = [chunk.text for chunk in chat.stream(said)]
        assert "".join(parts) == text
        assert len(parts) > 1
    bound = chat.bind_tools([get_weather])
    for said, expected in LOOPS:
        reply = bound.invoke(said)
        results = [get_weather.invoke(call) for call in reply.tool_calls]
        assert len(results) == 1
        check_output(bound.invoke([HumanMessage(said), reply, *results]).text, expected)
    for said, document in DOCUMENTS:
        check_output(chat.with_structured_output(Feeling).invoke(said), document)
    assert chat.invoke("mock retry").text == LUCKY
    for said, status in ERRORS:
        await check_status(lambda said=said: model(0).ainvoke(said), status, 0)
    await check_status(lambda: model(**BROKEN).ainvoke("Hello"), 503, 2)


async def main() -> None:
    for path in ("/aimlapi/v1", "/openai/v1"):
        await agents_flows(path, "o3-mini")
        await pydantic_ai_flows(path, "o3-mini")
        await langchain_flows(path, "o3-mini")
    names = ("openai", "openai-agents", "pydantic-ai-slim", "langchain-openai")
    print(", ".join(f"{name} {version(name)}" for name in names))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
