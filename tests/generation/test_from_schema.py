"""Documents for JSON Schemas: valid by an independent validator, and finite, for every schema."""

from __future__ import annotations

import json
import time
from enum import Enum
from itertools import product
from typing import Annotated, Any, Literal

import jsonschema_rs
import pytest
from faker import Faker
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field

from mockserver.fixtures.predicates import is_equal_value
from mockserver.generation.fake_values import generate_words, split_name_suffixes
from mockserver.generation.from_schema import MAX_DEPTH, MAX_ITEMS, generate_value
from mockserver.generation.generation_budget import GenerationBudget
from mockserver.generation.json_schema import (
    flatten_schema,
    is_infinite_schema,
    make_equality_key,
    merge_schemas,
)
from mockserver.generation.prompt_values import KINDS_BY_NAME, PromptValues
from mockserver.generation.regex_text import generate_matching_text, matches_pattern
from mockserver.generation.schema_validation import conforms_to_schema, is_json_type

FAKER = Faker("en_US", use_weighting=False)
Schema = dict[str, object]


def generate(schema: object, prompt: str = "", seed: int = 1) -> object:
    FAKER.seed_instance(seed)
    return generate_value(schema, FAKER, prompt)


def validates(value: object, schema: Any) -> bool:
    checker = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return checker.is_valid(json.loads(json.dumps(value)))


# --- random schemas

NAMES = st.sampled_from(["name", "email", "age", "score", "city", "items", "createdAt", "x", "wert_ä"])
FORMATS = st.sampled_from(
    [
        "date",
        "date-time",
        "time",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "uuid",
        "uri",
        "uri-reference",
        "json-pointer",
        "regex",
    ]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text("abc", max_size=3))


@st.composite
def strings(draw: st.DrawFn) -> Schema:
    least, room = draw(st.integers(0, 80)), draw(st.integers(0, 80))
    bounds = {"minLength": least, "maxLength": least + room}
    kept = {key: bounds[key] for key in draw(st.sets(st.sampled_from(sorted(bounds))))}
    return {"type": "string", **draw(st.one_of(st.just(kept), FORMATS.map(lambda each: {"format": each})))}


@st.composite
def numbers(draw: st.DrawFn) -> Schema:
    low, width = draw(st.integers(-(10**6), 10**6)), draw(st.integers(2, 10**4))
    schema: Schema = {"type": draw(st.sampled_from(["integer", "number"]))}
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = low + width
    if draw(st.booleans()):
        schema["multipleOf"] = draw(st.sampled_from([1, 2, 0.5, 0.25]))
    return schema


def arrays(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.fixed_dictionaries(
        {"type": st.just("array"), "items": inner},
        optional={"minItems": st.integers(0, 4), "maxItems": st.integers(4, 6)},
    )


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[Schema]) -> Schema:
    properties = draw(st.dictionaries(NAMES, inner, max_size=4))
    required = draw(st.sets(st.sampled_from(sorted(properties)))) if properties else set()
    free = draw(st.sampled_from([None, False, True]))
    schema: Schema = {"type": "object", "properties": properties, "required": sorted(required)}
    if free is not None:
        schema["additionalProperties"] = free
    if free is not False:
        schema["minProperties"] = draw(st.integers(0, 6))
    return schema


def schemas() -> st.SearchStrategy[Schema]:
    leaf = st.one_of(
        strings(),
        numbers(),
        st.sampled_from(["boolean", "null"]).map(lambda kind: {"type": kind}),
        st.lists(st.sampled_from(["string", "integer", "null"]), min_size=1, unique=True).map(
            lambda kinds: {"type": kinds}
        ),
        st.lists(SCALARS, min_size=1).map(lambda values: {"enum": values}),
        SCALARS.map(lambda value: {"const": value}),
        st.just({}),
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            arrays(inner),
            objects(inner),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts}),
            inner.map(lambda part: {"allOf": [part], "description": "…"}),
            inner.map(lambda part: {"$defs": {"Part": part}, "$ref": "#/$defs/Part"}),
        ),
        max_leaves=8,
    )


