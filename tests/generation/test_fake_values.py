"""Generated values suit the names of their properties and are consistent with each other."""

from __future__ import annotations

import re
import sys
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.generation.consistency import make_consistent
from mockserver.generation.fake_values import NAME_PROVIDERS, generate_by_name, singularize_name
from mockserver.generation.faker_text import seed_faker
from mockserver.generation.from_schema import generate_value
from mockserver.generation.word_lists import VALUES_BY_NAME

TEXT = {"type": "string"}
NUMBER = {"type": "number"}


def generate(schema: object, locale: str = "en_US", prompt: str = "", **keywords: Any) -> Any:
    return generate_value(schema, seed_faker(locale, 5), prompt, **keywords)


def object_of(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties)}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("invoice_number", r"INV-\d{5}"),
        ("customerEmail", r"[a-z.]+@example\.com"),
        ("email_to", r"[a-z.]+@example\.com"),
        ("phone", r"\+1 \d{3}-555-01\d\d"),
        ("seat", r"\d[A-Z]"),
        ("flight_number", r"[A-Z]{2} \d{3}"),
        ("cook_time", r"\d+ minutes"),
        ("image_url", r"https://www\.example\.com/[a-z-]+\.jpg"),
        ("start_time", r"\d\d:\d\d"),
        ("weekday", r"[A-Z][a-z]+day"),
        ("currency", "USD|EUR|GBP|JPY"),
        ("author", r"[A-Z]\w+ [A-Z]\w+"),
    ],
)
def test_a_text_reads_as_what_its_name_says(name: str, form: str) -> None:
    for seed in range(5):
        value = generate_value({"properties": {name: TEXT}, "required": [name]}, seed_faker("en_US", seed))
        assert isinstance(value, dict)
        assert re.fullmatch(form, value[name]), value


@pytest.mark.parametrize("name", ["num_results", "number_of_people", "search_num_hits", "messageCount"])
def test_what_is_counted_is_a_small_whole_number(name: str) -> None:
    value = generate(object_of(**{name: NUMBER}))[name]
    assert isinstance(value, int)
    assert 1 <= value <= 10


def test_a_name_is_that_of_what_it_belongs_to() -> None:
    ingredient = object_of(name=TEXT, unit=TEXT)
    recipe = object_of(title=TEXT, ingredients={"type": "array", "items": ingredient}) | {"title": "Recipe"}
    document = generate(recipe)
    assert document["title"] in VALUES_BY_NAME["recipe_title"]
    for one in document["ingredients"]:
        assert one["name"] in VALUES_BY_NAME["ingredient"]
        assert one["unit"] in VALUES_BY_NAME["ingredient_unit"]
    assert generate(object_of(name=TEXT, unit=TEXT), name="get_weather")["unit"] in ("celsius", "fahrenheit")
    assert re.fullmatch(r"\w+ \w+", generate(object_of(user=object_of(name=TEXT)))["user"]["name"])
    assert re.fullmatch(r"\w+ \w+", generate(object_of(name=TEXT) | {"title": "UserProfile"})["name"])


def test_english_values_are_used_for_english_locales_only() -> None:
    assert generate(object_of(product_name=TEXT))["product_name"] in VALUES_BY_NAME["product_name"]
    german = generate(object_of(product_name=TEXT, summary=TEXT, author=TEXT), "de_DE")
    assert german["product_name"] not in VALUES_BY_NAME["product_name"]
    assert german["product_name"] != generate_by_name("name", seed_faker("de_DE", 5))


@pytest.mark.parametrize("locale", ["en_US", "en_GB", "ja_JP", "pt_BR"])
def test_every_name_that_is_known_has_a_text(locale: str) -> None:
    english = locale.startswith("en")
    # Not every locale has states, and other languages have no values for names that are known only in English.
    silent = {"state", "region", "province", *(() if english else VALUES_BY_NAME)}
    assert {
        name
        for name in (*VALUES_BY_NAME, *NAME_PROVIDERS)
        if not generate_by_name(name, seed_faker(locale, 1))
    } <= silent


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("tags", "tag"),
        ("cities", "city"),
        ("addresses", "address"),
        ("dishes", "dish"),
        ("boxes", "box"),
        ("people", "person"),
        ("class", "class"),
        ("cast", "cast"),
    ],
)
def test_one_of_many_is_called_by_its_singular(many: str, one: str) -> None:
    assert singularize_name(many) == one


