"""A limit under way: how much of it is used, and when there is room again. It is a sliding window, and exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mockserver.shelf.account import Rate

if TYPE_CHECKING:
    from pyrate_limiter import InMemoryBucket, RateItem


class Window:
    """The requests or tokens of the last so many seconds. Every `now` is in seconds, and none before the last."""

    __slots__ = ("_bucket", "rate")

    def __init__(self, rate: Rate) -> None:
        import pyrate_limiter as limiter  # noqa: PLC0415 most servers have no limits, and it takes its time

        self.rate = rate
        self._bucket: InMemoryBucket = limiter.InMemoryBucket([limiter.Rate(rate.most, rate.seconds * 1000)])

    def wait(self, weight: int, now: float) -> float:
        """Seconds until so much more has room, 0 where it has; its whole length for what never has."""
        if self.used(now) + weight <= self.rate.most:
            return 0.0
        item = _item(weight, now)
        self._bucket.put(item)  # which it refuses
        wait = cast(int, self._bucket.waiting(item))  # awaitable where the bucket is in another process
        return wait / 1000 if wait >= 0 else float(self.rate.seconds)

    def take(self, weight: int, now: float) -> None:
        """So much more is used."""
        self._bucket.put(_item(weight, now))

    def used(self, now: float) -> int:
        """How much of it is used."""
        self._bucket.leak(_ms(now))
        return self._bucket.count()

    def resets_in(self, now: float) -> float:
        """Seconds until all of it is free again."""
        last = self._bucket.peek(0) if self.used(now) else None
        if last is None:
            return 0.0
        return (last.timestamp - _ms(now)) / 1000 + self.rate.seconds

    def copy(self) -> Window:
        """One that goes its own way."""
        copied = Window(self.rate)
        copied._bucket.items = list(self._bucket.items)
        return copied


def _item(weight: int, now: float) -> RateItem:
    import pyrate_limiter as limiter  # noqa: PLC0415 as above

    return limiter.RateItem("", _ms(now), weight)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
