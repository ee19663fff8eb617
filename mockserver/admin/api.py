"""The admin API: its handlers, and the table of its operations at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from mockserver import __version__
from mockserver.admin.accounts_api import (
    ACCOUNT_LIST,
    ACCOUNT_PATCH,
    CLOCK_ADVANCE,
    AccountAdmin,
    AccountListView,
    AccountView,
    ClockView,
)
from mockserver.admin.changes import RuntimeChanges, format_scope_label
from mockserver.admin.error_responses import AdminError, create_json_response
from mockserver.admin.event_stream import EventFeed
from mockserver.admin.explain import EXPLAIN_INPUT, dry_run_input, dry_run_request
from mockserver.admin.fixtures_api import (
    FaultRuleListView,
    FixtureListView,
    FixtureView,
    collect_fault_rules,
    collect_fixtures,
    count_fixtures,
    redact_definition,
)
from mockserver.admin.guard import AdminGuard
from mockserver.admin.openapi import Operation, build_openapi
from mockserver.admin.replay import Replayer
from mockserver.admin.request_input import RESETTABLE, AdminRequest
from mockserver.admin.request_watch import RequestWatches
from mockserver.admin.resources import (
    ExplanationView,
    RequestDetailView,
    RequestListView,
    build_explanation,
    build_request_detail,
    build_request_row,
    describe_vendor_access,
    dump_view,
)
from mockserver.admin.router import create_router
from mockserver.admin.time_slices import TimeSlicer
from mockserver.admin.verify import VERIFY_QUERY, VerifyResult, wait_until_verified
from mockserver.errors import STATUS_BY_KIND
from mockserver.fixtures.fault_rules import FAULT_RULE
from mockserver.fixtures.fixture import FIXTURE, FIXTURE_FILE
from mockserver.matching import loader
from mockserver.matching.loader import LoadedFile, parse_runtime_rules
from mockserver.pipeline import ChatPipeline
from mockserver.recording.fixture_writer import FixtureWriter, NoFixtureError
from mockserver.schema.field_types import FieldType, read_document
from mockserver.schema.messages import did_you_mean, truncate_text
from mockserver.schema.object_types import ByType, ListOf, ObjectType, create_json_schema, get_spec_fields
from mockserver.schema.yaml_document import document_from_value
from mockserver.sessions.journal import UNMATCHED_OUTCOMES, JournalEntry
from mockserver.settings import API_VERSION
from mockserver.wire.faults import FAULTS


class AdminServices:
    """The objects that the handlers share."""

    def __init__(self, pipeline: ChatPipeline) -> None:
        self.pipeline = pipeline
        self.feed = EventFeed(pipeline.store.events, pipeline.playback.closing)
        self.accounts = AccountAdmin(pipeline, self.feed)
        self.watches = RequestWatches()
        self.slicer = TimeSlicer()
        self.changes = RuntimeChanges(pipeline, self.feed, self.accounts, self.watches)
        self.replayer = Replayer(pipeline)
        pipeline.store.journal.subscribe(self.feed.publish_request)
        pipeline.store.journal.subscribe(self.watches.publish)
        pipeline.listeners.append(lambda: self.feed.publish_change("fixtures", None))

    async def find_entry(self, request: AdminRequest) -> JournalEntry:
        """Return the journal entry that the path names. Raises AdminError if there is none."""
        entry = await self.pipeline.store.journal.entry(request.name)
        if entry is None or request.session not in (None, entry.session):
            raise AdminError(
                404, f"the journal has no request {truncate_text(request.name)!r}; it may have been evicted"
            )
        return entry


async def get_index(admin: AdminServices, _: AdminRequest) -> Response:
    """Return the version, the settings, the counts, the vendors and the operations."""
    pipeline = admin.pipeline
    kept = await pipeline.store.journal.size()
    vendors = {
        name: describe_vendor_access(vendor.profile) for name, vendor in pipeline.router.vendors.items()
    }
    return create_json_response(
        {
            "name": "mockserver",
            "version": __version__,
            "api_version": API_VERSION,
            "seed": pipeline.settings.seed,
            "strict": pipeline.settings.strict,
            "counts": {
                "requests": kept.entries,
                "dropped": kept.evicted,
                "sessions": len(await pipeline.store.sessions()),
                "sessions_evicted": await pipeline.store.evicted_sessions(),
                "fixtures": await count_fixtures(pipeline),
            },
            "vendors": vendors,
            "errors": list(STATUS_BY_KIND),
            "faults": list(FAULTS),
            "links": {f"{one.method} {one.display_path}": one.summary for one in OPERATIONS},
        }
    )


async def list_requests(admin: AdminServices, request: AdminRequest) -> Response:
    """Return the journal's entries that meet the query, the newest first."""
    journal, query = admin.pipeline.store.journal, request.query
    entries = await journal.entries(request.session, query.get("since", 0))
    found = islice((entry for entry in entries if _matches_filters(entry, query)), query.get("limit"))
    rows: list[bytes] = []
    await admin.slicer.run(lambda entry: rows.append(orjson.dumps(build_request_row(entry))), found)
    dropped = (await journal.size()).evicted
    return create_json_response({"requests": [orjson.Fragment(row) for row in rows], "dropped": dropped})


