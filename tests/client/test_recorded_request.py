"""A request is a value with words for a person; what the list has not is asked for once, and late."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.client.recorded_request import Request, parse_recorded_request

TOLD: dict[str, Any] = {
    "id": "req-1",
    "number": 7,
    "vendor": "acme",
    "model": "m",
    "method": "POST",
    "path": "/v1/chat",
    "user": "Hello",
    "status": 200,
    "matched": True,
    "outcome": "answered",
    "fixture": "hello",
    "ended": "finished",
}


def request(details: dict[str, Any] | None = None, **told: Any) -> Request:
    return parse_recorded_request(TOLD | told, lambda _: details or {})


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({}, "acme m 'Hello' -> 200, fixture hello"),
        ({"stream": True, "attempt": 2}, "acme m 'Hello' stream -> 200, fixture hello, attempt 2"),
        ({"rule": "r-1", "status": 429}, "acme m 'Hello' -> 429, rule r-1"),
        (
            {"rule": "r-1", "fault": "reset@3", "ended": "dropped"},
            "acme m 'Hello' -> 200, rule r-1, fault reset@3, dropped",
        ),
        ({"fixture": None, "outcome": "generated"}, "acme m 'Hello' -> 200, no fixture matched"),
        (
            {"fixture": None, "outcome": "refused", "status": 402, "reason": "empty"},
            "acme m 'Hello' -> 402, refused: empty",
        ),
        ({"user": "", "model": ""}, "acme POST /v1/chat -> 200, fixture hello"),
        (
            {"vendor": None, "matched": False, "fixture": None, "status": 404, "reason": "nowhere"},
            "POST /v1/chat -> 404, nowhere",
        ),
        ({"user": "x" * 99}, f"acme m '{'x' * 59}…' -> 200, fixture hello"),
        ({"status": 0, "fixture": None, "matched": False, "ended": None}, "acme m 'Hello' -> no status"),
    ],
    ids=str,
)
def test_a_line_says_what_was_asked_and_what_was_heard(told: dict[str, Any], line: str) -> None:
    assert str(request(**told)) == line
    assert repr(request(**told)) == f"<Request {line}>"


@pytest.mark.parametrize(
    ("told", "unmatched"),
    [
        ({}, False),
        ({"outcome": "generated"}, True),
        ({"outcome": "unmatched", "status": 404}, True),
        ({"outcome": "injected", "status": 402}, False),
        ({"outcome": "refused", "status": 400}, False),
        ({"outcome": "unknown_path", "status": 404}, False),  # as the vendor refuses it
        ({"outcome": "unknown_path", "status": 404, "vendor": None}, True),
        ({"outcome": None, "status": 0}, False),  # it is not decided yet
    ],
    ids=str,
)
def test_a_request_is_unmatched_when_nobody_said_what_it_would_hear(
    told: dict[str, Any], unmatched: bool
) -> None:
    assert request(**told).unmatched is unmatched


def test_what_the_list_has_not_is_asked_for_once() -> None:
    asked: list[str] = []

    def details(identifier: str) -> dict[str, Any]:
        asked.append(identifier)
        return {"request": {"headers": {"X-Tenant": "acme"}, "body": {"n": 1}}, "near_misses": []}

    one = parse_recorded_request(TOLD, details)
    assert asked == []
    assert (one.headers, one.body, one.misses) == ({"x-tenant": "acme"}, {"n": 1}, ())
    assert asked == ["req-1"]


def test_a_long_message_is_read_from_the_body() -> None:
    long = "x" * 300
    messages = [{"role": "user", "content": long}, {"role": "assistant", "content": "?"}]
    assert request({"request": {"body": {"messages": messages}}}, user=f"{long[:199]}…").user == long
    assert request({}, user="and so on …").user == "and so on …"


def test_a_miss_says_where_it_stands_and_what_was_missing() -> None:
    parted = [{"field": "user", "expected": "'a'", "found": "'b'"}]
    misses = [
        {"fixture": "one", "source": "f.yaml:3", "differences": parted},
        {"fixture": "two", "source": None, "differences": parted * 2},
    ]
    assert request({"near_misses": misses}, fixture=None, outcome="unmatched").explain() == (
        "acme m 'Hello' -> 200, no fixture matched\n"
        "  one (f.yaml:3) missed on user: expected 'a', found 'b'\n"
        "  two missed on user: expected 'a', found 'b'; user: expected 'a', found 'b'"
    )


def test_a_refusal_is_explained_by_its_reason() -> None:
    assert request(status=400, reason="messages: Required").explain().splitlines()[1:] == [
        "  messages: Required"
    ]


def test_two_readings_of_one_request_are_equal() -> None:
    assert request() == request()
    assert request() != request(status=500)


def test_the_moment_of_arrival_has_a_zone() -> None:
    assert request(arrived="2026-01-01T12:00:00+00:00").arrived.isoformat() == "2026-01-01T12:00:00+00:00"