@given(schemas(), st.integers(), st.text("Paris 5 abc in", max_size=20))
@settings(max_examples=150, deadline=None)
def test_a_random_schema_gets_a_valid_document(schema: Schema, seed: int, hint: str) -> None:
    # A `$ref` is resolved from the root of the document, where a nested definition is missing.
    nested = {key for key in ("$ref",) if json.dumps(schema).count('"$ref"') > ("$ref" in schema)}
    value = generate(schema, hint, seed)
    json.dumps(value)
    if not nested:
        assert validates(value, schema)


@given(schemas(), st.integers())
@settings(max_examples=50, deadline=None)
def test_the_same_seed_makes_the_same_document(schema: Schema, seed: int) -> None:
    assert generate(schema, "", seed) == generate(schema, "", seed)


JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "enum",
                    "const",
                    "properties",
                    "required",
                    "items",
                    "prefixItems",
                    "anyOf",
                    "oneOf",
                    "allOf",
                    "not",
                    "if",
                    "then",
                    "else",
                    "$ref",
                    "$defs",
                    "minLength",
                    "maxLength",
                    "minimum",
                    "maximum",
                    "multipleOf",
                    "pattern",
                    "format",
                    "uniqueItems",
                    "minItems",
                    "contains",
                    "maxItems",
                    "additionalProperties",
                    "patternProperties",
                    "propertyNames",
                    "minProperties",
                    "nullable",
                ]
            ),
            inner
            | st.sampled_from(["object", "array", "string", "#", "#/properties/a", "#/allOf/0", "(a+)+$"]),
            max_size=5,
        ),
    ),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_no_schema_raises_however_odd(schema: object) -> None:
    json.dumps(generate(schema, "Paris 5"))


# --- schemas of real clients


class Color(Enum):
    RED = "red"
    GREEN = "green"


class Step(BaseModel):
    explanation: str
    output: str


class MathResponse(BaseModel):
    steps: list[Step]
    final_answer: str


class Tree(BaseModel):
    value: int
    children: list[Tree] = Field(default_factory=list)
    parent: Tree | None = None


class Card(BaseModel):
    kind: Literal["card"]
    number: Annotated[str, Field(pattern=r"^\d{4}-\d{4}$")]


class Transfer(BaseModel):
    kind: Literal["transfer"]
    iban: Annotated[str, Field(min_length=15, max_length=34)]


class Order(BaseModel):
    """An order of a shop."""

    customerEmail: str  # noqa: N815 a name in camel case
    color: Color
    score: Annotated[float, Field(ge=0, le=1)]
    tags: Annotated[set[str], Field(min_length=2, max_length=5)]
    pair: tuple[int, str]
    payment: Annotated[Card | Transfer, Field(discriminator="kind")]
    totals: dict[str, float]
    note: str | None = None
    copies: Annotated[int, Field(gt=0, lt=3, multiple_of=2)]


