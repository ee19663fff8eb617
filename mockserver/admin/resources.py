"""The contents of views: requests, dry runs and charges as the admin API shows them, without secrets."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from mockserver.admin.curl_command import format_curl_command
from mockserver.admin.explain import DryRun
from mockserver.admin.openai_exceptions import describe_sdk_outcome, describe_sdk_outcomes
from mockserver.admin.request_views import (
    ChargeView,
    ExplanationView,
    MismatchView,
    NearMissView,
    ReceivedView,
    RequestDetailView,
    SdkOutcomeView,
    SentView,
    StreamEventView,
    dump_view,
)
from mockserver.billing.cost import find_entry_cost
from mockserver.masking import mask_headers, mask_query, redact_text
from mockserver.matching.fixture_set import Mismatch, NearMiss
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_head import RequestHead, find_head_secrets
from mockserver.schema.messages import truncate_text
from mockserver.schema.money import Charge, format_amount
from mockserver.sessions.adjustable_clock import ClockAdvances, read_session_time
from mockserver.sessions.journal import JournalEntry
from mockserver.sessions.memory_journal import compute_body_digest
from mockserver.sessions.request_record import create_record, record_to_json, to_milliseconds
from mockserver.vendors.apis import COMPLETION_APIS
from mockserver.vendors.profile import VendorProfile
from mockserver.wire.answer import Answer, add_content_length, index_headers
from mockserver.wire.sse import parse_sse_event, split_event_type

_USER_TEXT_LIMIT = 200  # characters of the last user message in a list
_SEARCHED_LENGTH = 10_000  # characters of it in which secrets are looked for
_FRAME_TIMES_LIMIT = 300  # moments of a stream in a list


def build_request_detail(
    entry: JournalEntry, dry_run: DryRun | None, advances: ClockAdvances = ()
) -> RequestDetailView:
    """Return an entry with everything that is recorded, and the near misses of a dry run of its request.

    `advances` are those of the clock of its session.
    """
    request = entry.request_with_body
    secrets = find_head_secrets(entry.head)
    return RequestDetailView(
        **build_request_row(entry),
        **read_clock_times(entry, advances),
        request=SentView(
            headers=_redact_headers(entry.head.headers, secrets),
            raw_headers=[
                pair
                for one in entry.head.raw_headers
                for pair in _redact_headers(dict([one]), secrets).items()
            ],
            query=redact_text(mask_query(entry.head.query), secrets),
            body=None if request is None or entry.dropped else _sent_body(request, secrets),
        ),
        response=None if entry.answer is None else _received_view(entry, entry.answer),
        near_misses=tuple(
            build_near_miss_view(one, secrets) for one in (dry_run.near_misses if dry_run else ())
        ),
        matches_now=None if dry_run is None or entry.matched else dry_run.fixture or None,
        curl=format_curl_command(entry),
    )


def read_clock_times(entry: JournalEntry, advances: ClockAdvances) -> dict[str, Any]:
    """Return the arrival and the end of an entry on the clock of its session, in milliseconds."""
    start, delivery = entry.arrival.started_at, entry.delivery
    end = None if delivery is None else read_session_time(start + delivery.seconds, advances)
    return {
        "clock_ms": to_milliseconds(read_session_time(start, advances)),
        "clock_end_ms": None if end is None else to_milliseconds(end),
    }


def build_request_facts(entry: JournalEntry, advances: ClockAdvances) -> dict[str, Any]:
    """Return what a report needs of an entry, in the form of a detail; unlike one, with the secrets of the bodies."""
    request = None if entry.dropped else entry.request_with_body
    body = None if request is None or request.parsed.error else request.parsed.body
    row = build_request_row(entry)
    return {
        **row,
        "charged": dump_view(row["charged"]),
        **read_clock_times(entry, advances),
        "request": {"headers": mask_headers(entry.head.headers), "body": body},
        "response": _read_answer(entry),
    }


def build_grouping_facts(entry: JournalEntry, advances: ClockAdvances) -> dict[str, Any]:
    """Return what is needed to group an entry with other attempts of its call, in the form of a detail."""
    answer = entry.answer
    return {
        **record_to_json(create_record(entry)),
        "by_hand": _is_sent_by_hand(entry),
        "digest": compute_entry_digest(entry),
        "retry_after_ms": None if answer is None else _retry_after_ms(answer, entry.arrival.arrived_at),
        **read_clock_times(entry, advances),
        "request": {"headers": mask_headers(entry.head.headers)},
    }


def _read_answer(entry: JournalEntry) -> dict[str, Any] | None:
    """Return the headers of an answer, and what was sent of its body or its events; None before it is decided."""
    answer = entry.answer
    if answer is None:
        return None
    headers = index_headers(answer.headers if answer.head else ())
    pieces = iterate_delivered_pieces(entry, answer)
    if answer.streamed:
        return {"headers": headers, "events": [{"data": one.data} for one in parse_stream_events(pieces)]}
    return {"headers": headers, "body": _decode_text(b"".join(data for _, data in pieces))}


def build_explanation(dry_run: DryRun) -> ExplanationView:
    """Return the view of a dry run."""
    return ExplanationView(
        status=dry_run.status,
        fixture=dry_run.fixture or None,
        source=dry_run.source or None,
        instead_of=dry_run.instead_of.name if dry_run.instead_of else None,
        instead_of_source=dry_run.instead_of.source if dry_run.instead_of else None,
        matched=bool(dry_run.fixture),
        outcome=dry_run.kind,
        reason=dry_run.reason or None,
        near_misses=tuple(
            build_near_miss_view(one, find_head_secrets(dry_run.request.routed_head.head))
            for one in dry_run.near_misses
        ),
        others=dry_run.omitted_count,
        fault=dry_run.fault or None,
        openai=_sdk_outcome_view(dry_run),
    )


def _sdk_outcome_view(dry_run: DryRun) -> SdkOutcomeView | None:
    outcomes = dry_run.outcomes
    if not outcomes:
        return None
    newest = next(iter(outcomes.values()))
    return SdkOutcomeView(
        exception=newest.exception,
        attempts=newest.attempts,
        chunks=newest.chunks,
        text=describe_sdk_outcomes(outcomes),
        releases={release: describe_sdk_outcome(outcome) for release, outcome in outcomes.items()},
    )


def describe_vendor_access(profile: VendorProfile) -> dict[str, Any]:
    """Return how a client reaches a vendor; paths are relative to its prefix."""
    key = profile.keys[0]
    return {
        "title": profile.title,
        "chat": profile.paths.chat[0],
        "responses": next(iter(profile.paths.responses), None),
        "openai": profile.paths.openai,
        "key_header": key.header,
        "key_scheme": key.scheme,
        "sample_key": profile.sample_key,
        "sample_model": profile.sample_model,
        "models": list(profile.models or {}),
        "responses_models": list_responses_models(profile),
        "errors": profile.errors,
        "answers": profile.answers,
    }


def list_responses_models(profile: VendorProfile) -> list[str]:
    """Return the models that a vendor serves in the Responses API."""
    models = (profile.models or {}).items() if profile.paths.responses else ()
    return [name for name, model in models if "responses" in (model.apis or COMPLETION_APIS)]


def build_charge_view(charge: Charge) -> ChargeView:
    """Return the view of a charge."""
    return ChargeView(usd=format_amount(charge.usd), credits=format_amount(charge.credits))


def _sent_body(request: ChatRequest, secrets: tuple[str, ...]) -> Any:
    """Return the request's JSON body without the secrets of its headers; its text if it is no JSON, or too deep."""
    text = redact_text(request.raw.decode(errors="replace"), secrets)
    if request.parsed.error:
        return text
    try:
        # orjson reads 1,024 levels and writes 254, as many other programs do.
        return orjson.Fragment(orjson.dumps(orjson.loads(text) if text else request.parsed.body))
    except orjson.JSONEncodeError:
        return text


