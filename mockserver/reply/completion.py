"""One list of choices, as a body or as chunks: what is streamed folds to what would have been the body."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from mockserver.call import Call
from mockserver.errors import ApiError
from mockserver.reply.chance import Chance
from mockserver.reply.moulds import TAG, Mould, Moulds
from mockserver.reply.said import Asked, Said, asked, cut, said, usage
from mockserver.shelf.response import Pace, Pause, Raw, Response
from mockserver.vendors.form import ABSENT, Values
from mockserver.vendors.header import Headers
from mockserver.vendors.vendor import Vendor
from mockserver.wire import sse
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.stencil import Marks, Stencil


class Delta(NamedTuple):
    """One chunk to be: the silence before it in seconds, whose it is, what it adds, and how it ends, if it does."""

    wait: float
    choice: int
    adds: Any
    reason: str | None = None
    counts: bool = True  # whether it is one that a person counts: the opening and the end are not


def render(
    call: Call,
    response: Response,
    chance: Chance,
    left: Values = MappingProxyType({}),
    moulds: Moulds | None = None,
) -> Answer:
    """The answer that a response gives to a call; `left` are the blanks of what its account has left.

    `chance` draws what varies: delays and the jitter of a stream. `moulds` keep what was rendered, of a response
    that will be given again. Raises nothing: an error is an answer too.
    """
    wait = response.delay.draw(chance) if response.delay else 0.0
    if response.raw is not None:
        answer = _with_headers(_raw(response.raw, chance), response)
    elif response.error is not None:
        answer = _with_headers(_refused(call, response), response)
    else:
        known = asked(call, response)
        mould = moulds.get(response, known) if moulds is not None else None
        if mould is None or left:
            before = chance.asked
            mould = _mould(known, response, chance, left)
            if moulds is not None and not left and chance.asked == before:
                moulds.put(response, known, mould)
        answer = mould.cast()
    return replace(answer, wait=wait) if wait else answer


def _mould(asked: Asked, response: Response, chance: Chance, left: Values) -> Mould:
    """The answer with marks for what is made new for each."""
    marks = Marks()
    heard = said(asked, response, marks.text)
    if asked.stream:
        answer = _stream(asked, response, heard, chance, marks)
    else:
        answer = _body(asked, response, heard, left, marks)
    stencil = Stencil(_with_headers(answer, response), marks)
    return Mould(stencil, lambda name: _now if name == _CREATED else asked.vendor.maker(name))


def _now() -> str:
    return str(int(time.time()))


def _with_headers(answer: Answer, response: Response) -> Answer:
    own = tuple((response.headers or {}).items())
    return replace(answer, headers=replaced(answer.headers, own)) if own else answer


def replaced(headers: Iterable[tuple[str, str]], by: Headers) -> Headers:
    """Headers, where the later ones take the place of those that have their name."""
    names = {name.lower() for name, _ in by}
    return (*((name, value) for name, value in headers if name.lower() not in names), *by)


def about(call: Call) -> dict[str, Any]:
    """What a refusal may say of the request it refuses."""
    return {"method": call.method, "path": call.place.path, "model": call.model, "allow": call.place.method}


def _raw(raw: Raw, chance: Chance) -> Answer:
    headers = tuple((raw.headers or {}).items())
    if raw.sse is None:
        return Answer(raw.status, replaced(_JSON, headers), (Frame((raw.body or "").encode()),))
    lines = tuple(
        Frame(b"", wait, chunk=False) if line is None else Frame(f"{line}\n".encode(), wait)
        for wait, line in _timed(raw.sse, chance)
    )
    return Answer(raw.status, replaced(sse.HEADERS, headers), lines, streamed=True)


def _refused(call: Call, response: Response) -> Answer:
    what = response.error or 500
    error = ApiError(what, response.message, code=response.code, retry_after=response.retry_after)
    answer = call.vendor.refuse(error, about(call))
    return replace(answer, status=response.status or answer.status)


def _body(asked: Asked, response: Response, heard: tuple[Said, ...], left: Values, marks: Marks) -> Answer:
    vendor = asked.vendor
    values = _values(asked, response, marks)
    raw = usage(asked, response, heard)
    values |= {**vendor.charged(raw, asked.model), **left}
    values["usage"] = vendor.usage(raw, asked.model)
    values["choices"] = [
        vendor.choice.fill(
            {"index": index, "finish_reason": one.finish_reason, "message": _message(vendor, one)}
        )
        for index, one in enumerate(heard)
    ]
    body = orjson.dumps(vendor.body.fill(values))
    status = response.status or vendor.success(asked.model).body
    tag = (("etag", marks.text(TAG)),) if vendor.profile.etag else ()
    return Answer(status, (*vendor.body_headers(values), *vendor.headers(values), *tag), (Frame(body),))


def _message(vendor: Vendor, one: Said) -> Any:
    """A choice's message. `refusal` is there for vendors that always print it, `refusal_text` only for a refusal."""
    values: dict[str, Any] = {
        "content": vendor.profile.body.no_text if one.content is None else one.content,
        "refusal": one.refusal,
    }
    if one.refusal is not None:
        values["refusal_text"] = one.refusal
    if one.reasoning is not None:
        values["reasoning_content"] = one.reasoning
    if one.tool_calls:
        values["tool_calls"] = list(one.tool_calls)
    return vendor.message.fill(values)


