"""The admin API against a hostile client: names, pages, bodies and waits that must not get through or cost much."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest

from mockserver.admin import verify
from mockserver.admin.request_watch import RequestWatches
from mockserver.admin.time_slices import TimeSlicer
from mockserver.admin.verify import VERIFY_QUERY, VerifyResult
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import document_from_value
from mockserver.sessions.journal import Arrival, Decision, JournalEntry
from mockserver.sessions.memory_journal import MemoryJournal
from mockserver.testing import MockServer
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.playback import Delivery
from tests.conftest import MakeClient, StartServer
from tests.matching_examples import build_request

FIXTURES = "fixtures: [{name: hello, match: {}, response: Hello.}]"


@pytest.fixture(scope="module")
def running(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES, allowed_hosts=("mock.example",))


def request_status(server: MockServer, path: str, method: str = "GET", **headers: str) -> int:
    """Send a request with exactly these headers; return its status."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
    connection.putrequest(method, path, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


# --- who may


@pytest.mark.parametrize(
    "path", ["/_mock", "/_mock/requests", "/_mock/nothing", "/metrics", "/", "/_mock/page/x.js"]
)
def test_a_rebound_public_name_reaches_neither_admin_api_nor_web_ui(running: MockServer, path: str) -> None:
    assert request_status(running, path, Host="rebound.evil.example:8402") == 403
    assert request_status(running, path, Host="mock.example") in (200, 404)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/aimlapi/v1/models"])
def test_probes_and_vendors_are_served_under_every_name(running: MockServer, path: str) -> None:
    headers = {"Host": "rebound.example", "Authorization": "Bearer k", "Sec_Fetch_Site": "cross-site"}
    assert request_status(running, path, **headers) == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/_mock/requests"), ("POST", "/_mock/reset"), ("DELETE", "/_mock/fixtures")]
)
def test_pages_of_other_sites_neither_read_nor_change(running: MockServer, method: str, path: str) -> None:
    assert request_status(running, path, method, Host="127.0.0.1", Sec_Fetch_Site="cross-site") == 403
    assert request_status(running, path, method, Host="127.0.0.1", Sec_Fetch_Site="same-origin") == 200


# --- what waits


class _CountedJournal(MemoryJournal):
    """A journal that counts how often it is listed."""

    listings = 0

    async def entries(self, session: str | None = None, since: int = 0) -> Sequence[JournalEntry]:
        self.listings += 1
        return await super().entries(session, since)


class _Verifications:
    """Waiting verifications over a journal, with the number of comparisons that they have made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.journal, self.watches, self.comparisons = _CountedJournal(), RequestWatches(), 0
        self.journal.subscribe(self.watches.publish)
        compare = verify._meets_match

        def count(entry: JournalEntry, match: Any, criteria: Any) -> bool | None:
            self.comparisons += 1
            return compare(entry, match, criteria)

        monkeypatch.setattr(verify, "_meets_match", count)

    def start(self, session: str | None, **query: Any) -> asyncio.Task[VerifyResult]:
        read = read_document(VERIFY_QUERY, document_from_value({"match": {}, "within": "60s", **query}, "q"))
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = verify.wait_until_verified(read, self.journal, session, self.watches, TimeSlicer(), never)
        return asyncio.create_task(waiting)

    async def send(self, session: str) -> JournalEntry:
        entry = JournalEntry(
            Arrival(f"{session}-{next(NUMBERS)}", REQUEST.routed_head.head, session, REQUEST)
        )
        await self.journal.open(entry)
        await self.journal.decide(entry, Decision(Answer(200, (), (Frame(b"x"),))))
        await settle()
        return entry


REQUEST = build_request()
NUMBERS = itertools.count()


async def settle() -> None:
    """Let all tasks run until each of them waits for something."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_waiting_verify_compares_only_new_requests_of_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        verifications = _Verifications(monkeypatch)
        for _ in range(50):
            await verifications.send("mine")
        waiting = [verifications.start("mine", count=53) for _ in range(10)]
        await settle()
        assert (verifications.comparisons, verifications.journal.listings) == (500, 10)
        for _ in range(100):
            await verifications.send("other")
        assert (verifications.comparisons, verifications.journal.listings) == (500, 10)
        await verifications.send("mine")
        assert (verifications.comparisons, verifications.journal.listings) == (510, 10)
        for _ in range(2):
            await verifications.send("mine")
        assert [one.count for one in await asyncio.gather(*waiting)] == [53] * 10

    asyncio.run(run())


def test_a_further_step_of_a_request_is_not_compared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        verifications = _Verifications(monkeypatch)
        waiting = verifications.start("mine", count=2)
        for _ in range(2):
            assert not waiting.done()
            entry = await verifications.send("mine")
            await verifications.journal.close(entry, Delivery(200, 0.1, 0.2, 1, (), "finished"))
            await settle()
        assert (await waiting).count == 2
        assert verifications.comparisons == 2

    asyncio.run(run())


def test_a_request_is_compared_when_its_answer_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        verifications = _Verifications(monkeypatch)
        entry = JournalEntry(Arrival("undecided", REQUEST.routed_head.head, "mine", REQUEST))
        await verifications.journal.open(entry)
        waiting = verifications.start("mine", count=1)
        await settle()
        assert (waiting.done(), verifications.comparisons) == (False, 0)
        await verifications.journal.decide(entry, Decision(Answer(200, (), (Frame(b"x"),))))
        assert (await waiting).count == 1

    asyncio.run(run())


