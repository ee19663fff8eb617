"""State against a hostile client: whatever it sends and however often, what is kept of it stays bounded."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests

from mockserver import pipeline
from mockserver.answering import responder
from mockserver.errors import ApiError
from mockserver.request.chat_request import RequestReader
from mockserver.request.request_head import MAX_CACHED_HEAD, HeadCache, RoutedHead, read_head
from mockserver.server.app import load_vendors
from mockserver.sessions.adjustable_clock import AdjustableClock
from mockserver.sessions.counters import MAX_MODELS, MAX_ROWS, RequestCounters
from mockserver.sessions.journal import Arrival, Decision, JournalEntry, generate_request_id
from mockserver.sessions.memory_journal import MemoryJournal
from mockserver.sessions.store import CounterKind, MemoryStore
from mockserver.testing import MockServer
from mockserver.validation.admission import admit_request
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.playback import Delivery
from tests.conftest import PATHS, MakeClient, StartServer
from tests.request_fixtures import HELLO, ReadRequest
from tests.sessions.remote_store import served

FIXTURES = """
fixtures:
  - {name: hello, match: {user: Hello}, response: Hello.}
  - {name: broken, match: {user: Break}, response: {text: Text., stream: {chunk: word}}}
accounts:
  - {key: sk-account, balance: $5}
