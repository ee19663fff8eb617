"""The number of workers: as given, or one for each core that this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

MAX_WORKERS = 256
AUTO = "auto"
_CPU_QUOTA = Path(
    "/sys/fs/cgroup/cpu.max"
)  # of this container, as `200000 100000`: time and period; or `max 100000`


def resolve_worker_count(workers: int | str) -> int:
    """Return the number of workers; `auto` is the number of cores."""
    return min(count_cores(), MAX_WORKERS) if workers == AUTO else int(workers)


def count_cores(quota_file: Path = _CPU_QUOTA) -> int:
    """Return the number of cores that this process may use, also in a container with a limit."""
    affinity = getattr(os, "sched_getaffinity", None)  # macOS has none
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        time, period = quota_file.read_text().split()
        return max(1, min(cores, math.ceil(int(time) / int(period))))
    except (OSError, ValueError):
        return cores
