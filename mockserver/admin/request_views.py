"""Views of requests and dry runs in the admin API: their fields are the JSON, their field types its schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import is_dataclass
from typing import Any, get_args

from mockserver.schema.field_types import AnyValue, Boolean, FieldType, Integer, Null, Number, OneOf, Text
from mockserver.schema.object_types import (
    OPTIONAL_NUMBER,
    OPTIONAL_TEXT,
    ByType,
    ListOf,
    MapOf,
    ObjectType,
    get_spec_fields,
    record_dataclass,
    spec_dataclass,
    spec_field,
)
from mockserver.sessions.journal import Outcome
from mockserver.sessions.request_record import RequestRecord

_HEADERS_FIELD: FieldType = MapOf(Text())


@spec_dataclass
class MismatchView:
    """A difference between a request and a match."""

    field: str = spec_field(Text(), "the field of the match")
    expected: str = spec_field(Text(), "the expected value")
    found: str = spec_field(Text(), "the value in the request")


@spec_dataclass
class NearMissView:
    """A fixture that did not match, with the reasons."""

    fixture: str = spec_field(Text(), "its name")
    source: str = spec_field(Text(), "file and line that define it, or `runtime`")
    differences: Sequence[MismatchView] = spec_field(ListOf(ObjectType(MismatchView)), "every difference")


@spec_dataclass
class ChargeView:
    """The cost of a request."""

    usd: str = spec_field(Text(), "in dollars, exact")
    credits: str = spec_field(Text(), "in the vendor's credits, exact")


@record_dataclass()
class RequestView(RequestRecord):
    """One request of the journal."""

    charged: ChargeView | None = spec_field(
        ByType(mapping=ObjectType(ChargeView), null=Null()), "the vendor's price, with or without an account"
    )
    bodies_dropped: bool = spec_field(
        Boolean(), "whether the journal has dropped the bodies, to stay within its bounds"
    )
    user: str = spec_field(Text(), "the last user message, truncated")
    digest: str = spec_field(Text(), "equal for requests with equal bodies")
    by_hand: bool = spec_field(
        Boolean(), "whether the playground of the web UI or a replay sent it, so that it is no client's retry"
    )
    retry_after_ms: float | None = spec_field(
        OPTIONAL_NUMBER, "the delay before a retry that the response states"
    )
    frames_ms: Sequence[float] = spec_field(
        ListOf(Number()), "for a stream: the times at which it was or will be sent, at most a few hundred"
    )


@spec_dataclass
class SentView:
    """The request as the client sent it; secrets are masked."""

    headers: dict[str, str] = spec_field(_HEADERS_FIELD, "names in lower case, repeated headers joined")
    raw_headers: Sequence[Sequence[str]] = spec_field(
        ListOf(ListOf(Text())), "every header as a pair of name and value, in order"
    )
    query: str = spec_field(Text(), "the query string, without its `?`")
    body: Any = spec_field(AnyValue(), "the JSON body; a string if it is not JSON, or nested too deeply")


@spec_dataclass
class StreamEventView:
    """One event of a stream, as it was sent."""

    at_ms: float | None = spec_field(
        OPTIONAL_NUMBER, "since the request arrived; null while the stream is open"
    )
    data: str = spec_field(Text(), "the data of the event; comments and malformed events as raw text")


@spec_dataclass
class ReceivedView:
    """The response as the client received it; null before the answer is decided."""

    status: int = spec_field(Integer(0), "0 if no status line was sent")
    headers: dict[str, str] = spec_field(_HEADERS_FIELD, "all headers except those that the server adds")
    body: str | None = spec_field(OPTIONAL_TEXT, "for a plain response", default=None)
    events: Sequence[StreamEventView] | None = spec_field(
        ByType(sequence=ListOf(ObjectType(StreamEventView)), null=Null()), "for a stream", default=None
    )


@record_dataclass()
class RequestDetailView(RequestView):
    """One request with everything that is recorded."""

    clock_ms: float = spec_field(
        Number(), "the arrival on the session's clock, which tests advance; only differences are meaningful"
    )
    clock_end_ms: float | None = spec_field(
        OPTIONAL_NUMBER, "the end on the same clock; null while it is open"
    )
    request: SentView = spec_field(ObjectType(SentView), "what the client sent")
    response: ReceivedView | None = spec_field(
        ByType(mapping=ObjectType(ReceivedView), null=Null()), "what the client received"
    )
    near_misses: Sequence[NearMissView] = spec_field(
        ListOf(ObjectType(NearMissView)),
        "the fixtures tried before the one that matched, or the nearest ones",
    )
    matches_now: str | None = spec_field(
        OPTIONAL_TEXT, "the fixture that would match now; null if one matched when the request arrived"
    )
    curl: str = spec_field(Text(), "the request as a curl command, with `$KEY` in place of secrets")


@spec_dataclass
class RequestListView:
    """A list of the journal's requests."""

    requests: Sequence[RequestView] = spec_field(ListOf(ObjectType(RequestView)), "the newest first")
    total: int = spec_field(Integer(0), "number of requests, of the session if the query names one")
    matching: int = spec_field(Integer(0), "number of those that meet the query, in the list or not")
    newer: int = spec_field(Integer(0), "number of those that arrived after the ones in the list")
    dropped: int = spec_field(Integer(0), "number of requests that were evicted since the last reset")
    dropped_note: str | None = spec_field(OPTIONAL_TEXT, "why the list is incomplete; null if it is complete")


