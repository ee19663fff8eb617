"""The Responses API over a socket: sessions, faults, journal, assertions and dry runs as in chat completions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import yaml

from mockserver.testing import MockServer, Session

Json = dict[str, Any]
PATH = "/v1/responses"
CALL = {"name": "f", "arguments": {"a": 1}}


class Responses:
    """A client of the Responses API of one vendor, with a session of its own."""

    def __init__(self, server: MockServer, vendor: str = "aimlapi") -> None:
        self.session: Session = server.session()
        self.http = httpx2.Client(
            base_url=f"{server.url}/s/{self.session.name}/{vendor}",
            headers={"authorization": "Bearer key"},
            timeout=20,
        )

    def send(
        self, content: Any = "Hello", headers: dict[str, str] | None = None, **body: Any
    ) -> httpx2.Response:
        return self.http.post(PATH, json={"model": "o3-mini", "input": content, **body}, headers=headers)

    def ask(self, content: Any = "Hello", **body: Any) -> Json:
        response = self.send(content, **body)
        assert response.status_code == 200, response.text
        parsed: Json = response.json()
        return parsed


@pytest.fixture
def responses(server: MockServer) -> Iterator[Responses]:
    client = Responses(server)
    yield client
    client.http.close()


def test_fixtures_rules_and_assertions_are_those_of_chat(responses: Responses) -> None:
    session = responses.session
    session.on(api="responses").reply("another")
    session.on(user="weather", turn=2, tools="f", system="brief").reply("Sunny")
    session.fail(429, retry_after="1s", times=1, api="responses")
    asked = [{"role": "user", "content": "Hi"}, {"role": "user", "content": "the weather"}]
    tools = [{"type": "function", "name": "f", "parameters": {"type": "object"}}]
    assert responses.send().headers["retry-after"] == "1"
    assert responses.ask(asked, tools=tools, instructions="Be brief.")["output_text"] == "Sunny"
    assert responses.ask()["output_text"] == "another"
    assert [(one.api, one.status, one.user) for one in session.requests] == [
        ("responses", 429, "Hello"),
        ("responses", 200, "the weather"),
        ("responses", 200, "Hello"),
    ]
    session.assert_called(user="weather", count=1)
    session.assert_called(api="chat", count=0)


@pytest.mark.parametrize(
    ("fault", "last"),
    [
        ("error_event@1", '"sequence_number":7}'),
        ("end_early@done", '"type":"response.output_item.done"'),
        ("no_done", '"type":"response.output_item.done"'),
    ],
)
def test_faults_act_on_the_typed_events(responses: Responses, fault: str, last: str) -> None:
    response = responses.send("mock stream", {"x-mock-fault": fault}, stream=True)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert last in response.text.split("\n\n")[-2]
    if "error" in fault:
        assert response.text.split("\n\n")[-2].startswith('event: error\ndata: {"type":"error","code":')
    [request] = responses.session.requests
    assert request.fault == fault


def test_an_error_is_the_vendors_and_nothing_is_streamed(responses: Responses) -> None:
    response = responses.send("mock 429", stream=True)
    assert response.status_code == 429
    assert response.json()["error"]["name"] == "ThrottlerException"


def test_a_conversation_is_matched_as_a_whole(responses: Responses) -> None:
    session = responses.session
    session.on(turn=1).reply("Hello", tool_calls=[{"name": "f", "arguments": {}, "id": "call_1"}])
    session.on(turn=2, any_message="first", tool_result=False).reply("Twice")
    session.on(tool_result={"name": "f", "contains": "21"}).reply("Done")
    first = responses.ask("first", store=True, instructions="Be brief.")
    call_id = first["output"][-1]["call_id"]
    output = [{"type": "function_call_output", "call_id": call_id, "output": "21"}]
    second = responses.ask(output, previous_response_id=first["id"], store=True)
    assert (second["output_text"], second["previous_response_id"]) == ("Done", first["id"])
    events = responses.send("last", previous_response_id=first["id"], store=True, stream=True).text
    third = json.loads(events.split("data: ")[-1])["response"]
    assert third["output_text"] == "Twice"
    assert third["usage"]["input_tokens"] > first["usage"]["input_tokens"]
    assert responses.http.get(f"{PATH}/{third['id']}").json() == third
    session.assert_called(turn=2, any_message="first", count=1)
    session.assert_called(tool_result="f", count=1)


def test_items_of_stored_responses_may_be_referred_to(responses: Responses) -> None:
    responses.session.on(turn=1).reply(tool_calls=[{"name": "f", "arguments": {}}])
    responses.session.on(tool_result="f").reply("Done")
    first = responses.ask("Hi", store=True)
    call = first["output"][-1]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "21"}
    content = [{"role": "user", "content": "Hi"}, {"type": "item_reference", "id": call["id"]}, output]
    assert responses.ask(content)["output_text"] == "Done"
    refused = responses.send([{"type": "item_reference", "id": "rs_x"}])
    assert (refused.status_code, refused.json()["message"][:30]) == (404, "Item with id 'rs_x' not found.")


def test_what_is_not_stored_cannot_be_continued(server: MockServer, responses: Responses) -> None:
    unstored, stored = responses.ask(), responses.ask(store=True)
    other = Responses(server)
    for client, id_ in ((responses, unstored["id"]), (other, stored["id"])):
        refused = client.send(previous_response_id=id_)
        assert refused.status_code == 400
        assert refused.json()["message"] == f"Previous response with id '{id_}' not found."
        assert client.http.get(f"{PATH}/{id_}").status_code == 404
    other.http.close()
    assert responses.http.post(f"{PATH}/{stored['id']}").status_code == 404  # no such method
    deleted = responses.http.delete(f"{PATH}/{stored['id']}")
    assert deleted.json() == {"id": stored["id"], "object": "response", "deleted": True}
    assert responses.http.delete(f"{PATH}/{stored['id']}").status_code == 404
    again = responses.ask(store=True)
    responses.session.reset()
    assert responses.send(previous_response_id=again["id"]).status_code == 400


def test_the_default_of_store_is_the_vendors(server: MockServer) -> None:
    client = Responses(server, "openai")
    stored = client.ask(model="gpt-4o-mini")
    assert stored["store"] is True
    assert client.http.get(f"{PATH}/{stored['id']}").json() == stored
    assert client.send("mock 500", model="gpt-4o-mini").status_code == 500
    refused = client.send(model="gpt-4o-mini", previous_response_id="resp_x")
    assert refused.json()["error"]["code"] == "previous_response_not_found"
    explain = {"vendor": "openai", "path": PATH, "session": client.session.name}
    body = {"model": "gpt-4o-mini", "input": "x" * 70_000, "previous_response_id": stored["id"]}
    dry_run = httpx2.post(f"{server.url}/_mock/explain", json={**explain, "body": body}).json()
    assert dry_run["status"] == 200
    assert (
        client.ask(body["input"], **{k: v for k, v in body.items() if k != "input"})["status"] == "completed"
    )
    client.http.close()


@pytest.mark.parametrize("raw", ["[]", "{", '{"id": "resp_1"}'])
def test_raw_bytes_that_are_no_response_are_not_stored(responses: Responses, raw: str) -> None:
    responses.session.on(api="responses").reply(raw={"body": raw})
    assert responses.send(store=True).text == raw
    assert responses.http.get(f"{PATH}/resp_1").status_code == 404


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("stated", "written"),
    [
        ({"text": "Hi"}, {"text": "Hi"}),
        ({"text": "Hi", "reasoning": "So."}, {"text": "Hi", "reasoning": "So."}),
        ({"text": "Hi", "finish_reason": "length"}, {"text": "Hi", "finish_reason": "length"}),
        ({"refusal": "No."}, {"refusal": "No."}),
        ({"tool_calls": [CALL]}, {"tool_calls": [CALL]}),
        ({"raw": {"body": '{"output": []}'}}, None),
        ({"raw": {"body": '{"status": "failed", "output": []}'}}, None),
        ({"raw": {"body": '{"status": "completed", "output": [{"type": "web_search_call"}]}'}}, None),
    ],
)  # fmt: skip
def test_a_request_becomes_a_fixture_for_both_apis(
    server: MockServer, responses: Responses, stated: Json, written: Json | None, stream: bool
) -> None:
    responses.session.on(api="responses").reply(**stated)
    sent = responses.send([{"role": "user", "content": "Hi"}], stream=stream, reasoning={"summary": "auto"})
    [request] = responses.session.requests
    text = httpx2.post(f"{server.url}/_mock/requests/{request.id}/fixture").text
    [fixture] = yaml.safe_load(text)["fixtures"]
    assert fixture["match"].get("api") == (None if written else "responses")
    assert fixture["match"]["user"] == {"equals": "Hi"}
    if written:
        assert fixture["response"] == written
    else:
        assert fixture["response"]["raw"]["body"] == sent.text


def test_written_fixtures_tell_conversations_apart(server: MockServer, responses: Responses) -> None:
    user = {"role": "user", "content": "Hi"}
    for content in ([user], [{"role": "assistant", "content": "Yes?"}, user], "Hi"):
        responses.ask(content)
    matches = []
    for request in responses.session.requests:
        text = httpx2.post(f"{server.url}/_mock/requests/{request.id}/fixture").text
        matches.append(yaml.safe_load(text)["fixtures"][0]["match"])
    assert [one.get("body") for one in matches] == [
        {"input.0.content": "Hi"},
        {"input.0.content": "Yes?"},
        {"input.0": {"exists": False}},
    ]


def test_a_long_message_is_read_from_the_body(responses: Responses) -> None:
    text = "long " * 200
    responses.ask(text)
    [request] = responses.session.requests
    assert request.user == text


def test_the_journal_has_the_events(server: MockServer, responses: Responses) -> None:
    responses.send("mock stream", stream=True)
    [request] = responses.session.requests
    entry = httpx2.get(f"{server.url}/_mock/requests/{request.id}").json()
    events = [json.loads(event["data"])["type"] for event in entry["response"]["events"]]
    assert events[0] == "response.created"
    assert events[-1] == "response.completed"


def test_a_dry_run_says_that_only_the_first_choice_is_sent(server: MockServer, responses: Responses) -> None:
    responses.session.on().reply(choices=["First", "Second"])
    body: Json = {"model": "gpt-4o", "input": "Hi"}
    explain: Json = {"vendor": "aimlapi", "path": PATH, "body": body, "session": responses.session.name}
    dry_run = httpx2.post(f"{server.url}/_mock/explain", json=explain).json()
    assert dry_run["reason"] == "the first of 2 choices is sent: a response has only one"
    assert responses.ask("Hi")["output_text"] == "First"
    explain["body"] = {**body, "reasoning": {}}
    responses.session.on().reply("x", reasoning="y")
    dry_run = httpx2.post(f"{server.url}/_mock/explain", json=explain).json()
    assert dry_run["reason"] == "the reasoning is not sent: the request has no `reasoning.summary`"
