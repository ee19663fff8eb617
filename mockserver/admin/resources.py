"""What the control API tells, as records: their fields are the JSON, and their shapes its description."""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import is_dataclass
from datetime import UTC, datetime
from shlex import quote
from typing import Any

from mockserver.admin.explain import DryRun
from mockserver.admin.openai_exceptions import describe_sdk_outcome
from mockserver.billing.cost import calculate_entry_cost
from mockserver.masking import is_secret_header, mask_headers
from mockserver.matching.fixture_set import Mismatch as Unlike
from mockserver.matching.fixture_set import NearMiss
from mockserver.request.request_head import SESSION_HEADER
from mockserver.schema.field_types import AnyValue, Boolean, FieldType, Integer, Null, Number, Text
from mockserver.schema.money import Charge, format_amount
from mockserver.schema.object_types import (
    ByType,
    ListOf,
    MapOf,
    ObjectType,
    get_spec_fields,
    spec_dataclass,
    spec_field,
)
from mockserver.sessions.journal import JournalEntry
from mockserver.vendors.profile import VendorProfile
from mockserver.wire.answer import Answer, add_content_length
from mockserver.wire.sse import parse_sse_event

_USER_TEXT_LIMIT = 200  # characters of a user's message in a list
_FRAME_TIMES_LIMIT = 300  # of a stream, as a list has it

_OPTIONAL_TEXT: FieldType = ByType(text=Text(), null=Null())
_OPTIONAL_NUMBER: FieldType = ByType(number=Number(), null=Null())
_HEADERS_FIELD: FieldType = MapOf(Text())


@spec_dataclass
class MismatchView:
    """Where a request and a match part."""

    field: str = spec_field(Text(), "the field of the match")
    expected: str = spec_field(Text(), "what it expected")
    found: str = spec_field(Text(), "what the request had")


@spec_dataclass
class NearMissView:
    """A fixture that did not answer, and why."""

    fixture: str = spec_field(Text(), "its name")
    source: str = spec_field(Text(), "where it stands")
    differences: Sequence[MismatchView] = spec_field(
        ListOf(ObjectType(MismatchView)), "everything in which they part"
    )


@spec_dataclass
class ChargeView:
    """What was charged for a request."""

    usd: str = spec_field(Text(), "in dollars, exact")
    credits: str = spec_field(Text(), "in the vendor's credits, exact")


@spec_dataclass
class RequestView:
    """One request of the journal."""

    id: str = spec_field(Text(), "as in x-mock-request-id")
    number: int = spec_field(Integer(1), "in the order of arrival")
    arrived: str = spec_field(Text(), "when, in ISO 8601")
    session: str = spec_field(Text(), "whose it is")
    vendor: str | None = spec_field(_OPTIONAL_TEXT, "whom it was for; null where no vendor has its path")
    model: str | None = spec_field(_OPTIONAL_TEXT, "the model asked for")
    method: str = spec_field(Text(), "its method")
    path: str = spec_field(Text(), "the vendor's own path")
    stream: bool = spec_field(Boolean(), "whether a stream was asked for")
    attempt: int = spec_field(Integer(0), "the SDK's own count of retries")
    status: int = spec_field(
        Integer(0), "what is heard; 0 before it is decided, and where no status line is heard"
    )
    fixture: str | None = spec_field(_OPTIONAL_TEXT, "the fixture that matched")
    matched: bool = spec_field(Boolean(), "whether one did")
    rule: str | None = spec_field(_OPTIONAL_TEXT, "the fault rule that struck")
    fault: str | None = spec_field(_OPTIONAL_TEXT, "what was done to the answer on purpose")
    reason: str | None = spec_field(_OPTIONAL_TEXT, "why it was refused")
    charged: ChargeView | None = spec_field(
        ByType(mapping=ObjectType(ChargeView), null=Null()), "what its vendor charges for it, account or not"
    )
    first_byte_ms: float | None = spec_field(_OPTIONAL_NUMBER, "from its arrival to the first byte")
    total_ms: float | None = spec_field(_OPTIONAL_NUMBER, "from its arrival to the end")
    bytes: int = spec_field(Integer(0), "of body that were heard")
    ended: str | None = spec_field(_OPTIONAL_TEXT, "finished, dropped, left or closed; null while it is open")
    user: str = spec_field(Text(), "the last user message, clipped")
    digest: str = spec_field(Text(), "the same for requests whose bodies are the same")
    retry_after_ms: float | None = spec_field(
        _OPTIONAL_NUMBER, "how long it was told to wait before it tries again"
    )
    frames_ms: Sequence[float] = spec_field(
        ListOf(Number()), "of a stream: when something of it goes out, or went; clipped to a few hundred"
    )


