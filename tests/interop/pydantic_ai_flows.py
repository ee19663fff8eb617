"""pydantic-ai: text, streams, tools that are run, documents in its output modes, errors."""

import asyncio
import os
import re
from importlib.metadata import version
from typing import Literal
from uuid import uuid4

from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, ModelHTTPError, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class Feeling(BaseModel):
    sentiment: Literal["positive", "negative"]
    score: float


async def flows(path: str, name: str) -> None:
    client = AsyncOpenAI(
        base_url=os.environ["MOCKSERVER_URL"] + path,
        api_key="any key",
        default_headers={"X-Mock-Session": f"pydantic-ai-{uuid4().hex}"},
    )
    model = OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))

    agent = Agent(model, instructions="Be brief.")
    plain = await agent.run("mock words")
    assert plain.output == "One word at a time."
    async with agent.run_stream("mock words") as stream:
        parts = [part async for part in stream.stream_text(delta=True, debounce_by=None)]
    assert "".join(parts) == "One word at a time."
    assert len(parts) > 1
    assert (await agent.run("mock retry")).output == "Third time lucky."

    called = []
    talker = Agent(model)

    @talker.tool_plain
    def get_weather(city: str, unit: str) -> str:
        called.append((city, unit))
        return "21"

    assert (await talker.run("mock tools")).output == "It is 21 °C in Paris."
    assert called == [("Paris", "celsius")]

    # No fixture speaks: the agent calls its tool for each city, and its loop ends by itself.
    called.clear()
    closing = (await talker.run("What is the weather in Paris and London?")).output
    assert [city for city, _ in called] == ["Paris", "London"]
    assert "21" in closing

    for kind in (Feeling, ToolOutput(Feeling), NativeOutput(Feeling), PromptedOutput(Feeling)):
        made = await Agent(model, output_type=kind).run("How do they feel?")
        assert isinstance(made.output, Feeling), kind
        async with Agent(model, output_type=kind).run_stream("How do they feel?") as stream:
            assert isinstance(await stream.get_output(), Feeling), kind

    try:
        await agent.run("mock 402")
    except ModelHTTPError as error:
        assert error.status_code == 402  # noqa: PT017
        assert re.search("run out of funds|wallet balance", str(error))  # noqa: PT017 the vendor's own text
    else:
        raise AssertionError("mock 402 was no error")


for path, name in [("/aimlapi/v1", "o3-mini"), ("/omixa/api/v1", "o1-preview")]:
    asyncio.run(flows(path, name))
print("pydantic-ai", version("pydantic-ai-slim"), "openai", version("openai"))  # noqa: T201
