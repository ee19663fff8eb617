"""Faults: functions that turn an answer into a worse one and change nothing before the point where they apply.

In text a fault is `NAME`, or `NAME@POINT` with a point of `3` (after three chunks; a plain body is one),
`100b` (after that many bytes of body), `2s` (after that time), or a landmark: `finish`, `usage`, `done`
(before these events) or `end`. `slow` may have a rate in bytes per second: `slow=200@3`; `wrapped` a status:
`wrapped=500`. Without a point a fault applies at once: a connection fault instead of the status line, any other
at the start of the body. `@0` is after the headers. An answer without the point is unchanged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import get_args

from mockserver.errors import ApiError
from mockserver.schema.durations import DURATION_PATTERN, format_duration, parse_duration
from mockserver.schema.messages import did_you_mean
from mockserver.wire.answer import (
    Answer,
    Ending,
    Frame,
    add_content_length,
    remove_headers,
)
from mockserver.wire.compression import CONTENT_ENCODING, gzip_frames
from mockserver.wire.fault_point import (
    CONTENT_LENGTH,
    ErrorAnswerFactory,
    ErrorEventEncoder,
    FaultPoint,
    Landmark,
    SplitAnswer,
    encode_error_data,
    split_answer,
)
from mockserver.wire.frames import (
    halve_frames,
    insert_after_done,
    join_frames,
    map_events,
    map_first_event,
    split_after_bytes,
    spread_json_over_lines,
    take_first_half,
    throttle_frames,
)
from mockserver.wire.gateway_faults import remove_body, replace_by_html, wrap_error
from mockserver.wire.sse import encode_sse_comment, encode_sse_event, find_event_data, is_last_event

DEFAULT_RATE = 100.0  # bytes per second of a `slow` without a rate
_MAX_PIECES = 10_000  # a slow body is cut into at most this many
_GARBAGE = b"\x00\x9f\xff\xfe this is no HTTP \x1b[2J\x07\xc3\x28\r\n"
_BROKEN_CHUNK = b"zz\r\nthis chunk has no length\r\n"
_NOT_JSON = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?"
_STATUS = r"[45][0-9][0-9]"
LANDMARKS: tuple[Landmark, ...] = get_args(Landmark)
_COUNT_POINT = re.compile(r"(?P<count>[0-9]{1,15})(?P<bytes>b?)")


@dataclass(frozen=True, slots=True)
class Fault:
    """A name of `FAULTS` and the point where it applies; None: at once."""

    name: str
    point: FaultPoint | None = None
    bytes_per_second: float = DEFAULT_RATE  # of `slow` alone
    status: int | None = None  # of `wrapped` alone; None: that of the upstream error

    def __str__(self) -> str:
        rate = f"={self.bytes_per_second:g}" if self.name == "slow" else ""
        status = "" if self.status is None else f"={self.status}"
        return f"{self.name}{rate}{status}{_format_point(self.point)}"


def apply_fault(
    fault: Fault | None,
    answer: Answer,
    error_answer: ErrorAnswerFactory,
    encode_error: ErrorEventEncoder = encode_error_data,
) -> Answer:
    """Return the answer with the fault applied; the same object if there is none or it changes nothing.

    `error_answer` returns an error in the vendor's envelope, for the faults that send one; `encode_error` encodes its
    body as an event of a stream.
    """
    if fault is None or (fault.name in STREAM_FAULTS and not answer.streamed):
        return answer
    split = split_answer(answer, fault.point, error_answer, fault.bytes_per_second, fault.status)
    if split is None:
        return answer
    worse = FAULTS[fault.name](replace(split, encode_error=encode_error))
    return answer if worse == split.answer else worse


def explain_no_effect(fault: Fault, answer: Answer) -> str:
    """Return why a fault does not change an answer, for a user."""
    if fault.name in STREAM_FAULTS and not answer.streamed:
        return f"the fault {fault} found nothing to act on: the answer is not a stream"
    if fault.name in _HEAD_FAULTS and fault.point is not None:
        return f"the fault {fault} found nothing to act on: it acts only without a point"
    return f"the fault {fault} found nothing to act on: the answer has nothing at this point that it changes"


def parse_fault(text: str) -> Fault:
    """Parse a fault in its short form: `reset`, `reset@3`, `slow=200@2s`. Raises ValueError with a message."""
    name_and_value, at, point = text.strip().partition("@")
    name, equals, value = name_and_value.partition("=")
    fault = Fault(check_fault_name(name), parse_fault_point(point) if at else None)
    if not equals:
        return fault
    if name == "wrapped":
        return replace(fault, status=_parse_status(value))
    return replace(fault, bytes_per_second=_parse_rate(name, value))


def parse_fault_point(text: str) -> FaultPoint:
    """Parse a point in its short form: `3`, `100b`, `2s`, `finish`. Raises ValueError with a message."""
    if text in LANDMARKS:
        return FaultPoint(text)
    number = _COUNT_POINT.fullmatch(text)
    if number:
        return FaultPoint("bytes" if number["bytes"] else "chunks", int(number["count"]))
    try:
        return FaultPoint("time", parse_duration(text))
    except ValueError as error:
        raise ValueError(
            f"found point {text!r}, expected chunks like 3, bytes like 100b, time like 2s"
            f" or one of {', '.join(LANDMARKS)}{did_you_mean(text, LANDMARKS)}"
        ) from error


def check_fault_name(name: str) -> str:
    """Return the name if it is a fault's. Raises ValueError with the known names."""
    if name not in FAULTS:
        raise ValueError(
            f"found fault {name!r}, expected one of {', '.join(FAULTS)}{did_you_mean(name, FAULTS)}"
        )
    return name