def _matches_filters(entry: JournalEntry, query: Any) -> bool:
    status = str(entry.status)
    return (
        ("status" not in query or status in query["status"] or f"{status[0]}xx" in query["status"])
        and ("fixture" not in query or entry.fixture == query["fixture"])
        and ("unmatched" not in query or (entry.outcome in UNMATCHED_OUTCOMES) is query["unmatched"])
    )


async def forget_requests(admin: AdminServices, request: AdminRequest) -> Response:
    """Delete journal entries."""
    return create_json_response({"deleted": await admin.changes.forget_requests(request.session)})


async def get_request(admin: AdminServices, request: AdminRequest) -> Response:
    """Return one journal entry in detail."""
    return await _detail_response(admin, await admin.find_entry(request))


async def _detail_response(admin: AdminServices, entry: JournalEntry, status: int = 200) -> Response:
    request = entry.request_with_body
    dry_run = None if request is None else await dry_run_request(admin.pipeline, request)
    return create_json_response(dump_view(build_request_detail(entry, dry_run)), status)


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


async def list_fixtures(admin: AdminServices, request: AdminRequest) -> Response:
    """Return all fixtures in the order of matching."""
    return await _create_list_response(await collect_fixtures(admin.pipeline, request.session))


async def _create_list_response(view: FixtureListView | FaultRuleListView | AccountListView) -> Response:
    """Return a JSON response that is encoded on a thread, item by item, because `dumps` holds the GIL."""

    def encode(value: Any) -> Any:
        return [orjson.Fragment(orjson.dumps(dump_view(one), default=str)) for one in value]

    def create() -> Response:
        view_type: type = type(view)
        fields = {name: getattr(view, name) for name in get_spec_fields(view_type)}
        return create_json_response(
            {
                name: encode(value) if isinstance(value, list) else dump_view(value)
                for name, value in fields.items()
            }
        )

    return await asyncio.to_thread(create)


async def add_fixtures(admin: AdminServices, request: AdminRequest) -> Response:
    """Add fixtures before all others."""
    added = await admin.changes.add(request.session, await _read_fixtures(request))
    return create_json_response(_added_names(added), 201)


async def add_shipped_fixtures(admin: AdminServices, request: AdminRequest) -> Response:
    """Add the shipped fixtures before all others."""
    shipped = await asyncio.to_thread(loader.load_shipped_fixtures)
    return create_json_response(_added_names(await admin.changes.add(request.session, shipped)), 201)


async def replace_fixtures(admin: AdminServices, request: AdminRequest) -> Response:
    """Replace all added fixtures."""
    added = await admin.changes.replace_all(request.session, await _read_fixtures(request))
    return create_json_response(_added_names(added))


async def _read_fixtures(request: AdminRequest) -> LoadedFile:
    return await request.load_as(
        lambda document: loader.load_runtime_document(document, format_scope_label(request.session))
    )


def _added_names(added: LoadedFile) -> dict[str, Any]:
    names = {"fixtures": [one.name for one in added.fixtures]}
    return names | ({"faults": [{"id": one.name} for one in added.rules]} if added.rules else {})


