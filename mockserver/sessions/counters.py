"""How many requests there were and how long they took, by what they were; those that the journal let go count too."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, NamedTuple

from mockserver.sessions.journal import JournalEntry
from mockserver.wire.playback import Delivery

MAX_MODELS = 100  # that are counted by name: anybody may ask for any, and each is a series for ever
OTHER_MODEL: Final = "other"
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
    """What requests are counted by: empty where there is none, 0 where no status line was heard."""

    vendor: str
    model: str
    stream: bool
    status: int
    fault: str


@dataclass(slots=True)
class DurationHistogram:
    """How many took how long: one count for each of BOUNDS, and one for what took longer."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKET_BOUNDS) + 1))
    seconds: float = 0.0

    @classmethod
    def merge(cls, histograms: Iterable[DurationHistogram]) -> DurationHistogram:
        """All of them together."""
        spreads = list(histograms)
        counts = [sum(column) for column in zip(*(one.counts for one in spreads), strict=True)]
        return cls(counts, sum(one.seconds for one in spreads))

    def add(self, seconds: float, bucket: int) -> None:
        """One more, in its place among BOUNDS."""
        self.counts[bucket] += 1
        self.seconds += seconds

    @property
    def cumulative(self) -> Iterator[int]:
        """How many took no longer than each bound; the last is all of them."""
        return accumulate(self.counts)


@dataclass(slots=True)
class MetricRow:
    """Requests of one kind: until their end, and until the first byte of those that had one."""

    total: DurationHistogram = field(default_factory=DurationHistogram)
    first_byte: DurationHistogram = field(default_factory=DurationHistogram)


class RequestCounters:
    """The counts of one process, since it began."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, bool, int, str], MetricRow] = {}
        self._models: set[str] = set()

    def record(self, entry: JournalEntry, delivery: Delivery) -> None:
        """A request that has ended, and what was heard: this is on the way of every request."""
        call = entry.request
        vendor, model, stream = (
            ("", "", False) if call is None else (call.vendor.name, call.model, call.stream)
        )
        kind = vendor, model, stream, entry.status, entry.fault
        row = self._rows.get(kind) or self._add_row(kind)
        place = bisect_left(BUCKET_BOUNDS, delivery.seconds)
        row.total.add(delivery.seconds, place)
        if delivery.first_byte == delivery.seconds:  # all of it was said at once
            row.first_byte.add(delivery.seconds, place)
        elif delivery.first_byte is not None:
            row.first_byte.add(delivery.first_byte, bisect_left(BUCKET_BOUNDS, delivery.first_byte))

    @property
    def rows(self) -> Iterator[tuple[MetricLabels, MetricRow]]:
        """What has been counted."""
        return ((MetricLabels(*kind), row) for kind, row in self._rows.items())

    def _add_row(self, labels: tuple[str, str, bool, int, str]) -> MetricRow:
        """The row of a kind in words of which there are only so many."""
        vendor, model, stream, status, fault = labels
        model = model[:_MAX_MODEL_LENGTH]
        if model not in self._models and len(self._models) >= MAX_MODELS:
            model = OTHER_MODEL
        self._models.add(model)
        fault = fault.partition("@")[0].partition("=")[0]
        return self._rows.setdefault((vendor, model, stream, status, fault), MetricRow())
