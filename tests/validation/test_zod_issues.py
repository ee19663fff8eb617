"""Tests of issues: equal to those of Zod 3 for the same value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockserver.validation.zod_issues import (
    MISSING,
    Issue,
    create_custom_issue,
    find_field_issues,
    find_value_issues,
    format_issues,
)
from mockserver.vendors.parameter_rules import ParameterRule


def typed(*types: str, **more: Any) -> ParameterRule:
    return ParameterRule(type=types, **more)


NAME = typed("string", required=True)
FORMAT = typed("object", by="type", variants={"text": {}, "schema": {"name": NAME}})


def found(parameter: ParameterRule, *value: Any) -> list[Issue]:
    """Return the issues of a field `it` with this value, or without one."""
    return list(find_field_issues({"it": parameter}, {"it": value[0]} if value else {}))


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (typed("string"), ""),
        (typed("string"), None),
        (typed("string", enum=("low", "high")), "low"),
        (typed("string", enum=("only",)), "only"),
        (typed("number", minimum=1, maximum=2.5), 2.5),
        (typed("number"), -1.5),
        (typed("integer"), 3.0),
        (typed("integer"), -(2**62)),
        (typed("boolean"), False),
        (typed("array"), [1, "a", None]),
        (typed("array", items=typed("number")), [1, 2.5]),
        (typed("object"), {"any": "thing"}),
        (typed("object", fields={"a": typed("string")}), {"b": 1}),
        (FORMAT, {"type": "text"}),
        (FORMAT, {"type": "schema", "name": "n", "more": 1}),
        (typed("string", "array", enum=("auto",), items=typed("string")), "auto"),
        (typed("string", "array", enum=("auto",), items=typed("string")), ["whatever"]),
        (ParameterRule(), {"what": "ever"}),
    ],
)
def test_a_valid_value_has_no_issue(parameter: ParameterRule, value: Any) -> None:
    assert found(parameter, value) == []


PART = typed("object", fields={"type": NAME})
CONTENT = typed("string", "array", items=PART, required=True)
CALLED = typed("string", enum=("function",), required=True)
NAMED = typed("object", fields={"name": NAME}, required=True)
# The schema of zod.mjs.
SCHEMA = {
    "model": typed("string", enum=("o3-mini", "o3-mini-2025"), required=True),
    "messages": typed(
        "array",
        required=True,
        items=typed(
            "object",
            by="role",
            variants={"user": {"content": CONTENT}, "tool": {"content": CONTENT, "tool_call_id": NAME}},
        ),
    ),
    "n": typed("integer", minimum=1, maximum=128),
    "max_tokens": typed("number", minimum=1),
    "stream": typed("boolean"),
    "stop": typed("string", "array", items=typed("string")),
    "reasoning_effort": typed("string", enum=("low", "medium", "high")),
    "tools": typed("array", items=typed("object", fields={"type": CALLED, "function": NAMED})),
    "tool_choice": typed("string", "object", enum=("none", "auto"), fields={"type": CALLED}),
    "response_format": typed(
        "object", by="type", variants={"text": {}, "json_schema": {"json_schema": NAMED}}
    ),
}
# The output of Zod 3.25.76.
RECORDED = json.loads(Path(__file__).with_name("zod.json").read_text())


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: json.dumps(recorded["body"])[-60:])
def test_an_issue_is_zods_own_to_the_letter(recorded: Any) -> None:
    found = list(find_field_issues(SCHEMA, recorded["body"]))
    assert json.dumps(found) == json.dumps(recorded["issues"])


@pytest.mark.parametrize(
    ("parameter", "told"),
    [
        (typed("string"), []),
        (NAME, ["it: Required"]),
        (typed("integer", required=True), ["it: Required"]),
        (typed("string", "array", required=True), ["it: Required"]),
        (typed("string", enum=("low", "high"), required=True), ["it: Required"]),
        (
            typed("string", enum=("function",), required=True),
            ['it: Invalid literal value, expected "function"'],
        ),
    ],
)
def test_a_missing_value_is_an_issue_if_it_is_required(parameter: ParameterRule, told: list[str]) -> None:
    assert [format_issues([one]) for one in found(parameter)] == told


def test_a_literal_that_is_missing_was_not_received() -> None:
    [one] = found(typed("string", enum=("function",), required=True))
    assert list(one) == ["code", "expected", "path", "message"]


def test_null_is_no_value_where_one_is_required() -> None:
    assert format_issues(found(NAME, None)) == "it: Expected string, received null"


def test_a_number_may_be_wrong_in_several_ways() -> None:
    told = format_issues(found(typed("integer", minimum=1), 0.5))
    assert told == "it: Expected integer, received float; it: Number must be greater than or equal to 1"


@pytest.mark.parametrize("words", [("a", "b"), ("a",)])
def test_a_received_value_is_truncated_in_an_issue(words: tuple[str, ...]) -> None:
    [one] = found(typed("string", enum=words), "x" * 500)
    assert one["received"] == "x" * 80


def test_an_issue_of_the_whole_body_has_no_path() -> None:
    assert format_issues([create_custom_issue("the body is empty")]) == "the body is empty"


def test_a_union_is_formatted_with_the_issues_of_the_type_received() -> None:
    choice = typed("string", "object", enum=("none", "auto"), fields={"type": NAME})
    assert (
        format_issues(found(choice, "any"))
        == "it: Invalid enum value. Expected 'none' | 'auto', received 'any'"
    )
    assert format_issues(found(choice, {})) == "it.type: Required"
    assert format_issues(found(choice, 5)) == (
        "it: Expected 'none' | 'auto', received number, or Expected object, received number"
    )


STATED: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (("string",), {}),
    (("string",), {"enum": ("a", "b")}),
    (("number",), {}),
    (("number",), {"maximum": 1}),
    (("integer",), {}),
    (("integer", "number"), {"minimum": 1}),
    (("boolean",), {}),
    (("array",), {}),
    (("string", "array"), {"items": ParameterRule(type=("string",))}),
    (("object",), {}),
    (("object", "string"), {"fields": {"a": ParameterRule(type=("string",), required=True)}}),
]
SHAPES = [
    ParameterRule(type=types, required=required, **more)
    for required in (False, True)
    for types, more in STATED
] + [ParameterRule()]
VALUES: list[Any] = ["a", "c", 0, 1, 2, 0.5, True, None, [], ["a"], [1], {}, {"a": "a"}, {"a": 1}]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_rule_without_a_type_has_no_issues(shape: ParameterRule) -> None:
    for value in VALUES:
        wrong = [] if value is None and not shape.required else list(find_value_issues(shape, value, ("x",)))
        assert list(find_field_issues({"x": shape}, {"x": value, "y": 1})) == wrong
    missing = list(find_value_issues(shape, MISSING, ("x",))) if shape.required else []
    assert list(find_field_issues({"x": shape}, {"y": 1})) == missing


def test_issues_are_in_the_order_of_the_fields() -> None:
    stated = {name: ParameterRule(type=("string",), required=True) for name in "abc"}
    assert [one["path"] for one in find_field_issues(stated, {"c": 1, "a": 2})] == [["a"], ["b"], ["c"]]
