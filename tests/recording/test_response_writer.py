"""Responses written from answers of unusual forms: what cannot be said in the grammar of fixtures is written raw."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.recording.response_writer import write_response
from mockserver.sessions.journal import Decision
from mockserver.wire.answer import Answer, Frame
from tests.request_fixtures import ReadRequest

SSE = (("content-type", "text/event-stream"),)
CHOICE = '{"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": %s}]}'


def write(read_request: ReadRequest, answer: Answer) -> Any:
    return write_response(read_request(), Decision(answer), ())


@pytest.mark.parametrize("body", ["[1]", "no JSON", '{"choices": []}', '{"choices": [null]}'])
def test_a_body_without_choices_is_raw(read_request: ReadRequest, body: str) -> None:
    answer = Answer(200, (("content-type", "text/plain"), ("x-mock-session", "s")), (Frame(body.encode()),))
    expected = {"status": 200, "headers": {"content-type": "text/plain"}, "body": body}
    assert write(read_request, answer) == {"raw": expected}


def test_a_body_that_is_no_text_is_base64(read_request: ReadRequest) -> None:
    assert write(read_request, Answer(200, (), (Frame(b"\xff\xfe"),)))["raw"]["base64"] == "//4="


@pytest.mark.parametrize(
    ("events", "response"),
    [
        ([": a comment", "data: " + CHOICE % '"stop"', "data: [DONE]"], {"text": "Hi"}),
        (["data: " + CHOICE % "null", "data: [DONE]"], None),  # it ends in the middle
        (["event: ping", "data: " + CHOICE % '"stop"'], None),
    ],
)
def test_a_stream_is_a_text_or_raw(read_request: ReadRequest, events: list[str], response: Any) -> None:
    text = "".join(f"{event}\n\n" for event in events)
    written = write(read_request, Answer(200, SSE, (Frame(text.encode()),), streamed=True))
    if response is None:
        assert "\n".join([*written["raw"].pop("sse"), ""]) == text
        response = {"raw": {"status": 200, "headers": dict(SSE)}}
    assert written == response


def test_an_empty_stream_is_raw(read_request: ReadRequest) -> None:
    assert write(read_request, Answer(200, SSE, (), streamed=True))["raw"]["sse"] == [""]


@pytest.mark.parametrize(
    ("status", "body", "response"),
    [
        (418, b"teapot", None),
        (418, b'{"mine": true}', None),
        (
            429,
            b'{"message": "Mine.", "mine": [true, []]}',
            {"error": 429, "message": "Mine.", "headers": {"retry-after": "soon"}},
        ),
    ],
)
def test_an_error_that_is_not_the_vendors(
    read_request: ReadRequest, status: int, body: bytes, response: Any
) -> None:
    written = write(read_request, Answer(status, (("retry-after", "soon"),), (Frame(body),)))
    assert written == (
        response or {"raw": {"status": status, "headers": written["raw"]["headers"], "body": body.decode()}}
    )


@pytest.mark.parametrize(
    ("status", "item"),
    [("failed", '{"type": "message", "content": []}'), ("completed", '{"type": "web_search_call"}')],
)
def test_a_response_that_no_fixture_describes_is_raw(
    read_request: ReadRequest, status: str, item: str
) -> None:
    body = f'{{"status": "{status}", "output": [{item}]}}'
    assert write(read_request, Answer(200, (), (Frame(body.encode()),)))["raw"]["body"] == body
