"""The delays before a worker that has ended is started again."""

from __future__ import annotations

STABLE_SECONDS = 10.0  # a worker that ran for this long is replaced at once
MAX_DELAY = 5.0  # seconds
_FIRST_DELAY = 0.1  # seconds, after one short run; doubled with each further one


class RestartBackoff:
    """The delays of one worker, so that one that fails again and again does not use up the machine."""

    def __init__(self) -> None:
        self._short_runs = 0

    def next_delay(self, run_seconds: float) -> float:
        """Return the seconds to wait after a run of this length."""
        if run_seconds >= STABLE_SECONDS:
            self._short_runs = 0
            return 0.0
        self._short_runs += 1
        # The exponent is bounded, because a float is.
        return min(_FIRST_DELAY * 2.0 ** min(self._short_runs - 1, 16), MAX_DELAY)
