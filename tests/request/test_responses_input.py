"""What fixtures see of a request to the Responses API: the chat request that says the same."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.request.responses_input import (
    Conversation,
    asks_for_summary,
    convert_input,
    convert_responses_body,
    iter_references,
)

Json = dict[str, Any]
HI = {"role": "user", "content": "Hi"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"}
CALLED = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "21"}
SCHEMA = {"name": "s", "schema": {"type": "object"}, "strict": True}


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        ("Hi", [HI]),
        ([HI, {"type": "message", **HI}], [HI, HI]),
        ([{"role": "user", "content": [{"type": "input_text", "text": "a"}, 3]}],
         [{"role": "user", "content": [{"type": "text", "text": "a"}]}]),
        ([{"role": "user", "content": [{"type": "input_image", "image_url": "data:x", "detail": "low"}]}],
         [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x", "detail": "low"}}]}]),
        ([{"role": "user", "content": [{"type": "input_image", "image_url": "data:x"}]}],
         [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]),
        ([{"role": "user", "content": [{"type": "input_file", "file_id": "f"}, {"type": "other"}]}],
         [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}, {"type": "other"}]}]),
        ([CALL, CALL, OUTPUT],
         [{"role": "assistant", "content": None, "tool_calls": [CALLED, CALLED]},
          {"role": "tool", "tool_call_id": "c1", "content": "21"}]),
        ([{"role": "assistant", "content": "On it."}, CALL],
         [{"role": "assistant", "content": "On it.", "tool_calls": [CALLED]}]),
        ([{"type": "reasoning", "id": "rs", "summary": []}, {"type": "item_reference", "id": "known"}, HI], [HI, HI]),
        ([{"type": "item_reference", "id": "unknown"}, {"type": "item_reference"}, 7, {"role": 7}], []),
        (None, []),
    ],
)  # fmt: skip
def test_the_input_becomes_messages(given: Any, messages: list[Json]) -> None:
    assert convert_input(given, {"known": HI}) == messages


@pytest.mark.parametrize(
    ("given", "converted"),
    [
        ({"instructions": "Be brief.", "model": "m", "stream": True},
         {"model": "m", "stream": True, "messages": [{"role": "system", "content": "Be brief."}]}),
        ({"max_output_tokens": 20, "reasoning": {"effort": "low"}},
         {"max_completion_tokens": 20, "reasoning_effort": "low", "messages": []}),
        ({"max_output_tokens": None, "reasoning": {}, "text": {}, "tools": None}, {"messages": []}),
        ({"tools": [{"type": "function", "name": "f", "parameters": {}}, {"type": "web_search"}, 1]},
         {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}, {"type": "web_search"}],
          "messages": []}),
        ({"tool_choice": {"type": "function", "name": "f"}},
         {"tool_choice": {"type": "function", "function": {"name": "f"}}, "messages": []}),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}},
         {"tool_choice": {"type": "allowed_tools", "allowed_tools": {
             "mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]}}, "messages": []}),
        ({"tool_choice": "none"}, {"tool_choice": "none", "messages": []}),
        ({"text": {"format": {"type": "json_schema", **SCHEMA}}},
         {"response_format": {"type": "json_schema", "json_schema": SCHEMA}, "messages": []}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}, "messages": []}),
    ],
)  # fmt: skip
def test_each_field_has_its_counterpart(given: Json, converted: Json) -> None:
    assert convert_responses_body(given, None) == converted


def test_an_earlier_conversation_comes_after_the_instructions() -> None:
    earlier = Conversation((HI,), {"i": {"role": "user", "content": "Again"}})
    body = {"instructions": "x", "input": [{"type": "item_reference", "id": "i"}]}
    messages = convert_responses_body(body, earlier)["messages"]
    assert [message["content"] for message in messages] == ["x", "Hi", "Again"]
    assert list(iter_references(body["input"])) == ["i"]
    assert list(iter_references("Hi")) == list(iter_references([HI])) == []


@pytest.mark.parametrize(
    ("reasoning", "asked"),
    [({"summary": "auto"}, True), ({"generate_summary": "auto"}, True), ({"effort": "low"}, False), (None, False)],
)  # fmt: skip
def test_a_summary_is_sent_if_it_is_asked_for(reasoning: Any, asked: bool) -> None:
    assert asks_for_summary({"reasoning": reasoning}) is asked
