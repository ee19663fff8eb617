"""Who may spend: the account of a key, what it may use, its balance and its limits, in the vendors' order."""

from __future__ import annotations

from mockserver.call import Call
from mockserver.errors import ApiError
from mockserver.money import Amount, Charge, spell
from mockserver.session import gate
from mockserver.session.bank import Bank
from mockserver.session.purse import Denied, Paid
from mockserver.session.store import Store
from mockserver.shelf.account import Account


async def admit(
    call: Call, bank: Bank, store: Store, now: float, *, strangers: bool = True
) -> Account | None:
    """The account of a call that is let in; None for a key that is none, where `strangers` are welcome.

    `now` is in seconds, on the clock of the limits. Raises ApiError for the first thing that a vendor would
    refuse.
    """
    gate.reach(call)
    account = bank.of(call.key)
    lookup = call.place.lookup
    for name in call.vendor.profile.checks:
        gate.check(call, name)
        if name == "key" and (lookup is None or not lookup.open):
            _known(account, strangers=strangers)
        elif name == "model" and account is not None:
            _permitted(call, account)
        elif name == "balance" and account is not None and lookup is None:
            await _solvent(call, account, store, now)
    return account


async def pay(call: Call, account: Account, charge: Charge, tokens: int, store: Store, now: float) -> Paid:
    """What is drawn for an answer of so many tokens. Raises ApiError where the account has not got it."""
    paid = await store.charge(call.session, account, charge, least(call), tokens, now)
    if isinstance(paid, Denied):
        raise _refusal(call, account, paid)
    return paid


def least(call: Call) -> Charge:
    """The least that the call's vendor holds until an answer has ended."""
    return Charge(*call.vendor.worth(call.vendor.profile.billing.hold))


def _known(account: Account | None, *, strangers: bool) -> None:
    if account is None and not strangers:
        raise ApiError("invalid_key", detail="no account has this key, and only known keys are let in")
    if account is not None and account.status == "revoked":
        raise ApiError("invalid_key", detail=f"the account {account.id} is revoked")


def _permitted(call: Call, account: Account) -> None:
    if account.forbids(call.model):
        raise ApiError("forbidden", detail=f"the account {account.id} may not use {call.model[:80]}")


async def _solvent(call: Call, account: Account, store: Store, now: float) -> None:
    denied = await store.enter(call.session, account, least(call), now)
    if denied is not None:
        raise _refusal(call, account, denied)


def _refusal(call: Call, account: Account, denied: Denied) -> ApiError:
    if denied.limit is not None:
        after = denied.wait if denied.limit.retry_after else None
        words = f"the account {account.id} has used up {denied.limit.limit}"
        error = ApiError(denied.kind, detail=words, retry_after=after)
        error.reset = denied.wait
        return error
    need = Amount(denied.need, denied.left.unit)
    words = f"the account {account.id} has {denied.left}" + (f" and needs {need}" if denied.need else "")
    error = ApiError(denied.kind, detail=words)
    left, lacks = (spell(call.vendor.worth(one)[1]) for one in (denied.left, need))
    error.shortage = f"(balance {left}, needed {lacks})" if denied.need else f"(balance {left})"
    return error