@spec_dataclass
class SentView:
    """What was asked; keys are masked."""

    headers: dict[str, str] = spec_field(_HEADERS_FIELD, "in lower case")
    body: Any = spec_field(AnyValue(), "the JSON, or the text where it is none")


@spec_dataclass
class StreamEventView:
    """One event of a stream, as it went out."""

    at_ms: float | None = spec_field(
        _OPTIONAL_NUMBER, "since the request arrived; null while the stream is open"
    )
    data: str = spec_field(Text(), "what it carries; a comment, or what is no event, as it stands")


@spec_dataclass
class ReceivedView:
    """What was heard; null where nothing was decided yet."""

    status: int = spec_field(Integer(0), "0 where no status line was heard")
    headers: dict[str, str] = spec_field(_HEADERS_FIELD, "all but the server's own")
    body: str | None = spec_field(_OPTIONAL_TEXT, "of a plain answer", default=None)
    events: Sequence[StreamEventView] | None = spec_field(
        ByType(sequence=ListOf(ObjectType(StreamEventView)), null=Null()), "of a stream", default=None
    )


@spec_dataclass
class RequestDetailView(RequestView):
    """One request, with everything that is known of it."""

    request: SentView = spec_field(ObjectType(SentView), "what was asked")
    response: ReceivedView | None = spec_field(
        ByType(mapping=ObjectType(ReceivedView), null=Null()), "what was heard"
    )
    near_misses: Sequence[NearMissView] = spec_field(
        ListOf(ObjectType(NearMissView)), "what was asked before, or came nearest"
    )
    curl: str = spec_field(Text(), "the same request for a shell, with `$KEY` for its key")


@spec_dataclass
class RequestListView:
    """The journal."""

    requests: Sequence[RequestView] = spec_field(ListOf(ObjectType(RequestView)), "the newest first")
    dropped: int = spec_field(Integer(0), "how many were let go, because the journal is bounded")


@spec_dataclass
class SdkOutcomeView:
    """What comes of an answer in the OpenAI SDK for Python."""

    exception: str | None = spec_field(_OPTIONAL_TEXT, "its name; null: none")
    attempts: int = spec_field(Integer(1), "how often the SDK asks")
    chunks: int | None = spec_field(
        _OPTIONAL_NUMBER, "of a stream, heard before it; null where it makes no difference"
    )
    text: str = spec_field(Text(), "all of it in a line")


@spec_dataclass
class ExplanationView:
    """What would become of a request, with nothing counted and nothing remembered."""

    status: int = spec_field(Integer(0), "what would be heard")
    fixture: str | None = spec_field(_OPTIONAL_TEXT, "the fixture that matches, or that the request names")
    source: str | None = spec_field(_OPTIONAL_TEXT, "where it stands")
    instead_of: str | None = spec_field(
        _OPTIONAL_TEXT, "the fixture that matches, where the request names another one"
    )
    instead_of_source: str | None = spec_field(_OPTIONAL_TEXT, "where that one stands")
    matched: bool = spec_field(Boolean(), "whether one does")
    reason: str | None = spec_field(_OPTIONAL_TEXT, "why it would be refused")
    near_misses: Sequence[NearMissView] = spec_field(
        ListOf(ObjectType(NearMissView)), "those asked before it, or those that come nearest"
    )
    others: int = spec_field(Integer(0), "how many more missed")
    fault: str | None = spec_field(_OPTIONAL_TEXT, "what would be done to the answer on purpose")
    openai: SdkOutcomeView | None = spec_field(
        ByType(mapping=ObjectType(SdkOutcomeView), null=Null()),
        "what the SDK would raise; null where no OpenAI client gets there, or nobody has measured it",
    )


