"""Tests of parallel sessions on one server: isolation, names, bounds."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mockserver.testing import MockServer
from tests.conftest import StartServer
from tests.sessions.remote_store import RemoteStore, served

NAMES = [f"test-{number}" for number in range(300)]
CONTENTS = ["mine", "broken", "sequence", "sequence", "broken", "mine", "broken", "sequence", "sequence"]
FIXTURES = """
fixtures:
- {name: sequence, match: {user: sequence}, responses: [first, second, third], then: cycle}
- {match: {}, response: default}
faults:
- {match: {user: sometimes}, error: 500, probability: 50%}
"""


@pytest.fixture(scope="module")
def running(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES, seed=1)


class Test:
    """One of many parallel tests, with its own connection and session, and the contents it receives."""

    __test__ = False

    def __init__(self, url: str, name: str) -> None:
        self.host, self.port = url.removeprefix("http://").split(":")
        self.name = name
        self.received: list[str] = []

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        text = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer shared\r\n"
        kind = f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        self.writer.write(f"{head}{kind}".encode() + text)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: ([0-9]+)", answer)
        assert length is not None
        return int(answer[9:12]), json.loads(await self.reader.readexactly(int(length[1])))

    async def control(self, path: str, body: Any) -> None:
        status, answer = await self.post(f"/_mock{path}?session={self.name}", body)
        assert status < 300, answer

    async def ask(self, content: str) -> None:
        body = {"model": "o1-preview", "messages": [{"role": "user", "content": content}]}
        status, answer = await self.post(f"/s/{self.name}/aimlapi/v1/chat/completions", body)
        self.received.append(answer["choices"][0]["message"]["content"] if status < 400 else "error")

    async def run(self) -> list[str]:
        self.reader, self.writer = await asyncio.open_connection(self.host, int(self.port))
        await self.control(
            "/fixtures", {"name": "mine", "match": {"user": "mine"}, "response": f"I am {self.name}."}
        )
        await self.control("/faults", {"match": {"user": "broken"}, "error": 503, "times": 2})
        for content in CONTENTS:
            await self.ask(content)
        for _ in range(8):
            await self.ask("sometimes")
        await self.control("/verify", {"match": {"user": {"regex": "^broken$"}}, "count": 3})
        await self.control("/verify", {"match": {}, "count": 17})
        self.writer.close()
        return self.received


def run_all(url: str, names: list[str]) -> list[list[str]]:
    async def run() -> list[list[str]]:
        return await asyncio.gather(*(Test(url, name).run() for name in names))

    return asyncio.run(run())


@pytest.fixture(scope="module", params=[60, pytest.param(300, marks=pytest.mark.slow)])
def names(request: pytest.FixtureRequest) -> list[str]:
    return NAMES[: request.param]


@pytest.fixture(scope="module")
def received(start_server: StartServer, names: list[str]) -> list[list[str]]:
    """Return what each of many parallel sessions received."""
    return run_all(start_server(FIXTURES, seed=1).url, names)


@pytest.fixture(scope="module")
def received_alone(start_server: StartServer) -> list[list[str]]:
    """Return what the first sessions receive on a server of their own."""
    return run_all(start_server(FIXTURES, seed=1).url, NAMES[:3])


def test_parallel_sessions_are_isolated(names: list[str], received: list[list[str]]) -> None:
    for name, mine in zip(names, received, strict=True):
        content = f"I am {name}."
        assert mine[:9] == [
            *(content, "error", "first", "second", "error", content, "default", "third", "first")
        ]
    chances = Counter("".join(map(str, mine[9:])) for mine in received)
    assert len(chances) > len(names) // 3  # each session has its own random sequence


def test_a_session_gets_the_same_answers_beside_other_sessions(
    received: list[list[str]], received_alone: list[list[str]]
) -> None:
    assert received_alone == received[:3]


@pytest.mark.slow
def test_sessions_get_the_same_answers_from_a_remote_store(
    tmp_path: Path, names: list[str], received: list[list[str]]
) -> None:
    file = tmp_path / "fixtures.yaml"
    file.write_text(FIXTURES)
    [again] = [run_all(url, names) for url in served(RemoteStore(), file)]
    assert again == received


def test_a_session_may_be_named_in_three_ways(running: MockServer) -> None:
    body = {"model": "o1-preview", "messages": [{"role": "user", "content": "x"}]}

    def session(prefix: str = "", **headers: str) -> str:
        response = httpx2.post(
            f"{running.url}{prefix}/aimlapi/v1/chat/completions", json=body, headers=headers
        )
        return response.headers["x-mock-session"]

    assert session("/s/path", **{"X-Mock-Session": "header"}) == "path"
    assert session(**{"X-Mock-Session": "header", "Authorization": "Bearer k"}) == "header"
    assert session(Authorization="Bearer k") == "key-8254c329"
    assert session() == "anonymous"


def test_the_journal_keeps_as_many_requests_as_configured(start_server: StartServer) -> None:
    server = start_server(FIXTURES, journal_size=2)
    for _ in range(3):
        httpx2.post(f"{server.url}/aimlapi/v1/chat/completions")
    answer = json.loads(httpx2.get(f"{server.url}/_mock/requests").text)
    assert (len(answer["requests"]), answer["dropped"]) == (2, 1)


def test_a_token_protects_the_admin_api_only(start_server: StartServer) -> None:
    server = start_server(FIXTURES, admin_token="t0ken")  # noqa: S106
    assert httpx2.get(f"{server.url}/_mock").status_code == 401
    assert httpx2.get(f"{server.url}/_mock", headers={"Authorization": "Bearer t0ken"}).status_code == 200
    assert httpx2.get(f"{server.url}/healthz").status_code == 200
    assert "access-control-allow-origin" not in httpx2.get(f"{server.url}/_mock").headers
