"""What an account has is never spent twice, and its limits are what they say, to the millisecond."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.money import NOTHING, Amount, Charge
from mockserver.session.bank import Bank
from mockserver.session.clock import Clock
from mockserver.session.purse import Denied, Paid, Purse
from mockserver.session.store import Layer
from mockserver.session.window import Window
from mockserver.shelf.account import Account, Limit, Rate, rate

TWO = Charge(Decimal(2), Decimal(4))
STEPS = st.lists(st.tuples(st.integers(0, 30_000), st.integers(1, 12)), max_size=30)


def account(balance: str | None = None, *limits: str) -> Account:
    amount = None if balance is None else Amount(Decimal(balance))
    return Account(key="k", balance=amount, rate_limit=tuple(Limit(limit=rate(one)) for one in limits))


@settings(deadline=None)  # the first window loads a library
@given(STEPS)
def test_no_stretch_of_a_period_has_more_than_the_limit(steps: list[tuple[int, int]]) -> None:
    window, now, taken = Window(Rate(10, "tokens", "minute")), 1000.0, [(0.0, 0)]
    for pause, weight in steps:
        now += pause / 1000
        wait = window.wait(weight, now)
        recent = sum(some for when, some in taken if when >= now - 60)
        assert window.used(now) == recent
        if wait == 0:
            assert recent + weight <= 10
            window.take(weight, now)
            taken.append((now, weight))
        elif weight <= 10:
            assert window.wait(weight, now + wait - 0.002) > 0
            now += wait
            assert window.wait(weight, now) == 0
        else:
            assert wait == 60
    assert window.used(now + 60.001) == 0
    assert 0 <= window.resets_in(now) <= 60


def test_a_copy_of_a_window_goes_its_own_way() -> None:
    window = Window(Rate(2, "requests", "second"))
    window.take(1, 5.0)
    copied = window.copy()
    copied.take(1, 5.0)
    assert (window.used(5.0), copied.used(5.0)) == (1, 2)


def test_all_limits_are_used_or_none() -> None:
    purse, limited = Purse(), account(None, "1/second", "5/minute")
    assert purse.enter(limited, NOTHING, 0.0) is None
    denied = purse.enter(limited, NOTHING, 0.5)
    assert isinstance(denied, Denied)
    assert (denied.kind, str(denied.limit.limit if denied.limit else "")) == ("rate_limited", "1/second")
    assert denied.wait == pytest.approx(0.5, abs=0.01)
    assert [one.used for one in purse.statement(limited, 0.5).limits] == [1, 1]


def test_nothing_left_is_nothing_to_enter_with() -> None:
    assert Purse().enter(account("0"), NOTHING, 0.0) == Denied(
        "insufficient_credits", Amount(Decimal(0)), Decimal(0)
    )
    assert Purse().enter(account("1"), TWO, 0.0) == Denied(
        "insufficient_credits", Amount(Decimal(1)), Decimal(2)
    )
    assert Purse().enter(account("2"), TWO, 0.0) is None


def test_a_balance_may_be_spent_to_the_last_and_no_further() -> None:
    purse, rich = Purse(), account("4")
    for left in (2, 0):
        assert purse.charge(rich, TWO, NOTHING, 0, 0.0) == Paid(TWO, Amount(Decimal(left)))
    assert isinstance(purse.charge(rich, TWO, NOTHING, 0, 0.0), Denied)
    assert (purse.spent, purse.requests) == (TWO + TWO, 2)


def test_a_token_limit_refuses_without_taking_money() -> None:
    purse, limited = Purse(), account("4", "10 tokens/hour")
    assert isinstance(purse.charge(limited, TWO, NOTHING, 11, 0.0), Denied)
    assert (purse.spent, purse.requests) == (NOTHING, 0)


def test_what_is_held_is_given_back_unless_it_was_forgiven() -> None:
    purse, rich = Purse(), account("9")
    held = Charge(Decimal(5), Decimal(10))
    paid = purse.charge(rich, TWO, held, 0, 0.0)
    assert paid == Paid(held, Amount(Decimal(7)))
    purse.refund(held - TWO, (0, 0), void=False)
    assert purse.left(rich) == Amount(Decimal(7))
    purse.redeem()
    purse.refund(TWO, (0, 0), void=True)
    assert (purse.left(rich), purse.spent, purse.requests) == (Amount(Decimal(9)), NOTHING, 0)
    purse.forgive()
    purse.refund(TWO, (0, 1), void=True)
    assert (purse.left(rich), purse.spent, purse.requests) == (Amount(Decimal(9)), NOTHING, 0)


def test_the_nearest_account_of_a_key_is_the_one() -> None:
    filed = {"a": Account(key="a", balance=Amount(Decimal(1))), "b": Account(key="b")}
    shared = Layer(accounts={"a": Account(key="a", balance=Amount(Decimal(2)))}, topups={"a": Decimal(10)})
    own = Layer(topups={"a": Decimal(100), "b": Decimal(5)})
    bank = Bank(filed, own, shared)
    assert [(one.key, str(one.balance)) for one in bank] == [("a", "$112"), ("b", "None")]
    assert bank.of(None) is None
    assert bank.of("c") is None
    assert not Bank({})
    mine = Layer(accounts={"a": Account(key="a", balance=Amount(Decimal(3)))})
    assert str((Bank(filed, mine, shared).of("a") or filed["b"]).balance) == "$3"


def test_the_clock_is_moved_on_for_one_or_for_all() -> None:
    moment = 10.0
    clock = Clock(lambda: moment)
    assert clock.now("a") == 10
    clock.advance(60, "a")
    moment = 12.0
    clock.advance(5)
    assert (clock.now("a"), clock.now("b"), clock.now()) == (77, 17, 17)
    assert (clock.ahead("a"), clock.ahead("a", since=11.0)) == (65, 5)
    assert (clock.elapsed(10.0, "a"), clock.elapsed(11.0, "a"), clock.elapsed(11.0, "b")) == (67, 6, 6)
    clock.restore("a")
    assert (clock.ahead("a"), clock.ahead("b")) == (5, 5)
    clock.restore()
    assert clock.ahead("a") == 0
