"""Secrets planted in requests, of which nothing that the server shows or logs may contain one."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from mockserver.server.access_log import ENTRY_FORMATTERS
from mockserver.testing import MockServer
from tests.conftest import StartServer, wait_for_entries

CANARIES = {
    name: f"canary-{name}-8f3a1c"
    for name in (
        *(
            "bearer",
            "apikey",
            "cookie1",
            "cookie2",
            "token",
            "password",
            "pwd",
            "credential",
            "jwt",
            "signature",
        ),
        *("session", "basic", "query"),
    )
}
ODD_SCHEME = "canary-odd-7d21 with a blank"
HEADERS = {
    "Authorization": f"Bearer {CANARIES['bearer']}",
    "X-Api-Key": CANARIES["apikey"],
    "Cookie": f"sid={CANARIES['cookie1']}; theme={CANARIES['cookie2']}",
    "X-Auth-Token": CANARIES["token"],
    "X-Password": f"Bearer {CANARIES['password']}",
    "X-Db-Pwd": CANARIES["pwd"],
    "X-Credentials": CANARIES["credential"],
    "X-Jwt": CANARIES["jwt"],
    "X-Signature": CANARIES["signature"],
    "X-Session-Id": CANARIES["session"],
    "Proxy-Authorization": f"Basic {CANARIES['basic']}",
}
FIXTURES = f"""
fixtures:
- name: quoting
  match: {{user: quote}}
  response:
    error: 401
    message: "Incorrect API key provided: {CANARIES["bearer"]}; cookie {CANARIES["cookie2"]}"
- name: echo
  match: {{user: echo}}
  response: {{raw: {{status: 200, headers: {{set-cookie: "sid={CANARIES["cookie1"]}"}}, body: "{CANARIES["token"]}"}}}}
- name: stream
  match: {{user: stream}}
  response: {{chunks: ["you sent ", "{CANARIES["apikey"]}"]}}
- name: guarded
  match:
    user: never
    key: {CANARIES["bearer"]}
    header: {{x-jwt: {CANARIES["jwt"]}, x-password: {{contains: {CANARIES["password"]}}}}}
  response: ok
