"""The record of a request: the fields that lists, logs, the event feed and the Python client have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, get_args

from mockserver.schema.field_types import Boolean, FieldType, Integer, Null, OneOf, Text
from mockserver.schema.object_types import (
    OPTIONAL_NUMBER,
    OPTIONAL_TEXT,
    ByType,
    record_dataclass,
    spec_field,
)
from mockserver.sessions.journal import Decision, JournalEntry, Outcome
from mockserver.vendors.apis import APIS
from mockserver.wire.answer import Answer

OPTIONAL_OUTCOME: FieldType = ByType(text=OneOf(*get_args(Outcome)), null=Null())


@record_dataclass()
class RequestRecord:
    """One request and its outcome. Absent texts are empty; they are null in JSON."""

    id: str = spec_field(Text(), "as in x-mock-request-id")
    number: int = spec_field(Integer(1), "in the order of arrival")
    arrived: datetime = spec_field(Text(), "the time of arrival, in ISO 8601")
    session: str = spec_field(Text(), "the session of the request")
    api: str = spec_field(
        OneOf(*APIS), "chat, responses, embeddings, read, or unknown for a path that is not served"
    )
    vendor: str = spec_field(OPTIONAL_TEXT, "the vendor; null if no vendor has the path")
    model: str = spec_field(OPTIONAL_TEXT, "the requested model")
    method: str = spec_field(Text(), "the HTTP method")
    path: str = spec_field(Text(), "the path without prefixes of the mock")
    stream: bool = spec_field(Boolean(), "whether a stream was requested")
    attempt: int = spec_field(Integer(0), "the retry count that the SDK sent")
    status: int = spec_field(
        Integer(0), "the status sent; 0 before it is decided, or if no status line is sent"
    )
    fixture: str = spec_field(OPTIONAL_TEXT, "the fixture that matched, even if an error was sent instead")
    matched: bool = spec_field(Boolean(), "whether a fixture matched")
    outcome: str = spec_field(
        OPTIONAL_OUTCOME,
        "the kind of the answer; null before it is decided; `injected`: an error or fault on request",
    )
    generated: bool = spec_field(Boolean(), "whether the reply was generated")
    nearest: str = spec_field(OPTIONAL_TEXT, "the fixture nearest to a request with a generated reply")
    rule: str = spec_field(OPTIONAL_TEXT, "the fault rule that was applied")
    fault: str = spec_field(OPTIONAL_TEXT, "the fault that was applied to the answer")
    reason: str = spec_field(OPTIONAL_TEXT, "the reason for a refusal")
    first_byte_ms: float | None = spec_field(OPTIONAL_NUMBER, "from arrival to the first byte")
    total_ms: float | None = spec_field(OPTIONAL_NUMBER, "from arrival to the end")
    bytes: int = spec_field(Integer(0), "bytes of the body that were sent")
    ended: str = spec_field(OPTIONAL_TEXT, "finished, dropped, left or closed; null while it is open")


_OPTIONAL_SHAPES = (OPTIONAL_TEXT, OPTIONAL_OUTCOME)


def create_json_encoder(*names: str) -> Callable[[RequestRecord], dict[str, Any]]:
    """Return a function that returns these fields of a record as plain JSON values."""
    shapes = {one.name: one.metadata["shape"] for one in fields(RequestRecord)}
    optional_texts = [name for name in names if any(shapes[name] is shape for shape in _OPTIONAL_SHAPES)]
    get_values, get_texts = attrgetter(*names), attrgetter(*optional_texts)

    def to_json(record: RequestRecord) -> dict[str, Any]:
        values = dict(zip(names, get_values(record), strict=True))
        values.update(zip(optional_texts, [text or None for text in get_texts(record)], strict=True))
        if "arrived" in values:
            values["arrived"] = record.arrived.isoformat(timespec="milliseconds")
        return values

    return to_json


record_to_json = create_json_encoder(*(one.name for one in fields(RequestRecord)))


_UNDECIDED = Decision(Answer(0, ()))


def create_record(entry: JournalEntry) -> RequestRecord:
    """Return the record of a journal entry, as it is now."""
    arrival, decision, delivery = entry.arrival, entry.decision or _UNDECIDED, entry.delivery
    request, head, answer = arrival.request, arrival.head, decision.answer
    first_byte = total = None
    if delivery is not None:
        first_byte, total = delivery.first_byte, round(delivery.seconds * 100_000) / 100
        if first_byte is not None:
            first_byte = total if first_byte == delivery.seconds else to_milliseconds(first_byte)
    # By position: Python packs keywords for a class into a dictionary, and each logged request comes here.
    return RequestRecord(
        arrival.id,
        entry.number,
        datetime.fromtimestamp(arrival.arrived_at, UTC),
        arrival.session,
        request.route.api if request else "unknown",
        request.vendor.name if request else "",
        request.model if request else "",
        head.method,
        request.route.path if request else head.path,
        request is not None and request.stream,
        request.attempt if request else 0,
        answer.status if answer.head else 0,
        decision.fixture,
        decision.matched,
        decision.outcome if entry.decision else "",
        decision.response is not None and not decision.matched,
        decision.nearest,
        decision.rule,
        decision.fault,
        decision.reason,
        first_byte,
        total,
        delivery.size if delivery else 0,
        delivery.end_reason if delivery else "",
    )


def to_milliseconds(seconds: float) -> float:
    """Return a time in milliseconds, rounded to a hundredth."""
    return round(seconds * 100_000) / 100  # `round` with digits takes ten times as long