def dump_view(value: Any) -> Any:
    """A record as JSON has it."""
    if is_dataclass(value):
        known: type = type(value)
        return {
            name: dump_view(getattr(value, one.attribute)) for name, one in get_spec_fields(known).items()
        }
    if isinstance(value, list | tuple):
        return [dump_view(item) for item in value]
    return value


def build_request_view(entry: JournalEntry) -> RequestView:
    """An entry as a list has it."""
    return RequestView(**build_request_row(entry))


def build_request_detail(entry: JournalEntry, near_misses: Iterable[NearMiss]) -> RequestDetailView:
    """An entry with everything that is known of it."""
    call = entry.request_with_body
    body: Any = None
    if call is not None:
        body = call.body if not call.body_error else call.raw.decode(errors="replace")
    return RequestDetailView(
        **build_request_row(entry),
        request=SentView(headers=mask_headers(entry.head.headers), body=body),
        response=None if entry.answer is None else _received_view(entry, add_content_length(entry.answer)),
        near_misses=tuple(map(build_near_miss_view, near_misses)),
        curl=format_curl_command(entry),
    )


def build_explanation(dry_run: DryRun) -> ExplanationView:
    return ExplanationView(
        status=dry_run.status,
        fixture=dry_run.fixture or None,
        source=dry_run.source or None,
        instead_of=dry_run.instead_of.name if dry_run.instead_of else None,
        instead_of_source=dry_run.instead_of.source if dry_run.instead_of else None,
        matched=bool(dry_run.fixture),
        reason=dry_run.reason or None,
        near_misses=tuple(map(build_near_miss_view, dry_run.near_misses)),
        others=dry_run.omitted_count,
        fault=dry_run.fault or None,
        openai=_sdk_outcome_view(dry_run),
    )


def _sdk_outcome_view(dry_run: DryRun) -> SdkOutcomeView | None:
    outcome = dry_run.outcome
    if outcome is None or dry_run.request.vendor.profile.paths.openai is None:
        return None
    text = describe_sdk_outcome(outcome)
    return SdkOutcomeView(
        exception=outcome.exception, attempts=outcome.attempts, chunks=outcome.chunks, text=text
    )


def describe_vendor_access(profile: VendorProfile) -> dict[str, Any]:
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


def build_charge_view(charge: Charge) -> ChargeView:
    return ChargeView(usd=format_amount(charge.usd), credits=format_amount(charge.credits))


def build_near_miss_view(near_miss: NearMiss) -> NearMissView:
    return NearMissView(
        fixture=near_miss.fixture.name,
        source=near_miss.fixture.source,
        differences=tuple(map(build_mismatch_view, near_miss.mismatches)),
    )


def format_curl_command(entry: JournalEntry) -> str:
    """The command that asks the same."""
    head = entry.head
    kept = {name: value for name, value in head.headers.items() if name not in _CURL_HEADERS}
    stated = [_curl_header(name, value) for name, value in {**kept, SESSION_HEADER: entry.session}.items()]
    url = f"http://{head.headers.get('host', 'localhost')}{head.path}"
    body = entry.request_with_body.raw.decode(errors="replace") if entry.request_with_body else ""
    data = [f"--data-binary {quote(body)}"] if body else []
    return " ".join(["curl", "-s", "-X", quote(head.method), quote(url), *stated, *data])


def iterate_delivered_pieces(entry: JournalEntry, answer: Answer) -> Iterator[tuple[float | None, bytes]]:
    """The pieces that went out, each with its moment in milliseconds; of an open one, those that are to."""
    frames = (frame.data for frame in answer.frames)
    if entry.delivery is None:
        return ((None, data) for data in frames)
    return (
        (_to_milliseconds(moment), data) for moment, data in zip(entry.delivery.times, frames, strict=False)
    )


