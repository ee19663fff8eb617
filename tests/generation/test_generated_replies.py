"""Generated replies over HTTP: tools, documents, texts and limits, as a body and as a stream."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from openai.types.chat import ChatCompletion

from tests.conftest import Client, Json, MakeClient, Reply, StartServer, drop_empty, fold_chunks
from tests.generation.test_fake_values import STRICT

NOTHING = "fixtures:\n- {name: mine, match: {user: my own}, response: Mine.}\n"
COUNTED: Json = {"stream": True, "stream_options": {"include_usage": True}}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}
TIME = {"type": "function", "function": {"name": "get_time", "parameters": CITY}}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": PERSON}}
PROMPT = [
    {"role": "system", "content": f"Answer with JSON that meets this schema: {json.dumps(PERSON)}"},
    {"role": "user", "content": "Jason is 25 years old."},
]
NAMED = {"type": "function", "function": {"name": "get_weather"}}
NEW = re.compile(r"call_\w{24}")


@pytest.fixture
def unmatched(start_server: StartServer, make_client: MakeClient) -> Client:
    return make_client(start_server(NOTHING))


def only_choice(client: Client, content: str | list[Json], vendor: str = "omixa", **body: Any) -> Json:
    """Return the only choice of a response, which must be the same as a stream."""
    reply = client.chat(vendor, content, **body)
    streamed = client.chat(vendor, content, **body, **COUNTED)
    choices = ChatCompletion.model_validate_json(reply.body, strict=True).model_dump()["choices"]
    assert known(fold_chunks(streamed.chunks)) == known(drop_empty(reply.json["choices"]))
    assert streamed.chunks[-1]["usage"] == reply.json["usage"]
    assert len(choices) == 1
    whole: Json = reply.json["choices"][0] | {"usage": reply.json["usage"]}
    return whole


def known(choices: list[Json]) -> str:
    return NEW.sub("call", json.dumps(choices, sort_keys=True))


def arguments(choice: Json) -> list[Json]:
    return [json.loads(made["function"]["arguments"]) for made in choice["message"]["tool_calls"]]


def text(reply: Reply) -> str:
    content: str = reply.json["choices"][0]["message"]["content"]
    return content


# --- tools


@pytest.mark.parametrize(
    ("asked", "cities", "reason"),
    [
        ({}, ["Paris", "London"], "tool_calls"),
        ({"tool_choice": "required"}, ["Paris", "London"], "tool_calls"),
        ({"parallel_tool_calls": True}, ["Paris", "London"], "tool_calls"),
        ({"parallel_tool_calls": False}, ["Paris"], "tool_calls"),
        ({"tool_choice": NAMED}, ["Paris"], "stop"),  # OpenAI's finish reason for a forced call
    ],
)
def test_a_tool_is_called_for_each_place_that_is_listed(
    unmatched: Client, asked: Json, cities: list[str], reason: str
) -> None:
    choice = only_choice(
        unmatched, "What is the weather in Paris and London?", tools=[WEATHER, TIME], **asked
    )
    assert [made["city"] for made in arguments(choice)] == cities
    assert choice["finish_reason"] == reason


def test_an_agents_loop_ends_with_a_text_that_quotes_what_the_tools_said(unmatched: Client) -> None:
    talk: list[Json] = [{"role": "user", "content": "What is the weather in Paris, and the time?"}]
    message = only_choice(unmatched, talk, tools=[WEATHER, TIME])["message"]
    assert [made["function"]["name"] for made in message["tool_calls"]] == ["get_weather", "get_time"]
    talk.append(message)
    talk += [
        {"role": "tool", "tool_call_id": made["id"], "content": "21 °C at noon"}
        for made in message["tool_calls"]
    ]
    closing = only_choice(unmatched, talk, tools=[WEATHER, TIME])
    assert "21 °C at noon" in closing["message"]["content"]
    assert "get_time" in closing["message"]["content"]
    assert closing["finish_reason"] == "stop"
    assert arguments(only_choice(unmatched, talk, tools=[WEATHER, TIME], tool_choice="required"))


# --- documents


@pytest.mark.parametrize(
    "asked",
    [
        {"content": "Jason is 25 years old.", "response_format": SCHEMA},
        {"content": PROMPT, "response_format": {"type": "json_object"}},
        {"content": PROMPT},
    ],
)
def test_a_document_meets_the_schema_wherever_that_stands(unmatched: Client, asked: Json) -> None:
    assert json.loads(only_choice(unmatched, **asked)["message"]["content"]) == {"name": "Jason", "age": 25}


@given(STRICT)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_strict_mode_allows_is_met_as_a_document_a_prompt_and_a_call(
    unmatched: Client, schema: Json
) -> None:
    valid = jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid
    form = {"type": "json_schema", "json_schema": {"name": "it", "strict": True, "schema": schema}}
    content = "Make one in Paris, for 3."
    assert valid(json.loads(only_choice(unmatched, content, response_format=form)["message"]["content"]))
    prompt = [{"role": "system", "content": f"Respond with JSON like this: {json.dumps(schema)}"}, PROMPT[1]]
    assert valid(json.loads(only_choice(unmatched, prompt)["message"]["content"]))
    made = {"type": "function", "function": {"name": "make", "strict": True, "parameters": schema}}
    for call in arguments(only_choice(unmatched, content, tools=[made], tool_choice="required")):
        assert valid(call)


# --- texts


def test_a_text_is_in_the_servers_language_and_streams_whole_characters(
    start_server: StartServer, make_client: MakeClient
) -> None:
    japanese = make_client(start_server(NOTHING, locale="ja"))
    choice = only_choice(japanese, "Hello", tools=[WEATHER])
    assert re.fullmatch("[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef。 ]+", choice["message"]["content"])
    chunks = japanese.chat("omixa", "Hello", tools=[WEATHER], stream=True).chunks
    assert len(chunks) > 10
    assert "\ufffd" not in "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    document = json.loads(only_choice(japanese, "A person", response_format=SCHEMA)["message"]["content"])
    assert re.search("[\u3000-\u30ff\u4e00-\u9fff]", document["name"])


def test_a_template_has_words_of_the_servers_language(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(
        "fixtures:\n- {match: {}, response: {template: true, text: '{{ fake.name() }}'}}\n", locale="ru_RU"
    )
    assert re.search("[а-яА-Я]", text(make_client(server).chat("omixa")))


def test_an_echo_says_what_the_user_said(start_server: StartServer, make_client: MakeClient) -> None:
    echo = make_client(start_server(NOTHING, reply="echo"))
    assert only_choice(echo, "Say this again.")["message"]["content"] == "Say this again."
    assert only_choice(echo, "my own")["message"]["content"] == "Mine."


def test_lorem_is_latin(start_server: StartServer, make_client: MakeClient) -> None:
    content = only_choice(make_client(start_server(NOTHING, reply="lorem")), "Write 3 sentences")["message"][
        "content"
    ]
    assert content.count(".") == 3
    assert "question" not in content


def test_a_text_is_as_long_as_it_is_asked_to_be(unmatched: Client) -> None:
    assert len(only_choice(unmatched, "Write 80 words about the sea")["message"]["content"].split()) == 80


def test_each_choice_says_something_else(unmatched: Client) -> None:
    reply = unmatched.chat("omixa", "Tell me something", n=4)
    assert len({one["message"]["content"] for one in reply.json["choices"]}) == 4


# --- limits


@pytest.mark.parametrize(
    ("model", "effort", "most", "text_chunks"),
    [
        ("o1-preview", "low", 64, 0),
        ("o1-preview", "low", 10, 0),
        ("o1-preview", "low", 70, 6),
        ("o1-preview", None, 260, 4),
        ("o1-preview", "high", 260, 0),
        ("some-model", "high", 6, 6),
    ],
)
def test_a_limit_is_used_up_by_thinking_first(
    unmatched: Client, model: str, effort: str | None, most: int, text_chunks: int
) -> None:
    body: Json = {"model": model, "max_completion_tokens": most} | (
        {"reasoning_effort": effort} if effort else {}
    )
    choice = only_choice(unmatched, "Write 80 words about the sea", **body)
    assert choice["finish_reason"] == "length"
    assert choice["usage"]["completion_tokens"] == most
    chunks = unmatched.chat("omixa", "Write 80 words about the sea", stream=True, **body).chunks
    assert len(chunks) - 2 == text_chunks  # without the first and the last chunk


def test_every_choice_is_thought_about_on_its_own(unmatched: Client) -> None:
    asked: Json = {"model": "o3-mini", "reasoning_effort": "low"}
    one, two = (unmatched.chat("aimlapi", "Hello there", n=n, **asked).json["usage"] for n in (1, 2))
    assert one["completion_tokens_details"]["reasoning_tokens"] == 64
    assert two["completion_tokens_details"]["reasoning_tokens"] == 128
    silent = unmatched.chat("aimlapi", "Hello there", n=2, max_completion_tokens=64, **asked).json["usage"]
    assert silent["completion_tokens_details"]["reasoning_tokens"] == 128


def test_a_limit_leaves_calls_and_documents_whole_or_silent(unmatched: Client) -> None:
    asked: Json = {"model": "o1-preview", "reasoning_effort": "low", "max_completion_tokens": 65}
    assert arguments(only_choice(unmatched, "the weather in Paris", tools=[WEATHER], **asked)) == [
        {"city": "Paris"}
    ]
    document = only_choice(unmatched, "Jason is 25", response_format=SCHEMA, **asked)
    assert json.loads(document["message"]["content"])
    nothing = only_choice(
        unmatched, "the weather in Paris", tools=[WEATHER], **asked | {"max_completion_tokens": 64}
    )
    assert not nothing["message"].get("tool_calls")
    assert nothing["finish_reason"] == "length"


def test_a_fixture_is_heard_however_much_the_model_would_think(unmatched: Client) -> None:
    choice = only_choice(unmatched, "my own", model="o1-preview", max_completion_tokens=5)
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Mine.", "stop")


def test_generated_reasoning_is_sent_where_it_is_asked_for(unmatched: Client) -> None:
    choice = only_choice(unmatched, "Why?", model="o1-preview", show_thinking=True)
    thoughts = choice["message"]["reasoning_content"]
    assert len(thoughts.split(". ")) == 2
    assert thoughts != choice["message"]["content"]
    assert choice["usage"]["completion_tokens"] > len(thoughts.split())
    for vendor, asked in (("omixa", False), ("aimlapi", True)):
        reply = unmatched.chat(vendor, "Why?", model="deepseek-r1", show_thinking=asked)
        assert b"reasoning_content" not in reply.body


def test_a_limit_cuts_generated_reasoning_first(unmatched: Client) -> None:
    asked: Json = {"model": "o1-preview", "show_thinking": True}
    whole = only_choice(unmatched, "Why?", **asked)["message"]["reasoning_content"]
    choice = only_choice(unmatched, "Why?", max_tokens=3, **asked)
    assert (choice["message"]["content"], choice["finish_reason"]) == ("", "length")
    assert whole.startswith(choice["message"]["reasoning_content"])
    assert len(choice["message"]["reasoning_content"]) < len(whole)
    roomy = only_choice(unmatched, "Why?", max_tokens=500, **asked)
    assert roomy["message"]["reasoning_content"] == whole


def test_a_stop_sequence_ends_a_text_that_a_limit_would_cut_later(unmatched: Client) -> None:
    whole = only_choice(unmatched, "Write 80 words about the sea")["message"]["content"]
    first = whole.partition(".")[0]
    choice = only_choice(
        unmatched, "Write 80 words about the sea", stop=["."], max_completion_tokens=300, model="o1-preview"
    )
    other = only_choice(unmatched, "Write 80 words about the sea", stop=["."])
    assert other["message"]["content"] == first
    assert choice["finish_reason"] == other["finish_reason"] == "stop"
