"""The ledger of an account in one session: money spent, and the use of its rate limits."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, Literal

from mockserver.fixtures.account_spec import AccountSpec, LimitSpec, LimitUnit, RateSpec
from mockserver.schema.money import NO_CHARGE, ZERO, Amount, Charge

_MAX_EXACT_USES = 1_000  # uses of a window that are kept one by one
_SLOTS = 1_000  # of a window with more uses


@dataclass(slots=True)
class _Use:
    """A use of a window, or several uses within one slot; times are in milliseconds."""

    first: int
    last: int
    weight: int


class SlidingWindow:
    """The requests or tokens of the last `rate.seconds` seconds. `now` is in seconds and must not decrease.

    It is exact to the millisecond for up to _MAX_EXACT_USES uses. Further ones are added up in slots of a thousandth of
    the window and expire with the last of their slot, so that the memory is bounded whatever the limit.
    """

    __slots__ = ("_total", "_uses", "rate")

    def __init__(self, rate: RateSpec) -> None:
        self.rate = rate
        self._total = 0
        self._uses: deque[_Use] = deque()

    def wait(self, weight: int, now: float) -> float:
        """Return the seconds to wait until `weight` more fits (0: now; the whole window if it never fits)."""
        excess = self.used(now) + weight - self.rate.maximum
        if excess <= 0:
            return 0.0
        for use in self._uses:
            excess -= use.weight
            if excess <= 0:  # this use expires one millisecond after it is a whole window old
                return self.rate.seconds + (use.last + 1 - _to_milliseconds(now)) / 1000
        return float(self.rate.seconds)

    def consume(self, weight: int, now: float) -> None:
        """Add `weight` to what is used."""
        moment = _to_milliseconds(now)
        self._total += weight
        if (
            len(self._uses) >= _MAX_EXACT_USES
            and moment - self._uses[-1].first < self.rate.seconds * 1000 / _SLOTS
        ):
            self._uses[-1].last = moment
            self._uses[-1].weight += weight
        else:
            self._uses.append(_Use(moment, moment, weight))

    def used(self, now: float) -> int:
        """Return how much is used."""
        start = _to_milliseconds(now) - self.rate.seconds * 1000
        while self._uses and self._uses[0].last < start:
            self._total -= self._uses.popleft().weight
        return self._total

    def resets_in(self, now: float) -> float:
        """Return the seconds until all of it is free again."""
        if not self.used(now):
            return 0.0
        return (self._uses[-1].last - _to_milliseconds(now)) / 1000 + self.rate.seconds

    def copy(self) -> SlidingWindow:
        """Return an independent copy."""
        copied = SlidingWindow(self.rate)
        copied._total, copied._uses = self._total, deque(map(replace, self._uses))
        return copied


def _to_milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


ZERO_AMOUNT: Final = Amount(ZERO)


@dataclass(frozen=True, slots=True)
class Denial:
    """The reason why an account is refused.

    Either too little money (`remaining`, of the `required` amount), or a full `limit` with `wait` seconds to go.
    """

    kind: Literal["insufficient_credits", "rate_limited"]
    remaining: Amount = ZERO_AMOUNT
    required: Decimal = ZERO
    limit: LimitSpec | None = None
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Hold:
    """The charge that is held for an answer by the account of `key`, and what remains of the balance (None: unlimited).

    `epoch` is that of the ledger at the time: a hold from before a reset or a restored balance is not refunded.
    """

    key: str
    charge: Charge
    remaining: Amount | None
    epoch: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """A limit, the amount of it that is used, and the seconds until all of it is free again."""

    limit: LimitSpec
    used: int
    resets_in: float


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """The state of an account in one session."""

    remaining: Amount | None
    spent: Charge
    requests: int
    limits: tuple[LimitUsage, ...]


@dataclass(slots=True)
class AccountLedger:
    """The bookkeeping of one account in one session.

    `drawn` is what the present balance has lost; `spent` is everything that was paid, for `requests` requests.
    """

    spent: Charge = NO_CHARGE
    drawn: Charge = NO_CHARGE
    requests: int = 0
    windows: dict[RateSpec, SlidingWindow] = field(default_factory=dict)
    epoch: tuple[int, int] = (0, 0)  # the number of resets, and of restored balances since

    def admit(self, account: AccountSpec, minimum: Charge, now: float) -> Denial | None:
        """Count one more request against the limits, or return why it is denied: balance or limit."""
        left = self.remaining(account)
        if left is not None and (left.value <= 0 or left.value < minimum.in_unit(left.unit)):
            return Denial("insufficient_credits", left, minimum.in_unit(left.unit))
        return self._consume(account, "requests", 1, now)

    def hold(
        self, account: AccountSpec, charge: Charge, minimum: Charge, tokens: int, now: float
    ) -> Denial | Hold:
        """Draw the cost of an answer of `tokens` tokens, at least `minimum`, or return why it is denied."""
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
        return Hold(account.key, held, left, self.epoch)

    def refund(self, charge: Charge, epoch: tuple[int, int], *, void: bool) -> None:
        """Give back a charge of a hold from this epoch; `void`: the request does not count as paid at all."""
        if epoch[0] == self.epoch[0]:
            self.spent -= charge
            self.requests -= void
        if epoch == self.epoch:
            self.drawn -= charge

    def restore_balance(self) -> None:
        """Restore the full balance; the money spent stays on record."""
        self.drawn = NO_CHARGE
        self.epoch = self.epoch[0], self.epoch[1] + 1

    def reset(self) -> None:
        """Forget everything that was spent, and the use of the limits."""
        self.restore_balance()
        self.spent, self.requests = NO_CHARGE, 0
        self.windows.clear()
        self.epoch = self.epoch[0] + 1, 0

    def remaining(self, account: AccountSpec) -> Amount | None:
        """Return what is left of the balance, None if it is unlimited."""
        balance = account.balance
        return (
            None
            if balance is None
            else Amount(balance.value - self.drawn.in_unit(balance.unit), balance.unit)
        )

    def statement(self, account: AccountSpec, now: float) -> AccountStatement:
        """Return the state of the account at `now`."""
        windows = ((limit, self.windows.get(limit.limit)) for limit in account.rate_limit)
        limits = (
            LimitUsage(limit, window.used(now), window.resets_in(now))
            if window
            else LimitUsage(limit, 0, 0.0)
            for limit, window in windows
        )
        return AccountStatement(self.remaining(account), self.spent, self.requests, tuple(limits))

    def copy(self) -> AccountLedger:
        """Return an independent copy."""
        windows = {rate: window.copy() for rate, window in self.windows.items()}
        return AccountLedger(self.spent, self.drawn, self.requests, windows, self.epoch)

    def _consume(self, account: AccountSpec, unit: LimitUnit, weight: int, now: float) -> Denial | None:
        """Consume `weight` of every limit of this unit; if one is full, consume of none and return the denial."""
        limits = [limit for limit in account.rate_limit if limit.limit.unit == unit]
        waits = [(self._window(limit).wait(weight, now), limit) for limit in limits]
        wait, limit = max(waits, key=lambda pair: pair[0], default=(0.0, None))
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
