"""Tests of the pipeline: injection by one request, unknown paths, disconnecting clients."""

from __future__ import annotations

import http.client
import json
import socket
import time

import pytest

from mockserver.server.access_log import ENTRY_FORMATTERS
from tests.conftest import Client, MakeClient, StartServer


def test_an_answer_is_delayed_as_requested(client: Client) -> None:
    began = time.perf_counter()
    assert client.chat(headers={"X-Mock-Delay": "80ms"}).status == 201
    assert time.perf_counter() - began >= 0.08


def test_an_error_is_delayed_too(client: Client) -> None:
    began = time.perf_counter()
    assert client.chat(headers={"X-Mock-Error": "504", "X-Mock-Delay": "80ms"}).status == 504
    assert time.perf_counter() - began >= 0.08


def test_a_fixture_may_be_selected_by_name(client: Client) -> None:
    reply = client.chat(content="anything", headers={"X-Mock-Fixture": "hello o1-mini"})
    assert reply.headers["x-mock-fixture"] == "hello%20o1-mini"
    assert "😊" in reply.json["choices"][0]["message"]["content"]


def test_an_exhausted_fixture_selected_by_name_repeats_its_last_response(client: Client) -> None:
    said = [client.chat(headers={"X-Mock-Fixture": "mock twice"}).status for _ in range(3)]
    assert said == [201, 201, 201]


def test_the_fixture_header_of_an_answer_is_accepted_in_a_request(
    start_server: StartServer, make_client: MakeClient
) -> None:
    names = ["naïve ☕", "a b", "a%20b", "100%"]
    fixtures = [{"name": name, "match": {"user": name}, "response": name} for name in names]
    client = make_client(start_server(json.dumps({"fixtures": fixtures})))
    returned = [client.chat(content=name).headers["x-mock-fixture"] for name in names[:1] + names[2:]]
    written = [names[0].encode().decode("latin-1"), "a%20b", "100%"]  # by hand, as http.client sends bytes
    texts = [
        client.chat(headers={"X-Mock-Fixture": value}).json["choices"][0]["message"]["content"]
        for value in (*returned, *written)
    ]
    assert texts == [names[0], "a%20b", "100%", names[0], "a b", "100%"]


def test_an_unknown_fixture_name_is_refused_with_a_suggestion(client: Client) -> None:
    reply = client.chat(headers={"X-Mock-Fixture": "helo o1-mini"})
    assert reply.status == 400
    assert "did you mean 'hello o1-mini'?" in reply.json["message"]


def test_a_fault_applies_at_its_point(client: Client) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        client.chat(stream=True, headers={"X-Mock-Fault": "reset@2"})


def test_an_error_within_a_stream_has_the_vendors_envelope(client: Client) -> None:
    reply = client.chat("omixa", stream=True, headers={"X-Mock-Fault": "error_event@2"})
    assert reply.status == 200
    assert reply.chunks[-1]["error"]["type"] == "server_error"


def test_a_fault_that_finds_nothing_to_act_on_is_reported(
    client: Client, start_server: StartServer, make_client: MakeClient
) -> None:
    reply = client.chat(headers={"X-Mock-Fault": "no_done"})
    [entry] = client.wait_for_entries(1)
    reason = "the fault no_done found nothing to act on: the answer is not a stream"
    assert (reply.status, entry.fault, entry.reason) == (201, "", reason)
    assert ENTRY_FORMATTERS["text"](entry).endswith(f"\n          {reason}")
    running = start_server(
        "{fixtures: [], faults: [{match: {}, error: 401, message: No., fault: close@done}]}"
    )
    refused = make_client(running)
    assert refused.chat().status == 401
    [entry] = refused.wait_for_entries(1)
    assert entry.reason.startswith("No.; the fault close@done found nothing to act on: ")


_JSON = (
    '400 {"type":"error","error":{"type":"invalid_request_error","message":"Bad model."},"request_id":"req_'
)


@pytest.mark.parametrize(
    ("profile", "fault", "status", "text"),
    [
        ("{extends: aimlapi}", "wrapped", 400, _JSON),
        ("{extends: aimlapi}", "wrapped=500", 500, _JSON),
        ("{extends: aimlapi, errors: '2024'}", "wrapped", 400, _JSON),
        ("{extends: aimlapi, errors: '2024'}", "wrapped=500", 500, "400 Bad model."),
    ],
)
def test_an_upstream_error_is_wrapped_in_the_vendors_own(
    start_server: StartServer, make_client: MakeClient, profile: str, fault: str, status: int, text: str
) -> None:
    stated = f"{{error: 400, message: Bad model., fault: {fault}}}"
    server = start_server(f"{{fixtures: [{{match: {{}}, response: {stated}}}]}}", profile)
    reply = make_client(server).chat()
    assert (reply.status, reply.json.get("status", reply.json.get("statusCode"))) == (status, status)
    assert reply.json["message"].startswith(text)


def test_a_path_of_no_vendor_lists_the_vendors_paths(client: Client) -> None:
    client.connection.request("POST", "/open/chat", "{}")
    response = client.connection.getresponse()
    assert response.status == 404
    message = json.loads(response.read())["error"]["message"]
    assert message.startswith("Nothing is at POST /open/chat.")
    assert "/aimlapi" in message


def test_a_client_that_disconnects_during_its_request_does_not_block_others(client: Client) -> None:
    host, _, port = client.server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as sock:
        sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{")
    assert client.chat().status == 201


def test_a_strict_server_without_fixtures_reports_that(
    start_server: StartServer, make_client: MakeClient
) -> None:
    reply = make_client(start_server("fixtures: []", strict=True)).chat()
    assert reply.status == 404
    assert "no fixture" in reply.json["message"]
