"""Money is read with its unit, kept exactly, and spelled so that it is read again."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.schema.money import (
    AMOUNT_PATTERN,
    NO_CHARGE,
    Amount,
    Charge,
    MoneyUnit,
    format_amount,
    parse_amount,
    parse_unitless_amount,
    quantize_amount,
)

AMOUNTS = st.decimals(0, 10**11, allow_nan=False, allow_infinity=False, places=9)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("$0.001", Amount(Decimal("0.001"))),
        ("$ 5", Amount(Decimal(5))),
        ("5000 credits", Amount(Decimal(5000), "credits")),
        ("1 credit", Amount(Decimal(1), "credits")),
        ("0.5credits", Amount(Decimal("0.5"), "credits")),
    ],
)
def test_an_amount_has_a_unit(text: str, amount: Amount) -> None:
    assert parse_amount(text) == amount
    assert re.search(AMOUNT_PATTERN, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "money needs a unit, write $5 or 5 credits"),
        ("0.001", "money needs a unit, write $0.001 or 0.001 credits"),
        ("-5", "found -5, an amount cannot be negative"),
        ("$-5", "found $-5, an amount cannot be negative"),
        ("five dollars", "found text 'five dollars', expected money like $0.001 or 5000 credits"),
        ("5€", "found text '5€', expected money like $0.001 or 5000 credits"),
        ("$1,000", "found text '$1,000', expected money like $0.001 or 5000 credits"),
        ("x" * 50, f"found text '{'x' * 39}…', expected money like $0.001 or 5000 credits"),
    ],
)
def test_what_is_no_amount_is_told_what_to_write(text: str, message: str) -> None:
    assert not re.search(AMOUNT_PATTERN, text)
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_amount(text)


@given(AMOUNTS, st.sampled_from(["usd", "credits"]))
def test_an_amount_that_is_spelled_is_read_again(value: Decimal, unit: MoneyUnit) -> None:
    assert parse_amount(str(Amount(value, unit))) == Amount(value, unit)


@given(st.lists(AMOUNTS))
def test_sums_lose_nothing(values: list[Decimal]) -> None:
    charges = [Charge(value, value * 2) for value in values]
    total = sum(charges, NO_CHARGE)
    for charge in charges:
        total -= charge
    assert total == NO_CHARGE
    assert not total


@pytest.mark.parametrize(("text", "value"), [("0.052070", "0.05207"), ("$ 3", "3"), ("7", "7")])
def test_a_figure_needs_no_unit(text: str, value: str) -> None:
    assert parse_unitless_amount(text) == Decimal(value)


def test_what_is_no_figure_is_told() -> None:
    with pytest.raises(ValueError, match=r"found text '1 USD', expected an amount like 0\.052070"):
        parse_unitless_amount("1 USD")


@pytest.mark.parametrize(
    ("value", "text"), [("1E+3", "1000"), ("100", "100"), ("0.10", "0.1"), ("0E-9", "0")]
)
def test_no_exponent_and_no_idle_zeros_are_spelled(value: str, text: str) -> None:
    assert format_amount(Decimal(value)) == text
    assert format_amount(quantize_amount(Decimal(value))) == text
