"""Accounts in the admin API: listing, changing and topping them up. Keys are masked; an id stands for a key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from mockserver.admin.error_responses import AdminError
from mockserver.admin.event_stream import EventFeed
from mockserver.billing.charging import AccountRegistry
from mockserver.fixtures.account_spec import LIMITS, AccountSpec, LimitSpec
from mockserver.masking import mask_key
from mockserver.matching.loader import RUNTIME_SOURCE
from mockserver.pipeline import ChatPipeline
from mockserver.schema.field_types import (
    AmountField,
    Boolean,
    Duration,
    FieldType,
    Integer,
    Null,
    Number,
    OneOf,
    Text,
    read_document,
)
from mockserver.schema.messages import truncate_text
from mockserver.schema.money import Amount, format_amount
from mockserver.schema.object_types import (
    OPTIONAL_TEXT,
    ByType,
    ListOf,
    ObjectType,
    OneOrMore,
    spec_dataclass,
    spec_field,
)
from mockserver.schema.yaml_document import Document
from mockserver.sessions.ledger import AccountStatement
from mockserver.sessions.store import EMPTY_OVERLAY, Overlay

_KEY_ID = re.compile(r"key-[0-9a-f]{8}")


@spec_dataclass
class BalanceView:
    """The balance that is left, in dollars or in credits: the unit of the account."""

    usd: str | None = spec_field(OPTIONAL_TEXT, "in dollars, exact; null if the account is in credits")
    credits: str | None = spec_field(
        OPTIONAL_TEXT, "in the vendor's credits, exact; null if the account is in dollars"
    )
    unlimited: bool = spec_field(Boolean(), "whether the account can never run out")


@spec_dataclass
class SpendingView:
    """The sum of the charges of an account."""

    usd: str = spec_field(Text(), "in dollars, exact")
    requests: int = spec_field(Integer(0), "number of answers that were charged")


@spec_dataclass
class LimitView:
    """A rate limit and its current use."""

    limit: str = spec_field(Text(), "the limit as a fixture file writes it, for example `60/min`")
    what: str = spec_field(OneOf("requests", "tokens"), "the unit that is counted")
    most: int = spec_field(Integer(1), "the maximum within the window")
    used: int = spec_field(Integer(0), "how many of them are used")
    resets_in: float = spec_field(Number(0), "seconds until the whole limit is free again")


@spec_dataclass
class AccountView:
    """One account in one session."""

    id: str = spec_field(Text(), "identifies the key without showing it; paths accept it in place of the key")
    key: str = spec_field(Text(), "the key, masked")
    name: str = spec_field(Text(), "its name, empty without one")
    status: str = spec_field(OneOf("active", "revoked"), "`revoked`: the key is refused")
    balance: BalanceView = spec_field(ObjectType(BalanceView), "the balance that is left")
    spent: SpendingView = spec_field(ObjectType(SpendingView), "the sum of the charges")
    rate_limit: Sequence[LimitView] = spec_field(
        ListOf(ObjectType(LimitView)), "the rate limits and their use"
    )
    forbidden: Sequence[str] = spec_field(ListOf(Text()), "models that the key may not use")
    session: str = spec_field(Text(), "the session that the balance and the limits belong to")
    source: str = spec_field(Text(), "file and line that define the account, or `runtime`")


@spec_dataclass
class ClockView:
    """The clock that rate limits, time windows and fault rules use."""

    ahead: float = spec_field(Number(), "seconds by which the clock was advanced")
    session: str | None = spec_field(OPTIONAL_TEXT, "the session of the clock; null: all sessions")


@spec_dataclass
class AccountListView:
    """The accounts and the clock of their limits."""

    accounts: Sequence[AccountView] = spec_field(
        ListOf(ObjectType(AccountView)), "one row for each account and session that uses it"
    )
    clock: ClockView = spec_field(ObjectType(ClockView), "the clock of the limits")


@spec_dataclass
class AccountPatch:
    """A change of an account; absent fields stay unchanged."""

    name: str | None = spec_field(Text(), "its name from now on", default=None)
    status: str | None = spec_field(
        OneOf("active", "revoked"), "`revoked`: the key is refused from now on", default=None
    )
    forbidden: tuple[str, ...] | None = spec_field(
        ByType(text=OneOrMore(Text()), sequence=ListOf(Text())),
        "models that the key may not use",
        default=None,
    )
    balance: Amount | None = spec_field(
        ByType(text=AmountField(), null=Null()), "the balance from now on; null: unlimited", default=None
    )
    rate_limit: tuple[LimitSpec, ...] | None = spec_field(
        ByType(text=LIMITS, mapping=LIMITS, sequence=LIMITS, null=Null()),
        "the rate limits from now on; null: none",
        default=None,
    )
    top_up: Amount | None = spec_field(AmountField(), "an amount to add to the balance", default=None)


@spec_dataclass
class ClockAdvance:
    """A step of the clock."""

    advance: float = spec_field(Duration(), "a duration, for example `60s`")


ACCOUNT_PATCH: FieldType = ObjectType(AccountPatch)
CLOCK_ADVANCE: FieldType = ObjectType(ClockAdvance)
ACCOUNT_LIST: FieldType = ObjectType(AccountListView)


class AccountAdmin:
    """Lists and changes accounts, for one session or for all."""

    def __init__(self, pipeline: ChatPipeline, feed: EventFeed) -> None:
        self._pipeline = pipeline
        self._store = pipeline.store
        self._feed = feed

    async def list_accounts(self, session: str | None) -> AccountListView:
        """Return the accounts that apply to a session; without one, every account in every session that uses it."""
        rows = [] if session is None else [(session, one) for one in await self._registry(session)]
        if session is None:
            rows = [row for account in await self._registry(None) for row in await self._usage_rows(account)]
            for name in await self._store.sessions():
                layer = await self._store.overlay(name)
                rows += [(name, one) for one in AccountRegistry({}, layer)]
        views = [await self._view(name, account) for name, account in rows]
        return AccountListView(accounts=views, clock=await self.clock(session))

    async def get(self, session: str | None, name: str) -> AccountView:
        """Return an account by its key or id. Raises AdminError if there is none."""
        account = await self._find(session, name)
        return await self._view(session or account.id, account)

    async def put(self, session: str | None, name: str, document: Document) -> bool:
        """Change an account, or create one with this key; return whether it is new. Raises InputError, AdminError."""
        change: AccountPatch = read_document(ACCOUNT_PATCH, document)
        given: dict[str, Any] = document.value  # type: ignore[assignment]
        async with self._store.lock(session):
            known = (await self._registry(session)).by_key_or_id(name)
            if known is None and _KEY_ID.fullmatch(name):
                raise self._not_found(name)
            account = known or AccountSpec(key=name)
            changes = {field: getattr(change, field) for field in given if field != "top_up"}
            changes |= {field: () for field, value in changes.items() if value is None and field != "balance"}
            account = replace(account, **changes)
            if change.top_up is not None:
                self._check_top_up(account, change.top_up)
            if "balance" in given:
                await self._store.restore_balance(session, account.key)
            if changes or known is None:
                await self._store_accounts(session, [replace(account, source=RUNTIME_SOURCE)])
            if change.top_up is not None:
                await self._top_up(session, account.key, change.top_up.value)
        self._feed.publish_change("accounts", session)
        return known is None

    async def add(self, session: str | None, accounts: Iterable[AccountSpec]) -> None:
        """Add accounts, each replacing the one with its key; earlier charges to such a key no longer count."""
        added = list(accounts)
        if added:
            async with self._store.lock(session):
                for account in added:
                    await self._store.restore_balance(session, account.key)
                await self._store_accounts(session, added)
            self._feed.publish_change("accounts", session)

    async def remove(self, session: str | None, name: str) -> None:
        """Remove an account that was added at run time. Raises AdminError if there is none."""
        async with self._store.lock(session):
            account = await self._find(session, name)
            key, layer = account.key, await self._store.overlay(session)
            if key not in layer.accounts and key not in layer.topups:
                raise self._not_removable(account)
            await self._store.set_overlay(session, _without_accounts(layer, {key}))
        self._feed.publish_change("accounts", session)

    async def clear(self, session: str | None) -> None:
        """Remove all accounts and top-ups that were added at run time."""
        async with self._store.lock(session):
            layer = await self._store.overlay(session)
            if layer.accounts or layer.topups:
                await self._store.set_overlay(session, replace(layer, accounts={}, topups={}))

    async def reset_spending(self, session: str | None) -> None:
        """Reset charges and limits, and set the clock back to the machine's time."""
        await self._store.reset_accounts(session)
        await self._store.reset_clock(session)
        self._feed.publish_change("accounts", session)

    async def clock(self, session: str | None) -> ClockView:
        """Return how far the clock was advanced."""
        return ClockView(ahead=await self._store.clock_offset(session), session=session)

    async def advance_clock(self, session: str | None, document: Document) -> ClockView:
        """Advance the clock. Raises InputError."""
        await self._store.advance_clock(session, read_document(CLOCK_ADVANCE, document).advance)
        self._feed.publish_change("clock", session)
        return await self.clock(session)

    async def _registry(self, session: str | None) -> AccountRegistry:
        own = EMPTY_OVERLAY if session is None else await self._store.overlay(session)
        return AccountRegistry(self._pipeline.fixtures.accounts, own, await self._store.overlay(None))

    async def _find(self, session: str | None, name: str) -> AccountSpec:
        account = (await self._registry(session)).by_key_or_id(name)
        if account is None:
            raise self._not_found(name)
        return account

    async def _usage_rows(self, account: AccountSpec) -> list[tuple[str, AccountSpec]]:
        """Return the sessions that use an account, its own session first, each with the account as it is there."""
        rows = [(account.id, account)]
        for name in await self._store.sessions_of_account(account.key):
            own = await self._store.overlay(name)
            if name != account.id and account.key not in own.accounts:
                rows.append((name, (await self._registry(name)).by_key(account.key) or account))
        return rows

    async def _view(self, session: str, account: AccountSpec) -> AccountView:
        statement = await self._store.statement(session, account)
        return AccountView(
            id=account.id,
            key=mask_key(account.key),
            name=account.name,
            status=account.status,
            balance=_balance_view(statement),
            spent=SpendingView(usd=format_amount(statement.spent.usd), requests=statement.requests),
            rate_limit=[
                LimitView(
                    limit=str(one.limit.limit),
                    what=one.limit.limit.unit,
                    most=one.limit.limit.maximum,
                    used=one.used,
                    resets_in=round(one.resets_in, 3),
                )
                for one in statement.limits
            ],
            forbidden=account.forbidden,
            session=session,
            source=account.source,
        )

    async def _store_accounts(self, session: str | None, accounts: Iterable[AccountSpec]) -> None:
        added = {one.key: one for one in accounts}
        layer = _without_accounts(await self._store.overlay(session), added.keys())
        await self._store.set_overlay(session, replace(layer, accounts={**layer.accounts, **added}))

    async def _top_up(self, session: str | None, key: str, amount: Decimal) -> None:
        layer = await self._store.overlay(session)
        topups = {**layer.topups, key: layer.topups.get(key, Decimal(0)) + amount}
        await self._store.set_overlay(session, replace(layer, topups=topups))

    def _check_top_up(self, account: AccountSpec, amount: Amount) -> None:
        if account.balance is None:
            raise AdminError(
                400, f"top_up: the account {account.id} has an unlimited balance; set a balance first"
            )
        if account.balance.unit != amount.unit:
            raise AdminError(
                400, f"top_up: found {amount}, expected an amount like its balance, {account.balance}"
            )

    def _not_removable(self, account: AccountSpec) -> AdminError:
        if account is self._pipeline.fixtures.accounts.get(account.key):
            return AdminError(
                409, f"the account {account.id} is defined in {account.source}; change it there"
            )
        return AdminError(409, f"the account {account.id} is shared by all sessions; omit ?session=")

    def _not_found(self, name: str) -> AdminError:
        shown = name if _KEY_ID.fullmatch(name) else mask_key(name)
        return AdminError(404, f"there is no account {truncate_text(shown)!r}; PUT with its key creates one")


def _without_accounts(overlay: Overlay, keys: Iterable[str]) -> Overlay:
    gone = set(keys)
    accounts = {key: one for key, one in overlay.accounts.items() if key not in gone}
    return replace(
        overlay,
        accounts=accounts,
        topups={key: one for key, one in overlay.topups.items() if key not in gone},
    )


def _balance_view(statement: AccountStatement) -> BalanceView:
    left = statement.remaining
    if left is None:
        return BalanceView(usd=None, credits=None, unlimited=True)
    text = format_amount(left.value)
    usd, own = (text, None) if left.unit == "usd" else (None, text)
    return BalanceView(usd=usd, credits=own, unlimited=False)
