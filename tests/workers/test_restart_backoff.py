"""The delays before a worker starts again."""

from __future__ import annotations

from mockserver.workers.restart_backoff import MAX_DELAY, STABLE_SECONDS, RestartBackoff


def test_the_delay_doubles_with_each_short_run_and_a_long_run_ends_it() -> None:
    backoff = RestartBackoff()
    assert backoff.next_delay(STABLE_SECONDS) == 0
    assert [backoff.next_delay(0.5) for _ in range(4)] == [0.1, 0.2, 0.4, 0.8]
    assert [backoff.next_delay(0.5) for _ in range(100)][-1] == MAX_DELAY
    assert backoff.next_delay(STABLE_SECONDS + 1) == 0
    assert backoff.next_delay(0.5) == 0.1
