"""Requests are grouped into the attempts of one call."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.report.attempt_facts import AttemptFacts
from mockserver.report.logical_calls import group_calls


def attempt(at: float, status: int = 503, took: float | None = 0.01, **more: Any) -> AttemptFacts:
    """Return an attempt at a time in seconds, by default a failed one without a retry count."""
    facts: dict[str, Any] = {"session": "s", "vendor": "v", "path": "/p", "digest": "d", "status": status}
    facts |= {"ended": "finished" if took else "", "end": at + took if took else None}
    return AttemptFacts(id=f"r{at}", at=at, **facts | more)


GROUPS: dict[str, tuple[list[AttemptFacts], list[list[str]]]] = {
    "a repetition after a failure": ([attempt(0), attempt(0.5, 200)], [["certain"]]),
    "a repetition after success": ([attempt(0, 200), attempt(0.5)], [[], []]),
    "a repetition of what will not pass": ([attempt(0, 402), attempt(0.5)], [["certain"]]),
    "a repetition after a damaged answer": ([attempt(0, 200, fault="garbage"), attempt(0.5)], [["certain"]]),
    "a repetition after a slow answer": ([attempt(0, 200, fault="slow"), attempt(0.5)], [[], []]),
    "a repetition much later": ([attempt(0), attempt(10.011)], [[], []]),
    "one after a Retry-After": ([attempt(0, 429, retry_after=5), attempt(15)], [["certain"]]),
    "one that waits longer each time": ([attempt(0), attempt(8), attempt(30)], [["certain", "certain"]]),
    "one beside it": ([attempt(0, took=1), attempt(0.5)], [[], []]),
    "another body": ([attempt(0), attempt(0.5, digest="e")], [[], []]),
    "one sent by hand": (
        [attempt(0, is_by_hand=True), attempt(0.5, retry_count=1, is_by_hand=True)],
        [[], []],
    ),
    "another client library": ([attempt(0), attempt(0.5, sender="e")], [[], []]),
    "another session": ([attempt(0), attempt(0.5, session="t")], [[], []]),
    "a path without a vendor": ([attempt(0, 404, vendor=""), attempt(0.5, 404, vendor="")], [[], []]),
    "one that counts": (
        [attempt(0), attempt(60, retry_count=1), attempt(90, retry_count=2)],
        [["certain", "certain"]],
    ),
    "one that counts, after a wait of its own": (
        [attempt(0, took=None), attempt(0.5, retry_count=1)],
        [["certain"]],
    ),
    "one that counts, an attempt having failed to connect": (
        [attempt(0), attempt(0.001), attempt(0.5, retry_count=2), attempt(0.6, retry_count=1)],
        [["certain"], ["certain"]],
    ),
    "one that counts, after a success": ([attempt(0, 200), attempt(5, 200, retry_count=1)], [["certain"]]),
    "one that counts, long after a success": ([attempt(0, 200), attempt(50, retry_count=1)], [[], []]),
    "one that counts anew": ([attempt(0), attempt(0.05, retry_count=1), attempt(0.1)], [["certain"], []]),
    "one that counts and is new by its own account": (
        [attempt(0, is_numbered=True), attempt(0.5, is_numbered=True)],
        [["sequential"]],
    ),
    "two that count": (
        [attempt(0), attempt(0.001), attempt(0.05, retry_count=1), attempt(0.051, retry_count=1)],
        [["certain"], ["certain"]],
    ),
    "one after a client's timeout": (
        [attempt(0, 200, took=5, ended="left"), attempt(4.9, 200)],
        [["certain"]],
    ),
    "equal requests that overlap": (
        [attempt(0, took=1), attempt(0.5), attempt(2)],
        [["doubtful"], []],
    ),
    "the same Idempotency-Key": (
        [attempt(0, 200, idempotency_key="k"), attempt(99, 200, idempotency_key="k", digest="e")],
        [["certain"]],
    ),
    "one with the same Idempotency-Key, sent by hand": (
        [attempt(0, idempotency_key="k"), attempt(0.5, idempotency_key="k", is_by_hand=True)],
        [[], []],
    ),
    "the one whose Retry-After is over": (
        [
            *(attempt(0, 429, retry_after=9), attempt(0.1, 429, retry_after=1)),
            *(attempt(1.2, retry_count=1), attempt(9.1, retry_count=1)),
        ],
        [["certain"], ["certain"]],
    ),
    "nothing": ([], []),
}


@pytest.mark.parametrize("name", GROUPS)
def test_attempts_are_grouped_into_calls(name: str) -> None:
    attempts, links = GROUPS[name]
    calls = group_calls(attempts)
    assert [call.links for call in calls] == links
    assert not [wait for call in calls for wait in call.waits if wait.is_too_short]
    assert sorted(one.id for call in calls for one in call.attempts) == sorted(one.id for one in attempts)


def test_thousands_of_equal_requests_are_grouped_in_time_that_grows_with_their_number() -> None:
    failing = [attempt(number / 100, took=0.001) for number in range(3_000)]
    [call] = group_calls(failing)
    assert len(call.attempts) == 3_000
    overlapping = [attempt(number / 100, took=1) for number in range(3_000)]
    assert sum(len(call.attempts) for call in group_calls(overlapping)) == 3_000
