"""Tests of the body rules: issues with the texts and keys of Zod."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mockserver.memoize import Memo
from mockserver.validation.body_rules import MAX_ISSUES, ROLES, find_body_issues, passes_fast_check
from mockserver.validation.zod_issues import format_issues
from mockserver.vendors.parameter_rules import ParameterRule, ParameterRules
from mockserver.vendors.vendor import Vendor

if TYPE_CHECKING:
    from tests.request_fixtures import ReadRequest

OPTIONS = " | ".join(f"'{role}'" for role in ROLES)
HELLO = [{"role": "user", "content": "Hello"}]
AIMLAPI, SEGMIND = "/aimlapi/v1/chat/completions", "/segmind/v1/o1-preview"


def good(**more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": HELLO, **more}


def message(**parts: Any) -> dict[str, Any]:
    return good(messages=[{"role": "user", "content": "Hello", **parts}])


def assistant(**parts: Any) -> dict[str, Any]:
    return good(messages=[*HELLO, {"role": "assistant", **parts}])


def neither(received: str, other: str = "array") -> str:
    return f"Expected string, received {received}, or Expected {other}, received {received}"


def spelled(read_request: ReadRequest, body: Any, path: str = AIMLAPI) -> str:
    return format_issues(find_body_issues(read_request(body, path=path)))


@pytest.mark.parametrize(
    "body",
    [
        good(),
        good(n=None, stop=None, tools=None, stream=None, seed=None),
        good(
            n=128,
            stop=["a", "b"],
            temperature=0,
            max_tokens=0,
            seed=-9007199254740991,
            reasoning_effort="none",
        ),
        good(n=2.0, max_completion_tokens=100.0),
        good(max_tokens=1.5, stop="a", tool_choice="auto", stream_options={}, stream=False),
        good(
            tools=[{"type": "function"}], tool_choice={"type": "function"}, response_format={"type": "text"}
        ),
        good(frequency_penalty="whatever", unknown=[{}]),
        good(messages=[*HELLO, *HELLO]),
        good(
            messages=[
                {"role": "system", "content": "a"},
                {"role": "system", "content": "b", "name": "c"},
                *HELLO,
            ]
        ),
        message(
            content=[{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:"}}]
        ),
        message(content=""),
        message(content=[]),
        assistant(content=None, tool_calls=[{"id": "1", "function": {"name": "a", "arguments": "{}"}}]),
        assistant(tool_calls=[]),
        assistant(content=None, tool_calls=None),
        good(messages=[{"role": "tool", "content": [{"type": "text", "text": "a"}], "tool_call_id": "1"}]),
    ],
)
def test_bodies_of_real_clients_are_valid(read_request: ReadRequest, body: Any) -> None:
    assert spelled(read_request, body) == ""
    assert passes_fast_check(read_request(body, path=AIMLAPI))  # without the full validation


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "model: Required; messages: Required"),
        (good(model=5), "model: Expected string, received number"),
        (good(model=None), "model: Expected string, received null"),
        (good(model=""), "model: String must contain at least 1 character(s)"),
        (good(messages="Hello"), "messages: Expected array, received string"),
        (good(messages=None), "messages: Expected array, received null"),
        (good(messages={}), "messages: Expected array, received object"),
        (good(messages=[]), "messages: Array must contain at least 1 element(s)"),
        (good(messages=["Hello"]), "messages.0: Expected object, received string"),
        (good(messages=[{}]), f"messages.0.role: Invalid discriminator value. Expected {OPTIONS}"),
        (message(role=1), f"messages.0.role: Invalid discriminator value. Expected {OPTIONS}"),
        (message(role="bot"), f"messages.0.role: Invalid discriminator value. Expected {OPTIONS}"),
        (good(messages=[{"role": "user"}]), "messages.0.content: Required"),
        (message(content=None), f"messages.0.content: {neither('null')}"),
        (message(content=5.5), f"messages.0.content: {neither('number')}"),
        (message(content=["Hello"]), "messages.0.content.0: Expected object, received string"),
        (message(content=[{}]), "messages.0.content.0.type: Required"),
        (message(content=[{"type": None}]), "messages.0.content.0.type: Expected string, received null"),
        (assistant(content=5), f"messages.1.content: {neither('number')}"),
        (assistant(content="", tool_calls={}), "messages.1.tool_calls: Expected array, received object"),
        (good(stream="true"), "stream: Expected boolean, received string"),
        (good(n="2"), "n: Expected number, received string"),
        (good(n=1.5), "n: Expected integer, received float"),
        (good(n=True), "n: Expected number, received boolean"),
        (good(n=0), "n: Number must be greater than or equal to 1"),
        (good(n=129), "n: Number must be less than or equal to 128"),
        (good(n=10**18), "n: Number must be less than or equal to 128"),
        (good(n=10**30), "n: Number must be less than or equal to 128"),
        (good(max_completion_tokens=1.5), "max_completion_tokens: Expected integer, received float"),
        (good(max_tokens="many"), "max_tokens: Expected number, received string"),
        (good(stop=5), f"stop: {neither('number')}"),
        (good(stop=["a", 5]), "stop.1: Expected string, received number"),
        (good(tools={}), "tools: Expected array, received object"),
        (good(tools=["a"]), "tools.0: Expected object, received string"),
        (good(tool_choice=True), f"tool_choice: {neither('boolean', 'object')}"),
        (good(response_format="json"), "response_format: Expected object, received string"),
    ],
)  # fmt: skip
def test_issues_are_formatted_as_text(read_request: ReadRequest, body: Any, words: str) -> None:
    assert spelled(read_request, body) == words


@pytest.mark.parametrize(
    ("body", "issue"),
    [
        (good(messages=5), {"code": "invalid_type", "expected": "array", "received": "number", "path": ["messages"],
                            "message": "Expected array, received number"}),
        ({"model": "m"}, {"code": "invalid_type", "expected": "array", "received": "undefined", "path": ["messages"],
                          "message": "Required"}),
        (message(role="bot"), {"code": "invalid_union_discriminator", "options": list(ROLES),
                               "path": ["messages", 0, "role"],
                               "message": f"Invalid discriminator value. Expected {OPTIONS}"}),
        (good(messages=[]), {"code": "too_small", "minimum": 1, "type": "array", "inclusive": True, "exact": False,
                             "message": "Array must contain at least 1 element(s)", "path": ["messages"]}),
        (good(n=0), {"code": "too_small", "minimum": 1, "type": "number", "inclusive": True, "exact": False,
                     "message": "Number must be greater than or equal to 1", "path": ["n"]}),
        (good(n=200), {"code": "too_big", "maximum": 128, "type": "number", "inclusive": True, "exact": False,
                       "message": "Number must be less than or equal to 128", "path": ["n"]}),
    ],
)  # fmt: skip
def test_an_issue_has_zods_keys_in_zods_order(
    read_request: ReadRequest, body: Any, issue: dict[str, Any]
) -> None:
    [found] = find_body_issues(read_request(body))
    assert json.dumps(found) == json.dumps(issue)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("o1-preview", "max_completion_tokens max_tokens seed"),
        ("o3-mini", "max_completion_tokens max_tokens seed"),
        ("gpt-4o", ""),
    ],
)
def test_a_known_models_bounds_are_checked(read_request: ReadRequest, model: str, told: str) -> None:
    body = good(model=model, max_completion_tokens=0, max_tokens=0, seed=-1)
    found = find_body_issues(read_request(body))
    assert " ".join(issue["path"][0] for issue in found) == told
    assert {issue["message"] for issue in found} <= {"Number must be greater than or equal to 1"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"messages": HELLO}, ""),
        ({"prompt": "Hello"}, ""),
        ({"prompt": "Hello", "n": 0}, "n: Number must be greater than or equal to 1"),
        ({"prompt": 5}, "messages: Required"),
        ({"prompt": "Hello", "messages": None}, "messages: Expected array, received null"),
        ({}, "messages: Required"),
    ],
)
def test_the_path_may_have_the_model_and_a_prompt_replace_messages(
    read_request: ReadRequest, body: Any, words: str
) -> None:
    assert spelled(read_request, body, SEGMIND) == words


def test_a_body_of_many_mistakes_is_refused_in_few_words(read_request: ReadRequest) -> None:
    assert len(find_body_issues(read_request(good(messages=[5] * 100)))) == MAX_ISSUES


@pytest.mark.parametrize("body", [{"model": ["a"], "messages": HELLO}, {"model": "m", "messages": 5}])
def test_a_profile_cannot_relax_the_common_rules(read_request: ReadRequest, body: Any) -> None:
    call = read_request(body, path=AIMLAPI)
    says = ParameterRules({"model": ParameterRule(), "messages": ParameterRule()})
    vendor = Vendor(replace(call.vendor.profile, parameters=says, models=None))
    place = replace(call.route, vendor=vendor)
    other = replace(call, routed_head=replace(call.routed_head, route=place, memo=Memo()), memo=Memo())
    assert not passes_fast_check(other)
    assert find_body_issues(other) != []
