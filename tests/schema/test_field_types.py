"""A shape reads plain values, says everything that is wrong with them, and describes itself."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import InputError
from mockserver.schema.field_types import (
    INVALID,
    AnyValue,
    Boolean,
    Cursor,
    Duration,
    FieldType,
    Integer,
    Null,
    Number,
    OneOf,
    Percent,
    ReadState,
    Text,
    read_document,
)
from mockserver.schema.messages import format_alternatives
from mockserver.schema.object_types import (
    ByType,
    Lazy,
    ListOf,
    MapOf,
    ObjectType,
    OneOrMore,
    Validated,
    create_json_schema,
    spec_dataclass,
    spec_field,
)
from mockserver.schema.yaml_document import document_from_value, parse_yaml


def taken(shape: FieldType, text: str) -> Any:
    return read_document(shape, parse_yaml(text, "f"))


def wrong(shape: FieldType, text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        taken(shape, text)
    return [str(problem) for problem in caught.value.problems]


def judge(shape: FieldType) -> jsonschema_rs.Draft202012Validator:
    jsonschema_rs.meta.validate(create_json_schema(shape))
    return jsonschema_rs.Draft202012Validator(create_json_schema(shape))


# --- a rich record: every shape is somewhere in it


@spec_dataclass
class Usage:
    """Raw tokens;
    the vendor's profile words them.

    A second paragraph is for programmers.
    """

    prompt: int = spec_field(Integer(0), "tokens of the prompt", default=0)
    share: float = spec_field(Percent(), "how much of it was cached", default=0.5)


@spec_dataclass
class Reply:
    text: str = spec_field(Text(), "what is said")
    delay: float = spec_field(Duration(), "silence before it", default=0.03)
    usage: Usage | None = spec_field(ObjectType(Usage), "what it costs", default=None)
    chunk: str = spec_field(OneOf("token", "word", "char"), "how it is cut", default="token")
    from_: str = spec_field(Text(), "who says it", name="from", default="me")
    mood: str | None = spec_field(ByType(text=Text(), null=Null()), "how", default=None)
    internal: int = 7


@spec_dataclass
class Condition:
    user: Any = spec_field(ByType(text=Text(), sequence=ListOf(Text(), 1)), "the user's text", default=None)
    any_: tuple[Any, ...] = spec_field(
        ListOf(Lazy(lambda: ObjectType(Condition))), "one of these holds", name="any", default=()
    )
    turn: int | None = spec_field(Integer(1, 9), "which turn", default=None)
    image: bool | None = spec_field(Boolean(), "whether there is one", default=None)
    header: dict[str, str] = spec_field(MapOf(Text()), "headers", default_factory=dict)
    body: Any = spec_field(AnyValue(), "the body", default=None)


@spec_dataclass
class Fixture:
    name: str = spec_field(Validated(Text(), str.strip), "its name, which is unique")
    match: Condition | None = spec_field(ObjectType(Condition), "when", default=None)
    response: Any = spec_field(
        ByType(text=Text(), number=Integer(400, 599), mapping=ObjectType(Reply)), "what is said", default=None
    )
    replies: tuple[Reply, ...] = spec_field(OneOrMore(ObjectType(Reply)), "or several", default=())
    weight: float = spec_field(Number(0, 10), "how often", default=1.5)

    def check(self) -> Iterable[tuple[str | None, str]]:
        """One of the two responses."""
        if self.replies and self.response is not None:
            yield "replies", "found response and replies, expected one of them"
        if self.name == "nobody":
            yield None, "nobody is no name"


RICH = ListOf(ObjectType(Fixture))


def test_a_document_becomes_what_the_program_uses() -> None:
    told = taken(
        RICH,
        """
- name: " first "
  match: {user: 391, any: [{turn: 1}, {image: true}], header: {x-a: 1.50, x-b: no}}
  response: {text: 017, delay: 1m30s, usage: {prompt: 3, share: 20%}, from: you, mood: }