# Text forms


def _format_point(point: FaultPoint | None) -> str:
    if point is None:
        return ""
    if point.unit in LANDMARKS:
        return f"@{point.unit}"
    if point.unit == "time":
        return f"@{format_duration(point.amount)}"
    return f"@{int(point.amount)}{_UNIT_SUFFIXES[point.unit]}"


def _parse_rate(name: str, text: str) -> float:
    if name != "slow":
        raise ValueError(f"found a value for {name}, only slow and wrapped have one")
    rate = float(text) if re.fullmatch(_NUMBER, text) else math.nan
    if not 0 < rate < math.inf:
        raise ValueError(f"found the rate {text!r}, expected a number above 0: bytes per second")
    return rate


def _parse_status(text: str) -> int:
    if not re.fullmatch(_STATUS, text):
        raise ValueError(f"found the status {text!r}, expected a number from 400 to 599")
    return int(text)


# Faults of the connection


def _reset(split: SplitAnswer) -> Answer:
    return split.drop_connection(Ending.RESET)


def _close(split: SplitAnswer) -> Answer:
    return split.drop_connection(Ending.CLOSE)


def _hang(split: SplitAnswer) -> Answer:
    return split.drop_connection(Ending.HANG)


def _garbage(split: SplitAnswer) -> Answer:
    return split.drop_connection(Ending.CLOSE, Frame(_GARBAGE, chunk=False, raw=True))


