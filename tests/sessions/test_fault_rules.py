"""Tests of the precedence of fault rules: after injections by the request, before admission."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockserver.errors import InputError
from mockserver.server import app
from mockserver.settings import Settings
from mockserver.wire.playback import Playback
from tests.admin.test_admin_api import Control
from tests.conftest import Client, MakeClient, StartServer

FIXTURES = """
fixtures:
- {name: two, match: {user: two}, responses: [one, two]}
- {name: broken, match: {user: broken}, response: {text: Some words to be cut., fault: close@2}}
- {match: {}, response: fine}
faults:
- {match: {user: of file}, error: 503, message: file}
- {match: {user: both}, error: 503, message: file}
"""


@pytest.fixture(scope="module")
def running(start_server: StartServer) -> Any:
    return start_server(
        FIXTURES, faults=("'user=of flag' error=502 message=flag", "user=both error=502 message=flag")
    )


@pytest.fixture
def control(running: Any) -> Control:
    made = Control(running)
    made.ask("POST", "/reset")
    return made


@pytest.fixture
def client(running: Any, make_client: MakeClient) -> Client:
    return make_client(running, "mine")


def add_rules(control: Control, *rules: dict[str, Any], session: str = "") -> None:
    control.ask("POST", f"/faults{f'?session={session}' if session else ''}", list(rules), 201)


def test_a_rules_error_has_the_vendors_envelope(control: Control, client: Client) -> None:
    add_rules(control, {"error": 429, "retry_after": "2s", "message": "Slow down.", "times": 1})
    reply = client.chat()
    assert (reply.status, reply.headers["retry-after"], reply.json["message"]) == (429, "2", "Slow down.")
    assert client.chat().status == 201


def test_session_rules_precede_shared_rules_and_those_of_files(control: Control, client: Client) -> None:
    assert [client.chat(content=f"of {where}").status for where in ("file", "flag")] == [503, 502]
    assert client.chat(content="both").json["message"] == "file"
    add_rules(control, {"match": {"user": "both"}, "error": 500, "message": "shared"})
    assert client.chat(content="both").json["message"] == "shared"
    add_rules(control, {"error": 500, "message": "mine"}, {"error": 500, "message": "second"}, session="mine")
    assert client.chat(content="both").json["message"] == "mine"
    add_rules(control, {"error": 500, "message": "newest"}, session="mine")
    assert client.chat(content="both").json["message"] == "newest"


def test_an_injection_by_the_request_precedes_every_rule(control: Control, client: Client) -> None:
    add_rules(control, {"error": 500, "times": 1})
    assert client.chat(headers={"X-Mock-Error": "402"}).status == 402
    assert client.chat(headers={"Authorization": "Bearer sk-mock-403"}).status == 403
    assert control.ask("GET", "/faults")["faults"][0]["evaluated"] == 0
    assert client.chat().status == 500


def test_a_rule_precedes_admission_and_counts_no_answer(control: Control, client: Client) -> None:
    add_rules(control, {"error": 429, "times": 2})
    assert client.chat(messages=[]).status == 429
    assert [client.chat(content="two").status for _ in range(2)] == [429, 201]
    assert client.chat(content="two").json["choices"][0]["message"]["content"] == "two"


def test_a_rules_fault_breaks_answers_and_refusals(control: Control, client: Client) -> None:
    add_rules(control, {"fault": "truncated_json"}, session="mine")
    bodies: list[Any] = [{}, {"messages": []}]
    for body in bodies:  # an answer, a refusal
        with pytest.raises(json.JSONDecodeError):
            client.chat(**body).json  # noqa: B018
    listed = [(one["fault"], one["rule"], one["status"]) for one in control.requests()]
    assert listed == [("truncated_json", "session-fault-1", status) for status in (400, 201)]


def test_a_rule_may_delay_and_break_its_own_error(control: Control, client: Client) -> None:
    add_rules(control, {"error": 500, "delay": "30ms", "fault": "close@0"})
    with pytest.raises(http.client.IncompleteRead):
        client.send().read()
    [one] = control.requests()
    assert (one["status"], one["bytes"], one["ended"]) == (500, 0, "dropped")
    assert one["first_byte_ms"] >= 29  # the clock is not finer


def test_a_fixtures_own_fault(control: Control, client: Client) -> None:
    response = client.send(content="broken", stream=True)
    with pytest.raises(http.client.IncompleteRead) as caught:
        response.read()
    assert caught.value.partial.count(b"data: ") == 2 + 1  # the opening chunk does not count


def test_rules_are_listed_with_their_counters(control: Control, client: Client) -> None:
    add_rules(
        control,
        {"error": 500, "times": 1, "match": {"key": "sk-very-secret-*", "user": "zzz"}},
        session="mine",
    )
    client.chat()
    listed = control.ask("GET", "/faults?session=mine")["faults"]
    assert [
        (one["id"], one["scope"], one["session"], one["evaluated"], one["applied"]) for one in listed
    ] == [
        ("session-fault-1", "session", "mine", 0, 0),
        ("fixtures-fault-1", "file", None, 0, 0),
        ("fixtures-fault-2", "file", None, 0, 0),
        ("flag-fault-1", "file", None, 0, 0),
        ("flag-fault-2", "file", None, 0, 0),
    ]
    assert "very-secret" not in json.dumps(listed)
    assert listed[-1]["source"] == "--fault"
    control.ask("DELETE", "/faults/session-fault-1?session=mine")
    assert len(control.ask("GET", "/faults?session=mine")["faults"]) == 4
    add_rules(control, {"error": 500}, {"fault": "reset"})
    assert control.ask("DELETE", "/faults") == {"deleted": 2}


def test_an_expired_rule_is_listed_as_over(control: Control, running: Any, make_client: MakeClient) -> None:
    def over(where: str = "") -> list[bool]:
        return [one["over"] for one in control.ask("GET", f"/faults{where}")["faults"][:2]]

    add_rules(control, {"error": 500, "times": 2}, {"match": {"user": "zzz"}, "error": 500, "for": "1m"})
    one, three = make_client(running, "one"), make_client(running, "three")
    for _ in range(2):
        one.chat()
    assert (over(), over("?session=one")) == (
        [False, False],
        [False, False],
    )  # it applies to the next session
    one.chat()
    control.ask("POST", "/faults?session=three", {"error": 500, "times": 2}, 201)
    for _ in range(2):
        assert over() == [False, False]
        three.chat()
    assert over() == [True, False]
    control.ask("DELETE", "/faults?session=three")
    left = control.ask("GET", "/faults")["faults"][1]["left_s"]
    assert 0 < left <= 60
    control.ask("POST", "/clock", {"advance": "59s"})
    assert over() == [False, False]
    control.ask("POST", "/clock", {"advance": "1s"})
    listed = control.ask("GET", "/faults")["faults"]
    assert [(rule["left_s"], rule["over"], rule["applied"]) for rule in listed[:2]] == [
        (None, False, 2),
        (0, True, 0),
    ]


def test_the_seed_is_on_every_response(start_server: StartServer, make_client: MakeClient) -> None:
    client = make_client(start_server(FIXTURES, seed=7))
    assert client.chat().headers["x-mock-seed"] == "7"
    assert client.chat(headers={"X-Mock-Error": "500"}).headers["x-mock-seed"] == "7"
    assert "x-mock-seed" in client.chat().headers["access-control-expose-headers"]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_sequence_in_each_session_at_any_concurrency(
    start_server: StartServer, make_client: MakeClient
) -> None:
    def sequences(workers: int, seed: int) -> dict[str, list[int]]:
        running = start_server(FIXTURES, seed=seed, faults=("probability=40% error=500",))

        def sequence(session: str) -> list[int]:
            client = make_client(running, session)
            return [client.chat().status for _ in range(20)]

        names = [f"s{number}" for number in range(16)]
        with ThreadPoolExecutor(workers) as pool:
            return dict(zip(names, pool.map(sequence, names), strict=True))

    alone = sequences(1, 3)
    assert alone == sequences(16, 3)
    assert alone != sequences(16, 4)
    assert len({tuple(one) for one in alone.values()}) == 16


@pytest.mark.parametrize("text", ["error=nope", "vendor=x", "'"])
def test_an_invalid_flag_is_reported(text: str) -> None:
    with pytest.raises(InputError, match=r"--fault: "):
        app.create_pipeline(Settings(faults=("error=500", text)), Playback(), lambda _: None)
