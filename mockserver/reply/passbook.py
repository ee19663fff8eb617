"""What an account is told of itself: what it has left, what it was charged for, and how much of that a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from mockserver.call import Call
from mockserver.money import NOTHING, Charge, spell
from mockserver.reply import bill
from mockserver.session.journal import Entry
from mockserver.session.store import Store
from mockserver.shelf.account import Account
from mockserver.vendors.form import Values
from mockserver.vendors.header import stamp
from mockserver.vendors.vendor import number


async def told(call: Call, account: Account | None, store: Store) -> Values:
    """The blanks of an endpoint that asks for a key.

    A key that is no account, or one without end of money, is told of the sum that the profile states.
    """
    vendor, billing = call.vendor, call.vendor.profile.billing
    left = None
    if account is not None:
        left = (await store.statement(call.session, account, store.clock.now(call.session))).left
    dollars, own = vendor.worth(left or billing.unlimited)
    values: dict[str, Any] = {
        "balance_usd": number(dollars),
        "balance_credits": number(own),
        "low_balance": dollars < vendor.worth(billing.low)[0],
        "low_balance_threshold": number(vendor.worth(billing.low)[1]),
    }
    listed = call.place.lookup.profile.list if call.place.lookup else None
    if listed in ("charges", "rollups"):
        charged = [entry for entry in await store.journal.entries(call.session) if _is(entry, call)]
        values[listed] = [_charge(entry) for entry in charged] if listed == "charges" else _rollups(charged)
    return values


def _is(entry: Entry, call: Call) -> bool:
    """Whether it was charged to this key by this vendor."""
    asked = entry.call
    return (
        asked is not None and asked.key == call.key and asked.vendor is call.vendor and bool(bill.of(entry))
    )


def _charge(entry: Entry) -> dict[str, Any]:
    """One request that was charged."""
    used, cost = bill.used(entry), bill.of(entry)
    return {
        "id": entry.id,
        "model": entry.model,
        "status": entry.status,
        "at": stamp(datetime.fromtimestamp(entry.arrived, UTC)),
        "stream": entry.stream,
        "prompt_tokens": used.prompt,
        "completion_tokens": used.completion,
        "total_tokens": used.prompt + used.completion,
        **_cost(cost),
    }


def _rollups(charged: Iterable[Entry]) -> list[dict[str, Any]]:
    """What was charged on each day, the last one first."""
    days: dict[str, list[Entry]] = {}
    for entry in charged:
        day = datetime.fromtimestamp(entry.arrived, UTC).date().isoformat()
        days.setdefault(day, []).append(entry)
    return [{"day": day, **_sum(entries)} for day, entries in days.items()]


def _sum(entries: list[Entry]) -> dict[str, Any]:
    used = [bill.used(entry) for entry in entries]
    prompt, completion = sum(one.prompt for one in used), sum(one.completion for one in used)
    return {
        "requests": len(entries),
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        **_cost(sum(map(bill.of, entries), NOTHING)),
    }


def _cost(charge: Charge) -> dict[str, Any]:
    return {
        "usd": number(charge.usd),
        "cost": spell(charge.credits),
        "credits_used": number(charge.credits),
    }
