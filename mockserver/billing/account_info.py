"""What an account is told of itself: what it has left, what it was charged for, and how much of that a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from mockserver.billing.cost import calculate_entry_cost, get_entry_usage
from mockserver.fixtures.account_spec import AccountSpec
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.money import NO_CHARGE, Charge, format_amount
from mockserver.sessions.journal import JournalEntry
from mockserver.sessions.store import SessionStore
from mockserver.vendors.placeholders import PlaceholderValues, format_timestamp
from mockserver.vendors.vendor import to_json_number


async def build_account_values(
    request: ChatRequest, account: AccountSpec | None, store: SessionStore
) -> PlaceholderValues:
    """The blanks of an endpoint that asks for a key.

    A key that is no account, or one without end of money, is told of the sum that the profile states.
    """
    vendor, billing = request.vendor, request.vendor.profile.billing
    left = None
    if account is not None:
        left = (await store.statement(request.session, account, store.clock.now(request.session))).remaining
    dollars, own = vendor.in_both_units(left or billing.unlimited)
    values: dict[str, Any] = {
        "balance_usd": to_json_number(dollars),
        "balance_credits": to_json_number(own),
        "low_balance": dollars < vendor.in_both_units(billing.low)[0],
        "low_balance_threshold": to_json_number(vendor.in_both_units(billing.low)[1]),
    }
    listed = request.route.aux_endpoint.spec.list if request.route.aux_endpoint else None
    if listed in ("charges", "rollups"):
        charged = [
            entry
            for entry in await store.journal.entries(request.session)
            if _was_charged_to_key(entry, request)
        ]
        values[listed] = (
            [_charge_item(entry) for entry in charged] if listed == "charges" else _daily_rollups(charged)
        )
    return values


def _was_charged_to_key(entry: JournalEntry, request: ChatRequest) -> bool:
    """Whether it was charged to this key by this vendor."""
    asked = entry.request_with_body
    return (
        asked is not None
        and asked.api_key == request.api_key
        and asked.vendor is request.vendor
        and bool(calculate_entry_cost(entry))
    )


def _charge_item(entry: JournalEntry) -> dict[str, Any]:
    """One request that was charged."""
    used, cost = get_entry_usage(entry), calculate_entry_cost(entry)
    return {
        "id": entry.id,
        "model": entry.model,
        "status": entry.status,
        "at": format_timestamp(datetime.fromtimestamp(entry.arrived, UTC)),
        "stream": entry.stream,
        "prompt_tokens": used.prompt,
        "completion_tokens": used.completion,
        "total_tokens": used.prompt + used.completion,
        **_cost_fields(cost),
    }


def _daily_rollups(charged_entries: Iterable[JournalEntry]) -> list[dict[str, Any]]:
    """What was charged on each day, the last one first."""
    days: dict[str, list[JournalEntry]] = {}
    for entry in charged_entries:
        day = datetime.fromtimestamp(entry.arrived, UTC).date().isoformat()
        days.setdefault(day, []).append(entry)
    return [{"day": day, **_day_totals(entries)} for day, entries in days.items()]


def _day_totals(entries: list[JournalEntry]) -> dict[str, Any]:
    used = [get_entry_usage(entry) for entry in entries]
    prompt, completion = sum(one.prompt for one in used), sum(one.completion for one in used)
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
