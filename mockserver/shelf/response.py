"""What a fixture says, as it was written and checked: the words are `reply`'s to render."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import orjson

from mockserver.errors import KINDS
from mockserver.record import ByType, Check, ListOf, MapOf, Record, record, said
from mockserver.shape import (
    Anything,
    Duration,
    Flag,
    Number,
    OneOf,
    Percent,
    Shape,
    Text,
    Whole,
    choice,
    meant,
)
from mockserver.shelf.fault import FAULT
from mockserver.wire.faults import Fault

Chance = Callable[[], random.Random]

# 95 of 100 draws of a normal distribution are below this many deviations.
_P95 = 1.6448536269514722


@record
class Spread:
    """A time in seconds that varies: log-normal, given by its median and 95th percentile."""

    median: float = said(Duration(), "half of the times are shorter")
    p95: float = said(Duration(), "one in twenty is longer")

    def check(self) -> Iterator[tuple[str | None, str]]:
        if self.p95 < self.median:
            yield "p95", "found a time shorter than the median, expected a longer one"

    def draw(self, chance: Chance) -> float:
        """One time, in seconds; chance is asked only where it varies."""
        if self.p95 == self.median or not self.median:
            return self.median
        return self.median * math.exp(chance().gauss(0, math.log(self.p95 / self.median) / _P95))


def _headers(stated: dict[str, str]) -> dict[str, str]:
    for name, value in stated.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise ValueError(f"found the header name {name!r}, expected letters, digits and '-'")
        if not re.fullmatch(r"[\t\x20-\x7e\xa0-\xff]*", value):
            raise ValueError(f"found {value!r} in the header {name}, expected one line of Latin-1 text")
    return stated


def _json(value: Any) -> Any:
    try:
        orjson.dumps(value)
    except TypeError as error:  # a number of more than 64 bits, most likely
        raise ValueError(f"found a value that cannot be sent as JSON: {error}") from None
    return value


JSON: Shape = Check(Anything(), _json)
HEADERS: Shape = Check(MapOf(Text()), _headers)
DELAY: Shape = ByType(
    text=Check(Duration(), lambda seconds: Spread(median=seconds, p95=seconds)), mapping=Record(Spread)
)


@record
class ByCharacters:
    """The long form of `chunk`."""

    chars: int = said(Whole(1), "characters a chunk")


@record
class Pace:
    """How a stream is paced. Unpaced, it goes out at once."""

    ttft: Spread | None = said(DELAY, "time to the first token", default=None)
    tps: float | None = said(
        Number(0.001), "tokens, or what `chunk` makes of the text, a second", default=None
    )
    jitter: float | None = said(Percent(), "how much the gaps vary, as `20%`", default=None)
    chunk: str | int | None = said(
        ByType(
            text=OneOf("token", "word", "char", "whole"),
            mapping=Check(Record(ByCharacters), lambda by: by.chars),
        ),
        "what one chunk is",
        default=None,
    )

    def over(self, below: Pace | None) -> Pace:
        """This pace, and what it does not state of another."""
        if below is None:
            return self
        return replace(
            below, **{name: value for name in _names(Pace) if (value := getattr(self, name)) is not None}
        )


@record
class Pause:
    """A silence between two chunks or lines."""

    delay: Spread = said(DELAY, "how long")


@record
class ToolCall:
    """One call of a tool."""

    name: str = said(Text(), "the tool's name")
    arguments: Any = said(JSON, "a mapping; or text, which is sent as it stands", default=None)
    id: str | None = said(Text(), "the call's id; absent: made new", default=None)

    @property
    def json(self) -> str:
        """The arguments as the vendor sends them: a JSON text."""
        if isinstance(self.arguments, str):
            return self.arguments
        return orjson.dumps({} if self.arguments is None else self.arguments).decode()


@record
class RawUsage:
    """Raw tokens; the vendor's profile words them."""

    prompt_tokens: int | None = said(Whole(0), "of the request; absent: counted", default=None)
    completion_tokens: int | None = said(
        Whole(0), "of the answer, reasoning included; absent: counted", default=None
    )
    reasoning_tokens: int | None = said(Whole(0), "of those, how many were reasoning", default=None)
    cached_tokens: int = said(Whole(0), "prompt tokens that were cached", default=0)