REASONING: Schema = {  # OpenAI's structured output guide: a user interface
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": ["div", "button", "header"]},
        "label": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#"}},
        "attributes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
                "additionalProperties": False,
                "required": ["name", "value"],
            },
        },
    },
    "required": ["type", "label", "children", "attributes"],
    "additionalProperties": False,
}
LINKED: Schema = {  # the same guide: a linked list
    "type": "object",
    "properties": {"linked_list": {"$ref": "#/$defs/node"}},
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "value": {"type": "number"},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            },
            "additionalProperties": False,
            "required": ["next", "value"],
        }
    },
    "additionalProperties": False,
    "required": ["linked_list"],
}
EXPRESSION: Schema = {
    "$ref": "#/definitions/expr",
    "definitions": {
        "expr": {"anyOf": [{"$ref": "#/definitions/add"}, {"$ref": "#/definitions/leaf"}]},
        "add": {
            "type": "object",
            "properties": {"left": {"$ref": "#/definitions/expr"}, "right": {"$ref": "#/definitions/expr"}},
            "required": ["left", "right"],
        },
        "leaf": {"type": "object", "properties": {"value": {"type": "number"}}, "required": ["value"]},
    },
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "schema",
    [
        *(model.model_json_schema() for model in (MathResponse, Tree, Order)),
        *(to_strict_json_schema(model) for model in (MathResponse, Tree)),
        REASONING,
        LINKED,
        EXPRESSION,
        True,
        {"type": "string", "pattern": "^[A-Z]{3}-[0-9]+$", "minLength": 20, "maxLength": 20},
        {"type": "string", "pattern": "^(foo|bar)[^0-9]\\w*$", "maxLength": 9},
        {"type": "string", "pattern": "colou?r", "minLength": 12},
        {"type": "string", "pattern": "y$", "minLength": 12},
        {"type": "string", "pattern": "^(?!a)[ab]$"},
        {"type": "string", "format": "unheard-of"},
        {"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": True, "minItems": 3},
        {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 2},
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
        {"type": "array", "contains": {"const": 5}, "minContains": 2, "items": {"type": "integer"}},
        {"type": "array", "contains": {"const": 5}, "maxItems": 1},
        {"type": "array", "items": {"type": "string"}, "maxItems": 0},
        {"type": "object", "patternProperties": {"^x-": {"type": "integer"}}, "required": ["x-a"]},
        {
            "type": "object",
            "patternProperties": {"^x-[a-z]{4}$": {"type": "integer"}},
            "additionalProperties": False,
            "minProperties": 3,
        },
        {"type": "object", "propertyNames": {"pattern": "^[a-z]{3}$"}, "minProperties": 3},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"properties": {"a": {}, "b": {}, "c": False, "d": {}}, "maxProperties": 2, "required": ["d"]},
        {"properties": {"a": {}}, "maxProperties": 0, "minProperties": 0, "additionalProperties": {}},
        {"minimum": 5, "maximum": 5.5},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.01},
        {"type": "integer", "minimum": 10**30},
        {"type": "number", "maximum": -1e300},
        {"type": "integer", "multipleOf": 250},
        {"type": "integer", "multipleOf": 1.5, "minimum": -5, "maximum": -2},
        {"type": "number", "multipleOf": 0.1, "minimum": 3},
        {"type": ["null", "string"]},
        {"type": "null"},
        {"type": "boolean", "not": {"const": True}},
        {"not": {"type": "string"}},
        {"type": "string", "not": {"enum": ["a"]}},
        {"enum": [None, "a"]},
        {"oneOf": [{"type": "integer"}, {"type": "integer", "minimum": 5}, {"type": "string"}]},
        {"oneOf": [{"type": "number"}, {"type": "integer"}], "minimum": 2, "maximum": 3},
        {"if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["a"]}, "type": "object"},
        {"if": {"type": "string"}, "then": False, "else": {"type": "integer"}},
        {"type": "object", "dependentRequired": {"a": ["b"]}, "required": ["a"], "properties": {"b": {}}},
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "number", "minimum": 1}}, "required": ["a"]},
                {
                    "properties": {"a": {"type": "integer", "maximum": 3}, "b": {"const": True}},
                    "required": ["b"],
                },
            ]
        },
        {
            "allOf": [
                {"properties": {"a": {"type": "string"}}, "additionalProperties": False},
                {"properties": {"b": {"type": "string"}}, "type": "object"},
            ]
        },
        {"allOf": [{"anyOf": [{"minimum": 3}, {"minimum": 9}]}, {"anyOf": [{"maximum": 1}, {"maximum": 5}]}]},
        {"allOf": [{"multipleOf": 4}, {"multipleOf": 6}, {"type": "integer"}]},
        {"allOf": [{"multipleOf": 0.5}, {"multipleOf": 0.75}, {"type": "number"}]},
        {"allOf": [{"prefixItems": [{"minimum": 3}]}, {"prefixItems": [{"maximum": 3}, {"const": 1}]}]},
        {"allOf": [{"not": {"type": "string"}}, {"not": {"type": "number"}}]},
        {"allOf": [{"enum": [1, 2, "a"]}, {"enum": ["a", 1.0]}, {"const": 1}]},
        {"allOf": [{"additionalProperties": {"type": "number"}}, {"additionalProperties": {"minimum": 3}}]},
        {"type": "object", "additionalProperties": {"$ref": "#"}},
        {"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": {"const": "here"}}},
        {
            "properties": {
                "a": {"$ref": "#/properties/b/anyOf/1"},
                "b": {"anyOf": [{"type": "string"}, {"const": "there"}]},
            }
        },
    ],
)
def test_a_real_schema_gets_a_valid_document(schema: object, seed: int) -> None:
    value = generate(schema, "Send 3 red ones to Jason in Paris", seed)
    assert validates(value, schema), value
    assert conforms_to_schema(value, schema, schema, GenerationBudget())


