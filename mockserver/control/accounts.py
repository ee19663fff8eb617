"""The accounts as the control API tells of them and changes them; a key is never shown, its id stands for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from mockserver import shape
from mockserver.chat import Line
from mockserver.control.feed import Feed
from mockserver.control.refusal import Refused
from mockserver.document import Document, clipped
from mockserver.money import Amount, spell
from mockserver.record import ByType, ListOf, OneOrMore, Record, record, said
from mockserver.session.bank import Bank
from mockserver.session.purse import Statement
from mockserver.session.store import EMPTY, Layer
from mockserver.shape import Duration, Flag, Nothing, Number, OneOf, Shape, Text, Whole
from mockserver.shelf.account import LIMITS, MONEY, Account, Limit
from mockserver.shelf.library import RUNTIME
from mockserver.shelf.match import masked

_ID = re.compile(r"key-[0-9a-f]{8}")
_NO_TEXT: Shape = ByType(text=Text(), null=Nothing())


@record
class Balance:
    """What is left, in the one of the two that the account is kept in."""

    usd: str | None = said(_NO_TEXT, "in dollars, exact")
    credits: str | None = said(_NO_TEXT, "in the vendor's credits, exact")
    unlimited: bool = said(Flag(), "whether there is no end of it")


@record
class Spent:
    """What was charged."""

    usd: str = said(Text(), "in dollars, exact")
    requests: int = said(Whole(0), "for so many answers")


@record
class UsedUp:
    """A limit, and how much of it is used."""

    limit: str = said(Text(), "as it is written in a file")
    what: str = said(OneOf("requests", "tokens"), "what is counted")
    most: int = said(Whole(1), "so many")
    used: int = said(Whole(0), "so many are used")
    resets_in: float = said(Number(0), "seconds until all of it is free again")


@record
class Kept:
    """One account, as it stands in one session."""

    id: str = said(Text(), "what stands for the key; in a path it is as good as the key")
    key: str = said(Text(), "the key, masked")
    status: str = said(OneOf("active", "revoked"), "whether the key is one")
    balance: Balance = said(Record(Balance), "what is left")
    spent: Spent = said(Record(Spent), "what was charged")
    rate_limit: Sequence[UsedUp] = said(ListOf(Record(UsedUp)), "how often it may ask")
    forbidden: Sequence[str] = said(ListOf(Text()), "models that it may not use")
    session: str = said(Text(), "whose balance and limits these are")
    source: str = said(Text(), "where it stands, or `runtime`")


@record
class Time:
    """The clock of limits, windows and fault rules."""

    ahead: float = said(Number(), "seconds by which it was moved on")
    session: str | None = said(_NO_TEXT, "in this session; null: in all of them")


@record
class Accounts:
    """All accounts."""

    accounts: Sequence[Kept] = said(
        ListOf(Record(Kept)), "one row for each session that an account is used in"
    )
    clock: Time = said(Record(Time), "what the limits go by")


@record
class Change:
    """What is to become of an account; what is not stated stays as it is."""

    status: str | None = said(
        OneOf("active", "revoked"), "`revoked`: the key is no key any more", default=None
    )
    forbidden: tuple[str, ...] | None = said(
        ByType(text=OneOrMore(Text()), sequence=ListOf(Text())), "models that it may not use", default=None
    )
    balance: Amount | None = said(
        ByType(text=MONEY, null=Nothing()), "what it has from now on; null: no end of it", default=None
    )
    rate_limit: tuple[Limit, ...] | None = said(
        ByType(text=LIMITS, mapping=LIMITS, sequence=LIMITS, null=Nothing()),
        "how often it may ask; null: as often as it likes",
        default=None,
    )
    top_up: Amount | None = said(MONEY, "is added to its balance", default=None)


@record
class Advance:
    """How far the clock is moved on."""

    advance: float = said(Duration(), "as `60s`")


CHANGE: Shape = Record(Change)
ADVANCE: Shape = Record(Advance)
ACCOUNTS: Shape = Record(Accounts)


class Ledger:
    """What there is, and what may be changed, for one session or for all."""

    def __init__(self, line: Line, feed: Feed) -> None:
        self._line = line
        self._store = line.store
        self._feed = feed

    async def all(self, session: str | None) -> Accounts:
        """Those that a session meets; without one, every account in every session that it is used in."""
        rows = [] if session is None else [(session, one) for one in await self._bank(session)]
        if session is None:
            rows = [row for account in await self._bank(None) for row in await self._used(account)]
            for name in await self._store.sessions():
                layer = await self._store.layer(name)
                rows += [(name, one) for one in Bank({}, layer)]
        told = [await self._kept(name, account) for name, account in rows]
        return Accounts(accounts=told, clock=self.time(session))

    async def one(self, session: str | None, name: str) -> Kept:
        """One by its key or id. Raises Refused where there is none."""
        account = await self._called(session, name)
        return await self._kept(session or account.id, account)

    async def put(self, session: str | None, name: str, written: Document) -> bool:
        """Change an account, or make one of this key; returns whether it is new. Raises InputError, Refused."""
        change: Change = shape.read(CHANGE, written)
        stated: dict[str, Any] = written.value  # type: ignore[assignment]
        async with self._store.turn(session):
            known = (await self._bank(session)).called(name)
            if known is None and _ID.fullmatch(name):
                raise self._absent(name)
            account = known or Account(key=name)
            told = {field: getattr(change, field) for field in stated if field != "top_up"}
            told |= {field: () for field, value in told.items() if value is None and field != "balance"}
            account = replace(account, **told)
            if change.top_up is not None:
                self._fits(account, change.top_up)
            if "balance" in stated:
                await self._store.redeem(session, account.key)
            if told or known is None:
                await self._lay(session, [replace(account, source=RUNTIME)])
            if change.top_up is not None:
                await self._top_up(session, account.key, change.top_up.value)
        self._feed.change("accounts", session)
        return known is None

    async def add(self, session: str | None, accounts: Iterable[Account]) -> None:
        """These, in the place of those that have their keys; whatever was drawn from such a key before."""
        added = list(accounts)
        if added:
            async with self._store.turn(session):
                for account in added:
                    await self._store.redeem(session, account.key)
                await self._lay(session, added)
            self._feed.change("accounts", session)

    async def remove(self, session: str | None, name: str) -> None:
        """Take away what was added. Raises Refused where nothing was."""
        async with self._store.turn(session):
            account = await self._called(session, name)
            key, layer = account.key, await self._store.layer(session)
            if key not in layer.accounts and key not in layer.topups:
                raise self._elsewhere(account)
            await self._store.lay(session, _without(layer, {key}))
        self._feed.change("accounts", session)

    async def clear(self, session: str | None) -> None:
        """No account but those of the files, and nothing spent."""
        async with self._store.turn(session):
            layer = await self._store.layer(session)
            if layer.accounts or layer.topups:
                await self._store.lay(session, replace(layer, accounts={}, topups={}))

    async def forgive(self, session: str | None) -> None:
        """Nothing was ever spent, no limit used, and the clock goes with the machine's."""
        await self._store.forgive(session)
        self._store.clock.restore(session)
        self._feed.change("accounts", session)

    def time(self, session: str | None) -> Time:
        """How far the clock was moved on."""
        return Time(ahead=self._store.clock.ahead(session), session=session)

    def advance(self, session: str | None, written: Document) -> Time:
        """Move the clock on. Raises InputError."""
        self._store.clock.advance(shape.read(ADVANCE, written).advance, session)
        self._feed.change("clock", session)
        return self.time(session)

    async def _bank(self, session: str | None) -> Bank:
        own = EMPTY if session is None else await self._store.layer(session)
        return Bank(self._line.shelf.accounts, own, await self._store.layer(None))

    async def _called(self, session: str | None, name: str) -> Account:
        account = (await self._bank(session)).called(name)
        if account is None:
            raise self._absent(name)
        return account

    async def _used(self, account: Account) -> list[tuple[str, Account]]:
        """The sessions that it is used in, its own first, and what it is there."""
        rows = [(account.id, account)]
        for name in await self._store.spenders(account.key):
            own = await self._store.layer(name)
            if name != account.id and account.key not in own.accounts:
                rows.append((name, (await self._bank(name)).of(account.key) or account))
        return rows

    async def _kept(self, session: str, account: Account) -> Kept:
        statement = await self._store.statement(session, account, self._store.clock.now(session))
        return Kept(
            id=account.id,
            key=masked(account.key),
            status=account.status,
            balance=_balance(statement),
            spent=Spent(usd=spell(statement.spent.usd), requests=statement.requests),
            rate_limit=[
                UsedUp(
                    limit=str(one.limit.limit),
                    what=one.limit.limit.what,
                    most=one.limit.limit.most,
                    used=one.used,
                    resets_in=round(one.resets_in, 3),
                )
                for one in statement.limits
            ],
            forbidden=account.forbidden,
            session=session,
            source=account.source,
        )

    async def _lay(self, session: str | None, accounts: Iterable[Account]) -> None:
        added = {one.key: one for one in accounts}
        layer = _without(await self._store.layer(session), added.keys())
        await self._store.lay(session, replace(layer, accounts={**layer.accounts, **added}))

    async def _top_up(self, session: str | None, key: str, more: Decimal) -> None:
        layer = await self._store.layer(session)
        topups = {**layer.topups, key: layer.topups.get(key, Decimal(0)) + more}
        await self._store.lay(session, replace(layer, topups=topups))

    def _fits(self, account: Account, more: Amount) -> None:
        if account.balance is None:
            raise Refused(
                400, f"top_up: the account {account.id} has no end of money; give it a balance first"
            )
        if account.balance.unit != more.unit:
            raise Refused(
                400, f"top_up: found {more}, expected an amount like its balance, {account.balance}"
            )

    def _elsewhere(self, account: Account) -> Refused:
        if account is self._line.shelf.accounts.get(account.key):
            return Refused(409, f"the account {account.id} stands in {account.source}, and only there")
        return Refused(409, f"the account {account.id} is shared by all sessions; leave ?session= out")

    def _absent(self, name: str) -> Refused:
        shown = name if _ID.fullmatch(name) else masked(name)
        return Refused(404, f"there is no account {clipped(shown)!r}; PUT with its key makes one")


def _without(layer: Layer, keys: Iterable[str]) -> Layer:
    gone = set(keys)
    accounts = {key: one for key, one in layer.accounts.items() if key not in gone}
    return replace(
        layer, accounts=accounts, topups={key: one for key, one in layer.topups.items() if key not in gone}
    )


def _balance(statement: Statement) -> Balance:
    left = statement.left
    if left is None:
        return Balance(usd=None, credits=None, unlimited=True)
    text = spell(left.value)
    usd, own = (text, None) if left.unit == "usd" else (None, text)
    return Balance(usd=usd, credits=own, unlimited=False)
