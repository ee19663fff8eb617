"""A comparison of measured times with the distribution from which they should come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from mockserver.schema.delay_distribution import DelayDistribution

_POINTS = {"median": 0.5, "p95": 0.95, "p99": 0.99}


def measure_difference(times: Sequence[float], delay: DelayDistribution) -> float:
    """Return the statistic of Kolmogorov and Smirnov: the largest difference between the two distributions."""
    shares = [compute_share(time, delay) for time in sorted(times)]
    count = len(shares)
    return max(
        max(abs(share - number / count), abs(share - (number + 1) / count))
        for number, share in enumerate(shares)
    )


def compute_share(time: float, delay: DelayDistribution) -> float:
    """Return the share of the delays that are shorter, found from the documented points and not by the draw."""
    normal = NormalDist()
    points = [
        (normal.inv_cdf(share), math.log(value))
        for name, share in _POINTS.items()
        if (value := getattr(delay, name)) is not None
    ]
    for index in range(len(points) - 1):
        (left, low), (right, high) = points[index : index + 2]
        if math.log(time) <= high or index == len(points) - 2:
            return normal.cdf(left + (math.log(time) - low) / (high - low) * (right - left))
    raise ValueError(f"found {delay}, expected a delay that varies")
