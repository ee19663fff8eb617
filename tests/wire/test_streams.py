"""Streams keep their times: a silence is never cut short, and what is due goes out without delay."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import fold_chunks

if TYPE_CHECKING:
    from mockserver.testing import MockServer
    from tests.conftest import Client, MakeClient, StartServer

EARLY = 0.002  # seconds: the event loop's clock is that coarse
LATE = 5  # seconds that a busy machine may take

FIXTURES = """
fixtures:
  - {name: ttft, match: {user: {equals: ttft}}, response: {text: One two three, stream: {ttft: 120ms}}}
  - {name: tps, match: {user: {equals: tps}}, response: {text: One two three four five six, stream: {tps: 40}}}
  - name: jitter
    match: {user: {equals: jitter}}
    response: {text: One two three four five six, stream: {tps: 40, jitter: 50%}}
  - {name: token, match: {user: {equals: token}}, response: {text: "Unbelievable, über 1234!"}}
  - {name: word, match: {user: {equals: word}}, response: {text: "A b  c", stream: {chunk: word}}}
  - {name: char, match: {user: {equals: char}}, response: {text: héé👩‍👩‍👧, stream: {chunk: char}}}
  - {name: chars, match: {user: {equals: chars}}, response: {text: abcdefgh, stream: {chunk: {chars: 3}}}}
  - {name: whole, match: {user: {equals: whole}}, response: {text: All at once., stream: {chunk: whole}}}
  - name: chunks
    match: {user: {equals: chunks}}
    response: {chunks: [Hel, lo, {delay: 80ms}, " wor", ld, {delay: 60ms}]}
  - {name: delay, match: {user: {equals: delay}}, response: {delay: 100ms, text: Late., stream: {ttft: 50ms}}}
  - {name: long, match: {user: {equals: long}}, response: {chunks: [First, {delay: 30s}, last]}}
  - {name: late, match: {user: {equals: late}}, response: {delay: 30s, text: Too late.}}
  - {name: silent, match: {user: {equals: silent}}, response: {chunks: [Wait, {delay: 190ms}, for it]}}
  - {name: raw, match: {user: {equals: raw}}, response: {raw: {sse: ["data: 1", "", {delay: 80ms}, "data: 2", ""]}}}
  - name: ideas
    match: {user: {equals: ideas}}
    response: {choices: [One two three., {text: Four.}], stream: {tps: 100}}
  - name: thinks
    match: {user: {equals: thinks}}
    response: {reasoning: First this. Then that., text: So it is., stream: {tps: 200}}
  - name: tools
    match: {user: {equals: tools}}
    response: {tool_calls: [{id: call_1, name: get_weather, arguments: {city: Paris}}, {id: call_2, name: now}]}
  - name: tools and text
    match: {user: {equals: tools and text}}
    response: {text: Let me see., tool_calls: [{id: call_1, name: now}]}
