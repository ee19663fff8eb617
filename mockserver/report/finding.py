"""Findings, and the values that rules make them of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from mockserver.report.attempt_facts import AttemptFacts
from mockserver.report.logical_calls import LogicalCall
from mockserver.schema.field_types import Number, OneOf, Text
from mockserver.schema.object_types import ListOf, spec_dataclass, spec_field

Severity = Literal["error", "advice"]


@spec_dataclass
class Finding:
    """One thing that a client did wrong."""

    rule: str = spec_field(Text(), "the name of the rule")
    severity: Severity = spec_field(OneOf("error", "advice"), "error: seen on the wire; advice: inferred")
    session: str = spec_field(Text(), "the session of the requests")
    requests: Sequence[str] = spec_field(ListOf(Text()), "the ids of the requests, in the order of arrival")
    seconds: float = spec_field(Number(), "from the arrival of the first of them to that of the last one")
    message: str = spec_field(Text(), "what the client did, with numbers")
    advice: str = spec_field(Text(), "what it should do")


@dataclass(frozen=True, slots=True)
class SessionLog:
    """The attempts of one session in the order of arrival, grouped into calls; `now` is on the session's clock."""

    attempts: Sequence[AttemptFacts]
    calls: Sequence[LogicalCall]
    now: float


@dataclass(frozen=True, slots=True)
class Observation:
    """A violation of a rule by these attempts; `is_inferred` if the link between them is uncertain."""

    attempts: Sequence[AttemptFacts]
    message: str
    is_inferred: bool = False


@dataclass(frozen=True, slots=True)
class ReportRule:
    """A rule: a pure function over the log of a session, and its texts in reports and in the documentation."""

    name: str
    severity: Severity
    condition: str
    advice: str
    observe: Callable[[SessionLog], Iterator[Observation]]

    def find(self, log: SessionLog) -> Iterator[Finding]:
        """Yield the findings in a session."""
        for one in self.observe(log):
            first, last = one.attempts[0], one.attempts[-1]
            yield Finding(
                rule=self.name,
                severity="advice" if one.is_inferred else self.severity,
                session=first.session,
                requests=[attempt.id for attempt in one.attempts],
                seconds=round(last.at - first.at, 3),
                message=one.message,
                advice=self.advice,
            )


def format_seconds(seconds: float) -> str:
    """Format a time with at most three significant digits."""
    return f"{seconds:.3g} s" if seconds < 1000 else f"{seconds:.0f} s"
