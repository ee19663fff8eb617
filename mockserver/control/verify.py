"""Whether requests like these were made, so many times; it waits for them where it is told to, without polling."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from typing import Any

from mockserver.call import Call
from mockserver.control.refusal import Refused
from mockserver.control.views import difference, plain
from mockserver.errors import Problem
from mockserver.record import ByType, Check, Record, record, said
from mockserver.session.journal import Entry, Journal
from mockserver.shape import Duration, Flag, Shape, Whole
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

    def __str__(self) -> str:
        if self.max is None:
            return f"at least {self.min}"
        return f"{self.min}" if self.min == self.max else f"{self.min} to {self.max}"


def _within(seconds: float) -> float:
    if seconds > LONGEST:
        raise ValueError(f"found {seconds:g}s, expected at most {LONGEST:g}s")
    return seconds


@record
class Verification:
    """Requests that should have been made."""

    match: Match = said(MATCH, "which requests; `{}` is any for a vendor")
    count: Range = said(
        ByType(number=Check(Whole(0), lambda count: Range(min=count, max=count)), mapping=Record(Range)),
        "how many; absent: at least one",
        default=Range(min=1),
    )
    within: float = said(Check(Duration(), _within), "how long to wait for them", default=0.0)


@record
class Verified:
    """They were."""

    count: int = said(Whole(0), "how many there are")
    matched: bool = said(Flag(), "true", default=True)


VERIFICATION: Shape = Record(Verification)


async def verify(
    asked: Verification, journal: Journal, session: str | None, given_up: asyncio.Future[Any]
) -> int:
    """How many there are, once that is as asked. Raises Refused where it is not, or cannot become so.

    A bound from above alone is only sure when the time is over; any other is fulfilled as soon as it is.
    Ends early when `given_up` is done: the server stops, or nobody waits any more.
    """
    sought = terms(asked.match)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + asked.within
    most = math.inf if asked.count.max is None else asked.count.max
    while True:
        changed = journal.change()
        entries = [entry for entry in await journal.entries(session) if entry.call is not None]
        count = sum(_is(entry, sought) for entry in entries)
        enough = asked.count.min <= count <= most
        left = deadline - loop.time()
        if count > most or (enough and asked.count.min) or left <= 0 or given_up.done():
            changed.cancel()
            break
        await asyncio.wait({changed, given_up}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()
    if not enough:
        raise _unlike(asked, sought, entries, count)
    return count


def _is(entry: Entry, sought: tuple[Term, ...]) -> bool:
    return entry.call is not None and all(term.holds(entry.call) for term in sought)


def _unlike(asked: Verification, sought: tuple[Term, ...], entries: list[Entry], count: int) -> Refused:
    """What was made instead: those that are like it, and those that came nearest with what they missed."""
    words = "; ".join(f"{term.field}: {term.condition.words}" for term in sought) or "any"
    missed = [(entry, _missed(entry.call, sought)) for entry in entries if entry.call is not None]
    near = sorted((one for one in missed if one[1]), key=lambda one: len(one[1]))[:_NEAREST]
    message = f"expected {asked.count} requests like {words}; found {count} of {len(entries)}"
    if near and count < asked.count.min:
        told = (f"{entry.id} missed on {'; '.join(map(str, unlike))}" for entry, unlike in near)
        message += f". Nearest: {'. '.join(told)}"
    more = {
        "count": count,
        "requests": [entry.id for entry, unlike in missed if not unlike][:_MOST],
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
