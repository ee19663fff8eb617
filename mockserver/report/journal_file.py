"""Exported journals: files with recorded requests as JSON, in a list or one in each line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from mockserver.errors import InputError, Problem
from mockserver.report.attempt_facts import AttemptFacts, parse_attempt
from mockserver.schema.yaml_document import read_text_file

_EXPECTED = "requests as GET /_mock/requests/{id} returns them, in a list or one in each line"


def load_journal_file(path: Path, session: str | None = None) -> tuple[list[AttemptFacts], str]:
    """Return the attempts in a file, of one session or of all, and why some are missing: empty if none are.

    Raises InputError for a file that cannot be read, or has other content.
    """
    text = read_text_file(path)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = list(_parse_lines(text, str(path)))
    incomplete = ""
    if isinstance(value, Mapping):
        incomplete = str(value.get("dropped_note") or "")
        value = value.get("requests", [value])
    try:
        details = sorted(value, key=lambda one: one["number"])
        found = [parse_attempt(one) for one in details if session in (None, one["session"])]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"expected {_EXPECTED} ({type(error).__name__}: {error})"
        raise InputError.from_message(message, source=str(path)) from None
    return found, incomplete


def _parse_lines(text: str, name: str) -> Iterator[Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise InputError(Problem(f"not JSON: {error.msg}", "", name, number, error.colno)) from None
