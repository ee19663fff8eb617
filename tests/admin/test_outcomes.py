"""The outcome of each request: which fixture it is attributed to, and whether assertions count it."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.testing import MockServer
from tests.admin.test_admin_api import Control
from tests.conftest import Client, MakeClient, StartServer

FIXTURES = """
fixtures:
- {name: weather, match: {user: weather}, response: Sunny.}
- {name: broke, match: {user: broke}, response: 402}
- {name: bad template, match: {user: template}, response: {template: true, text: "{{ body.none }}"}}
accounts:
- {key: sk-poor, balance: $0.000001}
- {key: sk-old, status: revoked}
- {key: sk-slow, rate_limit: 1/hour}
"""


@pytest.fixture(scope="module")
def serving(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


@pytest.fixture(scope="module")
def strict(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES.split("accounts:", maxsplit=1)[0], strict=True, strict_models=True)


def judge(server: MockServer, client: Client) -> tuple[Any, ...]:
    """Return outcome, fixture, whether it matched and the number of counted requests of a session with one request."""
    control = Control(server)
    query = f"?session={client.session}"
    [entry] = control.requests(query)
    counted = control.ask("POST", f"/verify{query}", {"match": {}, "count": {"min": 0}})["count"]
    return entry["outcome"], entry["fixture"], entry["matched"], counted


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"content": "The weather?"}, ("answered", "weather", True, 1)),
        ({"content": "I am broke"}, ("answered", "broke", True, 1)),
        ({"content": "template"}, ("answered", "bad template", True, 1)),
        ({"content": "Anything"}, ("generated", None, False, 1)),
        # errors and faults on request: by header, by key, by message
        ({"content": "weather", "headers": {"X-Mock-Error": "429"}}, ("injected", "weather", True, 1)),
        (
            {"content": "weather", "headers": {"Authorization": "Bearer mock-504"}},
            ("injected", "weather", True, 1),
        ),
        ({"content": "mock 402"}, ("injected", None, False, 1)),
        ({"content": "weather", "headers": {"X-Mock-Fault": "html"}}, ("injected", "weather", True, 1)),
        ({"content": "Anything", "headers": {"X-Mock-Fault": "html"}}, ("injected", None, False, 1)),
        ({"content": "weather", "headers": {"X-Mock-Delay": "1ms"}}, ("answered", "weather", True, 1)),
        # refusals for key, limit and balance
        ({"content": "weather", "headers": {"Authorization": ""}}, ("refused", None, False, 1)),
        ({"content": "weather", "headers": {"Authorization": "Bearer sk-old"}}, ("refused", None, False, 1)),
        ({"content": "weather", "headers": {"Authorization": "Bearer sk-poor"}}, ("refused", None, False, 1)),
        # unreadable or invalid bodies
        ({"content": "weather", "headers": {"Content-Type": "text/plain"}}, ("refused", None, False, 0)),
        ({"content": "weather", "temperature": "hot"}, ("refused", None, False, 0)),
        ({"content": "weather", "model": None}, ("refused", None, False, 0)),
        ({"content": "weather", "headers": {"Content-Encoding": "x"}}, ("refused", None, False, 0)),
    ],
)
def test_a_request_has_an_outcome(
    serving: MockServer, make_client: MakeClient, sent: Any, expected: tuple[Any, ...]
) -> None:
    client = make_client(serving)
    client.chat(**sent)
    assert judge(serving, client) == expected


def test_a_refusal_for_a_limit_is_counted(serving: MockServer, make_client: MakeClient) -> None:
    client = make_client(serving)
    statuses = [
        client.chat(content="weather", headers={"Authorization": "Bearer sk-slow"}).status for _ in "ab"
    ]
    control, query = Control(serving), f"?session={client.session}"
    assert statuses == [201, 429]
    assert [one["outcome"] for one in control.requests(query)] == ["refused", "answered"]
    assert control.ask("POST", f"/verify{query}", {"match": {"user": "weather"}, "count": 2})["count"] == 2
    assert control.ask("GET", f"/fixtures{query}")["fixtures"][0]["hits"] == 1


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"content": "Anything"}, ("unmatched", None, False, 1)),
        ({"content": "weather", "model": "gpt-unknown"}, ("refused", None, False, 1)),
    ],
)
@pytest.mark.parametrize("vendor", ["aimlapi", "omixa"])
def test_a_strict_server_has_outcomes_too(
    strict: MockServer, make_client: MakeClient, vendor: str, sent: Any, expected: tuple[Any, ...]
) -> None:
    client = make_client(strict)
    client.chat(vendor, **sent)
    assert judge(strict, client) == expected


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("POST", "/aimlapi/v1/messages", 404, ("unknown_path", None, False, 0)),
        ("POST", "/aimlapi/v1/v1/chat/completions", 404, ("unknown_path", None, False, 0)),
        ("POST", "/aimlapi/v1/none", 404, ("unknown_path", None, False, 0)),
        ("GET", "/aimlapi/v1/chat/completions", 404, ("unknown_path", None, False, 0)),
        ("GET", "/nothing", 404, ("unknown_path", None, False, 0)),
        ("GET", "/aimlapi/v1/models", 200, ("answered", None, True, 0)),
        ("GET", "/aimlapi/model/none", 404, ("answered", None, True, 0)),
    ],
)
def test_other_paths_are_neither_matched_nor_counted(
    serving: MockServer,
    make_client: MakeClient,
    method: str,
    path: str,
    status: int,
    expected: tuple[Any, ...],
) -> None:
    client = make_client(serving)
    body = '{"model": "o1-preview", "messages": [{"role": "user", "content": "weather"}]}'
    headers = {
        "Authorization": "Bearer k",
        "Content-Type": "application/json",
        "X-Mock-Session": client.session,
    }
    client.connection.request(method, path, body if method == "POST" else None, headers)
    response = client.connection.getresponse()
    response.read()
    assert (response.status, response.headers["x-mock-fixture"] or None) == (status, None)
    assert judge(serving, client) == expected


def test_fault_rules_are_injected(serving: MockServer, make_client: MakeClient) -> None:
    client = make_client(serving)
    rule = {"error": 503, "match": {"user": "weather"}}
    Control(serving).ask("POST", f"/faults?session={client.session}", rule, 201)
    assert client.chat(content="weather").status == 503
    assert judge(serving, client) == ("injected", "weather", True, 1)


def test_assertions_count_requests_for_completions_only(serving: MockServer, make_client: MakeClient) -> None:
    client = make_client(serving)
    session = serving.session(client.session)
    for method, path in (("GET", "models"), ("POST", "messages")):
        client.connection.request(method, f"/aimlapi/v1/{path}", headers={"X-Mock-Session": client.session})
        client.connection.getresponse().read()
    session.assert_not_called()
    client.chat(content="weather")
    session.assert_called(count=1)
    with pytest.raises(AssertionError, match="expected 2 requests like any; found 1 of 1"):
        session.assert_called(count=2)
    assert [one.outcome for one in session.requests] == ["answered", "unknown_path", "answered"]


def test_the_filter_for_unmatched_requests_leaves_refusals_out(
    serving: MockServer, make_client: MakeClient
) -> None:
    client = make_client(serving)
    client.chat(content="Anything")
    client.chat(content="weather", headers={"Authorization": ""})
    client.chat(content="weather")
    control = Control(serving)
    query = f"?session={client.session}&unmatched="
    assert [one["outcome"] for one in control.requests(f"{query}true")] == ["generated"]
    assert [one["outcome"] for one in control.requests(f"{query}false")] == ["answered", "refused"]
    body = {"model": "o1-preview", "messages": [{"role": "user", "content": "weather"}]}
    explained = control.ask("POST", "/explain", {"body": body, "headers": {"authorization": ""}})
    assert (explained["outcome"], explained["fixture"], explained["near_misses"]) == ("refused", None, [])