def test_the_items_of_a_list_differ_where_that_is_easy() -> None:
    lists = [
        generate_value(
            {"type": "array", "items": TEXT, "minItems": 3}, seed_faker("en_US", seed), name="tags"
        )
        for seed in range(20)
    ]
    assert sum(len(set(one)) == len(one) for one in lists if isinstance(one, list)) > 15


# --- examples in the schema


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (TEXT | {"examples": ["AB-1"]}, "AB-1"),
        (TEXT | {"example": "AB-1"}, "AB-1"),
        (TEXT | {"examples": [5, "x", "long enough"], "minLength": 5}, "long enough"),
        (TEXT | {"default": "celsius"}, "celsius"),
        (TEXT | {"description": "The city and state, e.g. San Francisco, CA"}, "San Francisco, CA"),
        (TEXT | {"description": "City and country e.g. Bogotá, Colombia."}, "Bogotá, Colombia"),
        (TEXT | {"description": "A unit (e.g. 'kg' or 'cm')"}, "kg"),
        (TEXT | {"description": 'A code, e.g. "A; B", upper case'}, "A; B"),
        (TEXT | {"description": "A colour (e.g. teal)"}, "teal"),
        (NUMBER | {"default": 10}, 10),
        (NUMBER | {"examples": [0.5, "x"]}, 0.5),
        ({"type": "integer", "examples": [7, 900], "maximum": 10}, 7),
    ],
)
def test_an_example_that_the_schema_gives_is_taken(schema: object, expected: object) -> None:
    assert generate(object_of(it=schema)) == {"it": expected}


def test_a_value_in_the_message_takes_precedence_over_an_example() -> None:
    assert generate(object_of(city=TEXT | {"examples": ["Rome"]}), prompt="weather in Oslo") == {
        "city": "Oslo"
    }


# --- consistency


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (
            {"start_date": "2025-02-01", "end_date": "2024-01-01"},
            {"start_date": "2024-01-01", "end_date": "2025-02-01"},
        ),
        ({"startTime": "12:30", "endTime": "09:00"}, {"startTime": "09:00", "endTime": "12:30"}),
        ({"start_time": "12:30", "end_time": "09:00"}, {"start_time": "09:00", "end_time": "12:30"}),
        ({"min_price": 9, "max_price": 2.5}, {"min_price": 2.5, "max_price": 9}),
        ({"min": True, "max": False}, {"min": True, "max": False}),
        ({"min": 3, "max": "2"}, {"min": 3, "max": "2"}),
        ({"from": "Rome", "to": "Oslo"}, {"from": "Rome", "to": "Oslo"}),
        (
            {"issue_date": "2025-01-31", "due_date": "2024-01-01"},
            {"issue_date": "2025-01-31", "due_date": "2025-02-17"},
        ),
        (
            {"departure_time": "2025-01-31T12:00:00Z", "arrival_time": "2024-05-05T09:00:00Z"},
            {"departure_time": "2025-01-31T12:00:00Z", "arrival_time": "2025-02-01T09:00:00Z"},
        ),
        (
            {"departure_time": "10:00", "arrival_time": "09:00"},
            {"departure_time": "10:00", "arrival_time": "09:00"},
        ),
        (
            {"departure": "2025-01-01T10:00:00Z", "arrival": "2025-01-01T11:00:0xZ"},
            {"departure": "2025-01-01T10:00:00Z", "arrival": "2025-01-01T11:00:0xZ"},
        ),
        ({"quantity": 3, "unit_price": 2.5, "total": 99}, {"quantity": 3, "unit_price": 2.5, "total": 7.5}),
        ({"quantity": 3, "unit_price": 2.5, "total": "7"}, {"quantity": 3, "unit_price": 2.5, "total": "7"}),
        (
            {"lines": [{"total": 2}, {"amount": 3.5}], "subtotal": 9, "tax": 1, "discount": 0.5, "total": 9},
            {
                "lines": [{"total": 2}, {"amount": 3.5}],
                "subtotal": 5.5,
                "tax": 1,
                "discount": 0.5,
                "total": 6,
            },
        ),
        (
            {"lines": [{"total": 2}, {"note": 3}], "total": 9},
            {"lines": [{"total": 2}, {"note": 3}], "total": 9},
        ),
        (
            {"quantity": 99, "unit_price": 1e308, "total": 1},
            {"quantity": 99, "unit_price": 1e308, "total": sys.float_info.max},
        ),
        ({"lines": [{"total": 1}] * 201, "total": 9}, {"lines": [{"total": 1}] * 201, "total": 9}),
        ({"lines": [{"total": 2}, 3], "total": 9}, {"lines": [{"total": 2}, 3], "total": 9}),
    ],
)
def test_what_begins_comes_first_and_sums_are_sums(
    members: dict[str, object], expected: dict[str, object]
) -> None:
    assert make_consistent(members) == expected


