"""The admin API on a real socket: reading and changing the state of one session or of all."""

from __future__ import annotations

import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from mockserver.admin.api import OPERATIONS
from mockserver.matching import loader
from mockserver.matching.loader import LoadedFile
from mockserver.schema.yaml_document import Document
from mockserver.testing import MockServer
from tests.conftest import Client, Json, MakeClient, StartServer

FIXTURES = """
defaults: {stream: {chunk: word}}
fixtures:
- {name: weather, match: {user: weather}, response: Sunny today.}
- {name: twice, match: {user: twice}, responses: [first, second], then: no_match}
- {name: weather in Paris, match: {user: weather in Paris}, response: Rain.}
- {name: secret, match: {user: psst, key: {any: [sk-very-secret]}, header: {x-auth: hush-hush, x-b: c}}, response: ok}
"""
PLANNED = {"delay": "10ms", "chunks": ["a", {"delay": "1h"}, "b"]}
SECRET = "sk-very-secret-key-1234"  # noqa: S105 it is nobody's


class Control:
    """The admin API of a server."""

    def __init__(self, server: MockServer) -> None:
        self.server = server

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(self.server.url.removeprefix("http://"), timeout=20)
        data = body if body is None or isinstance(body, bytes | str) else json.dumps(body)
        connection.request(method, f"/_mock{path}", data, headers or {})
        response = connection.getresponse()
        whole = response.read()
        connection.close()
        return response.status, response.headers, whole

    def ask(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        """Return the JSON of a response that has the expected status."""
        told = self.send(method, path, body, headers)
        assert told[0] == status, told
        assert told[1]["content-type"] == "application/json"
        return json.loads(told[2])

    def refused(self, method: str, path: str, body: Any = None, status: int = 400, **headers: str) -> str:
        told: str = self.ask(method, path, body, status, **headers)["error"]["message"]
        return told

    def requests(self, query: str = "") -> list[Json]:
        found: list[Json] = self.ask("GET", f"/requests{query}")["requests"]
        return found


@pytest.fixture(scope="module")
def running(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


@pytest.fixture
def control(running: MockServer) -> Control:
    """The API of a server that has just been reset."""
    made = Control(running)
    made.ask("POST", "/reset")
    return made


@pytest.fixture
def client(running: MockServer, make_client: MakeClient) -> Client:
    return make_client(running, "mine")


def said(client: Client, text: str, **body: Any) -> str:
    reply = client.chat(content=text, **body)
    told: str = reply.json["choices"][0]["message"]["content"] if reply.status < 400 else str(reply.status)
    return told


# --- what there is


def test_the_index_links_to_everything_and_says_how_vendors_are_reached(control: Control) -> None:
    index = control.ask("GET", "")
    assert len(index["links"]) == len(OPERATIONS)
    assert index["seed"] == 0
    assert index["vendors"]["segmind"] == {
        "title": "Segmind",
        "chat": "/v1/{model}",
        "openai": None,
        "key_header": "x-api-key",
        "key_scheme": None,
        "sample_key": "SG_0123456789abcdef",
        "sample_model": "o1-preview",
        "models": ["o1-preview"],
        "responses": None,
        "responses_models": [],
        "errors": None,
        "answers": None,
    }
    versions = index["vendors"]["aimlapi"]
    assert (versions["errors"], versions["answers"]) == ("2026-08", "2024")
    assert {"timeout", "rate_limited"} < set(index["errors"])
    assert {"reset", "no_done"} < set(index["faults"])
    assert index["counts"]["fixtures"] == 4


def test_the_schema_is_that_of_fixture_files(control: Control) -> None:
    judge = jsonschema_rs.validator_for(control.ask("GET", "/schema"))
    assert judge.is_valid(yaml.safe_load(FIXTURES))
    assert judge.is_valid({"faults": [{"error": 429, "times": 2, "for": "1s", "match": {"user": "x"}}]})
    assert not judge.is_valid({"faults": [{"eror": 429}]})


def test_the_description_has_every_way_and_is_sound(control: Control) -> None:
    told = control.ask("GET", "/openapi.json")
    assert sum(len(ways) for ways in told["paths"].values()) == len(OPERATIONS)
    assert "#/$defs/" not in json.dumps(told)
    schemas = told["components"]["schemas"]
    for reference in set(json.dumps(told).split('"#/components/schemas/')[1:]):
        assert reference.partition('"')[0].partition("/")[0] in schemas
    one = {"$ref": "#/components/schemas/RequestListView", "components": told["components"]}
    assert jsonschema_rs.validator_for(one).is_valid(control.ask("GET", "/requests"))


@pytest.mark.parametrize(
    ("path", "body"),
    [("/fixtures/{name}", {"match": {}, "response": "x"}), ("/accounts/{name}", {"balance": "$1"})],
)
def test_what_is_put_under_a_new_name_is_made_and_described_as_that(
    control: Control, path: str, body: Any
) -> None:
    described = control.ask("GET", "/openapi.json")["paths"][f"/_mock{path}"]["put"]["responses"]
    assert set(described) == {"200", "201", "default"}
    control.ask("PUT", path.format(name="one"), body, 201)
    control.ask("PUT", path.format(name="one"), body, 200)


# --- the journal


def test_a_request_is_told_with_what_was_heard(control: Control, client: Client) -> None:
    reply = client.chat(content="The weather?")
    [brief] = control.requests()
    assert brief["arrived"].endswith("+00:00")
    assert brief["first_byte_ms"] <= brief["total_ms"]
    assert {
        name: brief[name] for name in ("id", "session", "vendor", "model", "method", "path", "stream")
    } == {
        "id": reply.headers["x-mock-request-id"],
        "session": "mine",
        "vendor": "aimlapi",
        "model": "o1-preview",
        "method": "POST",
        "path": "/v1/chat/completions",
        "stream": False,
    }
    rest = ("attempt", "status", "fixture", "matched", "rule", "fault", "reason", "bytes", "ended", "user")
    assert [brief[name] for name in rest] == [
        *(0, 201, "weather", True, None, None, None, len(reply.body), "finished", "The weather?")
    ]
    story = control.ask("GET", f"/requests/{brief['id']}")
    assert {name: story[name] for name in brief} == brief
    assert story["request"]["body"]["messages"] == [{"role": "user", "content": "The weather?"}]
    assert story["response"]["body"] == reply.body.decode()
    assert story["response"]["headers"]["x-mock-fixture"] == "weather"
    assert story["near_misses"] == []


def test_a_stream_is_told_event_by_event(control: Control, client: Client) -> None:
    reply = client.chat(content="The weather?", stream=True)
    [brief] = control.requests("?session=mine")
    response = control.ask("GET", f"/requests/{brief['id']}")["response"]
    assert [event["data"].encode() for event in response["events"]] == reply.events
    assert response["body"] is None
    moments = [event["at_ms"] for event in response["events"]]
    assert moments == sorted(moments)


def test_the_journal_says_what_a_timeline_needs(control: Control, make_client: MakeClient) -> None:
    client = make_client(control.server)
    for wait in ("1500ms", "2s", None):
        headers = {"X-Mock-Error": "429", **({"X-Mock-Retry-After": wait} if wait else {})}
        client.chat(content="again", headers=headers)
    rule = {"error": 429, "retry_after": {"date": "5s"}, "times": 1}
    control.ask("POST", f"/faults?session={client.session}", rule, 201)
    client.chat(content="again")
    client.chat(content="weather", stream=True)
    stream, dated, *refused = control.requests(f"?session={client.session}")
    assert [one["retry_after_ms"] for one in refused] == [None, 2000, 1500]
    assert 5000 <= dated["retry_after_ms"] < 30_000
    assert len({one["digest"] for one in refused}) == 1
    assert stream["digest"] != refused[0]["digest"]
    assert [one["frames_ms"] for one in refused] == [[], [], []]
    assert stream["frames_ms"] == sorted(stream["frames_ms"])
    assert 0 <= stream["frames_ms"][-1] <= stream["total_ms"]


def test_a_stream_that_is_open_says_when_its_pieces_are_to_come(
    control: Control, make_client: MakeClient
) -> None:
    control.ask("POST", "/fixtures?session=plan", {"match": {}, "response": PLANNED}, status=201)
    client = make_client(control.server, "plan")
    client.send(stream=True)
    [open_] = control.requests("?session=plan")
    client.connection.close()
    assert open_["ended"] is None
    assert open_["frames_ms"] == [10, 3600010]


def test_a_miss_says_what_came_nearest(control: Control, client: Client) -> None:
    client.chat(content="The wether?")
    [brief] = control.requests("?unmatched=true")
    story = control.ask("GET", f"/requests/{brief['id']}")
    assert (brief["matched"], brief["fixture"]) == (False, None)
    assert story["near_misses"][0] == {
        "fixture": "weather",
        "source": story["near_misses"][0]["source"],
        "differences": [{"field": "user", "expected": "text with 'weather'", "found": "'The wether?'"}],
    }


def test_a_path_of_no_vendor_and_a_body_of_no_json_are_journaled_too(
    control: Control, client: Client
) -> None:
    client.connection.request("PATCH", "/s/mine/nowhere", "x")
    assert client.connection.getresponse().read()
    client.connection.request("POST", "/aimlapi/v1/chat/completions", "no json", {"X-Mock-Session": "mine"})
    assert client.connection.getresponse().read()
    flawed, lost = control.requests("?session=mine")
    assert (lost["path"], lost["vendor"], lost["status"], lost["user"]) == ("/nowhere", None, 404, "")
    assert lost["reason"] == "no vendor has this path"
    story = control.ask("GET", f"/requests/{lost['id']}")
    assert (story["request"]["body"], story["near_misses"]) == (None, [])
    assert "no_such_path" in story["response"]["body"]
    assert control.ask("GET", f"/requests/{flawed['id']}")["request"]["body"] == "no json"
    assert "no fixture can answer" in control.refused("POST", f"/requests/{lost['id']}/fixture", status=409)
    assert control.ask("POST", f"/requests/{lost['id']}/replay", status=201)["status"] == 404


def test_requests_are_found_by_what_they_were(
    control: Control, running: MockServer, make_client: MakeClient
) -> None:
    first, second = make_client(running, "one"), make_client(running, "two")
    said(first, "weather")
    said(second, "What?")
    first.chat(content="weather", headers={"X-Mock-Error": "503"})
    by = {
        query: [one["number"] for one in control.requests(query)]
        for query in (
            *(
                "",
                "?session=one",
                "?status=503",
                "?status=2xx,404",
                "?fixture=weather",
                "?unmatched",
                "?limit=1",
            ),
            *("?unmatched=false&session=two", "?limit=0", "?session=nobody"),
        )
    }
    latest, middle, oldest = by[""]
    assert list(by.values())[1:] == [
        *([latest, oldest], [latest], [middle, oldest], [latest, oldest], [middle], [latest], [], [], [])
    ]
    assert [one["number"] for one in control.requests(f"?since={oldest}")] == [latest, middle]
    by = {query: [one["number"] for one in control.requests(query)] for query in SEARCHES}
    assert list(by.values()) == [[latest, oldest], [middle], [latest, middle, oldest], [], [], [latest], []]
    first.connection.request("POST", "/nowhere", "x")  # without a vendor
    assert first.connection.getresponse().read()
    listed = control.ask("GET", f"/requests?q=weather&before={latest}&limit=5&attempts=true")
    assert [one["number"] for one in listed["requests"]] == [latest, oldest]  # two attempts of one call
    assert (listed["total"], listed["matching"], listed["newer"]) == (4, 2, 1)
    listed = control.ask("GET", "/requests?vendor=aimlapi&limit=0")
    assert (listed["requests"], listed["total"], listed["matching"]) == ([], 4, 3)


SEARCHES = (
    "?q=WEAther",
    "?q=what%3F",
    "?ended=finished,open",
    "?ended=left",
    "?faulty=true",
    "?q=injected&vendor=aimlapi",
    "?vendor=omixa",
)


def test_requests_are_forgotten_for_one_session_or_all(
    control: Control, running: MockServer, make_client: MakeClient
) -> None:
    for session in ("one", "two", "two"):
        said(make_client(running, session), "weather")
    assert control.ask("DELETE", "/requests?session=two") == {"deleted": 2}
    assert [one["session"] for one in control.requests()] == ["one"]
    assert control.ask("DELETE", "/requests") == {"deleted": 1}


def test_a_request_of_another_session_is_not_there(control: Control, client: Client) -> None:
    client.chat()
    [one] = control.requests()
    assert "no request" in control.refused("GET", f"/requests/{one['id']}?session=other", status=404)


def test_keys_are_masked_wherever_they_are_shown(control: Control, client: Client) -> None:
    client.chat(
        content="weather",
        headers={"Authorization": f"Bearer {SECRET}", "X-Api-Key": SECRET, "Cookie": SECRET},
    )
    [one] = control.requests()
    story = control.ask("GET", f"/requests/{one['id']}")
    assert SECRET not in json.dumps(story)
    assert story["request"]["headers"]["authorization"].startswith("Bearer sk-… (key-")
    assert """-H 'authorization: Bearer '"${KEY:-any-key}\"""" in story["curl"]
    assert """-H 'x-api-key: '"${KEY:-any-key}\"""" in story["curl"]
    assert "sk-very-secret" not in json.dumps(control.ask("GET", "/fixtures"))
    told = control.ask("GET", "/fixtures/secret")["definition"]["match"]
    assert "hush-hush" not in json.dumps(told)
    assert told["header"]["x-b"] == "c"


def test_a_request_is_asked_again(control: Control, client: Client) -> None:
    assert said(client, "twice") == "first"
    [one] = control.requests()
    again = control.ask("POST", f"/requests/{one['id']}/replay", status=201)
    assert "second" in again["response"]["body"]
    assert [entry["id"] for entry in control.requests()] == [again["id"], one["id"]]


@pytest.mark.parametrize("fault", ["reset@1", "close", "garbage"])
def test_a_broken_answer_is_broken_again(control: Control, client: Client, fault: str) -> None:
    control.ask("POST", "/faults?session=mine", {"fault": fault}, 201)
    with pytest.raises((http.client.HTTPException, OSError)):
        client.chat(content="weather", stream=True)
    [one] = control.requests()
    assert (one["ended"], one["fault"], one["rule"]) == ("dropped", fault, "session-fault-1")
    again = control.ask("POST", f"/requests/{one['id']}/replay", status=201)
    assert (again["ended"], again["bytes"]) == ("dropped", one["bytes"])


@pytest.mark.parametrize(
    ("text", "body", "headers", "response"),
    [
        ("weather", {}, {}, {"text": "Sunny today."}),
        ("weather", {"stream": True}, {}, {"text": "Sunny today."}),
        (
            "weather",
            {},
            {"X-Mock-Error": "429", "X-Mock-Retry-After": "2s"},
            {"error": 429, "retry_after": "2s"},
        ),
    ],
)
def test_a_request_becomes_a_fixture(
    control: Control, client: Client, text: str, body: Json, headers: dict[str, str], response: Json
) -> None:
    client.chat(content=text, headers=headers, **body)
    [one] = control.requests()
    _, kind, written = control.send("POST", f"/requests/{one['id']}/fixture")
    assert kind["content-type"].startswith("application/yaml")
    [fixture] = yaml.safe_load(written)["fixtures"]
    assert fixture["match"] == {"vendor": "aimlapi", "model": "o1-preview", "user": {"equals": text}}
    assert fixture["response"] == response
    control.ask("POST", "/fixtures", written, 201)


# --- verify


def test_what_was_asked_is_verified(control: Control, client: Client) -> None:
    client.chat(content="weather")
    client.chat(content="weather", stream=True)
    for count, match in ((2, {"user": "weather"}), (1, {"stream": True}), ({"min": 1}, {}), ({"max": 2}, {})):
        told = control.ask("POST", "/verify", {"match": match, "count": count})
        assert told["matched"] is True
    assert control.ask("POST", "/verify", {"match": {"user": "weather"}})["count"] == 2
    assert control.ask("POST", "/verify?session=other", {"match": {}, "count": 0})["count"] == 0


def test_what_was_not_asked_is_told_with_what_was(control: Control, client: Client) -> None:
    client.chat(content="How is the wether?")
    error = control.ask("POST", "/verify", {"match": {"user": "weather"}, "count": 2}, 409)["error"]
    [one] = control.requests()
    unlike = {"field": "user", "expected": "text with 'weather'", "found": "'How is the wether?'"}
    assert error["nearest"] == [{"id": one["id"], "differences": [unlike]}]
    assert (error["count"], error["requests"]) == (0, [])
    assert error["message"] == (
        "expected 2 requests like user: text with 'weather'; found 0 of 1. "
        f"Nearest: {one['id']} missed on user: expected text with 'weather', found 'How is the wether?'"
    )
    few = control.refused("POST", "/verify", {"match": {"user": "weather"}, "count": {"min": 2}}, 409)
    assert few.startswith("expected at least 2 requests like")
    some = control.refused("POST", "/verify", {"match": {}, "count": {"min": 2, "max": 3}}, 409)
    assert some == "expected 2 to 3 requests like any; found 1 of 1"
    many = control.ask("POST", "/verify", {"match": {}, "count": {"max": 0}}, 409)["error"]
    assert many["message"] == "expected 0 requests like any; found 1 of 1"
    assert many["requests"] == [one["id"]]


def test_it_waits_for_a_request_and_no_longer(control: Control, client: Client) -> None:
    told: list[Any] = []
    asked = {"match": {"user": "weather"}, "count": 2, "within": "20s"}
    waiting = threading.Thread(target=lambda: told.append(control.ask("POST", "/verify", asked)))
    waiting.start()
    client.chat(content="weather")
    client.chat(content="other")
    client.chat(content="weather")
    waiting.join(10)
    matching = [one["id"] for one in control.requests() if one["user"] == "weather"]
    assert told == [{"count": 2, "spent": None, "requests": matching, "dropped": 0, "matched": True}]


def test_a_bound_from_above_is_sure_when_the_time_is_over(control: Control, client: Client) -> None:
    assert control.ask("POST", "/verify", {"match": {}, "count": 0, "within": "30ms"})["count"] == 0
    client.chat()
    assert "found 1" in control.refused("POST", "/verify", {"match": {}, "count": 0, "within": "20s"}, 409)
    assert "found 1" in control.refused("POST", "/verify", {"match": {}, "count": 2, "within": "30ms"}, 409)


def test_requests_of_the_web_ui_and_replays_are_sent_by_hand(control: Control, client: Client) -> None:
    host = client.server.url.removeprefix("http://")
    for headers in (
        {},
        {"Origin": f"http://{host}"},
        {"Origin": "http://app"},
        {"Sec-Fetch-Site": "same-origin"},
    ):
        client.chat(headers=headers)
    rows = control.requests()
    control.ask("POST", f"/requests/{rows[-1]['id']}/replay", status=201)
    assert [one["by_hand"] for one in control.requests()] == [True, True, False, True, False]


# --- fixtures


def test_what_is_added_answers_first_and_the_newest_call_before_all(control: Control, client: Client) -> None:
    assert control.ask("POST", "/fixtures", {"match": {"user": "weather"}, "response": "Snow."}, 201) == {
        "fixtures": ["shared#1"]
    }
    two = [{"match": {"user": "weather"}, "response": text} for text in ("Hail.", "Fog.")]
    control.ask("POST", "/fixtures?session=mine", two, 201)
    assert said(client, "weather") == "Hail."
    control.ask("DELETE", "/fixtures/session%231?session=mine")
    assert said(client, "weather") == "Fog."
    assert control.ask("DELETE", "/fixtures?session=mine") == {"deleted": 1}
    assert said(client, "weather") == "Snow."
    assert control.ask("DELETE", "/fixtures/shared%231") == {"deleted": 1}
    assert said(client, "weather") == "Sunny today."


def test_what_a_session_adds_no_other_hears(
    control: Control, running: MockServer, make_client: MakeClient
) -> None:
    control.ask("POST", "/fixtures?session=one", {"match": {}, "response": "Mine."}, 201)
    assert [said(make_client(running, name), "weather") for name in ("one", "two")] == [
        "Mine.",
        "Sunny today.",
    ]


def test_added_fixtures_keep_their_order_while_sessions_are_used(
    control: Control, running: MockServer, make_client: MakeClient
) -> None:
    for session in ("zoo", "ant"):
        control.ask("POST", f"/fixtures?session={session}", {"match": {}, "response": "Mine."}, 201)
    for session in ("ant", "zoo"):
        make_client(running, session).chat()
        listed = control.ask("GET", "/fixtures")["fixtures"]
        assert [one["session"] for one in listed if one["session"]] == ["ant", "zoo"]


def test_yaml_and_json_are_taken_by_their_type_or_by_trying(control: Control, client: Client) -> None:
    for kind in ("application/yaml", "text/plain", "application/x-www-form-urlencoded", ""):
        control.ask(
            "POST", "/fixtures", "match: {user: x}\nresponse: from YAML", 201, **{"Content-Type": kind}
        )
    form: dict[str, Any] = {"Content-Type": "multipart/form-data; boundary=x"}
    assert "'multipart/form-data', expected JSON" in control.refused("POST", "/fixtures", "{}", 415, **form)
    control.ask("POST", "/fixtures", b'{"match": {"user": "y"}, "response": "j"}', 201)
    assert [said(client, text) for text in ("x", "y")] == ["from YAML", "j"]


def test_a_fixture_that_was_added_can_be_named_by_a_request(control: Control, client: Client) -> None:
    written = (
        "fixtures: [{name: mine, match: {user: never}, response: Mine.}]\nfaults: [{error: 500, times: 1}]"
    )
    told = control.ask("POST", "/fixtures?session=mine", written, 201)
    assert told == {"fixtures": ["mine"], "faults": [{"id": "session-fault-1"}]}
    assert said(client, "x") == "500"
    for name, answer in (("mine", "Mine."), ("weather", "Sunny today."), ("mien", "400")):
        reply = client.chat(content="x", headers={"X-Mock-Fixture": name})
        assert answer == "400" or reply.json["choices"][0]["message"]["content"] == answer
    assert "did you mean 'mine'?" in str(reply.json)


def test_fixtures_are_listed_as_they_are_asked(control: Control, client: Client) -> None:
    control.ask("POST", "/fixtures", {"name": "weather", "match": {"user": "snow"}, "response": "Snow."}, 201)
    control.ask(
        "POST", "/fixtures?session=mine", {"name": "own", "match": {"user": "own"}, "response": "o"}, 201
    )
    said(client, "own")
    for query in ("", "?session=mine"):
        told = control.ask("GET", f"/fixtures{query}")["fixtures"]
        assert [
            (one["name"], one["scope"], one["session"], one["hits"], one["never_used"]) for one in told
        ] == [
            ("own", "session", "mine", 1, False),
            ("weather", "shared", None, 0, True),
            ("weather", "file", None, 0, True),
            ("twice", "file", None, 0, True),
            ("weather in Paris", "file", None, 0, True),
            ("secret", "file", None, 0, True),
        ]
        assert [one["shadowed_by"] for one in told] == [None, None, "weather", None, None, None]
    assert len(control.ask("GET", "/fixtures?session=other")["fixtures"]) == 5
    control.ask("DELETE", "/fixtures")
    one = control.ask("GET", "/fixtures/weather%20in%20Paris")
    assert (one["shadowed_by"], one["source"].endswith("fixtures.yaml:6")) == ("weather", True)
    assert one["definition"] == {
        "name": "weather in Paris",
        "match": {"user": "weather in Paris"},
        "response": "Rain.",
    }


def test_a_fixture_takes_the_place_of_a_file_s_one_with_its_name(control: Control, client: Client) -> None:
    assert said(client, "twice") == "first"
    put = {"match": {"user": "twice"}, "responses": ["one", "two"]}
    assert control.ask("PUT", "/fixtures/twice?session=mine", put, 201) == {"fixtures": ["twice"]}
    assert [said(client, "twice") for _ in range(3)] == ["one", "two", "two"]
    control.ask("PUT", "/fixtures/twice?session=mine", {**put, "name": "twice"})
    assert said(client, "twice") == "one"  # it is a new one, and begins again
    control.ask("DELETE", "/fixtures/twice?session=mine")
    assert [said(client, "twice") for _ in range(2)] == ["first", "second"]


def test_a_fixture_keeps_its_place_when_it_is_changed(control: Control, client: Client) -> None:
    several = [
        {"name": name, "match": {"user": "q"}, "response": {"text": name, "times": 1}} for name in "abc"
    ]
    control.ask("POST", "/fixtures", several, 201)
    control.ask("PUT", "/fixtures/b", {"match": {"user": "q"}, "response": {"text": "B", "times": 1}})
    assert [said(client, "q") for _ in range(3)] == ["a", "B", "c"]


def test_a_removed_fixture_is_put_back_in_its_place(control: Control) -> None:
    def list_added() -> list[str]:
        listed = control.ask("GET", "/fixtures?session=mine")["fixtures"]
        return [one["name"] for one in listed if one["scope"] == "session"]

    names = ["a/b", *"bcdefghijklm"]
    added = [{"name": name, "match": {"user": name}, "response": name} for name in names]
    control.ask("POST", "/fixtures?session=mine", added, 201)
    control.ask("DELETE", "/fixtures/b?session=mine")
    assert "removed lately" in control.refused("POST", "/fixtures/b/restore", status=404)
    control.ask("POST", "/fixtures?session=mine", {"name": "new", "match": {}, "response": "new"}, 201)
    assert control.ask("POST", "/fixtures/b/restore?session=mine") == {"fixtures": ["b"]}
    assert list_added() == ["new", *names]
    assert "removed lately" in control.refused("POST", "/fixtures/b/restore?session=mine", status=404)
    for name in names[:11]:
        control.ask("DELETE", f"/fixtures/{name}?session=mine")
    assert "removed lately" in control.refused("POST", "/fixtures/a/b/restore?session=mine", status=404)
    control.ask("POST", "/fixtures/c/restore?session=mine")
    control.ask("PUT", "/fixtures/d?session=mine", {"match": {}, "response": "another"}, 201)
    assert "already" in control.refused("POST", "/fixtures/d/restore?session=mine", status=409)
    assert list_added() == ["d", "new", "c", "l", "m"]
    control.ask("DELETE", "/fixtures?session=mine")
    assert "removed lately" in control.refused("POST", "/fixtures/e/restore?session=mine", status=404)


def test_all_that_was_added_is_exchanged_at_once(control: Control, client: Client) -> None:
    control.ask("POST", "/fixtures", [{"match": {"user": "old"}, "response": "o"}], 201)
    told = control.ask("PUT", "/fixtures", "fixtures: [{match: {user: weather}, response: New.}]")
    assert told == {"fixtures": ["shared#1"]}
    assert said(client, "weather") == "New."
    with_faults = "fixtures: [{match: {}, response: New.}]\nfaults: [{error: 402, times: 1}]"
    assert control.ask("PUT", "/fixtures", with_faults)["faults"] == [{"id": "shared-fault-1"}]
    control.ask("PUT", "/fixtures", with_faults)
    assert len(control.ask("GET", "/faults")["faults"]) == 1
    assert [said(client, "weather") for _ in range(2)] == ["402", "New."]


def test_the_same_calls_give_the_same_names_after_a_reset(control: Control) -> None:
    for _ in range(2):
        control.ask("POST", "/reset")
        names = [
            control.ask("POST", "/fixtures", {"match": {}, "response": "x"}, 201)["fixtures"] for _ in "ab"
        ]
        assert names == [["shared#1"], ["shared#2"]]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        (
            "POST",
            "/fixtures",
            {"match": {"usr": "x"}, "response": "y"},
            400,
            "body: match.usr: unknown key 'usr', did",
        ),
        (
            "POST",
            "/fixtures",
            "match: {}\nrespnse: y",
            400,
            "body:2:1: respnse: unknown key 'respnse', did you",
        ),
        ("POST", "/fixtures", b"\xff", 400, "body: found the byte 0xff at 0, expected UTF-8 text"),
        ("POST", "/fixtures", None, 400, "body: the body is empty, expected JSON or YAML"),
        ("POST", "/verify", {"match": {}}, 409, "expected at least 1 request like any; found 0 of 0"),
        (
            "GET",
            "/requests/",
            None,
            404,
            "nothing is at /_mock/requests/, did you mean '/requests'? GET /_mock",
        ),
        (
            "GET",
            "/requests?limit=9999999999",
            None,
            400,
            "limit: found '9999999999', expected a whole number of at most nine",
        ),
        ("PUT", "/fixtures/a", [], 400, "found 0 fixtures, expected one, named 'a'"),
        (
            "PUT",
            "/fixtures/a",
            {"name": "b", "match": {}, "response": "x"},
            400,
            "found the name 'b', expected 'a'",
        ),
        ("DELETE", "/fixtures/weather", None, 409, "'weather' is defined in "),
        (
            "DELETE",
            "/fixtures/nothing",
            None,
            404,
            "there is no added fixture 'nothing' shared by all sessions",
        ),
        (
            "DELETE",
            "/fixtures/nothing?session=s",
            None,
            404,
            "there is no added fixture 'nothing' in the session s",
        ),
        ("GET", "/fixtures/wether", None, 404, "there is no fixture 'wether', did you mean 'weather'?"),
        ("POST", "/faults", {"error": 999}, 400, "body: error: found the number 999, expected 400 to 599"),
        (
            "POST",
            "/faults",
            [{"error": 500}, {}],
            400,
            "body: [1]: it does nothing; expected error, fault or delay",
        ),
        ("DELETE", "/faults/no", None, 404, "there is no added fault rule 'no'"),
        (
            "POST",
            "/verify",
            {"match": {}, "count": {"min": 2, "max": 1}},
            400,
            "body: count.max: found 1, expected",
        ),
        (
            "POST",
            "/verify",
            {"match": {}, "within": "1000s"},
            400,
            "body: within: found 1000s, expected at most",
        ),
        (
            "POST",
            "/explain",
            {"vendor": "nobody", "body": {}},
            400,
            "vendor: found 'nobody', expected one of",
        ),
        (
            "POST",
            "/reset?what=everything",
            None,
            400,
            "what: found 'everything', expected requests, counters,",
        ),
        (
            "GET",
            "/requests?sesion=x",
            None,
            400,
            "sesion: unknown parameter 'sesion', expected session, status,",
        ),
        ("GET", "/schema?a=b", None, 400, "a: unknown parameter 'a', expected none"),
        (
            "GET",
            "/requests?session=a%20b&status=9&unmatched=x&since=x&limit=-1",
            None,
            400,
            "session: found 'a b'",
        ),
        ("GET", "/requests/none", None, 404, "the journal has no request 'none'"),
        ("GET", "/nothing", None, 404, "nothing is at /_mock/nothing; GET /_mock lists all operations"),
        ("PUT", "/requests", None, 405, "found PUT /_mock/requests, expected GET or DELETE"),
        (
            "OPTIONS",
            "/fixtures",
            None,
            405,
            "found OPTIONS /_mock/fixtures, expected GET, POST, PUT or DELETE",
        ),
    ],
)
def test_what_cannot_be_done_is_told(
    control: Control, method: str, path: str, body: Any, status: int, message: str
) -> None:
    assert control.refused(method, path, body, status).startswith(message)


