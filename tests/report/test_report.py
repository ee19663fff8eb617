"""The report in its formats: of a server, of a file, and in a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from mockserver.cli.main import main
from mockserver.report.finding import Finding, format_seconds
from mockserver.report.report_formats import REPORT_FORMATTERS
from mockserver.report.resilience_report import ResilienceReport
from mockserver.testing import MockServer, Session
from tests.admin.test_admin_api import Control
from tests.conftest import Client, MakeClient, StartServer


@pytest.fixture
def session(server: MockServer, client: Client) -> Session:
    """A session whose client has retried after a 401, and given up after a 429."""
    session = server.session(client.session)
    session.fail(401, times=1)
    for _ in range(2):
        client.chat()
    session.fail(429, times=1)
    client.chat(content="Hi")
    return session


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments])


def test_a_server_is_asked_for_its_report(session: Session) -> None:
    url = session.url.partition("/s/")[0]
    result = run("--url", url, "--session", str(session.name))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    first, second, third = (request.id for request in session.requests)
    assert lines[0] == "error: permanent-error-retried: tried again after 401, once"
    assert lines[1].startswith(f"    {first}, {second}, in ")
    assert lines[1].endswith(f"session {session.name}")
    assert lines[2] == "    Retry 408, 409, 429 and 5xx only."
    assert lines[3:5] == [
        "advice: gave-up-early: gave up after 429",
        f"    {third}, in 0 s, session {session.name}",
    ]
    assert lines[-1] == "1 error, 1 advice (3 requests, 2 calls, 1 session)"


def test_an_assertion_fails_for_errors_and_on_demand_for_advice(server: MockServer, client: Client) -> None:
    session = server.session(client.session)
    session.assert_resilient(fail_on="advice")
    session.fail(429, times=1)
    client.chat()
    session.assert_resilient()
    with pytest.raises(AssertionError, match="gave-up-early: gave up after 429"):
        session.assert_resilient(fail_on="advice")


def details(session: Session) -> list[Any]:
    return [session._client.get(f"/requests/{one.id}") for one in reversed(session.requests)]


@pytest.mark.parametrize("form", ["list", "lines", "page"])
def test_an_exported_journal_gives_the_same_report(session: Session, form: str, tmp_path: Path) -> None:
    requests = details(session)
    texts = {
        "list": json.dumps(requests),
        "lines": "\n\n".join(map(json.dumps, requests)),
        "page": json.dumps({"requests": requests, "dropped_note": "2 requests were evicted"}),
    }
    path = tmp_path / "journal.json"
    path.write_text(texts[form])
    lines = run(str(path)).stdout.splitlines()
    assert lines[-1] == "1 error, 1 advice (3 requests, 2 calls, 1 session)"
    assert ("(2 requests were evicted)" in lines) == (form == "page")
    other = run(str(path), "--session", "another")
    assert other.stdout.endswith("0 errors, 0 advice (0 requests, 0 calls, 0 sessions)\n")
    assert other.exit_code == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}\n{,", "journal.json:2:2: not JSON"),
        ("[1]", "journal.json: expected requests as GET /_mock/requests/{id} returns them"),
        ("3", "journal.json: expected requests as"),
        ('{"name": "Hello"}', "(KeyError: 'number')"),
    ],
)
def test_another_file_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "journal.json").write_text(text)
    result = run(str(tmp_path / "journal.json"))
    assert result.exit_code == 2
    assert problem in result.stderr


def test_a_server_that_does_not_answer_is_a_problem() -> None:
    result = run("--url", "http://127.0.0.1:9")
    assert (result.exit_code, "no mockserver answers" in result.stderr) == (2, True)
    assert run("--session", "no good").exit_code == 2


def test_evicted_requests_and_dropped_bodies_are_counted_first(
    start_server: StartServer, make_client: MakeClient
) -> None:
    serving = start_server("fixtures: [{match: {}, response: Fine.}]", journal_size=2)
    client = make_client(serving)
    for _ in range(3):
        client.chat()
    [entry, _] = serving._pipeline.store.journal._entries.values()  # type: ignore[attr-defined]
    serving._pipeline.store.journal._drop_bodies_of(entry)  # type: ignore[attr-defined]
    report = serving.report()
    assert report.incomplete.startswith(
        "1 request was evicted: raise --journal-size (2); the body of 1 request was"
    )
    assert (report.requests, report.findings) == (2, [])
    newest = serving.requests[-1]
    status, _, data = Control(serving).send("GET", "/calls?limit=1")
    assert (status, json.loads(data)["calls"]) == (200, [[newest.id]])
    status, _, data = Control(serving).send("GET", f"/calls?before={newest.number}")
    assert (status, json.loads(data)["calls"]) == (200, [[serving.requests[0].id]])


def finding(severity: Any, rule: str, message: str) -> Finding:
    return Finding(
        rule=rule,
        severity=severity,
        session="s",
        requests=[f"r{number}" for number in range(8)],
        seconds=1.5,
        message=message,
        advice="Do.",
    )


REPORT = ResilienceReport(
    requests=9,
    calls=1,
    sessions=1,
    incomplete="1 request was evicted",
    findings=[finding("error", "charged-twice", "<2> %\x1b"), finding("advice", "no-jitter", "3 calls")],
)
EMPTY = ResilienceReport(requests=0, calls=0, sessions=0, incomplete="", findings=[])
PLACE = "r0, r1, r2, r3, r4, r5 and 2 more, in 1.5 s, session s"
SUMMARY = "1 error, 1 advice (9 requests, 1 call, 1 session)"


def test_the_format_text_is_for_people() -> None:
    text = REPORT_FORMATTERS["text"](REPORT, "error")
    assert text.splitlines()[0] == "(1 request was evicted)"
    assert text.splitlines()[-4:] == ["advice: no-jitter: 3 calls", f"    {PLACE}", "    Do.", SUMMARY]


def test_the_format_json_is_that_of_the_admin_api() -> None:
    data = json.loads(REPORT_FORMATTERS["json"](REPORT, "error"))
    assert data["findings"][1]["rule"] == "no-jitter"
    assert data["requests"] == 9


def test_the_format_github_is_an_annotation_for_each_finding() -> None:
    assert REPORT_FORMATTERS["github"](REPORT, "error").splitlines() == [
        "::warning::1 request was evicted",
        f"::error title=charged-twice::<2> %25\x1b ({PLACE}). Do.",
        f"::notice title=no-jitter::3 calls ({PLACE}). Do.",
        f"::notice::{SUMMARY}",
    ]
    assert REPORT_FORMATTERS["github"](EMPTY, "error").startswith("::notice::0 errors")


@pytest.mark.parametrize(
    ("fail_on", "failed"), [("error", ["charged-twice"]), ("advice", ["charged-twice", "no-jitter"])]
)
def test_the_format_junit_is_a_test_for_each_rule(fail_on: str, failed: list[str]) -> None:
    root = ElementTree.fromstring(REPORT_FORMATTERS["junit"](REPORT, fail_on))  # noqa: S314 our own text
    suite = root[0]
    failures = [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None]
    assert failures == failed
    assert suite.get("failures") == str(len(failed))
    assert next(one.get("message") for one in suite.iter("failure")) == "<2> %"
    assert suite.findtext("system-out") == "1 request was evicted"
    assert "evicted" not in REPORT_FORMATTERS["junit"](EMPTY, fail_on)


def test_the_format_html_is_a_page_with_a_table() -> None:
    page = REPORT_FORMATTERS["html"](REPORT, "error")
    assert "<td>&lt;2&gt; %" in page
    assert "<p>1 request was evicted</p>" in page
    assert "<tbody></tbody>" in REPORT_FORMATTERS["html"](EMPTY, "error")


def test_seconds_have_few_digits() -> None:
    assert [format_seconds(one) for one in (0.0123, 12.345, 1234.5)] == ["0.0123 s", "12.3 s", "1234 s"]
