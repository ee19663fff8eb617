"""Whether requests like these were made, so many times; it waits for them where it is told to, without polling."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from mockserver.admin.error_responses import AdminError
from mockserver.admin.resources import ChargeView, build_charge_view, build_mismatch_view, dump_view
from mockserver.billing.cost import calculate_entry_cost
from mockserver.errors import Problem
from mockserver.fixtures.account_spec import AMOUNT
from mockserver.fixtures.criteria import MATCH, Criterion, MatchSpec, build_criteria
from mockserver.matching.fixture_set import Mismatch, describe_found
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.field_types import Boolean, Duration, FieldType, Integer, Null, Text
from mockserver.schema.money import NO_CHARGE, Amount, Charge, MoneyUnit, parse_unitless_amount
from mockserver.schema.object_types import ByType, ObjectType, Validated, spec_dataclass, spec_field
from mockserver.sessions.journal import Journal, JournalEntry

MAX_WAIT_SECONDS = 300.0  # seconds that somebody may wait
_MAX_NEAR_MISSES = 5  # requests that a refusal tells of
_MAX_MATCHES = 100  # and those that are like it


@spec_dataclass
class CountRange:
    """How many, at least and at most."""

    min: int = spec_field(Integer(0), "at least so many", default=0)
    max: int | None = spec_field(Integer(0), "at most so many; absent: any number", default=None)

    def check(self) -> Iterator[tuple[str | None, str]]:
        if self.max is not None and self.max < self.min:
            yield "max", f"found {self.max}, expected at least the {self.min} of min"

    def contains(self, count: int) -> bool:
        """Whether it is so many."""
        return self.min <= count and not self.exceeded_by(count)

    def exceeded_by(self, count: int) -> bool:
        """Whether it is more, and will not be less."""
        return self.max is not None and count > self.max

    def __str__(self) -> str:
        if self.max is None:
            return f"at least {self.min}"
        return f"{self.min}" if self.min == self.max else f"{self.min} to {self.max}"


def _check_wait(seconds: float) -> float:
    if seconds > MAX_WAIT_SECONDS:
        raise ValueError(f"found {seconds:g}s, expected at most {MAX_WAIT_SECONDS:g}s")
    return seconds


_DECIMAL_TEXT: FieldType = Validated(Text(), parse_unitless_amount)


@spec_dataclass
class SpendingBounds:
    """What requests should have cost, all together."""

    usd: Decimal | None = spec_field(_DECIMAL_TEXT, "exactly so many dollars", default=None)
    credits: Decimal | None = spec_field(
        _DECIMAL_TEXT, "exactly so many of the vendor's credits", default=None
    )
    min: Amount | None = spec_field(AMOUNT, "at least so much, as `$0.10`", default=None)
    max: Amount | None = spec_field(AMOUNT, "at most so much", default=None)

    def contains(self, found: Charge) -> bool:
        """Whether they cost as much."""
        return (
            self.usd in (None, found.usd)
            and self.credits in (None, found.credits)
            and (self.min is None or found.in_unit(self.min.unit) >= self.min.value)
            and not self.exceeded_by(found)
        )

    def exceeded_by(self, found: Charge) -> bool:
        """Whether they cost too much, and will not cost less."""
        return self.max is not None and found.in_unit(self.max.unit) > self.max.value

    @property
    def has_lower_bound(self) -> bool:
        """Whether it may be fulfilled by waiting."""
        return any(one is not None for one in (self.usd, self.credits, self.min))

    def format_found(self, found: Charge) -> str:
        """What was found, in what was asked for."""
        asked = [one.unit for one in (self.min, self.max) if one] + ["credits"] * (self.credits is not None)
        unit: MoneyUnit = "credits" if asked and set(asked) == {"credits"} and self.usd is None else "usd"
        return str(Amount(found.in_unit(unit), unit))

    def __str__(self) -> str:
        exact = (None if self.usd is None else Amount(self.usd), _credit_amount(self.credits))
        said = [str(one) for one in exact if one is not None]
        said += [f"at least {self.min}"] if self.min else []
        said += [f"at most {self.max}"] if self.max else []
        return " and ".join(said) or "anything"


def _credit_amount(amount: Decimal | None) -> Amount | None:
    return None if amount is None else Amount(amount, "credits")


def _exact_spending(amount: Amount) -> SpendingBounds:
    return SpendingBounds(usd=amount.value) if amount.unit == "usd" else SpendingBounds(credits=amount.value)


@spec_dataclass
class VerifyQuery:
    """Requests that should have been made."""

    match: MatchSpec = spec_field(MATCH, "which requests; `{}` is any for a vendor")
    count: CountRange | None = spec_field(
        ByType(
            number=Validated(Integer(0), lambda count: CountRange(min=count, max=count)),
            mapping=ObjectType(CountRange),
        ),
        "how many; absent: at least one, or any number where `spent` is asked for",
        default=None,
    )
    spent: SpendingBounds | None = spec_field(
        ByType(text=Validated(AMOUNT, _exact_spending), mapping=ObjectType(SpendingBounds)),
        "what they cost all together, as `$0.052070`",
        default=None,
    )
    within: float = spec_field(Validated(Duration(), _check_wait), "how long to wait for them", default=0.0)


@spec_dataclass
class VerifyResult:
    """They were."""

    count: int = spec_field(Integer(0), "how many there are")
    spent: ChargeView | None = spec_field(
        ByType(mapping=ObjectType(ChargeView), null=Null()),
        "what they cost, where that is asked for",
        default=None,
    )
    matched: bool = spec_field(Boolean(), "true", default=True)


VERIFY_QUERY: FieldType = ObjectType(VerifyQuery)


async def wait_until_verified(
    query: VerifyQuery, journal: Journal, session: str | None, aborted: asyncio.Future[Any]
) -> VerifyResult:
    """How many there are and what they cost, once that is as asked. Raises Refused where it cannot become so.

    A bound from above alone is only sure when the time is over; any other is fulfilled as soon as it is.
    Ends early when `given_up` is done: the server stops, or nobody waits any more.
    """
    sought = build_criteria(query.match)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + query.within
    spending = query.spent
    wanted = query.count or (CountRange(min=1) if spending is None else CountRange())
    grows = wanted.min or (spending is not None and spending.has_lower_bound)
    while True:
        changed = journal.next_change()
        entries = [entry for entry in await journal.entries(session) if entry.request_with_body is not None]
        found = [entry for entry in entries if _meets_criteria(entry, sought)]
        spent = _total_charge(spending, found)
        enough = wanted.contains(len(found)) and (spending is None or spending.contains(spent))
        over = wanted.exceeded_by(len(found)) or (spending is not None and spending.exceeded_by(spent))
        left = deadline - loop.time()
        if over or (enough and grows) or left <= 0 or aborted.done():
            changed.cancel()
            break
        await asyncio.wait({changed, aborted}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()
    if not enough:
        raise _mismatch_error(wanted, spending, sought, entries)
    return VerifyResult(count=len(found), spent=None if spending is None else build_charge_view(spent))


def _total_charge(spending: SpendingBounds | None, entries: Iterable[JournalEntry]) -> Charge:
    """What requests cost; it is not asked without need, because it takes its time."""
    return NO_CHARGE if spending is None else sum(map(calculate_entry_cost, entries), NO_CHARGE)


def _meets_criteria(entry: JournalEntry, criteria: tuple[Criterion, ...]) -> bool:
    return entry.request_with_body is not None and all(
        term.holds(entry.request_with_body) for term in criteria
    )


def _mismatch_error(
    expected: CountRange,
    spending: SpendingBounds | None,
    criteria: tuple[Criterion, ...],
    entries: list[JournalEntry],
) -> AdminError:
    """What was made instead: those that are like it, and those that came nearest with what they missed."""
    words = "; ".join(f"{term.field}: {term.predicate.description}" for term in criteria) or "any"
    missed = [
        (entry, _find_mismatches(entry.request_with_body, criteria))
        for entry in entries
        if entry.request_with_body is not None
    ]
    alike = [entry for entry, unlike in missed if not unlike]
    near = sorted((one for one in missed if one[1]), key=lambda one: len(one[1]))[:_MAX_NEAR_MISSES]
    if spending is not None and expected.contains(len(alike)):
        spent = _total_charge(spending, alike)
        message = (
            f"expected {spending} to be spent by requests like {words}; found {spending.format_found(spent)}"
        )
        message += f" for {len(alike)} of {len(entries)}"
    else:
        one = "request" if (expected.max or expected.min) == 1 else "requests"
        message = f"expected {expected} {one} like {words}; found {len(alike)} of {len(entries)}"
    if near and len(alike) < expected.min:
        told = (f"{entry.id} missed on {'; '.join(map(str, unlike))}" for entry, unlike in near)
        message += f". Nearest: {'. '.join(told)}"
    more = {
        "count": len(alike),
        "requests": [entry.id for entry in alike][:_MAX_MATCHES],
        "nearest": [
            {"id": entry.id, "differences": [dump_view(build_mismatch_view(one)) for one in unlike]}
            for entry, unlike in near
        ],
    }
    return AdminError(409, message, [Problem(message)], extra=more)


def _find_mismatches(request: ChatRequest, criteria: tuple[Criterion, ...]) -> list[Mismatch]:
    return [
        Mismatch(term.field, term.predicate.description, describe_found(term, request))
        for term in criteria
        if not term.holds(request)
    ]