async def clear_fixtures(admin: AdminServices, request: AdminRequest) -> Response:
    """Remove all added fixtures."""
    return create_json_response({"deleted": await admin.changes.clear(request.session)})


async def get_fixture(admin: AdminServices, request: AdminRequest) -> Response:
    """Return one fixture by its name."""
    known = (await collect_fixtures(admin.pipeline, request.session)).fixtures
    for one in known:
        if one.name == request.name:
            return create_json_response(dump_view(one))
    near = did_you_mean(request.name, [one.name for one in known])
    raise AdminError(404, f"there is no fixture {truncate_text(request.name)!r}{near}")


async def put_fixture(admin: AdminServices, request: AdminRequest) -> Response:
    """Replace or add the fixture with the name in the path."""
    new = await admin.changes.put(request.session, request.name, await _read_fixtures(request))
    return create_json_response({"fixtures": [request.name]}, 201 if new else 200)


async def remove_fixture(admin: AdminServices, request: AdminRequest) -> Response:
    """Remove one added fixture."""
    await admin.changes.remove(request.session, request.name)
    return create_json_response({"deleted": 1})


async def reload_fixtures(admin: AdminServices, _: AdminRequest) -> Response:
    """Read the fixture files again."""
    return create_json_response({"fixtures": await admin.changes.reload()})


async def list_faults(admin: AdminServices, request: AdminRequest) -> Response:
    """Return all fault rules in the order of evaluation."""
    return await _create_list_response(await collect_fault_rules(admin.pipeline, request.session))


async def add_faults(admin: AdminServices, request: AdminRequest) -> Response:
    """Add fault rules before all others."""
    parsed = await request.load_as(parse_runtime_rules)
    rules = await admin.changes.add_rules(request.session, parsed)
    return create_json_response(
        {"faults": [{"id": one.name, "definition": redact_definition(one.definition)} for one in rules]}, 201
    )


async def clear_faults(admin: AdminServices, request: AdminRequest) -> Response:
    """Remove all added fault rules."""
    return create_json_response({"deleted": await admin.changes.clear_rules(request.session)})


async def remove_fault(admin: AdminServices, request: AdminRequest) -> Response:
    """Remove one added fault rule."""
    await admin.changes.remove_rule(request.session, request.name)
    return create_json_response({"deleted": 1})


async def list_accounts(admin: AdminServices, request: AdminRequest) -> Response:
    """Return all accounts with their balances and limits."""
    return await _create_list_response(await admin.accounts.list_accounts(request.session))


async def get_account(admin: AdminServices, request: AdminRequest) -> Response:
    """Return one account by its key or id."""
    return create_json_response(dump_view(await admin.accounts.get(request.session, request.name)))


async def put_account(admin: AdminServices, request: AdminRequest) -> Response:
    """Change or create an account."""
    new = await admin.accounts.put(request.session, request.name, await request.load_document())
    return create_json_response(
        dump_view(await admin.accounts.get(request.session, request.name)), 201 if new else 200
    )


async def remove_account(admin: AdminServices, request: AdminRequest) -> Response:
    """Remove one added account."""
    await admin.accounts.remove(request.session, request.name)
    return create_json_response({"deleted": 1})


async def get_clock(admin: AdminServices, request: AdminRequest) -> Response:
    """Return how far the clock was advanced."""
    return create_json_response(dump_view(await admin.accounts.clock(request.session)))


async def advance_clock(admin: AdminServices, request: AdminRequest) -> Response:
    """Advance the clock."""
    view = await admin.accounts.advance_clock(request.session, await request.load_document())
    return create_json_response(dump_view(view))


async def explain_request(admin: AdminServices, request: AdminRequest) -> Response:
    """Run a request without side effects, and return the outcome with its reasons."""
    document = await request.load_document()
    if isinstance(document.value, dict) and "body" not in document.value:
        document = document_from_value({"body": document.value}, document.name)
    dry_run = await dry_run_input(admin.pipeline, read_document(EXPLAIN_INPUT, document), request.session)
    return create_json_response(dump_view(build_explanation(dry_run)))


