"""An issue is what Zod 3 would say of the same value, word for word and key for key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockserver.session import issues
from mockserver.vendors.parameter import Parameter


def typed(*types: str, **more: Any) -> Parameter:
    return Parameter(type=types, **more)


NAME = typed("string", required=True)
FORMAT = typed("object", by="type", variants={"text": {}, "schema": {"name": NAME}})


def found(parameter: Parameter, *value: Any) -> list[issues.Issue]:
    """The issues of a field `it` with this value, or with none."""
    return list(issues.fields({"it": parameter}, {"it": value[0]} if value else {}))


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
        (Parameter(), {"what": "ever"}),
    ],
)
def test_a_value_that_is_as_it_must_be_has_no_issue(parameter: Parameter, value: Any) -> None:
    assert found(parameter, value) == []


# Each with its keys in the order of Zod's source (v3: types.ts, helpers/parseUtil.ts, locales/en.ts).
@pytest.mark.parametrize(
    ("parameter", "value", "issue"),
    [
        (typed("string"), 5, {"code": "invalid_type", "expected": "string", "received": "number", "path": ["it"],
                              "message": "Expected string, received number"}),
        (typed("integer"), 1.5, {"code": "invalid_type", "expected": "integer", "received": "float",
                                 "message": "Expected integer, received float", "path": ["it"]}),
        (typed("integer"), "1", {"code": "invalid_type", "expected": "number", "received": "string", "path": ["it"],
                                 "message": "Expected number, received string"}),
        (typed("number", minimum=1), 0.5,
         {"code": "too_small", "minimum": 1, "type": "number", "inclusive": True, "exact": False,
          "message": "Number must be greater than or equal to 1", "path": ["it"]}),
        (typed("number", maximum=0.5), 1,
         {"code": "too_big", "maximum": 0.5, "type": "number", "inclusive": True, "exact": False,
          "message": "Number must be less than or equal to 0.5", "path": ["it"]}),
        (typed("string", enum=("low", "high")), "none",
         {"received": "none", "code": "invalid_enum_value", "options": ["low", "high"], "path": ["it"],
          "message": "Invalid enum value. Expected 'low' | 'high', received 'none'"}),
        (typed("string", enum=("low", "high")), 5,
         {"expected": "'low' | 'high'", "received": "number", "code": "invalid_type", "path": ["it"],
          "message": "Expected 'low' | 'high', received number"}),
        (typed("string", enum=("function",)), "tool",
         {"received": "tool", "code": "invalid_literal", "expected": "function", "path": ["it"],
          "message": 'Invalid literal value, expected "function"'}),
        (typed("string", enum=("function",)), [1],
         {"received": [1], "code": "invalid_literal", "expected": "function", "path": ["it"],
          "message": 'Invalid literal value, expected "function"'}),
        (typed("boolean"), "true", {"code": "invalid_type", "expected": "boolean", "received": "string", "path": ["it"],
                                    "message": "Expected boolean, received string"}),
        (typed("array", items=typed("string")), ["a", {}],
         {"code": "invalid_type", "expected": "string", "received": "object", "path": ["it", 1],
          "message": "Expected string, received object"}),
        (typed("object", fields={"a": NAME}), {},
         {"code": "invalid_type", "expected": "string", "received": "undefined", "path": ["it", "a"],
          "message": "Required"}),
        (FORMAT, {"type": "xml"},
         {"code": "invalid_union_discriminator", "options": ["text", "schema"], "path": ["it", "type"],
          "message": "Invalid discriminator value. Expected 'text' | 'schema'"}),
        (FORMAT, {"type": ["text"]},
         {"code": "invalid_union_discriminator", "options": ["text", "schema"], "path": ["it", "type"],
          "message": "Invalid discriminator value. Expected 'text' | 'schema'"}),
        (FORMAT, {"type": "schema"},
         {"code": "invalid_type", "expected": "string", "received": "undefined", "path": ["it", "name"],
          "message": "Required"}),
        (FORMAT, "text", {"code": "invalid_type", "expected": "object", "received": "string", "path": ["it"],
                          "message": "Expected object, received string"}),
        (typed("string", "array"), 5,
         {"code": "invalid_union", "unionErrors": [
             {"issues": [{"code": "invalid_type", "expected": "string", "received": "number", "path": ["it"],
                          "message": "Expected string, received number"}], "name": "ZodError"},
             {"issues": [{"code": "invalid_type", "expected": "array", "received": "number", "path": ["it"],
                          "message": "Expected array, received number"}], "name": "ZodError"}],
          "path": ["it"], "message": "Invalid input"}),
    ],
)  # fmt: skip
def test_an_issue_has_zods_keys_in_zods_order(
    parameter: Parameter, value: Any, issue: dict[str, Any]
) -> None:
    [one] = found(parameter, value)
    assert json.dumps(one) == json.dumps(issue)


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
def test_what_is_missing_is_told_where_it_is_required(parameter: Parameter, told: list[str]) -> None:
    assert [issues.spelled([one]) for one in found(parameter)] == told


def test_a_literal_that_is_missing_was_not_received() -> None:
    [one] = found(typed("string", enum=("function",), required=True))
    assert list(one) == ["code", "expected", "path", "message"]


def test_null_is_no_value_where_one_is_required() -> None:
    assert issues.spelled(found(NAME, None)) == "it: Expected string, received null"


def test_a_number_may_be_wrong_in_several_ways() -> None:
    told = issues.spelled(found(typed("integer", minimum=1), 0.5))
    assert told == "it: Expected integer, received float; it: Number must be greater than or equal to 1"


@pytest.mark.parametrize("words", [("a", "b"), ("a",)])
def test_what_was_sent_is_not_repeated_whole(words: tuple[str, ...]) -> None:
    [one] = found(typed("string", enum=words), "x" * 500)
    assert one["received"] == "x" * 80


def test_an_issue_of_the_whole_has_no_place() -> None:
    assert issues.spelled([issues.custom("the body is empty")]) == "the body is empty"


def test_a_union_is_spelled_with_what_is_wrong_for_the_type_that_was_sent() -> None:
    choice = typed("string", "object", enum=("none", "auto"), fields={"type": NAME})
    assert (
        issues.spelled(found(choice, "any"))
        == "it: Invalid enum value. Expected 'none' | 'auto', received 'any'"
    )
    assert issues.spelled(found(choice, {})) == "it.type: Required"
    assert issues.spelled(found(choice, 5)) == (
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
    (("string", "array"), {"items": Parameter(type=("string",))}),
    (("object",), {}),
    (("object", "string"), {"fields": {"a": Parameter(type=("string",), required=True)}}),
]
SHAPES = [
    Parameter(type=types, required=required, **more) for required in (False, True) for types, more in STATED
] + [Parameter()]
VALUES: list[Any] = ["a", "c", 0, 1, 2, 0.5, True, None, [], ["a"], [1], {}, {"a": "a"}, {"a": 1}]


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_is_wrong_with_what_is_not_looked_at(shape: Parameter) -> None:
    for value in VALUES:
        wrong = [] if value is None and not shape.required else list(issues.of(shape, value, ("x",)))
        assert list(issues.fields({"x": shape}, {"x": value, "y": 1})) == wrong
    missing = list(issues.of(shape, issues.MISSING, ("x",))) if shape.required else []
    assert list(issues.fields({"x": shape}, {"y": 1})) == missing


def test_what_is_wrong_is_told_in_the_order_of_the_fields() -> None:
    stated = {name: Parameter(type=("string",), required=True) for name in "abc"}
    assert [one["path"] for one in issues.fields(stated, {"c": 1, "a": 2})] == [["a"], ["b"], ["c"]]
