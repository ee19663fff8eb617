"""Tests of ledgers and sliding windows: nothing is spent twice, limits are exact to the millisecond."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.billing.charging import AccountRegistry
from mockserver.fixtures.account_spec import AccountSpec, LimitSpec, RateSpec, parse_rate
from mockserver.schema.money import NO_CHARGE, Amount, Charge
from mockserver.sessions.adjustable_clock import AdjustableClock
from mockserver.sessions.ledger import AccountLedger, Denial, Hold, SlidingWindow
from mockserver.sessions.store import Overlay

TWO = Charge(Decimal(2), Decimal(4))
STEPS = st.lists(st.tuples(st.integers(0, 30_000), st.integers(1, 12)), max_size=30)


def account(balance: str | None = None, *limits: str) -> AccountSpec:
    amount = None if balance is None else Amount(Decimal(balance))
    return AccountSpec(
        key="k", balance=amount, rate_limit=tuple(LimitSpec(limit=parse_rate(one)) for one in limits)
    )


@given(STEPS)
def test_no_stretch_of_a_period_has_more_than_the_limit(steps: list[tuple[int, int]]) -> None:
    window, now, taken = SlidingWindow(RateSpec(10, "tokens", "minute")), 1000.0, [(0.0, 0)]
    for pause, weight in steps:
        now += pause / 1000
        wait = window.wait(weight, now)
        recent = sum(some for when, some in taken if when >= now - 60)
        assert window.used(now) == recent
        if wait == 0:
            assert recent + weight <= 10
            window.consume(weight, now)
            taken.append((now, weight))
        elif weight <= 10:
            assert window.wait(weight, now + wait - 0.002) > 0
            now += wait
            assert window.wait(weight, now) == 0
        else:
            assert wait == 60
    assert window.used(now + 60.001) == 0
    assert 0 <= window.resets_in(now) <= 60


def test_a_copy_of_a_window_is_independent() -> None:
    window = SlidingWindow(RateSpec(2, "requests", "second"))
    window.consume(1, 5.0)
    copied = window.copy()
    copied.consume(1, 5.0)
    assert (window.used(5.0), copied.used(5.0)) == (1, 2)


@pytest.mark.parametrize("period", ["second", "day"])
def test_a_window_with_many_uses_expires_them_late_by_a_thousandth(period: str) -> None:
    window = SlidingWindow(RateSpec(10**9, "tokens", period))
    seconds = window.rate.seconds
    times = [number * seconds / 5000 for number in range(12_500)]  # two and a half windows
    for number, now in enumerate(times):
        exact = min(number, 5000)
        assert exact <= window.used(now) <= exact * 1.001 + 2
        window.consume(1, now)
        assert len(window._uses) <= 2100
    assert window.used(times[-1] + seconds * 1.002) == 0


def test_all_limits_are_used_or_none() -> None:
    purse, limited = AccountLedger(), account(None, "1/second", "5/minute")
    assert purse.admit(limited, NO_CHARGE, 0.0) is None
    denied = purse.admit(limited, NO_CHARGE, 0.5)
    assert isinstance(denied, Denial)
    assert (denied.kind, str(denied.limit.limit if denied.limit else "")) == ("rate_limited", "1/second")
    assert denied.wait == pytest.approx(0.5, abs=0.01)
    assert [one.used for one in purse.statement(limited, 0.5).limits] == [1, 1]


def test_an_empty_balance_admits_nothing() -> None:
    assert AccountLedger().admit(account("0"), NO_CHARGE, 0.0) == Denial(
        "insufficient_credits", Amount(Decimal(0)), Decimal(0)
    )
    assert AccountLedger().admit(account("1"), TWO, 0.0) == Denial(
        "insufficient_credits", Amount(Decimal(1)), Decimal(2)
    )
    assert AccountLedger().admit(account("2"), TWO, 0.0) is None


def test_a_balance_may_be_spent_to_the_last_and_no_further() -> None:
    purse, rich = AccountLedger(), account("4")
    for left in (2, 0):
        assert purse.hold(rich, TWO, NO_CHARGE, 0, 0.0) == Hold("k", TWO, Amount(Decimal(left)))
    assert isinstance(purse.hold(rich, TWO, NO_CHARGE, 0, 0.0), Denial)
    assert (purse.spent, purse.requests) == (TWO + TWO, 2)


def test_a_token_limit_refuses_without_taking_money() -> None:
    purse, limited = AccountLedger(), account("4", "10 tokens/hour")
    assert isinstance(purse.hold(limited, TWO, NO_CHARGE, 11, 0.0), Denial)
    assert (purse.spent, purse.requests) == (NO_CHARGE, 0)


def test_a_hold_is_refunded_unless_the_ledger_was_reset() -> None:
    purse, rich = AccountLedger(), account("9")
    held = Charge(Decimal(5), Decimal(10))
    paid = purse.hold(rich, TWO, held, 0, 0.0)
    assert paid == Hold("k", held, Amount(Decimal(7)))
    purse.refund(held - TWO, (0, 0), void=False)
    assert purse.remaining(rich) == Amount(Decimal(7))
    purse.restore_balance()
    purse.refund(TWO, (0, 0), void=True)
    assert (purse.remaining(rich), purse.spent, purse.requests) == (Amount(Decimal(9)), NO_CHARGE, 0)
    purse.reset()
    purse.refund(TWO, (0, 1), void=True)
    assert (purse.remaining(rich), purse.spent, purse.requests) == (Amount(Decimal(9)), NO_CHARGE, 0)


def test_the_sessions_own_account_of_a_key_takes_precedence() -> None:
    filed = {"a": AccountSpec(key="a", balance=Amount(Decimal(1))), "b": AccountSpec(key="b")}
    shared = Overlay(
        accounts={"a": AccountSpec(key="a", balance=Amount(Decimal(2)))}, topups={"a": Decimal(10)}
    )
    own = Overlay(topups={"a": Decimal(100), "b": Decimal(5)})
    bank = AccountRegistry(filed, own, shared)
    assert [(one.key, str(one.balance)) for one in bank] == [("a", "$112"), ("b", "None")]
    assert bank.by_key(None) is None
    assert bank.by_key("c") is None
    assert not AccountRegistry({})
    mine = Overlay(accounts={"a": AccountSpec(key="a", balance=Amount(Decimal(3)))})
    assert str((AccountRegistry(filed, mine, shared).by_key("a") or filed["b"]).balance) == "$3"


def test_the_clock_is_advanced_for_one_session_or_all() -> None:
    moment = 10.0
    clock = AdjustableClock(lambda: moment)
    assert clock.now("a") == 10
    clock.advance(60, "a")
    moment = 12.0
    clock.advance(5)
    assert (clock.now("a"), clock.now("b"), clock.now()) == (77, 17, 17)
    assert (clock.offset("a"), clock.offset("a", since=11.0)) == (65, 5)
    assert (clock.elapsed(10.0, "a"), clock.elapsed(11.0, "a"), clock.elapsed(11.0, "b")) == (67, 6, 6)
    clock.reset("a")
    assert (clock.offset("a"), clock.offset("b")) == (5, 5)
    clock.reset()
    assert clock.offset("a") == 0
