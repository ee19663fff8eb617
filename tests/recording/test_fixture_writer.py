"""Fixtures written from requests: a recorded run replays to its end, and every answer is the same again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockserver.recording.fixture_writer import FixtureWriter, NoFixtureError
from mockserver.schema.yaml_document import parse_yaml
from mockserver.sessions.journal import Arrival, JournalEntry
from mockserver.testing import MockServer
from tests.admin.test_admin_api import Control
from tests.conftest import Client, Json, MakeClient, Reply, StartServer
from tests.request_fixtures import ReadRequest

TOOLS: list[Json] = [
    {"type": "function", "function": {"name": name, "parameters": {}}} for name in ("get_weather", "save")
]
QUESTION = "Compare the weather in Paris and Rome."
RUN = """
fixtures:
- match: {tool_result: save}
  response: It is saved.
- match: {tool_result: get_weather}
  responses:
  - {tool_calls: [{name: get_weather, arguments: {city: Rome}}]}
  - {tool_calls: [{name: get_weather, arguments: {city: Rome}}]}
  - {tool_calls: [{name: save, arguments: {}}, {name: save, arguments: {to: disk}}]}
- match: {user: weather}
  response: {tool_calls: [{name: get_weather, arguments: {city: Paris}}]}
"""


def run_agent(client: Client, results: list[str], *, stream: bool = False, system: str = "") -> list[str]:
    """Run an agent's loop until the model answers with a text; return what the model said in each step."""
    messages: list[Json] = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": QUESTION})
    steps: list[str] = []
    for result in [*results, "end", "end", "end"]:
        message = read_message(client.chat(model="gpt-4o", content=messages, tools=TOOLS, stream=stream))
        calls = message.get("tool_calls") or []
        steps.append(message.get("content") or ", ".join(call["function"]["arguments"] for call in calls))
        if not calls:
            return steps
        messages.append(message)
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": result} for call in calls]
    return [*steps, "..."]


def read_message(reply: Reply) -> Json:
    if not reply.events:
        message: Json = reply.json["choices"][0]["message"]
        return message
    merged: Json = {"role": "assistant", "content": "", "tool_calls": []}
    for delta in (chunk["choices"][0]["delta"] for chunk in reply.chunks if chunk["choices"]):
        merged["content"] += delta.get("content") or ""
        for call in delta.get("tool_calls") or ():
            if call["index"] == len(merged["tool_calls"]):
                merged["tool_calls"].append(
                    {"id": call["id"], "type": "function", "function": {"name": "", "arguments": ""}}
                )
            function = merged["tool_calls"][call["index"]]["function"]
            for name, text in call["function"].items():
                function[name] += text
    return merged if merged["tool_calls"] else {"content": merged["content"]}


def write_fixtures(control: Control, session: str) -> list[Any]:
    """Return the fixtures of all requests of a session, in the order of arrival."""
    written = []
    for entry in reversed(control.requests(f"?session={session}")):
        status, _, text = control.send("POST", f"/requests/{entry['id']}/fixture")
        assert status == 200, text
        written += parse_yaml(text.decode(), "f.yaml").value["fixtures"]  # type: ignore[index]
    return written


@pytest.mark.parametrize(
    ("results", "stream"),
    [
        (["21 degrees", "24 degrees", "25 degrees", "done"], False),
        (["21 degrees", "21 degrees", "21 degrees", "done"], True),  # only the number of messages differs
    ],
)
def test_an_agents_run_replays_to_its_end(
    start_server: StartServer, make_client: MakeClient, results: list[str], stream: bool
) -> None:
    recording = start_server(RUN)
    client = make_client(recording)
    steps = run_agent(client, results, stream=stream)
    assert steps == [
        '{"city":"Paris"}',
        '{"city":"Rome"}',
        '{"city":"Rome"}',
        '{}, {"to":"disk"}',
        "It is saved.",
    ]
    written = write_fixtures(Control(recording), client.session)
    replaying = start_server(json.dumps({"fixtures": written}), strict=True)
    for _ in range(2):
        assert run_agent(make_client(replaying), results, stream=stream) == steps
    assert run_agent(make_client(replaying), results, stream=not stream) == steps