@spec_dataclass
class SdkOutcomeView:
    """The outcome in the OpenAI SDK for Python: that of the newest release, and all as text."""

    exception: str | None = spec_field(OPTIONAL_TEXT, "the name of the exception; null: none")
    attempts: int = spec_field(Integer(1), "the number of requests that the SDK sends")
    chunks: int | None = spec_field(
        OPTIONAL_NUMBER, "chunks received before the exception; null where it makes no difference"
    )
    text: str = spec_field(Text(), "the outcome in one line, with the releases that differ")
    releases: dict[str, str] = spec_field(MapOf(Text()), "the outcome by release of the SDK")


@spec_dataclass
class ExplanationView:
    """The outcome of a dry run, which counts and records nothing."""

    status: int = spec_field(Integer(0), "the status that would be sent; 0 if none")
    fixture: str | None = spec_field(OPTIONAL_TEXT, "the fixture that matches, or that the request names")
    source: str | None = spec_field(OPTIONAL_TEXT, "file and line that define it, or `runtime`")
    instead_of: str | None = spec_field(
        OPTIONAL_TEXT, "the fixture that matches, if the request names another one"
    )
    instead_of_source: str | None = spec_field(OPTIONAL_TEXT, "file and line that define it")
    matched: bool = spec_field(Boolean(), "whether a fixture matches")
    outcome: str = spec_field(OneOf(*get_args(Outcome)), "the kind of the answer")
    reason: str | None = spec_field(OPTIONAL_TEXT, "the reason for a refusal")
    near_misses: Sequence[NearMissView] = spec_field(
        ListOf(ObjectType(NearMissView)),
        "the fixtures tried before the one that matches, or the nearest ones",
    )
    others: int = spec_field(Integer(0), "number of further mismatching fixtures")
    fault: str | None = spec_field(OPTIONAL_TEXT, "the fault that would be applied to the answer")
    openai: SdkOutcomeView | None = spec_field(
        ByType(mapping=ObjectType(SdkOutcomeView), null=Null()),
        "the SDK's outcome; null if the path is not OpenAI's, or it was not measured",
    )


def dump_view(value: Any) -> Any:
    """Return a view as plain JSON values."""
    if is_dataclass(value):
        view_type: type = type(value)
        return {
            name: dump_view(getattr(value, one.attribute)) for name, one in get_spec_fields(view_type).items()
        }
    if isinstance(value, list | tuple):
        return [dump_view(item) for item in value]
    return value
