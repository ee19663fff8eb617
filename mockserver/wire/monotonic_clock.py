"""The monotonic clock of delays and measured times, which runs on while a test freezes the time of its process."""

from __future__ import annotations

import time
from functools import partial

# freezegun replaces the functions of `time` in all modules, but neither `clock_gettime` nor the content of a partial.
read_monotonic: partial[float] = (
    partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    if hasattr(time, "clock_gettime")
    else partial(time.perf_counter)
)
