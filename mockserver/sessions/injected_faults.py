"""Errors, delays and faults injected into one request: by `X-Mock-*` headers, API key, message or fault rule."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from mockserver.errors import ERROR_STATUS, STATUS_BY_KIND, ApiError, RetryAfter
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.fixtures.fixture import Fixture
from mockserver.fixtures.plan_spec import PlanStep
from mockserver.fixtures.predicates import ExactLiteral
from mockserver.fixtures.response_spec import parse_error_kind
from mockserver.fixtures.text_forms import fold_case
from mockserver.memoize import memoized
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_head import SESSION_HEADER, RoutedHead, is_session_name
from mockserver.schema.delay_distribution import DelayDistribution, parse_delay
from mockserver.schema.durations import parse_duration
from mockserver.schema.messages import format_alternatives
from mockserver.sessions.store import APPLIED, EVALUATED, SessionStore
from mockserver.wire.answer import MOCK_PREFIX
from mockserver.wire.faults import Fault, parse_fault

T = TypeVar("T")

ERROR_HEADER = "x-mock-error"
RETRY_AFTER_HEADER = "x-mock-retry-after"
DELAY_HEADER = "x-mock-delay"
FAULT_HEADER = "x-mock-fault"
FIXTURE_HEADER = "x-mock-fixture"
INJECTION_HEADERS = (
    ERROR_HEADER,
    RETRY_AFTER_HEADER,
    DELAY_HEADER,
    FAULT_HEADER,
    FIXTURE_HEADER,
    SESSION_HEADER,
)

_ERROR_PATTERN = f"({'|'.join(STATUS_BY_KIND)}|{ERROR_STATUS})"
# sk-mock-402, omx_live_mock-429, SG_mock-timeout
_KEY_PATTERN = re.compile(f"mock-{_ERROR_PATTERN}(?![0-9a-z_])")
_MESSAGE_PATTERN = re.compile(rf"mock\s+{_ERROR_PATTERN}", re.IGNORECASE)
_MAX_MESSAGE_LENGTH = 40  # characters; no longer message is compared


@dataclass(frozen=True, slots=True)
class Injection:
    """An error, a delay in seconds, a fault and the name of a fixture, each optional.

    `rule` is the name of the fault rule that injects it, empty if the request itself asks for it; `source` says
    which part of the request asks for the error. `varying_delay` is a delay that is not drawn yet.
    """

    error: ApiError | None = None
    delay: float = 0.0
    fault: Fault | None = None
    fixture: str | None = None
    rule: str = ""
    source: str = ""
    varying_delay: DelayDistribution | None = None


NO_INJECTION = Injection()


def parse_injection(request: ChatRequest, error_in_message: str | int | None = None) -> Injection:
    """Return what a request's headers, key or message ask for. Raises ApiError for an unknown or invalid header."""
    if error_in_message is None and not has_injection(request.routed_head):
        return NO_INJECTION
    error_in_key = _error_in_key(request.api_key)
    headers = _injection_headers(request.routed_head)
    for name in headers:
        if name not in INJECTION_HEADERS:
            raise _invalid_header(
                name, f"found an unknown header, expected {format_alternatives(INJECTION_HEADERS)}"
            )
    error = _parse_header(parse_error_kind, headers, ERROR_HEADER)
    retry_after = _parse_header(parse_duration, headers, RETRY_AFTER_HEADER)
    source = f"requested by the header {ERROR_HEADER}"
    if error is None and error_in_key is not None:
        error, source = error_in_key, "requested by the API key"
    if error is None and error_in_message is not None:
        error, source = error_in_message, "requested by the message"
    if retry_after is not None and error is None:
        raise _invalid_header(RETRY_AFTER_HEADER, f"found it without an error; send {ERROR_HEADER} as well")
    delay = _parse_header(parse_delay, headers, DELAY_HEADER)
    return Injection(
        None
        if error is None
        else ApiError(error, retry_after=None if retry_after is None else RetryAfter(retry_after)),
        0.0 if delay is None or delay.varies else delay.median,
        _parse_header(parse_fault, headers, FAULT_HEADER),
        headers.get(FIXTURE_HEADER),
        source="" if error is None else source,
        varying_delay=delay if delay is not None and delay.varies else None,
    )


async def draw_delay(injection: Injection, session: str, store: SessionStore, seed: int) -> Injection:
    """Return an injection whose delay is drawn: by the seed, the session, and the number of such requests in it."""
    varying = injection.varying_delay
    if varying is None or not is_session_name(session):
        return injection
    number = await store.increment(session, EVALUATED, DELAY_HEADER)
    rng = random.Random(f"{seed}/{session}/{DELAY_HEADER}/{number}")
    return replace(injection, delay=varying.draw(lambda: rng), varying_delay=None)


