"""Well-behaved clients under every error and fault: no errors in the report, and the advice listed below.

`tests/interop/run report` installs the clients and runs this with a command line for each: NAME=COMMAND.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator

from mockserver.report.finding import Finding
from mockserver.testing import MockServer
from mockserver.wire.faults import FAULTS

FIXTURES = "fixtures: [{match: {}, response: {text: one two three four five, stream: {chunk: word}}}]"
POINTS = ("", "@3", "@end")
STATUSES = (400, 401, 402, 403, 404, 405, 408, 409, 413, 422, 429, 500, 502, 503, 504, 524)
RETRY_AFTERS = ("1s", "1.5s", "100ms")
# The advice that a client gets, by rule: the cells in which it does.
GIVES_UP = ["garbage-at-end-body", "malformed_chunk-stream", "truncated-stream"]
ADVICE: dict[str, dict[str, list[str]]] = {
    # The SDKs do not retry once they have the head of an answer; those of Node do not wait for its body, either.
    **{
        name: {"gave-up-early": GIVES_UP}
        for name in ("openai-3", "openai-2", "openai-1", "langchain", "litellm")
    },
    "openai-node": {"gave-up-early": sorted([*GIVES_UP, "malformed_chunk-body", "truncated-body"])},
    "vercel-ai": {"gave-up-early": sorted([*GIVES_UP, "malformed_chunk-body"])},
}


def list_failures() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each failure with the headers that ask for it."""
    for status in STATUSES:
        yield str(status), {"X-Mock-Error": str(status)}
    for status in (429, 503):
        for duration in RETRY_AFTERS:
            yield f"{status}-after-{duration}", {"X-Mock-Error": str(status), "X-Mock-Retry-After": duration}
    for fault in FAULTS:
        for point in POINTS:
            text = fault.replace("slow", "slow=20000") + point
            yield f"{fault}{point.replace('@', '-at-')}", {"X-Mock-Fault": text}


def run_client(name: str, command: str) -> tuple[str, list[tuple[str, Finding]]]:
    """Return the version of a client, and the findings about it, each with its cell."""
    cells: dict[str, tuple[str, dict[str, str], bool]] = {}
    with MockServer(fixtures_yaml=FIXTURES, reload=False) as server:
        for failure, headers in list_failures():
            for form in ("body", "stream"):
                session = f"{failure}-{form}"
                cells[session] = (f"{server.url}/s/{session}/aimlapi/v1", headers, form == "stream")
        sent = json.dumps(list(cells.values()))
        ran = subprocess.run(command.split(), input=sent, stdout=subprocess.PIPE, text=True, check=True)
        assert {one.session for one in server.requests} == set(cells), f"{name} has left out calls"
        findings = server.report().findings
    return ran.stdout.strip().rpartition("\n")[2], [(one.session, one) for one in findings]


def main(commands: dict[str, str]) -> int:
    """Print the findings of each client; return 1 for an error, or for other advice than the listed."""
    failed = False
    for name, command in commands.items():
        version, findings = run_client(name, command)
        errors = [f"{cell}: {one.rule}: {one.message}" for cell, one in findings if one.severity == "error"]
        advice: dict[str, list[str]] = defaultdict(list)
        for cell, one in sorted(findings, key=lambda each: each[0]):
            if one.severity == "advice":
                advice[one.rule].append(cell)
        is_as_listed = advice == ADVICE.get(name)
        note = "" if is_as_listed else "not the listed advice: "
        print(f"{name:12} {version:24} {note}{json.dumps(advice)}", *errors, sep="\n  ")  # noqa: T201
        failed = failed or bool(errors) or not is_as_listed
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main(dict(argument.split("=", 1) for argument in sys.argv[1:])))
