"""Handlers of the admin API for requests: lists, details, replays, drafts, verification and explanations."""

from __future__ import annotations

import asyncio

import orjson
from starlette.requests import Request
from starlette.responses import Response

from mockserver.admin.admin_services import AdminServices
from mockserver.admin.error_responses import AdminError, create_json_response
from mockserver.admin.explain import EXPLAIN_INPUT, dry_run_input, dry_run_request
from mockserver.admin.request_input import AdminRequest
from mockserver.admin.request_search import select_requests
from mockserver.admin.request_views import dump_view
from mockserver.admin.resources import build_explanation, build_request_detail, build_request_row
from mockserver.admin.verify import VERIFY_QUERY, wait_until_verified
from mockserver.recording.fixture_writer import FixtureWriter, NoFixtureError
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import document_from_value
from mockserver.sessions.journal import JournalEntry, describe_evicted


async def list_requests(admin: AdminServices, request: AdminRequest) -> Response:
    """Return a page of the journal's entries that meet the query, the newest first."""
    journal = admin.pipeline.store.journal
    entries = await journal.entries(request.session, request.query.get("since", 0))
    page = await select_requests(entries, request.query, admin.slicer)
    rows: list[bytes] = []
    await admin.slicer.run(lambda entry: rows.append(orjson.dumps(build_request_row(entry))), page.entries)
    dropped = await journal.count_evicted(request.session)
    return create_json_response(
        {
            "requests": [orjson.Fragment(row) for row in rows],
            "total": len(entries),
            "matching": page.matching,
            "newer": page.newer,
            "dropped": dropped,
            "dropped_note": describe_evicted(dropped, journal.max_entries, request.session) or None,
        }
    )


async def forget_requests(admin: AdminServices, request: AdminRequest) -> Response:
    """Delete journal entries."""
    return create_json_response({"deleted": await admin.changes.forget_requests(request.session)})


async def get_request(admin: AdminServices, request: AdminRequest) -> Response:
    """Return one journal entry in detail."""
    return await _detail_response(admin, await admin.find_entry(request))


async def _detail_response(admin: AdminServices, entry: JournalEntry, status: int = 200) -> Response:
    request = entry.request_with_body
    dry_run = None if request is None or entry.dropped else await dry_run_request(admin.pipeline, request)
    advances = await admin.pipeline.store.clock_advances(entry.session)
    return create_json_response(dump_view(build_request_detail(entry, dry_run, advances)), status)


async def replay_request(admin: AdminServices, request: AdminRequest) -> Response:
    """Send a journalled request again."""
    return await _detail_response(admin, await admin.replayer.replay(await admin.find_entry(request)), 201)


async def draft_fixture(admin: AdminServices, request: AdminRequest) -> Response:
    """Return a fixture in YAML that reproduces a journalled request's response."""
    entry = await admin.find_entry(request)
    try:
        writer = FixtureWriter(entry)
    except NoFixtureError as error:
        raise AdminError(409, str(error)) from None
    await admin.slicer.run(writer.compare, await admin.pipeline.store.journal.entries(entry.session))
    return Response(writer.render(), 200, media_type="application/yaml")


async def verify_requests(admin: AdminServices, request: AdminRequest) -> Response:
    """Check which requests arrived; wait for them if the query says so."""
    query = await request.load_as(lambda document: read_document(VERIFY_QUERY, document))
    aborted = asyncio.ensure_future(_wait_for_abort(admin, request.http_request))
    try:
        verified = await wait_until_verified(
            query, admin.pipeline.store.journal, request.session, admin.watches, admin.slicer, aborted
        )
    finally:
        aborted.cancel()
    return create_json_response(dump_view(verified))


async def _wait_for_abort(admin: AdminServices, request: Request) -> None:
    """Wait until the server stops or the client disconnects."""
    stopping = asyncio.ensure_future(admin.pipeline.playback.closing.wait())
    disconnect = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({stopping, disconnect}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        disconnect.cancel()


async def explain_request(admin: AdminServices, request: AdminRequest) -> Response:
    """Run a request without side effects, and return the outcome with its reasons."""
    document = await request.load_document()
    if isinstance(document.value, dict) and "body" not in document.value:
        document = document_from_value({"body": document.value}, document.name)
    dry_run = await dry_run_input(admin.pipeline, read_document(EXPLAIN_INPUT, document), request.session)
    return create_json_response(dump_view(build_explanation(dry_run)))
