"""The accounts as the control API tells of them and changes them; a key is never shown, its id stands for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from mockserver.admin.error_responses import AdminError
from mockserver.admin.event_stream import EventFeed
from mockserver.billing.charging import AccountRegistry
from mockserver.fixtures.account_spec import AMOUNT, LIMITS, AccountSpec, LimitSpec
from mockserver.masking import mask_key
from mockserver.matching.loader import RUNTIME_SOURCE
from mockserver.pipeline import ChatPipeline
from mockserver.schema.field_types import (
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
from mockserver.schema.money import Amount, format_amount
from mockserver.schema.object_types import ByType, ListOf, ObjectType, OneOrMore, spec_dataclass, spec_field
from mockserver.schema.yaml_document import Document, truncate_text
from mockserver.sessions.ledger import AccountStatement
from mockserver.sessions.store import EMPTY_OVERLAY, Overlay

_KEY_ID = re.compile(r"key-[0-9a-f]{8}")
_OPTIONAL_TEXT: FieldType = ByType(text=Text(), null=Null())


@spec_dataclass
class BalanceView:
    """What is left, in the one of the two that the account is kept in."""

    usd: str | None = spec_field(_OPTIONAL_TEXT, "in dollars, exact")
    credits: str | None = spec_field(_OPTIONAL_TEXT, "in the vendor's credits, exact")
    unlimited: bool = spec_field(Boolean(), "whether there is no end of it")


@spec_dataclass
class SpendingView:
    """What was charged."""

    usd: str = spec_field(Text(), "in dollars, exact")
    requests: int = spec_field(Integer(0), "for so many answers")


@spec_dataclass
class LimitView:
    """A limit, and how much of it is used."""

    limit: str = spec_field(Text(), "as it is written in a file")
    what: str = spec_field(OneOf("requests", "tokens"), "what is counted")
    most: int = spec_field(Integer(1), "so many")
    used: int = spec_field(Integer(0), "so many are used")
    resets_in: float = spec_field(Number(0), "seconds until all of it is free again")


@spec_dataclass
class AccountView:
    """One account, as it stands in one session."""

    id: str = spec_field(Text(), "what stands for the key; in a path it is as good as the key")
    key: str = spec_field(Text(), "the key, masked")
    status: str = spec_field(OneOf("active", "revoked"), "whether the key is one")
    balance: BalanceView = spec_field(ObjectType(BalanceView), "what is left")
    spent: SpendingView = spec_field(ObjectType(SpendingView), "what was charged")
    rate_limit: Sequence[LimitView] = spec_field(ListOf(ObjectType(LimitView)), "how often it may ask")
    forbidden: Sequence[str] = spec_field(ListOf(Text()), "models that it may not use")
    session: str = spec_field(Text(), "whose balance and limits these are")
    source: str = spec_field(Text(), "where it stands, or `runtime`")


@spec_dataclass
class ClockView:
    """The clock of limits, windows and fault rules."""

    ahead: float = spec_field(Number(), "seconds by which it was moved on")
    session: str | None = spec_field(_OPTIONAL_TEXT, "in this session; null: in all of them")


@spec_dataclass
class AccountListView:
    """All accounts."""

    accounts: Sequence[AccountView] = spec_field(
        ListOf(ObjectType(AccountView)), "one row for each session that an account is used in"
    )
    clock: ClockView = spec_field(ObjectType(ClockView), "what the limits go by")


@spec_dataclass
class AccountPatch:
    """What is to become of an account; what is not stated stays as it is."""

    status: str | None = spec_field(
        OneOf("active", "revoked"), "`revoked`: the key is no key any more", default=None
    )
    forbidden: tuple[str, ...] | None = spec_field(
        ByType(text=OneOrMore(Text()), sequence=ListOf(Text())), "models that it may not use", default=None
    )
    balance: Amount | None = spec_field(
        ByType(text=AMOUNT, null=Null()), "what it has from now on; null: no end of it", default=None
    )
    rate_limit: tuple[LimitSpec, ...] | None = spec_field(
        ByType(text=LIMITS, mapping=LIMITS, sequence=LIMITS, null=Null()),
        "how often it may ask; null: as often as it likes",
        default=None,
    )
    top_up: Amount | None = spec_field(AMOUNT, "is added to its balance", default=None)


@spec_dataclass
class ClockAdvance:
    """How far the clock is moved on."""

    advance: float = spec_field(Duration(), "as `60s`")


ACCOUNT_PATCH: FieldType = ObjectType(AccountPatch)
CLOCK_ADVANCE: FieldType = ObjectType(ClockAdvance)
ACCOUNT_LIST: FieldType = ObjectType(AccountListView)


class AccountAdmin:
    """What there is, and what may be changed, for one session or for all."""

    def __init__(self, pipeline: ChatPipeline, feed: EventFeed) -> None:
        self._pipeline = pipeline
        self._store = pipeline.store
        self._feed = feed

    async def list_accounts(self, session: str | None) -> AccountListView:
        """Those that a session meets; without one, every account in every session that it is used in."""
        rows = [] if session is None else [(session, one) for one in await self._registry(session)]
        if session is None:
            rows = [row for account in await self._registry(None) for row in await self._usage_rows(account)]
            for name in await self._store.sessions():
                layer = await self._store.overlay(name)
                rows += [(name, one) for one in AccountRegistry({}, layer)]
        told = [await self._view(name, account) for name, account in rows]
        return AccountListView(accounts=told, clock=self.clock(session))

    async def get(self, session: str | None, name: str) -> AccountView:
        """One by its key or id. Raises Refused where there is none."""
        account = await self._find(session, name)
        return await self._view(session or account.id, account)

    async def put(self, session: str | None, name: str, document: Document) -> bool:
        """Change an account, or make one of this key; returns whether it is new. Raises InputError, Refused."""
        change: AccountPatch = read_document(ACCOUNT_PATCH, document)
        stated: dict[str, Any] = document.value  # type: ignore[assignment]
        async with self._store.lock(session):
            known = (await self._registry(session)).by_key_or_id(name)
            if known is None and _KEY_ID.fullmatch(name):
                raise self._not_found(name)
            account = known or AccountSpec(key=name)
            told = {field: getattr(change, field) for field in stated if field != "top_up"}
            told |= {field: () for field, value in told.items() if value is None and field != "balance"}
            account = replace(account, **told)
            if change.top_up is not None:
                self._check_top_up(account, change.top_up)
            if "balance" in stated:
                await self._store.restore_balance(session, account.key)
            if told or known is None:
                await self._store_accounts(session, [replace(account, source=RUNTIME_SOURCE)])
            if change.top_up is not None:
                await self._top_up(session, account.key, change.top_up.value)
        self._feed.publish_change("accounts", session)
        return known is None

    async def add(self, session: str | None, accounts: Iterable[AccountSpec]) -> None:
        """These, in the place of those that have their keys; whatever was drawn from such a key before."""
        added = list(accounts)
        if added:
            async with self._store.lock(session):
                for account in added:
                    await self._store.restore_balance(session, account.key)
                await self._store_accounts(session, added)
            self._feed.publish_change("accounts", session)

    async def remove(self, session: str | None, name: str) -> None:
        """Take away what was added. Raises Refused where nothing was."""
        async with self._store.lock(session):
            account = await self._find(session, name)
            key, layer = account.key, await self._store.overlay(session)
            if key not in layer.accounts and key not in layer.topups:
                raise self._not_removable(account)
            await self._store.set_overlay(session, _without_accounts(layer, {key}))
        self._feed.publish_change("accounts", session)

    async def clear(self, session: str | None) -> None:
        """No account but those of the files, and nothing spent."""
        async with self._store.lock(session):
            layer = await self._store.overlay(session)
            if layer.accounts or layer.topups:
                await self._store.set_overlay(session, replace(layer, accounts={}, topups={}))

    async def reset_spending(self, session: str | None) -> None:
        """Nothing was ever spent, no limit used, and the clock goes with the machine's."""
        await self._store.reset_accounts(session)
        self._store.clock.reset(session)
        self._feed.publish_change("accounts", session)

    def clock(self, session: str | None) -> ClockView:
        """How far the clock was moved on."""
        return ClockView(ahead=self._store.clock.offset(session), session=session)

    def advance_clock(self, session: str | None, document: Document) -> ClockView:
        """Move the clock on. Raises InputError."""
        self._store.clock.advance(read_document(CLOCK_ADVANCE, document).advance, session)
        self._feed.publish_change("clock", session)
        return self.clock(session)

    async def _registry(self, session: str | None) -> AccountRegistry:
        own = EMPTY_OVERLAY if session is None else await self._store.overlay(session)
        return AccountRegistry(self._pipeline.fixtures.accounts, own, await self._store.overlay(None))

    async def _find(self, session: str | None, name: str) -> AccountSpec:
        account = (await self._registry(session)).by_key_or_id(name)
        if account is None:
            raise self._not_found(name)
        return account

    async def _usage_rows(self, account: AccountSpec) -> list[tuple[str, AccountSpec]]:
        """The sessions that it is used in, its own first, and what it is there."""
        rows = [(account.id, account)]
        for name in await self._store.sessions_of_account(account.key):
            own = await self._store.overlay(name)
            if name != account.id and account.key not in own.accounts:
                rows.append((name, (await self._registry(name)).by_key(account.key) or account))
        return rows

    async def _view(self, session: str, account: AccountSpec) -> AccountView:
        statement = await self._store.statement(session, account, self._store.clock.now(session))
        return AccountView(
            id=account.id,
            key=mask_key(account.key),
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
                400, f"top_up: the account {account.id} has no end of money; give it a balance first"
            )
        if account.balance.unit != amount.unit:
            raise AdminError(
                400, f"top_up: found {amount}, expected an amount like its balance, {account.balance}"
            )

    def _not_removable(self, account: AccountSpec) -> AdminError:
        if account is self._pipeline.fixtures.accounts.get(account.key):
            return AdminError(409, f"the account {account.id} stands in {account.source}, and only there")
        return AdminError(409, f"the account {account.id} is shared by all sessions; leave ?session= out")

    def _not_found(self, name: str) -> AdminError:
        shown = name if _KEY_ID.fullmatch(name) else mask_key(name)
        return AdminError(404, f"there is no account {truncate_text(shown)!r}; PUT with its key makes one")


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
