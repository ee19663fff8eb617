"""What the control API tells, as records: their fields are the JSON, and their shapes its description."""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import UTC, datetime
from shlex import quote
from typing import Any

from mockserver.control import raises
from mockserver.control.explain import Explained
from mockserver.money import Charge, spell
from mockserver.origin import SESSION
from mockserver.record import ByType, ListOf, MapOf, Record, record, said, sayings
from mockserver.reply import bill
from mockserver.session.journal import Entry
from mockserver.shape import Anything, Flag, Nothing, Number, Shape, Text, Whole
from mockserver.shelf.match import is_secret, masked
from mockserver.shelf.matching import Difference as Unlike
from mockserver.shelf.matching import Miss
from mockserver.vendors.profile import Profile
from mockserver.wire import sse
from mockserver.wire.answer import Answer, settled

_USER = 200  # characters of a user's message in a list
_MOMENTS = 300  # of a stream, as a list has it

_NO_TEXT: Shape = ByType(text=Text(), null=Nothing())
_NO_NUMBER: Shape = ByType(number=Number(), null=Nothing())
_ANY_HEADERS: Shape = MapOf(Text())


@record
class Difference:
    """Where a request and a match part."""

    field: str = said(Text(), "the field of the match")
    expected: str = said(Text(), "what it expected")
    found: str = said(Text(), "what the request had")


@record
class Missed:
    """A fixture that did not answer, and why."""

    fixture: str = said(Text(), "its name")
    source: str = said(Text(), "where it stands")
    differences: Sequence[Difference] = said(ListOf(Record(Difference)), "everything in which they part")


@record
class Charged:
    """What was charged for a request."""

    usd: str = said(Text(), "in dollars, exact")
    credits: str = said(Text(), "in the vendor's credits, exact")


@record
class Request:
    """One request of the journal."""

    id: str = said(Text(), "as in x-mock-request-id")
    number: int = said(Whole(1), "in the order of arrival")
    arrived: str = said(Text(), "when, in ISO 8601")
    session: str = said(Text(), "whose it is")
    vendor: str | None = said(_NO_TEXT, "whom it was for; null where no vendor has its path")
    model: str | None = said(_NO_TEXT, "the model asked for")
    method: str = said(Text(), "its method")
    path: str = said(Text(), "the vendor's own path")
    stream: bool = said(Flag(), "whether a stream was asked for")
    attempt: int = said(Whole(0), "the SDK's own count of retries")
    status: int = said(Whole(0), "what is heard; 0 before it is decided, and where no status line is heard")
    fixture: str | None = said(_NO_TEXT, "the fixture that matched")
    matched: bool = said(Flag(), "whether one did")
    rule: str | None = said(_NO_TEXT, "the fault rule that struck")
    fault: str | None = said(_NO_TEXT, "what was done to the answer on purpose")
    why: str | None = said(_NO_TEXT, "why it was refused")
    charged: Charged | None = said(
        ByType(mapping=Record(Charged), null=Nothing()), "what its vendor charges for it, account or not"
    )
    first_byte_ms: float | None = said(_NO_NUMBER, "from its arrival to the first byte")
    total_ms: float | None = said(_NO_NUMBER, "from its arrival to the end")
    bytes: int = said(Whole(0), "of body that were heard")
    ended: str | None = said(_NO_TEXT, "finished, dropped, left or closed; null while it is open")
    user: str = said(Text(), "the last user message, clipped")
    digest: str = said(Text(), "the same for requests whose bodies are the same")
    retry_after_ms: float | None = said(_NO_NUMBER, "how long it was told to wait before it tries again")
    frames_ms: Sequence[float] = said(
        ListOf(Number()), "of a stream: when something of it goes out, or went; clipped to a few hundred"
    )


@record
class Sent:
    """What was asked; keys are masked."""

    headers: dict[str, str] = said(_ANY_HEADERS, "in lower case")
    body: Any = said(Anything(), "the JSON, or the text where it is none")


@record
class Event:
    """One event of a stream, as it went out."""

    at_ms: float | None = said(_NO_NUMBER, "since the request arrived; null while the stream is open")
    data: str = said(Text(), "what it carries; a comment, or what is no event, as it stands")


@record
class Got:
    """What was heard; null where nothing was decided yet."""

    status: int = said(Whole(0), "0 where no status line was heard")
    headers: dict[str, str] = said(_ANY_HEADERS, "all but the server's own")
    body: str | None = said(_NO_TEXT, "of a plain answer", default=None)
    events: Sequence[Event] | None = said(
        ByType(sequence=ListOf(Record(Event)), null=Nothing()), "of a stream", default=None
    )


@record
class Story(Request):
    """One request, with everything that is known of it."""

    request: Sent = said(Record(Sent), "what was asked")
    response: Got | None = said(ByType(mapping=Record(Got), null=Nothing()), "what was heard")
    misses: Sequence[Missed] = said(ListOf(Record(Missed)), "what was asked before, or came nearest")
    curl: str = said(Text(), "the same request for a shell, with `$KEY` for its key")


