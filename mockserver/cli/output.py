"""The texts that the commands print, and the fixture file that `init` writes."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from mockserver import __version__
from mockserver.errors import InputError, Problem
from mockserver.settings import Settings

if TYPE_CHECKING:
    from mockserver.matching.fixture_set import FixtureSet
    from mockserver.vendors.routing import VendorRouter


def format_banner(
    address: tuple[str, int], router: VendorRouter, fixtures: int, settings: Settings, accounts: int = 0
) -> str:
    """Return the start-up text, with URLs that are ready to paste."""
    from mockserver.matching.loader import TEXT_SOURCE  # noqa: PLC0415 `serve` has imported both already
    from mockserver.server.uvicorn_server import format_server_url  # noqa: PLC0415 as above

    root = format_server_url(address)
    lines = [f"mockserver {__version__}  {root}", ""]
    for vendor in router.vendors.values():
        profile = vendor.profile
        path = profile.paths.openai or profile.paths.chat[0].replace("{model}", profile.sample_model)
        usage = "base_url" if profile.paths.openai else "POST"
        lines.append(f"  {profile.title:12}{usage:10}{root}/{vendor.name}{path}")
    sources = [TEXT_SOURCE] * bool(settings.fixtures_yaml) + [str(path) for path in settings.paths]
    source = ", ".join(sources) or "the shipped ones"
    lines += [
        "",
        *([f"  {'web UI':12}{root}/"] if settings.page else []),
        f"  {'fixtures':12}{fixtures} ({source}){'; other requests are refused' if settings.strict else ''}",
        (
            f"  {'keys':12}{_describe_keys(accounts, settings)}"
            "; one that contains mock-429 (or 401, 402, 504, ...) gets that error"
        ),
        f"  {'seed':12}{settings.seed}",
        "",
    ]
    return "\n".join(lines)


def _describe_keys(accounts: int, settings: Settings) -> str:
    if settings.known_keys_only:
        return f"{_format_count(accounts, 'account')}, no other key works"
    return f"any key works, {_format_count(accounts, 'account')}" if accounts else "any key works"


def format_reload_message(outcome: FixtureSet | InputError, settings: Settings) -> str:
    """Return the log line of a reload, in the log's format."""
    if isinstance(outcome, InputError):
        message = "the edit was not applied, the last valid fixtures stay in use"
    else:
        message = f"reloaded {_format_count(len(outcome), 'fixture')}"
    return _format_event(message, settings)


def format_dropped_lines(count: int, settings: Settings) -> str:
    """Return the log line that reports dropped lines, in the log's format."""
    return _format_event(f"{_format_count(count, 'log line')} dropped", settings)


def _format_event(message: str, settings: Settings) -> str:
    return orjson.dumps({"event": message}).decode() if settings.log_format == "json" else message


def format_exposure_warning(address: tuple[str, int], settings: Settings) -> str:
    """Return a warning if other machines can use the admin API without a token; else an empty text."""
    host, port = address
    if settings.admin_token is not None or ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        return ""
    return (
        f"{host} port {port} can be reached from other machines, and the admin API needs no token: "
        "set --admin-token, or listen on 127.0.0.1"
    )


def _format_count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _format_verdict(problems: Sequence[Problem], warnings: Sequence[Problem], fixtures: int) -> str:
    if problems:
        return _format_count(len(problems), "problem")
    verdict = f"{_format_count(fixtures, 'fixture')}, all good"
    return f"{verdict}, {_format_count(len(warnings), 'warning')}" if warnings else verdict


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

STARTER_FIXTURES = """\
# yaml-language-server: $schema=./mockserver.schema.json
# The first fixture that matches a request answers it. Start `mockserver` with this file, and try one:
#   curl http://127.0.0.1:8402/v1/chat/completions -H 'Authorization: Bearer any' \\
#     --json '{"model": "o1-preview", "messages": [{"role": "user", "content": "What is the weather?"}]}'
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
