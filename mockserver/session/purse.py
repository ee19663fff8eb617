"""What an account has spent in one session, and how much of its limits it has used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from mockserver.money import NOTHING, ZERO, Amount, Charge
from mockserver.session.window import Window
from mockserver.shelf.account import Account, Limit, Rate, What

NONE: Final = Amount(ZERO)


@dataclass(frozen=True, slots=True)
class Denied:
    """Why an account may not: too little money (`left`, of `need`), or a limit that has room in `wait` seconds."""

    kind: Literal["insufficient_credits", "rate_limited"]
    left: Amount = NONE
    need: Decimal = ZERO
    limit: Limit | None = None
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Paid:
    """What was drawn for an answer, and what is left of the balance; None where there is no end of it.

    `era` is the state of the purse that it was drawn from: what was redeemed or forgiven since is not given back.
    """

    held: Charge
    left: Amount | None
    era: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Used:
    """A limit, how much of it is used, and the seconds until all of it is free again."""

    limit: Limit
    used: int
    resets_in: float


@dataclass(frozen=True, slots=True)
class Statement:
    """What became of an account in one session."""

    left: Amount | None
    spent: Charge
    requests: int
    limits: tuple[Used, ...]


@dataclass(slots=True)
class Purse:
    """`drawn` is what the present balance has lost; `spent` all that was ever paid, for so many `requests`."""

    spent: Charge = NOTHING
    drawn: Charge = NOTHING
    requests: int = 0
    windows: dict[Rate, Window] = field(default_factory=dict)
    era: tuple[int, int] = (0, 0)  # how often it was forgiven, and how often redeemed

    def enter(self, account: Account, least: Charge, now: float) -> Denied | None:
        """One more request: whether anything is left, and whether its limits let it in."""
        left = self.left(account)
        if left is not None and (left.value <= 0 or left.value < least.at(left.unit)):
            return Denied("insufficient_credits", left, least.at(left.unit))
        return self._take(account, "requests", 1, now)

    def charge(
        self, account: Account, charge: Charge, least: Charge, tokens: int, now: float
    ) -> Denied | Paid:
        """Draw what an answer of so many tokens costs, or the least that is held until it has ended."""
        held = Charge(max(charge.usd, least.usd), max(charge.credits, least.credits))
        left = self.left(account)
        if left is not None and left.value < held.at(left.unit):
            return Denied("insufficient_credits", left, held.at(left.unit))
        if tokens and (denied := self._take(account, "tokens", tokens, now)):
            return denied
        self.drawn += held
        self.spent += held
        self.requests += 1
        if left is not None:
            left = Amount(left.value - charge.at(left.unit), left.unit)
        return Paid(held, left, self.era)

    def refund(self, charge: Charge, era: tuple[int, int], *, void: bool) -> None:
        """Give some of it back; `void` says that the request was not charged at all."""
        if era[0] == self.era[0]:
            self.spent -= charge
            self.requests -= void
        if era == self.era:
            self.drawn -= charge

    def redeem(self) -> None:
        """What was drawn does not count any more."""
        self.drawn = NOTHING
        self.era = self.era[0], self.era[1] + 1

    def forgive(self) -> None:
        """Nothing was ever spent, and no limit used."""
        self.redeem()
        self.spent, self.requests = NOTHING, 0
        self.windows.clear()
        self.era = self.era[0] + 1, 0

    def left(self, account: Account) -> Amount | None:
        """What is left of the balance."""
        balance = account.balance
        return None if balance is None else Amount(balance.value - self.drawn.at(balance.unit), balance.unit)

    def statement(self, account: Account, now: float) -> Statement:
        """All of it, as it stands now."""
        windows = ((limit, self.windows.get(limit.limit)) for limit in account.rate_limit)
        limits = (
            Used(limit, window.used(now), window.resets_in(now)) if window else Used(limit, 0, 0.0)
            for limit, window in windows
        )
        return Statement(self.left(account), self.spent, self.requests, tuple(limits))

    def copy(self) -> Purse:
        """One that goes its own way."""
        windows = {rate: window.copy() for rate, window in self.windows.items()}
        return Purse(self.spent, self.drawn, self.requests, windows, self.era)

    def _take(self, account: Account, what: What, weight: int, now: float) -> Denied | None:
        """So much of every limit of this kind, or of none."""
        limits = [limit for limit in account.rate_limit if limit.limit.what == what]
        waits = [(self._window(limit).wait(weight, now), limit) for limit in limits]
        wait, limit = max(waits, key=lambda one: one[0], default=(0.0, None))
        if wait:
            return Denied("rate_limited", limit=limit, wait=wait)
        self._fill(limits, weight, now)
        return None

    def _fill(self, limits: Iterable[Limit], weight: int, now: float) -> None:
        for limit in limits:
            self._window(limit).take(weight, now)

    def _window(self, limit: Limit) -> Window:
        if limit.limit not in self.windows:
            self.windows[limit.limit] = Window(limit.limit)
        return self.windows[limit.limit]
