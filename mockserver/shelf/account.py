"""An account: an API key, what it may do, how much money it has, and how often it may ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from mockserver import money
from mockserver.money import Amount
from mockserver.origin import account
from mockserver.record import ByType, Check, OneOrMore, Record, record, said
from mockserver.shape import At, Flag, OneOf, Shape, Text, numeral
from mockserver.shelf.condition import glob

Status = Literal["active", "revoked"]
What = Literal["requests", "tokens"]

_PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_LETTERS = {"s": "second", "min": "minute", "m": "minute", "h": "hour", "d": "day"}
_RATE = re.compile(r"([0-9]{1,9})(?: (requests?|tokens?))? ?/ ?(second|minute|hour|day|s|min|m|h|d)")
_BARE = re.compile(r"[0-9]+")
_EXPECTED = "a limit like 3/minute, 20/s or 10000 tokens/hour"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests or tokens in so many seconds."""

    most: int
    what: What
    period: str

    @property
    def seconds(self) -> int:
        return _PERIODS[self.period]

    def __str__(self) -> str:
        return f"{self.most}{' tokens' if self.what == 'tokens' else ''}/{self.period}"


def rate(text: str) -> Rate:
    """The rate that a person wrote; ValueError says what is wrong with the text."""
    shown = text if len(text) <= 40 else text[:39] + "…"
    if _BARE.fullmatch(text):
        raise ValueError(f"a limit needs a period, write {shown}/minute")
    found = _RATE.fullmatch(text)
    if not found:
        raise ValueError(f"found text {shown!r}, expected {_EXPECTED}")
    if not int(found[1]):
        raise ValueError(
            f"found {shown}, expected at least 1; to refuse every request, write status: revoked"
        )
    what: What = "tokens" if (found[2] or "").startswith("token") else "requests"
    return Rate(int(found[1]), what, _LETTERS.get(found[3], found[3]))


_RATE_TEXT: Shape = Check(Text(), rate, {"type": "string", "pattern": f"^{_RATE.pattern}$"})


@record
class Limit:
    """A limit, in its long form."""

    limit: Rate = said(_RATE_TEXT, "as `3/minute`, `20/s`, `10000 tokens/hour`")
    retry_after: bool = said(
        Flag(), "whether its 429 carries Retry-After, whatever the vendor does", default=False
    )


class Money(Shape):
    """An amount with its unit; a bare number is told what to write."""

    expected = "money like $0.001 or 5000 credits"

    def read(self, value: Any, at: At) -> Any:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return at.refuse(value, self.expected)
        try:
            return money.read(value if isinstance(value, str) else at.written() or numeral(value))
        except ValueError as error:
            return at.problem(str(error))

    def schema(self) -> dict[str, Any]:
        return dict(money.SCHEMA)


def _key(text: str) -> str:
    if not text.strip():
        raise ValueError("found an empty key, expected the API key that clients send")
    return text.strip()


MONEY: Shape = Money()
LIMITS: Shape = OneOrMore(
    ByType(text=Check(_RATE_TEXT, lambda limit: Limit(limit=limit)), mapping=Record(Limit))
)


@record
class Account:
    """An API key, and what may be done with it; what is absent is without bounds. `source` is where it stands."""

    key: str = said(Check(Text(), _key), "the API key that clients send")
    status: Status = said(
        OneOf("active", "revoked"), "`revoked`: the key is no key any more", default="active"
    )
    forbidden: tuple[str, ...] = said(
        OneOrMore(Text()), "models that it may not use; `*` stands for anything", default=()
    )
    balance: Amount | None = said(
        MONEY, "its money, as `$0.001` or `5000 credits`; absent: no end of it", default=None
    )
    rate_limit: tuple[Limit, ...] = said(
        LIMITS, "as `3/minute`, `10000 tokens/hour`, or several of them", default=()
    )
    source: str = field(default="", compare=False)

    def check(self) -> Iterator[tuple[str | None, str]]:
        rates = [limit.limit for limit in self.rate_limit]
        if len(set(rates)) < len(rates):
            yield "rate_limit", "found the same limit twice, expected each once"

    @property
    def id(self) -> str:
        """What it is called where its key may not be shown; a session of its own has this name too."""
        return account(self.key)

    def forbids(self, model: str) -> bool:
        """Whether it may not use this model."""
        return any(glob(pattern).holds(model) for pattern in self.forbidden)


ACCOUNT: Shape = Record(Account)
