"""AI/ML API's own LangChain package: invoke, stream, tools, documents, errors."""

import os
from importlib.metadata import version
from uuid import uuid4

import openai
from langchain_aimlapi import ChatAimlapi
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel


class Feeling(BaseModel):
    """What somebody feels."""

    sentiment: str
    score: float


@tool
def get_weather(city: str, unit: str = "celsius") -> str:
    """The weather in a city."""
    return f"21 {unit} in {city}"


def model(name: str) -> ChatAimlapi:
    return ChatAimlapi(
        model=name,
        base_url=os.environ["MOCKSERVER_URL"] + "/aimlapi/v1",
        api_key="any key",
        default_headers={"X-Mock-Session": f"langchain-aimlapi-{uuid4().hex}"},
    )


assert model("o1-preview").invoke("Hello").content == "Hello! How can I assist you today?"
assert model("o1-mini").invoke("Hello").content == "Hello! 😊 How can I help you today?"

o3 = model("o3-mini")
plain = o3.invoke("mock words")
assert plain.content == "One word at a time."
assert plain.usage_metadata["output_tokens"] > 0
chunks = [chunk.content for chunk in o3.stream("mock words")]
assert "".join(chunks) == "One word at a time."
assert len([chunk for chunk in chunks if chunk]) > 1

talker = o3.bind_tools([get_weather])
talk = [HumanMessage("mock tools")]
talk.append(talker.invoke(talk))
[call] = talk[-1].tool_calls
talk.append(ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]))
assert talker.invoke(talk).content == "It is 21 °C in Paris."

made = o3.with_structured_output(Feeling, method="function_calling").invoke("How do they feel?")
assert isinstance(made, Feeling)
assert o3.invoke("mock retry").content == "Third time lucky."
try:
    o3.invoke("mock 403")
except openai.PermissionDeniedError as error:
    assert error.response.json()["error"]["message"] in str(error)  # noqa: PT017 the vendor's own text
else:
    raise AssertionError("mock 403 was no error")

print("langchain-aimlapi", version("langchain-aimlapi"), "openai", version("openai"))  # noqa: T201
