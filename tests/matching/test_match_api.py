"""The `api` of a match: in fixtures, fault rules, assertions and the journal."""

from __future__ import annotations

import http.client

import pytest

from mockserver.fixtures.criteria import list_apis
from mockserver.matching.fixture_set import FixtureSet, find_first_match, find_mismatches
from mockserver.matching.shadowing import find_shadowed
from mockserver.testing import MockServer
from mockserver.vendors.apis import COMPLETION_APIS
from tests.matching_examples import build_fixture_set
from tests.request_fixtures import ReadRequest

CHAT, READ, UNKNOWN = "/aimlapi/v1/chat/completions", "/aimlapi/v1/models", "/aimlapi/v1/nothing"
ALL = build_fixture_set(
    "name: raw, match: {}, response: {raw: {body: x}, times: 1}",
    "name: read, match: {api: read}, response: x",
    "name: any, match: {api: [chat, unknown]}, response: {text: x, patch: {body: {x: 1}}}",
)


def find_name(read_request: ReadRequest, path: str, fixtures: FixtureSet = ALL, used: int = 1) -> str | None:
    found = find_first_match(read_request(path=path), fixtures, {"raw": used})
    return None if found is None else found.fixture.name


def test_a_match_without_api_is_for_completions(read_request: ReadRequest) -> None:
    assert find_name(read_request, CHAT, used=0) == "raw"
    assert [find_name(read_request, path) for path in (CHAT, READ, UNKNOWN)] == ["any", "read", "any"]
    [everything] = build_fixture_set("name: all, match: {}, response: x")
    assert list_apis(everything.match) == COMPLETION_APIS
    assert find_name(read_request, READ, FixtureSet([everything])) is None
    [miss] = find_mismatches(read_request(path=READ), everything, {})
    assert str(miss) == "api: expected 'chat' or 'responses', found 'read'"
    [miss] = find_mismatches(read_request(path=CHAT), ALL.fixtures[1], {})
    assert str(miss) == "api: expected 'read', found 'chat'"


def test_bytes_and_keys_have_the_form_of_one_api() -> None:
    assert list(map(list_apis, (one.match for one in ALL))) == [("chat",), ("read",), ("chat", "unknown")]


@pytest.mark.parametrize(
    ("earlier", "later", "covers"),
    [("{}", "{api: read}", False), ("{}", "{api: chat}", True), ("{api: read}", "{api: [read]}", True)],
)
def test_a_fixture_for_another_api_is_reached(earlier: str, later: str, covers: bool) -> None:
    fixtures = build_fixture_set(f"match: {earlier}, response: x", f"match: {later}, response: x")
    assert bool(list(find_shadowed(fixtures))) is covers


def test_rules_assertions_and_records_know_the_api(server: MockServer) -> None:
    session = server.session()
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)

    def get(path: str) -> int:
        connection.request("GET", f"/s/{session.name}{path}", headers={"authorization": "Bearer k"})
        response = connection.getresponse()
        response.read()
        return response.status

    session.fail(500, times=1)
    session.fail(503, api="unknown", times=1)
    session.on(api="unknown").reply(raw={"status": 418, "body": "tea"})
    assert [get(path) for path in (READ, UNKNOWN, UNKNOWN, "/else")] == [200, 503, 418, 404]
    assert [one.api for one in session.requests] == ["read", "unknown", "unknown", "unknown"]
    session.assert_called(count=0)
    session.assert_called(api="read", count=1)
    session.assert_called(api="unknown", count=2)
    connection.close()
