"""A uvicorn that lacks private parts still answers, and the server says once what it does without."""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http import h11_impl, httptools_impl

from mockserver.errors import InputError
from mockserver.server import uvicorn_internals, uvicorn_server
from mockserver.server.addresses import bind_socket
from mockserver.server.uvicorn_fast_write import SingleWrite
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.testing import MockServer
from mockserver.wire.answer import GATEWAY_PHRASES, Answer, Frame
from mockserver.wire.playback import Playback

PROTOCOLS: dict[str, type] = {"httptools": httptools_impl.HttpToolsProtocol, "h11": h11_impl.H11Protocol}
FIXTURES = """
fixtures:
- {match: {user: slow}, response: {chunks: [one, {delay: 1ms}, two]}}
- {match: {}, response: Hello!}
"""


@pytest.fixture(autouse=True)
def warnings(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """Returns what was logged so far."""
    uvicorn_internals._warn.cache_clear()
    with caplog.at_level(logging.WARNING):
        yield lambda: [record.getMessage() for record in caplog.records]
    uvicorn_internals._warn.cache_clear()


@pytest.fixture
def without_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn's protocols lose a method that a good request does not need."""
    for protocol in PROTOCOLS.values():
        monkeypatch.delattr(protocol, "send_400_response")


@pytest.fixture
def without_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn's requests keep their state in a way that is not known."""

    class Cycle(httptools_impl.RequestResponseCycle):
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)

    monkeypatch.setattr(httptools_impl, "RequestResponseCycle", Cycle)


def ask(running: MockServer, text: str, fault: str = "", **body: Any) -> httpx2.Response:
    headers = {"Authorization": "Bearer key"} | ({"X-Mock-Fault": fault} if fault else {})
    messages = [{"role": "user", "content": text}]
    body = {"model": "o1-preview", "messages": messages, **body}
    return httpx2.post(f"{running.url}/aimlapi/v1/chat/completions", json=body, headers=headers)


def check_answers(running: MockServer) -> None:
    """Check answers, streams and faults that are made of HTTP alone."""
    for _ in range(2):
        assert ask(running, "Hi").json()["choices"][0]["message"]["content"] == "Hello!"
        stream = ask(running, "slow", stream=True)
        assert stream.text.endswith("data: [DONE]\n\n")
        parts = [json.loads(line[6:]) for line in stream.text.split("\n\n") if line.startswith("data: {")]
        said = "".join(part["choices"][0]["delta"].get("content") or "" for part in parts if part["choices"])
        assert said == "onetwo"
    assert ask(running, "Hi", "html").headers["content-type"] == "text/html"
    assert ask(running, "Hi", "no_body").content == b""


@pytest.mark.usefixtures("without_protocol")
def test_without_a_part_of_its_protocol_all_but_the_faults_of_a_connection_works(
    warnings: Callable[[], list[str]],
) -> None:
    with MockServer(fixtures_yaml=FIXTURES) as running, MockServer(fixtures_yaml=FIXTURES) as another:
        for one in (running, another):
            check_answers(one)
        for fault in ("reset", "empty", "garbage"):
            told = ask(running, "Hi", fault)
            assert (told.status_code, told.headers["content-type"]) == (501, "text/plain")
            assert "cannot send this fault: it needs the connection itself" in told.text
            assert running.requests[-1].status == 501
    [warning] = warnings()
    assert warning == (
        f"mockserver: uvicorn {uvicorn.__version__} has no {httptools_impl.__name__}:HttpToolsProtocol."
        "send_400_response: faults that need the connection itself (reset, empty, garbage) are answered with 501"
    )


@pytest.mark.usefixtures("without_cycle")
def test_without_a_part_of_its_requests_answers_are_sent_as_asgi_messages(
    warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(SingleWrite, "send_response")
    with MockServer(fixtures_yaml=FIXTURES) as running:
        check_answers(running)
        with pytest.raises(httpx2.RemoteProtocolError):
            ask(running, "Hi", "empty")
    [warning] = warnings()
    assert "RequestResponseCycle.body: answers are sent as ASGI messages" in warning


@pytest.mark.parametrize("name", ["httptools", "h11", "auto"])
@pytest.mark.usefixtures("without_protocol")
def test_uvicorn_chooses_its_own_protocol_by_the_same_name(name: str) -> None:
    assert uvicorn_server._http_protocol_class(name) == name


@pytest.mark.usefixtures("without_protocol")
def test_a_silent_answer_ends_with_the_server_without_a_transport() -> None:
    running = MockServer(fixtures_yaml=FIXTURES).start()
    address = running.url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=20)
    body = json.dumps({"model": "o1-preview", "messages": [{"role": "user", "content": "Hi"}]})
    headers = {
        "Authorization": "Bearer key",
        "Content-Type": "application/json",
        "X-Mock-Fault": "hang@10b",
    }
    connection.request("POST", "/aimlapi/v1/chat/completions", body, headers)
    response = connection.getresponse()
    assert response.status == 201
    running.stop()
    with pytest.raises(http.client.IncompleteRead):
        response.read()
    response.close()
    connection.close()


def test_without_a_list_of_connections_a_server_still_stops(
    warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(uvicorn_internals, "_find", lambda _: object)
        config = uvicorn_server._uvicorn_config(lambda *_: None, "h11", "auto", "off")  # type: ignore[arg-type]
        running = uvicorn_server._StoppableUvicorn(config, Playback())
    running._abort_connections()
    assert any("ServerState.connections: connections that are open" in warning for warning in warnings())
    monkeypatch.setattr(uvicorn_server, "has_connections", lambda: False)
    with MockServer(fixtures_yaml=FIXTURES) as server:
        assert ask(server, "hello").status_code == 201


def test_a_uvicorn_that_cannot_be_started_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(uvicorn.Server, "handle_exit")
    with (
        bind_socket("127.0.0.1", 0) as sock,
        pytest.raises(InputError, match=r"has no uvicorn\.server:Server\.handle_exit"),
    ):
        BackgroundServer(lambda *_: None, sock, Playback())  # type: ignore[arg-type]


def test_a_module_that_is_gone_is_a_missing_part() -> None:
    assert uvicorn_internals._find_missing("uvicorn.no_such:Thing", ()) == "uvicorn.no_such:Thing"


def test_this_uvicorn_has_every_part(warnings: Callable[[], list[str]]) -> None:
    assert uvicorn_internals.find_protocol("httptools") is PROTOCOLS["httptools"]
    assert uvicorn_internals.find_protocol("h11") is PROTOCOLS["h11"]
    assert uvicorn_internals.find_cycle() is not None
    assert uvicorn_internals.has_connections()
    assert warnings() == []


@pytest.mark.parametrize("http", PROTOCOLS)
@pytest.mark.parametrize("status", [499, 520, 529])
def test_a_status_that_no_rfc_defines_has_a_reason_phrase(http: str, status: int) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Playback().play(Answer(status, (), (Frame(b"no"),)), scope, receive, send)

    running = BackgroundServer(app, bind_socket("127.0.0.1", 0), Playback(), http=http, lifespan="off")
    running.start()
    answer = httpx2.get("http://{}:{}".format(*running.address))
    running.stop()
    assert (answer.status_code, answer.reason_phrase) == (status, GATEWAY_PHRASES[status])


def test_a_uvicorn_without_a_table_of_phrases_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(httptools_impl, "STATUS_LINE")
    uvicorn_internals.add_reason_phrases("httptools")
    assert not hasattr(httptools_impl, "STATUS_LINE")
