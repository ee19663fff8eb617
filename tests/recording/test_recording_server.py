"""A server that records: what it forwards, and that its recordings replay the same without the vendor."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import InputError
from mockserver.matching import fixture_files, loader
from mockserver.matching.loader import load_fixture_set
from mockserver.matching.shadowing import lint_fixtures
from mockserver.server.app import load_vendors
from mockserver.settings import RecordSettings
from mockserver.testing import MockServer
from mockserver.wire import relay
from tests.conftest import PATHS, Json, MakeClient, Reply
from tests.recording.test_recorder import read_fixtures
from tests.recording.upstream_socket import SocketUpstream

StartRecording = Callable[..., MockServer]

UPSTREAM = """
fixtures:
- {match: {user: poem}, response: {text: "Roses are red, violets are blue.", stream: {chunk: word}}}
- {match: {user: weather, tool_result: false}, response: {tool_calls: [{name: get_weather, arguments: {city: Paris}}]}}
- {match: {tool_result: get_weather}, response: It is sunny.}
- {match: {user: feel}, response: {json: {sentiment: positive, score: 0.93}}}
- {match: {user: limited}, responses: [{error: 429, message: Slow down., retry_after: 2s}, Now it works.], then: cycle}
- {match: {user: raw}, response: {raw: {headers: {x-tier: gold}, body: '{"mine": true}', sse: ["data: 1", ""]}}}
- {match: {}, response: Hi.}
"""
TOOLS: list[Json] = [{"type": "function", "function": {"name": "get_weather", "parameters": {}}}]
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
}
WEATHER: list[Json] = [
    {"role": "user", "content": "How is the weather?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "21 degrees"},
]
STREAM: Json = {"stream": True, "stream_options": {"include_usage": True}}
CALLS: list[Json] = [
    {"content": "Hello"},
    {"content": "A poem, please", **STREAM},
    {"content": "A poem, please"},
    {"content": "How is the weather?", "model": "gpt-4o", "tools": TOOLS, **STREAM},
    {"content": WEATHER, "model": "gpt-4o", "tools": TOOLS},
    {"content": "How do they feel?", "vendor": "omixa"},
    {"content": "raw"},
    {"content": "raw", **STREAM},
    {"content": "Am I limited?"},
    {"content": "Am I limited?", "headers": {"x-stainless-retry-count": "1"}},
]


@pytest.fixture(scope="module")
def vendor() -> Iterator[MockServer]:
    """The server that stands for the real vendors."""
    with MockServer(fixtures_yaml=UPSTREAM, mock_messages=False) as running:
        yield running


@pytest.fixture
def record(vendor: MockServer, tmp_path: Path) -> Iterator[StartRecording]:
    """Return a function that starts a server which records what `vendor`, or another upstream, answers."""
    running: list[MockServer] = []

    def start(*paths: Path, url: str = "", mode: str = "new_episodes", **settings: Any) -> MockServer:
        upstreams = tuple(f"{name}={url or f'{vendor.url}/{name}'}" for name in PATHS)
        recording = RecordSettings(tmp_path / "to", mode, upstreams)
        settings = {"record": recording, "reload": False, **settings}
        running.append(MockServer(*paths, **settings).start())
        return running[-1]

    yield start
    for server in running:
        server.stop()


def read_answer(reply: Reply) -> Any:
    """Return status, retry time and body of a reply, without ids and times."""
    documents = reply.chunks if reply.events else reply.json
    return reply.status, reply.headers["retry-after"], reply.headers["x-tier"], drop_volatile(documents)


def drop_volatile(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: drop_volatile(one) for key, one in value.items() if key not in VOLATILE_FIELDS}
    return [drop_volatile(one) for one in value] if isinstance(value, list) else value


VOLATILE_FIELDS = ("id", "created", "timestamp", "requestId")


def test_the_latency_of_the_vendor_is_written_to_a_file(
    record: StartRecording, vendor: MockServer, make_client: MakeClient, tmp_path: Path
) -> None:
    file = tmp_path / "new" / "latency.yaml"
    upstreams = (f"aimlapi={vendor.url}/aimlapi",)
    settings = RecordSettings(tmp_path / "to", upstreams=upstreams, latency=file)
    client = make_client(record(record=settings), "one-test")
    assert client.chat(content="A poem, please", **STREAM).status == 200
    assert client.chat(content="Hello").status == 201
    body, stream = load_fixture_set((), section_files={"latency": file}).latency_rules
    assert (body.model, body.stream, body.ttft) == (stream.model, False, None)
    assert (stream.vendor, stream.stream) == ("aimlapi", True)
    assert None not in (body.delay, stream.delay, stream.ttft, stream.gap)


def test_recordings_replay_the_same_without_the_vendor(
    record: StartRecording, make_client: MakeClient, tmp_path: Path
) -> None:
    recording = record()
    said = [read_answer(make_client(recording, "one-test").chat(**call)) for call in CALLS]
    # The stream of the poem answers the request for its body, too.
    assert list_outcomes(recording).count("forwarded") == len(CALLS) - 1
    assert [status for status, *_ in said][-2:] == [429, 201]
    recording.stop()
    [file] = (tmp_path / "to").iterdir()
    assert file.name == "one-test.yaml"
    raw = {"status": 200, "headers": {"x-tier": "gold", "content-type": "application/json"}}
    raw |= {"sse": ["data: 1", ""], "body": '{"mine": true}'}
    assert [one["response"] for one in read_fixtures(file) if "raw" in one.get("response", "")] == [
        {"raw": raw}
    ]
    assert list(lint_fixtures(load_fixture_set([file]), load_vendors().vendors)) == []
    with MockServer(file, strict=True, reload=False) as replaying:
        assert [read_answer(make_client(replaying, "again").chat(**call)) for call in CALLS] == said


def send(
    server: MockServer, body: Any = None, path: str = PATHS["aimlapi"], method: str = "POST", **headers: str
) -> Reply:
    """Send one request without a session; `body` is the user's message, or the body."""
    body = (
        {"model": "gpt-4o", "messages": [{"role": "user", "content": body}]}
        if isinstance(body, str)
        else body
    )
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
    sent = {
        "content-type": "application/json",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    with closing(connection):
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())


