"""A fault changes what it says, from where it strikes, and nothing before."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import STATUS_BY_KIND, ApiError
from mockserver.wire.answer import Answer, Ending, Frame, add_content_length
from mockserver.wire.fault_point import FaultPoint
from mockserver.wire.faults import (
    DEFAULT_RATE,
    FAULT_PATTERN,
    FAULTS,
    STREAM_FAULTS,
    Fault,
    apply_fault,
    explain_no_effect,
    parse_fault,
)
from mockserver.wire.sse import (
    DONE_EVENT,
    SSE_HEADERS,
    create_sse_answer,
    encode_sse_event,
    encode_typed_event,
    parse_sse_event,
)

if TYPE_CHECKING:
    from mockserver.wire.playback import Delivery
    from tests.wire.conftest import Stage
    from tests.wire.recording_transport import Reading

WORDS = ("Grüße", " aus", " 東京", "!", " Ja", ".")
ERROR = b'{"error": {"message": "overloaded", "code": "server_error"}}'


def chunk(text: str) -> bytes:
    delta = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    whole = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta]}
    return json.dumps(whole, ensure_ascii=False).encode()


PLAIN = Answer(
    200, (("content-type", "application/json"),), (Frame('{"text":"Grüße aus 東京"}'.encode() * 8),)
)
STREAM = create_sse_answer([Frame(chunk(word), 0.004) for word in WORDS])
UNPACED = create_sse_answer([Frame(chunk(word)) for word in WORDS])
LATE = Answer(200, PLAIN.headers, PLAIN.frames, wait=0.02)
FINISH, USAGE = b'{"choices":[{"delta":{},"finish_reason":"stop"}]}', b'{"choices":[],"usage":{}}'
COUNTED = create_sse_answer([*(Frame(chunk(word), 0.004) for word in WORDS),
                             Frame(FINISH, chunk=False), Frame(USAGE, chunk=False)])  # fmt: skip
ANSWERS = {"plain": PLAIN, "stream": STREAM, "unpaced": UNPACED, "late": LATE, "counted": COUNTED}
POINTS = ["", "@0", "@1", "@3", "@8", "@0b", "@50b", "@200b", "@0s", "@10ms", "@99", "@9999b", "@9s",
          "@finish", "@usage", "@done", "@end"]  # fmt: skip


def refuse(error: ApiError) -> Answer:
    """A vendor's words, whatever the error."""
    message = error.message or "overloaded"
    if error.upstream_status is not None:
        message = f"{error.upstream_status} {message}"
    words = {"error": {"message": message, "code": error.kind}}
    status = error.kind if isinstance(error.kind, int) else STATUS_BY_KIND[error.kind]
    headers = (("content-type", "application/json"), ("x-vendor", "yes"), ("x-mock-session", "of no account"))
    return Answer(status, headers, (Frame(json.dumps(words).encode()),))


def body(answer: Answer) -> bytes:
    return b"".join(frame.data for frame in answer.frames)


def fault_of(name: str, point: str = "") -> Fault:
    return parse_fault(f"{name}=20000{point}" if name == "slow" else f"{name}{point}")


def worse(text: str, answer: Answer) -> Answer:
    return apply_fault(parse_fault(text), answer, refuse)


# The laws


def timeline(answer: Answer) -> list[tuple[float, int, bool]]:
    """Every byte of body, with its time and whether its frame is complete with it as a chunk."""
    now, line = answer.wait, []
    for frame in answer.frames:
        now = round(now + frame.wait, 6)
        line += [(now, byte, False) for byte in frame.data[:-1]]
        line += [(now, byte, frame.chunk) for byte in frame.data[-1:]]
    return line


