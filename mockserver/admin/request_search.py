"""The selection of journal entries for a list: by their fields and a search text, in pages, with all attempts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from mockserver.admin.resources import compute_entry_digest, get_user_excerpt
from mockserver.admin.time_slices import TimeSlicer
from mockserver.memoize import memoized
from mockserver.sessions.journal import UNMATCHED_OUTCOMES, Decision, JournalEntry
from mockserver.sessions.request_record import create_record

OPEN = "open"  # in place of the end of a request that has not ended

Criterion = Callable[[JournalEntry], bool]


@dataclass(frozen=True, slots=True)
class RequestPage:
    """The entries of one page, newest first, and how many there are in all.

    `matching` entries meet the query, of which `newer` are on the pages before.
    """

    entries: Sequence[JournalEntry]
    matching: int
    newer: int


async def select_requests(
    entries: Sequence[JournalEntry], query: Mapping[str, Any], slicer: TimeSlicer
) -> RequestPage:
    """Return the page of the entries, newest first, that a query asks for."""
    criteria = [build(query[name]) for name, build in _CRITERIA.items() if name in query]
    matching = entries
    if criteria:
        matching = await _filter(entries, lambda entry: all(holds(entry) for holds in criteria), slicer)
    before = query.get("before")
    newer = 0 if before is None else sum(entry.number >= before for entry in matching)
    limit = query.get("limit")
    page = matching[newer:] if limit is None else matching[newer : newer + limit]
    if query.get("attempts") and len(page) < len(entries):
        page = await _add_attempts(page, entries, slicer)
    return RequestPage(page, len(matching), newer)


async def _filter(
    entries: Iterable[JournalEntry], holds: Criterion, slicer: TimeSlicer
) -> Sequence[JournalEntry]:
    found: list[JournalEntry] = []

    def keep(entry: JournalEntry) -> None:
        if holds(entry):
            found.append(entry)

    await slicer.run(keep, entries)
    return found


async def _add_attempts(
    page: Sequence[JournalEntry], entries: Sequence[JournalEntry], slicer: TimeSlicer
) -> Sequence[JournalEntry]:
    """Return a page with the entries that may be attempts of the same calls; they at most double it."""
    calls: set[tuple[str, str, str, str]] = set()
    await slicer.run(lambda entry: calls.add(_call_key(entry)), page)
    listed = {entry.number for entry in page}
    others = await _filter(
        entries, lambda entry: entry.number not in listed and _call_key(entry) in calls, slicer
    )
    return sorted([*page, *islice(others, len(page))], key=lambda entry: -entry.number)


def _call_key(entry: JournalEntry) -> tuple[str, str, str, str]:
    """Return what all attempts of a call have in common."""
    request = entry.request
    vendor, path = (request.vendor.name, request.route.path) if request else ("", entry.head.path)
    return entry.session, vendor, path, compute_entry_digest(entry)


def _has_status(entry: JournalEntry, statuses: Sequence[str]) -> bool:
    status = str(entry.status)
    return status in statuses or f"{status[0]}xx" in statuses


@memoized
def _search_text(entry: JournalEntry, _: Decision | None) -> str:
    """Return the text of an entry that is searched: that of its row in a list. It changes with the decision."""
    record = create_record(entry)
    names = (record.id, record.session, record.vendor, record.model, record.path)
    answer = (record.fixture, record.outcome, record.rule, record.fault)
    return "\n".join([*names, *answer, get_user_excerpt(entry)]).casefold()


# By query parameter; each returns the criterion of a value.
_CRITERIA: Mapping[str, Callable[[Any], Criterion]] = {
    "status": lambda statuses: lambda entry: _has_status(entry, statuses),
    "fixture": lambda name: lambda entry: entry.fixture == name,
    "unmatched": lambda flag: lambda entry: (entry.outcome in UNMATCHED_OUTCOMES) is flag,
    "vendor": lambda name: lambda entry: entry.request is not None and entry.request.vendor.name == name,
    "ended": lambda ends: lambda entry: (entry.delivery.end_reason if entry.delivery else OPEN) in ends,
    "faulty": lambda flag: lambda entry: bool(entry.fault) is flag,
    "q": lambda text: lambda entry: text.casefold() in _search_text(entry, entry.decision),
}
