"""Charging of accounts: admission, holds on decided answers, and their settlement at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import cast

from mockserver.billing.account_info import build_account_values
from mockserver.billing.cost import calculate_amount_due, calculate_entry_cost, is_billed
from mockserver.errors import ApiError, RetryAfter
from mockserver.fixtures.account_spec import AccountSpec
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.messages import truncate_text
from mockserver.schema.money import NO_CHARGE, Amount, Charge, format_amount
from mockserver.sessions.journal import Decision, JournalEntry
from mockserver.sessions.ledger import AccountStatement, Denial, Hold, LimitUsage
from mockserver.sessions.store import EMPTY_OVERLAY, Overlay, SessionStore
from mockserver.validation.admission import AccountCheck, admit_request
from mockserver.vendors.aux_endpoints import AuxEndpoint
from mockserver.vendors.placeholders import PlaceholderValues, format_time_after, format_wait
from mockserver.vendors.vendor import TokenUsage
from mockserver.wire.answer import Ending


class AccountRegistry:
    """The accounts in force for a session: its own, then the shared ones, then those of the files."""

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
        """Return whether there is any account."""
        return bool(self._from_files or self._shared.accounts or self._own.accounts)

    def __iter__(self) -> Iterator[AccountSpec]:
        """Yield each account once, the session's own first."""
        seen: set[str] = set()
        for accounts in (self._own.accounts, self._shared.accounts, self._from_files):
            for key in accounts:
                account = None if key in seen else self.by_key(key)
                if account is not None:
                    yield account
            seen |= accounts.keys()

    def by_key(self, key: str | None) -> AccountSpec | None:
        """Return the account of a key with the top-ups of its balance, None if the key has no account."""
        if key is None:
            return None
        account = self._own.accounts.get(key)
        if account is not None:
            return _with_top_up(account, self._own)
        account = self._shared.accounts.get(key) or self._from_files.get(key)
        return None if account is None else _with_top_up(_with_top_up(account, self._shared), self._own)

    def by_key_or_id(self, name: str) -> AccountSpec | None:
        """Return the account with this key, or with this id: the admin API shows ids instead of keys."""
        return self.by_key(name) or next((account for account in self if account.id == name), None)


def _with_top_up(account: AccountSpec, overlay: Overlay) -> AccountSpec:
    top_up = overlay.topups.get(account.key)
    if top_up is None or account.balance is None:
        return account
    return replace(account, balance=Amount(account.balance.value + top_up, account.balance.unit))


def compute_minimum_hold(request: ChatRequest) -> Charge:
    """Return the least that the vendor holds until an answer has ended."""
    return Charge(*request.vendor.in_both_units(request.vendor.profile.billing.hold))


async def _check_account(account: AccountSpec | None, *, allow_unknown_keys: bool) -> None:
    if account is None and not allow_unknown_keys:
        raise ApiError("invalid_key", detail="no account has this key, and only known keys are accepted")
    if account is not None and account.status == "revoked":
        raise ApiError("invalid_key", detail=f"the account {account.id} is revoked")


async def _check_model_allowed(request: ChatRequest, account: AccountSpec) -> None:
    if account.forbids(request.model):
        raise ApiError(
            "forbidden", detail=f"the account {account.id} may not use {truncate_text(request.model)}"
        )


def _denial_error(request: ChatRequest, account: AccountSpec, denial: Denial) -> ApiError:
    if denial.limit is not None:
        retry_after = RetryAfter(denial.wait) if denial.limit.retry_after else None
        detail = f"the account {account.id} has used up {denial.limit.limit}"
        error = ApiError(denial.kind, detail=detail, retry_after=retry_after)
        error.reset_after = denial.wait
        return error
    required = Amount(denial.required, denial.remaining.unit)
    detail = f"the account {account.id} has {denial.remaining}"
    error = ApiError(denial.kind, detail=f"{detail} and needs {required}" if denial.required else detail)
    balance, needed = (
        format_amount(request.vendor.in_both_units(amount)[1]) for amount in (denial.remaining, required)
    )
    error.shortage = f"(balance {balance}, needed {needed})" if denial.required else f"(balance {balance})"
    return error


