"""How many requests there were and how long they took, by what they were; those that the journal let go count too."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, NamedTuple

from mockserver.session.journal import Entry
from mockserver.wire.playback import Heard

MODELS = 100  # that are counted by name: anybody may ask for any, and each is a series for ever
OTHER: Final = "other"
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds

_LONGEST = 80  # characters of a model's name


class Kind(NamedTuple):
    """What requests are counted by: empty where there is none, 0 where no status line was heard."""

    vendor: str
    model: str
    stream: bool
    status: int
    fault: str


@dataclass(slots=True)
class Spread:
    """How many took how long: one count for each of BOUNDS, and one for what took longer."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0

    @classmethod
    def of(cls, several: Iterable[Spread]) -> Spread:
        """All of them together."""
        spreads = list(several)
        counts = [sum(column) for column in zip(*(one.counts for one in spreads), strict=True)]
        return cls(counts, sum(one.seconds for one in spreads))

    def add(self, seconds: float, place: int) -> None:
        """One more, in its place among BOUNDS."""
        self.counts[place] += 1
        self.seconds += seconds

    @property
    def upto(self) -> Iterator[int]:
        """How many took no longer than each bound; the last is all of them."""
        return accumulate(self.counts)


@dataclass(slots=True)
class Row:
    """Requests of one kind: until their end, and until the first byte of those that had one."""

    total: Spread = field(default_factory=Spread)
    first_byte: Spread = field(default_factory=Spread)


class Tally:
    """The counts of one process, since it began."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, bool, int, str], Row] = {}
        self._models: set[str] = set()

    def note(self, entry: Entry, heard: Heard) -> None:
        """A request that has ended, and what was heard: this is on the way of every request."""
        call = entry.kept
        vendor, model, stream = (
            ("", "", False) if call is None else (call.vendor.name, call.model, call.stream)
        )
        kind = vendor, model, stream, entry.status, entry.fault
        row = self._rows.get(kind) or self._row(kind)
        place = bisect_left(BOUNDS, heard.seconds)
        row.total.add(heard.seconds, place)
        if heard.first_byte == heard.seconds:  # all of it was said at once
            row.first_byte.add(heard.seconds, place)
        elif heard.first_byte is not None:
            row.first_byte.add(heard.first_byte, bisect_left(BOUNDS, heard.first_byte))

    @property
    def rows(self) -> Iterator[tuple[Kind, Row]]:
        """What has been counted."""
        return ((Kind(*kind), row) for kind, row in self._rows.items())

    def _row(self, kind: tuple[str, str, bool, int, str]) -> Row:
        """The row of a kind in words of which there are only so many."""
        vendor, model, stream, status, fault = kind
        model = model[:_LONGEST]
        if model not in self._models and len(self._models) >= MODELS:
            model = OTHER
        self._models.add(model)
        fault = fault.partition("@")[0].partition("=")[0]
        return self._rows.setdefault((vendor, model, stream, status, fault), Row())
