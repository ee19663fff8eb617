"""A fault makes of an Answer a worse Answer, and changes nothing before the point where it strikes.

In text a fault is `NAME`, or `NAME@POINT` with a point of `3` (after three chunks; a plain body is one),
`100b` (after that many bytes of body) or `2s` (after that time); `slow` may say its rate, in bytes per
second: `slow=200@3`. Without a point a fault strikes at once: a connection fault instead of the status line,
any other at the body's beginning. `@0` is after the headers. An answer that is over before the point is
left as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from mockserver import duration
from mockserver.errors import ApiError
from mockserver.shape import meant
from mockserver.wire import frames, gateway, sse, strike
from mockserver.wire.answer import Answer, Ending, Frame
from mockserver.wire.strike import LENGTH, After, Refuse, Strike, without

RATE = 100.0  # bytes per second of a `slow` that names none
_PIECES = 10_000  # that a slow body is cut into at most
_GARBAGE = b"\x00\x9f\xff\xfe this is no HTTP \x1b[2J\x07\xc3\x28\r\n"
_BROKEN_CHUNK = b"zz\r\nthis chunk has no length\r\n"
_NOT_JSON = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?"
_COUNT = re.compile(r"(?P<count>[0-9]{1,15})(?P<bytes>b?)")


@dataclass(frozen=True, slots=True)
class Fault:
    """A name of `FAULTS`, and where it strikes: at once without `after`."""

    name: str
    after: After | None = None
    bytes_per_second: float = RATE  # of `slow` alone

    def __str__(self) -> str:
        rate = f"={self.bytes_per_second:g}" if self.name == "slow" else ""
        return f"{self.name}{rate}{_spell(self.after)}"


def apply(fault: Fault | None, answer: Answer, refuse: Refuse) -> Answer:
    """The answer with the fault in it; the same object where there is none or where it changes nothing.

    `refuse` words an error as the vendor would, for those who speak in its place.
    """
    if fault is None or (fault.name in STREAM_FAULTS and not answer.streamed):
        return answer
    struck = strike.find(answer, fault.after, refuse, fault.bytes_per_second)
    if struck is None:
        return answer
    worse = FAULTS[fault.name](struck)
    return answer if worse == struck.answer else worse


def parse(text: str) -> Fault:
    """A fault in its short form: `reset`, `reset@3`, `slow=200@2s`; ValueError says what is wrong."""
    spoken, at, where = text.strip().partition("@")
    name, equals, rate = spoken.partition("=")
    fault = Fault(known(name), point(where) if at else None)
    return replace(fault, bytes_per_second=_rate(name, rate)) if equals else fault


def point(text: str) -> After:
    """A point in its short form: `3`, `100b`, `2s`; ValueError says what is wrong."""
    number = _COUNT.fullmatch(text)
    if number:
        return After("bytes" if number["bytes"] else "chunks", int(number["count"]))
    try:
        return After("time", duration.seconds(text))
    except ValueError as error:
        raise ValueError(
            f"found point {text!r}, expected chunks like 3, bytes like 100b or time like 2s"
        ) from error


def known(name: str) -> str:
    """The name of a fault; ValueError says which there are."""
    if name not in FAULTS:
        raise ValueError(f"found fault {name!r}, expected one of {', '.join(FAULTS)}{meant(name, FAULTS)}")
    return name


# Words


def _spell(after: After | None) -> str:
    if after is None:
        return ""
    if after.unit == "time":
        return f"@{duration.spell(after.amount)}"
    return f"@{int(after.amount)}{_UNITS[after.unit]}"


def _rate(name: str, found: str) -> float:
    if name != "slow":
        raise ValueError(f"found a rate for {name}, only slow has one")
    rate = float(found) if re.fullmatch(_NUMBER, found) else math.nan
    if not 0 < rate < math.inf:
        raise ValueError(f"found the rate {found!r}, expected a number above 0: bytes per second")
    return rate


# Connections


def _reset(at: Strike) -> Answer:
    return at.drop(Ending.RESET)


def _close(at: Strike) -> Answer:
    return at.drop(Ending.CLOSE)


def _hang(at: Strike) -> Answer:
    return at.drop(Ending.HANG)


def _garbage(at: Strike) -> Answer:
    return at.drop(Ending.CLOSE, Frame(_GARBAGE, chunk=False, raw=True))


def _truncated(at: Strike) -> Answer:
    if not at.early:
        return _close(at)
    total = sum(len(frame.data) for frame in at.rest)
    headers = (*without(at.answer, LENGTH), (LENGTH, str(max(total, 1))))
    half, _ = frames.after_bytes(at.rest, total // 2) or ((), ())
    return replace(at.answer, headers=headers, frames=half, ending=Ending.CLOSE, streamed=False)


def _malformed_chunk(at: Strike) -> Answer:
    if not (at.early or at.answer.streamed):
        return at.answer  # under a content-length there are no chunks
    headers = at.answer.headers if at.answer.streamed else without(at.answer, LENGTH)
    broken = at.go_on([Frame(_BROKEN_CHUNK, chunk=False, raw=True)])
    return replace(broken, headers=headers, ending=Ending.CLOSE, streamed=True)


def _slow(at: Strike) -> Answer:
    total = sum(len(frame.data) for frame in at.rest)
    size = max(1, int(at.rate / 20), math.ceil(total / _PIECES))
    return at.go_on(frames.paced(at.rest, at.rate, size))


# Event streams, and what is left of it for a plain body


def _truncated_json(at: Strike) -> Answer:
    if at.answer.streamed:
        return at.go_on(frames.first_event(at.rest, frames.half))
    if at.early:
        return at.anew(frames.half(frames.joined(at.rest)))
    return at.fill(b" ")


def _not_json(at: Strike) -> Answer:
    if at.answer.streamed:
        begun, rest = at.events()
        return at.go_on((*begun, Frame(sse.event(_NOT_JSON)), *rest))
    return at.anew(_NOT_JSON) if at.early else at.fill(_NOT_JSON)


def _error_event(at: Strike) -> Answer:
    words = frames.joined(at.refuse(ApiError("server_error")).frames)
    if at.answer.streamed:
        begun, _ = at.events()
        return at.go_on((*begun, Frame(sse.event(words))))
    return at.anew(words) if at.early else at.answer


def _no_done(at: Strike) -> Answer:
    return at.go_on(frame for frame in at.rest if frame.data != sse.DONE)


def _double_done(at: Strike) -> Answer:
    return at.go_on(frames.after_done(at.rest, Frame(sse.DONE, chunk=False)))


def _after_done(at: Strike) -> Answer:
    spoken = [frame for frame in at.answer.frames if frame.chunk]
    last = replace(spoken[-1], wait=0.0) if spoken else Frame(sse.event(b"{}"))
    return at.go_on(frames.after_done(at.rest, last))


def _comments(at: Strike) -> Answer:
    begun, rest = at.events()
    remark = sse.comment("still here")
    return at.go_on((*begun, *(replace(frame, data=remark + frame.data) for frame in rest)))


def _crlf(at: Strike) -> Answer:
    return at.go_on(replace(frame, data=frame.data.replace(b"\n", b"\r\n")) for frame in at.rest)


def _no_space(at: Strike) -> Answer:
    return at.go_on(frames.each_event(at.rest, lambda data: sse.event(data, space=False)))


def _multiline_data(at: Strike) -> Answer:
    return at.go_on(frames.each_event(at.rest, lambda data: sse.event(frames.over_lines(data))))


def _split_utf8(at: Strike) -> Answer:
    return at.go_on(frames.halved(at.rest))


def _wrong_content_type(at: Strike) -> Answer:
    if not at.early:
        return at.answer
    headers = (("content-type", "text/html; charset=utf-8"), *without(at.answer, "content-type"))
    return replace(at.answer, headers=headers)


_UNITS = {"chunks": "", "bytes": "b", "time": ""}

# What each makes of a stream | of a plain body at once | of a plain body once its head is out.
FAULTS: dict[str, Callable[[Strike], Answer]] = {
    "reset": _reset,  # RST | the same | the same
    "close": _close,  # FIN, no end of the message | FIN | FIN
    "empty": _close,  # the same word where nothing was said | the same | the same
    "hang": _hang,  # silence until the client leaves | the same | the same
    "garbage": _garbage,  # bytes outside of HTTP, FIN | the same | in the body's place, FIN
    "truncated": _truncated,  # at once: half, under the whole's length; later: FIN | half | FIN
    "malformed_chunk": _malformed_chunk,  # a chunk size that is none, FIN | sent in chunks, then the same | -
    "slow": _slow,  # so many bytes per second | the same | the same
    "truncated_json": _truncated_json,  # half of the next event | half the body | blanks for the rest
    "not_json": _not_json,  # an event of HTML more | HTML | HTML for the rest
    "error_event": _error_event,  # the vendor's error, the end | the error as the body | -
    "split_utf8": _split_utf8,  # segments that end inside a character | the same | the same
    "wrong_content_type": _wrong_content_type,  # text/html; at once only | the same | -
    "html": gateway.html,  # a proxy's page with the status, or 502; at once only | the same | -
    "no_body": gateway.no_body,  # status and headers alone; at once only | the same | -
    "wrapped": gateway.wrapped,  # 500 "400 ...", an error from further up; at once only | the same | -
}
# Of a plain body they make nothing.
STREAM_FAULTS: dict[str, Callable[[Strike], Answer]] = {
    "no_done": _no_done,  # without [DONE]
    "double_done": _double_done,  # [DONE] twice
    "after_done": _after_done,  # the last chunk again, after [DONE]
    "comments": _comments,  # a comment before each event
    "crlf": _crlf,  # lines end in CR LF
    "no_space": _no_space,  # no blank after the colon
    "multiline_data": _multiline_data,  # each JSON on three lines
}
FAULTS |= STREAM_FAULTS

# The short forms in JSON Schema's dialect of regular expressions, so that an editor refuses what we refuse.
POINT = f"(?:[0-9]{{1,15}}b?|{duration.PATTERN.removeprefix('^').removesuffix('$')})"
PATTERN = rf"^\s*(?:{'|'.join(FAULTS)}|slow={_NUMBER})(?:@{POINT})?\s*$"
