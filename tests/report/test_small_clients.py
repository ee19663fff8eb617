"""Small clients that each do one thing wrong, and get that finding and no other."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Any

import pytest

from mockserver.report.rule_table import REPORT_RULES
from mockserver.testing import MockServer, Session
from tests.conftest import PATHS, Client, Json, Reply

REAL_KEY = "sk-0a1b2c3d4e5f6071"
CALL = {"id": "call_1", "type": "function", "function": {"name": "now", "arguments": "{}"}}


@dataclass
class SmallClient:
    """A client with its own session, and the clock of that session."""

    client: Client
    session: Session

    def send(self, content: str | list[Json] = "Hello", *, vendor: str = "aimlapi", **more: Any) -> Reply:
        """Send a request, with the headers in `more` that are no fields of the body."""
        headers = {name.replace("_", "-"): value for name, value in more.items() if name in HEADERS}
        body = {name: value for name, value in more.items() if name not in HEADERS}
        try:
            return self.client.chat(vendor, content, headers, **body)
        except (http.client.HTTPException, OSError):
            self.client.connection.close()
            return Reply(0, Message(), b"")

    def begin(self, content: str = "Hello") -> None:
        """Send a request as `send` does, and wait until the server has it, instead of its answer."""
        body = json.dumps({"model": "o1-preview", "messages": [{"role": "user", "content": content}]})
        head = {"Authorization": "Bearer key", "Content-Type": "application/json"}
        head["X-Mock-Session"] = self.client.session
        self.client.connection.request("POST", PATHS["aimlapi"], body, head)
        self.session.wait_for()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.session.advance(f"{seconds}s")

    def leave_after(self, content: str, count: int) -> None:
        """Close the connection of a stream after so many pieces of text, and wait until the server knows."""
        response = self.client.send(content=content, stream=True)
        while count > 0:
            count -= b"content" in response.fp.readline()
        response.close()
        self.client.connection.close()
        self.client.wait_for_entries(1)


HEADERS = ("Authorization", "Idempotency_Key", "X_Stainless_Retry_Count")
Misbehaviour = Callable[[SmallClient], None]


def shorten_retry_after(client: SmallClient) -> None:
    client.session.fail(429, retry_after="10s", times=1)
    client.send()
    client.wait(5)
    client.send()


def shorten_a_date(client: SmallClient) -> None:
    client.session.on(user="Hello").reply({"error": 503, "retry_after": {"date": "30s"}}, "Fine.")
    client.send()
    client.wait(20)
    client.send()


def retry_an_invalid_key(client: SmallClient) -> None:
    client.session.fail(401, times=1)
    client.send()
    client.wait(1)
    client.send()


def go_on_without_credits(client: SmallClient) -> None:
    client.session.fail(402)
    for word in ("one", "two", "three", "four"):
        client.send(word)
        client.wait(5)


def go_on_with_a_forbidden_model(client: SmallClient) -> None:
    client.session.fail(403, times=4)
    for word in ("one", "two", "three", "four", "five"):
        client.send(word)
        client.wait(5)


def try_eleven_times(client: SmallClient) -> None:
    client.session.fail(503)
    for number in range(11):
        client.send(X_Stainless_Retry_Count=str(number))
        client.wait(2**number)


def pay_twice_for_a_key(client: SmallClient) -> None:
    for _ in range(2):
        client.send(Idempotency_Key="order-1")
        client.wait(20)


def pay_twice_after_a_short_timeout(client: SmallClient) -> None:
    client.session.on(user="Hello").reply({"text": "Late.", "delay": "60s"}, "In time.")
    client.begin()
    client.client.connection.close()
    client.client.wait_for_entries(1)
    client.send()


def retry_after_text(client: SmallClient) -> None:
    client.session.fail(fault="reset@3", times=1)
    client.send("mock words", stream=True)
    client.wait(1)
    client.send("mock words", stream=True)


def send_a_key_to_another_vendor(client: SmallClient) -> None:
    for vendor in ("aimlapi", "omixa"):
        client.send(vendor, vendor=vendor, Authorization=f"Bearer {REAL_KEY}")


def forget_a_tool_result(client: SmallClient) -> None:
    client.session.on(any_message="time").reply("It is late.")
    question = {"role": "user", "content": "What time is it?"}
    call = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    client.send([question, call, {"role": "user", "content": "Well?"}])


def retry_every_second(client: SmallClient) -> None:
    client.session.fail(503, times=3)
    for _ in range(4):
        client.send()
        client.wait(1)


def return_together(client: SmallClient) -> None:
    client.session.fail(503, times=3)
    for number in range(3):
        client.send(f"Job {number}")
    client.wait(100)
    for number in range(3):
        client.send(f"Job {number}", X_Stainless_Retry_Count="1")


def give_up_after(failure: dict[str, Any]) -> Misbehaviour:
    def give_up(client: SmallClient) -> None:
        client.session.fail(**failure)
        client.send()

    return give_up


def wait_in_silence(client: SmallClient) -> None:
    client.session.fail(fault="hang")
    client.begin()
    client.wait(90)


def believe_a_cut_stream(client: SmallClient) -> None:
    client.session.fail(fault="end_early@3", times=1)
    reply = client.send("mock words", stream=True)
    text = "".join(one["choices"][0]["delta"].get("content") or "" for one in reply.chunks)
    client.send(_conversation("mock words", text, "Thanks!"))


def believe_an_error_event(client: SmallClient) -> None:
    client.session.fail(fault="error_event@3", times=1)
    reply = client.send("mock words", stream=True)
    chunks = [one for one in reply.chunks if "choices" in one]
    text = "".join(one["choices"][0]["delta"].get("content") or "" for one in chunks)
    client.send(_conversation("mock words", text, "Thanks!"))


def believe_the_limit(client: SmallClient) -> None:
    reply = client.send("mock words", max_completion_tokens=2)
    text = reply.json["choices"][0]["message"]["content"]
    assert reply.json["choices"][0]["finish_reason"] == "length"
    client.send(_conversation("mock words", text, "Thanks!"))


def _conversation(question: str, answer: str, last: str) -> list[Json]:
    return [
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
        {"role": "user", "content": last},
    ]


def close_a_paid_stream(client: SmallClient) -> None:
    client.session.on(user="Hello").reply("One two three four.", stream={"ttft": "0s", "tps": 1})
    client.leave_after("Hello", 2)


def fail_over_and_return(client: SmallClient) -> None:
    client.session.fail(503, times=1, vendor="aimlapi")
    client.send()
    client.wait(3)
    client.send(vendor="omixa")
    client.wait(40)
    client.send("Something else")


def repeat_a_prompt(client: SmallClient) -> None:
    for _ in range(5):
        client.send()
        client.wait(10)


MISBEHAVIOURS: dict[Misbehaviour, tuple[str, str]] = {
    shorten_retry_after: ("retry-after-shortened", "waited 5"),
    shorten_a_date: ("retry-after-shortened", "of the"),
    retry_an_invalid_key: ("permanent-error-retried", "tried again after 401, once"),
    go_on_without_credits: ("requests-after-refusal", "3 more requests after 402, all refused"),
    go_on_with_a_forbidden_model: ("requests-after-refusal", "3 more requests after 403, all refused"),
    try_eleven_times: ("too-many-attempts", "11 attempts in 1"),
    pay_twice_for_a_key: ("charged-twice", "2 charged answers: $"),
    pay_twice_after_a_short_timeout: ("charged-twice", "2 charged answers: $"),
    retry_after_text: ("retried-after-text", "sent again after text of the stream had been received, once"),
    send_a_key_to_another_vendor: ("key-at-another-vendor", "was sent to aimlapi and omixa"),
    forget_a_tool_result: (
        "tool-call-without-result",
        "the conversation goes on without the result of call_1",
    ),
    retry_every_second: ("no-backoff", "waited 1"),
    return_together: ("no-jitter", "3 calls waited 100 s to 10"),
    give_up_after({"error": 429}): ("gave-up-early", "gave up after 429"),
    give_up_after({"error": 503}): ("gave-up-early", "gave up after 503"),
    give_up_after({"fault": "empty"}): ("gave-up-early", "gave up after a lost connection"),
    wait_in_silence: ("no-read-timeout", "the connection was open after 9"),
    believe_a_cut_stream: ("partial-answer-used", "the next request treats a cut stream as complete"),
    believe_an_error_event: (
        "partial-answer-used",
        "the next request treats a stream with an error event as complete",
    ),
    believe_the_limit: (
        "partial-answer-used",
        "the next request treats an answer cut by the token limit as complete",
    ),
    close_a_paid_stream: ("stream-closed-early", "closed the stream early and paid $"),
    fail_over_and_return: (
        "failed-over",
        "moved from aimlapi to omixa after 3",
    ),
    repeat_a_prompt: ("equal-prompts", "5 equal prompts in 4"),
}


@pytest.fixture
def small_client(server: MockServer, client: Client) -> Iterator[SmallClient]:
    session = server.session(client.session)
    yield SmallClient(client, session)
    session.reset()


@pytest.mark.parametrize("misbehave", MISBEHAVIOURS, ids=lambda one: one.__name__)
def test_a_client_that_does_one_thing_wrong_gets_that_finding_alone(
    small_client: SmallClient, misbehave: Misbehaviour
) -> None:
    misbehave(small_client)
    rule, message = MISBEHAVIOURS[misbehave]
    report = small_client.session.report()
    assert [(one.rule, one.message) for one in report.findings if message in one.message] == [
        (one.rule, one.message) for one in report.findings
    ]
    [finding] = report.findings
    assert finding.rule == rule
    [severity] = [one.severity for one in REPORT_RULES if one.name == rule]
    assert finding.severity == severity
    assert set(finding.requests) <= {request.id for request in small_client.session.requests}


def test_each_rule_has_a_small_client() -> None:
    assert {rule for rule, _ in MISBEHAVIOURS.values()} == {one.name for one in REPORT_RULES}
