"""The web UI's pure functions, run in the browser."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.ui.conftest import RunModule

STREAM = ": hello\n\nid: 1\nevent: change\ndata: {\ndata:}\n\r\n\ndata: a\r\n\r\nretry: 5\nid: b\0\ndata\n\n"
EVENTS = [
    {"type": "change", "data": "{\n}", "id": "1"},
    {"type": "message", "data": "a", "id": "1"},
    {"type": "message", "data": "", "id": "1"},
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_an_event_stream_is_parsed_in_pieces_of_any_size(run_module: RunModule, size: int) -> None:
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert (
        run_module(
            "lib/sse-parser.js",
            "(() => { const parse = m.createSseParser(); return a.flatMap(parse); })()",
            pieces,
        )
        == EVENTS
    )


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, ""),
        (0.04, "0 ms"),
        (3.14, "3.1 ms"),
        (9.97, "10 ms"),
        (320.4, "320 ms"),
        (999.6, "1 s"),
        (1240, "1.24 s"),
        (12340, "12.3 s"),
        (59990, "1 min"),
        (125000, "2 min 5 s"),
        (3_600_000, "1 h"),
        (5_430_000, "1 h 31 min"),
    ],
)
def test_a_duration_has_few_digits_and_a_unit(run_module: RunModule, ms: float | None, text: str) -> None:
    assert run_module("lib/format.js", "m.formatDuration(a)", ms) == text


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ({"status": 201, "ended": "finished"}, "ok"),
        ({"status": 201, "ended": None}, "open"),
        ({"status": 504, "ended": None}, "open"),
        ({"status": 429, "ended": "finished"}, "limited"),
        ({"status": 402, "ended": "finished"}, "refused"),
        ({"status": 503, "ended": "finished"}, "failed"),
        ({"status": 200, "ended": "dropped"}, "cut"),
        ({"status": 200, "ended": "closed"}, "cut"),
        ({"status": 200, "ended": "left"}, "left"),
        ({"status": 200, "ended": "finished", "fault": "truncated_json@2"}, "malformed"),
        ({"status": 200, "ended": "finished", "fault": "slow=20"}, "ok"),
    ],
)
def test_an_outcome_is_one_of_a_few_kinds(run_module: RunModule, request_: dict[str, Any], kind: str) -> None:
    fields = {"fault": None, "first_byte_ms": 1, **request_}
    assert run_module("data/outcome.js", "[m.outcomeOf(a).kind, m.isFailure(a)]", fields) == [
        kind,
        kind not in ("ok", "open"),
    ]


def test_a_hash_is_formatted_and_parsed(run_module: RunModule) -> None:
    route = {"view": "requests", "query": {"q": "a b&c", "status": "5xx"}}
    assert run_module("lib/hash-route.js", "m.parseHash(m.formatHash(a.view, a.query))", route) == route
    assert run_module("lib/hash-route.js", "m.formatHash('requests', {q: ''})") == "#/requests"


def test_the_store_keeps_the_newest_requests_and_reopens_none(run_module: RunModule) -> None:
    script = """(() => {
      const store = new m.RequestStore(2);
      const one = (number, ended) => ({id: `r${number}`, number, ended, arrived: "2026-01-01T00:00:00Z",
                                       session: `s${number}`, total_ms: ended ? 5 : null});
      store.put(one(1, "finished"));
      store.put(one(1, null));
      const kept = store.requests[0].ended;
      store.load([one(3, null), one(2, null)]);
      const ids = store.requests.map((one) => one.id);
      store.clear("s3");
      return [kept, ids, store.requests.length];
    })()"""
    assert run_module("data/request-store.js", script) == ["finished", ["r2", "r3"], 1]


def attempt(at: int, status: int = 503, took: int | None = 10, **more: Any) -> dict[str, Any]:
    """Return a stored request, by default a failed one without a retry count."""
    fields = {"session": "s", "vendor": "v", "path": "/p", "digest": "d", "attempt": 0, "fault": None}
    fields |= {
        "retry_after_ms": None,
        "first_byte_ms": 1,
        "frames_ms": [],
        "ended": "finished" if took else None,
    }
    return {"id": f"r{at}", "at": at, "end": at + took if took else None, "status": status, **fields, **more}


def test_requests_are_grouped_as_the_server_says(run_module: RunModule) -> None:
    requests = [attempt(at) for at in range(5)]
    expression = "m.groupRetries(a, new Map([['r0', 'r0'], ['r1', 'r1'], ['r3', 'r0']]))"
    calls = run_module(
        "data/retry-groups.js", f"{expression}.map((call) => call.attempts.map(({{ id }}) => id))", requests
    )
    assert calls == [["r0", "r3"], ["r1"], ["r2"], ["r4"]]


def test_a_poller_waits_between_two_reads_unless_it_may_not(run_module: RunModule) -> None:
    script = """(async () => {
      let count = 0;
      let done = () => {};
      const refresh = m.createPoller(async () => { count += 1; done(); }, 600_000);
      const read = (mayNotWait) => new Promise((resolve) => { done = resolve; refresh(mayNotWait); });
      await read();
      await new Promise((resolve) => setTimeout(resolve));
      refresh();
      refresh();
      const inPause = await new Promise((resolve) => setTimeout(() => resolve(count), 5));
      await read(true);
      return [inPause, count];
    })()"""
    assert run_module("lib/poller.js", script) == [1, 2]


def test_a_filter_is_applied_at_once_however_long_the_last_answer_took(run_module: RunModule) -> None:
    script = """(async () => {
      const { RequestStore } = await import("./data/request-store.js");
      const before = [window.fetch, performance.now];
      let now = 0;
      let done = () => {};
      performance.now = () => now;
      window.fetch = async () => {
        now += 3_600_000;
        return Response.json({ total: 0, matching: 0, newer: 0, requests: [] });
      };
      const list = new m.RequestList(new RequestStore(), () => done());
      try {
        for (const q of ["first", "second"]) {
          const read = new Promise((resolve) => { done = resolve; });
          list.select({ q, session: "", vendor: "", status: "" });
          await Promise.race([read, new Promise((_, fail) => setTimeout(fail, 10_000, new Error(`${q} is late`)))]);
          await new Promise((resolve) => setTimeout(resolve));
        }
      } finally {
        [window.fetch, performance.now] = before;
      }
      return list.isLoaded;
    })()"""
    assert run_module("data/request-list.js", script) is True


ASSESSMENTS: dict[str, tuple[bool | None, list[tuple[int, int | None]]]] = {
    # The times of the attempts, and the Retry-After of each; each takes ten milliseconds.
    "": (None, [(0, None)]),
    "retries": (None, [(0, None), (20, None)]),
    "no backoff": (False, [(0, None), (20, None), (40, None)]),
    "honours Retry-After": (True, [(0, 1000), (1000, None)]),
    "ignores Retry-After": (False, [(0, 1000), (1012, 1000), (1300, None)]),
    "backs off": (True, [(0, None), (510, None), (1520, None), (3530, None)]),
}


@pytest.mark.parametrize("text", ASSESSMENTS)
def test_retry_behaviour_is_assessed(run_module: RunModule, text: str) -> None:
    good, script = ASSESSMENTS[text]
    requests = [attempt(at, retry_after_ms=asked) for at, asked in script]
    assert run_module(
        "data/retry-groups.js",
        "m.groupRetries(a, new Map(a.map((one) => [one.id, 'r0']))).map((call) => call.assessment)",
        requests,
    ) == [{"isGood": good, "text": text}]


PENDING: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "rate limited": (
        {"status": 429, "retry_after_ms": 2000},
        {"from": 10, "requested": 2000, "until": 12_010},
    ),
    "failed": ({}, {"from": 10, "requested": None, "until": 10_010}),
    "refused": ({"status": 401}, None),
    "refused, with Retry-After": (
        {"status": 402, "retry_after_ms": 9},
        {"from": 10, "requested": 9, "until": 10},
    ),
    "sent by hand": ({"by_hand": True}, None),
    "malformed": ({"status": 200, "fault": "truncated_json@2"}, None),
    "answered": ({"status": 200}, None),
    "open": ({"took": None}, None),
}


@pytest.mark.parametrize("name", PENDING)
def test_a_call_that_may_be_retried_has_a_pending_wait(run_module: RunModule, name: str) -> None:
    fields, pending = PENDING[name]
    assert (
        run_module("data/retry-groups.js", "m.groupRetries(a, new Map())[0].pending", [attempt(0, **fields)])
        == pending
    )


@pytest.mark.parametrize(("ms", "length"), [(3, 50), (50, 50), (2600, 3000), (5_000_000, 7_200_000)])
def test_an_axis_has_one_of_a_few_lengths(run_module: RunModule, ms: int, length: int) -> None:
    assert run_module("lib/time-axis.js", "m.axisLength(a)", ms) == length


@pytest.mark.parametrize(
    ("of", "at"),
    [
        ((0, 5000, 500), [0, 1000, 2000, 3000, 4000, 5000]),
        ((0, 3000, 90), [0]),
        ((12_340, 3000, 400), [13_000, 14_000, 15_000]),
    ],
)
def test_ticks_are_at_round_times_with_space_between_them(
    run_module: RunModule, of: tuple[int, ...], at: list[int]
) -> None:
    assert run_module("lib/time-axis.js", "m.axisTicks(...a)", of) == at


IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,AA=="}
SAID = [
    {"type": "reasoning", "summary": [{"text": "Let me see."}]},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Fine."}]},
    {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
]
DELTAS = [{"type": "response.output_text.delta", "delta": delta} for delta in ("Fi", "ne.")]


@pytest.mark.parametrize(
    ("body", "response", "messages"),
    [
        ({"input": "Hello"}, None, ["user: Hello"]),
        ({"input": ["Hello", [1, 2]]}, {"body": '{"data": []}'}, ["user: Hello"]),
        (
            {
                "instructions": "Be brief.",
                "input": [
                    {"role": "user", "content": [{"type": "input_text", "text": "Hello"}, IMAGE]},
                    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                    {"type": "function_call_output", "call_id": "c", "output": "Sunny"},
                    {"type": "item_reference", "id": "i"},
                ],
            },
            {"body": json.dumps({"output": SAID})},
            [
                *("system: Be brief.", "user: Hello +image", "assistant: f({})", "tool c: Sunny"),
                *("assistant: (Let me see.)", "assistant: Fine.", "assistant: No."),
            ],
        ),
        ({"input": "Hello"}, {"events": DELTAS}, ["user: Hello", "assistant: Fine."]),
        (
            {"input": "Hello"},
            {"events": [*DELTAS, {"type": "response.completed", "response": {"output": SAID[1:2]}}]},
            ["user: Hello", "assistant: Fine."],
        ),
    ],
    ids=["text", "embeddings", "items", "a stream that broke off", "a stream"],
)
def test_responses_are_a_conversation(
    run_module: RunModule, body: Any, response: Any, messages: list[str]
) -> None:
    if response and "events" in response:
        response["events"] = [{"at_ms": 1, "data": json.dumps(event)} for event in response["events"]]
    show = """m.buildConversation(a).map(({role, name, text, reasoning, toolCalls, images}) => [
        `${role}${name && " " + name}:`, text, reasoning && `(${reasoning})`,
        ...toolCalls.map((call) => `${call.name}(${call.arguments})`), ...images.map(() => "+image"),
    ].filter(Boolean).join(" "))"""
    detail = {"request": {"body": body}, "response": response}
    assert run_module("data/conversation.js", show, detail) == messages
    if response and "events" in response:
        assert run_module("data/conversation.js", "m.firstTokenMs(a.response)", detail) == 1
