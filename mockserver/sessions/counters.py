"""Counts and durations of requests for `/metrics`, which outlive the entries that the journal evicts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, NamedTuple

from mockserver.request.chat_request import ChatRequest
from mockserver.sessions.journal import Decision
from mockserver.wire.playback import Delivery

MAX_MODELS = 100  # counted by name: a client may send any name, and each adds a permanent time series
MAX_ROWS = 5_000  # beyond them, new combinations of labels are counted without their model and fault
OTHER: Final = "other"
BUCKET_BOUNDS = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
)  # seconds

_MAX_MODEL_LENGTH = 80  # characters of a model's name


class MetricLabels(NamedTuple):
    """The labels of a metric row: empty strings where there is no value, status 0 if no status line was sent."""

    vendor: str
    model: str
    stream: bool
    status: int
    fault: str


@dataclass(slots=True)
class DurationHistogram:
    """A histogram of durations: one count for each of BUCKET_BOUNDS and one for everything longer."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKET_BOUNDS) + 1))
    seconds: float = 0.0

    @classmethod
    def merge(cls, histograms: Iterable[DurationHistogram]) -> DurationHistogram:
        """Return the sum of several histograms."""
        parts = list(histograms)
        counts = [sum(column) for column in zip(*(part.counts for part in parts), strict=True)]
        return cls(counts, sum(part.seconds for part in parts))

    @property
    def cumulative(self) -> Iterator[int]:
        """Yield the number of durations up to each bound; the last number counts them all."""
        return accumulate(self.counts)


@dataclass(slots=True)
class MetricRow:
    """The requests with the same labels: time to the end, and time to the first byte if one was sent."""

    total: DurationHistogram = field(default_factory=DurationHistogram)
    first_byte: DurationHistogram = field(default_factory=DurationHistogram)


class RequestCounters:
    """The request counts of one process since it started."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, bool, int, str], MetricRow] = {}
        self._models: set[str] = set()

    def record(self, request: ChatRequest | None, decision: Decision, delivery: Delivery) -> None:
        """Count a request that has ended; None stands for one whose path no vendor has. This runs for every request."""
        status, seconds, first_byte = decision.status, delivery.seconds, delivery.first_byte
        labels = (
            ("", "", False, status, decision.fault)
            if request is None
            else (request.vendor.name, request.model, request.stream, status, decision.fault)
        )
        row = self._rows.get(labels) or self._add_row(labels)
        bucket = bisect_left(BUCKET_BOUNDS, seconds)
        row.total.counts[bucket] += 1
        row.total.seconds += seconds
        if first_byte is not None:
            if first_byte != seconds:  # else the whole answer was sent at once
                bucket = bisect_left(BUCKET_BOUNDS, first_byte)
            row.first_byte.counts[bucket] += 1
            row.first_byte.seconds += first_byte

    @property
    def rows(self) -> Iterator[tuple[MetricLabels, MetricRow]]:
        """Yield all labels with their counts."""
        return ((MetricLabels(*labels), row) for labels, row in self._rows.items())

    def _add_row(self, labels: tuple[str, str, bool, int, str]) -> MetricRow:
        """Add a row, its model and fault reduced to a bounded number of values."""
        vendor, model, stream, status, fault = labels
        model = model[:_MAX_MODEL_LENGTH]
        if model not in self._models and len(self._models) >= MAX_MODELS:
            model = OTHER
        self._models.add(model)
        fault = fault.partition("@")[0].partition("=")[0]
        if len(self._rows) >= MAX_ROWS and (vendor, model, stream, status, fault) not in self._rows:
            model = fault = OTHER
        return self._rows.setdefault((vendor, model, stream, status, fault), MetricRow())