def before(
    line: list[tuple[float, int, bool]], after: FaultPoint, answer: Answer
) -> list[tuple[float, int, bool]]:
    landmarks: dict[str, bytes] = {"finish": FINISH, "usage": USAGE, "done": b"[DONE]", "end": b"never"}
    if after.unit in landmarks:
        return line[: len(body(answer).partition(b"data: " + landmarks[after.unit])[0])]
    if after.unit == "time":
        return [each for each in line if each[0] < after.amount]
    if after.unit == "bytes":
        return line[: int(after.amount)]
    ends = [number for number, (_, _, chunk) in enumerate(line, 1) if chunk]
    events = [found.end() for found in re.finditer(rb"data: .*\n\n", body(answer))]
    ends += [end for end in events if end > ends[-1]]
    return line[: ends[int(after.amount) - 1]] if after.amount else []


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_keeps_what_was_before(name: str) -> None:
    for point in POINTS:
        for answer in ANSWERS.values():
            keeps(fault_of(name, point), answer)


def keeps(fault: Fault, answer: Answer) -> None:
    spoiled = apply_fault(fault, answer, refuse)
    if str(fault).endswith(("@99", "@9999b", "@9s")):
        assert spoiled is answer
    if spoiled is answer or fault.point is None:
        return
    kept = [each[:2] for each in before(timeline(answer), fault.point, answer)]
    assert [each[:2] for each in timeline(spoiled)[: len(kept)]] == kept, fault
    head_was_out = fault.point.unit != "time" or answer.wait < fault.point.amount
    if head_was_out:
        assert (spoiled.head, spoiled.wait, spoiled.headers) == (
            True,
            answer.wait,
            add_content_length(answer).headers,
        )
        assert spoiled.streamed == answer.streamed


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_no_fault_is_the_identity(answer: Answer) -> None:
    assert apply_fault(None, answer, refuse) is answer


@pytest.mark.parametrize("name", STREAM_FAULTS)
def test_a_stream_fault_leaves_a_plain_body_alone(name: str) -> None:
    assert apply_fault(Fault(name), PLAIN, refuse) is PLAIN


@pytest.mark.parametrize("name", FAULTS)
def test_a_spoiled_answer_is_heard_as_it_is_written(stage: Stage, name: str) -> None:
    asked = [
        (answer, point) for answer in (PLAIN, STREAM) for point in ("", "@0", "@3", "@50b", "@10ms", "@end")
    ]
    spoiled = [
        add_content_length(apply_fault(fault_of(name, point), answer, refuse)) for answer, point in asked
    ]
    *heard, (plain, _), (stream, _) = stage.together([*spoiled, PLAIN, STREAM])
    for (answer, point), worse, (reading, told) in zip(asked, spoiled, heard, strict=True):
        is_as_written(worse, reading, told)
        if point and worse.head:
            assert reading.head == (plain if answer is PLAIN else stream).head


def is_as_written(answer: Answer, reading: Reading, heard: Delivery) -> None:
    ends = {Ending.RESET: "reset", Ending.HANG: "silence"}
    assert reading.end == ends.get(answer.ending, "eof")
    said = b"".join(frame.data for frame in answer.frames if not frame.raw)
    raw = b"".join(frame.data for frame in answer.frames if frame.raw)
    assert (heard.size, heard.status) == (len(said + raw), answer.status if answer.head else 0)
    if not answer.head:
        assert reading.text == raw
        return
    assert reading.text.endswith(raw)
    assert reading.body == (said if reading.chunked else said + raw)
    told = {"reset": "dropped", "silence": "left"}
    assert heard.end_reason == told.get(
        reading.end, "finished" if answer.ending is Ending.FINISH else "dropped"
    )


# How a fault is written