def _stream(
    asked: Asked, response: Response, heard: tuple[Said, ...], chance: Chance, marks: Marks
) -> Answer:
    vendor = asked.vendor
    values = _values(asked, response, marks)
    values["usage"] = None if asked.counted else ABSENT
    write = [_writer(vendor, values, index) for index in range(len(heard))]
    frames = [
        Frame(write[delta.choice](delta), delta.wait, delta.counts)
        for delta in _deltas(vendor, heard, response.stream or Pace(), chance)
    ]
    if asked.counted:
        raw = usage(asked, response, heard)
        values |= vendor.charged(raw, asked.model)
        values |= {"usage": vendor.usage(raw, asked.model, streamed=True), "choices": []}
        frames.append(Frame(orjson.dumps(vendor.last_chunk.fill(values)), chunk=False))
    status = response.status or vendor.success(asked.model).stream
    heartbeat = vendor.profile.stream.heartbeat
    answer = sse.stream(frames, status=status, headers=vendor.headers(values))
    return answer if heartbeat is None else _beating(answer, heartbeat)


def _chunk(vendor: Vendor, values: Values, choices: list[Any]) -> bytes:
    return orjson.dumps(vendor.chunk.fill({**values, "choices": choices}))


def _part(vendor: Vendor, delta: Delta) -> Any:
    """A chunk's only choice."""
    return vendor.chunk_choice.fill(
        {"index": delta.choice, "delta": delta.adds, "finish_reason": delta.reason}
    )


def _writer(vendor: Vendor, values: Values, index: int) -> Callable[[Delta], bytes]:
    """Writes the chunks of one choice: all but what they add is the same until the last, and written once."""
    blank = _chunk(vendor, values, [_part(vendor, Delta(0.0, index, orjson.Fragment(_HERE)))])
    before, _, after = blank.partition(_HERE)

    def write(delta: Delta) -> bytes:
        if delta.reason is None:
            return before + orjson.dumps(delta.adds) + after
        return _chunk(vendor, values, [_part(vendor, delta)])

    return write


