"""The pipeline: the steps from a request to its answer and its journal entry, in their order."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import orjson
from starlette.types import Receive, Scope, Send

from mockserver.answering.conversations import load_conversation
from mockserver.answering.effective_state import EffectiveState
from mockserver.answering.forwarding import FORWARDED, EntrySteps, RequestForwarder
from mockserver.answering.responder import Rendered, Responder
from mockserver.billing.charging import AccountRegistry, Charging
from mockserver.bounded_regex import SharedRegexBudget
from mockserver.errors import ApiError, Problem
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.masking import redact_text
from mockserver.matching.fixture_set import (
    FixtureMatch,
    FixtureSet,
    LayeredFixtures,
    find_first_match,
    layer_fixture_sets,
)
from mockserver.matching.nearest_fixture import find_nearest_fixture
from mockserver.rendering.choices import build_render_options
from mockserver.rendering.completion import build_error_context
from mockserver.rendering.mock_headers import add_mock_headers
from mockserver.request.chat_request import (
    ChatRequest,
    ClientDisconnected,
    RequestReader,
)
from mockserver.request.request_head import HeadCache, RequestHead, find_head_secrets, resolve_session_name
from mockserver.sessions.injected_faults import (
    NO_INJECTION,
    draw_delay,
    find_error_in_message,
    parse_injection,
    roll_fault_rules,
    roll_plan,
)
from mockserver.sessions.injection_result import (
    NOTHING_INJECTED,
    InjectionResult,
    apply_injections,
    classify_error,
    find_named_fixture,
    inject_nothing,
)
from mockserver.sessions.journal import Arrival, Decision, JournalEntry, Outcome, generate_request_id
from mockserver.sessions.store import EMPTY_OVERLAY, Overlay, SessionStore
from mockserver.settings import Settings
from mockserver.validation.admission import admit_request, passes_checks
from mockserver.validation.body_rules import find_body_issues, passes_fast_check
from mockserver.vendors.routing import VendorRouter
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.compression import compress_answer
from mockserver.wire.playback import TRANSPORT_KEY, Delivery, Playback, without_transport

_logger = logging.getLogger("mockserver")

OnRequestEnd = Callable[[JournalEntry], None]


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
        self.has_own_fixtures = settings.has_own_fixtures
        self.store = store
        self.playback = playback
        self.on_request_end = on_request_end
        self.charging = Charging(store, allow_unknown_keys=not settings.known_keys_only)
        self.accounts = AccountRegistry(fixtures.accounts)  # the accounts of the files
        self.checks_accounts = settings.known_keys_only or bool(self.accounts)
        self.head_cache = HeadCache(router)
        self.reader = RequestReader(settings.max_body)
        self.responder = Responder(settings, store, self.charging, self.reader.worker)
        self.responder.use_latency(fixtures.latency_rules, router)
        self.forwarder: RequestForwarder | None = None  # of a server that records
        # The problems of the files as they are now, if the fixtures could not be replaced by them.
        self.load_problems: tuple[Problem, ...] = ()
        self.listeners: list[Callable[[], None]] = []  # called for new fixtures and for new problems

    def replace_fixtures(self, fixtures: FixtureSet) -> None:
        """Use these fixtures for the requests that follow; answers under way are played as they were decided."""
        self.fixtures = fixtures.keep_start_times(self.fixtures)
        self.accounts = AccountRegistry(fixtures.accounts)
        self.checks_accounts = self.settings.known_keys_only or bool(self.accounts)
        self.responder.use_latency(fixtures.latency_rules, self.router)
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
            entry = JournalEntry(Arrival(generate_request_id(), head, resolve_session_name(head)))
        else:
            try:
                request = await self.reader.read(routed_head, receive)
            except ClientDisconnected:
                return
            if request.route.api == "responses":
                request = await load_conversation(request, self.store, self.reader.worker)
            entry = JournalEntry(Arrival(generate_request_id(), head, routed_head.session, request))
        await self.handle(entry, scope, receive, send)

    async def handle(self, entry: JournalEntry, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that has arrived: decide, play, and record each step in its journal entry."""
        arrival, journal = entry.arrival, self.store.journal
        request, close = arrival.request, partial(self._close_entry, entry)
        await journal.open(entry)
        if request is None:
            decision = self.answer_unknown_path(arrival.head)
        else:
            if request.is_large:
                await self.prepare(request)
            # Requests of one session are decided one after the other, so that each sees the counts of those before.
            async with self.store.lock(arrival.session):
                decision = await self.decide(request, arrival.id)
            if decision is FORWARDED and self.forwarder is not None:
                steps = EntrySteps(partial(journal.decide, entry), close)
                await self.forwarder.forward(entry, request, (scope, receive, send), steps)
                return
        if TRANSPORT_KEY not in scope.get("state", ()):
            decision = replace(decision, answer=without_transport(decision.answer))
        await journal.decide(entry, decision)
        answer = decision.answer
        if request is not None and request.vendor.profile.compress:  # the journal keeps the plain body
            accepted = arrival.head.headers.get("accept-encoding", "")
            answer = await self.reader.worker.run(compress_answer, answer, accepted)
        await self.playback.play(answer, scope, receive, send, close, arrival.started_at)

    async def _close_entry(self, entry: JournalEntry, delivery: Delivery) -> None:
        decision = cast(Decision, entry.decision)
        await self.store.journal.close(entry, delivery)
        if decision.hold is not None:
            await self.charging.settle(entry)
        await self.store.count_request(entry.arrival.request, decision, delivery)
        self.on_request_end(entry)

    async def dry_run_copy(self, session: str) -> ChatPipeline:
        """Return a pipeline with a copy of a session's state, whose decisions leave nothing behind here."""
        store = await self.store.copy(session)
        return ChatPipeline(
            *(self.settings, self.router, self.fixtures, self.fault_rules),
            *(store, self.playback, self.on_request_end),
        )

    def effective_state(
        self, session_overlay: Overlay, shared_overlay: Overlay, answer_counts: Mapping[str, int]
    ) -> EffectiveState:
        """Combine what applies to a session: its own overlay first, then the shared one, then the files."""
        if session_overlay is EMPTY_OVERLAY and shared_overlay is EMPTY_OVERLAY:
            fixtures: FixtureSet | LayeredFixtures = self.fixtures
            rules, plan = self.fixtures.rules + self.fault_rules, self.fixtures.plan
            accounts, checks_accounts = self.accounts, self.checks_accounts
            names_nearest = self.has_own_fixtures
        else:
            fixtures = layer_fixture_sets(session_overlay.fixtures, shared_overlay.fixtures, self.fixtures)
            rules = (*session_overlay.rules, *shared_overlay.rules, *self.fixtures.rules, *self.fault_rules)
            plan = self.fixtures.plan if shared_overlay.plan is None else shared_overlay.plan
            accounts = AccountRegistry(self.fixtures.accounts, session_overlay, shared_overlay)
            checks_accounts = self.settings.known_keys_only or bool(accounts)
            names_nearest = fixtures is not self.fixtures or self.has_own_fixtures
        return EffectiveState(fixtures, answer_counts, rules, plan, accounts, checks_accounts, names_nearest)

    async def decide(self, request: ChatRequest, request_id: str) -> Decision:
        """Return the answer to a request, complete with its fault, and how it came about; nothing has been sent yet.

        An unexpected exception is logged with its traceback and answered as the vendor's 500.
        """
        injected, decision = NOTHING_INJECTED, None
        try:
            state = self.effective_state(*await self.store.overlays_and_counts(request.session))
            with SharedRegexBudget() as regex_budget:
                if request.is_large:
                    regex_budget.failures += request.lazy_body.derive(_REGEX_FAILURES, None, list)
                match = find_first_match(request, state.fixtures, state.answer_counts)
                nothing = inject_nothing(request, match, self.settings, state.fault_rules or state.plan)
                injected = nothing or await self.inject(request, state, match)
                if self.forwarder is not None and await self.forwarder.takes(request, injected):
                    return FORWARDED
                decision = await self.respond(request, request_id, state, injected)
            if regex_budget.failures:
                reason = _add_regex_failures(decision.reason, regex_budget.failures)
                decision = replace(decision, reason=reason)
            # Usually both injections are NO_INJECTION.
            if injected.by_request is not injected.by_rule or decision.own_fault is not None:
                decision = await self.apply_injections(decision, request, injected)
            if decision.hold is not None:
                decision = await self.charging.settle_decided(request, decision)
        except Exception as error:
            _logger.exception("mockserver: unexpected error in the request %s", request_id)
            if decision is not None and decision.hold is not None:
                await self.charging.release(request, decision.hold)
            return self._answer_internal_error(request, request_id, injected, error)
        return decision

    async def apply_injections(
        self, decision: Decision, request: ChatRequest, injected: InjectionResult
    ) -> Decision:
        """Delay and break an answer; one with many frames on the worker thread."""
        if len(decision.answer.frames) > _MANY_FRAMES:
            return await self.reader.worker.run(apply_injections, decision, request, injected)
        return apply_injections(decision, request, injected)

    async def prepare(self, request: ChatRequest) -> None:
        """Compute the results of the long steps for a large request on the worker thread; `decide` uses them."""
        state = self.effective_state(*await self.store.overlays_and_counts(request.session))
        with contextlib.suppress(Exception):  # `decide` meets it again
            await self.reader.worker.run(self._run_long_steps, request, state)

    def _run_long_steps(self, request: ChatRequest, state: EffectiveState) -> None:
        with SharedRegexBudget() as regex_budget:
            for rule in (*state.fault_rules, *(step.rule for step in state.plan)):
                rule.applies_to(request, rule.active_since)
            match = find_first_match(request, state.fixtures, state.answer_counts)
            request.lazy_body.derive(_REGEX_FAILURES, None, lambda: regex_budget.failures)
            if passes_fast_check(request) or not find_body_issues(request):
                build_render_options(request, self.responder.choose_response_once(request, state, match))
                if match is None:
                    find_nearest_fixture(request, state.fixtures)

    async def inject(
        self, request: ChatRequest, state: EffectiveState, match: FixtureMatch | None
    ) -> InjectionResult:
        """Return what headers, key, message, fault rules and plan inject.

        The fixture that a header names replaces the match. A request that injects an error, or is itself in error, is
        not counted by any fault rule or step of the plan.
        """
        by_request = NO_INJECTION
        elapsed = await self.store.start_plan(request.session) if state.plan else 0.0
        try:
            error_in_message = None
            if self.settings.mock_messages:
                error_in_message = find_error_in_message(request, match.fixture if match else None)
            by_request = parse_injection(request, error_in_message)
            if by_request is not NO_INJECTION:
                match = find_named_fixture(by_request, state.fixtures, state.answer_counts) or match
                by_request = await draw_delay(by_request, request.session, self.store, self.settings.seed)
        except ApiError as error:
            return InjectionResult(match, by_request, NO_INJECTION, error)
        if by_request.error is not None or not (state.fault_rules or state.plan):
            return InjectionResult(match, by_request, NO_INJECTION, by_request.error)
        by_rule = await roll_fault_rules(request, state.fault_rules, self.store, self.settings.seed)
        if by_rule is NO_INJECTION:
            by_rule = await roll_plan(request, state.plan, elapsed, self.store, self.settings.seed)
        return InjectionResult(match, by_request, by_rule, by_rule.error)

    async def respond(
        self, request: ChatRequest, request_id: str, state: EffectiveState, injected: InjectionResult
    ) -> Decision:
        """Admit the request and render its response, or a refusal."""
        aux_endpoint = request.route.aux_endpoint
        outcome: Outcome = "answered" if injected.match or aux_endpoint else "generated"
        reason, is_counted = "", True
        try:
            if injected.error is not None:
                raise injected.error
            account = None
            if state.checks_accounts:
                account = await self.charging.admit(request, state.accounts)
            elif not passes_checks(request) and (injected.match is None or request.route.api != "unknown"):
                await admit_request(request)
            rendered = await self.responder.respond(request, state, injected, account)
        except ApiError as error:
            outcome = classify_error(error, injected, outcome)
            is_counted = error.cause not in ("path", "body") or outcome == "injected"
            rule = injected.by_rule.rule
            cause = f"the fault rule {rule}" if rule else injected.by_request.source
            # A fixture may quote the key, as vendors do.
            secrets = find_head_secrets(request.routed_head.head)
            reason = redact_text(error.message or error.detail or cause, secrets)
            rendered = Rendered(request.vendor.error_answer(error, build_error_context(request)))
        is_attributed = outcome in _ATTRIBUTED
        fixture = injected.match.fixture.name if injected.match and is_attributed else ""
        return Decision(
            add_mock_headers(rendered.answer, request.routed_head, request_id, fixture, self.settings.seed),
            fixture,
            is_attributed and (injected.match is not None or aux_endpoint is not None),
            injected.by_rule.rule,
            reason,
            rendered.response,
            rendered.hold,
            rendered.usage,
            outcome,
            is_counted,
            rendered.nearest,
            rendered.fault,
        )

    def _answer_internal_error(
        self, request: ChatRequest, request_id: str, injected: InjectionResult, error: Exception
    ) -> Decision:
        """Return the vendor's 500 for an unexpected exception."""
        reason = f"mockserver: unexpected {type(error).__name__}; the server's log has the traceback"
        refusal = ApiError("server_error", reason, headers=(("x-should-retry", "false"),))
        answer = request.vendor.error_answer(refusal, build_error_context(request))
        fixture = injected.match.fixture.name if injected.match else ""
        answer = add_mock_headers(answer, request.routed_head, request_id, fixture, self.settings.seed)
        return Decision(answer, fixture, injected.match is not None, injected.by_rule.rule, reason)

    def answer_unknown_path(self, head: RequestHead) -> Decision:
        """Return a 404 that lists the vendors' paths; the usual cause is a wrong base URL."""
        roots = ", ".join(f"/{name}" for name in self.router.vendors)
        message = f"Nothing is at {head.method} {head.path}. Each vendor is under its own path: {roots}"
        body = orjson.dumps({"error": {"message": message, "type": "not_found", "code": "no_such_path"}})
        answer = Answer(404, (("content-type", "application/json"),), (Frame(body),))
        return Decision(answer, reason="no vendor has this path", outcome="unknown_path", is_counted=False)


_ATTRIBUTED = ("answered", "injected")  # outcomes of requests that belong to the fixture that matches them


def _add_regex_failures(reason: str, failures: Sequence[str]) -> str:
    """Return a journal entry's reason, followed by what did not match because of a time limit."""
    distinct = tuple(dict.fromkeys(failures))
    more = (f"{len(distinct) - _MAX_REASONS} more like these",) if len(distinct) > _MAX_REASONS else ()
    return "; ".join(filter(None, (reason, *distinct[:_MAX_REASONS], *more)))


_MANY_FRAMES = 2_000
_REGEX_FAILURES = "regex_failures"  # of a large request, found before it was decided
_MAX_REASONS = 3  # fixtures and rules that are named
