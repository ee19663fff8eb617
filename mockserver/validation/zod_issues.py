"""Issues of invalid values, with the texts, keys and key order of Zod 3.

One vendor sends the issues as they are; elsewhere they are formatted as one line of text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from mockserver.vendors.parameter_rules import ParameterRule, ParameterRules
from mockserver.vendors.placeholders import fill_text

Issue = dict[str, Any]
IssuePath = Sequence[str | int]

MISSING: Final = object()
UNSUPPORTED: Final = "unsupported"  # the code of a parameter that the model does not support; not Zod's
_MAX_UNION_ISSUES = 20  # for each type of a union: a list may have any number of invalid items
_MAX_SHOWN = 80  # characters of a received value that an issue repeats


def find_value_issues(parameter: ParameterRule, value: Any, path: IssuePath) -> Iterator[Issue]:
    """Yield the issues of a value, which is MISSING if the field is absent."""
    types = parameter.type or ()
    if parameter.unsupported is not None:
        # A field that is absent or null needs no check.
        message = fill_text(parameter.unsupported, {"param": path[-1]})
        yield {"code": UNSUPPORTED, "path": list(path), "message": message}
    elif len(types) > 1:
        yield from _check_union(parameter, types, value, path)
    elif types:
        yield from _CHECKS[types[0]](parameter, value, path)


def find_field_issues(
    parameters: Mapping[str, ParameterRule], values: Mapping[str, Any], path: IssuePath = ()
) -> Iterable[Issue]:
    """Return the issues of an object's fields."""
    rules = parameters if isinstance(parameters, ParameterRules) else ParameterRules(parameters)
    unverified = rules.find_unverified(values)
    return _iter_field_issues(unverified, parameters, values, path) if unverified else ()


def _iter_field_issues(
    names: Iterable[str], parameters: Mapping[str, ParameterRule], values: Mapping[str, Any], path: IssuePath
) -> Iterator[Issue]:
    for name in names:
        yield from find_value_issues(parameters[name], values.get(name, MISSING), (*path, name))


def create_custom_issue(message: str, path: IssuePath = ()) -> Issue:
    """Return an issue with a text of our own."""
    return {"code": "custom", "path": list(path), "message": message}


def create_type_issue(expected: str, value: Any, path: IssuePath) -> Issue:
    """Return the issue of a value that is MISSING or of the wrong type."""
    received = _zod_type(value)
    return {
        "code": "invalid_type",
        "expected": expected,
        "received": received,
        "path": list(path),
        "message": "Required" if value is MISSING else f"Expected {expected}, received {received}",
    }


def create_too_small_issue(minimum: float, value_type: str, message: str, path: IssuePath) -> Issue:
    """Return the issue of a number, string or array below its minimum."""
    return _create_bound_issue("too_small", "minimum", minimum, value_type, message, path)


def create_too_big_issue(maximum: float, value_type: str, message: str, path: IssuePath) -> Issue:
    """Return the issue of a number, string or array above its maximum."""
    return _create_bound_issue("too_big", "maximum", maximum, value_type, message, path)


def create_discriminator_issue(names: Sequence[str], path: IssuePath) -> Issue:
    """Return the issue of an object whose discriminator has none of the given values."""
    return {
        "code": "invalid_union_discriminator",
        "options": list(names),
        "path": list(path),
        "message": f"Invalid discriminator value. Expected {_format_options(names)}",
    }


def create_enum_issue(options: Sequence[str], value: str, path: IssuePath) -> Issue:
    """Return the issue of a string that is none of the options."""
    return {
        "received": value[:_MAX_SHOWN],
        "code": "invalid_enum_value",
        "options": list(options),
        "path": list(path),
        "message": f"Invalid enum value. Expected {_format_options(options)}, received '{value[:_MAX_SHOWN]}'",
    }


def format_issues(issues: Sequence[Issue]) -> str:
    """Format issues as one line of text: `messages: Required; n: Number must be ...`."""
    return "; ".join(map(_format_issue, issues))


def _format_issue(issue: Issue) -> str:
    place = ".".join(map(str, issue["path"])) + ": "
    if "unionErrors" not in issue:
        return f"{place}{issue['message']}".removeprefix(": ")
    alternatives = [error["issues"] for error in issue["unionErrors"]]
    # For a list, report what is wrong in the list, not that it is not a string.
    close = [
        issues for issues in alternatives if issues[0]["path"] != issue["path"] or "expected" not in issues[0]
    ]
    return "; ".join(map(format_issues, close)) or place + ", or ".join(
        dict.fromkeys(format_issues(issues).removeprefix(place) for issues in alternatives)
    )


def _check_union(
    parameter: ParameterRule, types: Sequence[str], value: Any, path: IssuePath
) -> Iterator[Issue]:
    """Yield one issue with the issues for each of several types, unless the value is valid for one of them."""
    errors = []
    for type_name in types:
        issues = list(islice(_CHECKS[type_name](parameter, value, path), _MAX_UNION_ISSUES))
        if not issues:
            return
        errors.append({"issues": issues, "name": "ZodError"})
    yield {
        "code": "invalid_union",
        "unionErrors": errors,
        "path": list(path),
        "message": "Invalid input",
    }


def _check_string(parameter: ParameterRule, value: Any, path: IssuePath) -> Iterator[Issue]:
    options = parameter.enum
    if options is None:
        yield from _check_type("string", value, path)
    elif len(options) == 1 and value != options[0]:
        received = (
            {} if value is MISSING else {"received": value[:_MAX_SHOWN] if isinstance(value, str) else value}
        )
        message = f'Invalid literal value, expected "{options[0]}"'
        yield {
            **received,
            "code": "invalid_literal",
            "expected": options[0],
            "path": list(path),
            "message": message,
        }
    elif not isinstance(value, str):
        # Zod's enum puts the types before the code.
        issue = create_type_issue(_format_options(options), value, path)
        yield {"expected": issue.pop("expected"), "received": issue.pop("received"), **issue}
    elif value not in options:
        yield create_enum_issue(options, value, path)


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
        message = f"Number must be greater than or equal to {parameter.minimum:.12g}"
        yield create_too_small_issue(parameter.minimum, "number", message, path)
    if parameter.maximum is not None and value > parameter.maximum:
        message = f"Number must be less than or equal to {parameter.maximum:.12g}"
        yield create_too_big_issue(parameter.maximum, "number", message, path)


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
    code: str, bound: str, value: float, value_type: str, message: str, path: IssuePath
) -> Issue:
    return {
        "code": code,
        bound: value,
        "type": value_type,
        "inclusive": True,
        "exact": False,
        "message": message,
        "path": list(path),
    }


def _format_options(options: Sequence[str]) -> str:
    return " | ".join(f"'{option}'" for option in options)


def _zod_type(value: Any) -> str:
    """Return the name that JavaScript has for a value's type."""
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
