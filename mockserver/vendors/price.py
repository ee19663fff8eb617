"""What a vendor charges: tokens at its prices, in dollars and in its own credits, exact to the last digit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

from mockserver.money import Charge, exact
from mockserver.vendors.model import Price
from mockserver.vendors.profile import Profile

_MILLION: Final = Decimal(1_000_000)
_ONE: Final = Decimal(1)


class Tariff:
    """The prices of one vendor."""

    def __init__(self, profile: Profile) -> None:
        self._rate = _decimal(profile.credits_per_dollar)
        self._whole = profile.billing.whole_credits

    def parts(self, price: Price, prompt: int, completion: int) -> tuple[int, int]:
        """The credits of request and answer, each rounded to whole ones."""
        rate = self._rate / _MILLION
        asked, said = _decimal(price.prompt) * prompt * rate, _decimal(price.completion) * completion * rate
        # JavaScript's Math.round, which is half up for what is not negative.
        return int(asked.quantize(_ONE, ROUND_HALF_UP)), int(said.quantize(_ONE, ROUND_HALF_UP))

    def charge(self, price: Price, prompt: int, completion: int) -> Charge:
        """What so many tokens cost. A vendor that counts whole credits charges no part of one."""
        if self._whole:
            whole = Decimal(sum(self.parts(price, prompt, completion)))
            return Charge(exact(whole / self._rate), whole)
        dollars = (_decimal(price.prompt) * prompt + _decimal(price.completion) * completion) / _MILLION
        return Charge(exact(dollars), exact(dollars * self._rate))

    def credits(self, dollars: Decimal) -> Decimal:
        """Dollars in the vendor's credits."""
        return exact(dollars * self._rate)

    def dollars(self, amount: Decimal) -> Decimal:
        """The vendor's credits in dollars."""
        return exact(amount / self._rate)


@lru_cache(maxsize=1024)
def _decimal(number: float) -> Decimal:
    # As it is written in the profile: 1.155, not the binary fraction next to it.
    return Decimal(repr(number))
