"""The shipped fixtures do not get in the way: each is reached by its own phrase, and by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
import yaml

from mockserver.matching.loader import locate_shipped_fixtures

if TYPE_CHECKING:
    from tests.conftest import Client, MakeClient

VENDORS = ("aimlapi", "segmind", "omixa")
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "feeling",
        "schema": {
            "type": "object",
            "properties": {"sentiment": {"enum": ["positive", "negative"]}},
            "required": ["sentiment"],
        },
    },
}
CALLED = [
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "21 degrees"},
]
WRITTEN = [
    one
    for file in sorted(locate_shipped_fixtures().glob("*.yaml"))
    for one in yaml.safe_load(file.read_text(encoding="utf-8"))["fixtures"]
]
PHRASES = {one["name"]: one["match"]["user"]["equals"] for one in WRITTEN}
ORDINARY: dict[str, dict[str, Any]] = {
    "a question": {"content": "What is the capital of France?"},
    "a greeting in other words": {"content": "Hello there!"},
    "a question about the mock": {
        "content": "How do I mock 429 errors, a mock stream and mock tools in tests?"
    },
    "a schema": {"content": "How do they feel?", "response_format": SCHEMA},
    "a JSON object": {"content": "Answer in JSON.", "response_format": {"type": "json_object"}},
    "a tool": {"content": "What is the weather in Paris?", "tools": [WEATHER]},
    "a forced tool": {"content": "And in Rome?", "tools": [WEATHER], "tool_choice": "required"},
    "a tool's result": {
        "content": [{"role": "user", "content": "Weather?"}, *CALLED],
        "tools": [WEATHER],
        "model": "o3-mini",
    },
    "an image": {
        "model": "o1",
        "content": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Who painted this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                ],
            }
        ],
    },
    "several choices": {"content": "Two ideas, please.", "n": 2},
}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("stream", [False, True], ids=["body", "stream"])
@pytest.mark.parametrize("request_", ORDINARY.values(), ids=ORDINARY)
def test_an_ordinary_request_reaches_none_of_them(
    client: Client, vendor: str, stream: bool, request_: dict[str, Any]
) -> None:
    reply = client.chat(vendor, stream=stream, **request_)
    assert reply.headers["x-mock-fixture"] == ""
    assert reply.status in (200, 201)


@pytest.mark.parametrize("one", WRITTEN, ids=lambda one: one["name"])
def test_each_is_reached_by_its_phrase(client: Client, one: dict[str, Any]) -> None:
    assert one["name"] in reached(client, one)


@pytest.mark.parametrize(
    "phrase", sorted({phrase for phrase in PHRASES.values() if phrase.startswith("mock")})
)
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_phrase_is_understood_by_every_vendor(client: Client, vendor: str, phrase: str) -> None:
    named = [name for name, its in PHRASES.items() if its == phrase]
    assert begun(client, vendor, phrase) == named[0]


def test_a_phrase_is_all_of_the_message(client: Client) -> None:
    for phrase in set(PHRASES.values()):
        assert fixture(client.chat("aimlapi", f"{phrase} please")) == ""


def test_a_name_begins_with_its_phrase_and_is_the_only_one() -> None:
    for name, phrase in PHRASES.items():
        assert not phrase.startswith("mock") or name.startswith(phrase)
    assert len(PHRASES) == len(WRITTEN)


@pytest.mark.parametrize(
    ("number", "statuses"),
    [(number, (number,) * 3) for number in (401, 402, 403, 404, 429, 500, 502, 503, 504)]
    + [("no credits", (403, 406, 402))],
)
def test_an_error_phrase_is_answered_with_that_status(
    client: Client, number: object, statuses: tuple[int, ...]
) -> None:
    heard = tuple(client.chat(vendor, f"mock {number}").status for vendor in VENDORS)
    assert heard == statuses


def test_a_rate_limit_says_when_to_try_again(client: Client) -> None:
    assert client.chat("omixa", "mock busy").headers["retry-after"] == "2"


def test_a_retry_hears_429_twice_and_then_the_text(client: Client) -> None:
    replies = [client.chat("omixa", "mock retry") for _ in range(4)]
    assert [reply.status for reply in replies] == [429, 429, 200, 200]
    assert replies[0].headers["retry-after-ms"] == "20"
    assert replies[3].json["choices"][0]["message"]["content"] == "Third time lucky."


def test_each_session_hears_a_sequence_from_its_beginning(make_client: MakeClient) -> None:
    assert [make_client().chat("omixa", "mock retry").status for _ in range(3)] == [429, 429, 429]


def test_a_number_of_times_is_kept_and_then_the_next_fixture_answers(client: Client) -> None:
    heard = [fixture(client.chat("segmind", "mock twice")) for _ in range(4)]
    assert heard == ["mock twice", "mock twice", "mock twice, then", "mock twice, then"]


def test_a_client_that_says_it_tries_again_is_told_something_else(client: Client) -> None:
    statuses = [
        client.chat("omixa", "mock flaky", {"x-stainless-retry-count": str(count)}).status
        for count in range(3)
    ]
    assert statuses == [503, 200, 200]


def test_a_tools_result_is_closed_with_a_text(client: Client) -> None:
    messages: list[Any] = [{"role": "user", "content": "mock tools"}, *CALLED]
    reply = client.chat("omixa", messages)
    assert reply.json["choices"][0]["message"] == {"role": "assistant", "content": "It is 21 °C in Paris."}
    assert reply.json["choices"][0]["finish_reason"] == "stop"


def test_a_raw_body_is_heard_byte_for_byte(client: Client) -> None:
    for stream in (False, True):
        reply = client.chat("segmind", "mock raw body", stream=stream)
        assert (reply.status, reply.headers["content-type"]) == (502, "text/html")
        assert reply.body == b"<html><body><h1>502 Bad Gateway</h1></body></html>\n"


def test_raw_lines_are_heard_byte_for_byte(client: Client) -> None:
    reply = client.chat("aimlapi", "mock raw sse")
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    head, chunk, done, rest = reply.body.split(b"\n\n")
    assert (head, done, rest) == (b": this is a comment", b"data: [DONE]", b"")
    assert chunk.startswith(b'data: {"id":"1","object":"chat.completion.chunk"')


def test_a_gateway_speaks_in_the_vendors_place(client: Client) -> None:
    heard = {phrase: client.chat("aimlapi", f"mock {phrase}") for phrase in ("proxy", "blank", "wrapped")}
    assert [reply.status for reply in heard.values()] == [502, 503, 500]
    assert b"<title>502 Bad Gateway</title>" in heard["proxy"].body
    assert heard["blank"].body == b""
    assert heard["wrapped"].json["message"].startswith('400 {"type":"error",')
    assert "Unable to access model gpt-4o-mini. " in heard["wrapped"].json["error"]["message"]


def test_reasoning_is_heard_where_the_vendor_sends_it_and_counted_everywhere(client: Client) -> None:
    heard = {vendor: client.chat(vendor, "mock reasoning", show_thinking=True).json for vendor in VENDORS}
    thoughts = [one["choices"][0]["message"].get("reasoning_content") for one in heard.values()]
    assert thoughts == [None, None, "17*20=340, 17*3=51, and 340+51=391."]
    assert "reasoning_content" not in client.chat("omixa", "mock reasoning").json["choices"][0]["message"]
    aloud = client.chat("aimlapi", "mock reasoning", model="deepseek/deepseek-r1").json["choices"][0][
        "message"
    ]
    assert aloud["reasoning_content"] == thoughts[2]
    details = heard["aimlapi"]["usage"]["completion_tokens_details"]
    assert 0 < details["reasoning_tokens"] < heard["omixa"]["usage"]["completion_tokens"]


def reached(client: Client, one: dict[str, Any]) -> set[str]:
    """The fixtures that answer a request made for this one: its phrase, and whatever else it asks for."""
    match = one["match"]
    phrase = match["user"]["equals"]
    content: list[Any] = [{"type": "text", "text": phrase}]
    if match.get("image"):
        content.append({"type": "image_url", "image_url": {"url": "data:,"}})
    messages = [{"role": "user", "content": content}, *(CALLED if match.get("tool_result") else ())]
    stated = match.get("model", "o1-preview")
    model = (stated[0] if isinstance(stated, list) else stated).rstrip("*")
    vendor = match.get("vendor", "omixa")
    attempts = ({"x-stainless-retry-count": str(attempt)} for attempt in range(3))
    return {begun(client, vendor, messages, headers, model=model) for headers in attempts}


def begun(client: Client, *asked: Any, **body: Any) -> str:
    """The fixture of an answer that has begun; nobody waits for the rest of it, which may never come."""
    name = fixture(client.send(*asked, **body))
    client.connection.close()
    return name


def fixture(reply: Any) -> str:
    name: str = unquote(reply.headers["x-mock-fixture"])
    return name