@record
class Requests:
    """The journal."""

    requests: Sequence[Request] = said(ListOf(Record(Request)), "the newest first")
    dropped: int = said(Whole(0), "how many were let go, because the journal is bounded")


@record
class Raised:
    """What comes of an answer in the OpenAI SDK for Python."""

    exception: str | None = said(_NO_TEXT, "its name; null: none")
    attempts: int = said(Whole(1), "how often the SDK asks")
    chunks: int | None = said(_NO_NUMBER, "of a stream, heard before it; null where it makes no difference")
    text: str = said(Text(), "all of it in a line")


@record
class Explanation:
    """What would become of a request, with nothing counted and nothing remembered."""

    status: int = said(Whole(0), "what would be heard")
    fixture: str | None = said(_NO_TEXT, "the fixture that matches, or that the request names")
    source: str | None = said(_NO_TEXT, "where it stands")
    instead_of: str | None = said(_NO_TEXT, "the fixture that matches, where the request names another one")
    instead_of_source: str | None = said(_NO_TEXT, "where that one stands")
    matched: bool = said(Flag(), "whether one does")
    why: str | None = said(_NO_TEXT, "why it would be refused")
    misses: Sequence[Missed] = said(
        ListOf(Record(Missed)), "those asked before it, or those that come nearest"
    )
    others: int = said(Whole(0), "how many more missed")
    fault: str | None = said(_NO_TEXT, "what would be done to the answer on purpose")
    openai: Raised | None = said(
        ByType(mapping=Record(Raised), null=Nothing()),
        "what the SDK would raise; null where no OpenAI client gets there, or nobody has measured it",
    )


