"""The line: one call from request to playback. `Line.answer` says the order, and is the only place that does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, cast
from urllib.parse import quote

import orjson
from starlette.types import Receive, Scope, Send

from mockserver import call as calls
from mockserver.call import Call, ClientLeft, Reader
from mockserver.errors import ApiError, Problem
from mockserver.notes import noted
from mockserver.origin import Head, Origin, Origins, session
from mockserver.reply import completion, listing
from mockserver.reply.cashier import Cashier
from mockserver.reply.chance import Chance
from mockserver.reply.moulds import Moulds
from mockserver.session import demand, gate, trouble
from mockserver.session.bank import Bank
from mockserver.session.demand import Demand
from mockserver.session.journal import Entry
from mockserver.session.store import ANSWERED, EMPTY, Layer, Store
from mockserver.session.tally import Tally
from mockserver.settings import Settings
from mockserver.shape import meant
from mockserver.shelf import matching
from mockserver.shelf.matching import Found, Miss, Shelf, Stack
from mockserver.shelf.rule import Laid
from mockserver.vendors.directory import Directory
from mockserver.wire import faults
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.faults import Fault
from mockserver.wire.lines import Lines, encoded
from mockserver.wire.playback import TRANSPORT, Heard, Playback, without_transport

Report = Callable[[Entry], None]


class Reached(NamedTuple):
    """What a session's call meets; `answered` is how often each fixture has answered it, by name."""

    shelf: Shelf | Stack
    answered: Mapping[str, int]
    rules: tuple[Laid, ...]
    bank: Bank


