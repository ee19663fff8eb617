"""The demo's clients send requests until they are stopped: as scripted, whatever the server serves."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import requests
from starlette.applications import Starlette

from mockserver.pipeline import ChatPipeline
from mockserver.server import demo_clients, demo_traffic
from mockserver.server.addresses import bind_socket, format_server_url, get_connect_address
from mockserver.server.app import create_app, create_pipeline, load_vendors
from mockserver.server.demo import DemoRunner
from mockserver.server.demo_clients import CLIENTS, ScriptedCall, ScriptedClient
from mockserver.server.demo_traffic import AttemptResult, ClientRun, parse_response, wait_seconds
from mockserver.server.dispatch import RequestDispatcher
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.settings import Settings
from mockserver.testing import MockServer
from mockserver.wire.playback import Playback
from tests.admin.test_accounts_api import Api

LONGEST_ROUND = 30.0  # seconds; the clocks of the sessions have not run equally far
MOST_ROUNDS = 20
OWN_PLAN = "fixtures: []\nplan: [{at: 1h, error: 503}]"


class Demo:
    """A server whose demo waits by advancing the clock of the session, and only for `last_round` rounds."""

    last_round = 2

    def __init__(self, clients: Sequence[ScriptedClient], settings: Settings) -> None:
        playback = Playback()
        self.pipeline: ChatPipeline = create_pipeline(settings, playback, lambda _: None)
        sock = bind_socket("127.0.0.1", 0)
        self.runner = DemoRunner(self.pipeline, get_connect_address(sock), clients, self.wait)
        app = RequestDispatcher(self.pipeline, Starlette(), lambda: self.runner)
        self.server = BackgroundServer(app, sock, playback)
        self.api = Api(format_server_url(self.server.address))
        self.rounds = threading.Semaphore(0)  # that have ended

    async def wait(self, session: str, seconds: float) -> None:
        if session:
            await self.pipeline.store.advance_clock(session, seconds)
            return
        await self.pipeline.store.advance_clock(None, LONGEST_ROUND)
        self.rounds.release()
        while self.runner.rounds >= self.last_round:  # noqa: ASYNC110 another thread changes it
            await asyncio.sleep(0.01)

    def outcomes(self, session: str) -> list[tuple[str, int]]:
        """Return the last user message and the status of each request."""
        listed = self.api.ask("GET", f"/requests?session={session}&limit=500")["requests"]
        return [(one["user"], one["status"]) for one in listed]


@contextmanager
def running(
    clients: Sequence[ScriptedClient], fixtures: str = "fixtures: []", **settings: Any
) -> Iterator[Demo]:
    demo = Demo(clients, Settings(strict=True, fixtures_yaml=fixtures, reload=False, **settings))
    demo.server.start()
    try:
        yield demo
    finally:
        demo.server.stop()


def quick(client: ScriptedClient) -> ScriptedClient:
    """Return a client whose server answers at once."""
    calls = (
        replace(
            call,
            responses_yaml=re.sub(
                r"(tps: )\d+", r"\g<1>2000", re.sub(r"((?:delay|ttft): )\d+", r"\g<1>1", call.responses_yaml)
            ),
        )
        for call in client.calls
    )
    return replace(client, calls=tuple(calls))


RULES = {
    "demo-good": set(),
    "demo-bad": {
        "no-backoff",
        "permanent-error-retried",
        "requests-after-refusal",
        "retried-after-text",
        "retry-after-shortened",
        "too-many-attempts",
    },
    "demo-batch": set(),
    "demo-voice": set(),
}


def test_rounds_repeat_what_good_and_bad_clients_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_clients, "PLAN_YAML", demo_clients.PLAN_YAML.replace("1200ms", "1ms"))
    with running([*map(quick, CLIENTS)], known_keys_only=True) as demo:
        view = demo.api.ask("POST", "/demo")
        assert (view["available"], view["running"]) == (True, True)
        assert [one["name"] for one in view["sessions"]] == list(RULES)
        for _ in range(2):
            assert demo.rounds.acquire(timeout=60)
        good, bad = Counter(demo.outcomes("demo-good")), Counter(demo.outcomes("demo-bad"))
        # Each round makes the same requests, one of them with two errors 500.
        assert set(good.values()) == {2, 4}
        assert [good[f"Translate sentence {number}", 402] for number in (4, 5, 6)] == [0, 2, 0]
        assert [bad[f"Summarise chapter {number}", 403] for number in (2, 3, 8)] == [0, 2, 2]
        batch = Counter(status for _, status in demo.outcomes("demo-batch"))
        assert batch[503] >= 2  # by the plan
        accounts = demo.api.ask("GET", "/accounts")["accounts"]
        limited = {
            one["name"]: one["spent"]["requests"] for one in accounts if not one["balance"]["unlimited"]
        }
        assert limited == {"demo-good": 4, "demo-bad": 2}
        assert demo.api.ask("GET", "/demo")["rounds"] == 2
        # A session is played as the user has changed it.
        assert len(demo.api.ask("GET", "/fixtures?session=demo-good")["fixtures"]) == 4
        # On a busy machine short waits are not all short: another round shows those that are.
        while (rules := list_rules(demo)) != RULES and demo.last_round < MOST_ROUNDS:
            demo.last_round += 1
            assert demo.rounds.acquire(timeout=60)
        assert rules == RULES


def list_rules(demo: Demo) -> dict[str, set[str]]:
    """Return the rules of the findings in each session."""
    rules: dict[str, set[str]] = {session: set() for session in RULES}
    for finding in demo.api.ask("GET", "/report")["findings"]:
        rules[finding["session"]].add(finding["rule"])
    return rules


def test_it_is_started_and_stopped_once() -> None:
    with running([quick(CLIENTS[1])]) as demo:
        assert demo.api.ask("DELETE", "/demo")["running"] is False
        for _ in range(2):
            assert demo.api.ask("POST", "/demo")["running"]
        assert len(demo.api.ask("GET", "/plan")["steps"]) == 2
        assert demo.rounds.acquire(timeout=60)
        for _ in range(2):
            assert demo.api.ask("DELETE", "/demo")["running"] is False
        assert demo.api.ask("GET", "/plan")["steps"] == []
        count = len(demo.outcomes("demo-bad"))
        assert count >= 24
        assert demo.api.ask("POST", "/demo")["rounds"] == 0
        assert demo.rounds.acquire(timeout=60)
        assert len(demo.outcomes("demo-bad")) > count


def test_a_plan_of_the_user_is_left_alone() -> None:
    with running([quick(CLIENTS[0])], OWN_PLAN) as demo:
        demo.api.ask("POST", "/demo")
        assert demo.rounds.acquire(timeout=60)
        assert [step["at_s"] for step in demo.api.ask("GET", "/plan")["steps"]] == [3600]
        demo.api.ask("DELETE", "/demo")
        assert [step["at_s"] for step in demo.api.ask("GET", "/plan")["steps"]] == [3600]


def test_a_page_of_another_site_starts_nothing() -> None:
    with running([CLIENTS[0]], admin_token="t0ken") as demo:  # noqa: S106
        url = f"{demo.api.root}/_mock/demo"
        assert requests.post(url, timeout=20).status_code == 401
        headers = {"authorization": "Bearer t0ken", "origin": "http://evil.example"}
        assert requests.post(url, headers=headers, timeout=20).status_code == 403
        assert not demo.runner.is_running


def test_it_needs_a_server_that_listens() -> None:
    playback = Playback()
    app = create_app(create_pipeline(Settings(reload=False), playback, lambda _: None))
    server = BackgroundServer(app, bind_socket("127.0.0.1", 0), playback)
    server.start()
    try:
        api = Api(format_server_url(server.address))
        assert api.ask("GET", "/demo") == api.ask("DELETE", "/demo")
        assert api.ask("GET", "/demo")["available"] is False
        assert "a server that listens" in api.why("POST", "/demo", status=409)
    finally:
        server.stop()


def test_it_stops_with_its_server_at_once() -> None:
    with MockServer(demo=True) as server:
        server.wait_for(count=3, within="20s")
        began = time.monotonic()
    assert time.monotonic() - began < 3


WAITS = "[{error: 429, retry_after: 2m}, fine]"
HANGS = "[{text: a, fault: hang}]"


@pytest.mark.parametrize(("responses", "statuses"), [(WAITS, [429]), (HANGS, [0, 0])])
def test_a_client_gives_up(responses: str, statuses: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_traffic, "READ_TIMEOUT", 0.2)
    client = ScriptedClient("one", "", (ScriptedCall("a", 0, "Hi", responses, (None,)),))
    with running([client]) as demo:
        demo.api.ask("POST", "/demo")
        assert demo.rounds.acquire(timeout=60)
        demo.api.ask("DELETE", "/demo")
        assert len(demo.outcomes("one")) >= len(statuses)


def test_a_server_that_is_gone_is_a_failure_like_any_other() -> None:
    sock = bind_socket("127.0.0.1", 0)
    address = get_connect_address(sock)
    sock.close()
    vendors = [*load_vendors().listed_vendors.values()]
    asyncio.run(ClientRun(CLIENTS[2], vendors, address, 1, no_wait).run())


async def no_wait(_: str, __: float) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("response", "result"),
    [
        (b"", AttemptResult(0)),
        (b"\x00\xff garbage", AttemptResult(0)),
        (b"HTTP/1.1 ", AttemptResult(0)),
        (b"HTTP/1.1 429\r\nRetry-After: 3\r\n\r\n{}", AttemptResult(429, 3.0, complete=True)),
        (b"HTTP/1.1 503 No\r\nbroken\r\nretry-after: soon\r\n\r\n", AttemptResult(503, 0.0, complete=True)),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n", AttemptResult(200)),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            AttemptResult(200, complete=True),
        ),
    ],
)
def test_a_damaged_response_is_read(response: bytes, result: AttemptResult) -> None:
    assert parse_response(response) == result


def test_the_waits_are_real() -> None:
    began = time.monotonic()
    asyncio.run(wait_seconds("any", 0.05))
    assert time.monotonic() - began >= 0.04