def test_a_change_before_the_wait_is_not_missed() -> None:
    async def run() -> None:
        watches = RequestWatches()
        with watches.watch("mine") as watch:
            watches.publish("arrived", JournalEntry(Arrival("a", REQUEST.routed_head.head, "mine")))
            await asyncio.wait_for(watch.wait(60), 10)
            assert [entry.id for entry in watch.take()[0]] == ["a"]

    asyncio.run(run())


def test_a_verify_without_a_session_sees_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        verifications = _Verifications(monkeypatch)
        waiting = verifications.start(None, count=2)
        await verifications.send("one")
        await verifications.send("two")
        assert (await waiting).count == 2

    asyncio.run(run())


@pytest.mark.parametrize("cleared", ["mine", None])
def test_a_verify_counts_from_nothing_after_the_journal_was_cleared(
    monkeypatch: pytest.MonkeyPatch, cleared: str | None
) -> None:
    async def run() -> None:
        verifications = _Verifications(monkeypatch)
        await verifications.send("mine")
        waiting = verifications.start("mine", count=2)
        await settle()
        for session in ("other", cleared):
            await verifications.journal.clear(session)
            verifications.watches.clear(session)
        await settle()
        await verifications.send("mine")
        assert not waiting.done()
        await verifications.send("mine")
        assert (await waiting).count == 2

    asyncio.run(run())


def test_a_watch_ends_with_its_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        verifications = _Verifications(monkeypatch)
        waiting = verifications.start("mine", count=1)
        await settle()
        waiting.cancel()
        await asyncio.wait({waiting})
        assert not verifications.watches._watches

    asyncio.run(run())


# --- what is large


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ("[" + "0," * 1_000_001 + "0]", "application/json"),
        ("[" * 600_000 + "{" * 600_000, ""),
        ("- a\n" * 200_001, "application/yaml"),
        ("a: &a [" + "x," * 200_001 + "]", "application/yaml"),
    ],
)
@pytest.mark.parametrize("path", ["/_mock/fixtures", "/_mock/verify", "/_mock/explain", "/_mock/faults"])
def test_a_body_of_too_many_values_is_refused(
    running: MockServer, path: str, body: str, media_type: str
) -> None:
    status, error = post(running, path, body, media_type)
    assert status == 413
    assert "values" in error["message"]


def test_only_the_first_problems_of_a_body_are_listed(running: MockServer) -> None:
    status, error = post(running, "/_mock/fixtures", "[" + "0," * 5000 + "0]", "application/json")
    assert (status, len(error["problems"])) == (400, 100)


def post(server: MockServer, path: str, body: str, media_type: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.request("POST", path, body, {"Content-Type": media_type})
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    return response.status, content["error"]


def test_the_entries_of_a_server_are_bounded_like_its_journal_and_freed_by_a_reset(
    start_server: StartServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_server(FIXTURES, journal_size=3)
    client = make_client(server)
    for number in range(5):
        client.chat(content=f"number {number}")
    texts = [
        entry.request_with_body.parsed.last_user_text for entry in server.entries if entry.request_with_body
    ]
    assert texts == ["number 2", "number 3", "number 4"]
    monkeypatch.setattr("mockserver.testing.MAX_BYTES", 1)
    client.chat(content="last")
    assert len(server.entries) == 1
    server.reset()
    assert server.entries == []


@pytest.mark.parametrize("depth", [3, 300, 1000])
def test_a_deeply_nested_body_is_shown(running: MockServer, make_client: MakeClient, depth: int) -> None:
    client = make_client(running)
    body = f'{{"model": "o1-preview", "messages": [], "deep": {"[" * depth}{"]" * depth}}}'
    headers = {
        "Authorization": "Bearer k",
        "Content-Type": "application/json",
        "X-Mock-Session": client.session,
    }
    client.connection.request("POST", "/aimlapi/v1/chat/completions", body, headers)
    client.connection.getresponse().read()
    [one] = get_json(running, f"/_mock/requests?session={client.session}")["requests"]
    shown = get_json(running, f"/_mock/requests/{one['id']}")["request"]["body"]
    assert (shown == json.loads(body)) if depth < 250 else (shown == body)


def get_json(server: MockServer, path: str) -> Any:
    with contextlib.closing(connect(server)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200
        return json.loads(response.read())


def connect(server: MockServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)


def test_only_so_many_replays_run_at_a_time(
    running: MockServer, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockserver.admin.replay.MAX_RUNNING", 1)
    monkeypatch.setattr("mockserver.admin.replay.REPLAY_WAIT_SECONDS", 0.01)
    client = make_client(running)
    slow = json.dumps({"match": {}, "response": {"chunks": ["a", {"delay": "1h"}, "b"]}})
    with contextlib.closing(connect(running)) as connection:
        connection.request("POST", f"/_mock/fixtures?session={client.session}", slow)
        assert connection.getresponse().read()
        client.send(stream=True)
        [one] = get_json(running, f"/_mock/requests?session={client.session}")["requests"]
        statuses = []
        for _ in range(2):
            connection.request("POST", f"/_mock/requests/{one['id']}/replay")
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
    assert statuses == [201, 429]