def test_every_problem_is_told_at_once_with_its_place(control: Control) -> None:
    error = control.ask("POST", "/fixtures", "match: {usr: x}\nresponse: {txt: y}", 400)["error"]
    assert [(one["path"], one["line"], one["column"]) for one in error["problems"]] == [
        ("match.usr", 1, 9),
        ("response.txt", 2, 12),
    ]
    query = control.ask("GET", "/requests?status=9&limit=x", status=400)["error"]["problems"]
    assert [one["path"] for one in query] == ["status", "limit"]


def test_what_says_that_it_is_json_has_to_be(control: Control) -> None:
    kind: dict[str, Any] = {"Content-Type": "application/json"}
    told = control.ask("POST", "/fixtures", '{"match":\n oops}', 400, **kind)["error"]
    assert told["message"].startswith("body:2:2: not JSON: ")
    assert [(one["line"], one["column"]) for one in told["problems"]] == [(2, 2)]


def test_a_name_that_is_taken_is_not_taken_again(control: Control) -> None:
    one = {"name": "a", "match": {}, "response": "x"}
    control.ask("POST", "/fixtures", one, 201)
    assert "there is a fixture 'a' already" in control.refused("POST", "/fixtures", one, 409)
    control.ask("POST", "/fixtures?session=mine", one, 201)
    assert "is taken by the fixture at" in control.refused("POST", "/fixtures", [one | {"name": "b"}] * 2)


