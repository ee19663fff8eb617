"""A response becomes an answer: the same choices as one body or as chunks, counted, cut, paced, repeatable."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.fixtures.response_spec import RESPONSE, ResponseSpec
from mockserver.rendering.completion import render_completion
from mockserver.rendering.generated_response import generate_response
from mockserver.rendering.pacing import LazyRandom
from mockserver.request.chat_request import ChatRequest, RequestReader
from mockserver.request.request_head import read_head, route_head
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import document_from_value
from mockserver.server.app import load_vendors
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.sse import SSE_HEADERS, parse_sse_event
from tests.conftest import PATHS, drop_empty, fold_chunks

DIRECTORY = load_vendors()
Json = dict[str, Any]
COUNTED = {"include_usage": True}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


# What a response says


def test_what_the_fixture_states_stands_in_body_and_chunks_alike() -> None:
    stated = {"text": "Hi", "id": "chat-1", "created": 7, "model": "mine", "system_fingerprint": "fp_1"}
    body, chunks = both("aimlapi", stated)
    for one in (body, *chunks):
        assert [one[key] for key in ("id", "created", "model", "system_fingerprint")] == [
            "chat-1",
            7,
            "mine",
            "fp_1",
        ]


def test_what_it_does_not_state_is_the_vendors() -> None:
    body = plain("aimlapi", {"text": "Hi"})
    assert body["model"] == "o1-preview-2024-09-12"
    assert body["system_fingerprint"] == "fp_c85cae2a90"
    assert plain("omixa", {"text": "Hi"}, model="some-model")["model"] == "some-model"
    assert "system_fingerprint" not in plain("segmind", {"text": "Hi"})


@pytest.mark.parametrize("stream", [False, True], ids=["body", "stream"])
def test_status_and_headers_of_the_fixture_replace_the_vendors(stream: bool) -> None:
    stated = {"text": "Hi", "status": 202, "headers": {"X-Request-Id": "mine", "x-more": "yes"}}
    answer = rendered("aimlapi", stated, stream=stream)
    assert answer.status == 202
    assert [value for name, value in answer.headers if name.lower() == "x-request-id"] == ["mine"]
    assert ("x-more", "yes") in answer.headers


def test_an_error_is_the_vendors_envelope_with_the_fixtures_words() -> None:
    stated = {"error": 429, "message": "Slow down.", "code": "slow", "retry_after": "1500ms", "delay": "2s"}
    answer = rendered("omixa", stated, stream=True)
    assert json.loads(answer.frames[0].data)["error"] == {
        "message": "Slow down.",
        "type": "rate_limit_error",
        "code": "slow",
    }
    headers = dict(answer.headers)
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("2", "1500")
    assert (answer.status, answer.wait) == (429, 2)
    assert not answer.streamed


def test_empty_texts_and_zeros_are_sent_as_written() -> None:
    counts = dict.fromkeys(("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"), 0)
    stated = {"text": "", "finish_reason": "", "id": "", "model": "", "created": 0}
    body, chunks = both(
        "aimlapi", stated | {"system_fingerprint": "", "usage": counts}, stream_options=COUNTED
    )
    for one in (body, *chunks):
        assert [one[key] for key in ("id", "model", "created", "system_fingerprint")] == ["", "", 0, ""]
    for last in (body, chunks[-2]):
        assert last["choices"][0]["finish_reason"] == ""
    for usage in (body["usage"], chunks[-1]["usage"]):
        assert usage["total_tokens"] == usage["completion_tokens_details"]["reasoning_tokens"] == 0


def test_an_empty_tool_call_refusal_and_reasoning_are_sent_as_written() -> None:
    call = {"name": "", "arguments": "", "id": ""}
    for vendor in ("aimlapi", "omixa"):
        body, chunks = both(vendor, {"tool_calls": [call]})
        expected = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        assert body["choices"][0]["message"]["tool_calls"] == [expected]
        assert chunks[1]["choices"][0]["delta"]["tool_calls"] == [{"index": 0, **expected}]
    body, chunks = both("omixa", {"refusal": "", "reasoning": ""}, show_thinking=True)
    assert {"refusal": "", "reasoning_content": ""}.items() <= body["choices"][0]["message"].items()
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[1:-1] == [{"reasoning_content": ""}, {"refusal": ""}]


def test_an_empty_reasoning_has_no_tokens_and_an_absent_one_an_estimate() -> None:
    details = [
        plain("aimlapi", {"text": "Hi", **reasoning})["usage"]["completion_tokens_details"]
        for reasoning in ({"reasoning": ""}, {})
    ]
    assert details[0]["reasoning_tokens"] == 0
    assert details[1]["reasoning_tokens"] > 0


def test_an_empty_usage_is_sent_as_written() -> None:
    body, chunks = both("omixa", {"text": "Hi", "usage": {}}, stream_options=COUNTED)
    assert body["usage"] == chunks[-1]["usage"] == {}
    assert chunks[-2]["usage"] is None


def test_an_error_is_sent_with_an_empty_message_and_code() -> None:
    answer = rendered("omixa", {"error": 429, "message": "", "code": "", "retry_after": "0s"})
    assert json.loads(answer.frames[0].data)["error"] == {
        "message": "",
        "type": "rate_limit_error",
        "code": "",
    }
    assert dict(answer.headers)["retry-after"] == "0"


def test_an_error_may_have_a_status_of_its_own() -> None:
    assert rendered("aimlapi", {"error": "rate_limited", "status": 503}).status == 503


def test_a_raw_body_has_no_header_but_its_type_and_its_own() -> None:
    answer = rendered("omixa", {"raw": {"body": "{}"}})
    assert answer.headers == (("content-type", "application/json"),)
    assert answer.frames[0].data == b"{}"
    answer = rendered("omixa", {"raw": {"status": 500, "headers": {"Content-Type": "text/plain"}}})
    assert answer.headers == (("Content-Type", "text/plain"),)
    assert (answer.status, answer.frames[0].data) == (500, b"")


def test_a_raw_response_may_have_a_body_and_a_stream() -> None:
    own = {"x-a": "b", "Content-Type": "text/plain"}  # the type is that of the body
    stated = {"raw": {"status": 202, "body": "{}", "sse": ["data: 1"], "headers": own}}
    plain_answer, stream = rendered("omixa", stated), rendered("omixa", stated, stream=True)
    assert [frame.data for frame in plain_answer.frames] == [b"{}"]
    assert plain_answer.headers == tuple(own.items())
    assert [frame.data for frame in stream.frames] == [b"data: 1\n"]
    assert stream.headers == (*SSE_HEADERS, ("x-a", "b"))
    assert (plain_answer.status, stream.status) == (202, 202)


def test_raw_lines_are_frames_and_the_last_silence_is_one_too() -> None:
    answer = rendered(
        "omixa", {"raw": {"sse": ["data: 1", "", {"delay": "1s"}, {"delay": "2s"}, ":", {"delay": "4s"}]}}
    )
    assert [(frame.data, frame.wait) for frame in answer.frames] == [
        (b"data: 1\n", 0),
        (b"\n", 0),
        (b":\n", 3),
        (b"", 4),
    ]
    assert answer.headers == SSE_HEADERS
    assert answer.streamed


def test_a_text_is_given_as_often_as_asked_and_written_choices_as_written() -> None:
    assert [one["message"]["content"] for one in plain("omixa", {"text": "Hi"}, n=3)["choices"]] == ["Hi"] * 3
    assert len(plain("omixa", {"text": "Hi"}, n=None)["choices"]) == 1
    assert len(plain("omixa", {"choices": ["One", "Two"]}, n=3)["choices"]) == 2


def test_each_call_of_a_tool_has_an_id_of_its_own_unless_one_is_written() -> None:
    made = {
        "tool_calls": [{"name": "a"}, {"name": "a"}, {"name": "a", "id": "mine", "arguments": "not JSON"}]
    }
    found = [call for one in plain("omixa", made, n=2)["choices"] for call in one["message"]["tool_calls"]]
    assert len({call["id"] for call in found}) == 5
    assert found[0]["function"] == {"name": "a", "arguments": "{}"}
    assert found[2] == {"id": "mine", "type": "function", "function": {"name": "a", "arguments": "not JSON"}}


@pytest.mark.parametrize(
    "stated", [{"tool_calls": [{"name": "a"}]}, {"refusal": "No."}, {"reasoning": "Hm."}]
)
def test_no_text_is_null_but_where_the_vendor_wants_text(stated: Json) -> None:
    for vendor, nothing in (("aimlapi", ""), ("segmind", None), ("omixa", None)):
        body, chunks = both(vendor, stated)
        assert body["choices"][0]["message"]["content"] == nothing
        assert chunks[0]["choices"][0]["delta"]["content"] is None


def test_an_empty_text_is_a_text() -> None:
    body, chunks = both("omixa", {"text": ""})
    assert body["choices"][0]["message"]["content"] == ""
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [{"role": "assistant", "content": ""}, {}]


def test_a_refusal_is_printed_by_every_vendor_and_its_absence_by_one() -> None:
    assert plain("aimlapi", {"text": "Hi"})["choices"][0]["message"]["refusal"] is None
    for vendor in ("segmind", "omixa"):
        assert "refusal" not in plain(vendor, {"text": "Hi"})["choices"][0]["message"]
        assert plain(vendor, {"refusal": "No."})["choices"][0]["message"]["refusal"] == "No."


def test_the_finish_reason_is_written_or_follows_from_what_is_said() -> None:
    assert reason({"text": "Hi"}) == "stop"
    assert reason({"tool_calls": [{"name": "a"}]}) == "tool_calls"
    assert reason({"text": "Hi", "finish_reason": "content_filter"}) == "content_filter"


# What the request lets through


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"max_tokens": 2}, ("One two", "length")),
        ({"max_completion_tokens": 1, "max_tokens": 2}, ("One", "length")),
        ({"max_tokens": 4}, ("One two three.", "content_filter")),
        ({"max_tokens": 0}, ("One two three.", "content_filter")),
        ({"max_tokens": -1}, ("One two three.", "content_filter")),
        ({"max_tokens": 0.5}, ("One two three.", "content_filter")),
        ({"max_tokens": 1e300}, ("One two three.", "content_filter")),
        ({"max_tokens": None}, ("One two three.", "content_filter")),
        ({"stop": " three"}, ("One two", "stop")),
        ({"stop": ["four", " two", 2, None]}, ("One", "stop")),
        ({"stop": " three", "max_tokens": 1}, ("One", "length")),
        ({"stop": []}, ("One two three.", "content_filter")),
    ],
)
def test_a_text_is_cut_where_the_request_says_and_the_reason_says_why(
    asked: Json, said: tuple[str, str]
) -> None:
    stated = {"text": "One two three.", "finish_reason": "content_filter"}
    body, chunks = both("omixa", stated, **asked)
    choice = body["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == said
    assert fold_chunks(chunks) == drop_empty(body["choices"])


def test_own_chunks_are_cut_with_their_text_and_their_later_silences_are_not_waited_for() -> None:
    stated = {"chunks": ["Hel", {"delay": "1s"}, "lo world", {"delay": "9s"}, "!"]}
    answer = rendered("segmind", stated, stream=True, stop=" world")
    assert [frame.wait for frame in answer.frames] == [0, 0, 1, 0, 0]
    assert [choice["delta"].get("content") for choice in choices(answer)] == ["", "Hel", "lo", None]
    assert choices(answer)[-1]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("stated", "asked"),
    [
        ({"json": {"a": "b c d e"}}, {}),
        ({"text": '{"a": "b c d e"}'}, {"response_format": {"type": "json_object"}}),
        ({"text": "Let me see the weather.", "tool_calls": [{"name": "a", "arguments": {"b": "c"}}]}, {}),
        ({"tool_calls": [{"name": "a", "arguments": {"b": "c d e f"}}]}, {}),
        ({"refusal": "I cannot help with that."}, {}),
    ],
)
def test_what_is_of_no_use_in_half_is_given_whole(stated: Json, asked: Json) -> None:
    free, limited = plain("omixa", stated, **asked), plain("omixa", stated, max_tokens=1, stop=["e"], **asked)
    assert unnumbered(limited) == unnumbered(free)


def test_a_chunk_that_is_all_of_the_text_is_cut_too() -> None:
    body, chunks = both("omixa", {"chunks": ["One two three."]}, max_tokens=2)
    assert fold_chunks(chunks) == drop_empty(body["choices"])
    assert body["choices"][0]["message"]["content"] == "One two"


# What it costs


def test_stated_usage_is_worded_by_the_vendor() -> None:
    stated = {
        "text": "Hi",
        "usage": {"prompt_tokens": 9, "completion_tokens": 86, "reasoning_tokens": 64, "cached_tokens": 2},
    }
    usage = plain("aimlapi", stated, model="o1-mini")["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (57, 2167, 2224)
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 64
    assert usage["prompt_tokens_details"]["cached_tokens"] == 2


@pytest.mark.parametrize(("stated", "reasoning"), [(1000, 256), (50, 49), (1, 0), (0, 0)])
def test_reasoning_that_is_not_stated_is_no_more_than_the_rest_of_what_is(
    stated: int, reasoning: int
) -> None:
    usage = plain("aimlapi", {"text": "Hi", "usage": {"completion_tokens": stated}})["usage"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] == reasoning


@pytest.mark.parametrize(
    ("effort", "reasoning"), [({}, 256), ({"reasoning_effort": "low"}, 64), ({"reasoning_effort": None}, 256)]
)
def test_reasoning_that_nobody_wrote_is_what_the_effort_makes_likely(effort: Json, reasoning: int) -> None:
    assert plain("omixa", {"text": "Hi"}, **effort)["usage"]["completion_tokens"] == 1 + reasoning
    assert plain("segmind", {"text": "Hi"}, **effort)["usage"]["completion_tokens"] == 1


def test_reasoning_that_is_written_is_counted_heard_or_not() -> None:
    stated = {"text": "Hi", "reasoning": "one two three"}
    for vendor in ("segmind", "omixa"):
        for asked in ({"show_thinking": True}, {}):
            assert plain(vendor, stated, **asked)["usage"]["completion_tokens"] == 1 + 3


def test_everything_that_is_said_is_counted_and_what_was_cut_is_not() -> None:
    assert spoken({"text": "One two"}) == 2
    assert spoken({"text": "One two"}, n=2) == 4
    assert spoken({"text": "One two three"}, max_tokens=2) == 2
    assert spoken({"refusal": "No way"}) == 2
    assert spoken({"tool_calls": [{"name": "now", "arguments": "{}"}]}) == 2
    assert spoken({"reasoning": ""}) == 0


def test_the_usage_chunk_comes_when_asked_for_and_only_then() -> None:
    for options in (None, {}, {"include_usage": False}, {"include_usage": None}):
        assert all(
            "usage" not in chunk for chunk in streamed("omixa", {"text": "Hi"}, stream_options=options)
        )
    chunks = streamed("omixa", {"text": "Hi"}, stream_options=COUNTED)
    assert [chunk["usage"] is None for chunk in chunks] == [True, True, True, False]


# When it comes


def test_a_delay_is_a_silence_before_the_status() -> None:
    assert rendered("omixa", {"text": "Hi", "delay": "2s"}).wait == 2
    assert rendered("omixa", {"text": "Hi", "delay": "2s"}, stream=True).wait == 2


def test_a_pace_is_the_time_to_the_first_token_and_then_even_gaps() -> None:
    answer = rendered("aimlapi", {"text": "One two three", "stream": {"ttft": "1s", "tps": 10}}, stream=True)
    assert [frame.wait for frame in answer.frames] == pytest.approx([1, 0, 0.1, 0.1, 0, 0])


def test_jitter_varies_each_gap_within_its_bounds_and_the_same_way_again() -> None:
    stated = {"text": "a b c d e f g h", "stream": {"tps": 10, "jitter": "50%"}}
    gaps = [frame.wait for frame in rendered("aimlapi", stated, stream=True).frames][2:-2]
    assert len(set(gaps)) == 7
    assert all(0.05 <= gap <= 0.15 for gap in gaps)
    assert gaps == [frame.wait for frame in rendered("aimlapi", stated, stream=True).frames][2:-2]


def test_a_gap_is_drawn_for_each_chunk_and_may_have_a_jitter() -> None:
    stated = {"text": "a b c d", "stream": {"gap": "100ms"}}
    assert [frame.wait for frame in rendered("aimlapi", stated, stream=True).frames][2:-2] == [0.1] * 3
    stated = {"text": "a b c d", "stream": {"gap": {"median": "100ms", "p95": "100ms"}, "jitter": "1%"}}
    gaps = [frame.wait for frame in rendered("aimlapi", stated, stream=True).frames][2:-2]
    assert len(set(gaps)) == 3
    assert gaps == pytest.approx([0.1] * 3, rel=0.01)
    stated = {"text": "a b c d", "stream": {"gap": {"median": "100ms", "p95": "300ms"}}}
    assert len({frame.wait for frame in rendered("aimlapi", stated, stream=True).frames[2:-2]}) == 3


def test_the_opening_the_end_and_the_usage_are_no_chunks_that_a_person_counts() -> None:
    answer = rendered("aimlapi", {"text": "One two"}, stream=True, stream_options=COUNTED)
    assert [frame.chunk for frame in answer.frames] == [False, True, True, False, False, False]


def test_a_silence_after_the_last_chunk_is_before_the_end() -> None:
    answer = rendered("aimlapi", {"chunks": ["Hi", {"delay": "1s"}]}, stream=True)
    assert [frame.wait for frame in answer.frames] == [0, 0, 1, 0]


def test_empty_chunks_are_sent_as_they_stand() -> None:
    assert [
        one["delta"].get("content") for one in choices(rendered("omixa", {"chunks": ["", "a"]}, stream=True))
    ] == [
        "",
        "",
        "a",
        None,
    ]


@pytest.mark.parametrize(
    ("silence", "waits"),
    [("900ms", [0.9]), ("1s", [1]), ("2s", [1, 1]), ("2500ms", [1, 1, 0.5]), ("0ms", [0])],
)
def test_omixas_heart_beats_once_a_second_while_the_model_is_silent(silence: str, waits: list[float]) -> None:
    frames = rendered("omixa", {"chunks": ["a", {"delay": silence}, "b"]}, stream=True).frames
    frames = [frame for frame in frames if not is_padding(frame)][2:-2]
    assert [frame.wait for frame in frames] == pytest.approx(waits)
    assert [frame.data for frame in frames[:-1]] == [b": heartbeat\n\n"] * (len(waits) - 1)
    assert not any(frame.chunk for frame in frames[:-1])
    assert b'"content":"b"' in frames[-1].data


@pytest.mark.parametrize("silence", ["0ms", "3s"])
def test_omixas_padding_follows_the_first_event(silence: str) -> None:
    stated = {"text": "Hi", "stream": {"ttft": silence}}
    answer = rendered("omixa", stated, stream=True)
    events = [frame for frame in answer.frames if frame.data != b": heartbeat\n\n"]
    assert [len(frame.data) == 8192 for frame in events] == [False, True, False, False, False]
    assert parse_sse_event(events[0].data) is not None
    assert answer.piece_size == 128


# Laws


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
CHUNKS: st.SearchStrategy[object] = st.one_of(
    st.sampled_from(["token", "word", "char", "whole"]), st.builds(dict, chars=st.integers(1, 9))
)


@given(
    TEXTS,
    CHUNKS,
    st.sampled_from(["aimlapi", "segmind", "omixa"]),
    st.integers(1, 3),
    st.integers(0, 9),
    TEXTS,
)
def test_chunks_fold_to_the_body_whatever_is_said(
    text: str, chunk: object, vendor: str, n: int, most: int, stop: str
) -> None:
    stated = {"text": text, "stream": {"chunk": chunk}, "reasoning": "Hm, well."}
    body, chunks = both(
        vendor, stated, n=n, max_tokens=most, stop=stop, show_thinking=True, stream_options=COUNTED
    )
    assert fold_chunks(chunks) == drop_empty(body["choices"])
    assert chunks[-1]["usage"] == body["usage"]


@given(st.text(max_size=20))
def test_whatever_the_client_calls_its_model_chunks_are_json(model: str) -> None:
    for chunk in streamed(
        "omixa", {"text": "\0 null"}, model=model.encode("utf-8", "ignore").decode() + "\0"
    ):
        assert chunk["model"].endswith("\0")


# What is made up


def test_the_same_request_is_answered_the_same_and_another_seed_otherwise() -> None:
    assert improvised(seed=1) == improvised(seed=1)
    assert len({str(improvised(seed=seed)) for seed in range(5)}) > 1
    assert improvised(body={"seed": 1}) != improvised(body={"seed": 2})
    assert improvised(body={"model": "a"}) != improvised(body={"model": "b"})


def test_as_many_different_choices_are_made_up_as_are_asked_for() -> None:
    assert len(improvised().all_choices) == len(improvised(body={"n": None}).all_choices) == 1
    assert len({choice.text for choice in improvised(body={"n": 4}).all_choices}) == 4


def test_a_forced_tool_is_called_and_only_one_where_one_is_wanted() -> None:
    tools = [TOOL, {"type": "function", "function": {"name": "get_time"}}]
    asked = {"tools": tools, "tool_choice": "required"}
    [choice] = improvised("weather and time", body=asked).all_choices
    assert choice.text is None
    assert [made.name for made in choice.tool_calls or ()] == ["get_weather", "get_time"]
    for parallel, count in ((True, 2), ("no", 2), (False, 1)):
        [choice] = improvised("weather and time", body=asked | {"parallel_tool_calls": parallel}).all_choices
        assert len(choice.tool_calls or ()) == count


def test_a_tools_result_is_repeated_in_the_closing_text() -> None:
    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "tool", "name": "get_weather", "content": "21 °C"},
    ]
    [choice] = improvised(body={"messages": messages, "tools": [TOOL]}).all_choices
    assert "get_weather" in (choice.text or "")
    assert "21 °C" in (choice.text or "")
    assert choice.tool_calls is None


def asked(vendor: str, said: str = "Hello", **body: Any) -> ChatRequest:
    """A call as it arrives."""
    path = PATHS[vendor]
    scope = {"method": "POST", "path": path, "headers": [(b"host", b"x"), (b"authorization", b"Bearer key")]}
    text = orjson.dumps({"model": "o1-preview", "messages": [{"role": "user", "content": said}], **body})

    async def receive() -> Any:
        return {"type": "http.request", "body": text}

    origin = route_head(read_head(scope), DIRECTORY)
    assert origin is not None
    return asyncio.run(RequestReader(1 << 20).read(origin, receive))


def response(stated: object) -> ResponseSpec:
    """A response, from what would stand in a fixture."""
    read: ResponseSpec = read_document(RESPONSE, document_from_value(stated, "test"))
    return read


def rendered(vendor: str, stated: object, **body: Any) -> Answer:
    return render_completion(asked(vendor, **body), response(stated), LazyRandom(1))


def plain(vendor: str, stated: object, **body: Any) -> Json:
    whole: Json = json.loads(rendered(vendor, stated, **body).frames[0].data)
    return whole


def streamed(vendor: str, stated: object, **body: Any) -> list[Json]:
    frames = rendered(vendor, stated, stream=True, **body).frames
    *chunks, done = (parse_sse_event(frame.data) for frame in frames if not is_padding(frame))
    assert done == b"[DONE]"
    return [json.loads(chunk or b"") for chunk in chunks]


def is_padding(frame: Frame) -> bool:
    """Return whether a frame is the comment that fills the buffers of proxies."""
    return frame.data.startswith(b": ") and len(frame.data) > 1_000


def both(vendor: str, stated: object, **body: Any) -> tuple[Json, list[Json]]:
    return plain(vendor, stated, **body), streamed(vendor, stated, **body)


def choices(answer: Answer) -> list[Json]:
    frames = [frame for frame in answer.frames[:-1] if not is_padding(frame)]
    return [json.loads(parse_sse_event(frame.data) or b"")["choices"][0] for frame in frames]


def reason(stated: Json) -> str:
    word: str = plain("omixa", stated)["choices"][0]["finish_reason"]
    return word


def spoken(stated: Json, **body: Any) -> int:
    """The completion tokens of a vendor that counts no reasoning."""
    count: int = plain("segmind", stated, **body)["usage"]["completion_tokens"]
    return count


def unnumbered(body: Json) -> list[Json]:
    """Choices without the ids of their calls."""
    for choice in body["choices"]:
        for made in choice["message"].get("tool_calls", ()):
            del made["id"]
    found: list[Json] = body["choices"]
    return found


def improvised(said: str = "Hello", seed: int = 0, body: Json | None = None) -> ResponseSpec:
    return generate_response(asked("omixa", said, **(body or {})), seed)
