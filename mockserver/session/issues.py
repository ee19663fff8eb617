"""What is wrong with a value is an issue, worded as Zod 3 words it, with its keys in its order.

One vendor sends issues as they are; to people they are spelled out in a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from mockserver.vendors.parameter import Fields, Parameter

Issue = dict[str, Any]
Path = Sequence[str | int]

MISSING: Final = object()
_SHOWN = 80  # characters of what was sent that are repeated


def of(parameter: Parameter, value: Any, path: Path) -> Iterator[Issue]:
    """What is wrong with a value, or with its not being there (MISSING)."""
    types = parameter.type or ()
    if len(types) > 1:
        yield from _union(parameter, types, value, path)
    elif types:
        yield from _CHECKS[types[0]](parameter, value, path)


def fields(stated: Mapping[str, Parameter], holder: Mapping[str, Any], path: Path = ()) -> Iterable[Issue]:
    """What is wrong with the fields of an object."""
    known = stated if isinstance(stated, Fields) else Fields(stated)
    found = known.doubtful(holder)
    return _wrong(found, stated, holder, path) if found else ()


def _wrong(
    names: Iterable[str], stated: Mapping[str, Parameter], holder: Mapping[str, Any], path: Path
) -> Iterator[Issue]:
    for name in names:
        yield from of(stated[name], holder.get(name, MISSING), (*path, name))


def custom(message: str, path: Path = ()) -> Issue:
    return {"code": "custom", "path": list(path), "message": message}


def mistyped(expected: str, value: Any, path: Path) -> Issue:
    received = _kind(value)
    return {
        "code": "invalid_type",
        "expected": expected,
        "received": received,
        "path": list(path),
        "message": "Required" if value is MISSING else f"Expected {expected}, received {received}",
    }


def too_small(least: float, kind: str, message: str, path: Path) -> Issue:
    return _bound("too_small", "minimum", least, kind, message, path)


def not_a_variant(names: Sequence[str], path: Path) -> Issue:
    """An object does not say which of several kinds it is."""
    return {
        "code": "invalid_union_discriminator",
        "options": list(names),
        "path": list(path),
        "message": f"Invalid discriminator value. Expected {_choice(names)}",
    }


def not_among(words: Sequence[str], value: str, path: Path) -> Issue:
    return {
        "received": value[:_SHOWN],
        "code": "invalid_enum_value",
        "options": list(words),
        "path": list(path),
        "message": f"Invalid enum value. Expected {_choice(words)}, received '{value[:_SHOWN]}'",
    }


def spelled(found: Sequence[Issue]) -> str:
    """Issues as a person reads them: `messages: Required; n: Number must be ...`."""
    return "; ".join(map(_spelled, found))


def _spelled(one: Issue) -> str:
    place = ".".join(map(str, one["path"])) + ": "
    if "unionErrors" not in one:
        return f"{place}{one['message']}".removeprefix(": ")
    tried = [error["issues"] for error in one["unionErrors"]]
    # Whoever sent a list wants to hear what is wrong with it, not that it is no text.
    near = [found for found in tried if found[0]["path"] != one["path"] or "expected" not in found[0]]
    return "; ".join(map(spelled, near)) or place + ", or ".join(
        dict.fromkeys(spelled(found).removeprefix(place) for found in tried)
    )


def _union(parameter: Parameter, types: Sequence[str], value: Any, path: Path) -> Iterator[Issue]:
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


def _text(parameter: Parameter, value: Any, path: Path) -> Iterator[Issue]:
    words = parameter.enum
    if words is None:
        yield from _plain("string", value, path)
    elif len(words) == 1 and value != words[0]:
        received = (
            {} if value is MISSING else {"received": value[:_SHOWN] if isinstance(value, str) else value}
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
        found = mistyped(_choice(words), value, path)
        yield {"expected": found.pop("expected"), "received": found.pop("received"), **found}
    elif value not in words:
        yield not_among(words, value, path)


def _number(parameter: Parameter, value: Any, path: Path) -> Iterator[Issue]:
    if _kind(value) != "number":
        yield mistyped("number", value, path)
    else:
        yield from _bounds(parameter, value, path)


def _whole(parameter: Parameter, value: Any, path: Path) -> Iterator[Issue]:
    if _kind(value) == "number" and value % 1:
        yield {
            "code": "invalid_type",
            "expected": "integer",
            "received": "float",
            "message": "Expected integer, received float",
            "path": list(path),
        }
    yield from _number(parameter, value, path)


def _bounds(parameter: Parameter, value: float, path: Path) -> Iterator[Issue]:
    if parameter.minimum is not None and value < parameter.minimum:
        words = f"Number must be greater than or equal to {parameter.minimum:.12g}"
        yield too_small(parameter.minimum, "number", words, path)
    if parameter.maximum is not None and value > parameter.maximum:
        words = f"Number must be less than or equal to {parameter.maximum:.12g}"
        yield _bound("too_big", "maximum", parameter.maximum, "number", words, path)


def _flag(_: Parameter, value: Any, path: Path) -> Iterator[Issue]:
    yield from _plain("boolean", value, path)


def _array(parameter: Parameter, value: Any, path: Path) -> Iterator[Issue]:
    yield from _plain("array", value, path)
    if parameter.items is not None and isinstance(value, list):
        for index, item in enumerate(value):
            yield from of(parameter.items, item, (*path, index))


def _object(parameter: Parameter, value: Any, path: Path) -> Iterator[Issue]:
    yield from _plain("object", value, path)
    if not isinstance(value, dict):
        return
    yield from fields(parameter.fields or _NONE, value, path)
    if parameter.by is not None and parameter.variants is not None:
        variant = value.get(parameter.by)
        if isinstance(variant, str) and variant in parameter.variants:
            yield from fields(parameter.variants[variant], value, path)
        else:
            yield not_a_variant(tuple(parameter.variants), (*path, parameter.by))


def _plain(expected: str, value: Any, path: Path) -> Iterator[Issue]:
    if _kind(value) != expected:
        yield mistyped(expected, value, path)


def _bound(code: str, bound: str, value: float, kind: str, message: str, path: Path) -> Issue:
    return {
        "code": code,
        bound: value,
        "type": kind,
        "inclusive": True,
        "exact": False,
        "message": message,
        "path": list(path),
    }


def _choice(words: Sequence[str]) -> str:
    return " | ".join(f"'{word}'" for word in words)


def _kind(value: Any) -> str:
    """A value's type, with JavaScript's words."""
    return _KINDS.get(type(value), "undefined")


_NONE: Final = Fields({})
_KINDS = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}
_CHECKS = {
    "string": _text,
    "number": _number,
    "integer": _whole,
    "boolean": _flag,
    "array": _array,
    "object": _object,
}
