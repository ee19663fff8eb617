"""A request is held to what its vendor says of the model, and refused in the vendor's words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mockserver.testing import MockServer
from mockserver.validation.zod_issues import format_issues

if TYPE_CHECKING:
    from tests.conftest import Client, MakeClient, ProfileError, StartServer

Json = dict[str, Any]
SYSTEM = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]
LOUD = {
    "received": "loud",
    "code": "invalid_enum_value",
    "options": ["low", "medium", "high"],
    "path": ["reasoning_effort"],
    "message": "Invalid enum value. Expected 'low' | 'medium' | 'high', received 'loud'",
}
NO_MESSAGES = {
    "code": "invalid_type",
    "expected": "array",
    "received": "undefined",
    "path": ["messages"],
    "message": "Required",
}
SPELLED = f"reasoning_effort: {LOUD['message']}"


# --- what a model is held to


@pytest.mark.parametrize(
    ("vendor", "model", "body"),
    [
        # not in its schema, and so stripped
        ("aimlapi", "o1-preview", {"temperature": 0.2, "top_p": 0.5, "frequency_penalty": 9, "reasoning_effort": "x"}),
        ("aimlapi", "o1-mini", {"n": None, "max_tokens": 1, "max_completion_tokens": 1, "seed": 1}),
        ("aimlapi", "o1-preview", {"stream_options": {"include_usage": True}}),
        ("aimlapi", "o3-mini", {"reasoning_effort": "low", "response_format": {"type": "json_object"}}),
        ("aimlapi", "o3-mini", {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
                                "tool_choice": "auto", "provider": "OpenAI"}),
        ("aimlapi", "o3-mini", {"tool_choice": {"type": "function", "function": {"name": "f"}}, "n": 2}),
        ("aimlapi", "gpt-4o", {"reasoning_effort": "none", "max_tokens": 0, "seed": -9007199254740991}),
        ("omixa", "o1-preview", {"service_tier": "priority", "reasoning_effort": "low", "show_thinking": True}),
        ("omixa", "o3-mini", {"reasoning_effort": "none", "service_tier": "flex"}),
        ("segmind", "o1-preview", {"reasoning_effort": "none", "anything": ["goes"]}),
    ],
)  # fmt: skip
def test_what_a_vendor_takes_is_taken(client: Client, vendor: str, model: str, body: Json) -> None:
    assert client.chat(vendor, model=model, **body).status in (200, 201)


@pytest.mark.parametrize(
    ("vendor", "model", "body", "words"),
    [
        ("aimlapi", "o1-preview", {"max_tokens": 0}, "max_tokens: Number must be greater than or equal to 1"),
        ("aimlapi", "o1-mini", {"seed": 0}, "seed: Number must be greater than or equal to 1"),
        ("aimlapi", "o1-mini-2024-09-12", {"seed": 1.5}, "seed: Expected integer, received float"),
        ("aimlapi", "o1-preview", {"stream_options": {}}, "stream_options.include_usage: Required"),
        ("aimlapi", "o3-mini", {"reasoning_effort": "loud"}, SPELLED),
        ("aimlapi", "o3-mini", {"response_format": {"type": "xml"}},
         "response_format.type: Invalid discriminator value. Expected 'text' | 'json_object' | 'json_schema'"),
        ("aimlapi", "o3-mini", {"response_format": {"type": "json_schema"}}, "response_format.json_schema: Required"),
        ("aimlapi", "o3-mini", {"tools": [{"type": "code", "function": {"name": "f", "parameters": {}}}]},
         'tools.0.type: Invalid literal value, expected "function"'),
        ("aimlapi", "o3-mini", {"tools": [{"type": "function", "function": {"parameters": {}}}]},
         "tools.0.function.name: Required"),
        ("aimlapi", "o3-mini", {"tools": [{"type": "function", "function": {"name": "f"}}]},
         "tools.0.function.parameters: Required"),
        ("aimlapi", "o3-mini", {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": []}}},
         "response_format.json_schema.schema: Expected object, received array"),
        ("aimlapi", "o3-mini", {"provider": 1}, "provider: Expected string, received number"),
        ("aimlapi", "o3-mini", {"tool_choice": "always"},
         "tool_choice: Invalid enum value. Expected 'none' | 'auto' | 'required', received 'always'"),
        ("omixa", "o1-preview", {"reasoning_effort": "loud"}, SPELLED),
        ("omixa", "o1-preview", {"service_tier": "flex"},
         "service_tier: Invalid enum value. Expected 'auto' | 'default' | 'priority', received 'flex'"),
        ("omixa", "o1-preview", {"max_tokens": 1.5}, "max_tokens: Expected integer, received float"),
    ],
)  # fmt: skip
def test_what_a_vendor_does_not_take_is_refused(
    client: Client, vendor: str, model: str, body: Json, words: str
) -> None:
    heard = client.chat(vendor, model=model, **body)
    assert heard.status == {"aimlapi": 400, "omixa": 422}[vendor]
    error = heard.json["error"]
    assert (format_issues(error["data"]) if vendor == "aimlapi" else error["message"]).endswith(words)


IMAGE: Json = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
TEXT: Json = {"type": "text", "text": "Hello"}


@pytest.mark.parametrize("model", ["o1-preview", "o1-mini", "o1-mini-2024-09-12", "o3-mini"])
def test_a_model_of_text_alone_refuses_an_image(client: Client, model: str) -> None:
    heard = client.chat(content=[{"role": "user", "content": [TEXT, IMAGE]}], model=model)
    assert heard.status == 400
    told = format_issues(heard.json["error"]["data"])
    assert "messages.0.content.1.type: Invalid discriminator value. Expected 'text'" in told
    assert client.chat(content=[{"role": "user", "content": [TEXT, TEXT]}], model=model).status in (200, 201)


@pytest.mark.parametrize(
    ("vendor", "model"),
    [("aimlapi", "o1"), ("aimlapi", "gpt-4o"), ("omixa", "o1-preview"), ("omixa", "o3-mini")],
)
def test_an_image_is_seen_elsewhere(client: Client, vendor: str, model: str) -> None:
    said = [{"role": "user", "content": [TEXT, IMAGE]}]
    assert client.chat(vendor, said, model=model).status in (200, 201)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"role": "user", "content": [{"type": "text"}]}, "messages.0.content.0.text: Required"),
        ({"role": "user", "content": ["Hello"]}, "messages.0.content.0: Expected object, received string"),
        ({"role": "user", "content": [{"type": "refusal", "refusal": "No."}]}, "Expected 'text'"),
        ({"role": "assistant", "content": [IMAGE]}, "Expected 'text' | 'refusal'"),
        ({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, None),
        ({"role": "assistant", "content": None}, None),
        ({"role": "tool", "content": [TEXT], "tool_call_id": "1"}, None),
    ],
)
def test_each_role_has_its_own_parts(client: Client, message: Json, words: str | None) -> None:
    heard = client.chat(content=[message], model="o3-mini")
    assert words in format_issues(heard.json["error"]["data"]) if words else heard.status == 200


def test_a_tools_message_must_say_which_call_it_answers(client: Client) -> None:
    said = [{"role": "user", "content": "Hello"}, {"role": "tool", "content": "sunny"}]
    assert client.chat(content=said, model="gpt-4o").status == 201
    heard = client.chat(content=said, model="o3-mini")
    assert format_issues(heard.json["error"]["data"]) == "messages.1.tool_call_id: Required"


@pytest.mark.parametrize("model", ["o1-preview", "o1-mini"])
@pytest.mark.parametrize("role", ["system", "developer", "tool"])
def test_an_o1_hears_users_and_assistants_alone(client: Client, model: str, role: str) -> None:
    said = [{"role": "user", "content": "Hello"}, {"role": role, "content": "Be kind.", "tool_call_id": "1"}]
    heard = client.chat(content=said, model=model)
    assert heard.status == 400
    assert heard.json["message"] == (
        f"Unsupported value: 'messages[1].role' does not support '{role}' with this model."
    )


@pytest.mark.parametrize(
    ("vendor", "model"), [("omixa", "o1-preview"), ("segmind", "o1-preview"), ("aimlapi", "o3-mini")]
)
def test_elsewhere_a_system_message_is_heard(client: Client, vendor: str, model: str) -> None:
    assert client.chat(vendor, SYSTEM, model=model).status in (200, 201)


# --- the words of each generation


@pytest.fixture(scope="module", params=["2026-01", "2026-08"])
def later(request: pytest.FixtureRequest, start_server: StartServer) -> MockServer:
    """A server whose first vendor speaks as in a later generation."""
    return start_server("fixtures: []", f"extends: aimlapi\nenvelope: '{request.param}'\n")


@pytest.mark.parametrize(
    ("body", "issue"),
    [({"model": "o3-mini", "reasoning_effort": "loud"}, LOUD), ({"messages": ...}, NO_MESSAGES)],
)
def test_a_later_generation_carries_zods_issues(
    make_client: MakeClient, later: MockServer, body: Json, issue: Json
) -> None:
    whole = {"model": "o1-preview", "messages": [{"role": "user", "content": "Hello"}], **body}
    client = make_client(later)
    sent = json.dumps({name: value for name, value in whole.items() if value is not ...})
    headers = {"Authorization": "Bearer k", "Content-Type": "application/json"}
    client.connection.request("POST", "/aimlapi/v1/chat/completions", sent, headers)
    response = client.connection.getresponse()
    told = json.loads(response.read())
    assert (response.status, told["title"], told["message"]) == (
        400,
        "Bad Request",
        "Invalid payload provided",
    )
    assert told["error"]["name"] == "BadRequestException"
    assert json.dumps(told["error"]["data"]) == json.dumps([issue])


def test_a_later_generation_passes_on_what_a_model_does_not_hear(
    make_client: MakeClient, later: MockServer
) -> None:
    error = make_client(later).chat(content=SYSTEM).json["error"]
    assert error["message"].startswith("Unsupported value: 'messages[0].role' does not support 'system'")
    assert "data" not in error


# --- a vendor of one's own

FOURTH = """\
extends: omixa
name: fourth
title: Fourth
hosts: []
checks: [body, content_type, key, model, balance]
parameters: {tone: {type: string, enum: [soft, loud], required: true}}
models:
  o1-preview:
    parameters: {n: {type: integer, maximum: 2}, tone: {type: string, enum: [soft], required: true}}
    messages: {user: {mood: {type: [string, number], required: true}}}
