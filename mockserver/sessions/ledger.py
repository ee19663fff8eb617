"""What an account has spent in one session, and how much of its limits it has used."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mockserver.fixtures.account_spec import RateSpec

if TYPE_CHECKING:
    from pyrate_limiter import InMemoryBucket, RateItem


from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from mockserver.fixtures.account_spec import AccountSpec, LimitSpec, LimitUnit
from mockserver.schema.money import NO_CHARGE, ZERO, Amount, Charge


class SlidingWindow:
    """The requests or tokens of the last so many seconds. Every `now` is in seconds, and none before the last."""

    __slots__ = ("_bucket", "rate")

    def __init__(self, rate: RateSpec) -> None:
        import pyrate_limiter as limiter  # noqa: PLC0415 most servers have no limits, and it takes its time

        self.rate = rate
        self._bucket: InMemoryBucket = limiter.InMemoryBucket(
            [limiter.Rate(rate.maximum, rate.seconds * 1000)]
        )

    def wait(self, weight: int, now: float) -> float:
        """Seconds until so much more has room, 0 where it has; its whole length for what never has."""
        if self.used(now) + weight <= self.rate.maximum:
            return 0.0
        item = _rate_item(weight, now)
        self._bucket.put(item)  # which it refuses
        wait = cast(int, self._bucket.waiting(item))  # awaitable where the bucket is in another process
        return wait / 1000 if wait >= 0 else float(self.rate.seconds)

    def consume(self, weight: int, now: float) -> None:
        """So much more is used."""
        self._bucket.put(_rate_item(weight, now))

    def used(self, now: float) -> int:
        """How much of it is used."""
        self._bucket.leak(_to_milliseconds(now))
        return self._bucket.count()

    def resets_in(self, now: float) -> float:
        """Seconds until all of it is free again."""
        last = self._bucket.peek(0) if self.used(now) else None
        if last is None:
            return 0.0
        return (last.timestamp - _to_milliseconds(now)) / 1000 + self.rate.seconds

    def copy(self) -> SlidingWindow:
        """One that goes its own way."""
        copied = SlidingWindow(self.rate)
        copied._bucket.items = list(self._bucket.items)
        return copied


def _rate_item(weight: int, now: float) -> RateItem:
    import pyrate_limiter as limiter  # noqa: PLC0415 as above

    return limiter.RateItem("", _to_milliseconds(now), weight)


def _to_milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


ZERO_AMOUNT: Final = Amount(ZERO)


@dataclass(frozen=True, slots=True)
class Denial:
    """Why an account may not: too little money (`left`, of `need`), or a limit that has room in `wait` seconds."""

    kind: Literal["insufficient_credits", "rate_limited"]
    remaining: Amount = ZERO_AMOUNT
    required: Decimal = ZERO
    limit: LimitSpec | None = None
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Hold:
    """What was drawn for an answer, and what is left of the balance; None where there is no end of it.

    `era` is the state of the purse that it was drawn from: what was redeemed or forgiven since is not given back.
    """

    charge: Charge
    remaining: Amount | None
    epoch: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """A limit, how much of it is used, and the seconds until all of it is free again."""

    limit: LimitSpec
    used: int
    resets_in: float


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """What became of an account in one session."""

    remaining: Amount | None
    spent: Charge
    requests: int
    limits: tuple[LimitUsage, ...]


@dataclass(slots=True)
class AccountLedger:
    """`drawn` is what the present balance has lost; `spent` all that was ever paid, for so many `requests`."""

    spent: Charge = NO_CHARGE
    drawn: Charge = NO_CHARGE
    requests: int = 0
    windows: dict[RateSpec, SlidingWindow] = field(default_factory=dict)
    epoch: tuple[int, int] = (0, 0)  # how often it was forgiven, and how often redeemed

    def admit(self, account: AccountSpec, minimum: Charge, now: float) -> Denial | None:
        """One more request: whether anything is left, and whether its limits let it in."""
        left = self.remaining(account)
        if left is not None and (left.value <= 0 or left.value < minimum.in_unit(left.unit)):
            return Denial("insufficient_credits", left, minimum.in_unit(left.unit))
        return self._consume(account, "requests", 1, now)

    def hold(
        self, account: AccountSpec, charge: Charge, minimum: Charge, tokens: int, now: float
    ) -> Denial | Hold:
        """Draw what an answer of so many tokens costs, or the least that is held until it has ended."""
        held = Charge(max(charge.usd, minimum.usd), max(charge.credits, minimum.credits))
        left = self.remaining(account)
        if left is not None and left.value < held.in_unit(left.unit):
            return Denial("insufficient_credits", left, held.in_unit(left.unit))
        if tokens and (denied := self._consume(account, "tokens", tokens, now)):
            return denied
        self.drawn += held
        self.spent += held
        self.requests += 1
        if left is not None:
            left = Amount(left.value - charge.in_unit(left.unit), left.unit)
        return Hold(held, left, self.epoch)

    def refund(self, charge: Charge, epoch: tuple[int, int], *, void: bool) -> None:
        """Give some of it back; `void` says that the request was not charged at all."""
        if epoch[0] == self.epoch[0]:
            self.spent -= charge
            self.requests -= void
        if epoch == self.epoch:
            self.drawn -= charge

    def restore_balance(self) -> None:
        """What was drawn does not count any more."""
        self.drawn = NO_CHARGE
        self.epoch = self.epoch[0], self.epoch[1] + 1

    def reset(self) -> None:
        """Nothing was ever spent, and no limit used."""
        self.restore_balance()
        self.spent, self.requests = NO_CHARGE, 0
        self.windows.clear()
        self.epoch = self.epoch[0] + 1, 0

    def remaining(self, account: AccountSpec) -> Amount | None:
        """What is left of the balance."""
        balance = account.balance
        return (
            None
            if balance is None
            else Amount(balance.value - self.drawn.in_unit(balance.unit), balance.unit)
        )

    def statement(self, account: AccountSpec, now: float) -> AccountStatement:
        """All of it, as it stands now."""
        windows = ((limit, self.windows.get(limit.limit)) for limit in account.rate_limit)
        limits = (
            LimitUsage(limit, window.used(now), window.resets_in(now))
            if window
            else LimitUsage(limit, 0, 0.0)
            for limit, window in windows
        )
        return AccountStatement(self.remaining(account), self.spent, self.requests, tuple(limits))

    def copy(self) -> AccountLedger:
        """One that goes its own way."""
        windows = {rate: window.copy() for rate, window in self.windows.items()}
        return AccountLedger(self.spent, self.drawn, self.requests, windows, self.epoch)

    def _consume(self, account: AccountSpec, unit: LimitUnit, weight: int, now: float) -> Denial | None:
        """So much of every limit of this kind, or of none."""
        limits = [limit for limit in account.rate_limit if limit.limit.unit == unit]
        waits = [(self._window(limit).wait(weight, now), limit) for limit in limits]
        wait, limit = max(waits, key=lambda one: one[0], default=(0.0, None))
        if wait:
            return Denial("rate_limited", limit=limit, wait=wait)
        self._consume_all(limits, weight, now)
        return None

    def _consume_all(self, limits: Iterable[LimitSpec], weight: int, now: float) -> None:
        for limit in limits:
            self._window(limit).consume(weight, now)

    def _window(self, limit: LimitSpec) -> SlidingWindow:
        if limit.limit not in self.windows:
            self.windows[limit.limit] = SlidingWindow(limit.limit)
        return self.windows[limit.limit]