- {name: second, response: 429, weight: 2, match: {user: [a, b], body: {a: [1, null]}}}
- {name: third, replies: {text: x}}
- {name: fourth, replies: [{text: x}, {text: true, chunk: word}]}
- {name: fifth, response: true}
""",
    )
    assert told[0] == Fixture(
        name="first",
        match=Condition(
            user="391",
            any_=(Condition(turn=1), Condition(image=True)),
            header={"x-a": "1.50", "x-b": "no"},
        ),
        response=Reply(text="017", delay=90.0, usage=Usage(prompt=3, share=0.2), from_="you"),
    )
    assert (told[1].response, told[1].weight, told[1].match.user) == (429, 2, ("a", "b"))
    assert told[1].match.body == {"a": [1, None]}
    assert told[2].replies == (Reply(text="x"),)
    assert told[3].replies == (Reply(text="x"), Reply(text="true", chunk="word"))
    assert told[4].response == "true"


def test_all_problems_are_told_from_the_top_with_their_places() -> None:
    assert wrong(
        RICH,
        """
- nam: first
  weight: 11
- name: second
  response: {text: [], delay: 30, chunk: wrod, usage: {share: 120%}}
  match: {turn: 0, image: yes, any: [{user: }], header: [], body: {a: [.nan]}}
- name: third
  response: x
  replies: {text: x}
