"""Money in a test: accounts are made and topped up, the clock is moved on, and what was spent is told or asserted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypedDict, Unpack
from urllib.parse import quote

from mockserver.client.arguments import MatchArguments, check_keywords
from mockserver.client.control_client import ControlClient

__tracebackhide__ = True  # as in `remote`


class AccountArguments(TypedDict, total=False):
    """What an account may do; what is not stated stays as it is."""

    balance: str | None  # "$0.001", "5000 credits"; None: no end of it
    rate_limit: (
        str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]] | None
    )  # "3/minute", "10000 tokens/hour"
    status: str  # "active" or "revoked"
    forbidden: str | Sequence[str]  # models; `*` stands for anything


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """An account as it stands: what is left of its balance, in dollars or in credits, and what it has spent.

    Both are None where there is no end of its money. `used` says how much of each limit is used.
    """

    id: str
    usd: Decimal | None
    credits: Decimal | None
    spent: Decimal  # dollars
    requests: int  # that were charged
    used: Mapping[str, int]
    status: str


class AccountMethods:
    """What a session has to do with money. Its methods raise what those of `Session` raise."""

    _client: ControlClient
    _name: str | None

    def account(self, key: str, **terms: Unpack[AccountArguments]) -> AccountSnapshot:
        """Make this API key an account, or change the one that it is; returns what it is now."""
        check_keywords("account()", terms, AccountArguments)
        return self._put_account(key, dict(terms))

    def top_up(self, key: str, amount: str) -> AccountSnapshot:
        """Add to its balance: `top_up("sk-poor", "$5")`."""
        return self._put_account(key, {"top_up": amount})

    def advance(self, by: str) -> None:
        """Move the clock of limits, windows and fault rules on, by a duration with its unit."""
        self._client.post("/clock", self._name, {"advance": by})

    @property
    def spent(self) -> Decimal:
        """What the requests so far cost, in dollars, whether or not their keys are accounts."""
        told = self._client.post("/verify", self._name, {"match": {}, "spent": {}})
        return Decimal(told["spent"]["usd"])

    def assert_spent(
        self,
        usd: str | Decimal | None = None,
        *,
        credits: str | int | Decimal | None = None,  # noqa: A002 the vendors' word
        min: str | None = None,  # noqa: A002 as in a fixture file
        max: str | None = None,  # noqa: A002
        **match: Unpack[MatchArguments],
    ) -> None:
        """AssertionError unless the requests that match cost so much together.

        `usd` and `credits` are exact: `assert_spent("0.052070", key="sk-test")`; `min` and `max` are amounts with
        their unit: `assert_spent(max="$0.10")`.
        """
        stated = {"usd": usd, "credits": credits, "min": min, "max": max}
        spent = {name: str(value) for name, value in stated.items() if value is not None}
        if not spent:
            raise TypeError('assert_spent() what? Say so much, as "0.052070", or max="$0.10"')
        self._verify("assert_spent()", match, spent=spent)

    def _verify(self, caller: str, match: MatchArguments, **query: Any) -> None:
        raise NotImplementedError

    def _put_account(self, key: str, change: dict[str, Any]) -> AccountSnapshot:
        told = self._client.put(f"/accounts/{quote(key, safe='')}", self._name, change)
        balance, spent = told["balance"], told["spent"]
        return AccountSnapshot(
            id=told["id"],
            usd=_parse_decimal(balance["usd"]),
            credits=_parse_decimal(balance["credits"]),
            spent=Decimal(spent["usd"]),
            requests=spent["requests"],
            used={one["limit"]: one["used"] for one in told["rate_limit"]},
            status=told["status"],
        )


def _parse_decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