accounts: [{{key: {CANARIES["bearer"]}, balance: $5}}]
"""


@pytest.fixture(scope="module")
def running(start_server: StartServer) -> MockServer:
    """A server that has received the canaries in every way."""
    server = start_server(FIXTURES)
    texts = (
        "quote",
        "echo",
        "stream",
        *(f"my key is {CANARIES['bearer']}, {CANARIES['pwd']}" for _ in range(2)),
    )
    for text in texts:
        send_chat(server, text, HEADERS, stream=text == "stream")
    send_chat(server, "hello", {"Authorization": ODD_SCHEME})
    send_chat(
        server, "fault", {"Authorization": f"Bearer {CANARIES['bearer']}", "X-Mock-Error": CANARIES["bearer"]}
    )
    wait_for_entries(server, "canaries", len(texts) + 2)
    return server


def send_chat(server: MockServer, text: str, headers: dict[str, str], *, stream: bool = False) -> None:
    connection = connect(server)
    body = {"model": "o1-preview", "stream": stream, "messages": [{"role": "user", "content": text}]}
    path = f"/s/canaries/aimlapi/v1/chat/completions?api_key={CANARIES['query']}&x=1"
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **headers})
    connection.getresponse().read()
    connection.close()


def connect(server: MockServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)


def ask(server: MockServer, method: str, path: str, body: Any = None) -> str:
    connection = connect(server)
    connection.request(method, path, None if body is None else json.dumps(body))
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def request_ids(server: MockServer) -> list[str]:
    return [
        one["id"] for one in json.loads(ask(server, "GET", "/_mock/requests?session=canaries"))["requests"]
    ]


def read_details(server: MockServer) -> str:
    return "".join(ask(server, "GET", f"/_mock/requests/{one}") for one in request_ids(server))


def read_exports(server: MockServer) -> str:
    return "".join(ask(server, "POST", f"/_mock/requests/{one}/fixture") for one in request_ids(server))


def read_replays(server: MockServer) -> str:
    return "".join(ask(server, "POST", f"/_mock/requests/{one}/replay") for one in request_ids(server))


def read_log(server: MockServer) -> str:
    return "".join(format_entry(one) for format_entry in ENTRY_FORMATTERS.values() for one in server.entries)


def read_explanations(server: MockServer) -> str:
    texts = ("quote", "echo", f"my key is {CANARIES['bearer']}")
    bodies = [{"model": "o1-preview", "messages": [{"role": "user", "content": text}]} for text in texts]
    return "".join(ask(server, "POST", "/_mock/explain", {"body": one, "headers": HEADERS}) for one in bodies)


def read_verification(server: MockServer) -> str:
    match = {"user": "nothing like it", "header": {"x-jwt": "other"}, "key": "sk-other-key"}
    return ask(server, "POST", "/_mock/verify?session=canaries", {"match": match, "count": 9})


def read_feed(server: MockServer) -> str:
    connection = connect(server)
    connection.request("GET", "/_mock/events?session=canaries")
    response = connection.getresponse()
    received = response.read1().decode()
    thread = threading.Thread(target=send_chat, args=(server, f"quote {CANARIES['bearer']}", HEADERS))
    thread.start()
    while '"moment":"ended"' not in received:
        received += response.read1().decode()
    thread.join()
    connection.close()
    return received


def read_errors(server: MockServer) -> str:
    key = CANARIES["bearer"]
    return "".join(
        ask(server, method, path, body)
        for method, path, body in (
            ("PATCH", f"/_mock/accounts/{key}", None),
            ("DELETE", f"/_mock/accounts/{CANARIES['pwd']}", None),
            ("PUT", f"/_mock/accounts/{key}", {"balance": "nonsense"}),
            ("POST", "/_mock/fixtures", {"accounts": [{"key": key}, {"key": key}]}),
        )
    )


def lists(*paths: str) -> Callable[[MockServer], str]:
    def read(server: MockServer) -> str:
        return "".join(ask(server, "GET", path) for path in paths)

    return read


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lists("/_mock/requests"), id="journal"),
        pytest.param(read_details, id="details, near misses and curl"),
        pytest.param(read_exports, id="exports"),
        pytest.param(read_replays, id="replays"),
        pytest.param(read_log, id="log"),
        pytest.param(read_feed, id="feed"),
        pytest.param(read_explanations, id="explain"),
        pytest.param(read_verification, id="verify"),
        pytest.param(read_errors, id="errors"),
        pytest.param(lists("/metrics"), id="metrics"),
        pytest.param(lists("/_mock", "/_mock/accounts", "/_mock/faults", "/_mock/openapi.json"), id="lists"),
    ],
)
def test_no_canary_is_shown(running: MockServer, read: Callable[[MockServer], str]) -> None:
    shown = read(running)
    assert len(shown) > 100
    assert [name for name, secret in CANARIES.items() if secret in shown] == []
    assert "canary-odd" not in shown


def test_fixtures_show_no_key_in_matches_and_headers(running: MockServer) -> None:
    shown = json.loads(ask(running, "GET", "/_mock/fixtures"))["fixtures"]
    by_name = {one["name"]: json.dumps(one["definition"]) for one in shown}
    assert [name for name in ("bearer", "jwt", "password") if CANARIES[name] in by_name["guarded"]] == []
    assert CANARIES["cookie1"] not in by_name["echo"]


def test_what_is_not_secret_stays_readable(running: MockServer) -> None:
    detail = json.loads(ask(running, "GET", f"/_mock/requests/{request_ids(running)[-1]}"))
    assert detail["request"]["headers"]["authorization"].startswith("Bearer can… (key-")
    assert detail["request"]["headers"]["x-password"].startswith("Bea… (key-")
    assert detail["request"]["body"]["model"] == "o1-preview"
    assert "&x=1'" in detail["curl"]
    assert "-H 'x-mock-session: canaries'" in detail["curl"]
