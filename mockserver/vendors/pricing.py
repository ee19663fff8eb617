"""What a vendor charges: tokens at its prices, in dollars and in its own credits, exact to the last digit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

from mockserver.schema.money import Charge, quantize_amount
from mockserver.vendors.model_spec import PriceSpec
from mockserver.vendors.profile import VendorProfile

_MILLION: Final = Decimal(1_000_000)
_ONE: Final = Decimal(1)


class Tariff:
    """The prices of one vendor."""

    def __init__(self, profile: VendorProfile) -> None:
        self._credits_per_dollar = _decimal(profile.credits_per_dollar)
        self._whole_credits = profile.billing.whole_credits

    def rounded_credits(self, price: PriceSpec, prompt: int, completion: int) -> tuple[int, int]:
        """The credits of request and answer, each rounded to whole ones."""
        rate = self._credits_per_dollar / _MILLION
        asked, said = _decimal(price.prompt) * prompt * rate, _decimal(price.completion) * completion * rate
        # JavaScript's Math.round, which is half up for what is not negative.
        return int(asked.quantize(_ONE, ROUND_HALF_UP)), int(said.quantize(_ONE, ROUND_HALF_UP))

    def charge(self, price: PriceSpec, prompt: int, completion: int) -> Charge:
        """What so many tokens cost. A vendor that counts whole credits charges no part of one."""
        if self._whole_credits:
            whole = Decimal(sum(self.rounded_credits(price, prompt, completion)))
            return Charge(quantize_amount(whole / self._credits_per_dollar), whole)
        dollars = (_decimal(price.prompt) * prompt + _decimal(price.completion) * completion) / _MILLION
        return Charge(quantize_amount(dollars), quantize_amount(dollars * self._credits_per_dollar))

    def to_credits(self, dollars: Decimal) -> Decimal:
        """Dollars in the vendor's credits."""
        return quantize_amount(dollars * self._credits_per_dollar)

    def to_dollars(self, amount: Decimal) -> Decimal:
        """The vendor's credits in dollars."""
        return quantize_amount(amount / self._credits_per_dollar)


@lru_cache(maxsize=1024)
def _decimal(number: float) -> Decimal:
    # As it is written in the profile: 1.155, not the binary fraction next to it.
    return Decimal(repr(number))
