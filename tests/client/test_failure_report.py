"""The texts of the pytest plugin, where a run of pytest would be too long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.client.failure_report import format_problems, format_report
from mockserver.client.recorded_request import Request, parse_recorded_request
from mockserver.testing import MockServer


def evicted(number: int, **more: Any) -> Request:
    """Return a request whose details the server does not have any more."""

    def fetch(_: str) -> Mapping[str, Any]:
        raise LookupError("the journal has no such request")

    data = {"id": f"req-{number}", "vendor": "acme", "user": "Hello", "status": 200, "outcome": "generated"}
    return parse_recorded_request(data | more, fetch)


def test_many_requests_are_cut_and_evicted_ones_do_no_harm(server: MockServer) -> None:
    requests = [evicted(number) for number in range(52)]
    lines = format_report(server.session(), requests, requests[:51])
    assert lines[1:3] == ["(2 earlier requests omitted)", "3. acme 'Hello' -> 200, no fixture matched"]
    assert lines[-2:] == [
        "52. acme 'Hello' -> 200, no fixture matched",
        "     the journal has no such request",
    ]
    assert format_problems(requests, ()).splitlines()[-2] == "(2 more)"


def test_a_refusal_that_its_line_cuts_is_shown_whole(server: MockServer) -> None:
    refused = evicted(1, status=400, outcome="refused", reason="model: " + "x" * 300)
    [_, line, reason] = format_report(server.session(), [refused])
    assert line.endswith("x…")
    assert reason.strip() == refused.reason
