"""Verification of requests: their number and cost, optionally awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from mockserver.admin.error_responses import AdminError
from mockserver.admin.request_views import ChargeView, dump_view
from mockserver.admin.request_watch import RequestWatches
from mockserver.admin.resources import build_charge_view, build_mismatch_view
from mockserver.admin.time_slices import TimeSlicer
from mockserver.billing.cost import find_entry_cost
from mockserver.errors import Problem
from mockserver.fixtures.criteria import MATCH, Criterion, MatchSpec, build_criteria
from mockserver.matching.fixture_set import Mismatch, find_match_mismatches
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_head import find_head_secrets
from mockserver.schema.field_types import AmountField, Boolean, Duration, FieldType, Integer, Null, Text
from mockserver.schema.money import NO_CHARGE, Amount, Charge, MoneyUnit, parse_unitless_amount
from mockserver.schema.object_types import ByType, ListOf, ObjectType, Validated, spec_dataclass, spec_field
from mockserver.sessions.journal import (
    DroppedBodies,
    Journal,
    JournalEntry,
    describe_dropped_bodies,
    describe_evicted,
)

MAX_WAIT_SECONDS = 300.0  # the longest wait
_MAX_NEAR_MISSES = 5  # requests in an error
_MAX_MATCHES = 100  # matching requests in a result or an error


@spec_dataclass
class CountRange:
    """A minimum and a maximum number."""

    min: int = spec_field(Integer(0), "the minimum", default=0)
    max: int | None = spec_field(Integer(0), "the maximum; default: unlimited", default=None)

    def check(self) -> Iterator[tuple[str | None, str]]:
        """Yield the problems of the range."""
        if self.max is not None and self.max < self.min:
            yield "max", f"found {self.max}, expected at least the {self.min} of min"

    def contains(self, count: int) -> bool:
        """Return whether a number is in the range."""
        return self.min <= count and not self.exceeded_by(count)

    def exceeded_by(self, count: int) -> bool:
        """Return whether a number is above the maximum."""
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
    """The expected cost of requests, in total."""

    usd: Decimal | None = spec_field(_DECIMAL_TEXT, "the exact amount in dollars", default=None)
    credits: Decimal | None = spec_field(
        _DECIMAL_TEXT, "the exact amount in the vendor's credits", default=None
    )
    min: Amount | None = spec_field(AmountField(), "the minimum, for example `$0.10`", default=None)
    max: Amount | None = spec_field(AmountField(), "the maximum", default=None)

    def contains(self, found: Charge) -> bool:
        """Return whether a cost meets all bounds."""
        return (
            self.usd in (None, found.usd)
            and self.credits in (None, found.credits)
            and (self.min is None or found.in_unit(self.min.unit) >= self.min.value)
            and not self.exceeded_by(found)
        )

    def exceeded_by(self, found: Charge) -> bool:
        """Return whether a cost is above the maximum."""
        return self.max is not None and found.in_unit(self.max.unit) > self.max.value

    @property
    def has_only_minimum(self) -> bool:
        """Return whether a higher cost always meets the bounds, if this one does."""
        return self.usd is None and self.credits is None and self.max is None

    @property
    def has_lower_bound(self) -> bool:
        """Return whether a higher cost may meet the bounds."""
        return any(one is not None for one in (self.usd, self.credits, self.min))

    def format_found(self, found: Charge) -> str:
        """Return a cost as text, in the unit of the bounds."""
        units = [one.unit for one in (self.min, self.max) if one] + ["credits"] * (self.credits is not None)
        unit: MoneyUnit = "credits" if units and set(units) == {"credits"} and self.usd is None else "usd"
        return str(Amount(found.in_unit(unit), unit))

    def __str__(self) -> str:
        exact = (None if self.usd is None else Amount(self.usd), _credit_amount(self.credits))
        bounds = [str(one) for one in exact if one is not None]
        bounds += [f"at least {self.min}"] if self.min else []
        bounds += [f"at most {self.max}"] if self.max else []
        return " and ".join(bounds) or "anything"


def _credit_amount(amount: Decimal | None) -> Amount | None:
    return None if amount is None else Amount(amount, "credits")


def _exact_spending(amount: Amount) -> SpendingBounds:
    return SpendingBounds(usd=amount.value) if amount.unit == "usd" else SpendingBounds(credits=amount.value)


@spec_dataclass
class VerifyQuery:
    """The expected requests."""

    match: MatchSpec = spec_field(MATCH, "which requests count; `{}` is every request to a vendor")
    count: CountRange | None = spec_field(
        ByType(
            number=Validated(Integer(0), lambda count: CountRange(min=count, max=count)),
            mapping=ObjectType(CountRange),
        ),
        "how many; default: at least one, or any number with `spent`",
        default=None,
    )
    spent: SpendingBounds | None = spec_field(
        ByType(text=Validated(AmountField(), _exact_spending), mapping=ObjectType(SpendingBounds)),
        "their total cost, for example `$0.052070`",
        default=None,
    )
    within: float = spec_field(
        Validated(Duration(), _check_wait), "how long to wait for them, for example `2s`", default=0.0
    )


@spec_dataclass
class VerifyResult:
    """The result of a successful verification."""

    count: int = spec_field(Integer(0), "the number of matching requests")
    spent: ChargeView | None = spec_field(
        ByType(mapping=ObjectType(ChargeView), null=Null()),
        "their total cost, if the query has `spent`",
        default=None,
    )
    requests: tuple[str, ...] = spec_field(
        ListOf(Text()), "the ids of the matching requests, at most 100, the newest first", default=()
    )
    dropped: int = spec_field(Integer(0), "number of requests that were evicted before", default=0)
    matched: bool = spec_field(Boolean(), "always true; a failed verification is a 409", default=True)


VERIFY_QUERY: FieldType = ObjectType(VerifyQuery)


async def wait_until_verified(
    query: VerifyQuery,
    journal: Journal,
    session: str | None,
    watches: RequestWatches,
    slicer: TimeSlicer,
    aborted: asyncio.Future[Any],
) -> VerifyResult:
    """Return the number and cost of the matching requests once they are as expected. Raises AdminError if they are not.

    A query with only upper bounds is decided at the end of its time, any other as soon as it is met. The wait also
    ends when `aborted` is done.
    """
    deadline = asyncio.get_running_loop().time() + query.within
    with watches.watch(session) as watch:
        # Entries that are evicted from now on have been seen, here or by the watch.
        verification = _Verification(query, await journal.count_evicted(session))
        await slicer.run(verification.add, await journal.entries(session))
        aborted.add_done_callback(lambda _: watch.wake())
        while not verification.is_decided and not aborted.done():
            remaining = deadline - asyncio.get_running_loop().time()
            if remaining <= 0:
                break
            await watch.wait(remaining)
            changed, cleared = watch.take()
            if cleared:
                verification = _Verification(query, await journal.count_evicted(session))
                changed = [*await journal.entries(session), *changed]
            await slicer.run(verification.add, changed)
    entries = await journal.entries(session)
    if verification.is_met:
        return verification.result(entries)
    if not verification.is_refuted:
        raise verification.build_eviction_error(entries, journal.max_entries, session)
    await slicer.run(verification.compare, entries)
    raise verification.build_error(entries)


class _Verification:
    """The requests that match a query so far, and whether they meet it."""

    def __init__(self, query: VerifyQuery, evicted: int) -> None:
        self._match = query.match
        self._criteria = build_criteria(query.match)
        self._spending = query.spent
        self._count = query.count or (CountRange(min=1) if query.spent is None else CountRange())
        self._matches: dict[str, bool] = {}  # of every entry seen, by id
        self._costs: dict[str, Charge] = {}  # of the matching ones
        self._evicted = evicted
        # Entries whose bodies were dropped: with them it would be known whether they match, and what they cost.
        self._unknown: set[str] = set()
        self._unpriced: set[str] = set()
        self._spent = NO_CHARGE
        self._misses: list[tuple[JournalEntry, list[Mismatch]]] = []

    def add(self, entry: JournalEntry) -> None:
        """Take a new or changed entry into account. It is compared with the match once, when its answer is decided."""
        matches = self._matches.get(entry.id)
        if matches is None and entry.decision is not None:
            matches = _meets_match(entry, self._match, self._criteria)
            if matches is None:
                self._unknown.add(entry.id)
                return
            self._matches[entry.id] = matches
        if matches:
            known = self._costs.get(entry.id)
            cost = NO_CHARGE if self._spending is None else find_entry_cost(entry)
            if cost is None:
                cost = known
            if cost is None:
                self._unpriced.add(entry.id)
                cost = NO_CHARGE
            self._spent += cost - (known or NO_CHARGE)
            self._costs[entry.id] = cost

    @property
    def is_met(self) -> bool:
        """Return whether number and cost are as expected, whatever was evicted."""
        found, missing = len(self._costs), self._evicted + len(self._unknown)
        if not self._count.contains(found) or self._count.exceeded_by(found + missing):
            return False
        spending = self._spending
        if spending is None:
            return True
        return spending.contains(self._spent) and (
            not (missing or self._unpriced) or spending.has_only_minimum
        )

    @property
    def is_refuted(self) -> bool:
        """Return whether number and cost are not as expected, whatever was evicted."""
        if not (self._evicted or self._unknown or self._unpriced):
            return True
        return self._count.exceeded_by(len(self._costs)) or (
            self._spending is not None and self._spending.exceeded_by(self._spent)
        )

    @property
    def is_decided(self) -> bool:
        """Return whether further requests cannot change the result, or need not be waited for."""
        spending = self._spending
        if self._count.exceeded_by(len(self._costs)) or (
            spending is not None and spending.exceeded_by(self._spent)
        ):
            return True
        has_lower_bound = self._count.min or (spending is not None and spending.has_lower_bound)
        return self.is_met and bool(has_lower_bound)

    def build_eviction_error(
        self, entries: Sequence[JournalEntry], max_entries: int, session: str | None
    ) -> AdminError:
        """Return the 409 of a question that the remaining entries do not decide."""
        reasons = [describe_evicted(self._evicted, max_entries, session)] if self._evicted else []
        if dropped := self._unknown | self._unpriced:
            reasons.append(describe_dropped_bodies(len(dropped)))
        message = f"{self._describe_failure(_count_requests(entries))}, but {'; '.join(reasons)}"
        extra = {"count": len(self._costs), "dropped": self._evicted, "undecided": True}
        return AdminError(409, message, [Problem(message)], extra=extra)

    def result(self, entries: Sequence[JournalEntry]) -> VerifyResult:
        """Return the result of a verification that is met."""
        spent = None if self._spending is None else build_charge_view(self._spent)
        matching = tuple(self._list_matching(entries))
        return VerifyResult(count=len(self._costs), spent=spent, requests=matching, dropped=self._evicted)

    def _list_matching(self, entries: Sequence[JournalEntry]) -> list[str]:
        return [entry.id for entry in entries if entry.id in self._costs][:_MAX_MATCHES]

    def compare(self, entry: JournalEntry) -> None:
        """Note the mismatches of an entry, for the error."""
        if is_counted_request(entry) and not entry.dropped and not self._matches.get(entry.id):
            self._misses.append((entry, _find_mismatches(entry, self._match, self._criteria)))

    def build_error(self, entries: Sequence[JournalEntry]) -> AdminError:
        """Return the 409: the matching requests, and the nearest others with their mismatches."""
        nearest = sorted((one for one in self._misses if one[1]), key=lambda one: len(one[1]))
        near_misses = [_near_miss(entry, mismatches) for entry, mismatches in nearest[:_MAX_NEAR_MISSES]]
        message = self._describe_failure(_count_requests(entries))
        if near_misses and len(self._costs) < self._count.min:
            message += f". Nearest: {'. '.join(map(_describe_near_miss, near_misses))}"
        extra = {
            "count": len(self._costs),
            "requests": self._list_matching(entries),
            "nearest": near_misses,
            "dropped": self._evicted,
        }
        return AdminError(409, message, [Problem(message)], extra=extra)

    def _describe_failure(self, total: int) -> str:
        match = "; ".join(f"{one.field}: {one.predicate.description}" for one in self._criteria) or "any"
        found, expected = len(self._costs), self._count
        if self._spending is not None and expected.contains(found):
            spent = self._spending.format_found(self._spent)
            return (
                f"expected {self._spending} to be spent by requests like {match}; "
                f"found {spent} for {found} of {total}"
            )
        noun = "request" if (expected.max or expected.min) == 1 else "requests"
        return f"expected {expected} {noun} like {match}; found {found} of {total}"


def _count_requests(entries: Iterable[JournalEntry]) -> int:
    return sum(map(is_counted_request, entries))


def is_counted_request(entry: JournalEntry) -> bool:
    """Return whether assertions count a request: one for a completion, with a valid body, whatever its answer."""
    decision, request = entry.decision, entry.request
    return (
        decision is not None and decision.is_counted and request is not None and request.route.is_completion
    )


def _may_count(entry: JournalEntry, match: MatchSpec) -> bool:
    """Return whether a request may count for a match: one of another api only if the match names an api."""
    request = entry.request
    if match.api is None or request is None or request.route.is_completion:
        return is_counted_request(entry)
    return entry.decision is not None


def _meets_match(entry: JournalEntry, match: MatchSpec, criteria: tuple[Criterion, ...]) -> bool | None:
    """Return whether an entry meets a match; None if that depends on a body that was dropped."""
    if not _may_count(entry, match):
        return False
    request = cast(ChatRequest, entry.request_with_body)
    dropped = entry.dropped
    if dropped is None:
        return all(one.holds(request) for one in criteria)
    known = [one for one in criteria if _is_known_without_body(one.field, dropped)]
    if not all(one.holds(request) for one in known):
        return False
    return True if len(known) == len(criteria) else None


def _is_known_without_body(field: str, dropped: DroppedBodies) -> bool:
    if field == "user":
        return dropped.is_user_text_whole
    return field in _HEAD_FIELDS or field.startswith("header.")


_HEAD_FIELDS = ("api", "vendor", "model", "key", "session", "attempt")


def _near_miss(entry: JournalEntry, mismatches: list[Mismatch]) -> dict[str, Any]:
    secrets = find_head_secrets(entry.head)
    return {
        "id": entry.id,
        "differences": [dump_view(build_mismatch_view(one, secrets)) for one in mismatches],
    }


def _describe_near_miss(near_miss: Mapping[str, Any]) -> str:
    differences = (
        str(Mismatch(one["field"], one["expected"], one["found"])) for one in near_miss["differences"]
    )
    return f"{near_miss['id']} missed on {'; '.join(differences)}"


def _find_mismatches(
    entry: JournalEntry, match: MatchSpec, criteria: tuple[Criterion, ...]
) -> list[Mismatch]:
    request = entry.request_with_body
    return [] if request is None else list(find_match_mismatches(request, match, criteria))