def _truncated(split: SplitAnswer) -> Answer:
    if not split.before_head:
        return _close(split)
    total = sum(len(frame.data) for frame in split.rest)
    headers = (*remove_headers(split.answer.headers, (CONTENT_LENGTH,)), (CONTENT_LENGTH, str(max(total, 1))))
    half, _ = split_after_bytes(split.rest, total // 2) or ((), ())
    return replace(split.answer, headers=headers, frames=half, ending=Ending.CLOSE, streamed=False)


def _malformed_chunk(split: SplitAnswer) -> Answer:
    if not (split.before_head or split.answer.streamed):
        return split.answer  # under a content-length there are no chunks
    headers = (
        split.answer.headers
        if split.answer.streamed
        else remove_headers(split.answer.headers, (CONTENT_LENGTH,))
    )
    broken = split.continue_with([Frame(_BROKEN_CHUNK, chunk=False, raw=True)])
    return replace(broken, headers=headers, ending=Ending.CLOSE, streamed=True)


def _slow(split: SplitAnswer) -> Answer:
    total = sum(len(frame.data) for frame in split.rest)
    size = max(1, int(split.rate / 20), math.ceil(total / _MAX_PIECES))
    return split.continue_with(throttle_frames(split.rest, split.rate, size))


# Faults of event streams, and their counterparts for a plain body


def _truncated_json(split: SplitAnswer) -> Answer:
    if split.answer.streamed:
        return split.continue_with(map_first_event(split.rest, take_first_half))
    if split.before_head:
        return split.replace_body(take_first_half(join_frames(split.rest)))
    return split.fill_rest(b" ")


def _not_json(split: SplitAnswer) -> Answer:
    if split.answer.streamed:
        partial, rest = split.split_events()
        return split.continue_with((*partial, Frame(encode_sse_event(_NOT_JSON)), *rest))
    return split.replace_body(_NOT_JSON) if split.before_head else split.fill_rest(_NOT_JSON)


def _error_event(split: SplitAnswer) -> Answer:
    body = join_frames(split.error_answer(ApiError("server_error")).frames)
    if split.answer.streamed:
        partial, _ = split.split_events()
        number = sum(find_event_data(frame.data) is not None for frame in (*split.sent, *partial))
        return split.continue_with((*partial, Frame(split.encode_error(body, number))))
    return split.replace_body(body) if split.before_head else split.answer


def _end_early(split: SplitAnswer) -> Answer:
    # Without the bytes that are left the message is complete all the same, so that no client notices.
    return split.continue_with(()) if any(frame.data for frame in split.rest) else split.answer


def _no_done(split: SplitAnswer) -> Answer:
    return split.continue_with(frame for frame in split.rest if not is_last_event(frame.data))


def _double_done(split: SplitAnswer) -> Answer:
    return split.continue_with(insert_after_done(split.rest))


def _after_done(split: SplitAnswer) -> Answer:
    chunks = [frame for frame in split.answer.frames if frame.chunk]
    last = replace(chunks[-1], wait=0.0) if chunks else Frame(encode_sse_event(b"{}"))
    return split.continue_with(insert_after_done(split.rest, last))


def _comments(split: SplitAnswer) -> Answer:
    partial, rest = split.split_events()
    comment = encode_sse_comment("still here")
    return split.continue_with((*partial, *(replace(frame, data=comment + frame.data) for frame in rest)))


def _crlf(split: SplitAnswer) -> Answer:
    return split.continue_with(
        replace(frame, data=frame.data.replace(b"\n", b"\r\n")) for frame in split.rest
    )


def _no_space(split: SplitAnswer) -> Answer:
    return split.continue_with(map_events(split.rest, lambda data: encode_sse_event(data, space=False)))


def _multiline_data(split: SplitAnswer) -> Answer:
    return split.continue_with(
        map_events(split.rest, lambda data: encode_sse_event(spread_json_over_lines(data)))
    )


def _split_utf8(split: SplitAnswer) -> Answer:
    return split.continue_with(halve_frames(split.rest))


def _wrong_content_type(split: SplitAnswer) -> Answer:
    if not split.before_head:
        return split.answer
    headers = (
        ("content-type", "text/html; charset=utf-8"),
        *remove_headers(split.answer.headers, ("content-type",)),
    )
    return replace(split.answer, headers=headers)


# Faults of the content coding: they change the head, so they apply only at once


def _false_encoding(split: SplitAnswer) -> Answer:
    return _encode_frames(split, split.rest) if split.before_head else split.answer


def _truncated_encoding(split: SplitAnswer) -> Answer:
    if not split.before_head:
        return split.answer
    frames = gzip_frames(split.rest, finish=True)
    if split.answer.streamed:
        return _encode_frames(split, frames[: len(frames) // 2])
    return _encode_frames(split, [replace(frame, data=take_first_half(frame.data)) for frame in frames])


def _gzip_per_event(split: SplitAnswer) -> Answer:
    if not split.before_head:
        return split.answer
    return _encode_frames(split, [one for frame in split.rest for one in gzip_frames((frame,), finish=True)])


def _encode_frames(split: SplitAnswer, frames: Iterable[Frame]) -> Answer:
    """Return the answer with these frames, which its head calls gzip."""
    headers = (*remove_headers(split.answer.headers, _CODING_HEADERS), (CONTENT_ENCODING, "gzip"))
    return add_content_length(replace(split.answer, headers=headers, frames=tuple(frames), wait=split.wait))


_CODING_HEADERS = (CONTENT_LENGTH, CONTENT_ENCODING)
_UNIT_SUFFIXES = {"chunks": "", "bytes": "b", "time": ""}

# The effect on a stream | on a plain body at once | on a plain body after its head is sent (-: none).
FAULTS: dict[str, Callable[[SplitAnswer], Answer]] = {
    "reset": _reset,  # RST | the same | the same
    "close": _close,  # FIN, no end of the message | FIN | FIN
    "empty": _close,  # a synonym of `close` for an empty response | the same | the same
    "hang": _hang,  # nothing more until the client disconnects | the same | the same
    "garbage": _garbage,  # bytes that are not HTTP, FIN | the same | instead of the body, FIN
    "truncated": _truncated,  # at once: half, with the full length; later: FIN | half | FIN
    "malformed_chunk": _malformed_chunk,  # an invalid chunk size, FIN | sent in chunks, then the same | -
    "slow": _slow,  # a limit in bytes per second | the same | the same
    "truncated_json": _truncated_json,  # half of the next event | half the body | spaces for the rest
    "not_json": _not_json,  # an additional event of HTML | HTML | HTML for the rest
    "error_event": _error_event,  # the vendor's error, then the end | the error as the body | -
    "split_utf8": _split_utf8,  # segments that end inside a character | the same | the same
    "wrong_content_type": _wrong_content_type,  # text/html; at once only | the same | -
    "false_encoding": _false_encoding,  # plain, but called gzip; at once only | the same | -
    "truncated_encoding": _truncated_encoding,  # gzip that ends in the middle; at once only | the same | -
    "html": replace_by_html,  # a proxy's error page with the status, or 502; at once only | the same | -
    "no_body": remove_body,  # status and headers only; at once only | the same | -
    "wrapped": wrap_error,  # "400 ...", an upstream error in the vendor's; at once only | the same | -
}
# These do not change a plain body.
STREAM_FAULTS: dict[str, Callable[[SplitAnswer], Answer]] = {
    "end_early": _end_early,  # nothing more, as if the stream were complete
    "gzip_per_event": _gzip_per_event,  # each event is a gzip member of its own; at once only
    "no_done": _no_done,  # without [DONE] or the last typed event
    "double_done": _double_done,  # [DONE] twice
    "after_done": _after_done,  # the last chunk again, after [DONE]
    "comments": _comments,  # a comment before each event
    "crlf": _crlf,  # lines end in CR LF
    "no_space": _no_space,  # no space after the colon
    "multiline_data": _multiline_data,  # each JSON on three lines
}
FAULTS |= STREAM_FAULTS

# These change the head, so they do not act after it is sent.
_HEAD_FAULTS = (
    *("wrong_content_type", "false_encoding", "truncated_encoding", "gzip_per_event"),
    *("html", "no_body", "wrapped"),
)
# The short forms in JSON Schema's dialect of regular expressions, so that an editor reports the same mistakes.
POINT_PATTERN = (
    f"(?:{'|'.join(LANDMARKS)}|[0-9]{{1,15}}b?|{DURATION_PATTERN.removeprefix('^').removesuffix('$')})"
)
FAULT_PATTERN = rf"^\s*(?:{'|'.join(FAULTS)}|slow={_NUMBER}|wrapped={_STATUS})(?:@{POINT_PATTERN})?\s*$"
