"""The injections into one request together: the fixture that they name, and their effect on outcome and answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from mockserver.errors import ApiError, ErrorCause
from mockserver.matching.fixture_set import FixtureMatch, FixtureSet, LayeredFixtures
from mockserver.memoize import fast_dataclass
from mockserver.rendering.completion import build_error_context
from mockserver.rendering.mock_headers import decode_fixture_name
from mockserver.rendering.responses_events import encode_error_event
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.messages import did_you_mean, truncate_text
from mockserver.sessions.injected_faults import (
    FIXTURE_HEADER,
    NO_INJECTION,
    Injection,
    find_error_in_message,
    has_injection,
)
from mockserver.sessions.journal import Decision, Outcome
from mockserver.settings import Settings
from mockserver.wire.fault_point import encode_error_data
from mockserver.wire.faults import Fault, apply_fault, explain_no_effect


@fast_dataclass
class InjectionResult:
    """The fixture that is to answer, the injections by the request and by a fault rule, and the error in them.

    Injections without an error may still delay or break the answer; `match` is None if no fixture answers.
    """

    match: FixtureMatch | None
    by_request: Injection
    by_rule: Injection
    error: ApiError | None

    def choose_fault(self, own: Fault | None) -> Fault | None:
        """Return the fault that applies: that of the request before that of a rule or of the response itself."""
        return self.by_request.fault or self.by_rule.fault or own


NOTHING_INJECTED: Final = InjectionResult(None, NO_INJECTION, NO_INJECTION, None)


def inject_nothing(
    request: ChatRequest, match: FixtureMatch | None, settings: Settings, rules: Sequence[object]
) -> InjectionResult | None:
    """Return the result for a request that asks for nothing, as most do, if there are no rules; None for others."""
    if rules or has_injection(request.routed_head):
        return None
    fixture = match.fixture if match else None
    if settings.mock_messages and find_error_in_message(request, fixture) is not None:
        return None
    return InjectionResult(match, NO_INJECTION, NO_INJECTION, None)


def find_named_fixture(
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
        message = f"{FIXTURE_HEADER}: found {truncate_text(decoded)!r}, expected a fixture's name{hint}"
        raise ApiError("invalid_request", message)
    response = fixture.response_at(answer_counts.get(fixture.counter_key, 0))
    return FixtureMatch(fixture, response or fixture.responses[-1])


def classify_error(error: ApiError, injected: InjectionResult, outcome: Outcome) -> Outcome:
    """Return the outcome of a request that ends with an error; `outcome` is that without it."""
    if error in (injected.by_request.error, injected.by_rule.error):
        return "injected"
    return outcome if error.cause == "response" else _OUTCOMES.get(error.cause, "refused")


_OUTCOMES: Mapping[ErrorCause, Outcome] = {"path": "unknown_path", "no_match": "unmatched"}


def apply_injections(decision: Decision, request: ChatRequest, injected: InjectionResult) -> Decision:
    """Delay the answer and apply its fault.

    A refusal has no fault of a fixture, nor has a submitted job: the poll of its result has that. Error bodies within
    the fault are the vendor's. The reason of the decision notes a fault that changes nothing.
    """
    answer = decision.answer
    if delay := injected.by_rule.delay + injected.by_request.delay:
        answer = replace(answer, wait=answer.wait + delay)
    fault = injected.choose_fault(decision.own_fault)
    if request.route.is_job and decision.response is not None:
        fault = None  # it acts on the poll that reports the result
    encode_error = encode_error_event if request.route.api == "responses" else encode_error_data
    broken = apply_fault(
        fault,
        answer,
        lambda error: request.vendor.error_answer(error, build_error_context(request)),
        encode_error,
    )
    if broken is not answer:
        outcome = decision.outcome
        if fault is not decision.own_fault and outcome in ("answered", "generated", "unmatched"):
            outcome = "injected"
        return replace(decision, answer=broken, fault=str(fault), intended_answer=answer, outcome=outcome)
    if fault is None:
        return replace(decision, answer=answer)
    note = explain_no_effect(fault, answer)
    reason = "; ".join(filter(None, (decision.reason, note)))
    return replace(decision, answer=answer, reason=reason, unused_fault=note)
