"""Handlers of the admin API for what tests change: fixtures, fault rules, accounts, clock, plan, and the reset."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from starlette.responses import Response

from mockserver.admin.accounts_api import AccountListView
from mockserver.admin.admin_services import AdminServices
from mockserver.admin.changes import format_scope_label
from mockserver.admin.error_responses import AdminError, create_json_response
from mockserver.admin.fixtures_api import (
    FaultRuleListView,
    FixtureListView,
    collect_fault_rules,
    collect_fixtures,
    redact_definition,
)
from mockserver.admin.request_input import RESETTABLE, AdminRequest
from mockserver.admin.request_views import dump_view
from mockserver.errors import InputError, Problem
from mockserver.matching import loader
from mockserver.matching.loader import LoadedFile, parse_runtime_rules
from mockserver.matching.plan_loader import parse_runtime_plan
from mockserver.schema.messages import did_you_mean, truncate_text
from mockserver.schema.object_types import get_spec_fields
from mockserver.workers.worker_link import RELOAD, RELOAD_TIMEOUT


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


async def replace_fixtures(admin: AdminServices, request: AdminRequest) -> Response:
    """Replace all added fixtures."""
    added = await admin.changes.replace_all(request.session, await _read_fixtures(request))
    return create_json_response(_added_names(added))


async def add_shipped_fixtures(admin: AdminServices, request: AdminRequest) -> Response:
    """Add the shipped fixtures before all others."""
    shipped = await asyncio.to_thread(loader.load_shipped_fixtures)
    return create_json_response(_added_names(await admin.changes.add(request.session, shipped)), 201)


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


async def restore_fixture(admin: AdminServices, request: AdminRequest) -> Response:
    """Put a removed fixture back in its place."""
    await admin.changes.restore(request.session, request.name)
    return create_json_response({"fixtures": [request.name]})


async def reload_fixtures(admin: AdminServices, _: AdminRequest) -> Response:
    """Read the fixture files again, in all workers."""
    if admin.link is None:
        return create_json_response({"fixtures": await admin.changes.reload()})
    replies = (await admin.link.call(RELOAD, RELOAD_TIMEOUT)).current
    if problems := [Problem(**one) for reply in replies for one in reply["problems"]]:
        raise InputError(*dict.fromkeys(problems))
    return create_json_response({"fixtures": len(admin.pipeline.fixtures)})


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


async def get_plan(admin: AdminServices, request: AdminRequest) -> Response:
    """Return the plan, and where it stands."""
    return create_json_response(dump_view(await admin.plan.view(request.session)))


async def begin_plan(admin: AdminServices, request: AdminRequest) -> Response:
    """Set the plan in the body, or restart the present one; it begins with the next request."""
    if request.has_body:
        await admin.plan.set(await request.load_as(parse_runtime_plan))
    else:
        await admin.plan.restart()
    return create_json_response(dump_view(await admin.plan.view(None)))


async def remove_plan(admin: AdminServices, _: AdminRequest) -> Response:
    """Return to the plan of the files."""
    await admin.plan.set(None)
    return create_json_response(dump_view(await admin.plan.view(None)))


async def reset_state(admin: AdminServices, request: AdminRequest) -> Response:
    """Reset a session or the whole server to its files. The plan is of all sessions, so no session resets it."""
    session, stated = request.session, request.query.get("what")
    if session is not None and stated and "plan" in stated:
        raise AdminError(400, "what=plan: all sessions share the plan; leave out `session`")
    targets = stated or tuple(one for one in RESETTABLE if session is None or one != "plan")
    await admin.changes.reset(session, targets)
    if "plan" in targets:
        await admin.plan.set(None)
    return create_json_response({"reset": list(targets), "session": session})
