"""The control API: every way to steer the server, in the table at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from mockserver import __version__, document, record, shape
from mockserver.chat import Line
from mockserver.control import accounts as keeping
from mockserver.control import explain, inventory, openapi, replay, views
from mockserver.control import verify as verification
from mockserver.control.accounts import Ledger
from mockserver.control.desk import Desk, label
from mockserver.control.door import door
from mockserver.control.feed import Feed
from mockserver.control.guard import Guard
from mockserver.control.intake import RESETTABLE, Asked
from mockserver.control.openapi import Way
from mockserver.control.refusal import Refused, answer
from mockserver.control.replay import Replays
from mockserver.document import clipped
from mockserver.errors import KINDS
from mockserver.record import ByType, ListOf, Record
from mockserver.session.journal import Entry
from mockserver.shape import Shape
from mockserver.shelf import library
from mockserver.shelf.fixture import FILE, WRITTEN
from mockserver.shelf.library import Book
from mockserver.shelf.matching import Miss
from mockserver.shelf.rule import RULE
from mockserver.wire.faults import FAULTS


class Admin:
    """What the ways need."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.feed = Feed(line.playback.closing)
        self.ledger = Ledger(line, self.feed)
        self.desk = Desk(line, self.feed, self.ledger)
        self.replays = Replays(line)
        line.store.journal.listeners.append(self.feed.request)
        line.listeners.append(lambda: self.feed.change("fixtures", None))

    async def entry(self, asked: Asked) -> Entry:
        entry = await self.line.store.journal.entry(asked.name)
        if entry is None or asked.session not in (None, entry.session):
            raise Refused(404, f"the journal has no request {clipped(asked.name)!r}; it may have been let go")
        return entry


async def index(admin: Admin, _: Asked) -> Response:
    line = admin.line
    extent = await line.store.journal.extent()
    vendors = {name: views.access(vendor.profile) for name, vendor in line.directory.vendors.items()}
    return answer(
        {
            "name": "mockserver",
            "version": __version__,
            "seed": line.settings.seed,
            "strict": line.settings.strict,
            "counts": {
                "requests": extent.kept,
                "dropped": extent.dropped,
                "sessions": len(await line.store.sessions()),
                "fixtures": await inventory.size(line),
            },
            "vendors": vendors,
            "errors": list(KINDS),
            "faults": list(FAULTS),
            "links": {f"{way.method} {way.shown}": way.summary for way in WAYS},
        }
    )


async def requests(admin: Admin, asked: Asked) -> Response:
    journal, query = admin.line.store.journal, asked.query
    entries = await journal.entries(asked.session, query.get("since", 0))
    found = islice((entry for entry in entries if _is(entry, query)), query.get("limit"))
    told = views.Requests(requests=tuple(map(views.brief, found)), dropped=(await journal.extent()).dropped)
    return answer(views.plain(told))


def _is(entry: Entry, query: Any) -> bool:
    status = str(entry.status)
    return (
        ("status" not in query or status in query["status"] or f"{status[0]}xx" in query["status"])
        and ("fixture" not in query or entry.fixture == query["fixture"])
        and ("unmatched" not in query or entry.matched is not query["unmatched"])
    )


async def forget_requests(admin: Admin, asked: Asked) -> Response:
    return answer({"deleted": await admin.desk.forget(asked.session)})


async def request(admin: Admin, asked: Asked) -> Response:
    return await _story(admin, await admin.entry(asked))


async def _story(admin: Admin, entry: Entry, status: int = 200) -> Response:
    misses: tuple[Miss, ...] = ()
    if entry.call is not None:
        misses = (await explain.rehearse(admin.line, entry.call)).misses
    return answer(views.plain(views.story(entry, misses)), status)


async def replay_request(admin: Admin, asked: Asked) -> Response:
    return await _story(admin, await admin.replays.replay(await admin.entry(asked)), 201)


async def write_fixture(admin: Admin, asked: Asked) -> Response:
    return Response(replay.fixture(await admin.entry(asked)), 200, media_type="application/yaml")


async def verify(admin: Admin, asked: Asked) -> Response:
    wanted = await asked.read(lambda written: shape.read(verification.VERIFICATION, written))
    given_up = asyncio.ensure_future(_over(admin, asked.request))
    try:
        verified = await verification.verify(wanted, admin.line.store.journal, asked.session, given_up)
    finally:
        given_up.cancel()
    return answer(views.plain(verified))