@memoized
def find_error_in_message(request: ChatRequest, fixture: Fixture | None) -> str | int | None:
    """Return the error that the last user message asks for, as `mock 429` does, in any case; None if for none.

    A matching fixture for exactly this message takes precedence.
    """
    text = request.parsed.last_user_text.strip()
    if text[:4].lower() != "mock" or len(text) > _MAX_MESSAGE_LENGTH:
        return None
    found = _MESSAGE_PATTERN.fullmatch(text)
    if found is None or (fixture is not None and _names_message(fixture, text)):
        return None
    return parse_error_kind(found[1].lower())


def _names_message(fixture: Fixture, text: str) -> bool:
    """Return whether the `user` of a fixture, or one of its alternatives, is this text."""
    literals = (
        one.value if isinstance(one, ExactLiteral) else one.substring
        for criterion in fixture.criteria
        if criterion.field == "user"
        for one in criterion.predicate.required_literals
    )
    return any(fold_case(str(literal)).strip() == fold_case(text) for literal in literals)


@memoized
def has_injection(routed_head: RoutedHead) -> bool:
    """Return whether a head asks for anything; most do not."""
    return bool(_injection_headers(routed_head)) or _error_in_key(routed_head.api_key) is not None


def _injection_headers(routed_head: RoutedHead) -> dict[str, str]:
    return {name: value for name, value in routed_head.headers.items() if name.startswith(MOCK_PREFIX)}


def _error_in_key(key: str | None) -> str | int | None:
    found = _KEY_PATTERN.search(key or "")
    return None if found is None else parse_error_kind(found[1])


def _parse_header(parse: Callable[[str], T], headers: dict[str, str], name: str) -> T | None:
    if name not in headers:
        return None
    try:
        return parse(headers[name])
    except ValueError as error:
        raise _invalid_header(name, str(error)) from error


def _invalid_header(header: str, message: str) -> ApiError:
    # The message is the mock's, not the vendor's, so every vendor's envelope carries it whole.
    return ApiError("invalid_request", f"{header}: {message}")


async def roll_fault_rules(
    request: ChatRequest, rules: Iterable[FaultRule], store: SessionStore, seed: int
) -> Injection:
    """Evaluate the fault rules in order and return the injection of the first that applies.

    The rules after it are not evaluated. The random draw depends on the seed, the session, the rule and the number of
    earlier draws there: not on time, and not on other sessions.
    """
    for fault_rule in rules:
        elapsed = await store.elapsed(fault_rule.active_since, request.session)
        injection = await _roll_rule(request, fault_rule, elapsed, store, seed)
        if injection is not NO_INJECTION:
            return injection
    return NO_INJECTION


async def roll_plan(
    request: ChatRequest, plan: Iterable[PlanStep], elapsed: float, store: SessionStore, seed: int
) -> Injection:
    """Evaluate the steps of the plan so many seconds after its beginning, as `roll_fault_rules` does with rules."""
    for step in plan:
        if elapsed >= step.at:
            injection = await _roll_rule(request, step.rule, elapsed - step.at, store, seed)
            if injection is not NO_INJECTION:
                return injection
    return NO_INJECTION


async def _roll_rule(
    request: ChatRequest, fault_rule: FaultRule, elapsed: float, store: SessionStore, seed: int
) -> Injection:
    """Evaluate one rule so many seconds after it began; NO_INJECTION if it does not apply."""
    if not fault_rule.applies_to(request, fault_rule.active_since + elapsed):
        return NO_INJECTION
    if not is_session_name(request.session):
        return NO_INJECTION
    key, times = fault_rule.counter_key, fault_rule.rule.times
    if times is not None and (await store.counters(request.session, APPLIED)).get(key, 0) >= times:
        return NO_INJECTION
    evaluated_before = await store.increment(request.session, EVALUATED, key)
    rng = random.Random(f"{seed}/{request.session}/{fault_rule.name}/{evaluated_before}")
    if rng.random() >= fault_rule.rule.probability_at(elapsed):
        return NO_INJECTION
    await store.increment(request.session, APPLIED, key)
    return _injection_from_rule(fault_rule, rng)


def _injection_from_rule(fault_rule: FaultRule, rng: random.Random) -> Injection:
    rule = fault_rule.rule
    error = None
    if rule.error is not None:
        error = ApiError(rule.error, rule.message, code=rule.code, retry_after=rule.retry_after)
    delay = rule.delay.draw(lambda: rng) if rule.delay else 0.0
    return Injection(error, delay, rule.fault, rule=fault_rule.name)
