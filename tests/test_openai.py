"""OpenAI's own client hears what it expects: of both vendors that have a path for it, at once or in a stream."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.resources.chat.completions import Completions
from pydantic import BaseModel

from mockserver.sessions.request_record import create_record
from tests.conftest import wait_for_entries

if TYPE_CHECKING:
    from mockserver.testing import MockServer

T = TypeVar("T")

# Where each vendor's OpenAI path is, and a model of its that takes tools and schemas.
VENDORS = {"aimlapi": ("/aimlapi/v1", "o3-mini"), "omixa": ("/omixa/api/v1", "o1-preview")}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
# In the first releases of 1.x these two were under `client.beta`.
helpers = pytest.mark.skipif(
    not hasattr(Completions, "stream"),
    reason="this release of openai has no chat.completions.stream and parse",
)
ERRORS: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    402: openai.APIStatusError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    406: openai.APIStatusError,
    409: openai.ConflictError,
    410: openai.APIStatusError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    502: openai.InternalServerError,
    503: openai.InternalServerError,
    504: openai.InternalServerError,
    524: openai.InternalServerError,
}


class Feeling(BaseModel):
    sentiment: Literal["positive", "negative"]
    score: float


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def session(request: pytest.FixtureRequest, vendor: str) -> str:
    return f"openai-{abs(hash(request.node.nodeid)):x}"


@pytest.fixture
def options(server: MockServer, vendor: str, session: str) -> dict[str, Any]:
    return {
        "base_url": server.url + VENDORS[vendor][0],
        "api_key": "a key",
        "max_retries": 0,
        "default_headers": {"X-Mock-Session": session},
    }


@pytest.fixture
def client(options: dict[str, Any]) -> Iterator[OpenAI]:
    with OpenAI(**options) as one:
        yield one


@pytest.fixture
def model(vendor: str) -> str:
    return VENDORS[vendor][1]


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


def awaited(options: dict[str, Any], do: Callable[[AsyncOpenAI], Awaitable[T]]) -> T:
    """What the asynchronous client makes of it, in an event loop of its own."""

    async def main() -> T:
        async with AsyncOpenAI(**options) as client:
            return await do(client)

    return asyncio.run(main())


# What is said


def test_a_plain_answer_has_a_text_a_reason_and_its_usage(client: OpenAI, model: str) -> None:
    completion = client.chat.completions.create(model=model, messages=user("mock words"))
    assert completion.choices[0].message.content == "One word at a time."
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert (
        completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    )
    assert completion.model.startswith(model)


def test_a_stream_is_the_plain_answer_in_pieces(client: OpenAI, model: str) -> None:
    with client.chat.completions.create(model=model, messages=user("mock words"), stream=True) as stream:
        parts = [choice.delta.content or "" for chunk in stream for choice in chunk.choices]
    assert "".join(parts) == "One word at a time."
    assert len([part for part in parts if part]) == 5


def test_the_asynchronous_client_hears_the_same(options: dict[str, Any], model: str) -> None:
    async def plain(client: AsyncOpenAI) -> str | None:
        completion = await client.chat.completions.create(model=model, messages=user("mock words"))
        return completion.choices[0].message.content

    async def streamed(client: AsyncOpenAI) -> str:
        parts = []
        stream = await client.chat.completions.create(model=model, messages=user("mock words"), stream=True)
        async for chunk in stream:
            parts += [choice.delta.content or "" for choice in chunk.choices]
        return "".join(parts)

    assert awaited(options, plain) == awaited(options, streamed) == "One word at a time."


def test_many_asynchronous_calls_at_once_are_all_answered(options: dict[str, Any], model: str) -> None:
    async def many(client: AsyncOpenAI) -> set[str | None]:
        calls = (client.chat.completions.create(model=model, messages=user("mock delay")) for _ in range(20))
        return {one.choices[0].message.content for one in await asyncio.gather(*calls)}

    assert awaited(options, many) == {"Worth the wait."}


def test_usage_comes_in_the_last_chunk_when_it_is_asked_for(client: OpenAI, model: str) -> None:
    plain = client.chat.completions.create(model=model, messages=user("mock words"))
    stream = client.chat.completions.create(
        model=model, messages=user("mock words"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert chunks[-1].choices == []
    assert chunks[-1].usage == plain.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_several_choices_are_heard_side_by_side(client: OpenAI, model: str) -> None:
    plain = client.chat.completions.create(model=model, messages=user("mock two choices"), n=2)
    said = {one.index: one.message.content for one in plain.choices}
    heard = {0: "", 1: ""}
    for chunk in client.chat.completions.create(
        model=model, messages=user("mock two choices"), n=2, stream=True
    ):
        for choice in chunk.choices:
            heard[choice.index] += choice.delta.content or ""
    assert heard == said == {0: "The first idea is to wait.", 1: "The second idea is to"}
    assert [one.finish_reason for one in plain.choices] == ["stop", "length"]


def test_an_unknown_question_has_as_many_different_answers_as_are_asked_for(
    client: OpenAI, model: str
) -> None:
    completion = client.chat.completions.create(model=model, messages=user("Any ideas?"), n=3)
    assert len({one.message.content for one in completion.choices}) == 3


def test_a_refusal_is_no_content(client: OpenAI, model: str) -> None:
    message = client.chat.completions.create(model=model, messages=user("mock refusal")).choices[0].message
    assert message.refusal == "I'm sorry, I can't help with that."
    assert not message.content
    stream = client.chat.completions.create(model=model, messages=user("mock refusal"), stream=True)
    deltas = [choice.delta for chunk in stream for choice in chunk.choices]
    assert "".join(delta.refusal or "" for delta in deltas) == message.refusal
    assert not any(delta.content for delta in deltas)


# Tools


def test_a_tool_call_is_made_and_its_result_closes_the_talk(client: OpenAI, model: str) -> None:
    messages = user("mock tools")
    first = client.chat.completions.create(model=model, messages=messages, tools=[WEATHER]).choices[0]
    assert first.finish_reason == "tool_calls"
    [call] = first.message.tool_calls or []
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"city": "Paris", "unit": "celsius"}
    messages += [
        first.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "21"},
    ]
    last = client.chat.completions.create(model=model, messages=messages, tools=[WEATHER]).choices[0]
    assert last.message.content == "It is 21 °C in Paris."


def test_fragments_of_parallel_calls_add_up_to_json(client: OpenAI, model: str) -> None:
    stream = client.chat.completions.create(
        model=model, messages=user("mock parallel tools"), tools=[WEATHER], stream=True
    )
    ids: dict[int, str] = {}
    names: dict[int, str] = {}
    arguments = {0: "", 1: ""}
    for chunk in stream:
        for fragment in chunk.choices[0].delta.tool_calls or ():
            assert fragment.function is not None
            ids[fragment.index] = ids.get(fragment.index) or fragment.id or ""
            names[fragment.index] = names.get(fragment.index) or fragment.function.name or ""
            arguments[fragment.index] += fragment.function.arguments or ""
    assert names == {0: "get_weather", 1: "get_time"}
    assert [json.loads(arguments[index]) for index in (0, 1)] == [{"city": "Paris"}, {"zone": "Europe/Paris"}]
    assert len(set(ids.values())) == 2
    assert all(one.startswith("call_") for one in ids.values())


def test_a_forced_tool_is_called_with_arguments_of_its_schema(client: OpenAI, model: str) -> None:
    completion = client.chat.completions.create(
        model=model, messages=user("And in Rome?"), tools=[WEATHER], tool_choice="required"
    )
    [call] = completion.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert set(json.loads(call.function.arguments)) == {"city", "unit"}


# The client's helpers


@helpers
def test_the_stream_helper_sees_each_delta_and_the_whole(client: OpenAI, model: str) -> None:
    with client.chat.completions.stream(model=model, messages=user("mock words")) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        whole = stream.get_final_completion()
    assert "".join(deltas) == whole.choices[0].message.content == "One word at a time."
    assert whole.choices[0].finish_reason == "stop"


@helpers
def test_the_stream_helper_parses_the_arguments_of_a_call(client: OpenAI, model: str) -> None:
    with client.chat.completions.stream(model=model, messages=user("mock tools"), tools=[WEATHER]) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
    assert [one.parsed_arguments for one in done] == [{"city": "Paris", "unit": "celsius"}]


@helpers
def test_the_stream_helper_sees_a_refusal(client: OpenAI, model: str) -> None:
    with client.chat.completions.stream(
        model=model, messages=user("mock refusal"), response_format=Feeling
    ) as stream:
        done = [event.refusal for event in stream if event.type == "refusal.done"]
    assert done == ["I'm sorry, I can't help with that."]


@helpers
def test_the_asynchronous_stream_helper_sees_the_same(options: dict[str, Any], model: str) -> None:
    async def streamed(client: AsyncOpenAI) -> str | None:
        async with client.chat.completions.stream(
            model=model, messages=user("mock json"), response_format=Feeling
        ) as stream:
            completion = await stream.get_final_completion()
        assert completion.choices[0].message.parsed == Feeling(sentiment="positive", score=0.93)
        return completion.choices[0].message.content

    assert awaited(options, streamed) == '{"sentiment":"positive","score":0.93}'


@helpers
@pytest.mark.parametrize(
    ("said", "most"), [("mock json", 2), ("How do they feel?", 257)], ids=["fixture", "invented"]
)
def test_parse_gives_an_object_of_the_schema(client: OpenAI, model: str, said: str, most: int) -> None:
    # A limit cuts no document: half of one could not be parsed.
    completion = client.chat.completions.parse(
        model=model, messages=user(said), response_format=Feeling, max_completion_tokens=most
    )
    assert isinstance(completion.choices[0].message.parsed, Feeling)


@helpers
def test_parse_says_when_thinking_has_used_up_the_limit(client: OpenAI, model: str) -> None:
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(
            model=model,
            messages=user("How do they feel?"),
            response_format=Feeling,
            max_completion_tokens=256,
        )


@helpers
def test_parse_gives_nothing_for_a_refusal(client: OpenAI, model: str) -> None:
    message = (
        client.chat.completions.parse(model=model, messages=user("mock refusal"), response_format=Feeling)
        .choices[0]
        .message
    )
    assert message.parsed is None
    assert message.refusal


@helpers
def test_parse_gives_the_arguments_of_a_call(client: OpenAI, model: str) -> None:
    completion = client.chat.completions.parse(model=model, messages=user("mock tools"), tools=[WEATHER])
    [call] = completion.choices[0].message.tool_calls or []
    assert call.function.parsed_arguments == {"city": "Paris", "unit": "celsius"}


# Errors


@pytest.mark.parametrize("stream", [False, True], ids=["body", "stream"])
@pytest.mark.parametrize(("status", "kind"), ERRORS.items())
def test_each_status_is_the_clients_own_exception(
    client: OpenAI, model: str, status: int, kind: type[openai.APIStatusError], stream: bool
) -> None:
    headers = {"X-Mock-Error": str(status)}
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=model, messages=user("Hi"), stream=stream, extra_headers=headers)
    assert type(caught.value) is kind
    assert caught.value.status_code == status
    assert caught.value.request_id
    response = caught.value.response
    is_json = "json" in response.headers["content-type"]  # the others are those of gateways
    text = response.json()["error"]["message"] if is_json else response.text.strip()
    # SDK 3 writes a gateway's "error code: 524" with a capital.
    assert text.lower() in str(caught.value).lower()


def test_an_asynchronous_client_raises_the_same(options: dict[str, Any], model: str) -> None:
    async def refused(client: AsyncOpenAI) -> None:
        await client.chat.completions.create(model=model, messages=user("mock 401"), stream=True)

    with pytest.raises(openai.AuthenticationError):
        awaited(options, refused)


def test_no_money_is_what_each_vendor_makes_of_it(client: OpenAI, model: str, vendor: str) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=model, messages=user("mock no credits"))
    error = caught.value
    heard = {"aimlapi": (403, None, None), "omixa": (402, "insufficient_balance", "billing_error")}
    assert (error.status_code, error.code, error.type) == heard[vendor]


def test_a_client_that_retries_is_heard_three_times_and_then_content(
    client: OpenAI, server: MockServer, session: str, model: str
) -> None:
    began = time.perf_counter()
    patient = client.with_options(max_retries=2)
    completion = patient.chat.completions.create(model=model, messages=user("mock retry"))
    took = time.perf_counter() - began
    assert completion.choices[0].message.content == "Third time lucky."
    heard = wait_for_entries(server, session, 3)
    assert [entry.status for entry in heard] == [429, 429, 200]
    assert [create_record(entry).attempt for entry in heard] == [0, 1, 2]
    # Twice the 20 ms that it was told, and not the half second and the second it waits unasked.
    assert 0.04 <= took < 1.2


def test_an_asynchronous_client_retries_too(
    options: dict[str, Any], server: MockServer, session: str, model: str
) -> None:
    async def insist(client: AsyncOpenAI) -> str | None:
        patient = client.with_options(max_retries=1)
        completion = await patient.chat.completions.create(model=model, messages=user("mock flaky"))
        return completion.choices[0].message.content

    assert awaited(options, insist) == "It works when you try again."
    assert [entry.status for entry in wait_for_entries(server, session, 2)] == [503, 200]


def test_a_client_that_does_not_retry_is_heard_once(
    client: OpenAI, server: MockServer, session: str, model: str
) -> None:
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model=model, messages=user("mock retry"))
    assert [entry.status for entry in wait_for_entries(server, session, 1)] == [429]


def test_a_client_that_gives_up_waiting_has_left(
    client: OpenAI, server: MockServer, session: str, model: str
) -> None:
    hasty = client.with_options(timeout=0.05)
    with pytest.raises(openai.APITimeoutError):
        hasty.chat.completions.create(model=model, messages=user("mock delay"))
    [entry] = wait_for_entries(server, session, 1)
    assert entry.delivery is not None
    assert entry.delivery.end_reason == "left"


# What else the client reads


def test_the_request_id_is_the_headers(client: OpenAI, model: str) -> None:
    raw = client.chat.completions.with_raw_response.create(model=model, messages=user("mock words"))
    assert raw.parse()._request_id == raw.headers["x-request-id"] == raw.request_id
    assert raw.http_response.status_code == 200


def test_a_success_that_is_called_created_is_a_success(client: OpenAI, vendor: str) -> None:
    raw = client.chat.completions.with_raw_response.create(model="o1-mini", messages=user("mock words"))
    assert raw.http_response.status_code == {"aimlapi": 201, "omixa": 200}[vendor]
    assert raw.parse().choices[0].message.content == "One word at a time."


def test_a_limit_cuts_the_text_and_the_reason_says_so(client: OpenAI, model: str) -> None:
    choice = client.chat.completions.create(
        model=model, messages=user("mock words"), max_completion_tokens=3
    ).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("One word at", "length")
    choice = client.chat.completions.create(model=model, messages=user("mock words"), stop=" at").choices[0]
    assert (choice.message.content, choice.finish_reason) == ("One word", "stop")


@pytest.mark.parametrize("path", ["/openai/v1", "/aimlapi/v1"])
def test_embeddings_are_read_in_both_encodings(server: MockServer, path: str) -> None:
    async def embed(client: AsyncOpenAI) -> list[float]:
        return (
            (await client.embeddings.create(model="text-embedding-3-small", input=["cat"])).data[0].embedding
        )

    options: dict[str, Any] = {"base_url": server.url + path, "api_key": "k", "max_retries": 0}
    with OpenAI(**options) as client:
        answer = client.embeddings.create(
            model="text-embedding-3-small", input=["cat", "dog"], encoding_format="float"
        )
    assert [len(item.embedding) for item in answer.data] == [1536, 1536]
    assert answer.data[0].embedding == pytest.approx(awaited(options, embed), abs=1e-6)
