"""Prices of a vendor: exact charges for tokens, in dollars and in the vendor's credits."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from mockserver.schema.money import Charge, quantize_amount
from mockserver.vendors.model_spec import PriceSpec
from mockserver.vendors.profile import VendorProfile

_MILLION: Final = Decimal(1_000_000)
_ONE: Final = Decimal(1)


class Tariff:
    """The conversion of tokens into charges, as one vendor does it."""

    def __init__(self, profile: VendorProfile) -> None:
        self._credits_per_dollar = _decimal(profile.credits_per_dollar)
        self._whole_credits = profile.billing.whole_credits

    def rounded_credits(
        self, price: PriceSpec, prompt: int, completion: int, cached: int = 0
    ) -> tuple[int, int]:
        """Return the credits of the prompt and of the completion, each rounded half up to whole credits.

        `cached` is the number of prompt tokens that were cached.
        """
        rate = self._credits_per_dollar / _MILLION
        prompt_credits = _weigh_prompt(price, prompt, cached) * rate
        completion_credits = _decimal(price.completion) * completion * rate
        # As JavaScript's Math.round, which rounds half up for numbers that are not negative.
        return (
            int(prompt_credits.quantize(_ONE, ROUND_HALF_UP)),
            int(completion_credits.quantize(_ONE, ROUND_HALF_UP)),
        )

    def charge(self, price: PriceSpec, prompt: int, completion: int, cached: int = 0) -> Charge:
        """Return the charge for these numbers of tokens, in whole credits if the vendor charges so."""
        if self._whole_credits:
            whole = Decimal(sum(self.rounded_credits(price, prompt, completion, cached)))
            return Charge(quantize_amount(whole / self._credits_per_dollar), whole)
        dollars = (_weigh_prompt(price, prompt, cached) + _decimal(price.completion) * completion) / _MILLION
        return Charge(quantize_amount(dollars), quantize_amount(dollars * self._credits_per_dollar))

    def to_credits(self, dollars: Decimal) -> Decimal:
        """Convert dollars to the vendor's credits."""
        return quantize_amount(dollars * self._credits_per_dollar)

    def to_dollars(self, amount: Decimal) -> Decimal:
        """Convert the vendor's credits to dollars."""
        return quantize_amount(amount / self._credits_per_dollar)


def _weigh_prompt(price: PriceSpec, prompt: int, cached: int) -> Decimal:
    """Return the price of a prompt, in dollars for a million of it."""
    if price.cached is None:
        return _decimal(price.prompt) * prompt
    cached = min(cached, prompt)
    return _decimal(price.prompt) * (prompt - cached) + _decimal(price.cached) * cached


def _decimal(number: float) -> Decimal:
    # The decimal number in the profile, 1.155, not the nearest binary fraction.
    return Decimal(repr(number))
