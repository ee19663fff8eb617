"""Calls of LangChain, openai-agents and OpenAI's SDK, recorded from one server by another, replayed without the first.

Every replayed answer must be the recorded one apart from ids, times and the pace of streams; no request may miss, and
`mockserver validate` must have nothing to report.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import openai
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    RunResult,
    RunResultStreaming,
    function_tool,
    set_tracing_disabled,
)
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from mockserver.settings import RecordSettings
from mockserver.testing import MockServer

VENDOR = """
fixtures:
- match: {tool_result: {name: [get_weather, get_forecast]}}
  response: {text: "It is 21 degrees there.", stream: {ttft: 30ms, tps: 200}}
- {match: {user: weather}, response: {tool_calls: [{name: get_weather, arguments: {city: Paris}}]}}
- match: {user: forecasts}
  response:
    tool_calls: [{name: get_forecast, arguments: {city: Paris}}, {name: get_forecast, arguments: {city: Rome}}]
- {match: {user: forecast}, response: {tool_calls: [{name: get_forecast, arguments: {city: Paris}}]}}
- match: {user: both cities}
  response:
    tool_calls: [{name: get_weather, arguments: {city: Paris}}, {name: get_weather, arguments: {city: Rome}}]
- {match: {response_format: json_schema}, response: {json: {sentiment: positive, score: 0.93}}}
- match: {user: limited}
  responses: [{error: 429, message: Slow down., retry_after: 10ms}, It works now.]
  then: cycle
- {match: {user: broke}, response: insufficient_credits}
- {match: {user: teapot}, response: {raw: {status: 418, body: '{"mine": true}'}}}
- {match: {user: refuse}, response: {refusal: "I cannot help with that."}}
- {match: {user: chunks}, response: {chunks: ["Un", "even ch", "unks."]}}
- {match: {user: choices}, response: {choices: [{text: First}, {text: Second, finish_reason: length}]}}
"""
VOLATILE = {
    "id",
    "created",
    "response_metadata",
    "tool_call_id",
    "call_id",
    "response_id",
    "timestamp",
    "requestId",
}


class Feeling(BaseModel):
    """A feeling."""

    sentiment: str
    score: float


@tool
def get_weather(city: str) -> str:
    """Return the weather in a city."""
    return f"21 degrees in {city}"


TOOLS = [
    {
        "type": "function",
        "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
    }
]


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def call_openai(client: openai.OpenAI):
    """Yield the results of calls with OpenAI's SDK: texts, streams, retries, structured output."""
    create = client.chat.completions.create
    for text in ("Hello", "Bonjour", "¡Hola!", "Grüß Gott", "chunks, please", "refuse this"):
        yield create(model="gpt-4o", messages=user(text)).model_dump()
        stream = create(
            model="gpt-4o", messages=user(text + "!"), stream=True, stream_options={"include_usage": True}
        )
        yield [chunk.model_dump() for chunk in stream]
    for temperature in (0.1, 0.9):
        yield create(model="gpt-4o", messages=user("Hello"), temperature=temperature).model_dump()
    yield create(model="gpt-4o", messages=user("Two choices"), n=2).model_dump()
    yield create(model="gpt-4o", messages=user("Am I limited?")).model_dump()  # the SDK tries again
    yield client.chat.completions.parse(
        model="gpt-4o", messages=user("How do they feel?"), response_format=Feeling
    ).model_dump()


def call_openai_in_vain(client: openai.OpenAI):
    """Yield the errors of calls with OpenAI's SDK."""
    for messages in (user("I am broke"), user("a teapot"), [{"role": "nobody", "content": "x"}]):
        try:
            client.chat.completions.create(model="gpt-4o", messages=messages)
        except openai.APIStatusError as error:
            yield error.status_code, error.body


def call_tools(client: openai.OpenAI):
    """Yield the results of calls that run tools."""
    create = client.chat.completions.create
    for question in ("How is the weather?", "Compare both cities"):
        for stream in (False, True):
            messages = user(question + "?" * stream)
            calls = create(model="gpt-4o", messages=messages, tools=TOOLS).choices[0].message
            messages.append(calls.model_dump(exclude_none=True))
            for call in calls.tool_calls:
                messages.append({"role": "tool", "tool_call_id": call.id, "content": "21 degrees"})
            answer = create(model="gpt-4o", messages=messages, tools=TOOLS, stream=stream)
            yield calls.model_dump()
            yield [chunk.model_dump() for chunk in answer] if stream else answer.model_dump()