"""


# --- an unexpected exception


class FailingStore(MemoryStore):
    """A store that loses its connection when an answer is counted."""

    async def increment(self, session: str, kind: CounterKind, name: str) -> int:
        raise ConnectionError(f"no connection to count {kind} of {name} in {session}")


@contextmanager
def serve(store: MemoryStore, folder: Path) -> Iterator[str]:
    """Serve FIXTURES from this store; yield the URL."""
    file = folder / "fixtures.yaml"
    file.write_text(FIXTURES)
    running = served(store, file)
    yield next(running)
    assert list(running) == []


def post(url: str, vendor: str = "aimlapi", content: str = "Hello", **headers: str) -> requests.Response:
    """Send a chat request."""
    body = {"model": "o1-preview", "messages": [{"role": "user", "content": content}]}
    sent = {"Authorization": "Bearer key"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return requests.post(url + PATHS[vendor], headers=sent, json=body, timeout=20)


@pytest.fixture(scope="module")
def failing_store() -> MemoryStore:
    return FailingStore()


@pytest.fixture(scope="module")
def failing(failing_store: MemoryStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(failing_store, tmp_path_factory.mktemp("failing")) as url:
        yield url


@pytest.mark.parametrize("vendor", PATHS)
def test_an_unexpected_exception_is_the_vendors_500_in_the_journal(
    failing: str, vendor: str, caplog: pytest.LogCaptureFixture
) -> None:
    usual = post(failing, vendor, X_Mock_Error="500").json()
    response = post(failing, vendor, X_Mock_Session=f"failing-{vendor}")
    assert response.status_code == 500
    assert _shape(response.json()) == _shape(usual)
    assert response.headers["x-mock-fixture"] == "hello"
    assert response.headers["x-should-retry"] == "false"
    [entry] = requests.get(f"{failing}/_mock/requests?session=failing-{vendor}", timeout=20).json()[
        "requests"
    ]
    assert (entry["status"], entry["fixture"]) == (500, "hello")
    assert "unexpected ConnectionError" in entry["reason"]
    [record] = [record for record in caplog.records if record.exc_info]
    assert entry["id"] in record.getMessage()
    assert "no connection to count answered of hello" in str(record.exc_info)


def _shape(value: Any) -> Any:
    """Return the keys of a JSON value, without its texts."""
    return {key: _shape(item) for key, item in value.items()} if isinstance(value, dict) else type(value)


@pytest.mark.usefixtures("caplog")
def test_an_unexpected_exception_refunds_what_was_held(failing: str, failing_store: MemoryStore) -> None:
    assert post(failing, Authorization="Bearer sk-account", X_Mock_Session="held").status_code == 500
    [account] = requests.get(f"{failing}/_mock/accounts?session=held", timeout=20).json()["accounts"]
    assert (account["balance"]["usd"], account["spent"]["requests"]) == ("5", 0)
    assert "held" in asyncio.run(failing_store.sessions_of_account("sk-account"))


@pytest.mark.parametrize(
    ("module", "step"), [(responder, "render_completion"), (pipeline, "apply_injections")]
)
def test_an_exception_in_a_later_step_is_answered_and_refunded_too(
    module: ModuleType,
    step: str,
    start_server: StartServer,
    make_client: MakeClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = start_server(FIXTURES)

    def fail(*_: object) -> Answer:
        raise RecursionError

    client = make_client(server)
    with monkeypatch.context() as patch:
        patch.setattr(module, step, fail)
        for key in ("key", "sk-account"):
            headers = {"X-Mock-Fault": "reset@1", "Authorization": f"Bearer {key}"}
            assert client.chat(content="Break", stream=True, headers=headers).status == 500
    assert client.chat(content="Break").status == 201
    *broken, whole = client.wait_for_entries(3)
    assert [(one.status, one.fault) for one in broken] == [(500, ""), (500, "")]
    assert whole.status == 201
    assert [record.exc_info is not None for record in caplog.records] == [True, True]
    [account] = requests.get(f"{server.url}/_mock/accounts?session={client.session}", timeout=20).json()[
        "accounts"
    ]
    assert (account["balance"]["usd"], account["spent"]["requests"]) == ("5", 0)


# --- the journal


def scope(path: str = "/aimlapi/v1/models", **headers: str) -> dict[str, Any]:
    """Return the ASGI scope of a request with these headers."""
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": "GET", "path": path, "headers": pairs}


def many_headers(count: int) -> dict[str, str]:
    return {f"h{number}": "" for number in range(count)}


@pytest.mark.parametrize(
    ("path", "headers", "least"),
    [
        ("/" + "x" * 50_000, {}, 50_000),
        ("/", {"a": "x" * 50_000}, 50_000),
        ("/", many_headers(1000), 100_000),
    ],
)
def test_heads_count_towards_the_journals_bytes(path: str, headers: dict[str, str], least: int) -> None:
    async def fill() -> tuple[int, int]:
        journal = MemoryJournal(max_bytes=1_000_000)
        for _ in range(100):
            head = read_head(scope(path, **headers))
            await journal.open(JournalEntry(Arrival(generate_request_id(), head, "s")))
        return await journal.size()

    entries, evicted = asyncio.run(fill())
    assert entries <= 1_000_000 / least
    assert entries + evicted == 100


def test_the_answer_before_a_fault_counts_towards_the_journals_bytes() -> None:
    async def fill() -> tuple[int, int]:
        journal = MemoryJournal(max_bytes=1_000_000)
        for _ in range(100):
            entry = JournalEntry(Arrival(generate_request_id(), read_head(scope()), "s"))
            intended = Answer(200, (), (Frame(b"x" * 50_000),))
            await journal.open(entry)
            await journal.decide(entry, Decision(Answer(502, (), ()), intended_answer=intended))
        return await journal.size()

    entries, _ = asyncio.run(fill())
    assert 10 <= entries <= 20


# --- caches


def test_large_heads_are_not_cached_nor_are_requests_with_them() -> None:
    router = load_vendors()
    cache, reader = HeadCache(router), RequestReader(1000)

    async def read(**headers: str) -> tuple[RoutedHead, object]:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"{}"}

        _, routed_head = cache.get(scope(**headers))
        assert routed_head is not None
        return routed_head, await reader.read(routed_head, receive)

    async def are_shared(**headers: str) -> tuple[bool, bool]:
        first, second = await read(**headers), await read(**headers)
        return first[0] is second[0], first[1] is second[1]

    assert asyncio.run(are_shared(a="x" * 1000)) == (True, True)
    assert asyncio.run(are_shared(a="x" * MAX_CACHED_HEAD)) == (False, False)
    assert asyncio.run(are_shared(**many_headers(200))) == (False, False)


def test_labels_chosen_by_clients_add_a_bounded_number_of_metric_rows(read_request: ReadRequest) -> None:
    counters, request = RequestCounters(), read_request()
    delivery = Delivery(200, 0.0, 0.01, 0, (), "finished")
    total = 0
    for model in range(MAX_MODELS + 20):
        named = replace(request, model=f"m{model}")
        for status in range(400, 600):
            counters.record(named, Decision(Answer(status, ())), delivery)
            total += 1
    rows = list(counters.rows)
    assert MAX_ROWS <= len(rows) <= MAX_ROWS + 200
    assert sum(sum(row.total.counts) for _, row in rows) == total


# --- sessions


def test_evicted_sessions_are_reported_and_those_with_fixtures_are_evicted_last(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(MemoryStore(max_sessions=3), tmp_path) as url:
        own = {"fixtures": [{"name": "own", "match": {"user": "Hello"}, "response": "Mine."}]}
        assert requests.post(f"{url}/_mock/fixtures?session=mine", json=own, timeout=20).status_code < 300
        for number in range(10):
            assert post(url, X_Mock_Session=f"s{number}").headers["x-mock-fixture"] == "hello"
        assert post(url, X_Mock_Session="mine").headers["x-mock-fixture"] == "own"
        counts = requests.get(f"{url}/_mock", timeout=20).json()["counts"]
        assert (counts["sessions"], counts["sessions_evicted"]) == (3, 8)
        assert "mockserver_sessions_evicted_total 8.0" in requests.get(f"{url}/metrics", timeout=20).text
    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert ["evicted 1 " in messages[0], "evicted 2 " in messages[1], "evicted 4 " in messages[2]] == [
        True
    ] * 3
    assert len(messages) == 4
    assert "no more than 3 are kept; the last one, 's7', had counters only" in messages[3]


def test_sessions_with_fixtures_are_evicted_where_all_have_some(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore(max_sessions=2)

    async def fill() -> tuple[str, ...]:
        loaded = (await store.overlay(None)).fixtures
        for name in ("a", "b", "c"):
            await store.set_overlay(
                name, replace(await store.overlay(name), topups={"key": Decimal(1)}, fixtures=loaded)
            )
        await store.set_overlay("b", replace(await store.overlay("b"), topups={}))
        await store.increment("d", "answered", "hello")
        return await store.sessions()

    assert asyncio.run(fill()) == ("c", "d")
    assert "'a', had fixtures, fault rules or accounts of its own" in caplog.records[0].getMessage()


def test_the_clock_may_be_advanced_any_number_of_times() -> None:
    now = iter(range(1_000_000))
    clock = AdjustableClock(lambda: next(now))
    for _ in range(5000):
        clock.advance(2.0, "s")
        clock.advance(1.0)
    assert clock.offset("s") == 15_000
    assert sum(map(len, clock._advances.values())) <= 200
    for number in range(20_000):
        clock.advance(1.0, f"s{number}")
    assert len(clock._advances) <= 10_000
    assert (clock.offset("s19999"), clock.offset("s0")) == (5001, 5000)
    clock.reset()
    assert clock.offset("s19999") == 0


# --- validation


@pytest.mark.parametrize(
    ("part", "valid"),
    [({"type": "text", "text": "Hello"}, True), ({}, False), (1, False), ({"type": 1}, False)],
)
def test_a_message_of_many_parts_is_checked_in_bounded_work(
    server: MockServer, make_client: MakeClient, part: object, valid: bool
) -> None:
    client = make_client(server)
    reply = client.chat(content=[{"role": "user", "content": [part] * 50_000}])
    assert (reply.status < 300) is valid
    assert len(reply.body) < 20_000


def test_a_list_parameter_of_many_mistakes_is_refused_in_few_words(read_request: ReadRequest) -> None:
    request = read_request(raw=json.dumps({**HELLO, "stop": [1] * 200}).encode())
    with pytest.raises(ApiError) as caught:
        asyncio.run(admit_request(request))
    assert len(str(caught.value.detail)) < 3000