"""


@pytest.fixture(scope="module")
def fourth(start_server: StartServer) -> MockServer:
    return start_server("fixtures: []", FOURTH)


@pytest.fixture
def stranger(make_client: MakeClient, fourth: MockServer) -> Client:
    """A client of a vendor of which no line of code knows."""
    return make_client(fourth)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"model": "any", "tone": "loud"}, None),
        ({"model": "any", "tone": "loud", "n": 3}, None),
        ({"model": "any"}, "tone: Required"),
        ({"model": "any", "tone": "harsh"}, "tone: Invalid enum value. Expected 'soft' | 'loud', received 'harsh'"),
        ({"tone": "loud"}, 'messages.0.mood: Required; tone: Invalid literal value, expected "soft"'),
        ({"tone": "soft", "n": 3}, "messages.0.mood: Required; n: Number must be less than or equal to 2"),
        ({"tone": "soft", "n": 0}, "messages.0.mood: Required; n: Number must be greater than or equal to 1"),
    ],
)  # fmt: skip
def test_a_vendor_of_ones_own_says_what_it_takes(stranger: Client, body: Json, words: str | None) -> None:
    heard = stranger.chat("fourth", **body)
    told = None if heard.status == 200 else heard.json["error"]["message"]
    assert told == (words and f"The request payload is invalid. {words}")


def test_a_vendor_of_ones_own_says_what_it_checks_first(stranger: Client) -> None:
    nothing = {"Authorization": "", "Content-Type": "text/plain"}
    asked = {"model": "any", "tone": "soft"}
    codes = [stranger.chat("fourth", headers=nothing).json["error"]["code"]]
    codes += [stranger.chat("fourth", headers=nothing, **asked).json["error"]["code"]]
    codes += [stranger.chat("fourth", headers={"Authorization": ""}, **asked).json["error"]["code"]]
    assert codes == ["validation_failed", "validation_failed", "invalid_api_key"]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{type: text}", "mine.yaml:2:19: parameters.it.type: found text 'text', expected string, number, "),
        ("{minimum: 1}", "parameters.it.minimum: found it without a matching 'type', expected number or "),
        ("{type: array, fields: {}}", "parameters.it.fields: found it without a matching 'type', expected ob"),
        ("{required: true}", "parameters.it.required: found it without a matching 'type', expected string, "),
        ("{type: object, by: type}", "mine.yaml:2:14: parameters.it: found one of 'by' and 'variants', expected both"),
        ("{type: string, enum: []}", "mine.yaml:2:33: parameters.it.enum: found a list of 0, expected a list of at"),
        ("{type: array, items: {typ: string}}", "parameters.it.items.typ: unknown key 'typ', did you mean 'type'?"),
        ("{type: object, fields: {a: {maximum: x}}}", "parameters.it.fields.a.maximum: found text 'x', expected a num"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_rule_is_told_with_its_place(
    profile_error: ProfileError, written: str, problem: str
) -> None:
    assert problem in profile_error(f"extends: omixa\nparameters: {{it: {written}}}\n")
