"""What Prometheus is told: the tally of requests, and how large what is remembered has become."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from mockserver import __version__
from mockserver.admin.fixtures_api import count_fixtures
from mockserver.pipeline import ChatPipeline
from mockserver.sessions.counters import BUCKET_BOUNDS, DurationHistogram, MetricLabels, RequestCounters


async def render_metrics(pipeline: ChatPipeline, accept: str) -> tuple[bytes, str]:
    """The metrics in the format that is asked for by an Accept header, and its media type."""
    kept, dropped = await pipeline.store.journal.size()
    streams = pipeline.playback.open_streams
    sizes = {
        "mockserver_journal_entries": ("Requests that the journal has.", kept),
        "mockserver_open_streams": ("Streams that are under way.", streams),
        "mockserver_fixtures": (
            "Fixtures, those added at run time included.",
            await count_fixtures(pipeline),
        ),
        "mockserver_sessions": ("Sessions that are remembered.", len(await pipeline.store.sessions())),
    }
    registry = CollectorRegistry()
    registry.register(_MetricsCollector(pipeline.counters, sizes, dropped))
    ProcessCollector(registry=registry)
    encode, media = choose_encoder(accept)
    return encode(registry), media


class _MetricsCollector(Collector):
    def __init__(
        self, counters: RequestCounters, gauges: Mapping[str, tuple[str, int]], dropped: int
    ) -> None:
        self._counters = counters
        self._gauges = gauges
        self._dropped = dropped

    def describe(self) -> Iterable[Metric]:
        return ()  # a registry of one scrape has nobody to clash with

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("mockserver_info", "Which server this is.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        requests = CounterMetricFamily(
            "mockserver_requests",
            "Requests that have ended. Status 0: no status line was heard.",
            labels=["vendor", "model", "stream", "status", "fault"],
        )
        rows = list(self._counters.rows)
        for kind, row in rows:
            requests.add_metric([_format_label(value) for value in kind], sum(row.total.counts))
        yield requests
        yield _build_histogram(
            "mockserver_request_duration_seconds",
            "From a request's arrival to its end.",
            ((kind, row.total) for kind, row in rows),
        )
        yield _build_histogram(
            "mockserver_time_to_first_byte_seconds",
            "From a request's arrival to the first byte of its answer.",
            ((kind, row.first_byte) for kind, row in rows),
        )
        for name, (words, size) in self._gauges.items():
            yield GaugeMetricFamily(name, words, size)
        yield CounterMetricFamily(
            "mockserver_journal_dropped",
            "Requests that the journal let go to stay within its bounds.",
            self._dropped,
        )


def _build_histogram(
    name: str, documentation: str, histograms: Iterable[tuple[MetricLabels, DurationHistogram]]
) -> Metric:
    """A histogram by vendor, bodies and streams apart."""
    told = HistogramMetricFamily(name, documentation, labels=["vendor", "stream"])
    apart: defaultdict[tuple[str, str], list[DurationHistogram]] = defaultdict(list)
    for kind, spread in histograms:
        apart[_format_label(kind.vendor), _format_label(kind.stream)].append(spread)
    bounds = [*map(str, BUCKET_BOUNDS), "+Inf"]
    for labels, several in apart.items():
        whole = DurationHistogram.merge(several)
        told.add_metric(labels, list(zip(bounds, whole.cumulative, strict=True)), whole.seconds)
    return told


def _format_label(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or "none"
