"""Amounts of money, exact and with their unit: `$0.001`, `5000 credits`.

A bare number is refused, because its unit is ambiguous.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from mockserver.schema.messages import truncate_text

MoneyUnit = Literal["usd", "credits"]

_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,12})?"
# Valid in JSON Schema's dialect of regular expressions too, so that editors refuse the same values.
AMOUNT_PATTERN = rf"^(?:\$ ?{_NUMBER}|{_NUMBER} ?credits?)$"

_DOLLARS = re.compile(rf"\$ ?({_NUMBER})")
_CREDITS = re.compile(rf"({_NUMBER}) ?credits?")
_BARE_AMOUNT = re.compile(rf"{_NUMBER}")
_QUANTUM: Final = Decimal("1e-12")  # of a dollar or a credit: what is finer is rounded away
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in dollars or in a vendor's credits; the vendor's profile has the exchange rate."""

    value: Decimal
    unit: MoneyUnit = "usd"

    def __str__(self) -> str:
        return (
            f"${format_amount(self.value)}" if self.unit == "usd" else f"{format_amount(self.value)} credits"
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """The cost of an answer, in dollars and in its vendor's credits."""

    usd: Decimal = ZERO
    credits: Decimal = ZERO

    def __add__(self, other: Charge) -> Charge:
        return Charge(self.usd + other.usd, self.credits + other.credits)

    def __sub__(self, other: Charge) -> Charge:
        return Charge(self.usd - other.usd, self.credits - other.credits)

    def __bool__(self) -> bool:
        return bool(self.usd or self.credits)

    def in_unit(self, unit: MoneyUnit) -> Decimal:
        """Return the cost in one of the two units."""
        return self.usd if unit == "usd" else self.credits


NO_CHARGE: Final = Charge()


def parse_amount(text: str) -> Amount:
    """Parse an amount with its unit. Raises ValueError with a message."""
    shown = truncate_text(text, 40)
    if text.startswith(("-", "$-")):
        raise ValueError(f"found {shown}, an amount cannot be negative")
    if found := _DOLLARS.fullmatch(text):
        return Amount(Decimal(found[1]))
    if found := _CREDITS.fullmatch(text):
        return Amount(Decimal(found[1]), "credits")
    if _BARE_AMOUNT.fullmatch(text):
        raise ValueError(f"money needs a unit, write ${shown} or {shown} credits")
    raise ValueError(f"found text {shown!r}, expected money like $0.001 or 5000 credits")


def parse_unitless_amount(text: str) -> Decimal:
    """Parse a number of dollars or credits whose unit is known. Raises ValueError with a message."""
    found = _BARE_AMOUNT.fullmatch(text) or _DOLLARS.fullmatch(text)
    if not found:
        raise ValueError(f"found text {truncate_text(text, 40)!r}, expected an amount like 0.052070")
    return Decimal(found[0].lstrip("$ "))


def quantize_amount(value: Decimal) -> Decimal:
    """Round an amount to the precision in which sums are kept."""
    return value.quantize(_QUANTUM).normalize() + ZERO


def format_amount(value: Decimal) -> str:
    """Format an amount without an exponent and trailing zeros: `0.026035`, `5000`."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
