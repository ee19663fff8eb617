"""The Responses API over a socket: sessions, faults, journal, assertions and dry runs as in chat completions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from mockserver.testing import MockServer, Session

Json = dict[str, Any]
PATH = "/v1/responses"


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