def test_files_are_read_again(tmp_path: Path, make_client: MakeClient) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("fixtures: [{match: {}, response: old}]")
    with MockServer(file, reload=False) as server:
        control, client = Control(server), make_client(server)
        file.write_text("fixtures: [{match: {}, response: new}]")
        assert said(client, "x") == "old"
        assert control.ask("POST", "/fixtures/reload") == {"fixtures": 1}
        assert said(client, "x") == "new"
        file.write_text("fixtures: [{match: {}}]")
        assert "it has no response" in control.refused("POST", "/fixtures/reload")
        assert said(client, "x") == "new"


def test_fixtures_of_the_command_line_survive_a_reload(tmp_path: Path, make_client: MakeClient) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("fixtures: [{match: {user: x}, response: file}]")
    text = "fixtures: [{match: {user: y}, response: text}]"
    with MockServer(file, fixtures_yaml=text, reload=False) as server:
        control, client = Control(server), make_client(server)
        assert control.ask("POST", "/fixtures/reload") == {"fixtures": 2}
        assert said(client, "y") == "text"


def test_a_body_is_bounded(start_server: StartServer) -> None:
    control = Control(start_server(FIXTURES, max_body=100))
    assert "more than 100 bytes" in control.refused("POST", "/fixtures", "x" * 101, 413)


