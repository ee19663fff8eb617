"""Parallel sessions on one server do not hear, see or count each other, and the oldest make room for new ones."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import httpx2
import pytest

from mockserver.testing import MockServer
from tests.conftest import Start

NAMES = [f"test-{number}" for number in range(300)]
FIXTURES = """
fixtures:
- {name: sequence, match: {user: sequence}, responses: [first, second, third], then: cycle}
- {match: {}, response: nobody's}
faults:
- {match: {user: sometimes}, error: 500, probability: 50%}
"""


@pytest.fixture(scope="module")
def running(start: Start) -> MockServer:
    return start(FIXTURES, seed=1)


class Test:
    """One test of many: a session of its own, and what it hears."""

    __test__ = False

    def __init__(self, client: httpx2.AsyncClient, name: str) -> None:
        self.client = client
        self.name = name
        self.heard: list[str] = []

    async def steer(self, path: str, body: Any) -> Any:
        response = await self.client.post(f"/_mock{path}?session={self.name}", json=body)
        assert response.status_code < 300, response.text
        return response.json()

    async def ask(self, said: str) -> None:
        body = {"model": "o1-preview", "messages": [{"role": "user", "content": said}]}
        response = await self.client.post(
            f"/s/{self.name}/aimlapi/v1/chat/completions",
            json=body,
            headers={"Authorization": "Bearer shared"},
        )
        told = response.json()
        self.heard.append(told["choices"][0]["message"]["content"] if response.status_code < 400 else "error")

    async def run(self) -> list[str]:
        await self.steer(
            "/fixtures", {"name": "mine", "match": {"user": "mine"}, "response": f"I am {self.name}."}
        )
        await self.steer("/faults", {"match": {"user": "broken"}, "error": 503, "times": 2})
        for said in (
            "mine",
            "broken",
            "sequence",
            "sequence",
            "broken",
            "mine",
            "broken",
            "sequence",
            "sequence",
        ):
            await self.ask(said)
        for _ in range(8):
            await self.ask("sometimes")
        await self.steer("/verify", {"match": {"user": {"regex": "^broken$"}}, "count": 3})
        await self.steer("/verify", {"match": {}, "count": 17})
        return self.heard


def everybody(server: MockServer, names: list[str]) -> list[list[str]]:
    async def run() -> list[list[str]]:
        limits = httpx2.Limits(max_connections=60)
        async with httpx2.AsyncClient(base_url=server.url, limits=limits, timeout=60) as client:
            return await asyncio.gather(*(Test(client, name).run() for name in names))

    return asyncio.run(run())


@pytest.fixture(scope="module")
def heard(running: MockServer) -> list[list[str]]:
    """What each of many heard, all at once."""
    return everybody(running, NAMES)


@pytest.fixture(scope="module")
def few(start: Start) -> list[list[str]]:
    """What the first of them hear where nobody else is."""
    return everybody(start(FIXTURES, seed=1), NAMES[:3])


def test_three_hundred_sessions_at_once_do_not_hear_each_other(heard: list[list[str]]) -> None:
    for name, mine in zip(NAMES, heard, strict=True):
        said = f"I am {name}."
        assert mine[:9] == [*(said, "error", "first", "second", "error", said, "nobody's", "third", "first")]
    chances = Counter("".join(map(str, mine[9:])) for mine in heard)
    assert len(chances) > 100  # each has a chance of its own


def test_a_session_hears_the_same_whoever_else_is_about(heard: list[list[str]], few: list[list[str]]) -> None:
    assert few == heard[:3]


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


def test_the_journal_is_as_large_as_it_is_told(start: Start) -> None:
    server = start(FIXTURES, journal_size=2)
    for _ in range(3):
        httpx2.post(f"{server.url}/aimlapi/v1/chat/completions")
    told = json.loads(httpx2.get(f"{server.url}/_mock/requests").text)
    assert (len(told["requests"]), told["dropped"]) == (2, 1)


def test_a_token_guards_the_control_api_and_nothing_else(start: Start) -> None:
    server = start(FIXTURES, admin_token="t0ken")  # noqa: S106
    assert httpx2.get(f"{server.url}/_mock").status_code == 401
    assert httpx2.get(f"{server.url}/_mock", headers={"Authorization": "Bearer t0ken"}).status_code == 200
    assert httpx2.get(f"{server.url}/healthz").status_code == 200
    assert "access-control-allow-origin" not in httpx2.get(f"{server.url}/_mock").headers