CHUNKS: Shape = ListOf(ByType(text=Text(), number=Text(), flag=Text(), mapping=Record(Pause)), at_least=1)
TOOL_CALLS: Shape = ListOf(Record(ToolCall), at_least=1)


@record
class Choice:
    """One of several answers to one request."""

    text: str | None = said(Text(), "what it says", default=None)
    chunks: tuple[str | Pause, ...] | None = said(CHUNKS, "what it says, cut as it stands", default=None)
    json: Any = said(JSON, "what it says, as a JSON text", default=None)
    tool_calls: tuple[ToolCall, ...] | None = said(TOOL_CALLS, "the tools it calls", default=None)
    refusal: str | None = said(Text(), "its refusal", default=None)
    reasoning: str | None = said(
        Text(), "its reasoning; the vendor decides whether it is heard", default=None
    )
    finish_reason: str | None = said(Text(), "absent: stop, or tool_calls", default=None)

    def check(self) -> Iterator[tuple[str | None, str]]:
        yield from _one_of(self, ("text", "chunks", "json"), ("tool_calls", "refusal"))

    @property
    def content(self) -> str | None:
        """The text, however it was written; None when it says nothing."""
        if self.chunks is not None:
            return "".join(chunk for chunk in self.chunks if isinstance(chunk, str))
        if self.json is not None:
            return orjson.dumps(self.json).decode()
        return self.text


@record
class Raw:
    """An answer whose bytes are the user's own."""

    status: int = said(Whole(200, 599), "the HTTP status", default=200)
    headers: dict[str, str] | None = said(HEADERS, "all headers but the server's own", default=None)
    body: str | None = said(Text(), "the body", default=None)
    sse: tuple[str | Pause, ...] | None = said(
        CHUNKS, "the lines of an event stream, and pauses", default=None
    )

    def check(self) -> Iterator[tuple[str | None, str]]:
        if self.body is not None and self.sse is not None:
            yield "sse", "found both body and sse, expected one of them"


def _error(what: str | int) -> str | int:
    if isinstance(what, str) and what.isdecimal():
        what = int(what)
    if isinstance(what, int):
        if not 400 <= what <= 599:
            raise ValueError(f"found the number {what}, expected 400 to 599 or a kind")
        return what
    if what not in KINDS:
        raise ValueError(
            f"found {what!r}, expected a number 400 to 599 or a kind{meant(what, KINDS) or f': {choice(KINDS)}'}"
        )
    return what


ERROR: Shape = Check(ByType(number=Whole(), text=Text()), _error)