def plain(value: Any) -> Any:
    """A record as JSON has it."""
    if is_dataclass(value):
        known: type = type(value)
        return {name: plain(getattr(value, one.attribute)) for name, one in sayings(known).items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def brief(entry: Entry) -> Request:
    """An entry as a list has it."""
    return Request(**line(entry))


def story(entry: Entry, misses: Iterable[Miss]) -> Story:
    """An entry with everything that is known of it."""
    call = entry.call
    body: Any = None
    if call is not None:
        body = call.body if not call.flaw else call.raw.decode(errors="replace")
    return Story(
        **line(entry),
        request=Sent(headers=shown(entry.head.headers), body=body),
        response=None if entry.answer is None else _got(entry, settled(entry.answer)),
        misses=tuple(map(missed, misses)),
        curl=curl(entry),
    )


def explanation(told: Explained) -> Explanation:
    return Explanation(
        status=told.status,
        fixture=told.fixture or None,
        source=told.source or None,
        instead_of=told.instead_of.name if told.instead_of else None,
        instead_of_source=told.instead_of.source if told.instead_of else None,
        matched=bool(told.fixture),
        why=told.why or None,
        misses=tuple(map(missed, told.misses)),
        others=told.others,
        fault=told.fault or None,
        openai=_raised(told),
    )


def _raised(told: Explained) -> Raised | None:
    outcome = told.outcome
    if outcome is None or told.call.vendor.profile.paths.openai is None:
        return None
    text = raises.text(outcome)
    return Raised(exception=outcome.raises, attempts=outcome.attempts, chunks=outcome.chunks, text=text)


def access(profile: Profile) -> dict[str, Any]:
    """How a client reaches a vendor; paths are under its prefix."""
    key = profile.keys[0]
    return {
        "title": profile.title,
        "chat": profile.paths.chat[0],
        "openai": profile.paths.openai,
        "key_header": key.header,
        "key_scheme": key.scheme,
        "sample_key": profile.sample_key,
        "sample_model": profile.sample_model,
        "models": list(profile.models or {}),
    }


def charged(charge: Charge) -> Charged:
    return Charged(usd=spell(charge.usd), credits=spell(charge.credits))


def missed(miss: Miss) -> Missed:
    return Missed(
        fixture=miss.fixture.name,
        source=miss.fixture.source,
        differences=tuple(map(difference, miss.differences)),
    )


def shown(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with their keys masked."""
    return {name: _masked(value) if is_secret(name) else value for name, value in headers.items()}


def curl(entry: Entry) -> str:
    """The command that asks the same."""
    head = entry.head
    kept = {name: value for name, value in head.headers.items() if name not in _CURLS_OWN}
    stated = [_stated(name, value) for name, value in {**kept, SESSION: entry.session}.items()]
    url = f"http://{head.headers.get('host', 'localhost')}{head.path}"
    body = entry.call.raw.decode(errors="replace") if entry.call else ""
    data = [f"--data-binary {quote(body)}"] if body else []
    return " ".join(["curl", "-s", "-X", quote(head.method), quote(url), *stated, *data])


def heard(entry: Entry, answer: Answer) -> Iterator[tuple[float | None, bytes]]:
    """The pieces that went out, each with its moment in milliseconds; of an open one, those that are to."""
    frames = (frame.data for frame in answer.frames)
    if entry.heard is None:
        return ((None, data) for data in frames)
    return ((_ms(moment), data) for moment, data in zip(entry.heard.times, frames, strict=False))


def events(pieces: Iterable[tuple[float | None, bytes]]) -> Iterator[Event]:
    """What a reader makes of the pieces of a stream; what is left at the end is told as it stands."""
    rest = b""
    at = None
    for at, data in pieces:
        *whole, rest = _BLANK.split(rest + data)
        for text in whole:
            payload = sse.payload(_LINES.sub(b"\n", text) + b"\n\n")
            yield Event(at_ms=at, data=_text(text if payload is None else payload))
    if rest:
        yield Event(at_ms=at, data=_text(rest))


def line(entry: Entry) -> dict[str, Any]:
    """An entry as a list has it, as plain JSON: for the feed, which tells of thousands a second."""
    ended = entry.heard
    return {
        "id": entry.id,
        "number": entry.number,
        "arrived": datetime.fromtimestamp(entry.arrived, UTC).isoformat(timespec="milliseconds"),
        "session": entry.session,
        "vendor": entry.vendor or None,
        "model": entry.model or None,
        "method": entry.method,
        "path": entry.path,
        "stream": entry.stream,
        "attempt": entry.attempt,
        "status": entry.status,
        "fixture": entry.fixture or None,
        "matched": entry.matched,
        "rule": entry.rule or None,
        "fault": entry.fault or None,
        "why": entry.why or None,
        "charged": charged(cost) if (cost := bill.of(entry)) else None,
        "first_byte_ms": None if ended is None or ended.first_byte is None else _ms(ended.first_byte),
        "total_ms": _ms(ended.seconds) if ended else None,
        "bytes": ended.size if ended else 0,
        "ended": ended.ended if ended else None,
        "user": _clipped(entry.call.user) if entry.call else "",
        "digest": f"{zlib.crc32(entry.call.raw):08x}" if entry.call else "",
        "retry_after_ms": None if entry.answer is None else _asked_to_wait(entry.answer),
        "frames_ms": _moments(entry),
    }


def _asked_to_wait(answer: Answer) -> float | None:
    """What Retry-After says, in milliseconds; the finer header goes before the other."""
    said = {name.lower(): value for name, value in answer.headers if answer.head and answer.status >= 400}
    for name, unit in (("retry-after-ms", 1.0), ("retry-after", 1000.0)):
        if said.get(name, "").replace(".", "", 1).isdecimal():
            return float(said[name]) * unit
    return None


def _moments(entry: Entry) -> list[float]:
    """When the pieces of a stream went out; of one that is open, when they are to."""
    answer = entry.answer
    if answer is None or not answer.streamed:
        return []
    planned = itertools.accumulate((frame.wait for frame in answer.frames), initial=answer.wait)
    times = itertools.islice(planned, 1, None) if entry.heard is None else entry.heard.times
    moments = [_ms(moment) for moment in dict.fromkeys(times)]  # most streams go out in few writes
    return moments[:: -(-len(moments) // _MOMENTS) or 1]


def _got(entry: Entry, answer: Answer) -> Got:
    status = entry.heard.status if entry.heard else entry.status
    headers: dict[str, str] = {}
    for name, value in answer.headers if answer.head else ():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    pieces = heard(entry, answer)
    if answer.streamed:
        return Got(status=status, headers=shown(headers), events=tuple(events(pieces)))
    return Got(status=status, headers=shown(headers), body=_text(b"".join(data for _, data in pieces)))


def difference(one: Unlike) -> Difference:
    return Difference(field=one.field, expected=one.expected, found=one.found)


def _stated(name: str, value: str) -> str:
    """A header for a shell; a key is for whoever runs it to fill in."""
    if not is_secret(name):
        return f"-H {quote(f'{name}: {value}')}"
    scheme, blank, _ = value.partition(" ")
    return f'-H "{name}: {scheme} $KEY"' if blank and scheme.isalpha() else f'-H "{name}: $KEY"'


def _masked(value: str) -> str:
    """A header's key in words that do not give it away, its scheme kept."""
    scheme, blank, key = value.partition(" ")
    return f"{scheme} {masked(key)}" if blank else masked(value)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")


def _clipped(text: str) -> str:
    return text if len(text) <= _USER else text[: _USER - 1] + "…"


_BLANK = re.compile(rb"\n\n|\r\n\r\n")
_LINES = re.compile(rb"\r\n")
_CURLS_OWN = ("host", "content-length", "connection", "accept-encoding", "transfer-encoding", SESSION)
