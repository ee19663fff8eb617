"""What is wrong with a value is an issue, worded as Zod 3 words it, with its keys in its order.

One vendor sends issues as they are; to people they are spelled out in a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from mockserver.vendors.parameter_rules import ParameterRule, ParameterRules

Issue = dict[str, Any]
IssuePath = Sequence[str | int]

MISSING: Final = object()
_MAX_SHOWN = 80  # characters of what was sent that are repeated


def find_value_issues(parameter: ParameterRule, value: Any, path: IssuePath) -> Iterator[Issue]:
    """What is wrong with a value, or with its not being there (MISSING)."""
    types = parameter.type or ()
    if len(types) > 1:
        yield from _check_union(parameter, types, value, path)
    elif types:
        yield from _CHECKS[types[0]](parameter, value, path)


def find_field_issues(
    parameters: Mapping[str, ParameterRule], values: Mapping[str, Any], path: IssuePath = ()
) -> Iterable[Issue]:
    """What is wrong with the fields of an object."""
    known = parameters if isinstance(parameters, ParameterRules) else ParameterRules(parameters)
    found = known.find_unverified(values)
    return _iter_field_issues(found, parameters, values, path) if found else ()


def _iter_field_issues(
    names: Iterable[str], parameters: Mapping[str, ParameterRule], values: Mapping[str, Any], path: IssuePath
) -> Iterator[Issue]:
    for name in names:
        yield from find_value_issues(parameters[name], values.get(name, MISSING), (*path, name))


def create_custom_issue(message: str, path: IssuePath = ()) -> Issue:
    return {"code": "custom", "path": list(path), "message": message}


def create_type_issue(expected: str, value: Any, path: IssuePath) -> Issue:
    received = _zod_type(value)
    return {
        "code": "invalid_type",
        "expected": expected,
        "received": received,
        "path": list(path),
        "message": "Required" if value is MISSING else f"Expected {expected}, received {received}",
    }


def create_too_small_issue(minimum: float, kind: str, message: str, path: IssuePath) -> Issue:
    return _create_bound_issue("too_small", "minimum", minimum, kind, message, path)


def create_discriminator_issue(names: Sequence[str], path: IssuePath) -> Issue:
    """An object does not say which of several kinds it is."""
    return {
        "code": "invalid_union_discriminator",
        "options": list(names),
        "path": list(path),
        "message": f"Invalid discriminator value. Expected {_format_options(names)}",
    }


def create_enum_issue(options: Sequence[str], value: str, path: IssuePath) -> Issue:
    return {
        "received": value[:_MAX_SHOWN],
        "code": "invalid_enum_value",
        "options": list(options),
        "path": list(path),
        "message": f"Invalid enum value. Expected {_format_options(options)}, received '{value[:_MAX_SHOWN]}'",
    }


def format_issues(issues: Sequence[Issue]) -> str:
    """Issues as a person reads them: `messages: Required; n: Number must be ...`."""
    return "; ".join(map(_format_issue, issues))


def _format_issue(issue: Issue) -> str:
    place = ".".join(map(str, issue["path"])) + ": "
    if "unionErrors" not in issue:
        return f"{place}{issue['message']}".removeprefix(": ")
    tried = [error["issues"] for error in issue["unionErrors"]]
    # Whoever sent a list wants to hear what is wrong with it, not that it is no text.
    near = [found for found in tried if found[0]["path"] != issue["path"] or "expected" not in found[0]]
    return "; ".join(map(format_issues, near)) or place + ", or ".join(
        dict.fromkeys(format_issues(found).removeprefix(place) for found in tried)
    )


def _check_union(
    parameter: ParameterRule, types: Sequence[str], value: Any, path: IssuePath
) -> Iterator[Issue]:
    """It must be of one of several types: what it is wrong with, for each of them."""
    errors = []
    for kind in types:
        found = list(_CHECKS[kind](parameter, value, path))
        if not found:
            return
        errors.append({"issues": found, "name": "ZodError"})
    yield {
        "code": "invalid_union",
        "unionErrors": errors,
        "path": list(path),
        "message": "Invalid input",
    }


def _check_string(parameter: ParameterRule, value: Any, path: IssuePath) -> Iterator[Issue]:
    words = parameter.enum
    if words is None:
        yield from _check_type("string", value, path)
    elif len(words) == 1 and value != words[0]:
        received = (
            {} if value is MISSING else {"received": value[:_MAX_SHOWN] if isinstance(value, str) else value}
        )
        said = f'Invalid literal value, expected "{words[0]}"'
        yield {
            **received,
            "code": "invalid_literal",
            "expected": words[0],
            "path": list(path),
            "message": said,
        }
    elif not isinstance(value, str):
        # Zod's enum puts the types before the code.
        found = create_type_issue(_format_options(words), value, path)
        yield {"expected": found.pop("expected"), "received": found.pop("received"), **found}
    elif value not in words:
        yield create_enum_issue(words, value, path)


def _check_number(parameter: ParameterRule, value: Any, path: IssuePath) -> Iterator[Issue]:
    if _zod_type(value) != "number":
        yield create_type_issue("number", value, path)
    else:
        yield from _check_bounds(parameter, value, path)


def _check_integer(parameter: ParameterRule, value: Any, path: IssuePath) -> Iterator[Issue]:
    if _zod_type(value) == "number" and value % 1:
        yield {
            "code": "invalid_type",
            "expected": "integer",
            "received": "float",
            "message": "Expected integer, received float",
            "path": list(path),
        }
    yield from _check_number(parameter, value, path)


def _check_bounds(parameter: ParameterRule, value: float, path: IssuePath) -> Iterator[Issue]:
    if parameter.minimum is not None and value < parameter.minimum:
        words = f"Number must be greater than or equal to {parameter.minimum:.12g}"
        yield create_too_small_issue(parameter.minimum, "number", words, path)
    if parameter.maximum is not None and value > parameter.maximum:
        words = f"Number must be less than or equal to {parameter.maximum:.12g}"
        yield _create_bound_issue("too_big", "maximum", parameter.maximum, "number", words, path)


def _check_boolean(_: ParameterRule, value: Any, path: IssuePath) -> Iterator[Issue]:
    yield from _check_type("boolean", value, path)


def _check_array(parameter: ParameterRule, value: Any, path: IssuePath) -> Iterator[Issue]:
    yield from _check_type("array", value, path)
    if parameter.items is not None and isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_value_issues(parameter.items, item, (*path, index))


def _check_object(parameter: ParameterRule, value: Any, path: IssuePath) -> Iterator[Issue]:
    yield from _check_type("object", value, path)
    if not isinstance(value, dict):
        return
    yield from find_field_issues(parameter.fields or _NO_FIELDS, value, path)
    if parameter.by is not None and parameter.variants is not None:
        variant = value.get(parameter.by)
        if isinstance(variant, str) and variant in parameter.variants:
            yield from find_field_issues(parameter.variants[variant], value, path)
        else:
            yield create_discriminator_issue(tuple(parameter.variants), (*path, parameter.by))


def _check_type(expected: str, value: Any, path: IssuePath) -> Iterator[Issue]:
    if _zod_type(value) != expected:
        yield create_type_issue(expected, value, path)


def _create_bound_issue(
    code: str, bound: str, value: float, kind: str, message: str, path: IssuePath
) -> Issue:
    return {
        "code": code,
        bound: value,
        "type": kind,
        "inclusive": True,
        "exact": False,
        "message": message,
        "path": list(path),
    }


def _format_options(options: Sequence[str]) -> str:
    return " | ".join(f"'{word}'" for word in options)


def _zod_type(value: Any) -> str:
    """A value's type, with JavaScript's words."""
    return _ZOD_TYPES.get(type(value), "undefined")


_NO_FIELDS: Final = ParameterRules({})
_ZOD_TYPES = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}
_CHECKS = {
    "string": _check_string,
    "number": _check_number,
    "integer": _check_integer,
    "boolean": _check_boolean,
    "array": _check_array,
    "object": _check_object,
}