@pytest.mark.parametrize("form", [*FORMATS.elements, "uri-template", "iri", "relative-json-pointer"])  # type: ignore[attr-defined]
def test_every_format_is_met(form: str) -> None:
    assert all(
        validates(generate({"type": "string", "format": form}, "", seed), {"format": form})
        for seed in range(20)
    )


@pytest.mark.parametrize("schema", [Tree.model_json_schema(), REASONING, LINKED, EXPRESSION])
def test_recursion_ends_where_the_schema_lets_it(schema: Schema) -> None:
    assert len(json.dumps(generate(schema))) < 1500


def test_optional_properties_are_given_in_the_schemas_order() -> None:
    schema = {"properties": {"b": {}, "a": {}, "c": {}}, "required": ["z", "a"]}
    value = generate(schema)
    assert isinstance(value, dict)
    assert list(value) == ["b", "a", "c", "z"]


def test_a_list_of_schemas_under_items_is_the_older_way_to_say_prefix_items() -> None:
    schema = {"items": [{"const": 1}, {"const": "a"}], "additionalItems": False, "minItems": 2}
    assert generate(schema) == [1, "a"]


def test_a_nullable_value_is_null_only_where_it_would_not_end() -> None:
    assert generate({"type": "string", "nullable": True}) is not None
    schema = {"properties": {"me": {"$ref": "#", "nullable": True}}, "required": ["me"]}
    assert generate(schema) == {"me": None}


# --- schemas without a valid value

EXPLOSIVE: Schema = {
    "$ref": "#/$defs/d0",
    "$defs": {
        f"d{at}": {
            "type": "object",
            "properties": {side: {"$ref": f"#/$defs/d{at + 1}"} for side in "abc"},
            "required": ["a", "b", "c"],
        }
        for at in range(30)
    },
}


def deep(levels: int) -> Schema:
    schema: Schema = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


def nested(levels: int) -> Schema:
    schema: Schema = {"type": "string"}
    for _ in range(levels):
        schema = {"allOf": [schema]}
    return schema


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "schema",
    [
        False,
        None,
        5,
        {"type": "unheard-of"},
        {"enum": []},
        {"$ref": "#"},
        {"$ref": "#/nowhere"},
        {"$ref": "https://elsewhere.example/schema"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"type": "object", "properties": {"me": {"$ref": "#"}}, "required": ["me"]},
        {"type": "object", "required": ["a"], "properties": {"a": False}},
        {"type": "object", "minProperties": 2, "additionalProperties": False},
        {"properties": {"a": {"type": "string", "minLength": 3, "maxLength": 2}}, "required": []},
        {"type": "object", "minProperties": 3, "propertyNames": {"const": "a"}},
        {"type": "object", "minProperties": 10**9},
        {"type": "array", "minItems": 10**9, "items": {"type": "string"}},
        {"type": "array", "minItems": 10**9, "items": {"type": "integer"}, "uniqueItems": True},
        {"type": "array", "minItems": 3, "items": {"type": "boolean"}, "uniqueItems": True},
        {"type": "array", "minItems": 2, "items": {"$ref": "#"}},
        {"type": "string", "minLength": 10**9},
        {"type": "string", "minLength": 5, "maxLength": 3},
        {"type": "string", "pattern": "("},
        {"type": "string", "pattern": r"^(\w+\s?)*$", "format": "email"},
        {"type": "string", "pattern": "((a{900}){900}){900}"},
        {"type": "string", "pattern": "^(((){900}){900}){900}$"},
        {"type": "string", "pattern": "^a(?=b)c$"},
        {"type": "string", "pattern": "^ab*$", "minLength": 10**9},
        {"type": "number", "minimum": 5, "maximum": 3},
        {"type": "integer", "minimum": 5, "maximum": 3},
        {"type": "number", "multipleOf": 0},
        {"allOf": [{"multipleOf": 0}, {"multipleOf": "x"}]},
        {"type": "integer", "minimum": float("inf"), "multipleOf": 7},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"allOf": [{"minimum": "x"}, {"minimum": None}]},
        {"allOf": [{"properties": 5}, {"properties": {"a": {}}}]},
        {"not": {}},
        EXPLOSIVE,
        deep(MAX_DEPTH * 2),
        deep(3000),
        {"properties": {"a": deep(3000)}},
        nested(3000),
    ],
)
def test_a_schema_without_a_valid_value_gets_a_small_document(schema: object) -> None:
    assert len(json.dumps(generate(schema))) < 200_000


