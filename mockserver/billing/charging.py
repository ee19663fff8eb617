"""Money for answers: drawn when an answer is decided, and given back as far as it is not due after all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from mockserver.billing.account_info import build_account_values
from mockserver.billing.cost import calculate_amount_due, calculate_entry_cost, get_entry_usage, is_billed
from mockserver.errors import ApiError
from mockserver.fixtures.account_spec import AccountSpec
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.money import Amount, Charge, format_amount
from mockserver.sessions.journal import JournalEntry
from mockserver.sessions.ledger import AccountStatement, Denial, Hold
from mockserver.sessions.store import EMPTY_OVERLAY, Overlay, SessionStore
from mockserver.validation.admission import check_route, run_check
from mockserver.vendors.aux_endpoints import AuxEndpoint
from mockserver.vendors.placeholders import PlaceholderValues, format_time_after
from mockserver.wire.answer import Answer, Ending


class AccountRegistry:
    """The accounts that a session's calls meet."""

    __slots__ = ("_from_files", "_own", "_shared")

    def __init__(
        self,
        from_files: Mapping[str, AccountSpec],
        own: Overlay = EMPTY_OVERLAY,
        shared: Overlay = EMPTY_OVERLAY,
    ) -> None:
        self._from_files = from_files
        self._own = own
        self._shared = shared

    def __bool__(self) -> bool:
        return bool(self._from_files or self._shared.accounts or self._own.accounts)

    def __iter__(self) -> Iterator[AccountSpec]:
        """All of them, the session's own first."""
        met: set[str] = set()
        for accounts in (self._own.accounts, self._shared.accounts, self._from_files):
            for key in accounts:
                found = None if key in met else self.by_key(key)
                if found is not None:
                    yield found
            met |= accounts.keys()

    def by_key(self, key: str | None) -> AccountSpec | None:
        """The account of a key, its balance with what was added to it since; None where there is none."""
        if key is None:
            return None
        account = self._own.accounts.get(key)
        if account is not None:
            return _with_top_up(account, self._own)
        account = self._shared.accounts.get(key) or self._from_files.get(key)
        return None if account is None else _with_top_up(_with_top_up(account, self._shared), self._own)

    def by_key_or_id(self, name: str) -> AccountSpec | None:
        """The account with this key, or with this id where its key may not be shown."""
        return self.by_key(name) or next((one for one in self if one.id == name), None)


def _with_top_up(account: AccountSpec, overlay: Overlay) -> AccountSpec:
    more = overlay.topups.get(account.key)
    if more is None or account.balance is None:
        return account
    return replace(account, balance=Amount(account.balance.value + more, account.balance.unit))


async def authorize_request(
    request: ChatRequest,
    accounts: AccountRegistry,
    store: SessionStore,
    now: float,
    *,
    allow_unknown_keys: bool = True,
) -> AccountSpec | None:
    """The account of a call that is let in; None for a key that is none, where `strangers` are welcome.

    `now` is in seconds, on the clock of the limits. Raises ApiError for the first thing that a vendor would
    refuse.
    """
    check_route(request)
    account = accounts.by_key(request.api_key)
    lookup = request.route.aux_endpoint
    for name in request.vendor.profile.checks:
        run_check(request, name)
        if name == "key" and (lookup is None or not lookup.is_public):
            _check_account(account, allow_unknown_keys=allow_unknown_keys)
        elif name == "model" and account is not None:
            _check_model_allowed(request, account)
        elif name == "balance" and account is not None and lookup is None:
            await _check_balance(request, account, store, now)
    return account


async def place_hold(
    request: ChatRequest, account: AccountSpec, charge: Charge, tokens: int, store: SessionStore, now: float
) -> Hold:
    """What is drawn for an answer of so many tokens. Raises ApiError where the account has not got it."""
    paid = await store.hold(request.session, account, charge, compute_minimum_hold(request), tokens, now)
    if isinstance(paid, Denial):
        raise _denial_error(request, account, paid)
    return paid


def compute_minimum_hold(request: ChatRequest) -> Charge:
    """The least that the call's vendor holds until an answer has ended."""
    return Charge(*request.vendor.in_both_units(request.vendor.profile.billing.hold))


def _check_account(account: AccountSpec | None, *, allow_unknown_keys: bool) -> None:
    if account is None and not allow_unknown_keys:
        raise ApiError("invalid_key", detail="no account has this key, and only known keys are let in")
    if account is not None and account.status == "revoked":
        raise ApiError("invalid_key", detail=f"the account {account.id} is revoked")


