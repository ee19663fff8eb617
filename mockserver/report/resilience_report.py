"""The report on a client's resilience: the findings of all rules about recorded requests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from mockserver.report.attempt_facts import AttemptFacts
from mockserver.report.finding import Finding, SessionLog
from mockserver.report.logical_calls import group_calls
from mockserver.report.rule_table import REPORT_RULES
from mockserver.schema.field_types import Integer, Text
from mockserver.schema.object_types import ListOf, ObjectType, spec_dataclass, spec_field

MAX_FINDINGS = 1_000


@spec_dataclass
class ResilienceReport:
    """The report on the clients of one session, or of all."""

    requests: int = spec_field(Integer(0), "the number of requests that were examined")
    calls: int = spec_field(Integer(0), "the number of calls that they belong to")
    sessions: int = spec_field(Integer(0), "the number of their sessions")
    incomplete: str = spec_field(Text(), "why requests are missing: how many were evicted, empty if none")
    findings: Sequence[Finding] = spec_field(ListOf(ObjectType(Finding)), f"at most {MAX_FINDINGS:,}")

    @property
    def errors(self) -> list[Finding]:
        """Return the findings that were seen on the wire."""
        return [one for one in self.findings if one.severity == "error"]

    @property
    def advice(self) -> list[Finding]:
        """Return the findings that were inferred."""
        return [one for one in self.findings if one.severity == "advice"]

    def select_failures(self, fail_on: str) -> list[Finding]:
        """Return the findings that make a check fail: the errors, or all of them if `fail_on` is "advice"."""
        return list(self.findings) if fail_on == "advice" else self.errors


def assess_attempts(
    attempts: Iterable[AttemptFacts], incomplete: str = "", now: Mapping[str, float] | None = None
) -> ResilienceReport:
    """Apply all rules to attempts in the order of arrival, each session on its own; not to those sent by hand.

    `now` is the time on the clock of each session; by default, that of its last event.
    """
    by_session: dict[str, list[AttemptFacts]] = defaultdict(list)
    for one in attempts:
        if not one.is_by_hand:
            by_session[one.session].append(one)
    logs = [
        SessionLog(found, group_calls(found), (now or {}).get(session) or _find_last_event(found))
        for session, found in by_session.items()
    ]
    findings = sorted(
        islice(chain.from_iterable(rule.find(log) for rule in REPORT_RULES for log in logs), MAX_FINDINGS),
        key=lambda one: one.severity != "error",
    )
    return ResilienceReport(
        requests=sum(len(log.attempts) for log in logs),
        calls=sum(len(log.calls) for log in logs),
        sessions=len(logs),
        incomplete=incomplete,
        findings=findings,
    )


def parse_report(data: Mapping[str, Any]) -> ResilienceReport:
    """Return the report that `GET /_mock/report` describes."""
    findings = [Finding(**one) for one in data["findings"]]
    return ResilienceReport(**{**data, "findings": findings})


def _find_last_event(attempts: Iterable[AttemptFacts]) -> float:
    return max(one.at if one.end is None else one.end for one in attempts)