# --- values in the message


@pytest.mark.parametrize(
    ("name", "schema", "hint", "expected"),
    [
        ("unit", {"enum": ["celsius", "fahrenheit"]}, "in Fahrenheit, please", "fahrenheit"),
        ("unit", {"enum": ["in", "in_stock", 5]}, "what is in stock?", "in_stock"),
        ("city", {"type": "string"}, "What's the weather in Paris?", "Paris"),
        ("location", {"type": "string"}, "weather for San Francisco, CA today", "San Francisco, CA"),
        ("destination", {"type": "string"}, "a flight to 'new york'", "new york"),
        ("homeCity", {"type": "string"}, 'the weather in "são paulo"', "são paulo"),
        ("query", {"type": "string"}, 'search for "red shoes" now', "red shoes"),
        ("query", {"type": "string"}, "red shoes", "red shoes"),
        ("name", {"type": "string"}, "Jason is 25 years old", "Jason"),
        ("name", {"type": "string"}, "a user named Ada Lovelace", "Ada Lovelace"),
        ("age", {"type": "integer"}, "Jason is 25 years old", 25),
        ("x", {"type": "number"}, "add 2.5", 2.5),
        ("x", {"type": "number"}, "add 2", 2),
        ("x", {"type": "string", "format": "email"}, "mail ada@example.com.", "ada@example.com"),
        ("link", {"type": "string"}, "see https://example.com/a?b=c.", "https://example.com/a?b=c"),
        ("start_date", {"type": "string"}, "from 2025-02-03 on", "2025-02-03"),
        ("city", {"type": "string", "pattern": "^[A-Z][a-z]+$"}, "in Paris", "Paris"),
        ("first_name", {"type": "string"}, "Jane Doe, jane@acme.io", "Jane"),
        ("last_name", {"type": "string"}, "Jane Doe, jane@acme.io", "Doe"),
        ("name", {"type": "string"}, "Ada Lovelace wants a ticket", "Ada Lovelace"),
        ("company", {"type": "string"}, "I work at Acme Tools Inc. in Rome", "Acme Tools Inc."),
        ("phone", {"type": "string"}, "call +44 20 7946 0000 now", "+44 20 7946 0000"),
        ("currency", {"type": "string"}, "it is €5", "EUR"),
        ("currency", {"type": "string"}, "5 CHF", "CHF"),
        ("amount", {"type": "number"}, "it is $1,234.50", 1234.5),
        ("origin", {"type": "string"}, "fly from Berlin to Paris", "Berlin"),
        ("arrival_city", {"type": "string"}, "fly from Berlin to Paris", "Paris"),
        ("date", {"type": "string"}, "see you on Friday", "Friday"),
        ("target_language", {"type": "string"}, "Translate 'good day' to French", "French"),
        ("text", {"type": "string"}, "Translate 'good day' to French", "good day"),
        ("order_id", {"type": "string"}, "where is order #AB-1234?", "AB-1234"),
        ("invoice_number", {"type": "string"}, "invoice no 2025-17, please", "2025-17"),
        ("email_to", {"type": "string"}, "tell a@b.io", "a@b.io"),
        ("title", {"type": "string"}, "the film 'Night Train'", "Night Train"),
        (
            "cities",
            {"type": "array", "items": {"type": "string"}},
            "in Paris, Rome and Oslo",
            ["Paris", "Rome", "Oslo"],
        ),
        ("cities", {"type": "array", "items": {"type": "string"}}, "in Paris, France", ["Paris, France"]),
        (
            "participants",
            {"type": "array", "items": {"type": "string"}},
            "Alice and Bob are here",
            ["Alice", "Bob"],
        ),
        (
            "emails",
            {"type": "array", "items": {"type": "string", "format": "email"}},
            "write to a@b.io and c@d.io",
            ["a@b.io", "c@d.io"],
        ),
        (
            "users",
            {
                "items": {
                    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
                    "required": ["name"],
                }
            },
            "Jason is 25 and Ada is 36",
            [{"name": "Jason", "age": 25}, {"name": "Ada", "age": 36}],
        ),
    ],
)
def test_what_the_message_offers_is_taken(name: str, schema: Schema, hint: str, expected: object) -> None:
    assert generate({"properties": {name: schema}, "required": [name]}, hint) == {name: expected}


