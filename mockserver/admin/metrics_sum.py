"""The sum of the metrics of several processes, from their texts in the Prometheus format."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

_KINDS_OF_FORMER = ("counter", "histogram")  # a process that has ended has no gauges
_Combine = Callable[[float, float], float]
_COMBINATIONS: dict[str, _Combine] = {
    "mockserver_info": max,
    "mockserver_fixtures": max,  # each process has the same ones
    "process_start_time_seconds": min,
}


def sum_metrics(current: Iterable[str], former: Iterable[str] = ()) -> Iterator[Metric]:
    """Yield the metrics of all texts, their samples added up; of former processes only what they have counted."""
    families: dict[str, Metric] = {}
    sums: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for family in (*_parse_families(current), *_parse_families(former, _KINDS_OF_FORMER)):
        families.setdefault(family.name, family)
        combine: _Combine = _COMBINATIONS.get(family.name, operator.add)
        values = sums.setdefault(family.name, {})
        for sample in family.samples:
            key = sample.name, tuple(sample.labels.items())
            values[key] = combine(values[key], sample.value) if key in values else sample.value
    for name, family in families.items():
        total = Metric(name, family.documentation, family.type)
        for (sample_name, labels), value in sums[name].items():
            total.add_sample(sample_name, dict(labels), value)
        yield total


def _parse_families(texts: Iterable[str], kinds: tuple[str, ...] = ()) -> Iterator[Metric]:
    for text in texts:
        for family in text_string_to_metric_families(text):
            if not kinds or family.type in kinds:
                yield family
