"""Replays, and fixtures drafted from requests that give the same response again."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from mockserver.matching.loader import load_fixture_set
from mockserver.schema.yaml_document import parse_yaml
from mockserver.testing import MockServer
from tests.admin.test_admin_api import Control
from tests.conftest import MakeClient, Reply, StartServer, drop_empty, fold_chunks

FIXTURES = """
fixtures:
- {name: same header, match: {user: header}, response: {text: x, headers: {x-a: b}}}
- {name: deaf, match: {user: hang}, response: {text: x, fault: hang}}
- {name: number, match: {user: number}, response: {raw: {body: "1"}}}
- {name: bytes, match: {user: bytes}, response: {raw: {base64: //4=}}}
- {name: nothing, match: {user: nothing}, response: {raw: {body: '{"choices": []}'}}}
- name: bad call
  match: {user: bad call}
  response: {tool_calls: [{name: f, arguments: "{no"}, {name: g, arguments: "[1]"}]}
- {name: unfinished, match: {user: unfinished}, response: {reasoning: "", text: x, finish_reason: ""}}
- name: patched
  match: {user: patched}
  response: {text: x, created: 1, usage: {}, patch: {body: {id: null, choices: []}}}
- {name: soon, match: {user: soon}, response: {error: 429, headers: {retry-after: soon}}}
- {name: alone, match: {user: alone}, response: {reasoning: "Hm."}}
"""


@pytest.fixture(scope="module")
def running(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


SOUND = [one.name for one in load_fixture_set(()).fixtures if one.responses[0].fault is None]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", SOUND)
def test_every_shipped_fixture_can_be_written_down_and_says_the_same(
    server: MockServer, make_client: MakeClient, name: str, stream: bool
) -> None:
    control = Control(server)
    client = make_client()
    where = f"?session={client.session}"
    first = client.chat(content="Say it.", headers={"X-Mock-Fixture": name}, stream=stream)
    [one] = control.requests(where)
    _, _, written = control.send("POST", f"/requests/{one['id']}/fixture")
    control.ask("POST", f"/fixtures{where}", written, 201)
    again = client.chat(content="Say it.", stream=stream)
    assert again.headers["x-mock-fixture"] == one["id"]
    assert (again.status // 100, said(again)) == (first.status // 100, said(first))


def said(reply: Reply) -> Any:
    """Return the content of a reply, without generated ids."""
    if reply.headers["content-type"].startswith("text/event-stream"):
        choices = fold_chunks(reply.chunks)
    elif reply.status >= 400 or not reply.body.startswith(b"{"):
        return reply.status
    else:
        choices = drop_empty(reply.json["choices"])
    for choice in choices:
        for call in choice["message"].get("tool_calls", ()):
            call.pop("id", None)
    return choices


@pytest.mark.parametrize(
    ("user", "response"),
    [
        ("number", {"raw": {"status": 200, "headers": {"content-type": "application/json"}, "body": "1"}}),
        (
            "bytes",
            {
                "raw": {
                    "status": 200,
                    "headers": {"content-type": "application/octet-stream"},
                    "base64": "//4=",
                }
            },
        ),
        ("bad call", {"tool_calls": [{"name": "f", "arguments": "{no"}, {"name": "g", "arguments": "[1]"}]}),
        (
            "nothing",
            {
                "raw": {
                    "status": 200,
                    "headers": {"content-type": "application/json"},
                    "body": '{"choices": []}',
                }
            },
        ),
        ("soon", {"error": 429, "headers": {"retry-after": "soon"}}),
        ("alone", {"reasoning": "Hm.", "text": ""}),
        ("unfinished", {"reasoning": "", "text": "x", "finish_reason": ""}),
    ],
)
def test_what_is_odd_is_written_down_as_it_was(
    running: MockServer, make_client: MakeClient, user: str, response: dict[str, Any]
) -> None:
    control, client = Control(running), make_client(running)
    client.chat("omixa", content=user, show_thinking=True)
    [one] = control.requests(f"?session={client.session}")
    [made] = yaml(control, one["id"])
    assert made["response"] == response


def test_a_patched_answer_is_written_down_byte_for_byte(running: MockServer, make_client: MakeClient) -> None:
    control, client = Control(running), make_client(running)
    reply = client.chat("omixa", content="patched")
    [one] = control.requests(f"?session={client.session}")
    [made] = yaml(control, one["id"])
    assert made["response"]["raw"]["body"].encode() == reply.body
    assert reply.json["choices"] == []


def yaml(control: Control, id: str) -> Any:  # noqa: A002
    text = control.send("POST", f"/requests/{id}/fixture")[2].decode()
    value: Any = parse_yaml(text, "f.yaml").value
    return value["fixtures"]


def test_a_request_without_messages_or_model_is_no_catch_all(
    running: MockServer, make_client: MakeClient
) -> None:
    control, client = Control(running), make_client(running)
    headers = {"X-Mock-Session": client.session}
    client.connection.request("POST", "/aimlapi/v1/chat/completions", "{}", headers)
    client.connection.getresponse().read()
    [one] = control.requests(f"?session={client.session}")
    assert yaml(control, one["id"])[0]["match"] == {
        "vendor": "aimlapi",
        "user": {"exists": False},
    }


def test_the_replay_of_a_request_that_hangs_ends(
    running: MockServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockserver.admin.replay.REPLAY_WAIT_SECONDS", 0.01)
    control, client = Control(running), make_client(running)
    host, _, port = running.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as sock:
        text = '{"model": "o1-preview", "messages": [{"role": "user", "content": "hang"}]}'
        sock.sendall(
            f"POST /s/{client.session}/aimlapi/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer k\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}".encode()
        )
        asked = {"match": {"user": "hang"}, "within": "10s"}
        control.ask("POST", f"/verify?session={client.session}", asked)
        [one] = control.requests(f"?session={client.session}")
        again = control.ask("POST", f"/requests/{one['id']}/replay", status=201)
    assert (again["ended"], again["status"], again["response"]["headers"]) == ("left", 0, {})


def test_the_feed_says_what_happens_and_ends_when_the_server_stops(
    start_server: StartServer, make_client: MakeClient
) -> None:
    running = start_server(FIXTURES)
    control, client = Control(running), make_client(running)
    host, _, port = running.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        sock.sendall(b"GET /_mock/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: x\r\n\r\n")
        heard = b""
        while b": mockserver\n\n" not in heard:
            heard += sock.recv(65536)
        client.chat(content="header")
        control.ask("POST", "/reset?what=faults")
        while b"event: change" not in heard:
            heard += sock.recv(65536)
        stopping = threading.Thread(target=running.stop)
        stopping.start()
        heard += b"".join(iter(lambda: sock.recv(65536), b""))
        stopping.join()
    moments = [f'"moment":"{moment}"'.encode() in heard for moment in ("arrived", "decided", "ended")]
    assert moments == [True] * 3
    assert heard.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("path", ["/_mock/fixtures", "/aimlapi/v1/chat/completions"])
def test_who_leaves_in_the_middle_of_a_body_is_no_error(running: MockServer, path: str) -> None:
    host, _, port = running.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as sock:
        sock.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx".encode())
    assert Control(running).ask("GET", "")["name"] == "mockserver"


def test_the_replay_of_a_long_stream_is_returned_while_it_is_open(
    running: MockServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockserver.admin.replay.REPLAY_WAIT_SECONDS", 0.01)
    control, client = Control(running), make_client(running)
    slow = {"match": {"user": "slow"}, "response": {"chunks": ["a", {"delay": "1h"}, "b"]}}
    control.ask("POST", f"/fixtures?session={client.session}", slow, 201)
    client.send(content="slow", stream=True)
    [one] = control.requests(f"?session={client.session}")
    assert control.ask("POST", f"/requests/{one['id']}/replay", status=201)["ended"] is None