def _deltas(vendor: Vendor, heard: tuple[Said, ...], pace: Pace, chance: Chance) -> Iterator[Delta]:
    """Every chunk but the usage: the openings, what is said, the ends.

    Choices are interleaved, as a model that writes them side by side sends them; all are paced as one.
    """
    wait = pace.ttft.draw(chance) if pace.ttft else 0.0
    for index, one in enumerate(heard):
        # null where no text will follow: before tool calls [C 2024-11], and so before a refusal.
        opening = {"content": None if one.content is None else ""}
        yield Delta(wait, index, vendor.opening.fill(opening), counts=False)
        wait = 0.0
    chunk = vendor.tokenizer if pace.chunk in (None, "token") else pace.chunk
    rows = zip_longest(*(_pieces(one, chunk, chance) for one in heard))
    for number, row in enumerate(rows):
        wait += _gap(pace, chance) if number else 0.0
        for index, piece in enumerate(row):
            if piece is None:
                continue
            wait += piece[0]
            if piece[1] is not None:
                yield Delta(wait, index, piece[1])
                wait = 0.0
    for index, one in enumerate(heard):
        yield Delta(wait, index, {}, one.finish_reason, counts=False)
        wait = 0.0


def _pieces(one: Said, chunk: str | int, chance: Chance) -> Iterator[tuple[float, Any]]:
    """What one choice adds between its opening and its end, each piece after its own silence.

    A model thinks, then speaks, then calls. A silence that nothing follows has None for a piece.
    """
    for part in cut(one.reasoning or "", chunk):
        yield 0.0, {"reasoning_content": part}
    texts = cut(one.content or "", chunk) if one.chunks is None else one.chunks
    for wait, text in _timed(texts, chance):
        yield wait, None if text is None else {"content": text}
    for part in cut(one.refusal or "", chunk):
        yield 0.0, {"refusal": part}
    for index, made in enumerate(one.tool_calls):
        for fragment in _fragments(made, chunk):
            yield 0.0, {"tool_calls": [{"index": index, **fragment}]}


def _fragments(made: dict[str, Any], chunk: str | int) -> Iterator[dict[str, Any]]:
    """A tool call as OpenAI sends it [C 2024-11]: its id and name, then its arguments alone, bit by bit."""
    function = made["function"]
    yield {**made, "function": {"name": function["name"], "arguments": ""}}
    for part in cut(function["arguments"], chunk):
        yield {"function": {"arguments": part}}


def _timed(items: Iterable[str | Pause], chance: Chance) -> Iterator[tuple[float, str | None]]:
    """Texts, each with the silence before it; None for a text when the last silence has nothing after it."""
    wait = 0.0
    for item in items:
        if isinstance(item, Pause):
            wait += item.delay.draw(chance)
        else:
            yield wait, item
            wait = 0.0
    if wait:
        yield wait, None


def _gap(pace: Pace, chance: Chance) -> float:
    if not pace.tps:
        return 0.0
    return (1 + (chance().uniform(-1, 1) * pace.jitter if pace.jitter else 0.0)) / pace.tps


def _beating(answer: Answer, every: float) -> Answer:
    """The stream with a comment in every long silence, so that nothing between takes it for dead."""
    frames: list[Frame] = []
    for frame in answer.frames:
        # A beat that would fall together with the frame is not needed.
        beats = max(math.ceil(frame.wait / every) - 1, 0)
        frames += [Frame(_BEAT, every, chunk=False)] * beats
        frames.append(replace(frame, wait=frame.wait - beats * every) if beats else frame)
    return replace(answer, frames=tuple(frames))


def _values(asked: Asked, response: Response, marks: Marks) -> dict[str, Any]:
    """What fills the blanks of a body and of every chunk alike; a mark where it is made new for each answer."""
    vendor = asked.vendor
    model = vendor.models[asked.model]
    values: dict[str, Any] = {name: marks.text(name) for name in vendor.profile.ids}
    values["created"] = marks.number(_CREATED) if response.created is None else response.created
    values["model"] = response.model or model.snapshot or asked.model
    if response.id is not None:
        values["id"] = response.id
    fingerprint = response.system_fingerprint or model.fingerprint
    if fingerprint:
        values["system_fingerprint"] = fingerprint
    return values


_CREATED: Final = "$created"  # no name of an id
_HERE: Final = b"\0"  # where what is added goes: a byte that no JSON text contains
_BEAT: Final = sse.comment("heartbeat")
_JSON: Final = (("content-type", "application/json"),)
