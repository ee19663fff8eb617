"""Handlers of the admin API for the report on clients, and for requests grouped into calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from starlette.responses import Response

from mockserver.admin.admin_services import AdminServices
from mockserver.admin.error_responses import create_json_response
from mockserver.admin.request_input import AdminRequest
from mockserver.admin.request_views import dump_view
from mockserver.admin.resources import build_grouping_facts, build_request_facts
from mockserver.report.attempt_facts import AttemptFacts, parse_attempt
from mockserver.report.logical_calls import group_calls
from mockserver.report.resilience_report import assess_attempts
from mockserver.sessions.adjustable_clock import ClockAdvances, read_session_time
from mockserver.sessions.journal import JournalEntry, describe_dropped_bodies, describe_evicted
from mockserver.wire.monotonic_clock import read_monotonic


async def get_report(admin: AdminServices, request: AdminRequest) -> Response:
    """Return the findings about the clients of one session, or of all."""
    journal = admin.pipeline.store.journal
    entries = await journal.entries(request.session)
    advances = await _collect_advances(admin, entries)
    attempts = await _read_attempts(admin, entries, advances, build_request_facts)
    evicted = await journal.count_evicted(request.session)
    notes = [describe_evicted(evicted, journal.max_entries, request.session)]
    dropped = sum(entry.dropped is not None for entry in entries)
    notes += [describe_dropped_bodies(dropped)] if dropped else []
    now = {name: read_session_time(read_monotonic(), one) for name, one in advances.items()}
    report = assess_attempts(attempts, "; ".join(filter(None, notes)), now)
    return create_json_response(dump_view(report))


async def list_calls(admin: AdminServices, request: AdminRequest) -> Response:
    """Return the ids of the newest requests in a range, grouped into calls."""
    query = request.query
    entries = await admin.pipeline.store.journal.entries(request.session, query.get("since", 0))
    before = query.get("before")
    in_range = (entry for entry in entries if before is None or entry.number < before)
    newest = list(islice(in_range, query.get("limit")))
    advances = await _collect_advances(admin, newest)
    calls = group_calls(await _read_attempts(admin, newest, advances, build_grouping_facts))
    return create_json_response({"calls": [[one.id for one in call.attempts] for call in calls]})


async def _collect_advances(
    admin: AdminServices, entries: Sequence[JournalEntry]
) -> dict[str, ClockAdvances]:
    """Return the advances of the clock of each session that has entries."""
    sessions = dict.fromkeys(entry.session for entry in entries)
    return {name: await admin.pipeline.store.clock_advances(name) for name in sessions}


async def _read_attempts(
    admin: AdminServices,
    entries: Sequence[JournalEntry],
    advances: dict[str, ClockAdvances],
    build_facts: Callable[[JournalEntry, ClockAdvances], dict[str, Any]],
) -> list[AttemptFacts]:
    """Return entries as attempts, in the order of arrival; they are read in short slices of time."""
    attempts: list[AttemptFacts] = []
    await admin.slicer.run(
        lambda entry: attempts.append(parse_attempt(build_facts(entry, advances[entry.session]))),
        reversed(entries),
    )
    return attempts