@record
class Response:
    """One response in its long form."""

    text: str | None = said(Text(), "what it says", default=None)
    chunks: tuple[str | Pause, ...] | None = said(
        CHUNKS, "what it says, cut as it stands, and pauses", default=None
    )
    json: Any = said(JSON, "what it says, as a JSON text", default=None)
    tool_calls: tuple[ToolCall, ...] | None = said(
        TOOL_CALLS, "the tools it calls; several are parallel", default=None
    )
    choices: tuple[Choice, ...] | None = said(
        ListOf(
            ByType(text=Check(Text(), lambda text: Choice(text=text)), mapping=Record(Choice)), at_least=1
        ),
        "several answers to one request",
        default=None,
    )
    refusal: str | None = said(Text(), "its refusal", default=None)
    error: str | int | None = said(
        ERROR, "a status 400 to 599 or a kind, in the vendor's words", default=None
    )
    raw: Raw | None = said(Record(Raw), "an answer byte for byte", default=None)
    reasoning: str | None = said(
        Text(), "its reasoning; the vendor decides whether it is heard", default=None
    )
    finish_reason: str | None = said(Text(), "absent: stop, or tool_calls", default=None)
    usage: RawUsage | None = said(Record(RawUsage), "raw tokens; absent: counted", default=None)
    id: str | None = said(Text(), "absent: made new, in the vendor's form", default=None)
    created: int | None = said(Whole(0), "seconds since 1970; absent: now", default=None)
    model: str | None = said(Text(), "absent: as the vendor names the model asked for", default=None)
    system_fingerprint: str | None = said(Text(), "absent: the model's own", default=None)
    headers: dict[str, str] | None = said(HEADERS, "further headers", default=None)
    status: int | None = said(Whole(200, 599), "absent: the vendor's own", default=None)
    delay: Spread | None = said(DELAY, "silence before the first byte", default=None)
    stream: Pace | None = said(Record(Pace), "how a stream is paced", default=None)
    fault: Fault | None = said(FAULT, "how it goes wrong, and where: `reset@3`", default=None)
    retry_after: float | None = said(Duration(), "Retry-After of an error", default=None)
    message: str | None = said(Text(), "an error's message, in place of the vendor's", default=None)
    code: str | None = said(Text(), "an error's code, in place of the vendor's", default=None)
    template: bool | None = said(Flag(), "whether the texts are Jinja2 templates", default=None)
    times: int | None = said(Whole(1), "how often it answers", default=None)

    def check(self) -> Iterator[tuple[str | None, str]]:
        yield from _one_of(
            self, ("text", "chunks", "json"), ("choices", "error", "raw"), ("tool_calls", "refusal")
        )
        for kind, (alien, hint) in _ALIEN.items():
            for field in alien if getattr(self, kind) is not None else ():
                if getattr(self, field) is not None:
                    yield field, f"{field} means nothing beside {kind}; {hint}"
        for field in ("message", "code", "retry_after"):
            if getattr(self, field) is not None and self.error is None:
                yield field, f"{field} goes with an error, and there is none here"

    @property
    def spoken(self) -> tuple[Choice, ...]:
        """What it says, one choice at least."""
        if self.choices:
            return tuple(self.choices)
        return (Choice(**{name: getattr(self, name) for name in _names(Choice)}),)


def _one_of(
    written: Choice | Response, texts: tuple[str, ...], *others: tuple[str, ...]
) -> Iterator[tuple[str | None, str]]:
    """A response says one thing: text in one of its forms, with or without tool calls, or one of the others."""
    known = (*texts, *(name for group in others for name in group))
    stated = [name for name in known if getattr(written, name) is not None]
    rest = [name for name in stated if name not in texts]
    if not stated and written.reasoning is None:
        yield None, f"it says nothing, expected one of {', '.join(known)}"
    elif (
        len(stated) - len(rest) > 1 or len(rest) > 1 or (stated != rest and rest not in ([], ["tool_calls"]))
    ):
        yield (
            stated[-1],
            f"found {' and '.join(stated)} in one response, expected one; only tool_calls go with text",
        )


def _names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))


def _short(text: str) -> Response:
    return Response(error=text) if text in KINDS else Response(text=text)


# A response in any of its forms: a kind or a number is an error, other text is said, a mapping is the long form.
RESPONSE: Shape = ByType(
    text=Check(Text(), _short),
    number=Check(ERROR, lambda status: Response(error=status)),
    mapping=Record(Response),
)

# What has no meaning beside an error, a raw answer or several choices.
_SPOKEN = ("reasoning", "finish_reason", "usage", "id", "created", "model", "system_fingerprint", "stream")
_ALIEN = {
    "error": (_SPOKEN, "leave it out"),
    "raw": ((*_SPOKEN, "status"), "write it into raw, or leave it out"),
    "choices": (("reasoning", "finish_reason"), "write it into the choices"),
}
