"""Schemas in the prompt: used if the request asks for JSON, ignored otherwise."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.generation.generate import GenerationRequest, ReplyGenerator
from mockserver.generation.generation_budget import GenerationBudget
from mockserver.generation.prompt_schema import (
    MAX_DECODE_ATTEMPTS,
    MAX_SCANNED_LENGTH,
    find_prompted_schema,
    strip_json_documents,
)

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WRITTEN = json.dumps(SCHEMA)
OTHER = {"properties": {"foo": {"type": "array", "items": {"type": "string"}}}, "required": ["foo"]}
DONE = json.dumps({"properties": {"foo": ["bar"]}})
# The prompts of the libraries.
INSTRUCTOR = f"provide the parsed objects in json that match the following json_schema:\n\n{WRITTEN}"
BLOCK = "Return the correct JSON response within a ```json codeblock. not the JSON_SCHEMA"
PYDANTIC_AI = (
    f"Always respond with a JSON object that's compatible with this schema:\n\n{WRITTEN}\n\n"
    "Don't include any text or Markdown fencing before or after."
)
LANGCHAIN = (
    f"The output should be formatted as a JSON instance that conforms to the JSON schema below. As an example, for "
    f"the schema {json.dumps(OTHER)} the object {{}} is one, {DONE} is not. Here is the output schema (shown in a code "
    f"block for readability only — do not include any backticks or Markdown in your output):\n```\n{WRITTEN}\n```"
)
AI_SDK = f"JSON schema:\n{WRITTEN}\nYou MUST answer with a JSON object that matches the JSON schema above."


@pytest.mark.parametrize("json_mode", [True, False])
@pytest.mark.parametrize(
    ("texts", "fenced"),
    [
        ([INSTRUCTOR, "Paris"], False),
        ([INSTRUCTOR, f"Paris\n\n{BLOCK}"], True),
        ([PYDANTIC_AI, "Paris"], False),
        (["Be brief.", LANGCHAIN], False),
        ([AI_SDK, "Paris"], False),
        ([f"Return JSON in a code block: {WRITTEN}"], True),
        ([f"Return JSON: {json.dumps(OTHER)}", f"Now this: {WRITTEN}", "Go on."], False),
    ],
)
def test_the_last_schema_of_the_prompt_is_followed(texts: list[str], fenced: bool, json_mode: bool) -> None:
    found = find_prompted_schema(texts, json_mode, GenerationBudget())
    assert found is not None
    assert found.schema == SCHEMA
    assert found.fenced is (fenced and not json_mode)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Return JSON.",
        "Return JSON: { not",
        f"Return JSON like {DONE}",
        'Return JSON like {"type": "array", "items": [1]}, {"anyOf": 5} or {"type": "object"}',
        "Return JSON: " + "{" * (MAX_DECODE_ATTEMPTS + 5) + WRITTEN,
        "Return JSON: " + "[" * 100_000 + "{",
        'Return JSON: {"properties": {"a": {"const": NaN}}}',
        'Return JSON: {"properties": {"a": {"const": -Infinity}}}',
        'Return JSON: {"properties": {"a": {"const": 1e999}}}',
        'Return JSON: {"properties": {"a": {"const": "\\ud800"}}}',
        'Return JSON: {"properties": {"a": {"const": 123456789012345678901234567890}}}',
    ],
)
def test_what_is_no_schema_is_not_followed(text: str) -> None:
    assert find_prompted_schema([text], True, GenerationBudget()) is None


@pytest.mark.parametrize(
    "text", [f"Return the thing: {WRITTEN}", f"What does this JSON mean? {WRITTEN}", WRITTEN]
)
def test_a_schema_is_only_followed_where_json_is_asked_for(text: str) -> None:
    assert find_prompted_schema([text], False, GenerationBudget()) is None
    assert find_prompted_schema([text], True, GenerationBudget()) is not None


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/A", "$defs": {"A": SCHEMA}},
        {"anyOf": [SCHEMA, {"type": "null"}]},
        {"type": "array", "items": SCHEMA},
        {"type": "object", "properties": {}},
        {"properties": {"foo": {"description": "no type, as LangChain has it"}}},
    ],
)
def test_a_schema_may_have_any_form(schema: object) -> None:
    found = find_prompted_schema([f"Return JSON: {json.dumps(schema)}"], False, GenerationBudget())
    assert found is not None
    assert found.schema == schema


def test_values_come_from_the_text_beside_the_schema() -> None:
    assert strip_json_documents(f"a {WRITTEN} b {{ c {DONE}", GenerationBudget()) == "a  b { c "
    request = GenerationRequest(user_text=f"Return JSON for the weather in Paris: {WRITTEN}")
    reply = ReplyGenerator(
        GenerationRequest(user_text=request.user_text, prompts=[request.user_text])
    ).generate(0)
    assert reply.text == '{"city":"Paris"}'


def test_a_block_is_markdown_that_a_client_can_take_out() -> None:
    text = ReplyGenerator(GenerationRequest(prompts=[INSTRUCTOR, BLOCK])).generate(0).text or ""
    assert text.startswith("```json\n{\n")
    assert text.endswith("\n}\n```")
    assert set(json.loads(text.removeprefix("```json").removesuffix("```"))) == {"city"}


def test_json_mode_without_a_schema_gets_a_small_document() -> None:
    request = GenerationRequest(prompts=["Return JSON."], response_format={"type": "json_object"})
    assert set(json.loads(ReplyGenerator(request).generate(0).text or "")) == {"answer", "confidence"}
    following = GenerationRequest(prompts=[INSTRUCTOR], response_format={"type": "json_object"})
    assert set(json.loads(ReplyGenerator(following).generate(0).text or "")) == {"city"}


def test_a_long_message_is_looked_at_from_its_end() -> None:
    assert find_prompted_schema([WRITTEN + "x" * MAX_SCANNED_LENGTH], True, GenerationBudget()) is None
    assert find_prompted_schema(["x" * MAX_SCANNED_LENGTH + WRITTEN], True, GenerationBudget()) is not None


@given(st.lists(st.text('{}[]":, aJSON') | st.just(WRITTEN)), st.booleans())
def test_no_prompt_raises(texts: list[str], json_mode: bool) -> None:
    found = find_prompted_schema(texts, json_mode, GenerationBudget())
    assert found is None or isinstance(found.schema, dict)


def test_a_prompt_of_much_json_is_decoded_in_part() -> None:
    budget = GenerationBudget()
    texts = [WRITTEN, *['{"a": [' + "[1], " * 9_000] * 100]
    assert find_prompted_schema(texts, True, budget) is None
    assert budget.json_characters_left <= 0
    assert find_prompted_schema(texts[:2], True, GenerationBudget()) is not None
