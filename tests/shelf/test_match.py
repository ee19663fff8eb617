"""Every field and every operator: when it holds, and what it says when it does not."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from mockserver.document import parse
from mockserver.errors import InputError
from mockserver.origin import account
from mockserver.record import schema
from mockserver.shelf import matching
from mockserver.shelf.fixture import FILE
from mockserver.shelf.match import masked
from mockserver.shelf.matching import Shelf
from tests.shelf.asking import USER, call, shelf

Json = dict[str, Any]

IMAGE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}
ASKED: list[Json] = [
    USER,
    {
        "role": "assistant",
        "tool_calls": [{"id": "1", "function": {"name": "get_weather", "arguments": "{}"}}],
    },
]
RESULT: Json = {"role": "tool", "tool_call_id": "1", "content": "Sunny, 21 degrees"}
TOOLS = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "get_time")]
FIELDS: Json = {
    "headers": {"x-tenant": "acme", "x-count": "12", "x-api-key": "secret-secret"},
    "temperature": 0.5,
    "stream": True,
    "n": 2,
    "tools": TOOLS,
    "session": "one",
    "stream_options": {"include_usage": True},
    "stop": ["a", "b"],
    "user": None,
    "metadata": {"a": {"b": [{"c": 1}, {"c": 2}]}, "big": 10**18},
}

# A match, and nothing where it holds; or what it says that it missed.
ASKS: list[tuple[str, str]] = [
    ("{}", ""),
    ("vendor: aimlapi", ""),
    ("vendor: segmind", "vendor: expected 'segmind', found 'aimlapi'"),
    ("vendor: [segmind, aimlapi]", ""),
    ("vendor: [segmind, omixa]", "vendor: expected 'segmind' or 'omixa', found 'aimlapi'"),
    ("model: o1-preview", ""),
    ("model: 'o1-*'", ""),
    ("model: '*-preview'", ""),
    ("model: 'o3-*'", "model: expected 'o3-*', found 'o1-preview'"),
    ("model: {equals: 'o1-*'}", "model: expected 'o1-*', found 'o1-preview'"),
    ("model: {glob: 'o1-*'}", ""),
    ("model: {glob: o1}", "model: expected 'o1', found 'o1-preview'"),
    ("session: one", ""),
    ("session: two", "session: expected 'two', found 'one'"),
    ("key: 'sk-*'", ""),
    ("key: sk-1234567890", ""),
    (
        "key: sk-other-other",
        f"key: expected sk-… ({account('sk-other-other')}), found sk-… ({account('sk-1234567890')})",
    ),
    (
        "key: {regex: 'other$'}",
        f"key: expected text like … ({account('other$')}), found sk-… ({account('sk-1234567890')})",
    ),
    ("user: weather", ""),
    ("user: [snow, weather]", ""),
    ("user: snow", "user: expected text with 'snow', found 'What is the Weather in Paris?'"),
    ("user: {contains: WEATHER}", ""),
    ("user: {equals: weather}", "user: expected 'weather', found 'What is the Weather in Paris?'"),
    ("user: {equals: 'What is the Weather in Paris?'}", ""),
    ("user: {regex: 'in (?P<city>[A-Z]\\w+)'}", ""),
    ("user: {regex: '^in'}", "user: expected text like /^in/, found 'What is the Weather in Paris?'"),
    ("user: {glob: 'What*Paris?'}", ""),
    ("user: {contains: weather, regex: Paris}", ""),
    (
        "user: {contains: snow, regex: Rome}",
        "user: expected text with 'snow' and text like /Rome/, found 'What is the Weather in Paris?'",
    ),
    ("user: {any: [snow, {equals: x}, {contains: paris}]}", ""),
    ("user: {all: [weather, paris]}", ""),
    (
        "user: {all: [weather, {any: [rome, {not: paris}]}]}",
        (
            "user: expected text with 'weather' and (text with 'rome' or anything but text with 'paris'), "
            "found 'What is the Weather in Paris?'"
        ),
    ),
    ("user: {not: [rome, london]}", ""),
    (
        "user: {not: [rome, paris]}",
        (
            "user: expected anything but (text with 'rome' or text with 'paris'), "
            "found 'What is the Weather in Paris?'"
        ),
    ),
    ("user: {exists: true}", ""),
    ("user: {exists: false}", "user: expected nothing, found 'What is the Weather in Paris?'"),
    ("system: {exists: false}", ""),
    ("system: pirate", "system: expected text with 'pirate', found no system message"),
    ("any_message: PARIS", ""),
    (
        "any_message: rome",
        "any_message: expected a message: text with 'rome', found 'What is the Weather in Paris?'",
    ),
    ("header: {X-Tenant: acme}", ""),
    ("header: {x-tenant: 'a*'}", ""),
    ("header: {x-tenant: [b, acme]}", ""),
    ("header: {x-tenant: b}", "header.x-tenant: expected 'b', found 'acme'"),
    ("header: {x-none: '*'}", "header.x-none: expected '*', found nothing"),
    ("header: {x-none: {regex: ''}}", "header.x-none: expected text like //, found nothing"),
    ("header: {x-none: {exists: false}}", ""),
    ("header: {x-count: {gt: 11, lte: 12}}", ""),
    ("header: {x-count: {gt: 12}}", "header.x-count: expected more than 12, found '12'"),
    ("header: {x-tenant: {lt: 12}}", "header.x-tenant: expected less than 12, found 'acme'"),
    ("header: {x-api-key: 'secret*', x-tenant: acme}", ""),
    (
        "header: {x-api-key: other-other-other}",
        (
            f"header.x-api-key: expected oth… ({account('other-other-other')}), "
            f"found sec… ({account('secret-secret')})"
        ),
    ),
    ("body: {temperature: 0.5}", ""),
    ("body: {temperature: '0.5'}", "body.temperature: expected '0.5', found 0.5"),
    ("body: {temperature: {gte: 0.5, lt: 1}}", ""),
    ("body: {temperature: {gte: 1}}", "body.temperature: expected at least 1, found 0.5"),
    ("body: {n: 2.0}", ""),
    ("body: {n: true}", "body.n: expected true, found 2"),
    ("body: {n: [1, 2]}", ""),
    ("body: {n: {lte: 1}}", "body.n: expected at most 1, found 2"),
    ("body: {stream: {gt: 0}}", "body.stream: expected more than 0, found true"),
    ("body: {stream_options.include_usage: true}", ""),
    ("body: {stream_options: {equals: {include_usage: true}}}", ""),
    (
        "body: {stream_options: {equals: {include_usage: 1}}}",
        """body.stream_options: expected {"include_usage":1}, found {"include_usage":true}""",
    ),
    ("body: {stream_options: {regex: usage}}", ""),
    ("body: {stop: {equals: [a, b]}}", ""),
    ("body: {stop: {equals: [a]}}", """body.stop: expected ["a"], found ["a","b"]"""),
    ("body: {stop: {contains: b}}", ""),
    ("body: {stop: {contains: c}}", """body.stop: expected text with 'c', found ["a","b"]"""),
    ("body: {stop: {contains: 3}}", """body.stop: expected a list with 3, found ["a","b"]"""),
    ("body: {metadata.a.b.0.c: 1, metadata.a.b.-1.c: 2}", ""),
    ("body: {metadata.a.b.2.c: 1}", "body.metadata.a.b.2.c: expected 1, found nothing"),
    ("body: {metadata.a.b.x: 1}", "body.metadata.a.b.x: expected 1, found nothing"),
    ("body: {metadata.big: {gt: 1}}", ""),
    ("body: {user: null}", ""),
    ("body: {user: {exists: false}}", ""),
    ("body: {user: x}", "body.user: expected 'x', found null"),
    ("body: {none: null}", "body.none: expected null, found nothing"),
    ("body: {none: {exists: true}}", "body.none: expected anything, found nothing"),
    ("tools: get_weather", ""),
    ("tools: [get_weather, get_time]", ""),
    ("tools: true", ""),
    ("tools: false", "tools: expected no tools, found get_weather, get_time"),
    ("tools: [get_weather, buy]", "tools: expected the tools get_weather, buy, found get_weather, get_time"),
    ("tools: buy", "tools: expected the tool buy, found get_weather, get_time"),
    ("tool_result: false", ""),
    ("tool_result: true", "tool_result: expected a tool's result, found no tool's result"),
    ("image: false", ""),
    ("image: true", "image: expected true, found false"),
    ("stream: true", ""),
    ("stream: false", "stream: expected false, found true"),
    ("response_format: text", ""),
    ("response_format: [json_object, text]", ""),
    ("response_format: json_schema", "response_format: expected 'json_schema', found 'text'"),
    ("turn: 1", ""),
    ("turn: [2, 3]", "turn: expected 2 or 3, found 1"),
    ("turn: {gt: 1, not: 3}", "turn: expected more than 1 and anything but 3, found 1"),
    ("attempt: 0", ""),
    ("attempt: {gte: 1}", "attempt: expected at least 1, found 0"),
]


def missed(match: str, asked: Any) -> str:
    one = shelf(f"match: {{{match}}}, response: hi" if match != "{}" else "match: {}, response: hi")
    told = "; ".join(map(str, matching.differences(asked, one.fixtures[0], {})))
    assert (matching.pick(asked, one, {}) is None) is bool(told)
    return told


@pytest.mark.parametrize(("match", "expected"), ASKS)
def test_a_field_holds_or_says_what_it_expected_and_what_it_found(match: str, expected: str) -> None:
    assert missed(match, call(**FIELDS)) == expected


FOUND = "found a result of get_weather: 'Sunny, 21 degrees'"
TALKS: list[tuple[str, list[Json], str]] = [
    ("tool_result: true", [*ASKED, RESULT], ""),
    ("tool_result: false", [*ASKED, RESULT], f"tool_result: expected no tool's result, {FOUND}"),
    ("tool_result: get_weather", [*ASKED, RESULT], ""),
    ("tool_result: 'get_*'", [*ASKED, RESULT], ""),
    ("tool_result: get_time", [*ASKED, RESULT], f"tool_result: expected a result of 'get_time', {FOUND}"),
    ("tool_result: {name: get_weather, contains: sunny, regex: '[0-9]+'}", [*ASKED, RESULT], ""),
    (
        "tool_result: {contains: rain}",
        [*ASKED, RESULT],
        f"tool_result: expected a tool's result and text with 'rain', {FOUND}",
    ),
    ("tool_result: {}", [*ASKED, RESULT], ""),
    (
        "tool_result: x",
        [RESULT],
        "tool_result: expected a result of 'x', found a result of a tool: 'Sunny, 21 degrees'",
    ),
    (
        "tool_result: true",
        [*ASKED, RESULT, USER],
        "tool_result: expected a tool's result, found no tool's result",
    ),
    ("image: true, turn: 2", [USER, IMAGE], ""),
    ("image: false", [IMAGE], "image: expected false, found true"),
    ("user: {equals: ''}", [{"role": "user", "content": ""}], ""),
    ("user: x", [{"role": "system", "content": "x"}], "user: expected text with 'x', found no user message"),
    ("system: be brief", [{"role": "system", "content": "Be brief."}, USER], ""),
    (
        "system: be nice",
        [{"role": "developer", "content": "Be brief."}],
        "system: expected text with 'be nice', found 'Be brief.'",
    ),
    ("tools: x", [USER], "tools: expected the tool x, found no tools"),
    ("tools: true", [USER], "tools: expected any tool, found no tools"),
    (
        "any_message: x",
        [USER, USER],
        (
            "any_message: expected a message: text with 'x', "
            "found 'What is the Weather in Paris?' and 'What is the Weather in Paris?'"
        ),
    ),
]


@pytest.mark.parametrize(("match", "talk", "expected"), TALKS)
def test_a_field_looks_at_the_messages(match: str, talk: list[Json], expected: str) -> None:
    assert missed(match, call(*talk)) == expected


def test_what_is_absent_is_said_to_be() -> None:
    bare = call(headers={"authorization": ""}, model=None, messages=[])
    assert missed("key: x", bare) == f"key: expected {masked('x')}, found no key"
    assert missed("model: x", bare) == "model: expected 'x', found no model"
    assert (
        missed("any_message: x", bare) == "any_message: expected a message: text with 'x', found no message"
    )


def test_a_retry_is_told_by_the_clients_own_count() -> None:
    again = call(headers={"x-stainless-retry-count": "2"})
    assert missed("attempt: 2", again) == ""
    assert missed("attempt: 0", again) == "attempt: expected 0, found 2"


def test_a_key_is_never_shown_whole() -> None:
    key = "sk-1234567890"
    for match in (f"key: {key}x", f"key: {{not: {key}}}", f"header: {{authorization: Bearer {key}x}}"):
        told = missed(match, call())
        assert told
        assert key[3:] not in told


@pytest.mark.parametrize("match", [match for match, _ in ASKS] + [match for match, _, _ in TALKS])
def test_the_schema_takes_what_is_taken(match: str) -> None:
    written = f"{{fixtures: [{{match: {{{match}}}, response: hi}}]}}" if match != "{}" else "{}"
    judge = jsonschema_rs.Draft202012Validator(schema(FILE))
    assert [str(error) for error in judge.iter_errors(parse(written, "f").value)] == []


WRONG = [
    "usr: x", "user: {contain: x}", "user: {}", "user: []", "user: null", "user: {regex: [a]}", "user: {any: x}",
    "user: {any: [{contain: x}]}", "user: {not: {gt: x}}", "turn: x", "turn: [1, x]", "turn: -1", "turn: {gt: x}",
    "image: yes", "tools: []", "tools: {any: [x]}", "response_format: json", "header: [x]", "body: x",
    "body: {a: {b: 1}}", "tool_result: {tool: x}", "attempt: {exists: 1}", "model: {glob: [x]}",
]  # fmt: skip


@pytest.mark.parametrize("match", WRONG)
def test_the_schema_refuses_what_is_refused(match: str) -> None:
    with pytest.raises(InputError):
        shelf(f"match: {{{match}}}, response: hi")
    written = parse(f"fixtures: [{{match: {{{match}}}, response: hi}}]", "f").value
    assert not jsonschema_rs.Draft202012Validator(schema(FILE)).is_valid(written)


def test_the_schema_tells_an_editor_what_each_operator_means() -> None:
    operators = schema(FILE)["$defs"]["TextOperators"]["properties"]
    assert all(one["description"] for one in operators.values())
    assert operators["gt"]["type"] == "number"


def test_a_pattern_takes_stars_for_anything_and_all_else_as_it_is() -> None:
    assert missed("model: 'a.c*'", call(model="abc")) != ""
    assert missed("model: 'a.c**d'", call(model="a.c\nd")) == ""


def test_a_list_is_not_taken_for_a_mapping() -> None:
    assert missed("body: {a: {equals: [1]}}", call(a={"0": 1})) != ""
    assert missed("body: {a: {equals: {b: 1}}}", call(a={"c": 1})) != ""
    assert missed("body: {a: {equals: {b: 1}}}", call(a=[1])) != ""


def test_an_empty_shelf_has_no_answer() -> None:
    assert matching.pick(call(), Shelf(()), {}) is None
