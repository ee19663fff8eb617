"""Detection of expected texts with carriage returns, or with a line break at their end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mockserver.errors import Problem
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.fixtures.fixture import Fixture, locate_problem
from mockserver.matching.fixture_set import FixtureSet
from mockserver.schema.yaml_document import ValuePath, format_path


def find_odd_line_breaks(fixtures: FixtureSet) -> Iterator[Problem]:
    """Yield a warning for each text in a match that has a line break which requests hardly ever have."""
    owners: tuple[Fixture | FaultRule, ...] = (*fixtures.fixtures, *fixtures.all_rules)
    for owner in owners:
        match = (owner.definition or {}).get("match")
        for path, text in _iter_texts(match, ("match",)):
            if hint := _describe_line_break(path, text):
                yield locate_problem(f"{format_path(path)}: {hint}", owner.name, owner.source)


def _describe_line_break(path: ValuePath, text: str) -> str:
    if "\r" in text:
        return r"found a carriage return, expected \n: a CRLF in a request counts as \n"
    if not text.endswith("\n") or (path[-1] == "regex" and re.compile(text).flags & re.VERBOSE):
        return ""
    return "found a line break at the end of the text, which hardly any request has; write |- instead of |"


def _iter_texts(value: Any, path: ValuePath) -> Iterator[tuple[ValuePath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _iter_texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _iter_texts(item, (*path, index))
