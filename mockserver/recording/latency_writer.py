"""The latency of real vendors, measured in exchanges and written as latency rules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from mockserver.fixtures.latency_rules import MAX_LATENCY_RULES
from mockserver.recording.stream_pacing import has_content
from mockserver.recording.timed_events import split_timed_events
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.atomic_file import write_text_file
from mockserver.schema.durations import format_duration
from mockserver.schema.yaml_document import dump_yaml
from mockserver.wire.answer import Answer

MAX_MEASURED_TIMES: Final = 20_000  # of one model and kind; further ones are not measured
_SHORTEST_TIME = 0.0001  # seconds; several chunks may arrive at once, and a delay that varies is never 0
_PERCENTILES = {"median": 0.5, "p95": 0.95, "p99": 0.99}
_LEAST_FOR_P99 = 100  # times; of fewer, the 99th percentile is only the longest one


class LatencyMeasurement:
    """The latency of the answers of a run, by vendor, model and whether they are streams."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str, bool], dict[str, list[float]]] = {}

    def add(self, request: ChatRequest, answer: Answer) -> None:
        """Measure a successful answer: its waits, and for a stream those between its chunks with content."""
        if answer.status >= 400 or not request.model:
            return
        measured = {"delay": [answer.wait]}
        if answer.streamed:
            measured |= _measure_stream(answer)
        else:
            measured["delay"] = [answer.wait + sum(frame.wait for frame in answer.frames)]
        key = request.vendor.name, request.model, answer.streamed
        if key not in self._times and len(self._times) >= MAX_LATENCY_RULES:
            return
        times = self._times.setdefault(key, {})
        for name, values in measured.items():
            known = times.setdefault(name, [])
            known += values[: MAX_MEASURED_TIMES - len(known)]

    def write(self) -> dict[str, Any]:
        """Return the contents of a latency file: one rule for each vendor, model and kind, in their order."""
        rules = []
        for (vendor, model, streamed), times in sorted(self._times.items()):
            delays = {name: summarize_times(values) for name, values in times.items() if values}
            rules.append({"vendor": vendor, "model": model, "stream": streamed} | delays)
        return {"latency": rules}


class LatencyFile:
    """A file with the latency that was measured in this run; it is written after each answer. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._measurement = LatencyMeasurement()

    def record(self, request: ChatRequest, answer: Answer) -> None:
        """Measure an answer and write the file. Raises OSError if it cannot be written."""
        self._measurement.add(request, answer)
        write_text_file(self.path, dump_yaml(self._measurement.write()))


def measure_latency(exchanges: Iterable[tuple[ChatRequest, Answer]]) -> dict[str, Any]:
    """Return the contents of a latency file for these requests and their answers."""
    measurement = LatencyMeasurement()
    for request, answer in exchanges:
        measurement.add(request, answer)
    return measurement.write()


def summarize_times(seconds: Sequence[float]) -> str | dict[str, str]:
    """Return the delay that describes measured times: a distribution, or a duration if they hardly vary."""
    ordered = sorted(seconds)
    names = [name for name in _PERCENTILES if name != "p99" or len(ordered) >= _LEAST_FOR_P99]
    found = {name: _format_time(_find_quantile(ordered, _PERCENTILES[name])) for name in names}
    return found["median"] if len(set(found.values())) == 1 else found


def _measure_stream(answer: Answer) -> dict[str, list[float]]:
    tokens = [event.at for event in split_timed_events(answer) if has_content(event)]
    if not tokens:
        return {}
    return {"ttft": [tokens[0] - answer.wait], "gap": [after - before for before, after in pairwise(tokens)]}


def _find_quantile(ordered: Sequence[float], share: float) -> float:
    """Return the shortest time that is at least as long as this share of all."""
    return ordered[math.ceil(share * len(ordered)) - 1]


def _format_time(seconds: float) -> str:
    return format_duration(max(seconds, _SHORTEST_TIME))