@pytest.mark.parametrize(
    ("name", "schema", "hint", "unwanted"),
    [
        ("age", {"type": "integer", "maximum": 20}, "I am 25", 25),
        ("age", {"type": "integer"}, "2.5 litres", 2.5),
        ("city", {"type": "string", "maxLength": 4}, "in Paris", "Paris"),
        ("city", {"type": "string", "pattern": "^x+$"}, "in Paris", "Paris"),
        ("city", {"type": "string"}, "where it rains", "where it rains"),
        ("color", {"enum": ["red", "green"]}, "", None),
        ("name", {"type": "string"}, "What is this?", "What"),
        ("order_id", {"type": "string"}, "order pizza", "pizza"),
        ("x", {"type": "string", "format": "uuid"}, "in Paris", "Paris"),
    ],
)
def test_what_does_not_fit_is_left(name: str, schema: Schema, hint: str, unwanted: object) -> None:
    value = generate({"properties": {name: schema}, "required": [name]}, hint)
    assert isinstance(value, dict)
    assert value[name] != unwanted
    assert validates(value[name], schema)


@pytest.mark.parametrize(
    "unit",
    [
        "A-",
        "A'",
        "a",
        "a.",
        "1-",
        "Aa ",
        "Aa, ",
        "Aa and ",
        "in Aa, ",
        "a@a-",
        "1,000,",
        '"',
        "http://",
        "Aa Bb\n",
    ],
)
def test_a_long_message_is_looked_through_soon(unit: str) -> None:
    schema = {"properties": {name: {"type": "string"} for name in KINDS_BY_NAME}}
    began = time.process_time()
    generate(schema, unit * (20_000 // len(unit)))
    assert time.process_time() - began < 3


def test_numbers_are_taken_one_after_the_other() -> None:
    schema = {
        "properties": {name: {"type": "integer"} for name in ("a", "b", "c")},
        "required": ["a", "b", "c"],
    }
    value = generate(schema, "add 2 and -3")
    assert isinstance(value, dict)
    assert (value["a"], value["b"]) == (2, -3)
    assert PromptValues("no 1st, 3.4.5 or 2025-01-01").next_number() is None


def test_a_list_of_things_that_differ_takes_the_message_once() -> None:
    schema = {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 3}
    value: Any = generate(schema, "b or a")
    assert sorted(value) == ["a", "b", "c"]


# --- realistic values


def test_a_value_reads_as_its_name_says() -> None:
    names = [
        "first_name",
        "email",
        "city",
        "phone",
        "url",
        "price",
        "date",
        "title",
        "summary",
        "id",
        "currency",
        "language",
        "state",
        "zipCode",
        "birthDate",
    ]
    schema = {"properties": {name: {"type": "string"} for name in names}}
    value = generate(schema)
    assert isinstance(value, dict)
    assert "@" in value["email"]
    assert value["url"].startswith("https://")
    assert len(value["currency"]) == 3
    assert len(value["date"]) == 10
    assert float(value["price"]) > 0


@pytest.mark.parametrize(
    ("name", "kind", "low", "high"),
    [
        ("age", "integer", 18, 80),
        ("matchScore", "number", 0, 1),
        ("score", "integer", 1, 100),
        ("unit_price", "number", 5, 500),
        ("thing", "number", 1, 100),
    ],
)
def test_a_number_is_as_usual_for_its_name(name: str, kind: str, low: float, high: float) -> None:
    value = generate({"properties": {name: {"type": kind}}})
    assert isinstance(value, dict)
    assert low <= value[name] <= high


def test_a_locale_without_states_still_has_a_text() -> None:
    faker = Faker("de_AT", use_weighting=False)
    faker.seed_instance(1)
    del faker.factories[0].state
    assert isinstance(generate_value({"properties": {"state": {"type": "string"}}}, faker), dict)


@given(st.integers(0, 300), st.none() | st.integers(0, 300))
def test_words_keep_to_their_length(least: int, room: int | None) -> None:
    text = generate_words(FAKER, least, None if room is None else least + room)
    assert least <= len(text)
    assert room is None or len(text) <= least + room


def test_the_items_of_a_list_read_as_one_of_its_name() -> None:
    value: Any = generate(
        {"properties": {name: {"items": {"type": "string"}} for name in ("emails", "cities")}}
    )
    assert all("@" in email for email in value["emails"])
    assert not any("." in city for city in value["cities"])


def test_a_name_is_looked_up_from_its_whole_to_its_last_word() -> None:
    assert list(split_name_suffixes("customerFirst_name")) == ["customer_first_name", "first_name", "name"]


# --- patterns


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{3}-\d{4}$", r"^[^a-z]\D\S\W\s\w$", r"^(?<year>\d{4})-(a|b|c)+?$", r"^(ab)\1$", r"^.[^x]*[\s]?$",
        r"^\p{L}+$", r"^[\u00e0-\u00ff]{2}$", r"^(?>a|b)c++$", r"^(a+)+$", r"^(a|b)*$", r"^((a{2}){3}|c)$",
        "", r"^$", r"[\w.+-]+@[\w-]+\.[a-z]{2,}", r"^[^\x00-\x7f]$", r"^(?:(a)|b)+$",
    ],
)  # fmt: skip
@given(seed=st.integers())
@settings(max_examples=20)
def test_a_text_made_along_a_pattern_matches_it(pattern: str, seed: int) -> None:
    FAKER.seed_instance(seed)
    text = generate_matching_text(pattern, FAKER.random, GenerationBudget(), 0, 40)
    assert text is not None
    assert matches_pattern(pattern, text, GenerationBudget())


