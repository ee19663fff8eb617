"""The rules, where a client in real time would be slow or depend on the speed of the machine."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.report.answer_facts import AnswerFacts, read_answer_facts
from mockserver.report.attempt_facts import AttemptFacts, parse_attempt
from mockserver.report.prompt_facts import PromptFacts, digest_value, read_prompt_facts
from mockserver.report.resilience_report import assess_attempts
from tests.report.test_logical_calls import attempt

TEXT = AnswerFacts(text="t")
PROMPT = PromptFacts(digest="p")
SDK = {"is_numbered": True}


def assess(*attempts: AttemptFacts, **now: float) -> list[tuple[str, str, str]]:
    findings = assess_attempts(attempts, now=now).findings
    return [(one.rule, one.severity, one.message) for one in findings]


FINDINGS: dict[str, tuple[list[AttemptFacts], list[tuple[str, str, str]]]] = {
    "six attempts in a second": (
        [attempt(at) for at in (0, 0.02, 0.06, 0.15, 0.4, 0.9)],
        [("too-many-attempts", "error", "6 attempts in 0.9 s")],
    ),
    "six attempts in two seconds": ([attempt(at) for at in (0, 0.1, 0.3, 0.6, 1, 2)], []),
    "five attempts in a second": ([attempt(at) for at in (0, 0.02, 0.06, 0.15, 0.4)], []),
    "no waits": (
        [attempt(0), attempt(0.02), attempt(0.04)],
        [("no-backoff", "advice", "waited 0.01 s, 0.01 s between the attempts")],
    ),
    "growing waits": ([attempt(0), attempt(0.4), attempt(1.2)], []),
    "random waits": ([attempt(0), attempt(0.9), attempt(1.2)], []),
    "two equal waits": ([attempt(0), attempt(1), attempt(2)], []),
    "an answer that was received before the connection broke": (
        [attempt(0, 200, answer=AnswerFacts("t", "stop"), ended="dropped")],
        [],
    ),
    "waits of Retry-After": ([attempt(at, 429, retry_after=1) for at in (0, 1.02, 2.04)], []),
    "a Retry-After that is honoured but for a tenth": (
        [attempt(0, 429, retry_after=1), attempt(0.92, 200)],
        [],
    ),
    "a Retry-After that a new call shortens": (
        [attempt(0, 429, retry_after=10, **SDK), attempt(1.01, 200, **SDK)],
        [("retry-after-shortened", "error", "waited 1 s of the 10 s of Retry-After")],
    ),
    "a Retry-After that one of several clients may have shortened": (
        [attempt(0, 429, took=1, retry_after=10), attempt(0.5, 200), attempt(2, 200)],
        [("retry-after-shortened", "advice", "waited 1 s of the 10 s of Retry-After")],
    ),
    "a date that has passed when the answer ends": (
        [attempt(0, 503, took=5, retry_after=4, is_retry_date=True), attempt(5.1, 200)],
        [],
    ),
    "a new call after 401": (
        [attempt(0, 401, **SDK), attempt(1, 401, **SDK)],
        [("permanent-error-retried", "advice", "tried again after 401, once")],
    ),
    "a retry that the vendor asks for": ([attempt(0, 400, should_retry=True), attempt(1, 200)], []),
    "a poll": ([attempt(0, 404, method="GET"), attempt(1, 200, method="GET")], []),
    "two retries after 400 and 422": (
        [attempt(0, 400), attempt(1, 422), attempt(4, 200)],
        [("permanent-error-retried", "error", "tried again after 400, 422, 2 times")],
    ),
    "four refusals at the same time": ([attempt(0, 402, digest=f"d{number}") for number in range(4)], []),
    "refusals with an answer between them": (
        [attempt(at, 200 if at == 3 else 402, digest=f"d{at}") for at in range(6)],
        [],
    ),
    "refusals of two models": (
        [attempt(at, 403, digest=f"d{at}", model=f"m{at % 2}") for at in range(6)],
        [],
    ),
    "refusals, then an answer": (
        [attempt(at, 200 if at == 4 else 402, digest=f"d{at}") for at in range(5)],
        [("requests-after-refusal", "error", "3 more requests after 402, all refused")],
    ),
    "a stream that ends early, after which the call is new": (
        [attempt(0, 200, is_stream=True, answer=TEXT, ended="dropped", **SDK), attempt(1, 200, **SDK)],
        [("retried-after-text", "advice", "sent again after text of the stream had been received, once")],
    ),
    "two charges, one of a broken answer": (
        [attempt(0, 200, cost="0.1", fault="close", ended="dropped"), attempt(1, 200, cost="0.1")],
        [],
    ),
    "two charges, the client being impatient": (
        [attempt(0, 200, cost="0.1", ended="left", **SDK), attempt(1, 200, cost="0.2", retry_count=1, **SDK)],
        [("charged-twice", "error", "2 charged answers: $0.1, $0.2")],
    ),
    "a key at one vendor": ([attempt(0, 200, key="key-1")], []),
    "requests sent by hand": ([attempt(at, 401, is_by_hand=True) for at in range(9)], []),
    "a long Retry-After": ([attempt(0, 429, retry_after=61)], []),
    "an answer that forbids a retry": ([attempt(0, 503, should_retry=False)], []),
    "a lost stream": ([attempt(0, 200, is_stream=True, answer=TEXT, ended="dropped")], []),
    "a prompt that goes to another vendor later": (
        [attempt(0, 503, prompt=PROMPT), attempt(90, 200, prompt=PROMPT, vendor="w")],
        [("gave-up-early", "advice", "gave up after 503")],
    ),
    "a prompt that stays at another vendor": (
        [attempt(0, 500, prompt=PROMPT), attempt(2, 200, prompt=PROMPT, vendor="w")],
        [("failed-over", "advice", "moved from v to w after 2 s and 1 attempt, not back since")],
    ),
    "equal prompts in more than a minute": ([attempt(at * 16, 200) for at in range(5)], []),
    "a late burst of equal prompts": (
        [attempt(at, 200) for at in (0, 100, 101, 102, 103, 104)],
        [("equal-prompts", "advice", "5 equal prompts in 4 s")],
    ),
    "calls that wait at random": (
        [
            one
            for n in range(3)
            for one in (attempt(n, digest=f"d{n}"), attempt(n + 1 + n / 10, 200, digest=f"d{n}"))
        ],
        [],
    ),
    "a client that leaves in silence": ([attempt(0, 200, took=90, fault="hang", ended="left")], []),
    "a server that stops in silence": (
        [attempt(0, 200, took=90, fault="hang", ended="closed")],
        [("no-read-timeout", "advice", "the connection was open after 90 s of silence")],
    ),
    "a cut text that another answer says completely": (
        [
            attempt(0, 200, is_stream=True, answer=TEXT, ended="dropped"),
            attempt(20, 200, is_stream=True, answer=AnswerFacts("t", "stop"), digest="e"),
            attempt(40, 200, prompt=PromptFacts("q", frozenset("t")), digest="f"),
        ],
        [],
    ),
    "a stream that hung and is treated as complete": (
        [
            attempt(0, 200, is_stream=True, answer=TEXT, fault="hang@3", ended="left"),
            attempt(20, 200, prompt=PromptFacts("q", frozenset("t")), digest="f"),
        ],
        [("partial-answer-used", "advice", "the next request treats a cut stream as complete")],
    ),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_a_rule_finds_what_it_is_for(name: str) -> None:
    attempts, findings = FINDINGS[name]
    assert assess(*sorted(attempts, key=lambda one: one.at)) == findings


def test_an_open_connection_is_silent_until_now() -> None:
    open_ = attempt(0, 200, took=None, fault="hang", last_sent=1)
    assert assess(open_, s=60.9) == []
    assert assess(open_, s=61.1)[0][0] == "no-read-timeout"


def user(text: Any = "Go") -> dict[str, Any]:
    return {"role": "user", "content": text}


def calls(*ids: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": "", "tool_calls": [{"id": one} for one in ids]}


PROMPTS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "no body": (None, ()),
    "no prompt": ({"messages": []}, ()),
    "a text": ({"input": "Hello"}, ()),
    "a call at the end": ({"messages": [user(), calls("a")]}, ()),
    "a call with its result": ({"messages": [user(), calls("a"), {"role": "tool", "tool_call_id": "a"}]}, ()),
    "one result of two": (
        {"messages": [user(), calls("a", "b"), {"role": "tool", "tool_call_id": "a"}, user()]},
        ("b",),
    ),
    "a late result": ({"messages": [calls("a"), user(), {"role": "tool", "tool_call_id": "a"}]}, ()),
    "a call without an id": ({"messages": [calls("", 3), user()]}, ()),
    "an item": (
        {"input": [{"type": "function_call", "call_id": "a"}, user()]},
        ("a",),
    ),
    "an item with its result": (
        {
            "input": [
                {"type": "function_call", "call_id": "a"},
                {"type": "function_call_output", "call_id": "a"},
                user(),
            ]
        },
        (),
    ),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_tool_calls_without_a_result_are_found(name: str) -> None:
    body, ids = PROMPTS[name]
    assert read_prompt_facts(body).open_tool_calls == ids


@pytest.mark.parametrize(
    ("content", "last", "is_used"),
    [
        ("It was a", "Thanks!", True),
        ([{"type": "output_text", "text": "It was "}, {"type": "text", "text": "a"}], "Thanks!", True),
        ("It was a", "Please continue.", False),
        ("", "Thanks!", False),
        (None, "Thanks!", False),
    ],
)
def test_an_answer_in_a_prompt_is_found(content: Any, last: str, is_used: bool) -> None:
    facts = read_prompt_facts({"messages": [user(), {"role": "assistant", "content": content}, user(last)]})
    assert facts.answers == ({digest_value("It was a")} if is_used else set())


def test_a_prompt_that_is_nested_too_deeply_equals_no_other() -> None:
    value: Any = []
    for _ in range(300):
        value = [value]
    assert read_prompt_facts({"messages": value}) == PromptFacts()


COMPLETED = '{"type": "response.completed", "response": {"status": "completed"}}'
INCOMPLETE = '{"type": "response.incomplete", "response": {"status": "incomplete", "incomplete_details": \
{"reason": "max_output_tokens"}}}'
ANSWERS: dict[str, tuple[Any, str, str, bool]] = {
    "nothing": (None, "", "", False),
    "no JSON": ({"body": "<html>"}, "", "", False),
    "no object": ({"body": "[1]"}, "", "", False),
    "a body": (
        {"body": '{"choices": [{"message": {"content": "Hi"}, "finish_reason": "length"}]}'},
        "Hi",
        "length",
        False,
    ),
    "a second choice": ({"body": '{"choices": [{"index": 1, "message": {"content": "Hi"}}]}'}, "", "", False),
    "a choice without a message": ({"body": '{"choices": [{"index": 0}]}'}, "", "", False),
    "a response": (
        {"body": '{"status": "completed", "output": [{"content": [{"type": "output_text", "text": "Hi"}]}]}'},
        "Hi",
        "completed",
        False,
    ),
    "a stream": (
        {
            "events": [
                {"data": '{"choices": [{"delta": {"content": "H"}}]}'},
                {"data": '{"choices": [{"delta": {"content": "i"}, "finish_reason": "stop"}]}'},
                {"data": "[DONE]"},
            ]
        },
        "Hi",
        "stop",
        False,
    ),
    "a stream of the Responses API": (
        {"events": [{"data": '{"type": "response.output_text.delta", "delta": "Hi"}'}, {"data": COMPLETED}]},
        "Hi",
        "completed",
        False,
    ),
    "one that the limit cuts": ({"events": [{"data": INCOMPLETE}]}, "", "max_output_tokens", False),
    "one that fails": ({"events": [{"data": '{"type": "response.failed", "response": null}'}]}, "", "", True),
    "an error event": ({"events": [{"data": '{"error": {"message": "no"}}'}]}, "", "", True),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_facts_of_an_answer_are_read(name: str) -> None:
    response, text, finish_reason, has_error = ANSWERS[name]
    expected = AnswerFacts(digest_value(text) if text else "", finish_reason, has_error)
    assert read_answer_facts(response) == expected


@pytest.mark.parametrize(
    ("key", "found"),
    [("sk-… (key-12345678)", "key-12345678"), ("tes… (key-12345678)", ""), ("… (key-12345678)", "")],
)
def test_a_key_counts_unless_it_is_a_placeholder(key: str, found: str) -> None:
    detail = {
        "arrived": "2026-01-01T00:00:00+00:00",
        "request": {"headers": {"authorization": f"Bearer {key}"}},
    }
    facts = parse_attempt(detail)
    assert facts.key == found
    assert facts.end is None
    other = parse_attempt({"arrived": "2026-01-01T00:00:00+00:00", "total_ms": 500})
    assert (other.end, other.sender == facts.sender) == (facts.at + 0.5, False)