def parse_stream_events(pieces: Iterable[tuple[float | None, bytes]]) -> Iterator[StreamEventView]:
    """What a reader makes of the pieces of a stream; what is left at the end is told as it stands."""
    rest = b""
    at = None
    for at, data in pieces:
        *whole, rest = _EVENT_SEPARATOR.split(rest + data)
        for text in whole:
            payload = parse_sse_event(_CRLF.sub(b"\n", text) + b"\n\n")
            yield StreamEventView(at_ms=at, data=_decode_text(text if payload is None else payload))
    if rest:
        yield StreamEventView(at_ms=at, data=_decode_text(rest))


def build_request_row(entry: JournalEntry) -> dict[str, Any]:
    """An entry as a list has it, as plain JSON: for the feed, which tells of thousands a second."""
    ended = entry.delivery
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
        "reason": entry.reason or None,
        "charged": build_charge_view(cost) if (cost := calculate_entry_cost(entry)) else None,
        "first_byte_ms": None
        if ended is None or ended.first_byte is None
        else _to_milliseconds(ended.first_byte),
        "total_ms": _to_milliseconds(ended.seconds) if ended else None,
        "bytes": ended.size if ended else 0,
        "ended": ended.end_reason if ended else None,
        "user": _truncate_user_text(entry.request_with_body.last_user_text)
        if entry.request_with_body
        else "",
        "digest": f"{zlib.crc32(entry.request_with_body.raw):08x}" if entry.request_with_body else "",
        "retry_after_ms": None if entry.answer is None else _retry_after_ms(entry.answer),
        "frames_ms": _frame_times_ms(entry),
    }


def _retry_after_ms(answer: Answer) -> float | None:
    """What Retry-After says, in milliseconds; the finer header goes before the other."""
    said = {name.lower(): value for name, value in answer.headers if answer.head and answer.status >= 400}
    for name, unit in (("retry-after-ms", 1.0), ("retry-after", 1000.0)):
        if said.get(name, "").replace(".", "", 1).isdecimal():
            return float(said[name]) * unit
    return None


def _frame_times_ms(entry: JournalEntry) -> list[float]:
    """When the pieces of a stream went out; of one that is open, when they are to."""
    answer = entry.answer
    if answer is None or not answer.streamed:
        return []
    planned = itertools.accumulate((frame.wait for frame in answer.frames), initial=answer.wait)
    times = itertools.islice(planned, 1, None) if entry.delivery is None else entry.delivery.times
    moments = [
        _to_milliseconds(moment) for moment in dict.fromkeys(times)
    ]  # most streams go out in few writes
    return moments[:: -(-len(moments) // _FRAME_TIMES_LIMIT) or 1]


def _received_view(entry: JournalEntry, answer: Answer) -> ReceivedView:
    status = entry.delivery.status if entry.delivery else entry.status
    headers: dict[str, str] = {}
    for name, value in answer.headers if answer.head else ():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    pieces = iterate_delivered_pieces(entry, answer)
    if answer.streamed:
        return ReceivedView(
            status=status, headers=mask_headers(headers), events=tuple(parse_stream_events(pieces))
        )
    return ReceivedView(
        status=status, headers=mask_headers(headers), body=_decode_text(b"".join(data for _, data in pieces))
    )


def build_mismatch_view(mismatch: Unlike) -> MismatchView:
    return MismatchView(field=mismatch.field, expected=mismatch.expected, found=mismatch.found)


def _curl_header(name: str, value: str) -> str:
    """A header for a shell; a key is for whoever runs it to fill in."""
    if not is_secret_header(name):
        return f"-H {quote(f'{name}: {value}')}"
    scheme, blank, _ = value.partition(" ")
    return f'-H "{name}: {scheme} $KEY"' if blank and scheme.isalpha() else f'-H "{name}: $KEY"'


def _to_milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _decode_text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")


def _truncate_user_text(text: str) -> str:
    return text if len(text) <= _USER_TEXT_LIMIT else text[: _USER_TEXT_LIMIT - 1] + "…"


_EVENT_SEPARATOR = re.compile(rb"\n\n|\r\n\r\n")
_CRLF = re.compile(rb"\r\n")
_CURL_HEADERS = (
    "host",
    "content-length",
    "connection",
    "accept-encoding",
    "transfer-encoding",
    SESSION_HEADER,
)