def test_the_schema_takes_precedence_over_consistency() -> None:
    schema = object_of(
        min={"enum": [9]},
        max={"enum": [2]},
        quantity={"enum": [2]},
        unit_price={"enum": [5]},
        total={"enum": [1]},
    )
    assert generate(schema) == {"min": 9, "max": 2, "quantity": 2, "unit_price": 5, "total": 1}


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text("2025-0T:Z"),
    st.dates().map(str), st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.lists(st.dictionaries(st.sampled_from(["total", "x"]), st.integers() | st.none())),
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "start_date",
                "end_date",
                "departure_at",
                "arrival_at",
                "quantity",
                "unit_price",
                "total",
                "tax",
                "lines",
            ]
        ),
        VALUES,
    )
)
@settings(max_examples=150)
def test_consistency_accepts_every_object(members: dict[str, object]) -> None:
    assert make_consistent(members).keys() == members.keys()


# --- schemas of OpenAI's strict mode

PROPERTY = st.sampled_from(
    [
        "name",
        "email",
        "city",
        "date",
        "tags",
        "total",
        "start_date",
        "end_date",
        "quantity",
        "unit_price",
        "items",
        "x",
    ]
)
LEAVES = st.one_of(
    st.sampled_from(
        ["date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"]
    ).map(lambda form: {"type": "string", "format": form}),
    st.sampled_from([r"^[A-Z]{2}-\d{3}$", r"^@[a-zA-Z0-9_]+$"]).map(
        lambda pattern: {"type": "string", "pattern": pattern}
    ),
    st.sampled_from([["string", "null"], ["number", "null"], "boolean", "integer", "string"]).map(
        lambda kind: {"type": kind}
    ),
    st.lists(st.sampled_from(["a", "b", 1, None]), min_size=1, unique_by=repr).map(
        lambda values: {"enum": values}
    ),
    st.sampled_from(["x", 5, True]).map(lambda value: {"const": value}),
    st.tuples(st.integers(-50, 50), st.integers(1, 50)).map(
        lambda pair: {"type": "integer", "minimum": pair[0], "exclusiveMaximum": sum(pair)}
    ),
    st.sampled_from([1, 0.5, 10]).map(lambda step: {"type": "number", "multipleOf": step, "minimum": 0}),
    st.just({"$ref": "#/$defs/Node"}),
    st.just({"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}),
)


def strict(properties: dict[str, object]) -> dict[str, object]:
    return object_of(**properties) | {"additionalProperties": False}


NODE = strict(
    {
        "value": NUMBER,
        "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
        "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
    }
)
STRICT = st.dictionaries(
    PROPERTY,
    st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            st.dictionaries(PROPERTY, inner, max_size=4).map(strict),
            st.tuples(inner, st.integers(0, 3), st.integers(0, 3)).map(
                lambda drawn: {
                    "type": "array",
                    "items": drawn[0],
                    "minItems": drawn[1],
                    "maxItems": drawn[1] + drawn[2],
                }
            ),
            st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
        ),
        max_leaves=6,
    ),
    min_size=1,
    max_size=6,
).map(lambda properties: strict(properties) | {"$defs": {"Node": NODE}})


@given(STRICT, st.integers(), st.sampled_from(["", "Jason is 25, from Rome to Oslo, 3 at $5", "in A and B"]))
@settings(max_examples=100, deadline=None)
def test_whatever_strict_mode_allows_validates(schema: dict[str, object], seed: int, hint: str) -> None:
    value = generate_value(schema, seed_faker("en_US", seed), hint)
    assert jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(value), value