class Charging:
    """The charging of requests that may have an account; `allow_unknown_keys` admits keys without one."""

    def __init__(self, store: SessionStore, *, allow_unknown_keys: bool) -> None:
        self._store = store
        self._allow_unknown_keys = allow_unknown_keys

    async def admit(self, request: ChatRequest, accounts: AccountRegistry) -> AccountSpec | None:
        """Admit a request and return its account, None if it has none. Raises ApiError for the first refused thing."""
        account = accounts.by_key(request.api_key)
        await admit_request(request, self._account_checks(request, account))
        return account

    def _account_checks(
        self, request: ChatRequest, account: AccountSpec | None
    ) -> Mapping[str, AccountCheck]:
        """Return the checks of a request's account, each under the vendor's check that it follows."""
        aux_endpoint = request.route.aux_endpoint
        checks: dict[str, AccountCheck] = {}
        if aux_endpoint is None or not aux_endpoint.is_public:
            checks["key"] = partial(_check_account, account, allow_unknown_keys=self._allow_unknown_keys)
        if account is not None:
            checks["model"] = partial(_check_model_allowed, request, account)
            if aux_endpoint is None:
                checks["balance"] = partial(self._check_balance, request, account)
        return checks

    async def _check_balance(self, request: ChatRequest, account: AccountSpec) -> None:
        denial = await self._store.admit(request.session, account, compute_minimum_hold(request))
        if denial is not None:
            raise _denial_error(request, account, denial)

    async def account_values(
        self, request: ChatRequest, endpoint: AuxEndpoint, account: AccountSpec | None
    ) -> PlaceholderValues:
        """Return the placeholder values of an account endpoint; a public endpoint, which needs no key, has none."""
        return {} if endpoint.is_public else await build_account_values(request, account, self._store)

    async def hold(
        self, request: ChatRequest, account: AccountSpec, usage: TokenUsage
    ) -> tuple[Hold, PlaceholderValues]:
        """Hold the cost of an answer with these tokens; return it with the placeholder values for what is left.

        Raises ApiError if the balance or a limit does not allow it.
        """
        charge = request.vendor.charge(usage, request.model)
        tokens = usage.prompt + usage.completion
        minimum = compute_minimum_hold(request)
        hold = await self._store.hold(request.session, account, charge, minimum, tokens)
        if isinstance(hold, Denial):
            raise _denial_error(request, account, hold)
        if not request.vendor.reports_balance:
            return hold, {}
        statement = await self._store.statement(request.session, account)
        return hold, {**request.vendor.remaining_values(hold.remaining), **_limit_values(statement)}

    async def release(self, request: ChatRequest, hold: Hold) -> None:
        """Give back a hold whose answer is not sent."""
        await self._settle_amount(request, hold, NO_CHARGE, void=True)

    async def settle_decided(self, request: ChatRequest, decision: Decision) -> Decision:
        """Settle a hold at once, unless the answer takes time: then the client may leave before its end."""
        answer, hold, usage = decision.answer, cast(Hold, decision.hold), cast(TokenUsage, decision.usage)
        takes_time = answer.ending is Ending.FINISH and (
            answer.wait or any(frame.wait for frame in answer.frames)
        )
        billed = is_billed(request, answer)
        if takes_time and billed:
            return decision
        amount_due = calculate_amount_due(request, decision, usage)
        return replace(decision, hold=await self._settle_amount(request, hold, amount_due, void=not billed))

    async def settle(self, entry: JournalEntry) -> None:
        """Settle the hold of an answer that has ended."""
        request, hold = cast(ChatRequest, entry.request), cast(Hold, cast(Decision, entry.decision).hold)
        await self._settle_amount(request, hold, calculate_entry_cost(entry))

    async def _settle_amount(
        self, request: ChatRequest, hold: Hold, amount_due: Charge, *, void: bool = False
    ) -> Hold | None:
        """Give back what a hold is too much, and return the hold for the rest; None if it is void."""
        if void or hold.charge != amount_due:
            await self._store.refund(request.session, hold.key, hold, hold.charge - amount_due, void=void)
        return None if void else replace(hold, charge=amount_due)


def _limit_values(statement: AccountStatement) -> PlaceholderValues:
    """Return the placeholder values of the request limit and the token limit with the least left."""
    values: dict[str, object] = {}
    for usage in sorted(statement.limits, key=_count_left, reverse=True):  # the last one stays
        limit = usage.limit.limit
        values[f"limit_{limit.unit}"] = limit.maximum
        values[f"remaining_{limit.unit}"] = _count_left(usage)
        values[f"reset_{limit.unit}"] = format_wait(usage.resets_in)
        if limit.unit == "requests":
            values["remaining_reset_at"] = format_time_after(datetime.now(UTC), usage.resets_in)
    return values


def _count_left(usage: LimitUsage) -> int:
    return usage.limit.limit.maximum - usage.used