- name: nobody
""",
    ) == [
        "f:2:3: [0].nam: unknown key 'nam', did you mean 'name'?",
        "f:2:3: [0]: the key 'name' is missing, expected text",
        "f:3:3: [0].weight: found the number 11, expected a number from 0 to 10",
        "f:5:14: [1].response.text: found a list, expected text",
        "f:5:24: [1].response.delay: a duration needs a unit, write 30ms or 30s",
        "f:5:35: [1].response.chunk: found text 'wrod', expected token, word or char, did you mean 'word'?",
        "f:5:56: [1].response.usage.share: found text '120%', expected " + Percent.expected,
        "f:6:11: [1].match.turn: found the number 0, expected a whole number from 1 to 9",
        "f:6:20: [1].match.image: found text 'yes', expected true or false; write true",
        "f:6:39: [1].match.any[0].user: found nothing, expected text or a list",
        "f:6:49: [1].match.header: found a list, expected a mapping",
        "f:6:72: [1].match.body.a[0]: found the number .nan, expected a value that JSON can hold",
        "f:9:3: [2].replies: found response and replies, expected one of them",
        "f:10:3: [3]: nobody is no name",
    ]


# --- one shape at a time


@pytest.mark.parametrize(
    ("shape", "text", "expected"),
    [
        (Text(), "abc", "abc"),
        (Text(), "391", "391"),
        (Text(), "1.50", "1.50"),
        (Text(), "0x1F", "0x1F"),
        (Text(), "TRUE", "TRUE"),
        (Text(), "''", ""),
        (Integer(), "3", 3),
        (Integer(), "1e3", 1000),
        (Integer(minimum=1), "1", 1),
        (Integer(maximum=1), "-1", -1),
        (Number(), "1.5", 1.5),
        (Number(), "2", 2),
        (Boolean(), "true", True),
        (Boolean(), "False", False),
        (Duration(), "1.5s", 1.5),
        (Percent(), "20%", 0.2),
        (Percent(), "100.0%", 1.0),
        (Percent(), "1", 1.0),
        (OneOf("a", "b"), "b", "b"),
        (Null(), "~", None),
        (AnyValue(), "[1, {a: ~}]", [1, {"a": None}]),
        (ListOf(Integer()), "[]", ()),
        (OneOrMore(Integer()), "3", (3,)),
        (OneOrMore(Integer()), "[3, 4]", (3, 4)),
        (MapOf(Integer()), "{404: 1, a-b: 2}", {"404": 1, "a-b": 2}),
        (ByType(flag=Boolean(), number=Integer(), text=Text()), "[true, 1, x]", None),
        (Lazy(Integer), "3", 3),
        (Validated(Integer(), lambda number: number * 2), "3", 6),
    ],
)
def test_a_shape_and_its_schema_accept(shape: FieldType, text: str, expected: object) -> None:
    if isinstance(shape, ByType):
        shape, expected = ListOf(shape), (True, 1, "x")
    found = taken(shape, text)
    assert found == expected
    assert type(found) is type(expected)
    assert judge(shape).is_valid(parse_yaml(text, "f").value)


@pytest.mark.parametrize(
    ("shape", "text", "message"),
    [
        (Text(), "[1]", "found a list, expected text"),
        (Text(), "{}", "found a mapping, expected text"),
        (Text(), "~", "found nothing, expected text"),
        (Integer(), "abc", "found text 'abc', expected a whole number"),
        (Integer(), "1.50", "found the number 1.50, expected a whole number"),
        (Integer(), "true", "found true, expected a whole number"),
        (Integer(minimum=1), "0", "found the number 0, expected a whole number of at least 1"),
        (Integer(maximum=5), "6", "found the number 6, expected a whole number of at most 5"),
        (Number(0, 1), "false", "found false, expected a number from 0 to 1"),
        (Number(maximum=1.5), "2", "found the number 2, expected a number of at most 1.5"),
        (Boolean(), "Off", "found text 'Off', expected true or false; write false"),
        (Boolean(), "'true'", "found text 'true', expected true or false; write true"),
        (Boolean(), "maybe", "found text 'maybe', expected true or false"),
        (Boolean(), "1", "found the number 1, expected true or false"),
        (Duration(), "1.50", "a duration needs a unit, write 1.50ms or 1.50s"),
        (Duration(), "true", "found true, expected a duration like 30ms or 1.5s"),
        (Duration(), "[]", "found a list, expected a duration like 30ms or 1.5s"),
        (Duration(), "soon", "found text 'soon', expected a duration like 30ms or 1.5s"),
        (Percent(), "20", "found the number 20, expected a share like 20%, or a number from 0 to 1"),
        (Percent(), "true", "found true, expected a share like 20%, or a number from 0 to 1"),
        (OneOf("word", "char"), "wrd", "found text 'wrd', expected word or char, did you mean 'word'?"),
        (OneOf("word", "char"), "3", "found the number 3, expected word or char"),
        (OneOf("word"), "~", "found nothing, expected word"),
        (Null(), "3", "found the number 3, expected nothing"),
        (ListOf(Text()), "a", "found text 'a', expected a list"),
        (ListOf(Text(), 2), "[a]", "found a list of 1, expected a list of at least 2"),
        (ListOf(Text(), at_most=1), "[a, b]", "found a list of 2, expected at most 1"),
        (OneOrMore(Integer()), "[]", "found a list of 0, expected a list of at least 1"),
        (OneOrMore(Integer()), "a", "found text 'a', expected a whole number"),
        (MapOf(Text()), "3", "found the number 3, expected a mapping"),
        (ObjectType(Usage), "3", "found the number 3, expected a mapping"),
        (ByType(text=Text(), number=Integer()), "[]", "found a list, expected text or a number"),
        (ByType(mapping=ObjectType(Usage), null=Null()), "a", "found text 'a', expected a mapping or nothing"),
        (Validated(Integer(1), str), "0", "found the number 0, expected a whole number of at least 1"),
        (Text(), "[" + "x" * 500 + "]", "found a list, expected text"),
        (Integer(), "x" * 500, "found text '" + "x" * 59 + "…', expected a whole number"),
    ],
)  # fmt: skip
def test_a_shape_and_its_schema_refuse(shape: FieldType, text: str, message: str) -> None:
    assert wrong(shape, text) == [f"f:1:1: {message}"]
    assert not judge(shape).is_valid(parse_yaml(text, "f").value)


@pytest.mark.parametrize("shape", [Number(), Integer(), AnyValue()])
@pytest.mark.parametrize("text", [".inf", "-.inf", ".nan"])
def test_a_number_is_finite(shape: FieldType, text: str) -> None:
    assert wrong(shape, text) == [f"f:1:1: found the number {text}, expected {shape.expected}"]


def test_a_shape_made_of_a_shape_expects_what_that_expects() -> None:
    assert OneOrMore(Integer()).expected == "a whole number, or a list of them"
    assert Validated(Lazy(Text), str).expected == "text"


def test_a_check_refuses_with_its_own_words() -> None:
    def even(number: int) -> int:
        if number % 2:
            raise ValueError(f"found the number {number}, expected an even one")
        return number

    shape = Validated(Integer(), even, {"multipleOf": 2})
    assert wrong(MapOf(shape), "a: 2\nb: 3") == ["f:2:1: b: found the number 3, expected an even one"]
    assert create_json_schema(shape)["multipleOf"] == 2


def test_values_without_a_text_are_read_as_well() -> None:
    def of(shape: FieldType, value: object) -> Any:
        return read_document(shape, document_from_value(value, "call"))

    assert of(Text(), 1.5) == "1.5"
    assert of(Text(), True) == "true"
    with pytest.raises(
        InputError, match=r"call: found 0x[0-9a-f]+…, expected a whole number of at most 64 bits"
    ):
        of(Text(), 10**5000)
    with pytest.raises(InputError, match=re.escape("call: a[0]: a duration needs a unit, write 30ms or 30s")):
        of(MapOf(ListOf(Duration())), {"a": [30]})
    with pytest.raises(InputError, match="unknown key 'b', expected prompt or share"):
        of(ObjectType(Usage), {"prompt": 1, "b": None})


def test_a_choice_is_short() -> None:
    assert format_alternatives([]) == ""
    assert format_alternatives(["a"]) == "a"
    assert format_alternatives("abc") == "a, b or c"
    assert format_alternatives(str(number) for number in range(20)).endswith("10, 11, …")


# --- records


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "{text: Hello, world}",
            "f:1:15: world: 'world' is a key of its own here: quote the text that has a comma: text: 'Hello, ",
        ),
        (
            "{from: x, text: It's, so, they say}",
            "f:1:23: so: 'so' is a key of its own here: quote the text that has a comma: text: 'It''s",
        ),
        (
            "{text: Hello, from}",
            "f:1:15: from: found nothing, expected text; quote the text that has a comma: text: 'Hello",
        ),
        ("{text: a, fron}", "f:1:11: fron: unknown key 'fron', did you mean 'from'?"),
        ("{text: a, usage: {prompt: 1}, zzz}", "f:1:31: zzz: unknown key 'zzz', expected "),
        ("{zzz, text: a}", "f:1:2: zzz: unknown key 'zzz', expected text, delay"),
        ("text: a\nzzz:\n", "f:2:1: zzz: unknown key 'zzz', expected text, delay"),
        ("{text: a, zzz: 1}", "f:1:11: zzz: unknown key 'zzz', expected text, delay"),
    ],
)
def test_a_comma_that_cuts_a_text_is_explained(text: str, problem: str) -> None:
    assert wrong(ObjectType(Reply), text)[0].startswith(problem)


def test_a_comma_is_explained_wherever_it_cuts() -> None:
    assert wrong(ListOf(MapOf(Text())), "- {x-a: one, two}\n- [a, ]")[0] == (
        "f:1:14: [0].two: found nothing, expected text; quote the text that has a comma: x-a: 'one, two'"
    )
    assert wrong(MapOf(ListOf(Text())), "{a: [b, ~]}") == ["f:1:9: a[1]: found nothing, expected text"]


def test_a_field_that_nobody_says_keeps_its_default() -> None:
    assert taken(ObjectType(Reply), "text: a").internal == 7
    assert wrong(ObjectType(Reply), "{text: a, internal: 3}")[0].startswith("f:1:11: internal: unknown key")


def test_wrong_never_leaves_a_reading() -> None:
    told = parse_yaml("a: [x, {b: ~}]", "f")
    at = Cursor(ReadState(told))
    shape = MapOf(ListOf(ByType(text=Text(), mapping=MapOf(Integer()))))
    assert shape.read(told.value, at) is INVALID
    place = at.key("a").item(1).key("b")
    assert (place.path, place.document, place.raw_scalar()) == (("a", 1, "b"), told, "~")
    assert [problem.path for problem in place.problems] == ["a[1].b"]
    assert repr(INVALID) == "<_Invalid.INVALID: 'wrong'>"


# --- the schema


def test_the_schema_names_every_record_once() -> None:
    whole = create_json_schema(RICH, title="Fixtures", id="https://example.test/fixtures")
    assert whole["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (whole["title"], whole["$id"]) == ("Fixtures", "https://example.test/fixtures")
    assert list(whole["$defs"]) == ["Condition", "Fixture", "Reply", "Usage"]
    assert whole["items"] == {"$ref": "#/$defs/Fixture"}


def test_a_record_s_schema_says_what_its_fields_say() -> None:
    definitions = create_json_schema(RICH)["$defs"]
    assert definitions["Usage"] == {
        "type": "object",
        "description": "Raw tokens; the vendor's profile words them.",
        "properties": {
            "prompt": {"type": "integer", "minimum": 0, "description": "tokens of the prompt", "default": 0},
            "share": {**Percent().schema(), "description": "how much of it was cached", "default": 0.5},
        },
        "additionalProperties": False,
    }
    reply = definitions["Reply"]
    assert "description" not in reply
    assert reply["required"] == ["text"]
    assert list(reply["properties"]) == ["text", "delay", "usage", "chunk", "from", "mood"]
    assert "default" not in reply["properties"]["delay"]
    assert reply["properties"]["chunk"]["default"] == "token"
    assert reply["properties"]["mood"]["anyOf"][1] == {"type": "null"}
    assert definitions["Condition"]["properties"]["any"]["items"] == {"$ref": "#/$defs/Condition"}


def test_a_union_s_schema_refuses_what_its_branches_refuse() -> None:
    union = judge(ByType(text=Text(), number=Integer(400, 599), mapping=ObjectType(Reply)))
    assert union.is_valid("a")
    assert union.is_valid(True)
    assert union.is_valid(429)
    assert not union.is_valid(700)
    assert not union.is_valid({"txt": 1})
    assert ByType(text=Duration()).schema() == Duration().schema()
    assert ByType(text=OneOf("a"), number=Number()).schema()["anyOf"][0] == {
        "enum": ["a"],
        "type": ["string", "boolean"],
    }


def test_two_records_of_one_name_are_refused() -> None:
    other = dataclasses.make_dataclass("Usage", [("a", str, spec_field(Text(), "a"))], frozen=True)
    with pytest.raises(TypeError, match="two records have one name"):
        create_json_schema(ByType(mapping=ObjectType(Usage), sequence=ListOf(ObjectType(other))))


# --- laws over anything


WORDS = st.sampled_from(
    [
        *(
            "name",
            "match",
            "response",
            "replies",
            "weight",
            "text",
            "delay",
            "usage",
            "chunk",
            "from",
            "mood",
        ),
        *("user", "any", "turn", "image", "header", "body", "prompt", "share", "30ms", "20%", "word", "x"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-700, 700)
    | st.floats(allow_nan=True)
    | st.text(st.characters(codec="utf-8"), max_size=5)
    | WORDS
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text("ab-", max_size=3), inner),
    max_leaves=25,
)
REPLIES = st.fixed_dictionaries(
    {"text": SCALARS},
    optional={
        "delay": st.sampled_from(["30ms", "1.5s", "x", 3]),
        "usage": st.fixed_dictionaries({}, optional={"prompt": SCALARS, "share": SCALARS}),
        "chunk": WORDS,
        "mood": SCALARS,
    },
)
FIXTURES = st.fixed_dictionaries(
    {"name": SCALARS},
    optional={"response": REPLIES | SCALARS, "replies": REPLIES | st.lists(REPLIES), "weight": SCALARS},
)
JUDGE = judge(RICH)


def test_infinity_is_text_where_it_was_written_and_nothing_else_where_not() -> None:
    assert read_document(Text(), parse_yaml(".inf", "file")) == ".inf"
    with pytest.raises(InputError, match="expected text"):
        read_document(Text(), document_from_value(math.inf, "call"))


@given(ANYTHING | st.lists(ANYTHING) | st.lists(FIXTURES, max_size=2))
def test_what_is_read_the_schema_accepts_and_all_else_is_an_input_error(value: object) -> None:
    try:
        read_document(RICH, document_from_value(value, "call"))
    except InputError as error:
        assert all(problem.message for problem in error.problems)  # noqa: PT017  # either may come
    else:
        assert JUDGE.is_valid(value)


@pytest.mark.parametrize(
    "shape",
    [
        Text(),
        Integer(1, 9),
        Number(0, 1),
        Boolean(),
        Duration(),
        Percent(),
        OneOf("word", "x"),
        Null(),
        AnyValue(),
    ],
    ids=lambda shape: type(shape).__name__,
)
@given(value=SCALARS | st.lists(SCALARS, max_size=2))
def test_a_scalar_s_schema_accepts_exactly_what_is_read(shape: FieldType, value: object) -> None:
    if any(isinstance(item, float) and not math.isfinite(item) for item in (value, *_inside(value))):
        return  # JSON has none of these
    try:
        read_document(shape, document_from_value(value, "call"))
    except InputError:
        assert not judge(shape).is_valid(value)
    else:
        assert judge(shape).is_valid(value)


def _inside(value: object) -> list[object]:
    return value if isinstance(value, list) else []