def _check_model_allowed(request: ChatRequest, account: AccountSpec) -> None:
    if account.forbids(request.model):
        raise ApiError("forbidden", detail=f"the account {account.id} may not use {request.model[:80]}")


async def _check_balance(request: ChatRequest, account: AccountSpec, store: SessionStore, now: float) -> None:
    denied = await store.admit(request.session, account, compute_minimum_hold(request), now)
    if denied is not None:
        raise _denial_error(request, account, denied)


def _denial_error(request: ChatRequest, account: AccountSpec, denial: Denial) -> ApiError:
    if denial.limit is not None:
        after = denial.wait if denial.limit.retry_after else None
        words = f"the account {account.id} has used up {denial.limit.limit}"
        error = ApiError(denial.kind, detail=words, retry_after=after)
        error.reset_after = denial.wait
        return error
    need = Amount(denial.required, denial.remaining.unit)
    words = f"the account {account.id} has {denial.remaining}" + (
        f" and needs {need}" if denial.required else ""
    )
    error = ApiError(denial.kind, detail=words)
    left, lacks = (format_amount(request.vendor.in_both_units(one)[1]) for one in (denial.remaining, need))
    error.shortage = f"(balance {left}, needed {lacks})" if denial.required else f"(balance {left})"
    return error


class Charging:
    """Serves the calls that may have an account; `strangers` says whether other keys are let in."""

    def __init__(self, store: SessionStore, *, allow_unknown_keys: bool) -> None:
        self._store = store
        self._allow_unknown_keys = allow_unknown_keys

    async def admit(self, request: ChatRequest, accounts: AccountRegistry, entry: JournalEntry) -> None:
        """Let a call in, on the account of its key. Raises ApiError for the first thing that is refused."""
        now = self._store.clock.now(request.session)
        entry.account = await authorize_request(
            request, accounts, self._store, now, allow_unknown_keys=self._allow_unknown_keys
        )

    async def account_values(
        self, request: ChatRequest, endpoint: AuxEndpoint, entry: JournalEntry
    ) -> PlaceholderValues:
        """The blanks of what whoever asks may know of their account; those who need no key are told nothing."""
        return {} if endpoint.is_public else await build_account_values(request, entry.account, self._store)

    async def hold(
        self, request: ChatRequest, account: AccountSpec, entry: JournalEntry
    ) -> PlaceholderValues:
        """Draw what an answer costs; returns what is left, as blanks. Raises ApiError where that is too little."""
        used = get_entry_usage(entry)
        charge, now = request.vendor.charge(used, request.model), self._store.clock.now(request.session)
        tokens = used.prompt + used.completion
        entry.hold = await place_hold(request, account, charge, tokens, self._store, now)
        if not request.vendor.reports_balance:
            return {}
        kept = await self._store.statement(request.session, account, now)
        return {**request.vendor.remaining_values(entry.hold.remaining), **_request_limit_values(kept)}

    async def settle_decided(self, request: ChatRequest, answer: Answer, entry: JournalEntry) -> None:
        """The answer that was paid for is to be played so: a hold lasts as long as somebody listens to it."""
        due = calculate_amount_due(entry, answer)
        lasts = answer.ending is Ending.FINISH and (answer.wait or any(frame.wait for frame in answer.frames))
        if not lasts or not is_billed(request, answer):
            await self._settle_amount(entry, due, void=not is_billed(request, answer))

    async def settle(self, entry: JournalEntry) -> None:
        """The answer that was paid for has ended."""
        await self._settle_amount(entry, calculate_entry_cost(entry))

    async def _settle_amount(self, entry: JournalEntry, amount_due: Charge, *, void: bool = False) -> None:
        paid, account = cast(Hold, entry.hold), cast(AccountSpec, entry.account)
        if void or paid.charge != amount_due:
            await self._store.refund(entry.session, account.key, paid, paid.charge - amount_due, void=void)
        entry.hold = None if void else replace(paid, charge=amount_due)


def _request_limit_values(statement: AccountStatement) -> PlaceholderValues:
    """The blanks of the limit that has the least room for requests."""
    limits = [one for one in statement.limits if one.limit.limit.unit == "requests"]
    if not limits:
        return {}
    full = min(limits, key=lambda one: one.limit.limit.maximum - one.used)
    return {
        "remaining_requests": full.limit.limit.maximum - full.used,
        "remaining_reset_at": format_time_after(datetime.now(UTC), full.resets_in),
    }
