"""While calls are intercepted, clients of this process and its children reach the server under the vendors' hosts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from openai import OpenAI

from mockserver.testing import MockServer, Session

URL = "https://api.aimlapi.com/v1/chat/completions"
CHILD = f"""
import json, urllib.request
body = json.dumps({{"model": "o3-mini", "messages": [{{"role": "user", "content": "weather"}}]}}).encode()
headers = {{"Authorization": "Bearer key", "Content-Type": "application/json"}}
answer = urllib.request.urlopen(urllib.request.Request({URL!r}, body, headers))
print(json.load(answer)["choices"][0]["message"]["content"])
"""


@pytest.fixture(scope="module")
def own_server() -> Iterator[MockServer]:
    with MockServer(fixtures_yaml="fixtures: []") as server:
        yield server


@pytest.fixture
def session(own_server: MockServer) -> Session:
    session = own_server.session()
    session.on(user="weather").reply("Sunny")
    return session


def ask(client: httpx2.Client, **headers: str) -> str:
    body = {"model": "o3-mini", "messages": [{"role": "user", "content": "weather"}]}
    answer = client.post(URL, json=body, headers={"authorization": "Bearer key"} | headers)
    return str(answer.json()["choices"][0]["message"]["content"])


def test_clients_before_and_after_and_in_a_child_receive_the_answers_of_the_session(
    own_server: MockServer, session: Session
) -> None:
    environment = dict(os.environ)
    with httpx2.Client() as before, own_server.intercept(session):
        bundle = Path(os.environ["SSL_CERT_FILE"])
        with httpx2.Client() as after:
            assert [ask(before), ask(after)] == ["Sunny"] * 2
        child = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
        assert child.stdout == "Sunny\n"
        assert "MOCKSERVER_URL" not in os.environ
    session.assert_called(3, user="weather")
    assert dict(os.environ) == environment
    assert not bundle.parent.exists()


def test_a_request_that_names_its_session_keeps_it(own_server: MockServer, session: Session) -> None:
    other = own_server.session()
    other.on(user="weather").reply("Rain")
    with own_server.intercept(session), httpx2.Client() as client:
        assert ask(client, **{"x-mock-session": str(other.name)}) == "Rain"
        with OpenAI(**session.aimlapi.openai()) as sdk:  # its Host is not a vendor's
            assert sdk.models.list().data
        with own_server.intercept(other):
            assert ask(client) == "Rain"
        assert ask(client) == "Sunny"
        with own_server.intercept():
            assert ask(client) == "Sunny"


def test_without_a_session_it_is_that_of_the_api_key(own_server: MockServer) -> None:
    with own_server.intercept(), httpx2.Client() as client:
        ask(client)
    [*_, last] = own_server.requests
    assert last.session.startswith("key-")
    own_server.reset()


def test_the_environment_is_restored_although_its_variables_have_been_changed(
    own_server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    with suppress(KeyError), own_server.intercept():
        assert "example.com" in os.environ["NO_PROXY"]
        del os.environ["HTTP_PROXY"]
        raise KeyError
    assert (os.environ["NO_PROXY"], os.environ.get("HTTP_PROXY")) == ("example.com", None)


def test_calls_to_other_hosts_may_be_refused() -> None:
    refused = pytest.raises(httpx2.ProxyError, match=r"calls to example.com:443 are refused")
    with (
        MockServer(fixtures_yaml="fixtures: []") as server,
        server.intercept(allows_others=False),
        httpx2.Client() as client,
        refused,
    ):
        client.get("https://example.com/")


def test_a_server_that_does_not_run_intercepts_nothing() -> None:
    server = MockServer()
    with pytest.raises(RuntimeError, match="the server is not running"), server.intercept():
        raise AssertionError  # pragma: no cover
    server.stop()
