"""An event stream is JSON in, lines out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder

from mockserver.wire.answer import Frame
from mockserver.wire.sse import (
    DONE_EVENT,
    create_sse_answer,
    encode_sse_comment,
    encode_sse_event,
    parse_sse_event,
    replace_event_data,
    transform_other_lines,
)


def test_an_event_is_one_field_and_a_blank_line() -> None:
    assert encode_sse_event(b'{"a":1}') == b'data: {"a":1}\n\n'
    assert encode_sse_event(b'{"a":1}', space=False) == b'data:{"a":1}\n\n'


def test_data_of_two_lines_takes_two_fields() -> None:
    assert encode_sse_event(b"one\ntwo") == b"data: one\ndata: two\n\n"


def test_a_comment_starts_with_a_colon_on_every_line() -> None:
    assert encode_sse_comment("still\nhere") == b": still\n: here\n\n"


@given(st.binary().filter(lambda data: b"\r" not in data))
def test_payload_is_the_inverse_of_event(data: bytes) -> None:
    assert parse_sse_event(encode_sse_event(data)) == data


@pytest.mark.parametrize(
    "text", [b"", b": a comment\n\n", b'{"a":1}', b"data: no end\n", b"id: 1\ndata: x\n\n"]
)
def test_what_is_not_one_event_has_no_payload(text: bytes) -> None:
    assert parse_sse_event(text) is None


def test_a_stream_keeps_waits_and_chunks_and_ends_with_done() -> None:
    answer = create_sse_answer(
        [Frame(b"{}", 0.5), Frame(b"[]", 0.1, chunk=False)], wait=2.0, headers=(("x-a", "b"),)
    )
    assert answer.frames == (
        Frame(b"data: {}\n\n", 0.5),
        Frame(b"data: []\n\n", 0.1, chunk=False),
        Frame(b"data: [DONE]\n\n", chunk=False),
    )
    assert (answer.status, answer.wait, answer.streamed) == (200, 2.0, True)
    assert answer.headers == (
        ("content-type", "text/event-stream; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("x-a", "b"),
    )


def test_a_stream_may_end_without_done() -> None:
    assert create_sse_answer([], done=False).frames == ()


def test_the_sdk_reads_the_payloads_back() -> None:
    payloads = ['{"text": "Grüße 🌍"}', "two\nlines"]
    text = b"".join(
        [encode_sse_comment("hello"), *(encode_sse_event(each.encode()) for each in payloads), DONE_EVENT]
    )
    assert [event.data for event in SSEDecoder().iter_bytes(iter([text]))] == [*payloads, "[DONE]"]


def test_the_data_of_an_event_is_replaced_and_the_rest_is_kept() -> None:
    event = b": note\r\nevent: x\r\ndata:one\r\nid: 1\r\ndata: two\r\n\r\n"
    assert (
        replace_event_data(event, b"new\nlines")
        == b": note\r\nevent: x\r\ndata: new\r\ndata: lines\r\nid: 1\r\n\r\n"
    )
    assert transform_other_lines(event, bytes.upper).splitlines()[:3] == [b": NOTE", b"EVENT: X", b"data:one"]
