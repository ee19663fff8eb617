"""Tests of compressed responses: negotiation, frames, lengths, and the plain body in the journal."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from mockserver.testing import MockServer
from mockserver.wire.answer import Answer, Ending, Frame, add_content_length
from mockserver.wire.compression import MAX_COMPRESSED_BODY, accepts_gzip, compress_answer, gzip_frames
from mockserver.wire.sse import create_sse_answer

PLAIN = add_content_length(Answer(200, (("content-type", "application/json"),), (Frame(b'{"a": "b"}' * 20),)))
STREAM = create_sse_answer([Frame(b'{"a": %d}' % number, 0.5) for number in range(4)])


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("br, zstd", False),
        ("gzip", True),
        ("deflate, GZIP ; q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=0.0", False),
        ("*;q=0, gzip;q=0.001", True),
        ("identity", False),
    ],
)
def test_the_client_decides_whether_gzip_is_sent(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted
    assert (compress_answer(PLAIN, header) is PLAIN) is not accepted


def test_a_body_is_compressed_with_its_length() -> None:
    answer = compress_answer(PLAIN, "gzip")
    [frame] = answer.frames
    assert gzip.decompress(frame.data) == PLAIN.frames[0].data
    assert tuple(answer.headers) == (
        ("content-type", "application/json"),
        ("content-length", str(len(frame.data))),
        ("content-encoding", "gzip"),
        ("vary", "accept-encoding"),
    )


def test_each_event_of_a_stream_can_be_read_when_it_arrives() -> None:
    answer = compress_answer(STREAM, "gzip")
    inflater = zlib.decompressobj(31)
    for frame, plain in zip(answer.frames, STREAM.frames, strict=True):
        assert inflater.decompress(frame.data) == plain.data
        assert (frame.wait, frame.chunk) == (plain.wait, plain.chunk)
    assert inflater.eof


def test_an_incomplete_body_lacks_as_many_bytes_as_before() -> None:
    cut = replace(
        PLAIN, frames=(Frame(PLAIN.frames[0].data[:50]), Frame(b"raw", raw=True)), ending=Ending.CLOSE
    )
    answer = compress_answer(cut, "gzip")
    first, raw = answer.frames
    assert raw.data == b"raw"
    inflater = zlib.decompressobj(31)
    assert (inflater.decompress(first.data), inflater.eof) == (cut.frames[0].data, False)
    assert int(dict(answer.headers)["content-length"]) - len(first.data) == len(PLAIN.frames[0].data) - 50


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, ()),
        Answer(204, (), (Frame(b"none"),)),
        Answer(200, (("Content-Encoding", "br"),), (Frame(b"encoded"),)),
        Answer(200, (), (Frame(bytes(MAX_COMPRESSED_BODY + 1)),)),
        Answer(200, (), (Frame(b"garbage", raw=True),), ending=Ending.CLOSE, head=False),
    ],
)
def test_these_are_sent_as_they_are(answer: Answer) -> None:
    assert compress_answer(answer, "gzip") is answer


def test_a_pause_stays_empty() -> None:
    pause, last = gzip_frames((Frame(b"", 1.0), Frame(b"")), finish=True)
    assert (pause, gzip.decompress(last.data)) == (Frame(b"", 1.0), b"")


@pytest.fixture
def server(tmp_path: Path) -> MockServer:
    (tmp_path / "profile.yaml").write_text("extends: aimlapi\ncompress: true\n")
    fixtures = "fixtures: [{match: {}, response: {text: Hello there., stream: {chunk: word}}}]"
    return MockServer(fixtures_yaml=fixtures, vendors=[tmp_path / "profile.yaml"])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["", "slow=100000", "truncated", "close@60b", "false_encoding"])
def test_the_journal_and_faults_have_the_plain_body(server: MockServer, stream: bool, fault: str) -> None:
    body = {"model": "o3-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    received: dict[str, tuple[httpx2.Headers, bytes]] = {}
    with server:
        for accepted in ("gzip", "identity"):
            headers = {"authorization": "Bearer one", "accept-encoding": accepted}
            headers |= {"x-mock-fault": fault} if fault else {}
            with httpx2.stream(
                "POST", f"{server.url}/aimlapi/v1/chat/completions", json=body, headers=headers
            ) as response:
                data = b""
                try:
                    for part in response.iter_raw():
                        data += part
                except httpx2.RemoteProtocolError:
                    assert fault.startswith(("truncated", "close"))
            assert response.status_code == 200, data
            received[accepted] = response.headers, data
        details = [
            httpx2.get(f"{server.url}/_mock/requests/{request.id}").json()["response"]
            for request in server.requests
        ]
    heads = [head.get("content-encoding") for head, _ in received.values()]
    assert heads == (["gzip", "gzip"] if fault == "false_encoding" else ["gzip", None])
    compressed, plain = received["gzip"][1], received["identity"][1]
    if fault != "false_encoding":
        compressed = zlib.decompressobj(31).decompress(compressed)
    assert len(compressed) == len(plain)
    for detail, data in zip(details, (compressed, plain), strict=True):
        text = (
            detail["body"]
            if detail["events"] is None
            else "".join(event["data"] for event in detail["events"])
        )
        assert "content-encoding" not in detail["headers"] or fault == "false_encoding"
        if detail["events"] is None:
            assert text == data.decode()
        else:
            assert json.loads(detail["events"][0]["data"]) if fault != "close@60b" else text