async def reset_state(admin: AdminServices, request: AdminRequest) -> Response:
    """Reset a session or the whole server to its files."""
    targets = request.query.get("what", RESETTABLE)
    await admin.changes.reset(request.session, targets)
    return create_json_response({"reset": list(targets), "session": request.session})


async def stream_events(admin: AdminServices, request: AdminRequest) -> Response:
    """Stream requests and changes as server-sent events."""
    after = request.http_request.headers.get("last-event-id", "")
    last = int(after) if after.isascii() and after.isdigit() and len(after) < 16 else None
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    events = admin.feed.subscribe(last, request.session)
    return StreamingResponse(events, 200, headers, "text/event-stream")


async def get_fixture_schema(_: AdminServices, __: AdminRequest) -> Response:
    """Return the JSON Schema of fixture files."""
    return create_json_response(create_json_schema(FIXTURE_FILE, title="mockserver fixtures"))


async def get_openapi(_: AdminServices, __: AdminRequest) -> Response:
    """Return the OpenAPI document of the admin API."""
    return create_json_response(build_openapi(OPERATIONS))


async def get_metrics(admin: AdminServices, request: AdminRequest) -> Response:
    """Return the metrics in the Prometheus format."""
    render_metrics = await asyncio.to_thread(_load_metrics_renderer)
    body, media = await render_metrics(admin.pipeline, request.http_request.headers.get("accept", ""))
    return Response(body, headers={"content-type": media})


def _load_metrics_renderer() -> Callable[[ChatPipeline, str], Awaitable[tuple[bytes, str]]]:
    from mockserver.admin.metrics import render_metrics  # noqa: PLC0415 an expensive import that few servers need

    return render_metrics


def create_admin_app(pipeline: ChatPipeline) -> ASGIApp:
    """Return the admin API of a pipeline, behind its guard."""
    router = create_router(OPERATIONS, AdminServices(pipeline), pipeline.settings.max_body)
    return AdminGuard(router, pipeline.settings)


_FIXTURES_BODY: FieldType = ByType(mapping=FIXTURE_FILE, sequence=ListOf(FIXTURE))
_FAULT_RULES_BODY: FieldType = ByType(mapping=FAULT_RULE, sequence=ListOf(FAULT_RULE))
_SESSION_PARAMETER = ("session",)
_REQUEST_DETAIL: FieldType = ObjectType(RequestDetailView)
_ACCOUNT: FieldType = ObjectType(AccountView)
_CLOCK: FieldType = ObjectType(ClockView)