FIXTURES = """
fixtures:
- {name: slow, match: {user: slow down}, response: {error: 429, message: Slow down., code: fast, retry_after: 10ms}}
- {name: limited, match: {user: limited}, response: {error: 429, retry_after: 2s}}
- {name: broke, match: {user: broke}, response: insufficient_credits}
- {name: gateway, match: {user: gateway}, response: 522}
- {name: raw error, match: {user: raw error}, response: {raw: {status: 418, headers: {x-tea: green}, body: "{}"}}}
- name: raw
  match: {user: raw}
  response: {raw: {body: '{"choices": [{"message": {"content": "Hi", "x": 1}}], "mine": true}'}}
- name: raw stream
  match: {user: events}
  response: {raw: {sse: ['data: {"choices": []}', "", "data: [DONE]", ""]}}
- {name: extra, match: {user: extra}, response: {text: Fine., status: 203, headers: {x-region: eu}}}
- {name: cut, match: {user: cut}, response: {text: One two three., fault: truncated}}
- {name: any, match: {}, response: Hi.}
"""


@pytest.fixture(scope="module")
def serving(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


def write_last(server: MockServer, client: Client) -> Any:
    return write_fixtures(Control(server), client.session)[-1]


@pytest.mark.parametrize(
    ("user", "vendor", "response"),
    [
        (
            "slow down",
            "omixa",
            {"error": 429, "message": "Slow down.", "code": "fast", "retry_after": "10ms"},
        ),
        ("slow down", "segmind", {"error": 429, "message": "Slow down.", "retry_after": "10ms"}),
        ("limited", "aimlapi", {"error": 429, "retry_after": "2s"}),
        ("gateway", "aimlapi", {"error": 522}),
        ("raw error", "aimlapi", {"raw": {"status": 418, "body": "{}"}}),
        ("raw", "aimlapi", {"raw": {"status": 200}}),
        ("events", "aimlapi", {"raw": {"sse": ['data: {"choices": []}', "", "data: [DONE]", ""]}}),
        ("extra", "aimlapi", {"text": "Fine.", "status": 203, "headers": {"x-region": "eu"}}),
        ("cut", "aimlapi", {"text": "One two three.", "fault": "truncated"}),
    ],
)
def test_an_answer_is_written_as_it_was(
    serving: MockServer, make_client: MakeClient, user: str, vendor: str, response: Json
) -> None:
    client = make_client(serving)
    first = send_raw(client, vendor, user)
    fixture = write_last(serving, client)
    raw = fixture["response"].get("raw", {})
    assert fixture["response"].keys() == response.keys()
    assert {name: raw[name] for name in response.get("raw", {})} == response.get("raw", {})
    assert [fixture["response"][name] for name in response if name != "raw"] == [
        value for name, value in response.items() if name != "raw"
    ]
    Control(serving).ask("POST", f"/fixtures?session={client.session}", fixture, 201)
    again = send_raw(client, vendor, user)
    assert again[0] == first[0]
    assert again[1] == fixture["name"]
    assert strip_ids(again[2]) == strip_ids(first[2])


def send_raw(client: Client, vendor: str, user: str) -> tuple[int, str | None, bytes]:
    """Return status, fixture and body, also of a body that is cut short."""
    response = client.send(vendor, user)
    try:
        body = response.read()
    except Exception as error:  # noqa: BLE001 http.client.IncompleteRead has the part that arrived
        body = getattr(error, "partial", b"")
        client.connection.close()
    return response.status, response.headers["x-mock-fixture"], body


def strip_ids(body: bytes) -> Any:
    try:
        value = json.loads(body)
    except ValueError:
        return len(body)
    volatile = ("id", "created", "requestId", "request_id", "timestamp")
    return {name: part for name, part in value.items() if name not in volatile}


def test_an_error_of_a_kind_keeps_its_kind(serving: MockServer, make_client: MakeClient) -> None:
    client = make_client(serving)
    client.chat(content="broke")
    assert write_last(serving, client)["response"] in ({"error": 403}, {"error": "insufficient_credits"})


def test_a_refusal_is_written_with_its_message(serving: MockServer, make_client: MakeClient) -> None:
    client = make_client(serving)
    refused = client.chat("omixa", content="any", temperature="hot")
    response = write_last(serving, client)["response"]
    assert response["error"] == refused.status
    assert response["message"] in refused.body.decode()
    assert "temperature" in response["message"]


def test_an_unmatched_request_gets_a_response_to_fill_in(
    start_server: StartServer, make_client: MakeClient
) -> None:
    strict = start_server("fixtures: []", strict=True)
    client = make_client(strict)
    assert client.chat(content="Anyone?").status == 404
    assert write_last(strict, client)["response"] == {"text": "Write the response here."}


OTHERS: list[tuple[Json, Json]] = [
    ({}, {}),
    ({"content": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Q"}]},
     {"system": {"equals": "Be brief."}}),
    ({"content": [{"role": "user", "content": "A"}, {"role": "user", "content": "Q"}]}, {"turn": 2}),
    ({"tools": TOOLS}, {"tool_result": False, "tools": ["get_weather", "save"]}),
    ({"response_format": {"type": "json_object"}}, {"response_format": "json_object"}),
    ({"headers": {"x-stainless-retry-count": "1"}}, {"attempt": 1}),
    ({"temperature": 0.2}, {"body": {"temperature": 0.2}}),
    ({"stream": True}, {"stream": True}),
]  # fmt: skip


@pytest.mark.parametrize("number", range(1, len(OTHERS)))
def test_a_request_is_distinguished_by_what_is_different(
    serving: MockServer, make_client: MakeClient, number: int
) -> None:
    client = make_client(serving)
    sent, distinguishing = OTHERS[number]
    changed: Any = {"content": "Q"} | sent
    client.chat(content="Q")
    client.chat(**changed)
    first, second = write_fixtures(Control(serving), client.session)
    base = {"vendor": "aimlapi", "model": "o1-preview", "user": {"equals": "Q"}}
    assert {name: value for name, value in second["match"].items() if name not in base} == distinguishing
    assert len(first["match"]) == 4  # one condition more


def test_an_image_and_missing_parts_are_distinguished(serving: MockServer, make_client: MakeClient) -> None:
    client = make_client(serving)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    client.chat(content=[{"role": "user", "content": [{"type": "text", "text": ""}, image]}])
    client.chat(content=[{"role": "system", "content": "Only a system message."}])
    client.chat(content=[{"role": "assistant", "content": "Nothing else."}])
    matches = [fixture["match"] for fixture in write_fixtures(Control(serving), client.session)]
    assert [{name: one[name] for name in one if name not in ("vendor", "model")} for one in matches] == [
        {"user": {"equals": ""}, "image": True},
        {"system": {"equals": "Only a system message."}},
        {"user": {"exists": False}, "system": {"exists": False}},
    ]


def test_equal_requests_and_secrets_are_no_difference(serving: MockServer, make_client: MakeClient) -> None:
    client = make_client(serving)
    for user in ("a", "a", "b"):
        client.chat(
            content="Q",
            headers={"Authorization": "Bearer sk-very-secret-key"},
            user="sk-very-secret-key" if user == "b" else user,
        )
    for fixture in write_fixtures(Control(serving), client.session):
        assert "secret" not in str(fixture)


def test_a_request_without_a_decision_has_no_fixture(read_request: ReadRequest) -> None:
    request = read_request()
    with pytest.raises(NoFixtureError, match="not decided yet"):
        FixtureWriter(JournalEntry(Arrival("req-1", request.routed_head.head, "s", request)))


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [("GET", "/nothing", "no vendor has this path"), ("GET", "/aimlapi/v1/models", "not for a completion")],
)
def test_other_requests_have_no_fixture(
    serving: MockServer, make_client: MakeClient, method: str, path: str, reason: str
) -> None:
    client = make_client(serving)
    client.connection.request(method, path, headers={"X-Mock-Session": client.session})
    client.connection.getresponse().read()
    control = Control(serving)
    [entry] = control.requests(f"?session={client.session}")
    status, _, text = control.send("POST", f"/requests/{entry['id']}/fixture")
    assert (status, reason in text.decode()) == (409, True)
