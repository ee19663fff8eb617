"""Money for answers: drawn when an answer is decided, and given back as far as it is not due after all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from mockserver.call import Call
from mockserver.money import Charge
from mockserver.reply import bill, passbook
from mockserver.session import till
from mockserver.session.bank import Bank
from mockserver.session.journal import Entry
from mockserver.session.purse import Paid, Statement
from mockserver.session.store import Store
from mockserver.shelf.account import Account
from mockserver.vendors.form import Values
from mockserver.vendors.header import in_utc
from mockserver.vendors.lookup import Lookup
from mockserver.wire.answer import Answer, Ending


class Cashier:
    """Serves the calls that may have an account; `strangers` says whether other keys are let in."""

    def __init__(self, store: Store, *, strangers: bool) -> None:
        self._store = store
        self._strangers = strangers

    async def admit(self, call: Call, bank: Bank, entry: Entry) -> None:
        """Let a call in, on the account of its key. Raises ApiError for the first thing that is refused."""
        now = self._store.clock.now(call.session)
        entry.account = await till.admit(call, bank, self._store, now, strangers=self._strangers)

    async def told(self, call: Call, lookup: Lookup, entry: Entry) -> Values:
        """The blanks of what whoever asks may know of their account; those who need no key are told nothing."""
        return {} if lookup.open else await passbook.told(call, entry.account, self._store)

    async def charge(self, call: Call, account: Account, entry: Entry) -> Values:
        """Draw what an answer costs; returns what is left, as blanks. Raises ApiError where that is too little."""
        used = bill.used(entry)
        charge, now = call.vendor.charge(used, call.model), self._store.clock.now(call.session)
        tokens = used.prompt + used.completion
        entry.paid = await till.pay(call, account, charge, tokens, self._store, now)
        if not call.vendor.tells_left:
            return {}
        kept = await self._store.statement(call.session, account, now)
        return {**call.vendor.remaining(entry.paid.left), **_remaining(kept)}

    async def decide(self, call: Call, answer: Answer, entry: Entry) -> None:
        """The answer that was paid for is to be played so: a hold lasts as long as somebody listens to it."""
        due = bill.due(entry, answer)
        lasts = answer.ending is Ending.FINISH and (answer.wait or any(frame.wait for frame in answer.frames))
        if not lasts or not bill.billed(call, answer):
            await self._keep(entry, due, void=not bill.billed(call, answer))

    async def close(self, entry: Entry) -> None:
        """The answer that was paid for has ended."""
        await self._keep(entry, bill.of(entry))

    async def _keep(self, entry: Entry, due: Charge, *, void: bool = False) -> None:
        paid, account = cast(Paid, entry.paid), cast(Account, entry.account)
        if void or paid.held != due:
            await self._store.refund(entry.session, account.key, paid, paid.held - due, void=void)
        entry.paid = None if void else replace(paid, held=due)


def _remaining(kept: Statement) -> Values:
    """The blanks of the limit that has the least room for requests."""
    limits = [one for one in kept.limits if one.limit.limit.what == "requests"]
    if not limits:
        return {}
    full = min(limits, key=lambda one: one.limit.limit.most - one.used)
    return {
        "remaining_requests": full.limit.limit.most - full.used,
        "remaining_reset_at": in_utc(datetime.now(UTC), full.resets_in),
    }
