"""The pipeline: the steps from a request to its answer and its journal entry, in their order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import orjson
from starlette.types import Receive, Scope, Send

from mockserver.billing.charging import AccountRegistry, Charging
from mockserver.bounded_regex import SharedRegexBudget
from mockserver.errors import ApiError, Problem
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.masking import find_secret_values, redact_text
from mockserver.matching.fixture_set import (
    FixtureMatch,
    FixtureSet,
    LayeredFixtures,
    NearMiss,
    find_first_match,
    find_near_misses,
    layer_fixture_sets,
)
from mockserver.matching.nearest_fixture import find_nearest_fixture
from mockserver.memoize import fast_dataclass
from mockserver.rendering.aux_reply import render_aux_reply
from mockserver.rendering.completion import LazyRandom, build_error_context, render_completion
from mockserver.rendering.mock_headers import add_mock_headers, decode_fixture_name
from mockserver.rendering.render_cache import RenderCache
from mockserver.request.chat_request import (
    ChatRequest,
    ClientDisconnected,
    RequestReader,
    generate_request_id,
)
from mockserver.request.request_head import HeadCache, RequestHead, resolve_session_name
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
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.compression import compress_answer
from mockserver.wire.faults import Fault, apply_fault
from mockserver.wire.playback import TRANSPORT_KEY, Delivery, Playback, without_transport

_logger = logging.getLogger("mockserver")

NO_MATCH = "mockserver: no fixture matched"  # how the refusal of a strict server begins

OnRequestEnd = Callable[[JournalEntry], None]


@fast_dataclass
class EffectiveState:
    """The fixtures, fault rules and accounts in force for a session's requests, in order of precedence.

    `answer_counts` maps a fixture's name to the number of times it has answered this session.
    """

    fixtures: FixtureSet | LayeredFixtures
    answer_counts: Mapping[str, int]
    fault_rules: tuple[FaultRule, ...]
    accounts: AccountRegistry
    checks_accounts: bool  # there are accounts, or a key without one is refused


@fast_dataclass
class InjectionResult:
    """The fixture that is to answer, the injections by the request and by a fault rule, and the error in them.

    Injections without an error may still delay or break the answer; `match` is None if no fixture answers.
    """

    match: FixtureMatch | None
    by_request: Injection
    by_rule: Injection
    error: ApiError | None


class ChatPipeline:
    """The endpoint of every vendor's route, as a plain ASGI application.

    `fault_rules` apply to all sessions; `on_request_end` is called with the entry of each request that has ended.
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
        self.checks_accounts = settings.known_keys_only or bool(self.accounts)
        self.render_cache = RenderCache()
        self.head_cache = HeadCache(router)
        self.reader = RequestReader(settings.max_body)
        # The problems of the files as they are now, if the fixtures could not be replaced by them.
        self.load_problems: tuple[Problem, ...] = ()
        self.listeners: list[Callable[[], None]] = []  # called for new fixtures and for new problems

    def replace_fixtures(self, fixtures: FixtureSet) -> None:
        """Use these fixtures for the requests that follow; answers under way are played as they were decided."""
        self.fixtures = fixtures
        self.accounts = AccountRegistry(fixtures.accounts)
        self.checks_accounts = self.settings.known_keys_only or bool(self.accounts)
        self.report_load_problems(())

    def report_load_problems(self, problems: tuple[Problem, ...]) -> None:
        """Store the problems that keep the files from being loaded, an empty tuple if there are none."""
        self.load_problems = problems
        for listener in self.listeners:
            listener()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        head, routed_head = self.head_cache.get(scope)
        if routed_head is None:
            entry = JournalEntry(
                generate_request_id(), head, resolve_session_name(head), reason="no vendor has this path"
            )
        else:
            try:
                request = await self.reader.read(routed_head, receive)
            except ClientDisconnected:
                return
            entry = JournalEntry(generate_request_id(), head, routed_head.session, request)
        await self.handle(entry, scope, receive, send)

    async def handle(self, entry: JournalEntry, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that has arrived, and keep its journal entry up to date."""
        journal = self.store.journal

        async def close(delivery: Delivery) -> None:
            await journal.close(entry, delivery)
            if entry.hold is not None:
                await self.charging.settle(entry)
            self.counters.record(entry, delivery)
            self.on_request_end(entry)

        await journal.open(entry)
        if entry.request is None:
            answer = self.answer_unknown_path(entry.head)
        else:
            # Requests of one session are decided one after the other, so that each sees the counts of those before.
            async with self.store.lock(entry.session):
                answer = await self.decide(entry.request, entry)
        if TRANSPORT_KEY not in scope.get("state", ()):
            answer = without_transport(answer)
        await journal.decide(entry, answer)
        if (
            entry.request is not None and entry.request.vendor.profile.compress
        ):  # the journal keeps the plain body
            answer = compress_answer(answer, entry.head.headers.get("accept-encoding", ""))
        await self.playback.play(answer, scope, receive, send, close, entry.started_at)

    async def dry_run_copy(self, session: str) -> ChatPipeline:
        """Return a pipeline with a copy of a session's state, whose decisions leave nothing behind here."""
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
        """Combine what applies to a session: its own overlay first, then the shared one, then the files."""
        if session_overlay is EMPTY_OVERLAY and shared_overlay is EMPTY_OVERLAY:
            fixtures: FixtureSet | LayeredFixtures = self.fixtures
            rules = self.fixtures.rules + self.fault_rules
            accounts, checks_accounts = self.accounts, self.checks_accounts
        else:
            fixtures = layer_fixture_sets(session_overlay.fixtures, shared_overlay.fixtures, self.fixtures)
            rules = (*session_overlay.rules, *shared_overlay.rules, *self.fixtures.rules, *self.fault_rules)
            accounts = AccountRegistry(self.fixtures.accounts, session_overlay, shared_overlay)
            checks_accounts = self.settings.known_keys_only or bool(accounts)
        return EffectiveState(fixtures, answer_counts, rules, accounts, checks_accounts)

    async def decide(self, request: ChatRequest, entry: JournalEntry) -> Answer:
        """Return the answer to a request, complete with its fault; nothing has been sent yet.

        An unexpected exception is logged with its traceback and answered as the vendor's 500.
        """
        try:
            state = self.effective_state(*await self.store.overlays_and_counts(entry.session))
            with SharedRegexBudget() as regex_budget:
                match = _find_match(request, state)
                injected = await self.inject(request, state, match)
                answer, fixture_fault = await self.respond(request, entry, state, injected)
            if regex_budget.failures:
                entry.reason = _add_regex_failures(entry.reason, regex_budget.failures)
            answer = _apply_fault(answer, request, entry, injected, fixture_fault)
            if entry.hold is not None:
                await self.charging.settle_decided(request, answer, entry)
        except Exception as error:
            _logger.exception("mockserver: unexpected error in the request %s", entry.id)
            return self._internal_error_answer(request, entry, error)
        return answer

    async def inject(
        self, request: ChatRequest, state: EffectiveState, match: FixtureMatch | None
    ) -> InjectionResult:
        """Return what headers, key and fault rules inject; the fixture named by a header replaces the match.

        A request that injects an error, or is itself in error, is not counted by any fault rule.
        """
        by_request = NO_INJECTION
        try:
            by_request = parse_injection(request)
            if by_request is not NO_INJECTION:
                match = _fixture_by_name(by_request, state.fixtures, state.answer_counts) or match
        except ApiError as error:
            return InjectionResult(match, by_request, NO_INJECTION, error)
        if by_request.error is not None or not state.fault_rules:
            return InjectionResult(match, by_request, NO_INJECTION, by_request.error)
        by_rule = await roll_fault_rules(request, state.fault_rules, self.store, self.settings.seed)
        return InjectionResult(match, by_request, by_rule, by_rule.error)

    async def respond(
        self, request: ChatRequest, entry: JournalEntry, state: EffectiveState, injected: InjectionResult
    ) -> tuple[Answer, Fault | None]:
        """Admit the request and render its response, or a refusal; return it with the fixture's own fault.

        A refusal has no fault of a fixture.
        """
        match, aux_endpoint = injected.match, request.routed_head.route.aux_endpoint
        entry.matched = match is not None or aux_endpoint is not None
        entry.fixture = match.fixture.name if match else ""
        entry.rule = injected.by_rule.rule
        fixture_fault = None
        try:
            if injected.error is not None:
                raise injected.error
            if state.checks_accounts:
                await self.charging.admit(request, state.accounts, entry)
            else:
                await admit_request(request)
            if aux_endpoint and not match:
                values = await self.charging.account_values(request, aux_endpoint, entry)
                answer = render_aux_reply(request, aux_endpoint, values)
            else:
                answer = await self.render(request, entry, state, match)
            fixture_fault = match.response.fault if match else None
        except ApiError as error:
            cause = f"the fault rule {entry.rule}" if entry.rule else injected.by_request.source
            # A fixture may quote the key, as vendors do.
            secrets = find_secret_values(request.headers, entry.head.query)
            entry.reason = redact_text(error.message or error.detail or cause, secrets)
            answer = request.vendor.error_answer(error, build_error_context(request))
        answer = add_mock_headers(answer, request.routed_head, entry.id, entry.fixture, self.settings.seed)
        return answer, fixture_fault

    async def render(
        self, request: ChatRequest, entry: JournalEntry, state: EffectiveState, match: FixtureMatch | None
    ) -> Answer:
        """Render the matching fixture's response, or a generated one if no fixture matches.

        Raises ApiError if nothing matches and the server is strict, or if the account cannot pay.
        """
        seed = self.settings.seed
        response = entry.response = self._choose_response(request, state, match)
        account_values = await self.charging.hold(request, entry.account, entry) if entry.account else {}
        if match is None:
            if state.fixtures is not self.fixtures or self.settings.has_own_fixtures:
                entry.nearest = find_nearest_fixture(request, state.fixtures)
            return render_completion(request, response, LazyRandom(seed, entry.session), account_values)
        answered_before = await self.store.increment(entry.session, ANSWERED, entry.fixture)
        rng = LazyRandom(seed, entry.session, entry.fixture, answered_before)
        cache = None if match.response.template else self.render_cache
        return render_completion(request, response, rng, account_values, cache)

    def _choose_response(
        self, request: ChatRequest, state: EffectiveState, match: FixtureMatch | None
    ) -> ResponseSpec:
        """Return the response of the fixture, its template filled, or a generated one."""
        seed, locale = self.settings.seed, self.settings.locale
        if match is None:
            if self.settings.strict:
                raise _no_match_error(find_near_misses(request, state.fixtures, state.answer_counts))
            from mockserver.rendering.generated_response import generate_response  # noqa: PLC0415 imported when the first reply is generated

            return generate_response(request, seed, locale, self.settings.reply)
        if not match.response.template:
            return match.response
        from mockserver.rendering.templated_response import fill_response_template  # noqa: PLC0415 imported when the first template is filled

        return fill_response_template(request, match.fixture, match.response, seed, locale)

    def _internal_error_answer(self, request: ChatRequest, entry: JournalEntry, error: Exception) -> Answer:
        """Return the vendor's 500 for an unexpected exception, and undo what does not belong to it.

        A hold that was placed is refunded when the answer ends.
        """
        entry.reason = f"mockserver: unexpected {type(error).__name__}; the server's log has the traceback"
        entry.response, entry.fault, entry.intended_answer = None, "", None
        refusal = ApiError("server_error", entry.reason, headers=(("x-should-retry", "false"),))
        answer = request.vendor.error_answer(refusal, build_error_context(request))
        return add_mock_headers(answer, request.routed_head, entry.id, entry.fixture, self.settings.seed)

    def answer_unknown_path(self, head: RequestHead) -> Answer:
        """Return a 404 that lists the vendors' paths; the usual cause is a wrong base URL."""
        roots = ", ".join(f"/{name}" for name in self.router.vendors)
        message = f"Nothing is at {head.method} {head.path}. Each vendor is under its own path: {roots}"
        body = orjson.dumps({"error": {"message": message, "type": "not_found", "code": "no_such_path"}})
        return Answer(404, (("content-type", "application/json"),), (Frame(body),))


def _no_match_error(near_misses: Sequence[NearMiss]) -> ApiError:
    """Return the error of a strict server. It names the near misses, so that the client's traceback shows them."""
    nearest = "; ".join(map(str, near_misses)) or "there are no fixtures at all"
    return ApiError(
        "not_found",
        f"{NO_MATCH}. Nearest: {nearest}",
        headers=(("x-should-retry", "false"),),
    )


def _add_regex_failures(reason: str, failures: Sequence[str]) -> str:
    """Return a journal entry's reason, followed by what did not match because of a time limit."""
    distinct = tuple(dict.fromkeys(failures))
    more = (f"{len(distinct) - _MAX_REASONS} more like these",) if len(distinct) > _MAX_REASONS else ()
    return "; ".join(filter(None, (reason, *distinct[:_MAX_REASONS], *more)))


_MAX_REASONS = 3  # fixtures and rules that are named


def _find_match(request: ChatRequest, state: EffectiveState) -> FixtureMatch | None:
    """Return the first fixture that matches; requests to auxiliary endpoints have none unless they name one."""
    if request.routed_head.route.aux_endpoint:
        return None
    return find_first_match(request, state.fixtures, state.answer_counts)


def _fixture_by_name(
    injection: Injection, fixtures: FixtureSet | LayeredFixtures, answer_counts: Mapping[str, int]
) -> FixtureMatch | None:
    """Return the fixture that the request names by header, even if it does not match; None if it names none."""
    name = injection.fixture
    if name is None:
        return None
    decoded = decode_fixture_name(name)
    fixture = fixtures.by_name(decoded) or fixtures.by_name(name)
    if fixture is None:
        hint = did_you_mean(decoded, fixtures.names)
        message = f"{FIXTURE_HEADER}: found {decoded[:80]!r}, expected a fixture's name{hint}"
        raise ApiError("invalid_request", message)
    response = fixture.response_at(answer_counts.get(fixture.name, 0))
    return FixtureMatch(fixture, response or fixture.responses[-1])


def _apply_fault(
    answer: Answer,
    request: ChatRequest,
    entry: JournalEntry,
    injected: InjectionResult,
    fixture_fault: Fault | None,
) -> Answer:
    """Delay the answer and apply its fault, that of the request before that of a rule or of the fixture.

    The entry keeps the fault and the answer before it. Error bodies within the fault are the vendor's.
    """
    by_request, by_rule = injected.by_request, injected.by_rule
    if by_request is by_rule and fixture_fault is None:  # both are NO_INJECTION, the usual case
        return answer
    if delay := by_rule.delay + by_request.delay:
        answer = replace(answer, wait=answer.wait + delay)
    fault = by_request.fault or by_rule.fault or fixture_fault
    broken = apply_fault(
        fault, answer, lambda error: request.vendor.error_answer(error, build_error_context(request))
    )
    if broken is not answer:
        entry.fault, entry.intended_answer = str(fault), answer
    return broken
