"""The values of the vendors' account endpoints: balance, charges, and totals per day."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from mockserver.billing.cost import calculate_entry_cost, get_entry_usage
from mockserver.fixtures.account_spec import AccountSpec
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.money import NO_CHARGE, Charge, format_amount
from mockserver.sessions.journal import JournalEntry
from mockserver.sessions.request_record import create_record
from mockserver.sessions.store import SessionStore
from mockserver.vendors.placeholders import PlaceholderValues, format_timestamp
from mockserver.vendors.vendor import to_json_number

MAX_CHARGES: Final = 1_000  # the newest ones, that one request for the list of charges returns


async def build_account_values(
    request: ChatRequest, account: AccountSpec | None, store: SessionStore
) -> PlaceholderValues:
    """Return the placeholder values of an account endpoint.

    A key without an account, or with an unlimited balance, gets the balance that the profile states.
    """
    vendor, billing = request.vendor, request.vendor.profile.billing
    remaining = None
    if account is not None:
        remaining = (await store.statement(request.session, account)).remaining
    dollars, own_units = vendor.in_both_units(remaining or billing.unlimited)
    values: dict[str, Any] = {
        "balance_usd": to_json_number(dollars),
        "balance_credits": to_json_number(own_units),
        "low_balance": dollars < vendor.in_both_units(billing.low)[0],
        "low_balance_threshold": to_json_number(vendor.in_both_units(billing.low)[1]),
    }
    list_name = request.route.aux_endpoint.spec.list if request.route.aux_endpoint else None
    if list_name in ("charges", "rollups"):
        entries = await store.journal.entries(request.session)
        # On a thread: there may be thousands of entries, and the tokens of each are counted once.
        values[list_name] = await asyncio.to_thread(_list_charges, list_name, entries, request)
    return values


def _list_charges(
    list_name: str, entries: Iterable[JournalEntry], request: ChatRequest
) -> list[dict[str, Any]]:
    charged = (entry for entry in entries if _was_charged_to_key(entry, request))
    if list_name == "charges":
        return [_charge_item(entry) for entry in islice(charged, MAX_CHARGES)]
    return _daily_rollups(charged)


def _was_charged_to_key(entry: JournalEntry, request: ChatRequest) -> bool:
    """Return whether the entry was charged to the key of this request by the same vendor."""
    charged_request = entry.request
    return (
        charged_request is not None
        and charged_request.api_key == request.api_key
        and charged_request.vendor is request.vendor
        and bool(calculate_entry_cost(entry))
    )


def _charge_item(entry: JournalEntry) -> dict[str, Any]:
    """Return the list item of one charged request."""
    record, usage, cost = create_record(entry), get_entry_usage(entry), calculate_entry_cost(entry)
    return {
        "id": record.id,
        "model": record.model,
        "status": record.status,
        "at": format_timestamp(record.arrived),
        "stream": record.stream,
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        **_cost_fields(cost),
    }


def _daily_rollups(charged_entries: Iterable[JournalEntry]) -> list[dict[str, Any]]:
    """Return the totals of each day, the latest first."""
    days: dict[str, list[JournalEntry]] = {}
    for entry in charged_entries:
        day = datetime.fromtimestamp(entry.arrival.arrived_at, UTC).date().isoformat()
        days.setdefault(day, []).append(entry)
    return [{"day": day, **_day_totals(entries)} for day, entries in days.items()]


def _day_totals(entries: list[JournalEntry]) -> dict[str, Any]:
    usages = [get_entry_usage(entry) for entry in entries]
    prompt, completion = sum(usage.prompt for usage in usages), sum(usage.completion for usage in usages)
    return {
        "requests": len(entries),
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        **_cost_fields(sum(map(calculate_entry_cost, entries), NO_CHARGE)),
    }


def _cost_fields(charge: Charge) -> dict[str, Any]:
    return {
        "usd": to_json_number(charge.usd),
        "cost": format_amount(charge.credits),
        "credits_used": to_json_number(charge.credits),
    }
