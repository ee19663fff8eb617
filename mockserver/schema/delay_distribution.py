"""Delays: a fixed duration, or a random one with a given median, 95th and 99th percentile.

The logarithm of a random delay is piecewise linear in the deviate of a normal distribution: one line through the median
and the 95th percentile, another one from there through the 99th. So two percentiles give a log-normal distribution, and
the third one sets the length of its tail.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator
from typing import Final

from mockserver.schema.durations import MAX_DURATION, parse_duration
from mockserver.schema.field_types import Cursor, Duration, FieldType, ReadState
from mockserver.schema.object_types import ByType, ObjectType, Validated, spec_dataclass, spec_field
from mockserver.schema.yaml_document import document_from_value

RandomSource = Callable[[], random.Random]

# 95 and 99 of 100 draws of a normal distribution are below this many deviations.
P95_DEVIATE: Final = 1.6448536269514722
P99_DEVIATE: Final = 2.3263478740408408


@spec_dataclass
class DelayDistribution:
    """A time in seconds that varies, given by its median and its 95th and 99th percentile."""

    median: float = spec_field(Duration(), "half of the times are shorter")
    p95: float = spec_field(Duration(), "one in twenty is longer")
    p99: float | None = spec_field(
        Duration(), "one in a hundred is longer; absent: as in a log-normal distribution", default=None
    )

    def check(self) -> Iterator[tuple[str | None, str]]:
        """Yield the problems of the fields in combination."""
        if self.p95 < self.median:
            yield "p95", "found a time shorter than the median, expected a longer one"
        elif self.p99 is not None and self.p99 < self.p95:
            yield "p99", "found a time shorter than p95, expected a longer one"
        elif not self.median and (self.p95 or self.p99):
            yield "median", "found no time at all, expected one from which longer ones can vary, as 1ms"

    @property
    def varies(self) -> bool:
        """Return whether draws differ."""
        return bool(self.median) and (self.p99 or self.p95) > self.median

    def draw(self, random_source: RandomSource) -> float:
        """Return a delay in seconds; the random number generator is used only if the delay varies."""
        return self.delay_at(random_source().gauss(0, 1)) if self.varies else self.median

    def delay_at(self, deviate: float) -> float:
        """Return the delay for a deviate of the standard normal distribution, a year at most."""
        if self.p99 is None or deviate <= P95_DEVIATE:
            delay = self.median * math.exp(deviate * math.log(self.p95 / self.median) / P95_DEVIATE)
        else:
            slope = math.log(self.p99 / self.p95) / (P99_DEVIATE - P95_DEVIATE)
            delay = self.p95 * math.exp((deviate - P95_DEVIATE) * slope)
        return min(delay, MAX_DURATION)


def fix_delay(seconds: float) -> DelayDistribution:
    """Return a delay that does not vary."""
    return DelayDistribution(median=seconds, p95=seconds)


DELAY: FieldType = ByType(
    text=Validated(Duration(), fix_delay),
    mapping=ObjectType(DelayDistribution),
)

_MAX_TEXT = 100  # characters of a distribution
_FIELD = re.compile(r"""["']?(\w+)["']?\s*:\s*["']?([^"',}\s]+)""")


def parse_delay(text: str) -> DelayDistribution:
    """Return a delay from a header: a duration, or `{median: 1s, p95: 4s}`. Raises ValueError with a message."""
    if not text.startswith("{") or len(text) > _MAX_TEXT:
        return fix_delay(parse_duration(text))
    document = document_from_value(dict(_FIELD.findall(text)), "")
    reading = ReadState(document)
    delay = DELAY.read(document.value, Cursor(reading))
    if not isinstance(delay, DelayDistribution):
        raise ValueError(reading.problems[0].message)
    return delay