async def _over(admin: Admin, request: Request) -> None:
    """Returns when waiting is of no use any more: the server stops, or the one who asked has left."""
    stops = asyncio.ensure_future(admin.line.playback.closing.wait())
    leaves = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({stops, leaves}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stops.cancel()
        leaves.cancel()


async def fixtures(admin: Admin, asked: Asked) -> Response:
    return answer(views.plain(await inventory.fixtures(admin.line, asked.session)))


async def add_fixtures(admin: Admin, asked: Asked) -> Response:
    book = await admin.desk.add(asked.session, await _book(asked))
    return answer(_names(book.fixtures, book.rules), 201)


async def exchange_fixtures(admin: Admin, asked: Asked) -> Response:
    book = await admin.desk.exchange(asked.session, await _book(asked))
    return answer(_names(book.fixtures, book.rules))


async def _book(asked: Asked) -> Book:
    return await asked.read(lambda written: library.added(written, label(asked.session)))


def _names(made: Any, rules: Any) -> dict[str, Any]:
    names = {"fixtures": [one.name for one in made]}
    return names | ({"faults": [{"id": one.name} for one in rules]} if rules else {})


async def clear_fixtures(admin: Admin, asked: Asked) -> Response:
    return answer({"deleted": await admin.desk.clear(asked.session)})


async def fixture(admin: Admin, asked: Asked) -> Response:
    known = (await inventory.fixtures(admin.line, asked.session)).fixtures
    for one in known:
        if one.name == asked.name:
            return answer(views.plain(one))
    near = shape.meant(asked.name, [one.name for one in known])
    raise Refused(404, f"there is no fixture {clipped(asked.name)!r}{near}")


async def put_fixture(admin: Admin, asked: Asked) -> Response:
    new = await admin.desk.put(asked.session, asked.name, await _book(asked))
    return answer({"fixtures": [asked.name]}, 201 if new else 200)


async def remove_fixture(admin: Admin, asked: Asked) -> Response:
    await admin.desk.remove(asked.session, asked.name)
    return answer({"deleted": 1})


async def reload(admin: Admin, _: Asked) -> Response:
    return answer({"fixtures": await admin.desk.reload()})


async def faults(admin: Admin, asked: Asked) -> Response:
    return answer(views.plain(await inventory.rules(admin.line, asked.session)))


async def add_faults(admin: Admin, asked: Asked) -> Response:
    read = await asked.read(library.rules)
    rules = await admin.desk.add_rules(asked.session, read)
    return answer(
        {"faults": [{"id": one.name, "written": inventory.veiled(one.written)} for one in rules]}, 201
    )


async def clear_faults(admin: Admin, asked: Asked) -> Response:
    return answer({"deleted": await admin.desk.drop_rules(asked.session)})


async def remove_fault(admin: Admin, asked: Asked) -> Response:
    await admin.desk.remove_rule(asked.session, asked.name)
    return answer({"deleted": 1})


async def accounts(admin: Admin, asked: Asked) -> Response:
    return answer(views.plain(await admin.ledger.all(asked.session)))


async def account(admin: Admin, asked: Asked) -> Response:
    return answer(views.plain(await admin.ledger.one(asked.session, asked.name)))


async def put_account(admin: Admin, asked: Asked) -> Response:
    new = await admin.ledger.put(asked.session, asked.name, await asked.document())
    return answer(views.plain(await admin.ledger.one(asked.session, asked.name)), 201 if new else 200)


async def remove_account(admin: Admin, asked: Asked) -> Response:
    await admin.ledger.remove(asked.session, asked.name)
    return answer({"deleted": 1})


async def clock(admin: Admin, asked: Asked) -> Response:
    return answer(views.plain(admin.ledger.time(asked.session)))


async def advance_clock(admin: Admin, asked: Asked) -> Response:
    return answer(views.plain(admin.ledger.advance(asked.session, await asked.document())))


async def explain_request(admin: Admin, asked: Asked) -> Response:
    written = await asked.document()
    if isinstance(written.value, dict) and "body" not in written.value:
        written = document.of({"body": written.value}, written.name)
    read = shape.read(explain.ASKED, written)
    explained = await explain.explain(admin.line, read, asked.session)
    return answer(views.plain(views.explanation(explained)))


async def reset(admin: Admin, asked: Asked) -> Response:
    what = asked.query.get("what", RESETTABLE)
    await admin.desk.reset(asked.session, what)
    return answer({"reset": list(what), "session": asked.session})


async def events(admin: Admin, asked: Asked) -> Response:
    after = asked.request.headers.get("last-event-id", "")
    last = int(after) if after.isascii() and after.isdigit() and len(after) < 16 else None
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    told = admin.feed.follow(last, asked.session)
    return StreamingResponse(told, 200, headers, "text/event-stream")


async def schema(_: Admin, __: Asked) -> Response:
    return answer(record.schema(FILE, title="mockserver fixtures"))


async def describe(_: Admin, __: Asked) -> Response:
    return answer(openapi.describe(WAYS))


async def metrics(admin: Admin, asked: Asked) -> Response:
    tell = await asyncio.to_thread(_metrics)
    body, media = await tell(admin.line, asked.request.headers.get("accept", ""))
    return Response(body, headers={"content-type": media})


def _metrics() -> Callable[[Line, str], Awaitable[tuple[bytes, str]]]:
    from mockserver.control.metrics import tell  # noqa: PLC0415 few servers are ever asked

    return tell


def control(line: Line) -> ASGIApp:
    """The control API of a line, guarded."""
    ways = door(WAYS, Admin(line), line.settings.max_body)
    return Guard(ways, line.settings.admin_token, line.settings.host)


_ADDED: Shape = ByType(mapping=FILE, sequence=ListOf(WRITTEN))
_RULES: Shape = ByType(mapping=RULE, sequence=ListOf(RULE))
_OF = ("session",)
_STORY: Shape = Record(views.Story)
_KEPT: Shape = Record(keeping.Kept)
_TIME: Shape = Record(keeping.Time)

WAYS = (
    Way("GET", "", index, "What there is: links, version, vendors, counts."),
    Way(
        "GET",
        "/requests",
        requests,
        "The journal, the newest first.",
        ("session", "status", "fixture", "unmatched", "since", "limit"),
        told=Record(views.Requests),
    ),
    Way("DELETE", "/requests", forget_requests, "Forget the requests.", _OF),
    Way("GET", "/requests/{name}", request, "One request: asked, heard, and why.", _OF, told=_STORY),
    Way("POST", "/requests/{name}/replay", replay_request, "Ask it once more.", _OF, told=_STORY, status=201),
    Way("POST", "/requests/{name}/fixture", write_fixture, "It as a fixture.", _OF, told="application/yaml"),
    Way(
        "POST",
        "/verify",
        verify,
        "Whether requests like these were made, so many times; 409 says why not.",
        _OF,
        verification.VERIFICATION,
        Record(verification.Verified),
    ),
    Way("GET", "/fixtures", fixtures, "All fixtures, in order.", _OF, told=Record(inventory.Inventory)),
    Way("POST", "/fixtures", add_fixtures, "Add fixtures before all others.", _OF, _ADDED, status=201),
    Way("PUT", "/fixtures", exchange_fixtures, "These in the place of all that were added.", _OF, _ADDED),
    Way("DELETE", "/fixtures", clear_fixtures, "Take away all that were added.", _OF),
    Way("POST", "/fixtures/reload", reload, "Read the files again."),
    Way("GET", "/fixtures/{name:path}", fixture, "One fixture.", _OF, told=Record(inventory.Shelved)),
    Way("PUT", "/fixtures/{name:path}", put_fixture, "This one, under this name.", _OF, WRITTEN),
    Way("DELETE", "/fixtures/{name:path}", remove_fixture, "Take away one that was added.", _OF),
    Way("GET", "/faults", faults, "All fault rules, in order.", _OF, told=Record(inventory.Rules)),
    Way("POST", "/faults", add_faults, "Add fault rules before all others.", _OF, _RULES, status=201),
    Way("DELETE", "/faults", clear_faults, "Take away all that were added.", _OF),
    Way("DELETE", "/faults/{name:path}", remove_fault, "Take away one that was added.", _OF),
    Way("GET", "/accounts", accounts, "All accounts, as they stand.", _OF, told=keeping.ACCOUNTS),
    Way("GET", "/accounts/{name:path}", account, "One account, by key or id.", _OF, told=_KEPT),
    Way("PUT", "/accounts/{name:path}", put_account, "Change one, or make it.", _OF, keeping.CHANGE, _KEPT),
    Way("DELETE", "/accounts/{name:path}", remove_account, "Take away what was added.", _OF),
    Way("GET", "/clock", clock, "What limits, windows and fault rules go by.", _OF, told=_TIME),
    Way("POST", "/clock", advance_clock, "Move it on.", _OF, keeping.ADVANCE, _TIME),
    Way(
        "POST",
        "/explain",
        explain_request,
        "What would become of a request; nothing is counted.",
        _OF,
        explain.ASKED,
        Record(views.Explanation),
    ),
    Way("POST", "/reset", reset, "Back to the files.", ("session", "what")),
    Way("GET", "/events", events, "What happens, as it happens.", _OF, told="text/event-stream"),
    Way("GET", "/schema", schema, "The JSON Schema of fixture files."),
    Way("GET", "/openapi.json", describe, "This, for programs."),
    Way("GET", "/metrics", metrics, "The metrics, for Prometheus.", told="text/plain", root=True),
)