SPELLINGS = [
    ("reset", Fault("reset")),
    ("reset@3", Fault("reset", FaultPoint("chunks", 3))),
    ("reset@100b", Fault("reset", FaultPoint("bytes", 100))),
    ("hang@1.5s", Fault("hang", FaultPoint("time", 1.5))),
    ("close@0", Fault("close", FaultPoint("chunks", 0))),
    ("close@finish", Fault("close", FaultPoint("finish"))),
    ("slow=5@end", Fault("slow", FaultPoint("end"), 5)),
    ("wrapped=502@2s", Fault("wrapped", FaultPoint("time", 2), status=502)),
    ("slow=10", Fault("slow", None, 10.0)),
    ("slow=0.5@3", Fault("slow", FaultPoint("chunks", 3), 0.5)),
    ("slow=1e+06", Fault("slow", None, 1e6)),
    (" slow=100 ", Fault("slow", None, DEFAULT_RATE)),
]


@pytest.mark.parametrize(("text", "fault"), SPELLINGS, ids=[each[0] for each in SPELLINGS])
def test_a_fault_has_a_short_form(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault
    assert str(fault) == text.strip()


amounts = st.one_of(
    st.none(),
    st.builds(FaultPoint, st.sampled_from(["chunks", "bytes"]), st.integers(0, 10**9)),
    st.builds(
        FaultPoint, st.just("time"), st.integers(0, 10**7).map(lambda milliseconds: milliseconds / 1000)
    ),
)


@given(st.sampled_from(sorted(FAULTS)), amounts)
def test_a_fault_reads_back_as_it_is_written(name: str, after: FaultPoint | None) -> None:
    assert parse_fault(str(Fault(name, after))) == Fault(name, after)
    assert re.search(FAULT_PATTERN, str(Fault(name, after)))


WRONG = [
    ("rest@3", "did you mean 'reset'?"),
    ("", "expected one of reset, close"),
    ("reset=3", "only slow and wrapped have one"),
    ("wrapped=200", "found the status '200', expected a number from 400 to 599"),
    ("wrapped=", "found the status ''"),
    ("reset@finsh", "or one of finish, usage, done, end, did you mean 'finish'?"),
    ("slow=fast", "found the rate 'fast', expected a number above 0"),
    ("slow=0", "expected a number above 0"),
    ("slow=nan", "expected a number above 0"),
    ("reset@@3", "found point '@3'"),
    ("reset=1=2", "only slow and wrapped have one"),
    ("slow=1=2", "found the rate '1=2'"),
    ("reset@", "expected chunks like 3, bytes like 100b, time like 2s or one of finish,"),
    ("reset@soon", "found point 'soon'"),
    ("reset@-1b", "found point '-1b'"),
]


@pytest.mark.parametrize(("found", "message"), WRONG, ids=[each[0] for each in WRONG])
def test_a_fault_that_is_none_says_what_was_expected(found: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_fault(found)
    assert message in str(caught.value)
    assert not re.search(FAULT_PATTERN, found) or found in {"slow=0"}


# What each makes of a stream


def payloads(answer: Answer) -> list[bytes | None]:
    return [parse_sse_event(frame.data) for frame in answer.frames]


GOOD = [chunk(word) for word in WORDS]


def test_truncated_json_cuts_one_event_in_half() -> None:
    said = payloads(worse("truncated_json@2", STREAM))
    assert said == [*GOOD[:2], GOOD[2][: len(GOOD[2]) // 2], *GOOD[3:], b"[DONE]"]


def test_not_json_is_one_event_more() -> None:
    said = payloads(worse("not_json@2", STREAM))
    assert len(said) == 8
    assert said[2] is not None
    assert said[2].startswith(b"<html>")


def test_error_event_is_the_vendors_error_and_the_end() -> None:
    assert payloads(worse("error_event@2", STREAM)) == [*GOOD[:2], ERROR]


def test_an_event_that_has_begun_is_ended_before_another() -> None:
    spoiled = worse("error_event@50b", STREAM)
    assert body(spoiled) == encode_sse_event(GOOD[0]) + encode_sse_event(ERROR)
    assert body(worse("comments@50b", STREAM)).startswith(encode_sse_event(GOOD[0]) + b": ")


def test_end_early_ends_a_stream_as_if_it_were_complete() -> None:
    for point, count in (("", 0), ("@0", 0), ("@2", 2), ("@finish", 6), ("@usage", 7), ("@done", 8)):
        spoiled = worse(f"end_early{point}", COUNTED)
        assert payloads(spoiled) == [*GOOD, FINISH, USAGE][:count]
        assert (spoiled.ending, spoiled.streamed, spoiled.headers) == (Ending.FINISH, True, COUNTED.headers)
    assert body(worse("end_early@50b", STREAM)) == body(STREAM)[:50]
    assert worse("end_early@end", STREAM) is STREAM


def test_an_answer_can_break_at_each_landmark() -> None:
    for point, count in (("finish", 6), ("usage", 7), ("done", 8), ("end", 9), ("7", 7), ("8", 8), ("9", 9)):
        for name, ending in (("hang", Ending.HANG), ("close", Ending.CLOSE), ("reset", Ending.RESET)):
            spoiled = worse(f"{name}@{point}", COUNTED)
            assert payloads(spoiled) == [*GOOD, FINISH, USAGE, b"[DONE]"][:count]
            assert (spoiled.ending, spoiled.head) == (ending, True)
    spoiled = worse("close@end", PLAIN)
    assert (body(spoiled), spoiled.ending) == (body(PLAIN), Ending.CLOSE)
    assert payloads(worse("error_event@finish", COUNTED)) == [*GOOD, ERROR]


RAW_LINES = [
    b"event: response.completed\n",
    b'data: {"type": "response.completed"}\n',
    b"\n",
    b"data: [DONE]\n",
]


@pytest.mark.parametrize(
    ("texts", "places"),
    [
        ([b"data: {\n\n", b"data: [1]\n\n", b": comment\n\n"], {}),
        (RAW_LINES, {"finish": 1, "usage": 1, "done": 3}),
        ([b'data: {"choices":[{"finish_reason":""}]}\n\n'] * 3, {"finish": 2}),
        ([b'data: {"choices":[3, {"finish_reason":null}], "usage":null}\n\n'], {}),
        ([b'data: {"usage":{}}\n\n'] * 2, {"usage": 1}),
        ([b'data:{"choices":[{"finish_reason":""}]}\n\n', b'data:{"choices":[{"finish_reason":"a"}]}\r\n\r\n'],
         {"finish": 1}),
    ],
)  # fmt: skip
def test_a_landmark_is_found_in_any_event_stream(texts: list[bytes], places: dict[str, int]) -> None:
    answer = Answer(200, (), tuple(map(Frame, texts)), streamed=True)
    for name in ("finish", "usage", "done"):
        spoiled = worse(f"close@{name}", answer)
        assert (None if spoiled is answer else len(spoiled.frames)) == places.get(name)


def test_events_after_the_content_count_and_comments_do_not() -> None:
    texts = [b"event: a\ndata: 1\n\n", b": comment\n\n", b"event: b\ndata: 2\n\n", b": comment\n\n"]
    frames = [Frame(text, chunk=number == 0) for number, text in enumerate(texts)]
    answer = Answer(200, (), tuple(frames), streamed=True)
    assert [len(worse(f"close@{count}", answer).frames) for count in (1, 2)] == [1, 3]
    assert worse("close@3", answer) is answer


def test_a_plain_body_has_no_landmark_but_its_end() -> None:
    for point in ("finish", "usage", "done"):
        assert worse(f"reset@{point}", PLAIN) is PLAIN


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("no_done", "the answer is not a stream"),
        ("html@0", "it acts only without a point"),
        ("reset@99", "the answer has nothing at this point that it changes"),
    ],
)
def test_a_fault_without_effect_is_explained(fault: str, why: str) -> None:
    assert explain_no_effect(parse_fault(fault), PLAIN) == f"the fault {fault} found nothing to act on: {why}"


def test_done_can_be_missing_be_doubled_or_be_followed() -> None:
    assert payloads(worse("no_done", STREAM)) == GOOD
    assert payloads(worse("double_done", STREAM)) == [*GOOD, b"[DONE]", b"[DONE]"]
    assert payloads(worse("after_done", STREAM)) == [*GOOD, b"[DONE]", GOOD[-1]]
    assert payloads(worse("after_done", create_sse_answer([]))) == [b"[DONE]", b"{}"]


def test_lines_can_be_written_in_every_way_the_standard_allows() -> None:
    plain = body(STREAM)
    assert body(worse("crlf", STREAM)) == plain.replace(b"\n", b"\r\n")
    assert body(worse("no_space", STREAM)) == plain.replace(b"data: ", b"data:")
    assert body(worse("comments", STREAM)).count(b": still here\n\n") == 7
    lines = body(worse("multiline_data@5", STREAM)).split(encode_sse_event(GOOD[4]))[1]
    assert lines == b"data: {\ndata: " + GOOD[5][1:-1] + b"\ndata: }\n\n" + DONE_EVENT


def test_split_utf8_breaks_characters_and_keeps_the_schedule() -> None:
    spoiled = worse("split_utf8", STREAM)
    with pytest.raises(UnicodeDecodeError):
        spoiled.frames[0].data.decode()
    assert body(spoiled) == body(STREAM)
    assert [frame.chunk for frame in spoiled.frames[:4]] == [False, True, False, True]
    assert timeline(spoiled)[-1][0] == pytest.approx(0.024 + 3 * 0.002)  # the last event, and [DONE]


def test_a_silence_is_not_split() -> None:
    silent = (*create_sse_answer([]).frames, Frame(b"", 0.001), Frame(b"", 0.5))
    spoiled = worse("split_utf8", Answer(200, (), silent, streamed=True))
    assert [frame.wait for frame in spoiled.frames] == [0.002, 0.002, 0.0, 0.5]


def test_a_wrong_content_type_leaves_the_body_alone() -> None:
    for answer in (PLAIN, STREAM):
        spoiled = worse("wrong_content_type", answer)
        assert dict(spoiled.headers)["content-type"] == "text/html; charset=utf-8"
        assert spoiled.frames == answer.frames
        assert worse("wrong_content_type@0", answer) is answer


# Content codings


def coding(answer: Answer) -> str | None:
    return dict(answer.headers).get("content-encoding")


@pytest.mark.parametrize("answer", [PLAIN, STREAM], ids=["plain", "stream"])
def test_a_plain_body_is_called_gzip(answer: Answer) -> None:
    spoiled = worse("false_encoding", answer)
    assert (coding(spoiled), spoiled.frames) == ("gzip", answer.frames)
    encoded = replace(answer, headers=(*answer.headers, ("Content-Encoding", "br")))
    assert [
        value for name, value in worse("false_encoding", encoded).headers if name == "content-encoding"
    ] == ["gzip"]


def test_a_gzip_body_ends_in_the_middle() -> None:
    plain, stream = worse("truncated_encoding", PLAIN), worse("truncated_encoding", STREAM)
    assert (coding(plain), coding(stream)) == ("gzip", "gzip")
    assert dict(plain.headers)["content-length"] == str(len(body(plain)))
    inflater = zlib.decompressobj(31)
    assert body(PLAIN).startswith(inflater.decompress(body(plain)))
    assert not inflater.eof
    inflater = zlib.decompressobj(31)
    assert inflater.decompress(body(stream)) == b"".join(frame.data for frame in STREAM.frames[:3])
    assert not inflater.eof
    assert body(worse("truncated_encoding", Answer(200, ()))) == b""


def test_each_event_can_be_a_gzip_member() -> None:
    spoiled = worse("gzip_per_event", STREAM)
    assert coding(spoiled) == "gzip"
    assert [gzip.decompress(frame.data) for frame in spoiled.frames] == [
        frame.data for frame in STREAM.frames
    ]
    assert [frame.wait for frame in spoiled.frames] == [frame.wait for frame in STREAM.frames]


@pytest.mark.parametrize("name", ["false_encoding", "truncated_encoding", "gzip_per_event"])
def test_a_coding_is_not_changed_after_the_head(name: str) -> None:
    for point in ("@0", "@2", "@20b"):
        assert worse(f"{name}{point}", STREAM) is STREAM


# What is left for a plain body


def test_a_plain_body_can_be_no_json() -> None:
    half = worse("truncated_json", PLAIN)
    assert body(half) == body(PLAIN)[: len(body(PLAIN)) // 2]
    assert dict(half.headers)["content-length"] == str(len(body(half)))
    assert body(worse("not_json", PLAIN)).startswith(b"<html>")
    assert body(worse("error_event", PLAIN)) == ERROR
    assert body(worse("truncated_json", Answer(200, ()))) == b""


def test_a_length_that_is_out_is_kept() -> None:
    size = len(body(PLAIN))
    assert body(worse("truncated_json@20b", PLAIN)) == body(PLAIN)[:20] + b" " * (size - 20)
    spoiled = body(worse("not_json@20b", PLAIN))
    assert (spoiled[20:26], len(spoiled)) == (b"<html>", size)
    assert worse("error_event@20b", PLAIN) is PLAIN
    assert worse("malformed_chunk@20b", PLAIN) is PLAIN


def test_a_truncated_body_promises_more_than_it_brings() -> None:
    for answer in (PLAIN, STREAM):
        spoiled = worse("truncated", answer)
        assert body(spoiled) == body(answer)[: len(body(answer)) // 2]
        assert dict(spoiled.headers)["content-length"] == str(len(body(answer)))
    assert dict(worse("truncated", Answer(200, ())).headers)["content-length"] == "1"


# What a gateway makes of an answer

REFUSED = Answer(
    400,
    (("content-type", "text/plain"), ("X-Mock-Session", "a"), ("retry-after", "1"), ("content-length", "9")),
    refuse(ApiError(400, "no such model")).frames,
    wait=1.5,
)


def test_a_proxys_page_has_the_status_in_its_title() -> None:
    page = worse("html", REFUSED)
    assert body(page).startswith(b"<html>\r\n<head><title>400 Bad Request</title></head>\r\n")
    assert page.status == 400
    assert page.wait == 1.5
    assert page.headers == (
        ("server", "nginx"),
        ("content-type", "text/html"),
        ("x-mock-session", "a"),
        ("retry-after", "1"),
        ("content-length", str(len(body(page)))),
    )


@pytest.mark.parametrize(
    ("status", "title"),
    [(503, "503 Service Temporarily Unavailable"), (504, "504 Gateway Time-out"), (429, "429 Too Many Requests"),
     (524, "524 A timeout occurred"), (599, "599")],
)  # fmt: skip
def test_a_proxy_words_a_status_as_nginx_does(status: int, title: str) -> None:
    assert f"<center><h1>{title}</h1></center>".encode() in body(worse("html", Answer(status, ())))


def test_a_good_answer_becomes_a_bad_gateway() -> None:
    for answer in (PLAIN, STREAM, UNPACED):
        assert (worse("html", answer).status, worse("html", answer).streamed) == (502, False)


def test_a_gateway_says_nothing_but_the_status() -> None:
    for answer in (PLAIN, STREAM, REFUSED):
        spoiled = worse("no_body", answer)
        assert (spoiled.status, spoiled.wait, spoiled.streamed) == (answer.status, answer.wait, False)
        assert body(spoiled) == b""
        assert dict(spoiled.headers)["content-length"] == "0"


@pytest.mark.parametrize(("name", "status"), [("wrapped", 400), ("wrapped=500", 500)])
def test_an_upstream_error_is_wrapped_with_its_status_or_another(name: str, status: int) -> None:
    spoiled = worse(name, REFUSED)
    assert (spoiled.status, spoiled.wait) == (status, 1.5)
    assert json.loads(body(spoiled)) == {"error": {"message": "400 no such model", "code": status}}
    assert [header for header in spoiled.headers if header[0] != "content-length"] == [
        ("content-type", "application/json"),
        ("x-vendor", "yes"),
        ("x-mock-session", "of no account"),
        ("retry-after", "1"),
    ]


def test_what_is_wrapped_has_some_message_always() -> None:
    for said in (b"error code: 400", b"[]", b'{"error": {"message": 3}}', b""):
        spoiled = worse("wrapped", Answer(400, (), (Frame(said),)))
        assert json.loads(body(spoiled))["error"]["message"] == "400 Bad Request"
    assert json.loads(body(worse("wrapped", PLAIN)))["error"]["message"] == "400 overloaded"


def test_a_vendor_without_words_is_wrapped_by_its_status() -> None:
    def mute(error: ApiError) -> Answer:
        return Answer(400, (), (Frame(str(error.message).replace("\0", "?").encode()),))

    assert body(apply_fault(parse_fault("wrapped"), REFUSED, mute)) == b"Bad Request"


@pytest.mark.parametrize("name", ["html", "no_body", "wrapped"])
def test_a_gateway_speaks_first_or_not_at_all(name: str) -> None:
    for answer in (PLAIN, STREAM):
        assert worse(f"{name}@0", answer) is answer
    assert worse(f"{name}@10ms", LATE).wait == 0.01


# Time


def test_a_slow_line_brings_so_many_bytes_a_second() -> None:
    spoiled = worse("slow=100", PLAIN)
    line = timeline(spoiled)
    assert line[-1][0] == pytest.approx(len(line) / 100)
    assert max(len(frame.data) for frame in spoiled.frames) == 5
    assert sum(frame.chunk for frame in spoiled.frames) == 1
    assert len(worse("slow=1", Answer(200, (), (Frame(b"x" * 1_000_000),))).frames) == 10_000


def test_a_slow_line_is_never_early() -> None:
    due = {byte: moment for byte, (moment, _, _) in enumerate(timeline(STREAM))}
    assert all(moment >= due[byte] for byte, (moment, _, _) in enumerate(timeline(worse("slow=1e6", STREAM))))


def test_a_time_before_the_status_line_strikes_there() -> None:
    assert worse("hang@10ms", LATE) == Answer(
        200, add_content_length(LATE).headers, (), wait=0.01, ending=Ending.HANG, head=False
    )


def test_a_drop_keeps_the_delay_of_its_answer() -> None:
    assert (worse("reset", LATE).wait, worse("reset", LATE).head) == (0.02, False)


def test_a_silence_is_long_enough_for_any_time() -> None:
    silent = Answer(200, (), (Frame(b"x", 0.01),), ending=Ending.HANG, streamed=True)
    spoiled = worse("reset@40ms", silent)
    assert (body(spoiled), timeline(spoiled)[-1][0], spoiled.ending) == (b"x", 0.01, Ending.RESET)
    assert sum(frame.wait for frame in spoiled.frames) == pytest.approx(0.04)


def test_what_had_no_head_gets_none() -> None:
    assert not worse("reset@0", Answer(200, (), (), ending=Ending.HANG, head=False)).head


@pytest.mark.parametrize(("text", "end"), [("reset@14ms", "reset"), ("close@14ms", "eof")])
def test_a_fault_strikes_on_time(stage: Stage, text: str, end: str) -> None:
    reading = stage.hear(worse(text, STREAM))
    assert reading.end == end
    assert reading.seconds >= 0.013
    assert reading.body == body(Answer(200, (), STREAM.frames[:3]))
    stage.last()


# What the clients say


def test_httpx_names_what_broke(stage: Stage) -> None:
    errors: dict[str, type[httpx2.TransportError]] = {
        "reset": httpx2.ReadError,
        "reset@0": httpx2.ReadError,
        "empty": httpx2.RemoteProtocolError,
        "close@0": httpx2.RemoteProtocolError,
        "garbage": httpx2.RemoteProtocolError,
        "truncated": httpx2.RemoteProtocolError,
        "malformed_chunk": httpx2.RemoteProtocolError,
        "hang": httpx2.ReadTimeout,
        "hang@0": httpx2.ReadTimeout,
    }
    asked = [(stage.put(worse(text, answer)), errors[text]) for text in errors for answer in (PLAIN, STREAM)]

    def broken(path: str, error: type[httpx2.TransportError]) -> None:
        with pytest.raises(error):
            client.get(path, timeout=0.5 if error is httpx2.ReadTimeout else 20)

    with httpx2.Client(base_url=stage.url) as client, ThreadPoolExecutor(len(asked)) as pool:
        list(pool.map(lambda each: broken(*each), asked))
    for _ in asked:
        stage.last()


def sdk_reads(stage: Stage, answer: Answer) -> str:
    with (
        openai.OpenAI(base_url=stage.url + stage.put(answer), api_key="k", max_retries=0) as client,
        client.chat.completions.create(model="m", messages=[], stream=True) as chunks,
    ):
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


@pytest.mark.parametrize(
    "name",
    ["comments", "crlf", "no_space", "multiline_data", "split_utf8", "no_done", "double_done", "after_done"],
)
def test_the_sdk_reads_every_lawful_stream(stage: Stage, name: str) -> None:
    assert sdk_reads(stage, worse(name, STREAM)) == "".join(WORDS)
    stage.last()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("error_event@3", openai.APIError),
        ("truncated_json@3", json.JSONDecodeError),
        ("not_json@3", json.JSONDecodeError),
        ("reset@3", openai.APIConnectionError),
        ("malformed_chunk@3", openai.APIConnectionError),
        ("empty", openai.APIConnectionError),
    ],
)
def test_the_sdk_raises_what_it_raises(stage: Stage, text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        sdk_reads(stage, worse(text, STREAM))
    stage.last()


# Typed events, as the Responses API has them

TYPED = Answer(
    200,
    SSE_HEADERS,
    tuple(
        Frame(encode_typed_event(name, b'{"type":"%b"}' % name.encode()), chunk=name.endswith("delta"))
        for name in ("response.created", "response.output_text.delta", "response.completed")
    ),
    streamed=True,
)


@pytest.mark.parametrize(
    ("fault", "types"),
    [
        ("no_done", ["created", "delta"]),
        ("double_done", ["created", "delta", "completed", "completed"]),
        ("after_done", ["created", "delta", "completed", "delta"]),
        ("end_early@1", ["created", "delta"]),
        ("end_early@finish", ["created", "delta"]),
        ("end_early@usage", ["created", "delta"]),
        ("end_early@done", ["created", "delta"]),
        ("error_event@done", ["created", "delta", "error"]),
        ("no_space", ["created", "delta", "completed"]),
        ("multiline_data", ["created", "delta", "completed"]),
        ("crlf", ["created", "delta", "completed"]),
    ],
)  # fmt: skip
def test_faults_act_on_typed_events(fault: str, types: list[str]) -> None:
    def encode_error(body: bytes, number: int) -> bytes:
        return encode_typed_event("error", body + b"%d" % number)

    broken = apply_fault(parse_fault(fault), TYPED, lambda _: Answer(500, (), (Frame(b"e"),)), encode_error)
    found = [frame.data.splitlines()[0].decode() for frame in broken.frames]
    assert [line.removeprefix("event: ").rpartition(".")[2] for line in found] == types
    if types[-1] == "error":
        assert broken.frames[-1].data == b"event: error\ndata: e2\n\n"


def test_half_an_event_keeps_its_type() -> None:
    broken = apply_fault(parse_fault("truncated_json"), TYPED, lambda _: Answer(500, ()))
    assert broken.frames[1].data.startswith(b'event: response.output_text.delta\ndata: {"type":"')
    assert not broken.frames[1].data.endswith(b"}\n\n")
