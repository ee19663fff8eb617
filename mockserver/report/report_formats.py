"""The formats of a report: text, JSON, GitHub's annotations, JUnit XML and HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from xml.sax.saxutils import quoteattr

import orjson

from mockserver.report.finding import Finding, format_seconds
from mockserver.report.resilience_report import ResilienceReport
from mockserver.report.rule_table import REPORT_RULES
from mockserver.schema.messages import format_count

_MAX_LISTED = 6  # requests of a finding
_GITHUB_LEVELS = {"error": "error", "advice": "notice"}


def format_report_text(report: ResilienceReport, fail_on: str = "error") -> str:  # noqa: ARG001
    """Return a report as text: what is missing, three lines for each finding, and the counts."""
    lines = [f"({report.incomplete})"] if report.incomplete else []
    for one in report.findings:
        lines.append(f"{one.severity}: {one.rule}: {one.message}")
        lines.append(f"    {_format_place(one)}")
        lines.append(f"    {one.advice}")
    return "\n".join([*lines, summarize_report(report)])


def summarize_report(report: ResilienceReport) -> str:
    """Return the numbers of a report in one line."""
    subject = f"{format_count(report.requests, 'request')}, {format_count(report.calls, 'call')}"
    findings = f"{format_count(len(report.errors), 'error')}, {len(report.advice)} advice"
    return f"{findings} ({subject}, {format_count(report.sessions, 'session')})"


def _format_place(finding: Finding) -> str:
    shown = ", ".join(finding.requests[:_MAX_LISTED])
    more = len(finding.requests) - _MAX_LISTED
    rest = f" and {more} more" if more > 0 else ""
    return f"{shown}{rest}, in {format_seconds(finding.seconds)}, session {finding.session}"


def _format_json(report: ResilienceReport, fail_on: str) -> str:  # noqa: ARG001
    return orjson.dumps(report, option=orjson.OPT_INDENT_2).decode()


def _format_github(report: ResilienceReport, fail_on: str) -> str:  # noqa: ARG001
    # https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    lines = [f"::warning::{_escape_github(report.incomplete)}"] if report.incomplete else []
    for one in report.findings:
        text = f"{one.message} ({_format_place(one)}). {one.advice}"
        lines.append(f"::{_GITHUB_LEVELS[one.severity]} title={one.rule}::{_escape_github(text)}")
    return "\n".join([*lines, f"::notice::{summarize_report(report)}"])


def _escape_github(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _format_junit(report: ResilienceReport, fail_on: str) -> str:
    failures = {id(one) for one in report.select_failures(fail_on)}
    cases = [
        _format_test_case(rule.name, [one for one in report.findings if one.rule == rule.name], failures)
        for rule in REPORT_RULES
    ]
    failed = sum("<failure" in case for case in cases)
    head = f'<testsuite name="mockserver report" tests="{len(cases)}" failures="{failed}" errors="0">'
    notes = f"<system-out>{_escape_xml(report.incomplete)}</system-out>" if report.incomplete else ""
    body = "".join(cases)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>{head}{body}{notes}</testsuite></testsuites>'


def _format_test_case(name: str, findings: list[Finding], failures: set[int]) -> str:
    """Return one rule as a test case: findings that fail the check as failures, others as output."""
    parts = []
    for one in findings:
        text = _escape_xml(f"{_format_place(one)}\n{one.advice}")
        if id(one) in failures:
            message = quoteattr(_escape_xml(one.message, is_quoted=True))
            parts.append(f"<failure message={message}>{text}</failure>")
        else:
            parts.append(f"<system-out>{_escape_xml(one.message)}\n{text}</system-out>")
    return f'<testcase classname="mockserver.report" name="{name}">{"".join(parts)}</testcase>'


def _escape_xml(text: str, *, is_quoted: bool = False) -> str:
    """Return a text for XML, without the control characters that XML does not allow."""
    printable = "".join(one for one in text if one >= " " or one in "\n\t")
    return printable if is_quoted else escape(printable, quote=False)


def _format_html(report: ResilienceReport, fail_on: str) -> str:  # noqa: ARG001
    rows = "".join(_format_html_row(one) for one in report.findings)
    note = f"<p>{escape(report.incomplete)}</p>" if report.incomplete else ""
    return _HTML_PAGE.format(summary=escape(summarize_report(report)), note=note, rows=rows)


def _format_html_row(finding: Finding) -> str:
    cells: Iterator[str] = map(
        escape,
        (finding.severity, finding.rule, finding.message, finding.advice, _format_place(finding)),
    )
    return f'<tr class="{finding.severity}">{"".join(f"<td>{one}</td>" for one in cells)}</tr>'


_HTML_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>mockserver report</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2em; color-scheme: light dark; }}
table {{ border-collapse: collapse; }} td, th {{ border: 1px solid #8888; padding: .3em .6em; text-align: left; }}
.error td:first-child {{ font-weight: bold; color: #d33; }}
</style></head><body><h1>mockserver report</h1>{note}<p>{summary}</p>
<table><thead><tr><th></th><th>Rule</th><th>Finding</th><th>Advice</th><th>Requests</th></tr></thead>
<tbody>{rows}</tbody></table></body></html>"""

ReportFormatter = Callable[[ResilienceReport, str], str]

REPORT_FORMATTERS: dict[str, ReportFormatter] = {
    "text": format_report_text,
    "json": _format_json,
    "github": _format_github,
    "junit": _format_junit,
    "html": _format_html,
}
