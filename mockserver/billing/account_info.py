"""The values of the vendors' account endpoints: balance, charges, and totals per day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, cast

from mockserver.billing.cost import calculate_entry_cost, get_entry_usage
from mockserver.fixtures.account_spec import AccountSpec
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.money import NO_CHARGE, Charge, format_amount
from mockserver.sessions.journal import Decision, JournalEntry
from mockserver.sessions.request_record import create_record
from mockserver.sessions.store import SessionStore
from mockserver.vendors.apis import POSTED_APIS
from mockserver.vendors.aux_endpoints import AuxEndpoint
from mockserver.vendors.placeholders import PlaceholderValues, format_timestamp
from mockserver.vendors.vendor import TokenUsage, to_json_number
from mockserver.wire.answer import index_headers

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
    if list_name is not None and list_name in _LISTS:
        entries = await store.journal.entries(request.session)
        # On a thread: there may be thousands of entries, and the tokens of each are counted once.
        values[list_name] = await asyncio.to_thread(_LISTS[list_name], request, account, entries)
    return values


def _list_charges(
    request: ChatRequest, _: AccountSpec | None, entries: Iterable[JournalEntry]
) -> list[dict[str, Any]]:
    charged = (entry for entry in entries if _was_charged_to_key(entry, request))
    return [_charge_item(entry) for entry in islice(charged, MAX_CHARGES)]


def _list_rollups(
    request: ChatRequest, _: AccountSpec | None, entries: Iterable[JournalEntry]
) -> list[dict[str, Any]]:
    return _daily_rollups(entry for entry in entries if _was_charged_to_key(entry, request))


def _list_requests(
    request: ChatRequest, _: AccountSpec | None, entries: Iterable[JournalEntry]
) -> list[dict[str, Any]]:
    """Return the items of the completions that were requested with a key, also of those that failed."""
    made = (entry for entry in entries if _was_made_with_key(entry, request) and entry.decision is not None)
    return [_request_item(entry, request) for entry in islice(made, MAX_CHARGES)]


def _list_transactions(
    request: ChatRequest, account: AccountSpec | None, entries: Iterable[JournalEntry]
) -> list[dict[str, Any]]:
    """Return the charges of a key and the balance that its account began with, the newest first."""
    charged = (entry for entry in entries if _was_charged_to_key(entry, request))
    items = [
        {**_request_item(entry, request), "direction": "CHARGE", "kind": "MODEL_USAGE"}
        for entry in islice(charged, MAX_CHARGES)
    ]
    if account is not None and account.balance is not None:
        dollars, own_units = request.vendor.in_both_units(account.balance)
        at = items[-1]["at"] if items else format_timestamp(datetime.now(UTC))
        amount = {"usd": to_json_number(dollars), "credits_used": to_json_number(own_units)}
        names = dict.fromkeys((*_header_names(request), "model"))
        items.append({**names, "at": at, "direction": "TOPUP", "kind": "INIT", **amount})
    return items


def _request_item(entry: JournalEntry, request: ChatRequest) -> dict[str, Any]:
    """Return the list item of one request, with the headers that the endpoint names."""
    decision, made = cast(Decision, entry.decision), cast(ChatRequest, entry.request)
    succeeded = decision.response is not None and 0 < decision.status < 400
    usage = get_entry_usage(entry) if succeeded else TokenUsage(0, 0)
    model = request.vendor.models.full_name(made.model)
    sent = index_headers(decision.answer.headers)
    spec = cast(AuxEndpoint, request.route.aux_endpoint).spec
    return {
        **_common_fields(entry, usage),
        "names": [model, made.model],
        "model": model,
        "result": "succeeded" if succeeded else "failed",
        **{name: sent.get(header, entry.id) for name, header in (spec.answer_headers or {}).items()},
        **{name: made.headers.get(header) for name, header in (spec.request_headers or {}).items()},
    }


def _header_names(request: ChatRequest) -> Iterable[str]:
    spec = cast(AuxEndpoint, request.route.aux_endpoint).spec
    return (*(spec.answer_headers or ()), *(spec.request_headers or ()))


def _was_made_with_key(entry: JournalEntry, request: ChatRequest) -> bool:
    """Return whether the entry is a completion that the key of this request asked the same vendor for."""
    made = entry.request
    return (
        made is not None
        and made.route.api in POSTED_APIS
        and made.api_key == request.api_key
        and made.vendor is request.vendor
    )


_LISTS: Mapping[str, Callable[..., list[dict[str, Any]]]] = {
    "charges": _list_charges,
    "rollups": _list_rollups,
    "requests": _list_requests,
    "transactions": _list_transactions,
}


def _was_charged_to_key(entry: JournalEntry, request: ChatRequest) -> bool:
    """Return whether the entry was charged to the key of this request by the same vendor."""
    return _was_made_with_key(entry, request) and bool(calculate_entry_cost(entry))


def _charge_item(entry: JournalEntry) -> dict[str, Any]:
    """Return the list item of one charged request."""
    record = create_record(entry)
    return {
        **_common_fields(entry, get_entry_usage(entry)),
        "model": record.model,
        "status": record.status,
        "stream": record.stream,
    }


def _common_fields(entry: JournalEntry, usage: TokenUsage) -> dict[str, Any]:
    """Return what the items of all lists have: id, time, tokens and cost."""
    return {
        "id": entry.id,
        "at": format_timestamp(_get_arrival_time(entry)),
        **_token_fields(usage.prompt, usage.completion),
        **_cost_fields(calculate_entry_cost(entry)),
    }


def _get_arrival_time(entry: JournalEntry) -> datetime:
    return datetime.fromtimestamp(entry.arrival.arrived_at, UTC)


def _token_fields(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _daily_rollups(charged_entries: Iterable[JournalEntry]) -> list[dict[str, Any]]:
    """Return the totals of each day, the latest first."""
    days: dict[str, list[JournalEntry]] = {}
    for entry in charged_entries:
        day = _get_arrival_time(entry).date().isoformat()
        days.setdefault(day, []).append(entry)
    return [{"day": day, **_day_totals(entries)} for day, entries in days.items()]


def _day_totals(entries: list[JournalEntry]) -> dict[str, Any]:
    usages = [get_entry_usage(entry) for entry in entries]
    prompt, completion = sum(usage.prompt for usage in usages), sum(usage.completion for usage in usages)
    return {
        "requests": len(entries),
        **_token_fields(prompt, completion),
        **_cost_fields(sum(map(calculate_entry_cost, entries), NO_CHARGE)),
    }


def _cost_fields(charge: Charge) -> dict[str, Any]:
    return {
        "usd": to_json_number(charge.usd),
        "cost": format_amount(charge.credits),
        "credits_used": to_json_number(charge.credits),
    }
