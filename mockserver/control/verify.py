"""Whether requests like these were made, so many times; it waits for them where it is told to, without polling."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from mockserver.call import Call
from mockserver.control.refusal import Refused
from mockserver.control.views import Charged, charged, difference, plain
from mockserver.errors import Problem
from mockserver.money import NOTHING, Amount, Charge, Unit, figure
from mockserver.record import ByType, Check, Record, record, said
from mockserver.reply import bill
from mockserver.session.journal import Entry, Journal
from mockserver.shape import Duration, Flag, Nothing, Shape, Text, Whole
from mockserver.shelf.account import MONEY
from mockserver.shelf.match import MATCH, Match, Term, terms
from mockserver.shelf.matching import Difference, shown

LONGEST = 300.0  # seconds that somebody may wait
_NEAREST = 5  # requests that a refusal tells of
_MOST = 100  # and those that are like it


@record
class Range:
    """How many, at least and at most."""

    min: int = said(Whole(0), "at least so many", default=0)
    max: int | None = said(Whole(0), "at most so many; absent: any number", default=None)

    def check(self) -> Iterator[tuple[str | None, str]]:
        if self.max is not None and self.max < self.min:
            yield "max", f"found {self.max}, expected at least the {self.min} of min"

    def holds(self, count: int) -> bool:
        """Whether it is so many."""
        return self.min <= count and not self.passed(count)

    def passed(self, count: int) -> bool:
        """Whether it is more, and will not be less."""
        return self.max is not None and count > self.max

    def __str__(self) -> str:
        if self.max is None:
            return f"at least {self.min}"
        return f"{self.min}" if self.min == self.max else f"{self.min} to {self.max}"


def _within(seconds: float) -> float:
    if seconds > LONGEST:
        raise ValueError(f"found {seconds:g}s, expected at most {LONGEST:g}s")
    return seconds


_FIGURE: Shape = Check(Text(), figure)


@record
class Spending:
    """What requests should have cost, all together."""

    usd: Decimal | None = said(_FIGURE, "exactly so many dollars", default=None)
    credits: Decimal | None = said(_FIGURE, "exactly so many of the vendor's credits", default=None)
    min: Amount | None = said(MONEY, "at least so much, as `$0.10`", default=None)
    max: Amount | None = said(MONEY, "at most so much", default=None)

    def met(self, found: Charge) -> bool:
        """Whether they cost as much."""
        return (
            self.usd in (None, found.usd)
            and self.credits in (None, found.credits)
            and (self.min is None or found.at(self.min.unit) >= self.min.value)
            and not self.passed(found)
        )

    def passed(self, found: Charge) -> bool:
        """Whether they cost too much, and will not cost less."""
        return self.max is not None and found.at(self.max.unit) > self.max.value

    @property
    def grows(self) -> bool:
        """Whether it may be fulfilled by waiting."""
        return any(one is not None for one in (self.usd, self.credits, self.min))

    def shown(self, found: Charge) -> str:
        """What was found, in what was asked for."""
        asked = [one.unit for one in (self.min, self.max) if one] + ["credits"] * (self.credits is not None)
        unit: Unit = "credits" if asked and set(asked) == {"credits"} and self.usd is None else "usd"
        return str(Amount(found.at(unit), unit))

    def __str__(self) -> str:
        exact = (None if self.usd is None else Amount(self.usd), _credits(self.credits))
        said = [str(one) for one in exact if one is not None]
        said += [f"at least {self.min}"] if self.min else []
        said += [f"at most {self.max}"] if self.max else []
        return " and ".join(said) or "anything"


def _credits(amount: Decimal | None) -> Amount | None:
    return None if amount is None else Amount(amount, "credits")


def _spending(amount: Amount) -> Spending:
    return Spending(usd=amount.value) if amount.unit == "usd" else Spending(credits=amount.value)


@record
class Verification:
    """Requests that should have been made."""

    match: Match = said(MATCH, "which requests; `{}` is any for a vendor")
    count: Range | None = said(
        ByType(number=Check(Whole(0), lambda count: Range(min=count, max=count)), mapping=Record(Range)),
        "how many; absent: at least one, or any number where `spent` is asked for",
        default=None,
    )
    spent: Spending | None = said(
        ByType(text=Check(MONEY, _spending), mapping=Record(Spending)),
        "what they cost all together, as `$0.052070`",
        default=None,
    )
    within: float = said(Check(Duration(), _within), "how long to wait for them", default=0.0)


@record
class Verified:
    """They were."""

    count: int = said(Whole(0), "how many there are")
    spent: Charged | None = said(
        ByType(mapping=Record(Charged), null=Nothing()),
        "what they cost, where that is asked for",
        default=None,
    )
    matched: bool = said(Flag(), "true", default=True)


VERIFICATION: Shape = Record(Verification)


async def verify(
    asked: Verification, journal: Journal, session: str | None, given_up: asyncio.Future[Any]
) -> Verified:
    """How many there are and what they cost, once that is as asked. Raises Refused where it cannot become so.

    A bound from above alone is only sure when the time is over; any other is fulfilled as soon as it is.
    Ends early when `given_up` is done: the server stops, or nobody waits any more.
    """
    sought = terms(asked.match)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + asked.within
    spending = asked.spent
    wanted = asked.count or (Range(min=1) if spending is None else Range())
    grows = wanted.min or (spending is not None and spending.grows)
    while True:
        changed = journal.change()
        entries = [entry for entry in await journal.entries(session) if entry.call is not None]
        found = [entry for entry in entries if _is(entry, sought)]
        spent = _spent(spending, found)
        enough = wanted.holds(len(found)) and (spending is None or spending.met(spent))
        over = wanted.passed(len(found)) or (spending is not None and spending.passed(spent))
        left = deadline - loop.time()
        if over or (enough and grows) or left <= 0 or given_up.done():
            changed.cancel()
            break
        await asyncio.wait({changed, given_up}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()
    if not enough:
        raise _unlike(wanted, spending, sought, entries)
    return Verified(count=len(found), spent=None if spending is None else charged(spent))


def _spent(spending: Spending | None, found: Iterable[Entry]) -> Charge:
    """What requests cost; it is not asked without need, because it takes its time."""
    return NOTHING if spending is None else sum(map(bill.of, found), NOTHING)


def _is(entry: Entry, sought: tuple[Term, ...]) -> bool:
    return entry.call is not None and all(term.holds(entry.call) for term in sought)


def _unlike(
    wanted: Range, spending: Spending | None, sought: tuple[Term, ...], entries: list[Entry]
) -> Refused:
    """What was made instead: those that are like it, and those that came nearest with what they missed."""
    words = "; ".join(f"{term.field}: {term.condition.words}" for term in sought) or "any"
    missed = [(entry, _missed(entry.call, sought)) for entry in entries if entry.call is not None]
    alike = [entry for entry, unlike in missed if not unlike]
    near = sorted((one for one in missed if one[1]), key=lambda one: len(one[1]))[:_NEAREST]
    if spending is not None and wanted.holds(len(alike)):
        spent = _spent(spending, alike)
        message = f"expected {spending} to be spent by requests like {words}; found {spending.shown(spent)}"
        message += f" for {len(alike)} of {len(entries)}"
    else:
        one = "request" if (wanted.max or wanted.min) == 1 else "requests"
        message = f"expected {wanted} {one} like {words}; found {len(alike)} of {len(entries)}"
    if near and len(alike) < wanted.min:
        told = (f"{entry.id} missed on {'; '.join(map(str, unlike))}" for entry, unlike in near)
        message += f". Nearest: {'. '.join(told)}"
    more = {
        "count": len(alike),
        "requests": [entry.id for entry in alike][:_MOST],
        "nearest": [
            {"id": entry.id, "differences": [plain(difference(one)) for one in unlike]}
            for entry, unlike in near
        ],
    }
    return Refused(409, message, [Problem(message)], more=more)


def _missed(call: Call, sought: tuple[Term, ...]) -> list[Difference]:
    return [
        Difference(term.field, term.condition.words, shown(term, call))
        for term in sought
        if not term.holds(call)
    ]
