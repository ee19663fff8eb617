"""The latency of a model: the delays of its answers."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.schema.delay_distribution import DELAY, DelayDistribution
from mockserver.schema.object_types import spec_dataclass, spec_field


@spec_dataclass
class LatencySpec:
    """The delays of a model's answers that a response does not state itself."""

    delay: DelayDistribution | None = spec_field(DELAY, "the time before the first byte", default=None)
    ttft: DelayDistribution | None = spec_field(DELAY, "then, of a stream: to the first token", default=None)
    gap: DelayDistribution | None = spec_field(
        DELAY, "of a stream: the time between two chunks", default=None
    )

    def check(self) -> Iterator[tuple[str | None, str]]:
        """Yield the problems of the fields in combination."""
        if self.delay is None and self.ttft is None and self.gap is None:
            yield None, "it states no time, expected delay, ttft or gap"


def merge_latency(first: LatencySpec | None, second: LatencySpec | None) -> LatencySpec | None:
    """Return the delays of two latencies; of the same delay, that of the first."""
    if first is None or second is None:
        return first or second
    return LatencySpec(
        delay=first.delay or second.delay,
        ttft=first.ttft or second.ttft,
        gap=first.gap or second.gap,
    )