def call_langchain(url: str):
    """Yield the results of calls with LangChain."""
    chat = ChatOpenAI(model="gpt-4o", base_url=url, api_key="another key", max_retries=1)
    for text in ("Good morning", "Good evening", "Good night"):
        yield chat.invoke(text).model_dump()
        yield "".join(part.content for part in chat.stream(f"{text}, stream"))
        yield chat.invoke([SystemMessage("Be brief."), HumanMessage(text)]).model_dump()
    yield chat.batch(["One", "Two", "Three"])[0].model_dump()
    yield chat.with_structured_output(Feeling, method="json_schema").invoke("How did they feel?").model_dump()
    messages = [HumanMessage("What is the weather like?")]
    bound = chat.bind_tools([get_weather])
    for _ in range(2):
        answer = bound.invoke(messages)
        yield answer.model_dump()
        messages.append(answer)
        messages += [
            ToolMessage(get_weather.invoke(one["args"]), tool_call_id=one["id"]) for one in answer.tool_calls
        ]
    for number in range(6):
        history = [HumanMessage("Tell me more"), AIMessage(f"Part {number}"), HumanMessage("Go on")]
        yield chat.invoke(history).model_dump()
    try:
        chat.invoke("I am still broke")
    except openai.APIStatusError as error:
        yield error.status_code, error.body


@function_tool
def get_forecast(city: str) -> str:
    """Return the forecast for a city."""
    return f"21 degrees in {city}"


def list_results(run: RunResult | RunResultStreaming) -> list[object]:
    """Return the final output of a run, its items, and the usage of each of its requests."""
    output = run.final_output.model_dump() if isinstance(run.final_output, BaseModel) else run.final_output
    usages = [(one.usage.input_tokens, one.usage.output_tokens) for one in run.raw_responses]
    return [output, run.to_input_list(), usages]


async def call_agents(model: OpenAIChatCompletionsModel | OpenAIResponsesModel):
    """Yield the results of runs of openai-agents: texts, streams, tools, typed output, turns, errors."""
    agent = Agent(name="recorded", instructions="Be brief.", model=model, tools=[get_forecast])
    for text in (
        "Hi from an agent",
        "Hello, Grüß Gott",
        "chunks for an agent",
        "Forecast, please",
        "Forecasts",
    ):
        yield list_results(await Runner.run(agent, text))
        streamed = Runner.run_streamed(agent, f"{text}, streamed")
        kinds = [event.type async for event in streamed.stream_events()]
        yield [kinds, *list_results(streamed)]
    typed = Agent(name="typed", model=model, output_type=Feeling)
    yield list_results(await Runner.run(typed, "How does the agent feel?"))
    first = await Runner.run(agent, "Remember one")
    second = [*first.to_input_list(), {"role": "user", "content": "What did I say?"}]
    yield list_results(await Runner.run(agent, second))
    try:
        await Runner.run(agent, "The agent is broke")
    except openai.APIStatusError as error:
        yield error.status_code, error.body


async def call_both_apis(url: str):
    """Return the results of openai-agents with chat completions, then with the Responses API."""
    set_tracing_disabled(True)
    client = openai.AsyncOpenAI(base_url=url, api_key="a third key", max_retries=1)
    chat = OpenAIChatCompletionsModel("gpt-4o", client)
    responses = OpenAIResponsesModel("gpt-4o", client)
    results = [one for model in (chat, responses) async for one in call_agents(model)]
    agent = Agent(name="linked", model=responses, model_settings=ModelSettings(store=True))
    first = await Runner.run(agent, "Begin a stored conversation")
    linked = await Runner.run(agent, "Go on with it", previous_response_id=first.last_response_id)
    await client.close()
    return [*results, list_results(first), list_results(linked)]


def drop_volatile(value):
    """Return a result without ids and times."""
    if isinstance(value, dict):
        return {key: drop_volatile(one) for key, one in value.items() if key not in VOLATILE}
    return [drop_volatile(one) for one in value] if isinstance(value, list | tuple) else value


def run(server: MockServer) -> list[str]:
    url = server.aimlapi.openai()["base_url"]
    client = openai.OpenAI(base_url=url, api_key="a key of 1 person", max_retries=2)
    results = [*call_openai(client), *call_openai_in_vain(client), *call_tools(client), *call_langchain(url)]
    results += asyncio.run(call_both_apis(url))
    return [json.dumps(drop_volatile(one), sort_keys=True) for one in results]


with tempfile.TemporaryDirectory() as name:
    folder = Path(name, "recordings")
    with MockServer(fixtures_yaml=VENDOR) as vendor:
        record = RecordSettings(folder, upstreams=(f"aimlapi={vendor.url}/aimlapi",))
        with MockServer(record=record, reload=False) as recorder:
            recorded = run(recorder)
            forwarded = [one for one in recorder.requests if one.outcome == "forwarded"]
    with MockServer(folder, strict=True, reload=False) as replay:
        replayed = run(replay)
        misses = [one for one in replay.requests if one.unmatched]
    differences = [pair for pair in zip(recorded, replayed, strict=True) if pair[0] != pair[1]]
    assert not misses, misses
    assert not differences, differences
    command = [sys.executable, "-m", "mockserver", "validate", str(folder)]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "warning" not in report, report
    assert len(forwarded) >= 45, len(forwarded)
    text = "".join(path.read_text() for path in folder.iterdir())
    assert "a key of 1 person" not in text
    raw = text.count("    raw:")
    names = ("openai", "openai-agents", "langchain-openai")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    files = f"{len(list(folder.iterdir()))} files, {raw} responses raw"
    sys.stdout.write(f"{len(forwarded)} requests recorded and replayed, {files}; {versions}\n")
