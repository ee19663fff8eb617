"""The rules for requests to the Responses API: texts of Zod, clear refusals of what is not served."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mockserver.errors import ApiError
from mockserver.request.responses_input import Conversation
from mockserver.validation.admission import admit_request
from mockserver.validation.body_rules import find_body_issues
from mockserver.validation.zod_issues import format_issues
from tests.request_fixtures import ReadRequest

PATH = "/aimlapi/v1/responses"
ITEMS = "'message' | 'function_call' | 'function_call_output' | 'reasoning' | 'item_reference'"
USER = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"input": "Hi"}, ""),
        ({"input": [USER, {"type": "message", **USER}], "instructions": None, "reasoning": {"effort": None}}, ""),
        ({"input": [{"role": "assistant", "content": [{"type": "output_text", "text": "x"}]}]}, ""),
        ({"input": [{"type": "reasoning", "id": "rs_1", "summary": []}, {"type": "item_reference", "id": "x"}]}, ""),
        ({}, "input: Required"),
        ({"messages": [USER]}, "input: Required"),
        ({"input": 1}, "input: Expected string, received number, or Expected array, received number"),
        ({"input": ["Hi"]}, "input.0: Expected object, received string"),
        ({"input": [{"role": "robot", "content": "x"}]},
         "input.0.role: Invalid enum value. Expected 'user' | 'assistant' | 'system' | 'developer', received 'robot'"),
        ({"input": [{"role": "user"}]},
         "input.0.content: Required"),
        ({"input": [{"role": "user", "content": [{"text": "x"}]}]}, "input.0.content.0.type: Required"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f"}]}, "input.0.arguments: Required"),
        ({"input": [{"type": "computer_call"}]},
         f"input.0.type: Invalid discriminator value. Expected {ITEMS}"),
        ({"input": "x", "max_output_tokens": 15}, "max_output_tokens: Number must be greater than or equal to 16"),
        ({"input": "x", "text": {"format": {"type": "xml"}}},
         "text.format.type: Invalid discriminator value. Expected 'text' | 'json_object' | 'json_schema'"),
        ({"input": "x", "reasoning": {"effort": "loud"}},
         "reasoning.effort: Invalid enum value. Expected 'low' | 'medium' | 'high', received 'loud'"),
        ({"input": "x", "tools": [{"name": "f"}]}, "tools.0.type: Required"),
    ],
)  # fmt: skip
def test_a_body_is_checked_as_the_vendor_does(
    read_request: ReadRequest, body: dict[str, Any], words: str
) -> None:
    request = read_request({"model": "o3-mini", **body}, path=PATH)
    assert format_issues(find_body_issues(request)) == words


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({}, "", ""),
        ({"background": True}, "invalid_request", "mockserver does not serve `background` of the Responses API"),
        ({"conversation": "c"}, "invalid_request", "mockserver does not serve `conversation` of the Responses API"),
        ({"prompt": {"id": "p"}}, "invalid_request", "mockserver does not serve `prompt` of the Responses API"),
        ({"tools": [{"type": "function", "name": "f"}, {"type": "web_search"}]}, "invalid_request",
         "mockserver does not serve built-in tools, such as 'web_search' of the Responses API"),
        ({"model": "o1-mini"}, "not_found", "AI/ML API does not serve 'o1-mini' at /v1/responses"),
        ({"model": "other"}, "", ""),
    ],
)  # fmt: skip
def test_what_is_not_served_is_refused_clearly(
    read_request: ReadRequest, body: dict[str, Any], kind: str, words: str
) -> None:
    request = read_request({"model": "o3-mini", "input": "Hi", **body}, path=PATH)
    if not kind:
        asyncio.run(admit_request(request))
        return
    with pytest.raises(ApiError) as caught:
        asyncio.run(admit_request(request))
    assert (caught.value.kind, caught.value.message or caught.value.detail) == (kind, words)


def test_what_is_not_stored_is_refused(read_request: ReadRequest) -> None:
    request = read_request({"model": "o3-mini", "input": "Hi"}, path=PATH)
    asyncio.run(admit_request(request.with_conversation(Conversation((USER,)))))
    missing = Conversation(error=ApiError("invalid_request", "Previous response gone."))
    with pytest.raises(ApiError, match="Previous response"):
        asyncio.run(admit_request(request.with_conversation(missing)))


def test_other_vendors_have_no_such_path(read_request: ReadRequest) -> None:
    assert read_request(path="/omixa/api/v1/responses").route.api == "unknown"
