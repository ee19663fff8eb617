"""Delays that vary are drawn from the distribution that is written."""

from __future__ import annotations

import random
from itertools import pairwise
from statistics import NormalDist

import pytest

from mockserver.schema.delay_distribution import (
    DELAY,
    P95_DEVIATE,
    P99_DEVIATE,
    DelayDistribution,
    fix_delay,
)
from mockserver.schema.durations import MAX_DURATION
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import parse_yaml
from tests.delay_statistics import measure_difference

BOTH = DelayDistribution(median=0.8, p95=4)
TAIL = DelayDistribution(median=0.42, p95=1.9, p99=6)


@pytest.mark.parametrize("delay", [BOTH, TAIL], ids=["p95", "p99"])
def test_5000_draws_have_the_distribution_that_is_written(delay: DelayDistribution) -> None:
    rng = random.Random(1)
    times = [delay.draw(lambda: rng) for _ in range(5_000)]
    assert measure_difference(times, delay) < 0.05
    assert measure_difference([time * 1.2 for time in times], delay) > 0.05


def test_the_quantiles_are_the_stated_ones_and_the_delays_between_them_increase() -> None:
    for share, deviate in ((0.95, P95_DEVIATE), (0.99, P99_DEVIATE)):
        assert deviate == pytest.approx(NormalDist().inv_cdf(share))
    assert [TAIL.delay_at(one) for one in (0, P95_DEVIATE, P99_DEVIATE)] == pytest.approx([0.42, 1.9, 6])
    assert [BOTH.delay_at(one) for one in (0, P95_DEVIATE)] == pytest.approx([0.8, 4])
    curve = [TAIL.delay_at(step / 10) for step in range(-50, 60)]
    assert all(before < after for before, after in pairwise(curve))


def test_a_percentile_that_equals_the_one_before_adds_no_spread() -> None:
    step = DelayDistribution(median=1, p95=1, p99=2)
    assert [step.varies, step.delay_at(-3), step.delay_at(1)] == [True, 1, 1]
    assert not DelayDistribution(median=1, p95=1, p99=1).varies


def test_no_draw_is_longer_than_a_year() -> None:
    steep = DelayDistribution(median=0.001, p95=0.001, p99=MAX_DURATION)
    assert steep.delay_at(8) == MAX_DURATION


def test_a_delay_that_does_not_vary_uses_no_random_number() -> None:
    def refuse() -> random.Random:
        raise AssertionError

    assert fix_delay(1.5).draw(refuse) == 1.5
    assert fix_delay(0).draw(refuse) == 0


def test_a_delay_is_written_as_a_duration_or_by_its_percentiles() -> None:
    def read(text: str) -> object:
        return read_document(DELAY, parse_yaml(text, "delay"))

    assert read("420ms") == fix_delay(0.42)
    assert read("{median: 420ms, p95: 1.9s, p99: 6s}") == TAIL
