"""The line: one call from request to playback. `Line.answer` says the order, and is the only place that does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, cast
from urllib.parse import quote

import orjson
from starlette.types import Receive, Scope, Send

from mockserver.billing.charging import AccountRegistry, Charging
from mockserver.errors import ApiError, Problem
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.matching.fixture_set import (
    FixtureMatch,
    FixtureSet,
    LayeredFixtures,
    NearMiss,
    find_first_match,
    find_near_misses,
    layer_fixture_sets,
)
from mockserver.memoize import memoized
from mockserver.rendering.aux_reply import render_aux_reply
from mockserver.rendering.completion import LazyRandom, build_error_context, render_completion
from mockserver.rendering.render_cache import RenderCache
from mockserver.request.chat_request import (
    ChatRequest,
    ClientDisconnected,
    RequestReader,
    generate_request_id,
)
from mockserver.request.request_head import HeadCache, RequestHead, RoutedHead, resolve_session_name
from mockserver.schema.messages import did_you_mean
from mockserver.sessions.counters import RequestCounters
from mockserver.sessions.injected_faults import (
    FIXTURE_HEADER,
    NO_INJECTION,
    Injection,
    parse_injection,
    roll_fault_rules,
)
from mockserver.sessions.journal import JournalEntry
from mockserver.sessions.store import ANSWERED, EMPTY_OVERLAY, Overlay, SessionStore
from mockserver.settings import Settings
from mockserver.validation.admission import admit_request
from mockserver.vendors.routing import VendorRouter
from mockserver.wire.answer import Answer, Frame, HeaderBlock, encode_headers
from mockserver.wire.faults import Fault, apply_fault
from mockserver.wire.playback import TRANSPORT_KEY, Delivery, Playback, without_transport

OnRequestEnd = Callable[[JournalEntry], None]


class EffectiveState(NamedTuple):
    """What a session's call meets; `answered` is how often each fixture has answered it, by name."""

    fixtures: FixtureSet | LayeredFixtures
    answer_counts: Mapping[str, int]
    fault_rules: tuple[FaultRule, ...]
    accounts: AccountRegistry