def _redact_headers(headers: Mapping[str, str], secrets: tuple[str, ...]) -> dict[str, str]:
    return {name: redact_text(value, secrets) for name, value in mask_headers(headers).items()}


def build_near_miss_view(near_miss: NearMiss, secrets: tuple[str, ...]) -> NearMissView:
    """Return the view of a near miss."""
    return NearMissView(
        fixture=near_miss.fixture.name,
        source=near_miss.fixture.source,
        differences=tuple(build_mismatch_view(one, secrets) for one in near_miss.mismatches),
    )


def iterate_delivered_pieces(entry: JournalEntry, answer: Answer) -> Iterator[tuple[float | None, bytes]]:
    """Yield the pieces that were sent, each with its time in milliseconds; for an open stream, all pieces."""
    frames = (frame.data for frame in answer.frames)
    if entry.delivery is None:
        return ((None, data) for data in frames)
    return (
        (to_milliseconds(moment), data) for moment, data in zip(entry.delivery.times, frames, strict=False)
    )


def parse_stream_events(pieces: Iterable[tuple[float | None, bytes]]) -> Iterator[StreamEventView]:
    """Yield the events in the pieces of a stream; an incomplete event at the end as raw text."""
    rest = b""
    at = None
    for at, data in pieces:
        *complete, rest = _EVENT_SEPARATOR.split(rest + data)
        for text in complete:
            _, event = split_event_type(_CRLF.sub(b"\n", text) + b"\n\n")
            payload = parse_sse_event(event)
            yield StreamEventView(at_ms=at, data=_decode_text(text if payload is None else payload))
    if rest:
        yield StreamEventView(at_ms=at, data=_decode_text(rest))


