"""The JSON body of an answer as its values by their path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from mockserver.wire.answer import Answer
from mockserver.wire.frames import join_frames

JsonPath = tuple[str | int, ...]


def read_leaves(answer: Answer) -> dict[JsonPath, Any] | None:
    """Return the scalars and empty containers of a JSON body by their path, None for another body."""
    try:
        body = orjson.loads(join_frames(answer.frames))
    except orjson.JSONDecodeError:
        return None
    return dict(_iterate_leaves(body, ()))


def _iterate_leaves(value: Any, path: JsonPath) -> Iterator[tuple[JsonPath, Any]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _iterate_leaves(item, (*path, name))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _iterate_leaves(item, (*path, number))
    else:
        yield path, value
