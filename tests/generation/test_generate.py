"""Generated replies: tool calls, documents and texts, the same for the same request."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.generation.faker_text import MAX_ECHO_LENGTH, generate_text
from mockserver.generation.generate import (
    MAX_QUOTED_LENGTH,
    TOOL_RESULT_REPLIES,
    GeneratedReply,
    GenerationRequest,
    ReplyGenerator,
)


def generate_reply(
    request: GenerationRequest,
    index: int = 0,
    seed: object = None,
    locale: str = "en_US",
    mode: str = "faker",
) -> GeneratedReply:
    return ReplyGenerator(request, seed, locale, mode).generate(index)


def tool(name: str, parameters: object = None) -> dict[str, object]:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
        "required": ["city"],
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "parameters": parameters or schema}}


WEATHER, MAIL, TIME = tool("get_current_weather"), tool("sendEmail"), tool("get-time")
TOOLS = (WEATHER, MAIL, TIME)
REQUIRED = GenerationRequest(user_text="hello", tools=TOOLS, tool_choice="required")
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
FORM = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": PERSON}}
NAMED = {"type": "function", "function": {"name": "sendEmail"}}


def called_tools(request: GenerationRequest) -> list[str]:
    return [name for name, _ in generate_reply(request).tool_calls]


def allowed(mode: str, *names: str) -> dict[str, object]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [tool(name) for name in names]}}


@pytest.mark.parametrize("result", [None, ("get-time", "12:30")])
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("required", "get_current_weather"),
        ("any", "get_current_weather"),
        (NAMED, "sendEmail"),
        ({"type": "function", "name": "sendEmail"}, "sendEmail"),
        ({"type": "function", "function": {"name": "unheard_of"}}, "unheard_of"),
        (allowed("required", "get-time"), "get-time"),
    ],
)
def test_a_call_that_is_required_is_made_even_after_a_result(
    choice: object, expected: str, result: tuple[str, str] | None
) -> None:
    reply = generate_reply(replace(REQUIRED, tool_choice=choice, tool_result=result))
    assert reply.text is None
    assert [name for name, _ in reply.tool_calls] == [expected]


@pytest.mark.parametrize(
    "choice", [None, "auto", allowed("auto", "get_current_weather", "sendEmail", "get-time")]
)
@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("What's the weather in Paris?", ["get_current_weather"]),
        ("please GET_CURRENT_WEATHER", ["get_current_weather"]),
        ("get current weather now", ["get_current_weather"]),
        ("use sendEmail", ["sendEmail"]),
        ("send email to Ada", ["sendEmail"]),
        ("an email about the weather", ["get_current_weather", "sendEmail"]),
        ("weathered timeline of emails", []),
        ("hello", []),
        ("send it", []),
        ("", []),
    ],
)
def test_a_call_is_made_when_the_message_names_a_tool(user: str, expected: list[str], choice: object) -> None:
    request = GenerationRequest(user_text=user, tools=TOOLS, tool_choice=choice)
    assert called_tools(request) == expected
    assert called_tools(replace(request, parallel_tool_calls=False)) == expected[:1]


@pytest.mark.parametrize(
    ("name", "user", "expected"),
    [
        ("add", "add 2 and 3", True),
        ("add", "an address", False),
        ("final_answer", "answer me", False),
        ("_", "anything _", False),
        ("получить_погоду", "погоду получить", True),
    ],
)
def test_a_tools_verbs_alone_do_not_name_it(name: str, user: str, expected: bool) -> None:
    assert bool(called_tools(GenerationRequest(user_text=user, tools=[tool(name)]))) is expected


@pytest.mark.parametrize("choice", ["none", allowed("auto", "get-time"), allowed("required")])
def test_a_tool_that_may_not_be_called_is_not(choice: object) -> None:
    assert generate_reply(GenerationRequest(user_text="the weather", tools=TOOLS, tool_choice=choice)).text


@pytest.mark.parametrize(
    "tools", [(), (5,), ({"type": "custom", "custom": {"name": "get"}},), ({"function": {}},)]
)
def test_no_tool_that_can_be_called_is_no_call(tools: tuple[object, ...]) -> None:
    assert generate_reply(GenerationRequest(user_text="get", tools=tools, tool_choice="required")).text


@pytest.mark.parametrize("choice", ["required", "auto"])
def test_a_message_that_names_tools_chooses_among_them(choice: str) -> None:
    assert called_tools(GenerationRequest(user_text="What time is it?", tools=TOOLS, tool_choice=choice)) == [
        "get-time"
    ]


def test_a_mail_goes_to_each_address_that_is_listed() -> None:
    parameters = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
    reply = generate_reply(
        GenerationRequest(user_text="email a@b.io and c@d.io", tools=[tool("send_email", parameters)])
    )
    assert [arguments for _, arguments in reply.tool_calls] == [{"to": "a@b.io"}, {"to": "c@d.io"}]


def test_the_arguments_validate_and_take_what_the_message_offers() -> None:
    ((_, arguments),) = generate_reply(
        GenerationRequest(user_text="weather in Paris for 3 days", tools=TOOLS)
    ).tool_calls
    assert arguments == {"city": "Paris", "days": 3}


@pytest.mark.parametrize("parameters", [5, {"type": "string"}, {"type": "object"}])
def test_arguments_are_an_object_whatever_the_schema(parameters: object) -> None:
    assert generate_reply(
        GenerationRequest(tools=[tool("f", parameters)], tool_choice="required")
    ).tool_calls == (("f", {}),)


def test_a_tool_without_parameters_takes_none() -> None:
    assert generate_reply(
        GenerationRequest(tools=[{"function": {"name": "f"}}], tool_choice="required")
    ).tool_calls == (("f", {}),)


def test_a_result_is_quoted_and_the_loop_ends() -> None:
    reply = generate_reply(
        GenerationRequest(user_text="the weather", tools=TOOLS, tool_result=("get_weather", "21 °C {sunny}"))
    )
    assert reply.text is not None
    assert "get_weather" in reply.text
    assert "21 °C {sunny}" in reply.text
    assert reply.tool_calls == ()


def test_a_long_result_is_quoted_in_part_and_a_nameless_one_without_a_name() -> None:
    text = generate_reply(GenerationRequest(tool_result=(None, "x" * 10_000))).text or ""
    assert len(text) < MAX_QUOTED_LENGTH + 100
    assert "the tool" in text


@pytest.mark.parametrize("result", [None, ("get-time", "12:30")])
def test_a_document_that_is_asked_for_validates(result: tuple[str, str] | None) -> None:
    text = (
        generate_reply(
            GenerationRequest(user_text="Jason is 25", tools=TOOLS, response_format=FORM, tool_result=result)
        ).text
        or ""
    )
    assert json.loads(text) == {"name": "Jason", "age": 25}
    assert jsonschema_rs.is_valid(PERSON, json.loads(text))


@pytest.mark.parametrize("form", [{"type": "json_object"}, {"type": "json_schema"}])
def test_a_json_object_is_one(form: object) -> None:
    assert isinstance(
        json.loads(generate_reply(GenerationRequest(user_text="5", response_format=form)).text or ""), dict
    )


@pytest.mark.parametrize("form", [None, {"type": "text"}, "json_object"])
def test_a_text_is_two_or_three_sentences(form: object) -> None:
    text = generate_reply(GenerationRequest(user_text="hello", response_format=form)).text or ""
    assert 2 <= text.count(".") <= 3
    assert 30 < len(text) < 300


@given(
    st.text(), st.integers(0, 126), st.sampled_from(["faker", "lorem"]), st.sampled_from(["en_US", "de_DE"])
)
@settings(deadline=None)
def test_two_choices_side_by_side_differ(user: str, choice: int, mode: str, locale: str) -> None:
    request = GenerationRequest(user_text=user, seed_parts=(user,))
    assert generate_reply(request, choice, 1, locale, mode) != generate_reply(
        request, choice + 1, 1, locale, mode
    )
    done = replace(request, tool_result=("f", user))
    assert generate_reply(done, choice) != generate_reply(done, choice + 1)


def test_an_echo_is_bounded() -> None:
    assert len(generate_text("x" * 2_000_000, 1, mode="echo")) == MAX_ECHO_LENGTH


def test_a_tool_with_an_endless_name_is_not_mentioned() -> None:
    assert called_tools(GenerationRequest(user_text="a " * 500, tools=(tool("a_" * 128),))) == ["a_" * 128]
    assert called_tools(GenerationRequest(user_text="a " * 500, tools=(tool("a_" * 129),))) == []


def test_another_request_or_seed_says_something_else() -> None:
    texts = {
        generate_reply(GenerationRequest(seed_parts=parts), 0, seed).text
        for parts in ((), ("a",), ("a", "b"))
        for seed in (1, 2)
    }
    assert len(texts) == 6


def test_the_same_request_gets_the_same_reply_in_every_process() -> None:
    here = [
        generate_reply(REQUIRED, 1, 5),
        generate_reply(GenerationRequest(user_text="hi", seed_parts=("a",)), 1, 5),
    ]
    again = (
        f"[ReplyGenerator({REQUIRED!r}, 5).generate(1), "
        "ReplyGenerator(GenerationRequest(user_text='hi', seed_parts=('a',)), 5).generate(1)]"
    )
    code = f"from mockserver.generation.generate import GenerationRequest, ReplyGenerator; print({again})"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == str(here)


def test_other_replies_between_do_not_change_a_reply() -> None:
    first = generate_reply(REQUIRED, 0, 7)
    generate_reply(GenerationRequest(user_text="something else"), 3, 8)
    assert generate_reply(REQUIRED, 0, 7) == first


def test_a_mode_decides_how_a_free_text_is_made() -> None:
    assert generate_reply(GenerationRequest(user_text="hello"), mode="echo").text == "hello"
    assert (
        generate_reply(GenerationRequest(user_text="hello"), mode="lorem").text
        != generate_reply(GenerationRequest(user_text="hello")).text
    )
    assert generate_reply(replace(REQUIRED, user_text="weather"), mode="echo").tool_calls


def test_faker_is_imported_when_it_is_needed() -> None:
    code = (
        "import sys; from mockserver.generation.generate import GenerationRequest, ReplyGenerator; "
        "ReplyGenerator(GenerationRequest()).generate(0); assert 'faker' not in sys.modules; "
        "ReplyGenerator(GenerationRequest(), locale='ja_JP').generate(0); assert 'faker' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_each_closing_quotes_the_tool_and_its_result() -> None:
    assert all(
        closing.format("f", "x").count("f") and closing.count("{}") == 2 for closing in TOOL_RESULT_REPLIES
    )
