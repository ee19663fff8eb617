"""LangChain's ChatOpenAI: invoke, stream, tools, documents, usage, errors, retries, in both of its ways to wait."""

import asyncio
import os
from importlib.metadata import version
from typing import Literal
from uuid import uuid4

import openai
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.output_parsers import PydanticOutputParser
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel


class Feeling(BaseModel):
    """What somebody feels."""

    sentiment: Literal["positive", "negative"]
    score: float


@tool
def get_weather(city: str, unit: str = "celsius") -> str:
    """The weather in a city."""
    return f"21 {unit} in {city}"


async def heard_in_time(model: ChatOpenAI) -> str:
    return "".join([str(chunk.content) async for chunk in model.astream("mock words")])


for path, name in [("/aimlapi/v1", "o3-mini"), ("/omixa/api/v1", "o1-preview")]:
    model = ChatOpenAI(
        model=name,
        base_url=os.environ["MOCKSERVER_URL"] + path,
        api_key="any key",
        max_retries=2,
        default_headers={"X-Mock-Session": f"langchain-{uuid4().hex}"},
    )

    plain = model.invoke([SystemMessage("Be brief."), HumanMessage("mock words")])
    assert plain.content == "One word at a time."
    assert plain.usage_metadata["output_tokens"] > 0
    assert plain.response_metadata["finish_reason"] == "stop"

    chunks = list(model.stream("mock words", stream_usage=True))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert whole.content == "One word at a time."
    assert len(chunks) > 3
    assert whole.usage_metadata["output_tokens"] == plain.usage_metadata["output_tokens"]
    assert asyncio.run(heard_in_time(model)) == "One word at a time."

    talker = model.bind_tools([get_weather])
    talk = [HumanMessage("mock tools")]
    talk.append(talker.invoke(talk))
    [call] = talk[-1].tool_calls
    assert call["args"] == {"city": "Paris", "unit": "celsius"}
    talk.append(ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]))
    assert talker.invoke(talk).content == "It is 21 °C in Paris."
    [call] = model.bind_tools([get_weather], tool_choice="any").invoke("And in Rome?").tool_calls
    assert get_weather.invoke(call["args"]).startswith("21 ")

    # No fixture speaks: the loop of an agent, which ends by itself.
    talk = [HumanMessage("What is the weather in Paris and London?")]
    talk.append(talker.invoke(talk))
    assert [call["args"]["city"] for call in talk[-1].tool_calls] == ["Paris", "London"]
    talk += [get_weather.invoke(call) for call in talk[-1].tool_calls]
    closing = talker.invoke(talk)
    assert "in London" in closing.content
    assert not closing.tool_calls

    parser = PydanticOutputParser(pydantic_object=Feeling)
    asked = f"{parser.get_format_instructions()}\n\nHow do they feel? They are positive."
    assert (model | parser).invoke(asked).sentiment == "positive"

    for method in ("json_schema", "function_calling"):
        made = model.with_structured_output(Feeling, method=method).invoke("How do they feel?")
        assert isinstance(made, Feeling), (method, made)
    made = model.with_structured_output(Feeling, method="json_schema", include_raw=True).invoke(
        "How do they feel?"
    )
    assert isinstance(made["parsed"], Feeling)
    assert made["parsing_error"] is None
    *_, last = model.with_structured_output(Feeling).stream("How do they feel?")
    assert isinstance(last, Feeling)
    json_mode = model.with_structured_output(method="json_mode").invoke("Any JSON object, please.")
    assert isinstance(json_mode, dict)

    assert model.invoke("mock retry").content == "Third time lucky."
    try:
        model.invoke("mock 401")
    except openai.AuthenticationError as error:
        assert error.status_code == 401  # noqa: PT017
        assert "valid API key" in str(error)  # noqa: PT017 the vendor's own text
    else:
        raise AssertionError("mock 401 was no error")

print("langchain-openai", version("langchain-openai"), "openai", version("openai"))  # noqa: T201
