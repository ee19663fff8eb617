"""Parallel sessions on one server do not hear, see or count each other, and the oldest make room for new ones."""

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
from tests.sessions.remote_store import Elsewhere, served

NAMES = [f"test-{number}" for number in range(300)]
SAID = ["mine", "broken", "sequence", "sequence", "broken", "mine", "broken", "sequence", "sequence"]
FIXTURES = """
fixtures:
- {name: sequence, match: {user: sequence}, responses: [first, second, third], then: cycle}
- {match: {}, response: nobody's}
faults:
- {match: {user: sometimes}, error: 500, probability: 50%}
"""


@pytest.fixture(scope="module")
def running(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES, seed=1)


class Test:
    """One test of many: a connection and a session of its own, and what it hears."""

    __test__ = False

    def __init__(self, url: str, name: str) -> None:
        self.host, self.port = url.removeprefix("http://").split(":")
        self.name = name
        self.heard: list[str] = []

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        text = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer shared\r\n"
        kind = f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        self.writer.write(f"{head}{kind}".encode() + text)
        told = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: ([0-9]+)", told)
        assert length is not None
        return int(told[9:12]), json.loads(await self.reader.readexactly(int(length[1])))

    async def steer(self, path: str, body: Any) -> None:
        status, told = await self.post(f"/_mock{path}?session={self.name}", body)
        assert status < 300, told

    async def ask(self, said: str) -> None:
        body = {"model": "o1-preview", "messages": [{"role": "user", "content": said}]}
        status, told = await self.post(f"/s/{self.name}/aimlapi/v1/chat/completions", body)
        self.heard.append(told["choices"][0]["message"]["content"] if status < 400 else "error")

    async def run(self) -> list[str]:
        self.reader, self.writer = await asyncio.open_connection(self.host, int(self.port))
        await self.steer(
            "/fixtures", {"name": "mine", "match": {"user": "mine"}, "response": f"I am {self.name}."}
        )
        await self.steer("/faults", {"match": {"user": "broken"}, "error": 503, "times": 2})
        for said in SAID:
            await self.ask(said)
        for _ in range(8):
            await self.ask("sometimes")
        await self.steer("/verify", {"match": {"user": {"regex": "^broken$"}}, "count": 3})
        await self.steer("/verify", {"match": {}, "count": 17})
        self.writer.close()
        return self.heard


def everybody(url: str, names: list[str]) -> list[list[str]]:
    async def run() -> list[list[str]]:
        return await asyncio.gather(*(Test(url, name).run() for name in names))

    return asyncio.run(run())


@pytest.fixture(scope="module", params=[60, pytest.param(300, marks=pytest.mark.slow)])
def names(request: pytest.FixtureRequest) -> list[str]:
    return NAMES[: request.param]


@pytest.fixture(scope="module")
def heard(start_server: StartServer, names: list[str]) -> list[list[str]]:
    """What each of many heard, all at once."""
    return everybody(start_server(FIXTURES, seed=1).url, names)


@pytest.fixture(scope="module")
def few(start_server: StartServer) -> list[list[str]]:
    """What the first of them hear where nobody else is."""
    return everybody(start_server(FIXTURES, seed=1).url, NAMES[:3])


def test_many_sessions_at_once_do_not_hear_each_other(names: list[str], heard: list[list[str]]) -> None:
    for name, mine in zip(names, heard, strict=True):
        said = f"I am {name}."
        assert mine[:9] == [*(said, "error", "first", "second", "error", said, "nobody's", "third", "first")]
    chances = Counter("".join(map(str, mine[9:])) for mine in heard)
    assert len(chances) > len(names) // 3  # each has a chance of its own


def test_a_session_hears_the_same_whoever_else_is_about(heard: list[list[str]], few: list[list[str]]) -> None:
    assert few == heard[:3]


def test_they_hear_the_same_where_what_is_remembered_is_kept_elsewhere(
    tmp_path: Path, names: list[str], heard: list[list[str]]
) -> None:
    file = tmp_path / "fixtures.yaml"
    file.write_text(FIXTURES)
    [again] = [everybody(url, names) for url in served(Elsewhere(), file)]
    assert again == heard


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


def test_the_journal_is_as_large_as_it_is_told(start_server: StartServer) -> None:
    server = start_server(FIXTURES, journal_size=2)
    for _ in range(3):
        httpx2.post(f"{server.url}/aimlapi/v1/chat/completions")
    told = json.loads(httpx2.get(f"{server.url}/_mock/requests").text)
    assert (len(told["requests"]), told["dropped"]) == (2, 1)


def test_a_token_guards_the_control_api_and_nothing_else(start_server: StartServer) -> None:
    server = start_server(FIXTURES, admin_token="t0ken")  # noqa: S106
    assert httpx2.get(f"{server.url}/_mock").status_code == 401
    assert httpx2.get(f"{server.url}/_mock", headers={"Authorization": "Bearer t0ken"}).status_code == 200
    assert httpx2.get(f"{server.url}/healthz").status_code == 200
    assert "access-control-allow-origin" not in httpx2.get(f"{server.url}/_mock").headers
