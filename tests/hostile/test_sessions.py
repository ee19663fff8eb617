"""State against a hostile client: whatever it sends and however often, what is kept of it stays bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from mockserver import pipeline
from mockserver.sessions.store import CounterKind, MemoryStore
from mockserver.wire.answer import Answer
from tests.conftest import PATHS, MakeClient, StartServer
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


def test_an_exception_while_rendering_is_answered_too(
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
        patch.setattr(pipeline, "render_completion", fail)
        assert client.chat(content="Break", stream=True, headers={"X-Mock-Fault": "reset@1"}).status == 500
    assert client.chat(content="Break").status == 201
    broken, whole = client.wait_for_entries(2)
    assert (broken.status, broken.fault, whole.status) == (500, "", 201)
    assert [record.exc_info is not None for record in caplog.records] == [True]
