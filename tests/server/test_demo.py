"""The demo's clients do the same on every run, whatever the server serves, and stop with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockserver.errors import InputError
from mockserver.server import app, demo
from mockserver.server.addresses import bind_socket, get_connect_address
from mockserver.server.app import create_app
from mockserver.server.demo import SCENARIOS, Scenario
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.sessions.journal import JournalEntry
from mockserver.settings import Settings
from mockserver.testing import MockServer
from mockserver.wire.playback import Playback

QUICK = (
    Scenario("waits", 0, 0, "a", "[{error: 429, retry_after: 1s}, fine]", (None,)),
    Scenario("gives-up", 0, 1, "b", "[500]", (0.0, 0.0)),
    Scenario("cut", 0, 2, "c", "[{text: a b c d e f, fault: reset@2}, {text: whole}]", (0.0,), stream=True),
    Scenario("lucky", 0, 1, "e", "[fine]", (0.0,)),
    Scenario("closed", 0, 0, "d", "[{text: a b c d e f, fault: close@2}]", stream=True),
)


def played(script: Iterable[Scenario], rounds: int) -> list[JournalEntry]:
    """The entries of a server whose only clients are these, once all has been played."""
    entries: list[JournalEntry] = []
    playback = Playback()
    line = app.create_pipeline(Settings(strict=True, fixtures_yaml="fixtures: []"), playback, entries.append)
    sock = bind_socket("127.0.0.1", 0)
    server = BackgroundServer(create_app(line, lambda _: None), sock, playback)
    server.start()
    try:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(
                asyncio.run, demo.run_demo(line, get_connect_address(sock), script, rounds)
            ).result()
    finally:
        server.stop()
    return entries


def test_a_scene_tries_again_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "ROUND_PAUSE", 0)
    statuses: dict[str, list[Any]] = {}
    entries = played(QUICK, 2)
    for entry in entries:
        heard = entry.delivery.end_reason if entry.delivery else None
        statuses.setdefault(entry.session, []).append((entry.status, heard))
    assert {name: len(heard) for name, heard in statuses.items()} == {
        "waits": 4,
        "gives-up": 6,
        "cut": 4,
        "lucky": 2,
        "closed": 2,
    }
    assert [status for status, _ in statuses["waits"]] == [429, 201, 429, 201]
    assert statuses["cut"] == [(200, "dropped"), (200, "finished")] * 2
    first, second = [entry for entry in entries if entry.session == "waits"][:2]
    assert 1.0 <= second.arrival.arrived_at - first.arrival.arrived_at < 3.0


def test_nobody_there_is_a_failure_like_another() -> None:
    sock = bind_socket("127.0.0.1", 0)
    line = app.create_pipeline(Settings(), Playback(), lambda _: None)
    where = get_connect_address(sock)
    sock.close()
    asyncio.run(demo.run_demo(line, where, QUICK[1:2], 1))


@pytest.mark.parametrize("scene", SCENARIOS, ids=lambda scene: scene.session)
def test_every_scene_is_a_good_fixture(scene: Scenario) -> None:
    try:
        assert len(demo._scenario_fixtures(scene)) == 1
    except InputError as error:  # pragma: no cover
        pytest.fail(str(error))


def test_it_stops_with_its_server_at_once() -> None:
    with MockServer(demo=True) as server:
        server.wait_for(count=3, within="20s")
        began = time.monotonic()
    assert time.monotonic() - began < 3