def list_outcomes(server: MockServer) -> list[str | None]:
    return [entry.outcome for entry in server.entries]


def test_a_new_recording_is_in_use_without_a_reload(
    record: StartRecording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls, stat_files = threading.Semaphore(0), fixture_files.stat_fixture_files

    def count_polls(*arguments: Any) -> Any:
        polls.release()
        return stat_files(*arguments)

    monkeypatch.setattr(loader, "POLL_INTERVAL", 0.002)
    monkeypatch.setattr(loader, "stat_fixture_files", count_polls)
    server = record(reload=True)
    assert [send(server, text, authorization="Bearer k").status for text in ("Hello", "Hello", "Bye")] == [
        201
    ] * 3
    assert list_outcomes(server) == ["forwarded", "answered", "forwarded"]
    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == ["bye.yaml", "hello.yaml"]
    fixtures = server._pipeline.fixtures
    for _ in range(polls._value + loader.MAX_UNSTABLE_POLLS + 2):  # those before this moment, and some more
        assert polls.acquire(timeout=10)
    assert server._pipeline.fixtures is fixtures
    assert fixtures.names == ("hello", "bye")


def test_another_request_that_a_recording_matches_is_forwarded(record: StartRecording) -> None:
    server = record()
    messages = [{"role": "user", "content": "Go on"}]
    for temperature in (0.5, 0.9, 0.5, 0.9):
        body = {"model": "gpt-4o", "messages": messages, "temperature": temperature}
        assert send(server, body, authorization="Bearer k").status == 201
    assert list_outcomes(server) == ["forwarded", "forwarded", "answered", "answered"]


@pytest.mark.parametrize(
    ("request_headers", "user"),
    [
        ({"x_mock_error": "429"}, "Hello"),
        ({"x_mock_fault": "empty@end"}, "Hello"),
        ({"x_mock_delay": "1ms"}, "Hello"),
        ({"authorization": "Bearer mock-402"}, "Hello"),
        ({}, "mock 401"),
        ({}, "A rule applies"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_errors_of_the_mock_itself_are_neither_forwarded_nor_recorded(
    record: StartRecording, tmp_path: Path, request_headers: dict[str, str], user: str
) -> None:
    server = record(faults=("user=rule error=503",))
    send(server, user, **request_headers)
    assert "forwarded" not in list_outcomes(server)
    assert not (tmp_path / "to").exists()


def test_the_vendor_decides_what_is_refused(record: StartRecording, tmp_path: Path) -> None:
    fixtures = tmp_path / "mine.yaml"
    fixtures.write_text(
        "fixtures: [{match: {user: mine}, response: It is mine.}]\naccounts: [{key: k, balance: $0}]"
    )
    server = record(fixtures, strict=True, strict_models=True, known_keys_only=True)
    assert send(server, "Hello", authorization="Bearer unknown").status == 201
    assert send(server, "It is mine", authorization="Bearer unknown").status == 401
    assert send(server, {"model": 1}, authorization="Bearer k").status == 400  # from the vendor
    assert send(server, path="/aimlapi/v1/models", method="GET").status == 200
    assert send(server, path="/aimlapi/v1/unknown", method="GET").status == 404
    assert send(server, "Hello", path="/segmind/v2/o1-preview", x_api_key="k").status == 200  # a job
    assert list_outcomes(server) == ["forwarded", "refused", *["forwarded"] * 4]
    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == ["hello.yaml", "recording.yaml"]


@pytest.mark.parametrize(
    ("mode", "outcomes", "text"),
    [
        ("new_episodes", ["answered", "forwarded"], "Old."),
        ("once", ["answered", "unmatched"], "Old."),
        ("none", ["answered", "unmatched"], "Old."),
        ("all", ["forwarded", "forwarded"], "Hi."),
    ],
)
def test_a_mode_says_what_is_forwarded(
    record: StartRecording, tmp_path: Path, mode: str, outcomes: list[str], text: str
) -> None:
    file = tmp_path / "to" / "hello.yaml"
    file.parent.mkdir()
    file.write_text("fixtures: [{match: {user: {equals: Hello}}, response: Old.}]")
    server = record(mode=mode)
    for user in ("Hello", "Something new"):
        send(server, user, authorization="Bearer k")
    assert list_outcomes(server) == outcomes
    response = read_fixtures(file)[0]["response"]
    assert text in (response, response["text"] if isinstance(response, dict) else "")


def test_the_mode_once_records_into_an_empty_folder(record: StartRecording) -> None:
    server = record(mode="once")
    for _ in range(2):
        send(server, "Hello", authorization="Bearer k")
    assert list_outcomes(server) == ["forwarded", "answered"]


def test_the_mode_all_records_each_answer_in_order(record: StartRecording, tmp_path: Path) -> None:
    server = record(mode="all")
    for _ in range(2):
        send(server, "Am I limited?", authorization="Bearer k")
    [fixture] = read_fixtures(tmp_path / "to" / "am-i-limited.yaml")
    assert [one.get("error", one.get("text")) for one in fixture["responses"]] == [429, "Now it works."]


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nset-cookie: a=b\r\nx-mock-fixture: theirs\r\n"
EVENT = b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def test_a_stream_is_relayed_as_it_arrives(record: StartRecording, tmp_path: Path) -> None:
    is_read = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"connection: close, x-hop\r\nx-hop: 1\r\n\r\n" + EVENT)
        assert is_read.wait(10)
        connection.sendall(DONE)

    with SocketUpstream(answer) as upstream:
        server = record(url=upstream.url + "/base/")
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
        body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello"}]})
        headers = {
            "Authorization": "Bearer secret",
            "X-Mock-Session": "s",
            "Accept-Encoding": "gzip",
            "Connection": "x-own",
            "X-Own": "1",
            "Content-Type": "application/json",
            "User-Agent": "mine",
            "Expect": "nothing",
        }
        with closing(connection):
            connection.request("POST", "/aimlapi/v1/chat/completions?a=%20b", body, headers)
            response = connection.getresponse()
            assert response.readline() + response.readline() == EVENT
            is_read.set()
            assert response.read() == DONE
        sent = upstream.requests[0]
    assert (response.headers["set-cookie"], response.headers["x-hop"]) == ("a=b", None)
    assert response.headers.get_all("x-mock-fixture") == [""]
    line, *lines = sent.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert line == "POST /base/v1/chat/completions?a=%20b HTTP/1.1"
    assert sorted(line.lower() for line in lines) == [
        "accept-encoding: identity",
        "authorization: bearer secret",
        f"content-length: {len(body)}",
        "content-type: application/json",
        f"host: {upstream.url.removeprefix('http://')}",
        "user-agent: mine",
    ]
    assert sent.endswith(body.encode())
    assert "raw" in read_fixtures(tmp_path / "to" / "s.yaml")[0]["response"]


def refuse(connection: socket.socket) -> None:
    connection.close()


def break_off(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"content-length: 1000\r\n\r\n" + EVENT)


def compress_wrongly(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"content-encoding: gzip\r\n\r\nno gzip")


def test_an_upstream_that_cannot_answer_is_a_bad_gateway(record: StartRecording, tmp_path: Path) -> None:
    with SocketUpstream(refuse) as upstream:
        server = record(url=upstream.url)
        reply = send(server, "Hello", path=PATHS["aimlapi"] + "?key=hidden-key-1")
    assert reply.status == 502
    assert f"mockserver: {upstream.url}/v1/chat/completions: RemoteProtocolError" in reply.json["message"]
    assert b"hidden" not in reply.body
    assert "RemoteProtocolError" in server.entries[0].reason
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mockserver.recording.upstream._CONNECT_TIMEOUT", 1)
        reply = send(record(url=upstream.url.replace("http", "https")), "Hello")  # nothing listens any more
    assert (reply.status, "ConnectError" in reply.json["message"]) == (502, True)
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("answer", [break_off, compress_wrongly])
def test_an_answer_that_breaks_off_breaks_off_for_the_client(
    record: StartRecording, tmp_path: Path, answer: Any
) -> None:
    with SocketUpstream(answer) as upstream:
        server = record(url=upstream.url)
        with pytest.raises(http.client.IncompleteRead):
            send(server, "Hello")
    assert not (tmp_path / "to").exists()
    assert server.entries[0].delivery is not None
    assert server.entries[0].delivery.end_reason == "dropped"


@pytest.mark.parametrize(("sent", "is_recorded"), [(b"", False), (EVENT, False), (EVENT + DONE, True)])
def test_a_stream_that_the_client_leaves_is_not_recorded(
    record: StartRecording, make_client: MakeClient, tmp_path: Path, sent: bytes, is_recorded: bool
) -> None:
    arrived, has_left = threading.Event(), threading.Event()

    def answer(connection: socket.socket) -> None:
        if sent:
            connection.sendall(HEAD + b"\r\n" + sent)
        arrived.set()
        assert has_left.wait(10)

    with SocketUpstream(answer) as upstream:
        client = make_client(record(url=upstream.url), "leaving")
        body = json.dumps({"model": "m", "stream": True, "messages": []})
        headers = {"content-type": "application/json", "x-mock-session": "leaving"}
        client.connection.request("POST", PATHS["aimlapi"], body, headers)
        assert arrived.wait(10)
        if sent:
            response = client.connection.getresponse()
            assert response.read(len(sent)) == sent
            response.close()
        client.connection.close()
        [entry] = client.wait_for_entries(1)
        has_left.set()
    assert entry.delivery is not None
    assert (entry.delivery.end_reason, entry.status) == ("left", 200 if sent else 0)
    assert (tmp_path / "to" / "leaving.yaml").exists() == is_recorded


def test_a_server_that_stops_closes_what_it_relays(record: StartRecording, make_client: MakeClient) -> None:
    arrived, has_ended = threading.Event(), threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"\r\n" + EVENT)
        arrived.set()
        assert has_ended.wait(10)

    with SocketUpstream(answer) as upstream:
        server = record(url=upstream.url)
        response = make_client(server, "s").send(stream=True)
        assert response.read(len(EVENT)) == EVENT
        server.stop()
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()
        has_ended.set()
    [entry] = server.entries
    assert entry.delivery is not None
    assert entry.delivery.end_reason == "closed"


def test_a_body_beyond_the_limit_is_relayed_only(
    record: StartRecording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "MAX_KEPT_BYTES", 20)
    server = record()
    assert send(server, "Hello", authorization="Bearer k").json["choices"]
    [entry] = server.entries
    assert entry.delivery is not None
    assert entry.answer is not None
    assert entry.delivery.size > sum(len(frame.data) for frame in entry.answer.frames)
    assert not (tmp_path / "to").exists()


def test_a_recording_that_cannot_be_written_does_not_concern_the_client(
    record: StartRecording, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = record()
    (tmp_path / "to").write_text("a file")
    assert send(server, "Hello", authorization="Bearer k").status == 201
    assert "the request could not be recorded" in caplog.text


def test_a_vendor_without_a_host_needs_an_upstream(tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text("{extends: aimlapi, name: mine, hosts: [], paths: {chat: [/v9/chat]}}")
    recording = RecordSettings(tmp_path / "to")
    with MockServer(vendors=(profile,), record=recording, reload=False) as server:
        reply = send(server, "Hello", path="/mine/v9/chat")
    assert (reply.status, "use --upstream mine=URL" in reply.json["message"]) == (502, True)


WRONG_URLS = ("x", "ftp://x", "http://", "http://x:y", "http://x?y", "http://a@x")


@pytest.mark.parametrize(
    ("upstream", "problem"),
    [
        ("aimlapi", "found 'aimlapi', expected VENDOR=URL"),
        ("aimlapy=https://x", "there is no vendor 'aimlapy', did you mean 'aimlapi'?"),
        *[(f"aimlapi={url}", "expected https://HOST") for url in WRONG_URLS],
    ],
)
def test_an_invalid_upstream_is_an_error(tmp_path: Path, upstream: str, problem: str) -> None:
    with pytest.raises(InputError, match=re.escape(problem)):
        MockServer(record=RecordSettings(tmp_path, upstreams=(upstream,)))


def test_without_the_extra_there_is_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("mockserver.recording.upstream.find_spec", lambda _: None)
        with pytest.raises(InputError, match=re.escape("pip install 'mock-provider-server[record]'")):
            MockServer(record=RecordSettings(tmp_path))


def test_invalid_settings_of_a_recorder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--mask: found '\\('"):
        MockServer(record=RecordSettings(tmp_path, masks=("(",)))
    with pytest.raises(InputError, match="--mode: found 'some', expected once, new_episodes"):
        MockServer(record=RecordSettings(tmp_path, "some"))
