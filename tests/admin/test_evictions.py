"""Questions about requests that the journal has evicted: answered if the rest decides them, else refused."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.sessions.memory_journal import MemoryJournal
from mockserver.testing import MockServer
from tests.admin.test_admin_api import Control
from tests.conftest import Client, MakeClient, RunPytest, StartServer

FIXTURES = "fixtures: [{match: {}, response: Fine.}]"
EVICTED = r"3 requests of this session were evicted: raise --journal-size \(4\)"


@pytest.fixture
def serving(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES, journal_size=4)


@pytest.fixture
def large(start_server: StartServer) -> MockServer:
    """A server whose journal keeps few bytes."""
    server = start_server(FIXTURES)
    journal = server._pipeline.store.journal
    assert isinstance(journal, MemoryJournal)
    journal.max_bytes = 200_000
    return server


def verify(server: MockServer, client: Client, **query: Any) -> tuple[int, Any]:
    status, _, data = Control(server).send("POST", f"/verify?session={client.session}", query)
    return status, data


@pytest.mark.parametrize(
    ("match", "count", "status"),
    [
        ({}, {"min": 4}, 200),  # found >= min
        ({}, {"min": 1}, 200),
        ({}, {"min": 1, "max": 7}, 200),  # 4 to 7 may have been sent
        ({}, {"max": 3}, 409),  # found > max
        ({}, 0, 409),
        ({}, 4, 409),
        ({}, 7, 409),
        ({}, {"min": 5}, 409),
        ({"user": "first"}, 0, 409),
        ({"user": "first"}, {"min": 1}, 409),
        ({"user": "last"}, {"min": 1}, 200),
        ({"user": "last"}, 1, 409),
    ],
)
def test_verify_answers_what_the_rest_decides(
    serving: MockServer, make_client: MakeClient, match: Any, count: Any, status: int
) -> None:
    client = make_client(serving)
    for text in ("first", "a", "b", "c", "d", "e", "last"):
        client.chat(content=text)
    found, data = verify(serving, client, match=match, count=count)
    assert found == status, data
    answer = Control(serving)
    listed = answer.ask("GET", f"/requests?session={client.session}")
    assert (len(listed["requests"]), listed["dropped"]) == (4, 3)
    assert listed["dropped_note"] == "3 requests of this session were evicted: raise --journal-size (4)"
    assert answer.ask("GET", "/requests?session=other")["dropped_note"] is None
    answer.ask("POST", f"/reset?session={client.session}")
    assert verify(serving, client, match=match, count=0)[0] == 200


def test_assertions_refuse_what_is_undecided(serving: MockServer, make_client: MakeClient) -> None:
    client = make_client(serving)
    session = serving.session(client.session)
    for text in ("first", "a", "b", "c", "d", "e", "last"):
        client.chat(content=text)
    session.assert_called(user="last")
    undecided: list[tuple[Any, dict[str, Any]]] = [
        (session.assert_called, {"user": "first"}),
        (session.assert_not_called, {"user": "first"}),
        (session.assert_called, {"count": 7}),
        (session.wait_for, {"user": "first", "within": "1ms"}),
    ]
    for check, arguments in undecided:
        with pytest.raises(AssertionError, match=EVICTED):
            check(**arguments)
    with pytest.raises(AssertionError) as caught:
        session.assert_not_called(user="last")  # it is decided
    assert "evicted" not in str(caught.value).splitlines()[0]
    with pytest.raises(AssertionError, match=EVICTED.replace(" of this session", "")):
        serving.assert_not_called(user="first")


def test_no_request_is_said_to_be_missing_after_an_eviction(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(FIXTURES, journal_size=1)
    first, second = make_client(server), make_client(server)
    first.chat()
    second.chat()
    with pytest.raises(AssertionError) as caught:
        server.session(first.session).assert_called()
    assert "no request has reached" not in str(caught.value)
    assert str(caught.value).count("1 request of this session was evicted: raise --journal-size (1)") == 2
    assert server.session(first.session).read_requests()[0] == []


def test_large_bodies_are_dropped_before_requests(large: MockServer, make_client: MakeClient) -> None:
    client, control = make_client(large), Control(large)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 80_000}}
    for number in range(5):
        page = {"type": "text", "text": f"page {number}"}
        client.chat(model="gpt-4o", content=[{"role": "user", "content": [page, image]}])
    assert verify(large, client, match={}, count=5)[0] == 200
    assert verify(large, client, match={"user": "page", "vendor": "aimlapi"}, count=5)[0] == 200
    assert verify(large, client, match={"user": "page 1", "header": {"x": "y"}}, count=0)[0] == 200
    status, data = verify(large, client, match={"image": True}, count=5)
    assert (status, b"the bodies of 3 requests were dropped: the journal keeps 64 MB" in data) == (409, True)
    assert verify(large, client, match={"image": True}, count={"min": 2})[0] == 200
    status, data = verify(large, client, match={}, spent={"min": "$1"})
    assert (status, b"were dropped" in data) == (409, True)

    *_, second, first = control.requests(f"?session={client.session}")
    assert (first["bodies_dropped"], first["user"], first["status"]) == (True, "page 0", 201)
    assert first["digest"] != second["digest"]
    detail = control.ask("GET", f"/requests/{first['id']}")
    assert (detail["request"]["body"], detail["response"]["body"], detail["response"]["status"]) == (
        None,
        None,
        201,
    )
    assert detail["near_misses"] == []
    assert detail["curl"].startswith("# the journal has dropped the body")
    for action in ("replay", "fixture"):
        status, _, data = control.send("POST", f"/requests/{first['id']}/{action}")
        assert (status, b"the journal has dropped the body of this request" in data) == (409, True)
    newest = control.requests(f"?session={client.session}")[0]
    assert control.send("POST", f"/requests/{newest['id']}/fixture")[0] == 200


def test_costs_that_were_calculated_before_are_known(large: MockServer, make_client: MakeClient) -> None:
    client, control = make_client(large), Control(large)
    text = "x" * 70_000
    query = f"?session={client.session}"
    for _ in range(4):
        client.chat(content=text)
        assert control.requests(query)[0]["charged"]  # calculated for the list
    rows = control.requests(query)
    assert [row["bodies_dropped"] for row in rows] == [False, False, True, True]
    assert len({row["charged"]["usd"] for row in rows}) == 1
    assert verify(large, client, match={}, spent={"min": rows[0]["charged"]["usd"] + " usd"}, count=4)[0] in (
        200,
        400,
    )
    assert verify(large, client, match={}, spent={"usd": rows[0]["charged"]["usd"]})[0] == 409


def test_a_strict_test_fails_if_requests_were_evicted(
    run_pytest: RunPytest, start_server: StartServer
) -> None:
    server = start_server("fixtures: []", journal_size=2)
    result = run_pytest(
        """
        import urllib.request

        def ask(session):
            body = b'{"model": "o1-preview", "messages": [{"role": "user", "content": "Hi"}]}'
            headers = {"Authorization": "Bearer k", "Content-Type": "application/json"}
            request = urllib.request.Request(f"{session.url}/aimlapi/v1/chat/completions", body, headers)
            urllib.request.urlopen(request).read()

        def test_evicted(mockserver):
            mockserver.on().reply("Fine.")
            for _ in range(3):
                ask(mockserver)

        def test_kept(mockserver):
            mockserver.on().reply("Fine.")
            ask(mockserver)
        """,
        f"--mockserver-url={server.url}",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["1 request of this session was evicted: raise --journal-size (2)"])
