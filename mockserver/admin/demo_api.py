"""The demo in the admin API: whether it runs, its start and its stop."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from mockserver.admin.admin_services import AdminServices
from mockserver.admin.error_responses import AdminError, create_json_response
from mockserver.admin.request_input import AdminRequest
from mockserver.admin.request_views import dump_view
from mockserver.schema.field_types import Boolean, Integer, Text
from mockserver.schema.object_types import ListOf, ObjectType, spec_dataclass, spec_field


@spec_dataclass
class DemoSessionView:
    """One session of the demo."""

    name: str = spec_field(Text(), "its name")
    description: str = spec_field(Text(), "what its client does")


@spec_dataclass
class DemoView:
    """The demo, and whether it runs."""

    available: bool = spec_field(Boolean(), "whether it can run: its clients need a server that listens")
    running: bool = spec_field(Boolean(), "whether its clients send requests")
    rounds: int = spec_field(Integer(0), "how often its script has begun since it was started")
    sessions: Sequence[DemoSessionView] = spec_field(
        ListOf(ObjectType(DemoSessionView)), "the sessions of its clients"
    )


async def get_demo(admin: AdminServices, _: AdminRequest) -> Response:
    """Return the demo and whether it runs."""
    return _create_view_response(admin)


async def start_demo(admin: AdminServices, _: AdminRequest) -> Response:
    """Start the demo, unless it runs."""
    if admin.get_demo is None:
        raise AdminError(409, "the demo's clients need a server that listens on a socket")
    await admin.get_demo().start()
    return _create_view_response(admin)


async def stop_demo(admin: AdminServices, _: AdminRequest) -> Response:
    """Stop the demo, if it runs."""
    if admin.get_demo is not None:
        await admin.get_demo().stop()
    return _create_view_response(admin)


def _create_view_response(admin: AdminServices) -> Response:
    demo = None if admin.get_demo is None else admin.get_demo()
    view = DemoView(
        available=demo is not None,
        running=demo is not None and demo.is_running,
        rounds=0 if demo is None else demo.rounds,
        sessions=[
            DemoSessionView(name=client.session, description=client.description)
            for client in (demo.clients if demo else ())
        ],
    )
    return create_json_response(dump_view(view))