OPERATIONS = (
    Operation("GET", "", get_index, "The version, the settings, the counts, the vendors and the operations."),
    Operation(
        "GET",
        "/requests",
        list_requests,
        "The requests of the journal, the newest first.",
        ("session", "status", "fixture", "unmatched", "since", "limit"),
        response_type=ObjectType(RequestListView),
    ),
    Operation(
        "DELETE", "/requests", forget_requests, "Delete the requests of the journal.", _SESSION_PARAMETER
    ),
    Operation(
        "GET",
        "/requests/{name}",
        get_request,
        "One request: what was received, what was sent, and why.",
        _SESSION_PARAMETER,
        response_type=_REQUEST_DETAIL,
    ),
    Operation(
        "POST",
        "/requests/{name}/replay",
        replay_request,
        "Send the request again.",
        _SESSION_PARAMETER,
        response_type=_REQUEST_DETAIL,
        status=201,
    ),
    Operation(
        "POST",
        "/requests/{name}/fixture",
        draft_fixture,
        "A fixture that reproduces the response.",
        _SESSION_PARAMETER,
        response_type="application/yaml",
    ),
    Operation(
        "POST",
        "/verify",
        verify_requests,
        "Check that matching requests arrived; 409 explains why not.",
        _SESSION_PARAMETER,
        VERIFY_QUERY,
        ObjectType(VerifyResult),
    ),
    Operation(
        "GET",
        "/fixtures",
        list_fixtures,
        "All fixtures, in the order of matching.",
        _SESSION_PARAMETER,
        response_type=ObjectType(FixtureListView),
    ),
    Operation(
        "POST",
        "/fixtures",
        add_fixtures,
        "Add fixtures before all others.",
        _SESSION_PARAMETER,
        _FIXTURES_BODY,
        status=201,
    ),
    Operation(
        "PUT",
        "/fixtures",
        replace_fixtures,
        "Replace all added fixtures.",
        _SESSION_PARAMETER,
        _FIXTURES_BODY,
    ),
    Operation("DELETE", "/fixtures", clear_fixtures, "Remove all added fixtures.", _SESSION_PARAMETER),
    Operation(
        "POST",
        "/fixtures/shipped",
        add_shipped_fixtures,
        "Add the shipped fixtures before all others.",
        _SESSION_PARAMETER,
        status=201,
    ),
    Operation("POST", "/fixtures/reload", reload_fixtures, "Read the fixture files again."),
    Operation(
        "GET",
        "/fixtures/{name:path}",
        get_fixture,
        "One fixture by its name.",
        _SESSION_PARAMETER,
        response_type=ObjectType(FixtureView),
    ),
    Operation(
        "PUT",
        "/fixtures/{name:path}",
        put_fixture,
        "Replace or add the fixture with this name.",
        _SESSION_PARAMETER,
        FIXTURE,
    ),
    Operation(
        "DELETE", "/fixtures/{name:path}", remove_fixture, "Remove one added fixture.", _SESSION_PARAMETER
    ),
    Operation(
        "GET",
        "/faults",
        list_faults,
        "All fault rules, in the order of evaluation.",
        _SESSION_PARAMETER,
        response_type=ObjectType(FaultRuleListView),
    ),
    Operation(
        "POST",
        "/faults",
        add_faults,
        "Add fault rules before all others.",
        _SESSION_PARAMETER,
        _FAULT_RULES_BODY,
        status=201,
    ),
    Operation("DELETE", "/faults", clear_faults, "Remove all added fault rules.", _SESSION_PARAMETER),
    Operation(
        "DELETE", "/faults/{name:path}", remove_fault, "Remove one added fault rule.", _SESSION_PARAMETER
    ),
    Operation(
        "GET",
        "/accounts",
        list_accounts,
        "All accounts with their balances and limits.",
        _SESSION_PARAMETER,
        response_type=ACCOUNT_LIST,
    ),
    Operation(
        "GET",
        "/accounts/{name:path}",
        get_account,
        "One account by its key or id.",
        _SESSION_PARAMETER,
        response_type=_ACCOUNT,
    ),
    Operation(
        "PUT",
        "/accounts/{name:path}",
        put_account,
        "Change or create an account.",
        _SESSION_PARAMETER,
        ACCOUNT_PATCH,
        _ACCOUNT,
    ),
    Operation(
        "DELETE", "/accounts/{name:path}", remove_account, "Remove one added account.", _SESSION_PARAMETER
    ),
    Operation(
        "GET",
        "/clock",
        get_clock,
        "The clock that rate limits, time windows and fault rules use.",
        _SESSION_PARAMETER,
        response_type=_CLOCK,
    ),
    Operation(
        "POST", "/clock", advance_clock, "Advance the clock.", _SESSION_PARAMETER, CLOCK_ADVANCE, _CLOCK
    ),
    Operation(
        "POST",
        "/explain",
        explain_request,
        "Explain what a request would receive; nothing is counted.",
        _SESSION_PARAMETER,
        EXPLAIN_INPUT,
        ObjectType(ExplanationView),
    ),
    Operation("POST", "/reset", reset_state, "Reset to the fixture files.", ("session", "what")),
    Operation(
        "GET",
        "/events",
        stream_events,
        "Requests and changes as server-sent events.",
        _SESSION_PARAMETER,
        response_type="text/event-stream",
    ),
    Operation("GET", "/schema", get_fixture_schema, "The JSON Schema of fixture files."),
    Operation("GET", "/openapi.json", get_openapi, "The OpenAPI document of this API."),
    Operation(
        "GET",
        "/metrics",
        get_metrics,
        "The metrics in the Prometheus format.",
        response_type="text/plain",
        at_root=True,
    ),
)
