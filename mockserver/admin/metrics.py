"""Prometheus metrics: counters and durations of requests, and the sizes of the journal and the sessions."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder, generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from mockserver import __version__
from mockserver.admin.fixtures_api import count_fixtures
from mockserver.admin.metrics_sum import sum_metrics
from mockserver.pipeline import ChatPipeline
from mockserver.sessions.counters import BUCKET_BOUNDS, DurationHistogram, MetricLabels, MetricRow
from mockserver.workers.worker_link import METRICS, METRICS_TIMEOUT, WorkerLink


async def render_metrics(pipeline: ChatPipeline, accept: str) -> tuple[bytes, str]:
    """Return the metrics in the format that the Accept header selects, and its media type."""
    entries, dropped = await pipeline.store.journal.size()
    streams = pipeline.playback.open_streams
    sizes = {
        "mockserver_journal_entries": ("Requests in the journal.", entries),
        "mockserver_open_streams": ("Streams that are open.", streams),
        "mockserver_fixtures": (
            "Fixtures, including those added at run time.",
            await count_fixtures(pipeline),
        ),
        "mockserver_sessions": ("Sessions in memory.", len(await pipeline.store.sessions())),
    }
    registry = CollectorRegistry()
    evictions = {
        "mockserver_journal_dropped": (
            "Requests evicted from the journal to stay within its bounds.",
            dropped,
        ),
        "mockserver_sessions_evicted": (
            "Sessions evicted to stay within the limit.",
            await pipeline.store.evicted_sessions(),
        ),
    }
    registry.register(_MetricsCollector(await pipeline.store.request_counts(), sizes, evictions))
    ProcessCollector(registry=registry)
    encode, media = choose_encoder(accept)
    return encode(registry), media


async def render_summed_metrics(link: WorkerLink, accept: str) -> tuple[bytes, str]:
    """Return the sum of the metrics of all workers, in the format that the Accept header selects."""
    replies = await link.call(METRICS, METRICS_TIMEOUT)
    count = GaugeMetricFamily("mockserver_workers", "Workers that answered.", len(replies.current))
    metrics = await asyncio.to_thread(lambda: [*sum_metrics(replies.current, replies.former), count])
    registry = CollectorRegistry()
    registry.register(_SumCollector(metrics))
    encode, media = choose_encoder(accept)
    return encode(registry), media


async def render_worker_metrics(pipeline: ChatPipeline, former: str) -> str:
    """Return the metrics of this worker and of the processes that it has replaced, in the text format."""
    own = (await render_metrics(pipeline, ""))[0].decode()
    if not former:
        return own
    registry = CollectorRegistry()
    registry.register(_SumCollector(list(sum_metrics([own], [former]))))
    return generate_latest(registry).decode()


class _SumCollector(Collector):
    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        return self._metrics


class _MetricsCollector(Collector):
    def __init__(
        self,
        counts: Sequence[tuple[MetricLabels, MetricRow]],
        gauges: Mapping[str, tuple[str, int]],
        totals: Mapping[str, tuple[str, int]],
    ) -> None:
        self._counts = counts
        self._gauges = gauges
        self._totals = totals

    def describe(self) -> Iterable[Metric]:
        return ()  # each scrape has its own registry, so that names cannot clash

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("mockserver_info", "The version of the server.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        requests = CounterMetricFamily(
            "mockserver_requests",
            "Requests that have ended. Status 0: no status line was sent.",
            labels=["vendor", "model", "stream", "status", "fault"],
        )
        for kind, row in self._counts:
            requests.add_metric([_format_label(value) for value in kind], sum(row.total.counts))
        yield requests
        yield _build_histogram(
            "mockserver_request_duration_seconds",
            "Time from the arrival of a request to its end.",
            ((kind, row.total) for kind, row in self._counts),
        )
        yield _build_histogram(
            "mockserver_time_to_first_byte_seconds",
            "Time from the arrival of a request to the first byte of its answer.",
            ((kind, row.first_byte) for kind, row in self._counts),
        )
        for name, (documentation, size) in self._gauges.items():
            yield GaugeMetricFamily(name, documentation, size)
        for name, (documentation, total) in self._totals.items():
            yield CounterMetricFamily(name, documentation, total)


def _build_histogram(
    name: str, documentation: str, histograms: Iterable[tuple[MetricLabels, DurationHistogram]]
) -> Metric:
    """Build a histogram by vendor, with streams separate from plain bodies."""
    family = HistogramMetricFamily(name, documentation, labels=["vendor", "stream"])
    groups: defaultdict[tuple[str, str], list[DurationHistogram]] = defaultdict(list)
    for kind, histogram in histograms:
        groups[_format_label(kind.vendor), _format_label(kind.stream)].append(histogram)
    bounds = [*map(str, BUCKET_BOUNDS), "+Inf"]
    for labels, group in groups.items():
        merged = DurationHistogram.merge(group)
        family.add_metric(labels, list(zip(bounds, merged.cumulative, strict=True)), merged.seconds)
    return family


def _format_label(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or "none"