def build_request_row(entry: JournalEntry) -> dict[str, Any]:
    """Return an entry as it appears in a list, as plain JSON values: the feed sends thousands a second."""
    return {
        **record_to_json(create_record(entry)),
        "charged": build_charge_view(cost) if (cost := find_entry_cost(entry)) else None,
        "bodies_dropped": entry.dropped is not None,
        "user": get_user_excerpt(entry),
        "digest": compute_entry_digest(entry),
        "by_hand": _is_sent_by_hand(entry),
        "retry_after_ms": None
        if entry.answer is None
        else _retry_after_ms(entry.answer, entry.arrival.arrived_at),
        "frames_ms": _frame_times_ms(entry),
    }


def _is_sent_by_hand(entry: JournalEntry) -> bool:
    return entry.arrival.is_replay or _is_from_web_ui(entry.head)


def _is_from_web_ui(head: RequestHead) -> bool:
    """Return whether a page of this server sent a request; only the web UI is one."""
    if head.headers.get("sec-fetch-site") == "same-origin":
        return True
    _, _, authority = head.headers.get("origin", "").partition(
        "://"
    )  # over plain http there is only the origin
    return bool(authority) and authority == head.headers.get("host")


def compute_entry_digest(entry: JournalEntry) -> str:
    """Return a text that is equal for requests with equal bodies."""
    if entry.dropped:
        return entry.dropped.digest
    return compute_body_digest(entry.request.raw) if entry.request else ""


def _retry_after_ms(answer: Answer, arrived_at: float) -> float | None:
    """Return the delay of Retry-After in milliseconds; the finer retry-after-ms takes precedence.

    An HTTP date is counted from `arrived_at`, in seconds since 1970.
    """
    headers = index_headers(answer.headers if answer.head and answer.status >= 400 else ())
    for name, unit in (("retry-after-ms", 1.0), ("retry-after", 1000.0)):
        if headers.get(name, "").replace(".", "", 1).isdecimal():
            return float(headers[name]) * unit
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except ValueError:
        return None
    return max(to_milliseconds(moment - arrived_at), 0.0)


def _frame_times_ms(entry: JournalEntry) -> list[float]:
    """Return the times at which the pieces of a stream were sent; for an open stream, are to be sent."""
    answer = entry.answer
    if answer is None or not answer.streamed:
        return []
    planned = itertools.accumulate((frame.wait for frame in answer.frames), initial=answer.wait)
    times = itertools.islice(planned, 1, None) if entry.delivery is None else entry.delivery.times
    moments = [
        to_milliseconds(moment) for moment in dict.fromkeys(times)
    ]  # most streams are sent in few writes
    return moments[:: -(-len(moments) // _FRAME_TIMES_LIMIT) or 1]


def _received_view(entry: JournalEntry, answer: Answer) -> ReceivedView:
    status = entry.delivery.status if entry.delivery else entry.status
    if not entry.dropped:
        answer = add_content_length(answer)
    headers: dict[str, str] = {}
    for name, value in answer.headers if answer.head else ():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    secrets = find_head_secrets(entry.head)
    view = ReceivedView(status=status, headers=_redact_headers(headers, secrets))
    if entry.dropped:
        return view
    pieces = iterate_delivered_pieces(entry, answer)
    if answer.streamed:
        events = parse_stream_events(pieces)
        return replace(view, events=[replace(one, data=redact_text(one.data, secrets)) for one in events])
    body = _decode_text(b"".join(data for _, data in pieces))
    return replace(view, body=redact_text(body, secrets))


def build_mismatch_view(mismatch: Mismatch, secrets: tuple[str, ...]) -> MismatchView:
    """Return the view of a mismatch, without the secrets of the request."""
    found = redact_text(mismatch.found, secrets)
    return MismatchView(field=mismatch.field, expected=mismatch.expected, found=found)


def _decode_text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")


def get_user_excerpt(entry: JournalEntry) -> str:
    """Return the beginning of the last user message, without the secrets of the request."""
    request = entry.request_with_body
    if request is None:
        return ""
    text = redact_text(
        request.parsed.last_user_text[:_SEARCHED_LENGTH], find_head_secrets(request.routed_head.head)
    )
    return truncate_text(text, _USER_TEXT_LIMIT)


_EVENT_SEPARATOR = re.compile(rb"\n\n|\r\n\r\n")
_CRLF = re.compile(rb"\r\n")