@pytest.mark.parametrize("pattern", ["(", "a" * 3 + "{2,1}", "a{99999999999}", "(" * 3000])
def test_an_invalid_expression_is_ignored(pattern: str) -> None:
    assert generate_matching_text(pattern, FAKER.random, GenerationBudget()) is None
    assert matches_pattern(pattern, "x", GenerationBudget())


def test_a_risky_expression_is_not_searched_in_a_long_text() -> None:
    assert matches_pattern(
        r"^(\w+\s?)*$", "long words and many of them, ending in a sign!", GenerationBudget()
    )
    assert not matches_pattern(r"^(\w+\s?)*$", "short!", GenerationBudget())


# --- flattening and validation


def test_merging_with_an_empty_schema_changes_nothing() -> None:
    schema: Schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert (
        merge_schemas(schema, {}, GenerationBudget())
        == merge_schemas({}, schema, GenerationBudget())
        == merge_schemas(schema, schema, GenerationBudget())
        == schema
    )
    assert flatten_schema(schema, schema, GenerationBudget()) == (schema, frozenset())


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"type": "number"}, {"type": ["integer", "null"]}, {"type": ["integer"]}),
        ({"type": ["integer", "null"]}, {"type": ["number", "null"]}, {"type": ["null", "integer"]}),
        ({"minimum": 3}, {"minimum": 5}, {"minimum": 5}),
        ({"maxLength": 3}, {"maxLength": 5}, {"maxLength": 3}),
        ({"format": "date"}, {"format": "time"}, {"format": "date"}),
        ({"items": {"a": 1}}, {"items": {"b": 1}}, {"items": {"allOf": [{"a": 1}, {"b": 1}]}}),
        ({"uniqueItems": False}, {"uniqueItems": True}, {"uniqueItems": True}),
        ({"additionalProperties": {}}, {"additionalProperties": False}, {"additionalProperties": False}),
        ({"properties": {"a": 1}}, {"properties": 5}, {"properties": {"a": 1}}),
        (
            {"properties": {"xa": 1}},
            {"additionalProperties": False, "patternProperties": {"^x": {}}},
            {"properties": {"xa": 1}, "additionalProperties": False, "patternProperties": {"^x": {}}},
        ),
    ],
)
def test_merging_two_schemas(one: Schema, other: Schema, expected: Schema) -> None:
    assert merge_schemas(one, other, GenerationBudget()) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object", "properties": {"a": {"$ref": "#"}}}, False),
        ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, True),
        ({"type": ["object", "null"], "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, False),
        ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, True),
        ({"type": "array", "items": {"$ref": "#"}}, False),
        ({"anyOf": [{"$ref": "#"}, {"type": "null"}]}, False),
        ({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, True),
        ({"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}], "$defs": {"a": {}}}, False),
        (EXPLOSIVE | {"$defs": {**EXPLOSIVE["$defs"], "d30": {"$ref": "#"}}}, True),  # type: ignore[dict-item]
        ({"allOf": [{"allOf": [{"type": "string"}] * 99}] * 99}, True),
    ],
)
def test_an_infinite_schema_is_recognised(schema: Schema, expected: bool) -> None:
    assert is_infinite_schema(schema, schema, GenerationBudget(), ["#"]) is expected


@given(schemas(), JSON)
@settings(deadline=None)
def test_validation_agrees_with_an_independent_validator(schema: Schema, value: object) -> None:
    if "$ref" not in json.dumps(schema):
        assert conforms_to_schema(
            value, schema, schema, GenerationBudget()
        ) == jsonschema_rs.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ([1, 2], {"items": [{"const": 1}], "additionalItems": {"const": 3}}, False),
        ([1, 3], {"items": [{"const": 1}], "additionalItems": {"const": 3}}, True),
        ([1, 2], {"prefixItems": [{"const": 2}]}, False),
        ([1, 2], {"items": {"const": 1}}, False),
        ([1, 1], {"contains": {"const": 1}, "maxContains": 1}, False),
        ([[1], [1.0]], {"uniqueItems": True}, False),
        ([{"a": 1}, {"a": True}], {"uniqueItems": True}, True),
        ({"a": 1}, {"dependentRequired": {"a": ["b"]}}, False),
        ({"ab": 1}, {"propertyNames": {"maxLength": 1}}, False),
        ({"x": 1}, {"patternProperties": {"x": {"type": "string"}}}, False),
        (5, {"multipleOf": 2.5}, True),
        (5, {"multipleOf": 0}, True),
        (float("inf"), {"minimum": 3}, True),
        (5, {"if": {"type": "integer"}, "then": {"minimum": 6}}, False),
        (5, {"if": {"type": "string"}, "else": {"minimum": 6}}, False),
        (5, {"oneOf": [{}, {}]}, False),
        (5, {"not": {"type": "integer"}}, False),
        (5, {"$ref": "#/$defs/a", "$defs": {"a": False}}, False),
        (5, {"$ref": "#"}, True),
    ],
)
def test_a_keyword_rejects_what_it_forbids(value: object, schema: Schema, expected: bool) -> None:
    assert conforms_to_schema(value, schema, schema, GenerationBudget()) is expected


def test_json_has_its_own_sense_of_equal_and_of_integer() -> None:
    values: list[object] = [
        1,
        True,
        1.0,
        "1",
        None,
        [1],
        [1.0],
        [1, 2],
        {"a": 1},
        {"a": True},
        {"b": 1},
        [{"a": []}],
    ]
    for one, other in product(values, repeat=2):
        budget = GenerationBudget()
        is_equal = make_equality_key(one, budget) == make_equality_key(other, budget)
        assert is_equal_value(one, other, budget.spend) is is_equal
    assert is_equal_value([1, {"a": None}], [1.0, {"a": None}])
    assert not is_equal_value(True, 1)
    assert is_json_type(1.0, "integer")
    assert not is_json_type(True, "integer")
    assert not is_json_type(1, ["integer"])


def test_a_long_list_of_things_that_differ_is_made_in_time() -> None:
    value = generate(
        {"type": "array", "minItems": MAX_ITEMS, "items": {"type": "integer"}, "uniqueItems": True}
    )
    assert isinstance(value, list)
    assert len(value) == MAX_ITEMS