"""
# Omixa's, with a heart that beats faster than a test can wait for.
BEATING = "{extends: omixa, name: beating, stream: {heartbeat: 50ms}}"


@pytest.fixture(scope="module")
def paced(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES, BEATING)


@pytest.fixture
def client(make_client: MakeClient, paced: MockServer) -> Client:
    return make_client(paced)


def test_nothing_is_said_before_the_time_to_the_first_token(client: Client) -> None:
    first, *rest = times_of(client, "ttft")
    assert 0.12 - EARLY <= first <= 0.12 + LATE
    assert rest[-1] - first <= LATE


def test_tokens_come_at_their_rate_and_do_not_drift(client: Client) -> None:
    times = times_of(client, "tps", b'"content":"', not_empty=True)
    assert len(times) == 6
    for number, moment in enumerate(times):
        assert number / 40 - EARLY <= moment <= number / 40 + LATE


def test_jitter_keeps_a_stream_within_its_bounds(client: Client) -> None:
    times = times_of(client, "jitter", b'"content":"', not_empty=True)
    assert 5 * 0.5 / 40 - EARLY <= times[-1] <= 5 * 1.5 / 40 + LATE


@pytest.mark.parametrize(
    ("said", "pieces"),
    [
        ("word", ["A", " b", "  c"]),
        ("char", ["h", "é", "é", "👩‍👩‍👧"]),
        ("chars", ["abc", "def", "gh"]),
        ("whole", ["All at once."]),
        ("chunks", ["Hel", "lo", " wor", "ld"]),
    ],
)
def test_a_chunk_is_what_the_fixture_says_it_is(client: Client, said: str, pieces: list[str]) -> None:
    assert contents(client.chat("segmind", said, stream=True).chunks) == pieces


def test_a_chunk_is_a_token_unless_the_fixture_says_otherwise(client: Client) -> None:
    reply = client.chat("segmind", "token", stream=True, stream_options={"include_usage": True})
    pieces = contents(reply.chunks)
    assert "".join(pieces) == "Unbelievable, über 1234!"
    assert len(pieces) == reply.chunks[-1]["usage"]["completion_tokens"] > 5


def test_silences_are_where_they_are_written_and_the_last_one_is_before_the_end(client: Client) -> None:
    reply = client.chat("aimlapi", "chunks", stream=True)
    [lo], [wor], [ld] = (reply.arrival_times(f'"content":"{part}"'.encode()) for part in ("lo", " wor", "ld"))
    assert lo <= LATE
    [end] = reply.arrival_times(b'"finish_reason":"stop"')
    assert 0.08 - EARLY <= wor <= 0.08 + LATE
    assert 0.14 - EARLY <= end <= 0.14 + LATE
    assert ld <= end


def test_a_silence_before_the_status_comes_on_top_of_the_first_tokens_time(client: Client) -> None:
    first = times_of(client, "delay")[0]
    assert 0.15 - EARLY <= first <= 0.15 + LATE
    [entry] = client.wait_for_entries(1)
    assert entry.delivery is not None
    assert entry.delivery.first_byte is not None
    assert 0.1 - EARLY <= entry.delivery.first_byte < first


def test_raw_lines_keep_their_silences(client: Client) -> None:
    reply = client.chat("omixa", "raw")
    [second] = reply.arrival_times(b"data: 2")
    assert 0.08 - EARLY <= second <= 0.08 + LATE


def test_a_plain_answer_does_not_wait_for_the_stream_it_would_have_been(client: Client) -> None:
    for said in ("ttft", "tps", "chunks"):
        client.chat("omixa", said)
    answers = [entry.answer for entry in client.wait_for_entries(3)]
    assert all(answer and not any(frame.wait for frame in answer.frames) for answer in answers)
    assert not any(answer.wait for answer in answers if answer)


def test_a_client_that_leaves_a_stream_is_noticed_at_once(client: Client) -> None:
    response = client.send("aimlapi", "long", stream=True)
    assert b"First" in response.read1()
    response.close()
    client.connection.close()
    left(client)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "body"])
def test_a_client_that_leaves_before_the_first_byte_is_noticed_at_once(client: Client, stream: bool) -> None:
    client.connection.timeout = 0.05
    with pytest.raises(TimeoutError):
        client.send("omixa", "late", stream=stream)
    client.connection.close()
    left(client)


def test_a_long_silence_has_a_heartbeat_and_no_event_more(client: Client) -> None:
    reply = client.chat("beating", "silent", stream=True)
    beats = reply.arrival_times(b": heartbeat")
    assert len(beats) == 3
    for number, moment in enumerate(beats, 1):
        assert 0.05 * number - EARLY <= moment <= 0.05 * number + LATE
    assert contents(reply.chunks) == ["Wait", "for it"]
    [last] = reply.arrival_times(b'"content":"for it"')
    assert 0.19 - EARLY <= last <= 0.19 + LATE


def test_nobody_else_has_a_heartbeat(client: Client) -> None:
    assert b"heartbeat" not in client.chat("aimlapi", "silent", stream=True).body


def test_choices_are_interleaved_and_end_together(client: Client) -> None:
    chunks = client.chat("omixa", "ideas", stream=True).chunks
    order = [chunk["choices"][0]["index"] for chunk in chunks]
    assert order == [0, 1, 0, 1, 0, 1, 0, 0, 0, 1]
    assert [one["message"]["content"] for one in fold_chunks(chunks)] == ["One two three.", "Four."]


def test_a_round_of_choices_takes_the_time_of_one_token(client: Client) -> None:
    reply = client.chat("omixa", "ideas", stream=True)
    [end] = [moment for moment, event in reply.arrivals if b"[DONE]" in event]
    assert 3 / 100 - EARLY <= end <= 3 / 100 + LATE


def test_thinking_comes_before_speaking_and_only_to_who_asks(client: Client) -> None:
    chunks = client.chat("omixa", "thinks", stream=True, show_thinking=True).chunks
    keys = [next(iter(chunk["choices"][0]["delta"]), "") for chunk in chunks]
    assert keys == ["role", *["reasoning_content"] * 6, *["content"] * 4, ""]
    assert fold_chunks(chunks)[0]["message"]["reasoning_content"] == "First this. Then that."
    for asked in (None, False):
        reply = client.chat("omixa", "thinks", stream=True, show_thinking=asked)
        assert b"reasoning_content" not in reply.body
    for vendor in ("aimlapi", "segmind"):
        reply = client.chat(vendor, "thinks", stream=True, show_thinking=True)
        assert b"reasoning_content" not in reply.body


def test_a_model_that_thinks_aloud_is_not_asked_to(client: Client) -> None:
    model = "alibaba/qwen3-32b"
    chunks = client.chat("aimlapi", "thinks", stream=True, model=model).chunks
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert list(deltas[1].items()) == [("content", None), ("refusal", None), ("reasoning_content", "First")]
    assert list(deltas[-2].items()) == [("content", "."), ("reasoning_content", None)]
    plain = client.chat("aimlapi", "thinks", model=model).json["choices"][0]["message"]
    assert list(plain)[:3] == ["role", "content", "reasoning_content"]
    assert fold_chunks(chunks)[0]["message"]["reasoning_content"] == plain["reasoning_content"]


@pytest.mark.parametrize("vendor", ["aimlapi", "omixa"])
def test_calls_of_tools_come_in_fragments_as_openai_sends_them(client: Client, vendor: str) -> None:
    opening, *calls, end = [chunk["choices"][0] for chunk in client.chat(vendor, "tools", stream=True).chunks]
    assert opening["delta"]["role"] == "assistant"
    assert opening["delta"]["content"] is None
    assert (end["delta"], end["finish_reason"]) == ({}, "tool_calls")
    fragments = [call["delta"]["tool_calls"] for call in calls]
    assert all(
        len(one) == 1 and list(call["delta"]) == ["tool_calls"]
        for one, call in zip(fragments, calls, strict=True)
    )
    assert [one[0] for one in fragments] == [
        {
            "index": 0,
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": ""},
        },
        {"index": 0, "function": {"arguments": '{"'}},
        {"index": 0, "function": {"arguments": "city"}},
        {"index": 0, "function": {"arguments": '":"'}},
        {"index": 0, "function": {"arguments": "Paris"}},
        {"index": 0, "function": {"arguments": '"}'}},
        {"index": 1, "id": "call_2", "type": "function", "function": {"name": "now", "arguments": ""}},
        {"index": 1, "function": {"arguments": "{}"}},
    ]


def test_a_text_beside_a_call_comes_before_it(client: Client) -> None:
    chunks = client.chat("omixa", "tools and text", stream=True).chunks
    assert chunks[0]["choices"][0]["delta"]["content"] == ""
    assert fold_chunks(chunks)[0]["message"]["content"] == "Let me see."
    assert "tool_calls" in chunks[-2]["choices"][0]["delta"]


def test_events_come_in_the_order_in_which_they_were_written(client: Client) -> None:
    reply = client.chat("omixa", "tps", stream=True)
    assert all(earlier <= later for (earlier, _), (later, _) in pairwise(reply.arrivals))


def left(client: Client) -> None:
    """The journal says, long before the answer would have ended, that its client left."""
    [entry] = client.wait_for_entries(1)
    assert entry.delivery is not None
    assert entry.delivery.end_reason == "left"
    assert entry.delivery.seconds < 10


def times_of(client: Client, said: str, *words: bytes, not_empty: bool = False) -> list[float]:
    """When the events of a stream arrived, by what they contain."""
    reply = client.chat("aimlapi", said, stream=True)
    return [
        moment
        for moment, event in reply.arrivals
        if all(word in event for word in words) and not (not_empty and b'"content":""' in event)
    ]


def contents(chunks: list[dict[str, Any]]) -> list[str]:
    """The texts of a stream's chunks, the empty opening left out."""
    texts = [choice["delta"].get("content") for chunk in chunks for choice in chunk["choices"]]
    return [text for text in texts if text]


@pytest.mark.parametrize(("generation", "has_meta"), [("2024", False), ("2026-01", False), ("2026-08", True)])
def test_only_the_last_generation_says_at_its_end_what_was_spent(
    start_server: StartServer, make_client: MakeClient, generation: str, has_meta: bool
) -> None:
    server = start_server(
        "fixtures: [{match: {}, response: Hi}]", f"extends: aimlapi\nenvelope: '{generation}'\n", seed=1
    )
    client = make_client(server)
    chunks = client.chat(stream=True, stream_options={"include_usage": True}).chunks
    assert ["meta" in chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [has_meta]
    assert chunks[-1].get("meta") == (client.chat().json["meta"] if has_meta else None)
