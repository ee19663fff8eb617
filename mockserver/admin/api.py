"""The admin API: the table of its operations, and the handlers of the server as a whole."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import ModuleType

from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from mockserver import __version__
from mockserver.admin.accounts_api import (
    ACCOUNT_LIST,
    ACCOUNT_PATCH,
    CLOCK_ADVANCE,
    AccountView,
    ClockView,
)
from mockserver.admin.admin_services import AdminServices, GetDemo
from mockserver.admin.demo_api import DemoView, get_demo, start_demo, stop_demo
from mockserver.admin.error_responses import AdminError, create_json_response
from mockserver.admin.explain import EXPLAIN_INPUT
from mockserver.admin.fixtures_api import (
    FaultRuleListView,
    FixtureListView,
    FixtureView,
    count_fixtures,
)
from mockserver.admin.guard import AdminGuard
from mockserver.admin.openapi import Operation, build_openapi
from mockserver.admin.plan_api import PLAN_INPUT, PlanView
from mockserver.admin.report_handlers import get_report, list_calls
from mockserver.admin.request_handlers import (
    draft_fixture,
    explain_request,
    forget_requests,
    get_request,
    list_requests,
    replay_request,
    verify_requests,
)
from mockserver.admin.request_input import AdminRequest
from mockserver.admin.request_views import ExplanationView, RequestDetailView, RequestListView
from mockserver.admin.resources import (
    describe_vendor_access,
)
from mockserver.admin.router import create_router
from mockserver.admin.state_handlers import (
    add_faults,
    add_fixtures,
    add_shipped_fixtures,
    advance_clock,
    begin_plan,
    clear_faults,
    clear_fixtures,
    get_account,
    get_clock,
    get_fixture,
    get_plan,
    list_accounts,
    list_faults,
    list_fixtures,
    put_account,
    put_fixture,
    reload_fixtures,
    remove_account,
    remove_fault,
    remove_fixture,
    remove_plan,
    replace_fixtures,
    reset_state,
    restore_fixture,
)
from mockserver.admin.verify import VERIFY_QUERY, VerifyResult
from mockserver.errors import STATUS_BY_KIND
from mockserver.fixtures.fault_rules import FAULT_RULE
from mockserver.fixtures.fixture import FIXTURE, FIXTURE_FILE
from mockserver.pipeline import ChatPipeline
from mockserver.report.resilience_report import ResilienceReport
from mockserver.schema.field_types import FieldType
from mockserver.schema.object_types import ByType, ListOf, ObjectType, create_json_schema
from mockserver.settings import API_VERSION
from mockserver.wire.faults import FAULTS
from mockserver.workers.worker_link import WorkerLink


async def get_index(admin: AdminServices, _: AdminRequest) -> Response:
    """Return the version, the settings, the counts, the vendors and the operations."""
    pipeline = admin.pipeline
    own_counts = {} if admin.link is not None else await _count_state(pipeline)
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
            "workers": 1 if admin.link is None else admin.link.start.count,
            "counts": {**own_counts, "fixtures": await count_fixtures(pipeline)},
            "vendors": vendors,
            "errors": list(STATUS_BY_KIND),
            "faults": list(FAULTS),
            "links": {f"{one.method} {one.display_path}": one.summary for one in OPERATIONS},
        }
    )


async def _count_state(pipeline: ChatPipeline) -> dict[str, int]:
    kept = await pipeline.store.journal.size()
    return {
        "requests": kept.entries,
        "dropped": kept.evicted,
        "sessions": len(await pipeline.store.sessions()),
        "sessions_evicted": await pipeline.store.evicted_sessions(),
    }


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
    metrics = await asyncio.to_thread(import_metrics)
    accept = request.http_request.headers.get("accept", "")
    if admin.link is None:
        body, media = await metrics.render_metrics(admin.pipeline, accept)
    else:
        body, media = await metrics.render_summed_metrics(admin.link, accept)
    return Response(body, headers={"content-type": media})


def import_metrics() -> ModuleType:
    """Return the module of the metrics, whose import is expensive, and which few servers need."""
    from mockserver.admin import metrics  # noqa: PLC0415

    return metrics


def create_admin_app(
    pipeline: ChatPipeline, get_demo: GetDemo | None = None, link: WorkerLink | None = None
) -> ASGIApp:
    """Return the admin API of a pipeline, behind its guard. `link` is that of one of several workers."""
    operations = OPERATIONS if link is None else tuple(map(_restrict_operation, OPERATIONS))
    router = create_router(operations, AdminServices(pipeline, get_demo, link), pipeline.settings.max_body)
    return AdminGuard(router, pipeline.settings)


def _restrict_operation(operation: Operation) -> Operation:
    """Return an operation of a worker: what needs the state of the whole server is refused."""
    return operation if operation.is_stateless else replace(operation, handler=refuse_local_state)


async def refuse_local_state(admin: AdminServices, _: AdminRequest) -> Response:
    """Refuse an operation, because each worker has only a part of the state."""
    count = admin.link.start.count if admin.link is not None else 1
    raise AdminError(
        409,
        f"each of the {count} workers of this server has its own sessions, limits and journal (--state local), so "
        "that none of them can answer for all; start the server without --workers to use this operation",
    )


_FIXTURES_BODY: FieldType = ByType(mapping=FIXTURE_FILE, sequence=ListOf(FIXTURE))
_FAULT_RULES_BODY: FieldType = ByType(mapping=FAULT_RULE, sequence=ListOf(FAULT_RULE))
_REQUEST_DETAIL: FieldType = ObjectType(RequestDetailView)
_ACCOUNT: FieldType = ObjectType(AccountView)
_CLOCK: FieldType = ObjectType(ClockView)
_PLAN: FieldType = ObjectType(PlanView)
_DEMO: FieldType = ObjectType(DemoView)

OPERATIONS = (
    Operation(
        "GET",
        "",
        get_index,
        "The version, the settings, the counts, the vendors and the operations.",
        query_parameters=(),
        is_stateless=True,
    ),
    Operation(
        "GET",
        "/requests",
        list_requests,
        "The requests of the journal, the newest first.",
        query_parameters=(
            *("session", "status", "fixture", "unmatched", "vendor", "ended", "faulty", "q"),
            *("since", "before", "limit", "attempts"),
        ),
        response_type=ObjectType(RequestListView),
    ),
    Operation("DELETE", "/requests", forget_requests, "Delete the requests of the journal."),
    Operation(
        "GET",
        "/requests/{name}",
        get_request,
        "One request: what was received, what was sent, and why.",
        response_type=_REQUEST_DETAIL,
    ),
    Operation(
        "POST",
        "/requests/{name}/replay",
        replay_request,
        "Send the request again.",
        response_type=_REQUEST_DETAIL,
        status=201,
    ),
    Operation(
        "POST",
        "/requests/{name}/fixture",
        draft_fixture,
        "A fixture that reproduces the response.",
        response_type="application/yaml",
    ),
    Operation(
        "GET",
        "/report",
        get_report,
        "What the clients did wrong.",
        response_type=ObjectType(ResilienceReport),
    ),
    Operation(
        "GET",
        "/calls",
        list_calls,
        "The ids of the requests, grouped into the attempts of one call, in the order of arrival.",
        query_parameters=("session", "since", "before", "limit"),
    ),
    Operation(
        "POST",
        "/verify",
        verify_requests,
        "Check that matching requests arrived; 409 explains why not.",
        request_type=VERIFY_QUERY,
        response_type=ObjectType(VerifyResult),
    ),
    Operation(
        "GET",
        "/fixtures",
        list_fixtures,
        "All fixtures, in the order of matching.",
        response_type=ObjectType(FixtureListView),
    ),
    Operation(
        "POST",
        "/fixtures",
        add_fixtures,
        "Add fixtures before all others.",
        request_type=_FIXTURES_BODY,
        status=201,
    ),
    Operation(
        "PUT", "/fixtures", replace_fixtures, "Replace all added fixtures.", request_type=_FIXTURES_BODY
    ),
    Operation("DELETE", "/fixtures", clear_fixtures, "Remove all added fixtures."),
    Operation(
        "POST",
        "/fixtures/shipped",
        add_shipped_fixtures,
        "Add the shipped fixtures before all others.",
        status=201,
    ),
    Operation(
        "POST",
        "/fixtures/reload",
        reload_fixtures,
        "Read the fixture files again.",
        query_parameters=(),
        is_stateless=True,
    ),
    Operation(
        "GET",
        "/fixtures/{name:path}",
        get_fixture,
        "One fixture by its name.",
        response_type=ObjectType(FixtureView),
    ),
    Operation(
        "PUT",
        "/fixtures/{name:path}",
        put_fixture,
        "Replace or add the fixture with this name.",
        request_type=FIXTURE,
    ),
    Operation("DELETE", "/fixtures/{name:path}", remove_fixture, "Remove one added fixture."),
    Operation(
        "POST", "/fixtures/{name:path}/restore", restore_fixture, "Put a removed fixture back in its place."
    ),
    Operation(
        "GET",
        "/faults",
        list_faults,
        "All fault rules, in the order of evaluation.",
        response_type=ObjectType(FaultRuleListView),
    ),
    Operation(
        "POST",
        "/faults",
        add_faults,
        "Add fault rules before all others.",
        request_type=_FAULT_RULES_BODY,
        status=201,
    ),
    Operation("DELETE", "/faults", clear_faults, "Remove all added fault rules."),
    Operation("DELETE", "/faults/{name:path}", remove_fault, "Remove one added fault rule."),
    Operation(
        "GET",
        "/accounts",
        list_accounts,
        "All accounts with their balances and limits.",
        response_type=ACCOUNT_LIST,
    ),
    Operation(
        "GET", "/accounts/{name:path}", get_account, "One account by its key or id.", response_type=_ACCOUNT
    ),
    Operation(
        "PUT",
        "/accounts/{name:path}",
        put_account,
        "Change or create an account.",
        request_type=ACCOUNT_PATCH,
        response_type=_ACCOUNT,
    ),
    Operation("DELETE", "/accounts/{name:path}", remove_account, "Remove one added account."),
    Operation(
        "GET",
        "/clock",
        get_clock,
        "The clock that rate limits, time windows, fault rules and the plan use.",
        response_type=_CLOCK,
    ),
    Operation(
        "POST",
        "/clock",
        advance_clock,
        "Advance the clock.",
        request_type=CLOCK_ADVANCE,
        response_type=_CLOCK,
    ),
    Operation("GET", "/plan", get_plan, "The plan, and where it stands.", response_type=_PLAN),
    Operation(
        "POST",
        "/plan",
        begin_plan,
        "Set a plan, or without a body restart the present one; it begins with the next request.",
        query_parameters=(),
        request_type=PLAN_INPUT,
        requires_body=False,
        response_type=_PLAN,
    ),
    Operation(
        "DELETE",
        "/plan",
        remove_plan,
        "Return to the plan of the files.",
        query_parameters=(),
        response_type=_PLAN,
    ),
    Operation("GET", "/demo", get_demo, "Whether the demo runs.", query_parameters=(), response_type=_DEMO),
    Operation("POST", "/demo", start_demo, "Start the demo.", query_parameters=(), response_type=_DEMO),
    Operation("DELETE", "/demo", stop_demo, "Stop the demo.", query_parameters=(), response_type=_DEMO),
    Operation(
        "POST",
        "/explain",
        explain_request,
        "Explain what a request would receive; nothing is counted.",
        request_type=EXPLAIN_INPUT,
        response_type=ObjectType(ExplanationView),
    ),
    Operation(
        "POST", "/reset", reset_state, "Reset to the fixture files.", query_parameters=("session", "what")
    ),
    Operation(
        "GET",
        "/events",
        stream_events,
        "Requests and changes as server-sent events.",
        response_type="text/event-stream",
    ),
    Operation(
        "GET",
        "/schema",
        get_fixture_schema,
        "The JSON Schema of fixture files.",
        query_parameters=(),
        is_stateless=True,
    ),
    Operation(
        "GET",
        "/openapi.json",
        get_openapi,
        "The OpenAPI document of this API.",
        query_parameters=(),
        is_stateless=True,
    ),
    Operation(
        "GET",
        "/metrics",
        get_metrics,
        "The metrics in the Prometheus format.",
        query_parameters=(),
        response_type="text/plain",
        at_root=True,
        is_stateless=True,
    ),
)
