"""What ends in one turn of the event loop is logged in one write, in its order; nothing is left unsaid."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from mockserver.request.request_head import RequestHead
from mockserver.server.access_log import ENTRY_FORMATTERS, AccessLog
from mockserver.sessions.journal import Arrival, Decision, JournalEntry, generate_request_id
from mockserver.testing import MockServer
from mockserver.wire.answer import Answer
from mockserver.wire.playback import Delivery
from tests.conftest import Client, MakeClient, StartServer


def entry(path: str) -> JournalEntry:
    return JournalEntry(Arrival(generate_request_id(), RequestHead("GET", path, "", None, {}), "s"))


def test_what_ends_together_is_said_together() -> None:
    said: list[str] = []
    log = AccessLog("text", said.append)

    async def ended() -> None:
        log(entry("/a"))
        log(entry("/b"))
        await asyncio.sleep(0)
        log(entry("/c"))

    asyncio.run(ended())
    first, second = said[0].splitlines()
    assert ("GET /a" in first, "GET /b" in second) == (True, True)
    log.flush()
    assert "GET /c" in said[1]
    log.flush()
    assert len(said) == 2


@pytest.mark.parametrize(
    ("seconds", "spelled"), [(0.00034, "0.3ms"), (0.00036, "0.4ms"), (0.0129, "13ms"), (0.9999, "1s")]
)
def test_a_time_is_rounded(seconds: float, spelled: str) -> None:
    said: list[str] = []
    one = entry("/a")
    one.delivery = Delivery(200, seconds, 1.5, 0, (), "left")

    async def ended() -> None:
        AccessLog("text", said.append)(one)
        await asyncio.sleep(0)

    asyncio.run(ended())
    assert f"first {spelled}  total 1.5s  left  " in said[0]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_control_characters_are_escaped(log_format: str) -> None:
    written: list[str] = []
    log = AccessLog(log_format, written.append)

    async def finish() -> None:
        forged = entry("/a\nforged\x1b[2J\x9b\u2028")
        forged.decision = Decision(Answer(404, ()), reason="a\x85b\rc")
        log(forged)
        await asyncio.sleep(0)

    asyncio.run(finish())
    (text,) = written
    assert re.findall(r"[^ -~\n]", text) == []
    assert text.count("\n") == (1 if log_format == "text" else 0)  # the reason has its own line
    if log_format == "json":
        record = json.loads(text)
        assert (record["path"], record["reason"]) == ("/a\nforged\x1b[2J\x9b\u2028", "a\x85b\rc")


# --- the source of each answer, and the reason of each 4xx

FIXTURES = """
fixtures:
- {name: weather, match: {user: weather}, response: Sunny.}
- {name: time, match: {user: What time, turn: 1}, response: Noon.}
- {name: broke, match: {user: I am broke}, response: 402}
"""


@pytest.fixture(scope="module")
def serving(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


def format_last(client: Client, log_format: str = "text") -> str:
    [entry] = client.wait_for_entries(1)
    return ENTRY_FORMATTERS[log_format](entry)


def test_a_generated_reply_names_the_nearest_fixture(serving: MockServer, make_client: MakeClient) -> None:
    client = make_client(serving)
    assert client.chat(content="How is the wether?").status == 201
    assert "  201  generated (nearest: weather)  first " in format_last(client)
    record = json.loads(format_last(client, "json"))
    assert (record["generated"], record["nearest"], record["fixture"]) == (True, "weather", None)


def test_a_generated_reply_beside_the_shipped_fixtures_names_none(client: Client) -> None:
    client.chat(content="How is the wether?")
    assert "  201  generated  first " in format_last(client)


@pytest.mark.parametrize(
    ("content", "headers", "status", "reason"),
    [
        ("Hi", {"Authorization": ""}, 401, "found no API key, expected the header authorization"),
        ("Hi", {"Authorization": "Bearer sk-mock-402"}, 402, "requested by the API key"),
        ("Hi", {"X-Mock-Error": "429"}, 429, "requested by the header x-mock-error"),
        ("I am broke", {"Content-Type": "text/plain"}, 400, "Content-Type: expected application/json"),
    ],
)
def test_a_4xx_has_its_path_and_reason(
    serving: MockServer,
    make_client: MakeClient,
    content: str,
    headers: dict[str, str],
    status: int,
    reason: str,
) -> None:
    client = make_client(serving)
    assert client.chat(content=content, headers=headers).status == status
    line, explained = format_last(client).splitlines()
    assert f"o1-preview  POST /v1/chat/completions  json  {status}  " in line
    assert explained.strip().startswith(reason)


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("POST", "/aimlapi/v1/v1/chat/completions", 404, "AI/ML API has no such path, expected /v1/chat"),
        ("GET", "/aimlapi/v1/chat/completions", 404, "found GET, expected POST"),
        ("GET", "/nothing/here", 404, "no vendor has this path"),
    ],
)
def test_a_wrong_path_has_its_path_and_reason(
    serving: MockServer, make_client: MakeClient, method: str, path: str, status: int, reason: str
) -> None:
    client = make_client(serving)
    client.connection.request(
        method,
        path,
        "{}",
        {"X-Mock-Session": client.session, "Authorization": "Bearer k", "Content-Type": "application/json"},
    )
    assert client.connection.getresponse().status == status
    line, explained = format_last(client).splitlines()
    assert f"  {method} {path.removeprefix('/aimlapi')}  json  {status}  -  first" in line
    assert explained.strip().startswith(reason)