class Line:
    """The endpoint of every vendor's route, as a plain ASGI application.

    `rules` are the fault rules of all calls; `report` hears of each request that has ended.
    """

    def __init__(
        self,
        settings: Settings,
        directory: Directory,
        shelf: Shelf,
        rules: tuple[Laid, ...],
        store: Store,
        playback: Playback,
        report: Report,
    ) -> None:
        self.settings = settings
        self.directory = directory
        self.shelf = shelf
        self.rules = rules
        self.store = store
        self.playback = playback
        self.report = report
        self.tally = Tally()
        self.cashier = Cashier(store, strangers=not settings.known_keys_only)
        self.bank = Bank(shelf.accounts)  # the accounts of the files
        self.moulds = Moulds()
        self.origins = Origins(directory)
        self.reader = Reader(settings.max_body)
        self.problems: tuple[Problem, ...] = ()  # of the files as they are now, where these are not served
        self.listeners: list[Callable[[], None]] = []  # they hear of new fixtures, and of new problems

    def restock(self, shelf: Shelf) -> None:
        """From now on these fixtures; what is being played goes on as it was decided."""
        self.shelf = shelf
        self.bank = Bank(shelf.accounts)
        self.keep(())

    def keep(self, problems: tuple[Problem, ...]) -> None:
        """The fixtures stay as they are, because of these problems in the files; or there are none any more."""
        self.problems = problems
        for listen in self.listeners:
            listen()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head, origin = self.origins.of(scope)
        if origin is None:
            entry = Entry(calls.new_id(), head, session(head), why="no vendor has this path")
        else:
            try:
                call = await self.reader.read(origin, receive)
            except ClientLeft:
                return
            entry = Entry(calls.new_id(), head, origin.session, call)
        await self.serve(entry, scope, receive, send)

    async def serve(self, entry: Entry, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that has arrived, and note what becomes of it."""
        journal = self.store.journal

        async def close(heard: Heard) -> None:
            await journal.close(entry, heard)
            if entry.paid is not None:
                await self.cashier.close(entry)
            self.tally.note(entry, heard)
            self.report(entry)

        await journal.open(entry)
        if entry.kept is None:
            answer = self.nowhere(entry.head)
        else:
            # Calls of one session are decided one after the other, so that each counts those before it.
            async with self.store.turn(entry.session):
                answer = await self.answer(entry.kept, entry)
        if TRANSPORT not in scope.get("state", ()):
            answer = without_transport(answer)
        await journal.decide(entry, answer)
        await self.playback.play(answer, scope, receive, send, close, entry.began)

    async def rehearsed(self, session: str) -> Line:
        """A line like this one for a session, that remembers nothing and is never heard."""
        store = await self.store.copy(session)
        return Line(self.settings, self.directory, self.shelf, self.rules, store, self.playback, self.report)

    def reached(self, own: Layer, shared: Layer, answered: Mapping[str, int]) -> Reached:
        """The fixtures, the fault rules and the accounts that a session's calls meet, in their order."""
        if own is EMPTY and shared is EMPTY:
            return Reached(self.shelf, answered, self.shelf.rules + self.rules, self.bank)
        rules = (*own.rules, *shared.rules, *self.shelf.rules, *self.rules)
        bank = Bank(self.shelf.accounts, own, shared)
        return Reached(matching.over(own.shelf, shared.shelf, self.shelf), answered, rules, bank)

    async def answer(self, call: Call, entry: Entry) -> Answer:
        """Everything is decided here, before the first byte."""
        shelf, answered, rules, bank = self.reached(*await self.store.meets(call.session))
        lookup = call.place.lookup
        found = None if lookup else matching.pick(call, shelf, answered)
        asked, struck, own = demand.NOTHING, demand.NOTHING, None
        try:
            asked = demand.read(call)
            if asked is not demand.NOTHING:
                found = _chosen(asked, shelf, answered) or found
                asked.strike()
            if rules:
                struck = await trouble.roll(call, rules, self.store, self.settings.seed)
                struck.strike()
            if bank or self.settings.known_keys_only:
                await self.cashier.admit(call, bank, entry)
            else:
                gate.admit(call)
            if lookup and not found:
                answer = listing.render(call, lookup, await self.cashier.told(call, lookup, entry))
            else:
                answer = await self.say(entry, call, shelf, found, answered)
            own = found.response.fault if found else None
        except ApiError as error:
            entry.why = error.message or error.detail or (struck.rule and f"the fault rule {struck.rule}")
            answer = call.vendor.refuse(error, completion.about(call))
        entry.matched = found is not None or lookup is not None
        entry.fixture = found.fixture.name if found else ""
        entry.rule = struck.rule
        answer = _signed(answer, entry, call.origin, self.settings.seed)
        if asked is not struck or own is not None:  # else nothing was demanded
            answer = _worse(
                _late(answer, struck.delay + asked.delay), asked.fault or struck.fault or own, entry
            )
        if entry.paid is not None:
            await self.cashier.decide(call, answer, entry)
        return answer

    async def say(
        self,
        entry: Entry,
        call: Call,
        shelf: Shelf | Stack,
        found: Found | None,
        answered: Mapping[str, int],
    ) -> Answer:
        """What the fixture says, or what is made up where none speaks; a strict server makes nothing up."""
        seed = self.settings.seed
        if found is None:
            if self.settings.strict:
                raise _unmatched(matching.nearest(call, shelf, answered))
            from mockserver.reply import improvise  # noqa: PLC0415 not every server makes something up

            response = improvise.response(call, seed, self.settings.locale, self.settings.reply)
        else:
            response = found.response
            if response.template:
                from mockserver.reply import templated  # noqa: PLC0415 nor has templates

                response = templated.filled(call, found.fixture, response, seed, self.settings.locale)
        entry.said = response
        left = await self.cashier.charge(call, entry.account, entry) if entry.account else {}
        if found is None:
            return completion.render(call, response, Chance(seed, call.session), left)
        before = await self.store.count(call.session, ANSWERED, found.fixture.name)
        chance = Chance(seed, call.session, found.fixture.name, before)
        return completion.render(call, response, chance, left, None if response.template else self.moulds)

    def nowhere(self, asked: Head) -> Answer:
        """A path that belongs to no vendor: most often a base URL that is not quite right."""
        roots = ", ".join(f"/{name}" for name in self.directory.vendors)
        message = f"Nothing is at {asked.method} {asked.path}. Each vendor is under its own path: {roots}"
        body = orjson.dumps({"error": {"message": message, "type": "not_found", "code": "no_such_path"}})
        return Answer(404, (("content-type", "application/json"),), (Frame(body),))


def _unmatched(misses: Sequence[Miss]) -> ApiError:
    """The refusal of a strict server, which says in the client's own traceback what came nearest."""
    near = "; ".join(map(str, misses)) or "there are no fixtures at all"
    return ApiError(
        "not_found",
        f"mockserver: no fixture matched. Nearest: {near}",
        headers=(("x-should-retry", "false"),),
    )


def _chosen(asked: Demand, shelf: Shelf | Stack, answered: Mapping[str, int]) -> Found | None:
    """The fixture that the request names, whatever it matches."""
    name = asked.fixture
    if name is None:
        return None
    fixture = shelf.named(name)
    if fixture is None:
        raise ApiError(
            "invalid_request",
            f"{demand.FIXTURE}: found {name[:80]!r}, expected a fixture's name{meant(name, shelf.names)}",
        )
    response = fixture.after(answered.get(fixture.name, 0))
    return Found(fixture, response or fixture.responses[-1])


def _late(answer: Answer, delay: float) -> Answer:
    return replace(answer, wait=answer.wait + delay) if delay else answer


def _worse(answer: Answer, fault: Fault | None, entry: Entry) -> Answer:
    """The answer with the fault in it, in the vendor's words where it needs some; the same where none strikes."""
    call = cast(Call, entry.kept)
    worse = faults.apply(fault, answer, lambda error: call.vendor.refuse(error, completion.about(call)))
    if worse is not answer:
        entry.fault, entry.meant = str(fault), answer
    return worse


def _signed(answer: Answer, entry: Entry, origin: Origin, seed: int) -> Answer:
    """The answer with what the mock says of itself."""
    mine = b"x-mock-request-id: %b\r\n" % entry.id.encode()
    return answer.adding(mine, _signature(origin, entry.fixture, seed))


@noted
def _signature(origin: Origin, fixture: str, seed: int) -> bytes:
    """What it says to all that ask the same of the same fixture."""
    headers = (
        ("x-mock-fixture", quote(fixture)),
        ("x-mock-session", quote(origin.session)),
        ("x-mock-seed", str(seed)),
        ("access-control-expose-headers", EXPOSED),
        *origin.vendor.echoed(origin.headers),
    )
    return cast(Lines, encoded(headers)).text


EXPOSED = "x-mock-request-id, x-mock-fixture, x-mock-session, x-mock-seed, x-request-id, retry-after, retry-after-ms"
