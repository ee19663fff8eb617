"""Hostile JSON Schemas: none of them holds the event loop, however it is written and wherever in a request it is."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockserver.bounded_regex import SharedRegexBudget
from mockserver.generation.faker_text import seed_faker
from mockserver.generation.from_schema import generate_value
from mockserver.generation.generation_budget import MAX_STEPS, GenerationBudget
from mockserver.testing import MockServer
from tests.conftest import MakeClient, StartServer

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
# The operation that exhausts the budget asks for more steps than are left: at most those of compiling one pattern,
# which is then left undone, or of one string that the schema contains.
MAX_OVERRUN = 30_000
# A step takes 1 to 3 microseconds; ten times that is allowed, since the tests share the machine.
MAX_SECONDS = 5.0
EVIL_PATTERNS = [
    ".*.*.*.*.*.*.*=!",
    "^(?=.*(.+)+z)a{20,40}$",
    "^(?!.*(.+)+z)a{20,40}$",
    "^(a+)+$",
    "^(a|aa)+$",
    "^(a?){60}a{60}$",
    "^(a{0,60}){0,60}b$",
    "(?:(?:a{0,1000}){0,1000}){0,1000}b",
    "((((.*)*)*)*)*=",
    r"^(\w+\s?)*$",
    r"(.*)(.*)(.*)(.*)\1\2\3\4!",
    "a" * 1000,
    "[a-z0-9]{9}" * 90,
    "(?<!a)(b|bb)*c",
]


def chain(levels: int, **links: int) -> Schema:
    """Return definitions of which each refers to the next one by the keywords, as often as they say."""
    definitions: Schema = {f"d{levels}": TEXT}
    for level in range(levels):
        following = {"$ref": f"#/$defs/d{level + 1}"}
        definitions[f"d{level}"] = {
            keyword: [following] * count if count else following for keyword, count in links.items()
        }
    return {"$ref": "#/$defs/d0", "$defs": definitions}


def nest(levels: int, wrap: Callable[[Any], Any]) -> Any:
    schema: Any = TEXT
    for _ in range(levels):
        schema = wrap(schema)
    return schema


def list_of(items: object, count: int = 200, **keywords: object) -> Schema:
    return {"type": "array", "items": items, "minItems": count, **keywords}


def members(count: int, schema: Schema) -> Schema:
    names = [f"member{index}" for index in range(count)]
    return {"type": "object", "properties": dict.fromkeys(names, schema), "required": names}


TEXT_SCHEMAS: dict[str, Schema] = {
    "long": {"type": "string", "minLength": 900},
    "const": {"const": "a" * 900},
    "short const": {"const": "a" * 16},
    "examples": {"type": "string", "examples": ["a" * 50, "a" * 5_000]},
}
SCHEMAS: dict[str, Schema] = {
    # Regular expressions.
    **{f"pattern {pattern[:30]}": {"type": "string", "pattern": pattern} for pattern in EVIL_PATTERNS},
    **{
        f"{keyword} {pattern[:30]}": {"pattern": pattern, **value}
        for pattern in EVIL_PATTERNS
        for keyword, value in TEXT_SCHEMAS.items()
    },
    "names by a pattern": {
        "type": "object",
        "propertyNames": {"pattern": EVIL_PATTERNS[1]},
        "minProperties": 99,
    },
    "many patterns": {"properties": {f"p{i}": {"pattern": f"^(?=.*(.+)+{i})a{{40}}$"} for i in range(200)}},
    "many pattern properties": {"patternProperties": {f"^{i}.*y$": {} for i in range(2_000)}, "minProperties": 99},
    "long texts by a pattern": list_of({"type": "string", "pattern": r"^(\w+-)*$", "minLength": 4_900}),
    # References to themselves, and twenty levels of them.
    **{
        f"{keyword} of itself": {keyword: [{"$ref": "#"}] * 2} for keyword in ("oneOf", "anyOf", "allOf", "prefixItems")
    },
    **{f"{keyword} itself": {keyword: {"$ref": "#"}} for keyword in ("not", "contains", "propertyNames", "items")},
    "if itself": {"if": {"$ref": "#"}, "then": {"$ref": "#"}, "else": {"$ref": "#"}},
    "additional of itself": {"additionalProperties": {"$ref": "#"}, "minProperties": 200},
    "if then": chain(20, **{"if": 0, "then": 0, "else": 0}),
    **{
        f"{keyword} by {count}": chain(20, **{keyword: count})
        for keyword in ("oneOf", "anyOf", "allOf")
        for count in (2, 3)
    },
    "all of them": chain(20, oneOf=2, anyOf=2, allOf=2),
    "with not": chain(20, **{"anyOf": 2, "not": 0}),
    "unsatisfiable": {"allOf": [chain(20, anyOf=2), {"not": {}}], **chain(20, anyOf=2)},
    "products of unions": {"allOf": [{"anyOf": [{"minimum": i}, {"maximum": -i}]} for i in range(25)], "not": {}},
    "members of members": {
        "$ref": "#/$defs/d0",
        "$defs": {f"d{level}": members(3, {"$ref": f"#/$defs/d{level + 1}"}) for level in range(20)},
    },
    "arrays of arrays": nest(5, list_of),
    # Depth.
    **{
        f"deep {name}": nest(900, wrap)
        for name, wrap in {
            "allOf": lambda inner: {"allOf": [inner]},
            "anyOf": lambda inner: {"anyOf": [inner]},
            "not": lambda inner: {"not": inner},
            "properties": lambda inner: {"properties": {"a": inner}, "required": ["a"]},
            "items": lambda inner: {"items": inner, "minItems": 1},
            "const": lambda inner: {"const": inner},
        }.items()
    },
    "deep constant": {"const": nest(900, lambda inner: [inner])},
    "chain of references": {"$ref": "#/$defs/d0", **chain(3_000, allOf=1)},
    "values through a chain": list_of({"$ref": "#/$defs/d0"}, **{"$defs": chain(900, allOf=1)["$defs"]}),
    "long reference": {"$ref": "#" + "/a" * 500_000},
    # Uniqueness.
    **{
        f"unique {name}": list_of(items, uniqueItems=True)
        for name, items in {
            "booleans": {"type": "boolean"},
            "choices": {"enum": [1, 2, 3]},
            "objects": members(1, {"type": "boolean"}),
            "constants": {"const": [[1] * 500] * 20},
            "nothing": {"not": {}},
        }.items()
    },
    # Size.
    "huge enum": {"enum": [f"value {i}" for i in range(200_000)]},
    "values of a huge enum": list_of({"enum": list(range(100_000))}),
    "two huge enums": {"allOf": [{"enum": list(range(50_000))}, {"enum": list(range(50_000, 99_000))}]},
    "huge constants": list_of({"const": "x" * 1_000_000}),
    "huge defaults": list_of({"type": "string", "default": "x" * 1_000_000}),
    "huge examples": list_of({"type": "string", "examples": ["x" * 1_000] * 10_000}),
    "huge descriptions": list_of({"type": "string", "description": "e.g. x" * 200_000}),
    "huge titles": list_of({"title": "aB" * 500_000, "properties": {"name": TEXT}}),
    "huge names": list_of({"properties": {"aB" * 500_000: TEXT}}),
    "long invalid texts": list_of({"type": "string", "minLength": 9_999, "not": {}}),
    "too long texts": list_of({"type": "string", "minLength": 10**9}),
    "many required": {"required": [f"r{i}" for i in range(100_000)], "properties": {f"p{i}": {} for i in range(9_999)}},
    "required twice": {"required": ["a"] * 100_000, "properties": {"a": TEXT}},
    "many types": {"type": ["string"] * 100_000, "not": {}},
    "many keywords": list_of({**{f"k{i}": 1 for i in range(100_000)}, **TEXT}),
    "many parts": {"allOf": [{"properties": {f"a{i}": TEXT}} for i in range(10_000)]},
    "many parts of one member": {"allOf": [{"properties": {"a": {"minLength": i}}} for i in range(500)]},
    "many branches": {"anyOf": [{"minLength": 5, "maxLength": 3, "type": "string"}] * 10_000},
    "many dependents": {"required": ["a"], "dependentRequired": {"a": [f"x{i}" for i in range(100_000)]}},
    "contains nothing": {"type": "array", "contains": {"not": {}}, "minContains": 200},
    # Numbers.
    "many multiples": {"type": "number", "allOf": [{"multipleOf": 10**9 + i} for i in range(1, 4_000, 2)]},
    "tiny multiples": list_of({"type": "number", "multipleOf": 5e-324, "minimum": 1e308, "not": {}}),
    "beyond the floats": {"type": "number", "exclusiveMinimum": 1.7976931348623157e308},
    "below the floats": {"type": "number", "exclusiveMaximum": -1.7976931348623157e308},
    "integers of 400 digits": {"type": "number", "minimum": 10**400, "multipleOf": 10**350},
    "an infinite total": {
        "properties": {"unit_price": {"const": 1e308}, "quantity": {"const": 99}, "total": {"type": "number"}}
    },
}  # fmt: skip
PROMPTS = ["", ("value 5 in Paris, add 5 and 3 for Aa, Bb and " * 700)[:30_000]]


SIZES = [1, 3, 40, 900, 10**9]
VALUES: list[Any] = [1, "a", "b" * 999, None, [1, [2]], {"a": 1}]
NAMES = ["name", "email", "start_date", "end_date", "total", "x"]
# A keyword of a random schema: its possible names, and the function that makes its value.
KEYWORDS: list[tuple[list[str], Callable[[random.Random, int], Any]]] = [
    (
        ["oneOf", "anyOf", "allOf", "prefixItems"],
        lambda rng, depth: [random_schema(rng, depth - 1) for _ in range(rng.randrange(1, 5))],
    ),
    (
        ["not", "if", "then", "else", "items", "contains", "propertyNames", "additionalProperties"],
        lambda rng, depth: random_schema(rng, depth - 1),
    ),
    (
        ["properties"],
        lambda rng, depth: {name: random_schema(rng, depth - 1) for name in rng.sample(NAMES, 3)},
    ),
    (["patternProperties"], lambda rng, depth: {rng.choice(EVIL_PATTERNS): random_schema(rng, depth - 1)}),
    (["required"], lambda rng, _: rng.sample([*NAMES, "other"], 3)),
    (["pattern"], lambda rng, _: rng.choice(EVIL_PATTERNS)),
    (["minLength", "minItems", "minProperties", "minContains", "minimum"], lambda rng, _: rng.choice(SIZES)),
    (["uniqueItems"], lambda *_: True),
    (["enum"], lambda rng, _: rng.choices(VALUES, k=rng.randrange(1, 40))),
    (["multipleOf"], lambda rng, _: rng.choice([0.1, 3, 7e-9, 1e300])),
]


def random_schema(rng: random.Random, depth: int) -> Any:
    """Return a schema of keywords that fit together, or do not; a quarter of the parts are references."""
    if rng.random() < 0.25:
        return {"$ref": rng.choice(["#", "#/$defs/a", "#/$defs/b", "#/$defs/c", "#/nowhere"])}
    if depth == 0:
        return rng.choice([True, False, TEXT, {"type": "integer"}, {"enum": [1, "a", None]}, {"const": [1]}])
    types = rng.choices(["object", "array", "string", "number"], k=rng.randrange(3))
    schema: Schema = {"type": types} if types else {}
    for _ in range(rng.randrange(1, 5)):
        keywords, make = rng.choice(KEYWORDS)
        schema[rng.choice(keywords)] = make(rng, depth)
    return schema


def generate(schema: object, prompt: str = "") -> tuple[object, GenerationBudget, float]:
    """Return the value for a schema, the budget that is left, and the seconds of processor time."""
    budget = GenerationBudget()
    faker = seed_faker("en_US", 1)
    started = time.thread_time()
    with SharedRegexBudget():
        value = generate_value(schema, faker, prompt, budget=budget)
    return value, budget, time.thread_time() - started


@pytest.mark.parametrize("prompt", PROMPTS, ids=["no prompt", "long prompt"])
@pytest.mark.parametrize("name", SCHEMAS)
def test_no_schema_takes_more_steps_than_the_budget(name: str, prompt: str) -> None:
    value, budget, seconds = generate(SCHEMAS[name], prompt)
    assert (
        MAX_STEPS - budget.steps_left < MAX_STEPS + 300_000
    )  # the longest string here is a million characters
    assert seconds < MAX_SECONDS
    assert len(json.dumps(value, allow_nan=False)) < 1_100_000


@pytest.mark.parametrize(
    "count", [200, pytest.param(2_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
def test_no_random_schema_takes_more_steps_than_the_budget(count: int) -> None:
    exhausted = 0
    for seed in range(count):
        rng = random.Random(seed)
        definitions = {name: random_schema(rng, 3) for name in "abc"}
        schema = {"allOf": [random_schema(rng, 4)], "$defs": definitions}
        value, budget, seconds = generate(schema, PROMPTS[seed % 2])
        assert MAX_STEPS - budget.steps_left < MAX_STEPS + MAX_OVERRUN, schema
        assert seconds < MAX_SECONDS, schema
        json.dumps(value, allow_nan=False)
        exhausted += budget.is_exhausted
    assert 0 < exhausted < count / 2  # both happen: a budget that is enough, and one that is not


@pytest.mark.parametrize("steps", [0, 1, 10, 40, 100, 300, 1_000, 3_000])
def test_the_best_value_found_is_used_when_the_budget_is_used_up(steps: int) -> None:
    budget = GenerationBudget(steps)
    value = generate_value(
        members(30, {"type": "array", "items": TEXT, "minItems": 3}), seed_faker("en_US", 1), budget=budget
    )
    assert budget.is_exhausted
    assert value is None or (isinstance(value, dict) and len(value) == 30)
    assert steps < 300 or (isinstance(value, dict) and isinstance(value["member0"], list))


@pytest.mark.parametrize("name", ["products of unions", "unique booleans", "if itself", "many required"])
def test_the_same_hostile_request_gets_the_same_value(name: str) -> None:
    assert generate(SCHEMAS[name])[0] == generate(SCHEMAS[name])[0]


def test_a_large_ordinary_document_is_complete() -> None:
    fields = [
        "name",
        "email",
        "city",
        "start_date",
        "end_date",
        "total",
        "quantity",
        "summary",
        "price",
        "tags",
    ]
    row = {"type": "object", "properties": dict.fromkeys(fields, TEXT), "required": fields}
    value, budget, _ = generate(list_of(row, 100))
    assert isinstance(value, list)
    assert len(value) == 100
    assert all(isinstance(each, str) for item in value for each in item.values())
    assert budget.steps_left > MAX_STEPS / 3


# --- requests


def chat(content: str, **body: object) -> Schema:
    return {"content": content, **body}


def asking_for(schema: object) -> Schema:
    form = {"type": "json_schema", "json_schema": {"name": "hostile", "schema": schema}}
    return chat("hello", response_format=form)


def offering(count: int, parameters: object, **body: object) -> Schema:
    tools = [
        {"type": "function", "function": {"name": f"tool_{index}", "parameters": parameters}}
        for index in range(count)
    ]
    return chat(" ".join(f"tool {index}" for index in range(count)), tools=tools, **body)


JSON_MODE: Schema = {"response_format": {"type": "json_object"}}
REQUESTS: dict[str, tuple[Schema, int]] = {
    "response format": (asking_for(SCHEMAS["oneOf by 3"]), 201),
    "schema in the prompt": (chat(f"Return JSON: {json.dumps(SCHEMAS['if then'])}", **JSON_MODE), 201),
    "sixteen tools": (offering(16, SCHEMAS["anyOf by 2"]), 201),
    "ten thousand tools": (offering(10_000, {}), 400),
    "many arguments": (offering(24, {"properties": {f"city{i}": TEXT for i in range(5_000)}}), 400),
    "many choices": (asking_for(SCHEMAS["oneOf by 3"]) | {"n": 100}, 400),
    "many long texts": (chat("Write 5000 words", n=128), 400),
    "objects that do not end": (chat('{"a":[' * 20_000, **JSON_MODE), 201),
    "objects that end in an error": (chat(('{"a":[' + "[1]," * 3_000) * 30, **JSON_MODE), 201),
    "two million characters": (chat("!" * 2_000_100), 201),
}


@pytest.fixture(scope="module")
def without_fixtures(start_server: StartServer) -> MockServer:
    return start_server("fixtures: []")


@pytest.mark.parametrize("name", REQUESTS)
def test_a_hostile_request_gets_a_reply_or_a_clear_error(
    name: str, without_fixtures: MockServer, make_client: MakeClient
) -> None:
    body, status = REQUESTS[name]
    reply = make_client(without_fixtures).chat("aimlapi", **body)
    assert reply.status == status, reply.body
    if status == 400:
        assert re.search(
            r"stopped generating this response after 100000 steps.*fewer choices", reply.json["message"]
        )


def test_two_servers_in_one_process_give_the_same_replies_as_one(
    start_server: StartServer, make_client: MakeClient
) -> None:
    def ask(index: int, barrier: threading.Barrier) -> list[object]:
        client = make_client(servers[index])
        barrier.wait(20)  # each server draws from its Faker while the other one does
        replies = [client.chat("aimlapi", f"Write {count} words", seed=3).json for count in range(200, 220)]
        return [reply["choices"][0]["message"]["content"] for reply in replies]

    servers = [start_server("fixtures: []") for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        barrier = threading.Barrier(2)
        first, second = pool.map(ask, range(2), [barrier] * 2)
    alone = ask(0, threading.Barrier(1))
    assert first == second == alone


def test_each_thread_has_a_faker_of_its_own() -> None:
    here = seed_faker("en_US", 5)
    with ThreadPoolExecutor(1) as pool:
        there = pool.submit(seed_faker, "en_US", 5).result()
    assert here is not there
    assert here is seed_faker("en_US", 5)
    # Neither draws from the numbers of the other.
    assert here.name() == there.name()
    assert here.city() == there.city()
