"""Methods of a session about money: accounts, balances, the clock of limits, and assertions on costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypedDict, Unpack
from urllib.parse import quote

from mockserver.client.arguments import MatchArguments, check_keywords
from mockserver.client.control_client import ControlClient

__tracebackhide__ = True  # as in `session_client`


class AccountArguments(TypedDict, total=False):
    """The keyword arguments of `account()`. Those that are not given leave the account unchanged."""

    balance: str | None  # "$0.001", "5000 credits"; None: unlimited
    rate_limit: (
        str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]] | None
    )  # "3/minute", "10000 tokens/hour"
    status: str  # "active" or "revoked"
    forbidden: str | Sequence[str]  # models, with `*` as a wildcard
    name: str  # shown in the web UI


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """The state of an account: its remaining balance in dollars (`usd`) and in credits, and its costs.

    `usd` and `credits` are None for an unlimited balance. `used` has the used part of each rate limit.
    """

    id: str
    usd: Decimal | None
    credits: Decimal | None
    spent: Decimal  # in dollars
    requests: int  # the number of charged requests
    used: Mapping[str, int]
    status: str


class AccountMethods:
    """The methods of a session about money. They raise the same errors as those of `Session`."""

    _client: ControlClient
    _name: str | None

    def account(self, key: str, **terms: Unpack[AccountArguments]) -> AccountSnapshot:
        """Define or change the account of an API key, and return its new state.

        Example::

            session.account("sk-poor", balance="$0.001", rate_limit="3/minute")
        """
        check_keywords("account()", terms, AccountArguments)
        return self._put_account(key, dict(terms))

    def top_up(self, key: str, amount: str) -> AccountSnapshot:
        """Add an amount to the balance of an account, as in `top_up("sk-poor", "$5")`, and return its new state."""
        return self._put_account(key, {"top_up": amount})

    def advance(self, by: str) -> None:
        """Move the clock of rate limits, fault rules and plan forward by a duration like "60s", without waiting."""
        self._client.post("/clock", self._name, {"advance": by})

    @property
    def spent(self) -> Decimal:
        """The cost of all requests so far, in dollars, with and without accounts."""
        result = self._client.post("/verify", self._name, {"match": {}, "spent": {}})
        return Decimal(result["spent"]["usd"])

    def assert_spent(
        self,
        usd: str | Decimal | None = None,
        *,
        credits: str | int | Decimal | None = None,  # noqa: A002 the vendors' term
        min: str | None = None,  # noqa: A002 as in a fixture file
        max: str | None = None,  # noqa: A002
        **match: Unpack[MatchArguments],
    ) -> None:
        """Raise AssertionError unless the total cost of the requests that match is as stated.

        `usd` and `credits` are exact amounts; `min` and `max` are bounds with their unit.

        Example::

            session.assert_spent("0.052070", key="sk-test")
            session.assert_spent(max="$0.10")
        """
        stated = {"usd": usd, "credits": credits, "min": min, "max": max}
        spent = {name: str(value) for name, value in stated.items() if value is not None}
        if not spent:
            raise TypeError('assert_spent(): found no amount, expected one like "0.052070" or max="$0.10"')
        self._verify("assert_spent()", match, spent=spent)

    def _verify(self, caller: str, match: MatchArguments, **query: Any) -> None:
        raise NotImplementedError

    def _put_account(self, key: str, change: dict[str, Any]) -> AccountSnapshot:
        data = self._client.put(f"/accounts/{quote(key, safe='')}", self._name, change)
        balance, spent = data["balance"], data["spent"]
        return AccountSnapshot(
            id=data["id"],
            usd=_parse_decimal(balance["usd"]),
            credits=_parse_decimal(balance["credits"]),
            spent=Decimal(spent["usd"]),
            requests=spent["requests"],
            used={one["limit"]: one["used"] for one in data["rate_limit"]},
            status=data["status"],
        )


def _parse_decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
