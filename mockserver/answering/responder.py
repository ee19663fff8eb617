"""The response to an admitted request, rendered and paid for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar, TypeVarTuple, cast

from mockserver.answering.conversations import read_stored_response, store_response
from mockserver.answering.effective_state import EffectiveState
from mockserver.billing.charging import Charging
from mockserver.billing.cost import count_usage
from mockserver.errors import ApiError
from mockserver.fixtures.account_spec import AccountSpec
from mockserver.fixtures.latency_rules import LatencyRuleSpec
from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.matching.fixture_set import FixtureMatch, NearMiss, find_near_misses
from mockserver.matching.nearest_fixture import find_nearest_fixture
from mockserver.memoize import fast_dataclass
from mockserver.rendering.aux_reply import render_aux_reply
from mockserver.rendering.choices import measure_response
from mockserver.rendering.completion import find_cached_answer, render_completion
from mockserver.rendering.latency_table import LatencyTable, create_latency_table
from mockserver.rendering.pacing import LazyRandom
from mockserver.rendering.render_cache import RenderCache
from mockserver.request.chat_request import ChatRequest
from mockserver.request.worker_thread import WorkerThread
from mockserver.sessions.injection_result import InjectionResult
from mockserver.sessions.job_answers import create_job, poll_job, render_submission
from mockserver.sessions.ledger import Hold
from mockserver.sessions.store import ANSWERED, GENERATED, SessionStore
from mockserver.settings import Settings
from mockserver.vendors.aux_endpoints import AuxEndpoint
from mockserver.vendors.placeholders import PlaceholderValues
from mockserver.vendors.routing import VendorRouter
from mockserver.vendors.vendor import TokenUsage
from mockserver.wire.answer import Answer
from mockserver.wire.faults import Fault

ArgumentsT = TypeVarTuple("ArgumentsT")
T = TypeVar("T")


@fast_dataclass
class Rendered:
    """An answer, and the response that it was rendered from: None for a refusal or an auxiliary reply.

    `hold` and `usage` are the hold of the request's account, and the tokens for which it was placed; `nearest` is the
    name of the nearest fixture if the response was generated, `fault` the fault of the response.
    """

    answer: Answer
    response: ResponseSpec | None = None
    hold: Hold | None = None
    usage: TokenUsage | None = None
    nearest: str = ""
    fault: Fault | None = None


class Responder:
    """The responses to requests, for one store: `worker` is the thread on which long ones are rendered."""

    def __init__(
        self, settings: Settings, store: SessionStore, charging: Charging, worker: WorkerThread
    ) -> None:
        self.settings = settings
        self.store = store
        self.charging = charging
        self.worker = worker
        self.render_cache = RenderCache()
        self.latency_table: LatencyTable | None = None

    def use_latency(self, rules: Iterable[LatencyRuleSpec], router: VendorRouter) -> None:
        """Use these latency rules, and the latencies of the vendors' profiles, from now on."""
        self.latency_table = create_latency_table(rules, router.vendors.values())
        self.render_cache = RenderCache()  # its streams have the gaps of the rules before

    async def respond(
        self,
        request: ChatRequest,
        state: EffectiveState,
        injected: InjectionResult,
        account: AccountSpec | None,
    ) -> Rendered:
        """Render the response to a request. Raises ApiError if it has none, or if the account cannot pay."""
        aux_endpoint = request.route.aux_endpoint
        if aux_endpoint and not injected.match:
            rendered = await self.render_aux(request, aux_endpoint, account)
        else:
            rendered = await self.render(request, state, injected.match, account)
        if request.route.is_job:
            rendered = await self.submit_job(request, rendered, injected)
        elif request.route.api == "responses":
            await store_response(request, rendered.answer, self.store)
        return rendered

    async def render_aux(
        self, request: ChatRequest, endpoint: AuxEndpoint, account: AccountSpec | None
    ) -> Rendered:
        """Render the answer of an auxiliary endpoint. Raises ApiError if its path names an item that does not exist."""
        if endpoint.spec.list == "responses":
            return Rendered(await read_stored_response(request, self.store))
        if endpoint.spec.list != "jobs":
            values = await self.charging.account_values(request, endpoint, account)
            return Rendered(render_aux_reply(request, endpoint, values))
        job = await self.store.find_job(request.route.item)
        elapsed = 0.0 if job is None else await self.store.elapsed(job.submitted_at, job.session)
        poll = poll_job(request, endpoint.spec, job, elapsed)
        return Rendered(render_aux_reply(request, endpoint, poll.values, poll.status), fault=poll.fault)

    async def submit_job(
        self, request: ChatRequest, rendered: Rendered, injected: InjectionResult
    ) -> Rendered:
        """Keep an answer as the result of a job, and answer the submission instead. The fault waits for the poll."""
        fault = injected.choose_fault(rendered.fault)
        job = create_job(request, cast(ResponseSpec, rendered.response), rendered.answer, fault)
        await self.store.add_job(job)
        return replace(rendered, answer=render_submission(request, job), fault=None)

    async def run_rendering(
        self,
        request: ChatRequest,
        response: ResponseSpec,
        function: Callable[[*ArgumentsT], T],
        *arguments: *ArgumentsT,
    ) -> T:
        """Return the result of a function that renders a response: a long one on the worker thread.

        Raises ApiError if the choices that are requested would be too long.
        """
        size = measure_response(request, response)
        if size <= _LONG_RESPONSE:
            return function(*arguments)
        if size > _MAX_RESPONSE and request.parsed.choice_count > 1:
            message = (
                f"mockserver: the response has {size:,} characters in {request.parsed.choice_count} choices"
            )
            raise ApiError("invalid_request", f"{message}, expected at most {_MAX_RESPONSE:,}")
        return await self.worker.run(function, *arguments)

    async def render(
        self,
        request: ChatRequest,
        state: EffectiveState,
        match: FixtureMatch | None,
        account: AccountSpec | None,
    ) -> Rendered:
        """Render the matching fixture's response, or a generated one if no fixture matches.

        Raises ApiError if nothing matches and the server is strict, or if the account cannot pay.
        """
        seed, session = self.settings.seed, request.session
        choose = self.choose_response_once if request.is_large else self._choose_response
        response = choose(request, state, match)
        hold, usage, nearest = None, None, ""
        account_values: PlaceholderValues = {}
        if account is not None:
            usage = await self.run_rendering(request, response, count_usage, request, response)
            hold, account_values = await self.charging.hold(request, account, usage)
        try:
            latency = None if self.latency_table is None else self.latency_table.find(request, response)
            if match is None:
                # Every generated reply has the same random numbers, unless these decide its latency.
                rng, cache = LazyRandom(seed, session), None
                if latency is not None:
                    rng = LazyRandom(seed, session, await self.store.increment(session, GENERATED, ""))
                if state.names_nearest:
                    nearest = find_nearest_fixture(request, state.fixtures)
            else:
                fixture = match.fixture
                count = await self.store.increment(session, ANSWERED, fixture.counter_key)
                rng = LazyRandom(seed, session, fixture.name, count)
                cache = None if match.response.template else self.render_cache
            answer = None if account_values else find_cached_answer(request, response, rng, cache, latency)
            if answer is None:
                answer = await self.run_rendering(
                    request,
                    response,
                    render_completion,
                    *(request, response, rng, account_values, cache, latency),
                )
        except Exception:
            if hold is not None:
                await self.charging.release(request, hold)
            raise
        return Rendered(answer, response, hold, usage, nearest, response.fault)

    def choose_response_once(
        self, request: ChatRequest, state: EffectiveState, match: FixtureMatch | None
    ) -> ResponseSpec:
        """Return the response to a large request, chosen once: before it is decided, on the worker thread."""

        def choose() -> ResponseSpec | ApiError:
            try:
                return self._choose_response(request, state, match)
            except ApiError as error:
                return error

        response = request.lazy_body.derive("response", match and match.response, choose)
        if isinstance(response, ApiError):
            raise response
        return response

    def _choose_response(
        self, request: ChatRequest, state: EffectiveState, match: FixtureMatch | None
    ) -> ResponseSpec:
        """Return the response of the fixture, its template filled, or a generated one.

        Raises ApiError if there is none, or if a template fails.
        """
        seed, locale = self.settings.seed, self.settings.locale
        if match is None:
            if self.settings.strict:
                raise _no_match_error(find_near_misses(request, state.fixtures, state.answer_counts))
            if request.route.api == "embeddings":
                return _GENERATED_EMBEDDING
            from mockserver.rendering.generated_response import generate_response  # noqa: PLC0415 imported when the first reply is generated

            return generate_response(request, seed, locale, self.settings.reply)
        if not match.response.template:
            return match.response
        from mockserver.rendering.templated_response import fill_response_template  # noqa: PLC0415 imported when the first template is filled

        return fill_response_template(request, match.fixture, match.response, seed, locale)


_GENERATED_EMBEDDING = ResponseSpec(embedding=())
_LONG_RESPONSE, _MAX_RESPONSE = 5_000, 16_777_216  # characters of all choices


def _no_match_error(near_misses: Sequence[NearMiss]) -> ApiError:
    """Return the error of a strict server. It names the near misses, so that the client's traceback shows them."""
    nearest = "; ".join(map(str, near_misses)) or "there are no fixtures at all"
    return ApiError(
        "not_found",
        f"mockserver: no fixture matched. Nearest: {nearest}",
        headers=(("x-should-retry", "false"),),
    ).with_cause("no_match")