def test_other_calls_are_answered_while_many_fixtures_are_read(
    control: Control, running: MockServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, reading, answered = loader.load_runtime_document, threading.Event(), threading.Event()

    def added(written: Document, label: str) -> LoadedFile:
        reading.set()
        assert answered.wait(20)
        return read(written, label)

    monkeypatch.setattr(loader, "load_runtime_document", added)
    many = [{"match": {"user": f"question {number}"}, "response": "x"} for number in range(1000)]
    with ThreadPoolExecutor() as pool:
        posted = pool.submit(control.ask, "POST", "/fixtures?session=many", many, status=201)
        assert reading.wait(20)
        assert said(make_client(running, "many"), "weather") == "Sunny today."
        assert control.ask("GET", "")["counts"]["fixtures"] == 4
        answered.set()
        assert len(posted.result()["fixtures"]) == 1000


# --- explain, reset


def test_explaining_changes_nothing(control: Control, client: Client) -> None:
    body = {"model": "o1-preview", "messages": [{"role": "user", "content": "twice"}]}
    for _ in range(2):
        told = control.ask("POST", "/explain?session=mine", body)
        assert (told["status"], told["fixture"], told["matched"]) == (201, "twice", True)
        assert told["instead_of"] is None
    named = control.ask("POST", "/explain", {"body": body, "headers": {"X-Mock-Fixture": "weather"}})
    assert (named["fixture"], named["instead_of"]) == ("weather", "twice")
    assert named["instead_of_source"].endswith("fixtures.yaml:5")
    assert [said(client, "twice") for _ in range(2)] == ["first", "second"]
    gone = control.ask("POST", "/explain", {"body": body, "session": "mine"})
    assert (gone["matched"], gone["near_misses"][0]["differences"][0]["field"]) == (False, "times")
    control.ask("POST", "/faults", {"error": 503, "times": 1}, 201)
    assert control.ask("POST", "/explain", body)["reason"] == "the fault rule shared-fault-1"
    assert control.requests("?session=key-none") == []


def test_an_explanation_says_what_an_sdk_makes_of_it_where_one_can_be_used(control: Control) -> None:
    def openai(headers: dict[str, str], vendor: str = "aimlapi", stream: bool = False) -> Any:
        body = {"model": "m", "messages": [{"role": "user", "content": "twice"}], "stream": stream}
        told = control.ask("POST", "/explain", {"vendor": vendor, "headers": headers, "body": body})
        return told["openai"] and (told["fault"], *list(told["openai"].values())[:4])

    assert openai({}) == (None, None, 1, None, "no error")
    assert openai({"X-Mock-Error": "429"}) == (None, "RateLimitError", 3, None, "RateLimitError, 3 attempts")
    told = openai({"X-Mock-Fault": "reset@1"}, stream=True)
    assert told[:4] == ("reset@1", "APIConnectionError", 1, 1)
    assert told[4] == "APIConnectionError, after 1 chunk; SDK 2 and 1: ReadError, after 1 chunk"
    assert openai({}, "segmind") is None


def test_a_reset_goes_back_to_the_files(
    control: Control, running: MockServer, make_client: MakeClient
) -> None:
    one, two = make_client(running, "one"), make_client(running, "two")

    def mess() -> None:
        control.ask("POST", "/reset")
        for where in ("", "?session=one", "?session=two"):
            control.ask(
                "POST", f"/fixtures{where}", {"match": {"user": "q"}, "response": where or "shared"}, 201
            )
            control.ask("POST", f"/faults{where}", {"match": {"user": "broken"}, "error": 500}, 201)
        for client in (one, two):
            assert said(client, "twice") == "first"

    mess()
    control.ask("POST", "/reset?session=one")
    assert [said(client, "q") for client in (one, two)] == ["shared", "?session=two"]
    assert [said(client, "twice") for client in (one, two)] == ["first", "second"]
    assert {entry["session"] for entry in control.requests()} == {"one", "two"}
    mess()
    assert control.ask("POST", "/reset?what=counters,requests") == {
        "reset": ["counters", "requests"],
        "session": None,
    }
    assert control.requests() == []
    assert [said(client, "twice") for client in (one, two)] == ["first", "first"]
    assert said(one, "q") == "?session=one"
    control.ask("POST", "/reset?what=fixtures")
    assert len(control.ask("GET", "/fixtures")["fixtures"]) == 4
    assert said(one, "broken") == "500"
    control.ask("POST", "/reset?what=faults")
    assert control.ask("GET", "/faults") == {"faults": []}
