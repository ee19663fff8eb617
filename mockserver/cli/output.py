"""The texts that `validate` prints, and the fixture file that `init` writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from mockserver.errors import Problem
from mockserver.schema.messages import format_count


def _format_verdict(problems: Sequence[Problem], warnings: Sequence[Problem], fixtures: int) -> str:
    if problems:
        return format_count(len(problems), "problem")
    verdict = f"{format_count(fixtures, 'fixture')}, all good"
    return f"{verdict}, {format_count(len(warnings), 'warning')}" if warnings else verdict


def _format_text(problems: Sequence[Problem], warnings: Sequence[Problem], fixtures: int) -> str:
    lines = [*map(str, problems), *(f"{warning} (warning)" for warning in warnings)]
    return "\n".join([*lines, _format_verdict(problems, warnings, fixtures)])


def _format_json(problems: Sequence[Problem], warnings: Sequence[Problem], fixtures: int) -> str:
    report: dict[str, Any] = {
        "fixtures": fixtures,
        "errors": [_problem_to_json(problem) for problem in problems],
        "warnings": [_problem_to_json(warning) for warning in warnings],
    }
    return orjson.dumps(report, option=orjson.OPT_INDENT_2).decode()


def _problem_to_json(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.source,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.message,
    }


def _format_github(problems: Sequence[Problem], warnings: Sequence[Problem], fixtures: int) -> str:
    # https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    annotations = [
        f"::{level} {_format_github_location(problem)}::"
        + _escape_github(": ".join(filter(None, (problem.path, problem.message))))
        for level, found in (("error", problems), ("warning", warnings))
        for problem in found
    ]
    return "\n".join([*annotations, f"::notice::{_format_verdict(problems, warnings, fixtures)}"])


def _format_github_location(problem: Problem) -> str:
    file = _escape_github(problem.source).replace(":", "%3A").replace(",", "%2C")
    return f"file={file},line={problem.line},col={problem.column}" if problem.line else f"file={file}"


def _escape_github(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


ProblemFormatter = Callable[[Sequence[Problem], Sequence[Problem], int], str]

PROBLEM_FORMATTERS: dict[str, ProblemFormatter] = {
    "text": _format_text,
    "json": _format_json,
    "github": _format_github,
}

REPORT_FORMATS = ("text", "json", "github", "junit", "html")  # of `report`

STARTER_FIXTURES = """\
# yaml-language-server: $schema=./mockserver.schema.json
# The first fixture that matches a request answers it. Start `mockserver` with this file, and try one:
#   curl http://127.0.0.1:8402/v1/chat/completions -H 'Authorization: Bearer any' \\
#     --json '{"model": "o3-mini", "messages": [{"role": "user", "content": "What is the weather?"}]}'
fixtures:
  # A word in the last user message is enough; a stream sends the same text in chunks.
  - name: weather
    match: {user: weather}
    response: It is 21 °C and sunny.

  # A number is an error with that status, in the vendor's own format.
  - name: broke
    match: {user: I am broke}
    response: 402

  # Two failures, then an answer: a test of a client's retries.
  - name: flaky
    match: {user: flaky}
    responses:
      - {error: 429, retry_after: 1s, times: 2}
      - Third time lucky.

  # The model calls a tool, and answers when it has the result.
  - name: lookup
    match: {tools: [lookup_order], tool_result: false}
    response:
      tool_calls: [{name: lookup_order, arguments: {order_id: A-1}}]
  - name: looked up
    match: {tool_result: {name: lookup_order}}
    response: Your order is on its way.
"""