class ChatPipeline:
    """The endpoint of every vendor's route, as a plain ASGI application.

    `rules` are the fault rules of all calls; `report` hears of each request that has ended.
    """

    def __init__(
        self,
        settings: Settings,
        router: VendorRouter,
        fixtures: FixtureSet,
        fault_rules: tuple[FaultRule, ...],
        store: SessionStore,
        playback: Playback,
        on_request_end: OnRequestEnd,
    ) -> None:
        self.settings = settings
        self.router = router
        self.fixtures = fixtures
        self.fault_rules = fault_rules
        self.store = store
        self.playback = playback
        self.on_request_end = on_request_end
        self.counters = RequestCounters()
        self.charging = Charging(store, allow_unknown_keys=not settings.known_keys_only)
        self.accounts = AccountRegistry(fixtures.accounts)  # the accounts of the files
        self.render_cache = RenderCache()
        self.head_cache = HeadCache(router)
        self.reader = RequestReader(settings.max_body)
        self.load_problems: tuple[
            Problem, ...
        ] = ()  # of the files as they are now, where these are not served
        self.listeners: list[Callable[[], None]] = []  # they hear of new fixtures, and of new problems

    def replace_fixtures(self, fixtures: FixtureSet) -> None:
        """From now on these fixtures; what is being played goes on as it was decided."""
        self.fixtures = fixtures
        self.accounts = AccountRegistry(fixtures.accounts)
        self.report_load_problems(())

    def report_load_problems(self, problems: tuple[Problem, ...]) -> None:
        """The fixtures stay as they are, because of these problems in the files; or there are none any more."""
        self.load_problems = problems
        for listen in self.listeners:
            listen()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head, origin = self.head_cache.get(scope)
        if origin is None:
            entry = JournalEntry(
                generate_request_id(), head, resolve_session_name(head), reason="no vendor has this path"
            )
        else:
            try:
                call = await self.reader.read(origin, receive)
            except ClientDisconnected:
                return
            entry = JournalEntry(generate_request_id(), head, origin.session, call)
        await self.handle(entry, scope, receive, send)

    async def handle(self, entry: JournalEntry, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that has arrived, and note what becomes of it."""
        journal = self.store.journal

        async def close(heard: Delivery) -> None:
            await journal.close(entry, heard)
            if entry.hold is not None:
                await self.charging.settle(entry)
            self.counters.record(entry, heard)
            self.on_request_end(entry)

        await journal.open(entry)
        if entry.request is None:
            answer = self.answer_unknown_path(entry.head)
        else:
            # Calls of one session are decided one after the other, so that each counts those before it.
            async with self.store.lock(entry.session):
                answer = await self.decide(entry.request, entry)
        if TRANSPORT_KEY not in scope.get("state", ()):
            answer = without_transport(answer)
        await journal.decide(entry, answer)
        await self.playback.play(answer, scope, receive, send, close, entry.started_at)

    async def dry_run_copy(self, session: str) -> ChatPipeline:
        """A line like this one for a session, that remembers nothing and is never heard."""
        store = await self.store.copy(session)
        return ChatPipeline(
            self.settings,
            self.router,
            self.fixtures,
            self.fault_rules,
            store,
            self.playback,
            self.on_request_end,
        )

    def effective_state(
        self, session_overlay: Overlay, shared_overlay: Overlay, answer_counts: Mapping[str, int]
    ) -> EffectiveState:
        """The fixtures, the fault rules and the accounts that a session's calls meet, in their order."""
        if session_overlay is EMPTY_OVERLAY and shared_overlay is EMPTY_OVERLAY:
            return EffectiveState(
                self.fixtures, answer_counts, self.fixtures.rules + self.fault_rules, self.accounts
            )
        rules = (*session_overlay.rules, *shared_overlay.rules, *self.fixtures.rules, *self.fault_rules)
        bank = AccountRegistry(self.fixtures.accounts, session_overlay, shared_overlay)
        return EffectiveState(
            layer_fixture_sets(session_overlay.fixtures, shared_overlay.fixtures, self.fixtures),
            answer_counts,
            rules,
            bank,
        )

    async def decide(self, request: ChatRequest, entry: JournalEntry) -> Answer:
        """Everything is decided here, before the first byte."""
        shelf, answered, rules, bank = self.effective_state(
            *await self.store.overlays_and_counts(request.session)
        )
        lookup = request.route.aux_endpoint
        found = None if lookup else find_first_match(request, shelf, answered)
        asked, struck, own = NO_INJECTION, NO_INJECTION, None
        try:
            asked = parse_injection(request)
            if asked is not NO_INJECTION:
                found = _fixture_by_name(asked, shelf, answered) or found
                asked.raise_if_error()
            if rules:
                struck = await roll_fault_rules(request, rules, self.store, self.settings.seed)
                struck.raise_if_error()
            if bank or self.settings.known_keys_only:
                await self.charging.admit(request, bank, entry)
            else:
                admit_request(request)
            if lookup and not found:
                answer = render_aux_reply(
                    request, lookup, await self.charging.account_values(request, lookup, entry)
                )
            else:
                answer = await self.respond(entry, request, shelf, found, answered)
            own = found.response.fault if found else None
        except ApiError as error:
            entry.reason = error.message or error.detail or (struck.rule and f"the fault rule {struck.rule}")
            answer = request.vendor.error_answer(error, build_error_context(request))
        entry.matched = found is not None or lookup is not None
        entry.fixture = found.fixture.name if found else ""
        entry.rule = struck.rule
        answer = _with_mock_headers(answer, entry, request.routed_head, self.settings.seed)
        if asked is not struck or own is not None:  # else nothing was demanded
            answer = _with_fault(
                _delayed(answer, struck.delay + asked.delay), asked.fault or struck.fault or own, entry
            )
        if entry.hold is not None:
            await self.charging.settle_decided(request, answer, entry)
        return answer

    async def respond(
        self,
        entry: JournalEntry,
        request: ChatRequest,
        fixtures: FixtureSet | LayeredFixtures,
        match: FixtureMatch | None,
        answer_counts: Mapping[str, int],
    ) -> Answer:
        """What the fixture says, or what is made up where none speaks; a strict server makes nothing up."""
        seed = self.settings.seed
        if match is None:
            if self.settings.strict:
                raise _no_match_error(find_near_misses(request, fixtures, answer_counts))
            from mockserver.rendering.generated_response import generate_response  # noqa: PLC0415 not every server makes something up

            response = generate_response(request, seed, self.settings.locale, self.settings.reply)
        else:
            response = match.response
            if response.template:
                from mockserver.rendering.templated_response import fill_response_template  # noqa: PLC0415 nor has templates

                response = fill_response_template(
                    request, match.fixture, response, seed, self.settings.locale
                )
        entry.response = response
        left = await self.charging.hold(request, entry.account, entry) if entry.account else {}
        if match is None:
            return render_completion(request, response, LazyRandom(seed, request.session), left)
        before = await self.store.increment(request.session, ANSWERED, match.fixture.name)
        chance = LazyRandom(seed, request.session, match.fixture.name, before)
        return render_completion(
            request, response, chance, left, None if response.template else self.render_cache
        )

    def answer_unknown_path(self, head: RequestHead) -> Answer:
        """A path that belongs to no vendor: most often a base URL that is not quite right."""
        roots = ", ".join(f"/{name}" for name in self.router.vendors)
        message = f"Nothing is at {head.method} {head.path}. Each vendor is under its own path: {roots}"
        body = orjson.dumps({"error": {"message": message, "type": "not_found", "code": "no_such_path"}})
        return Answer(404, (("content-type", "application/json"),), (Frame(body),))


def _no_match_error(near_misses: Sequence[NearMiss]) -> ApiError:
    """The refusal of a strict server, which says in the client's own traceback what came nearest."""
    near = "; ".join(map(str, near_misses)) or "there are no fixtures at all"
    return ApiError(
        "not_found",
        f"mockserver: no fixture matched. Nearest: {near}",
        headers=(("x-should-retry", "false"),),
    )


def _fixture_by_name(
    injection: Injection, fixtures: FixtureSet | LayeredFixtures, answer_counts: Mapping[str, int]
) -> FixtureMatch | None:
    """The fixture that the request names, whatever it matches."""
    name = injection.fixture
    if name is None:
        return None
    fixture = fixtures.by_name(name)
    if fixture is None:
        raise ApiError(
            "invalid_request",
            f"{FIXTURE_HEADER}: found {name[:80]!r}, expected a fixture's name{did_you_mean(name, fixtures.names)}",
        )
    response = fixture.response_at(answer_counts.get(fixture.name, 0))
    return FixtureMatch(fixture, response or fixture.responses[-1])


def _delayed(answer: Answer, delay: float) -> Answer:
    return replace(answer, wait=answer.wait + delay) if delay else answer


def _with_fault(answer: Answer, fault: Fault | None, entry: JournalEntry) -> Answer:
    """The answer with the fault in it, in the vendor's words where it needs some; the same where none strikes."""
    call = cast(ChatRequest, entry.request)
    worse = apply_fault(
        fault, answer, lambda error: call.vendor.error_answer(error, build_error_context(call))
    )
    if worse is not answer:
        entry.fault, entry.intended_answer = str(fault), answer
    return worse


def _with_mock_headers(answer: Answer, entry: JournalEntry, routed_head: RoutedHead, seed: int) -> Answer:
    """The answer with what the mock says of itself."""
    mine = b"x-mock-request-id: %b\r\n" % entry.id.encode()
    return answer.with_header_lines(mine, _mock_headers(routed_head, entry.fixture, seed))


@memoized
def _mock_headers(routed_head: RoutedHead, fixture: str, seed: int) -> bytes:
    """What it says to all that ask the same of the same fixture."""
    headers = (
        ("x-mock-fixture", quote(fixture)),
        ("x-mock-session", quote(routed_head.session)),
        ("x-mock-seed", str(seed)),
        ("access-control-expose-headers", EXPOSED_HEADERS),
        *routed_head.vendor.echo_headers(routed_head.headers),
    )
    return cast(HeaderBlock, encode_headers(headers)).text


EXPOSED_HEADERS = (
    "x-mock-request-id, x-mock-fixture, x-mock-session, x-mock-seed, "
    "x-request-id, retry-after, retry-after-ms"
)
