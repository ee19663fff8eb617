"""Dry runs: what a request would receive and why, decided by a copy of the pipeline that counts nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import orjson
from starlette.types import Message

from mockserver.admin.openai_exceptions import SdkOutcome, describe_sdk_outcomes, find_sdk_outcomes
from mockserver.answering.conversations import load_conversation
from mockserver.answering.effective_state import EffectiveState
from mockserver.bounded_regex import SharedRegexBudget
from mockserver.errors import InputError
from mockserver.fixtures.fixture import Fixture
from mockserver.fixtures.predicates import format_value
from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.masking import join_scheme
from mockserver.matching.dropped_reasoning import explain_dropped_reasoning
from mockserver.matching.fixture_set import NearMiss, find_first_match, find_mismatches, find_near_misses
from mockserver.pipeline import ChatPipeline
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_head import RequestHead, route_head
from mockserver.schema.field_types import AnyValue, FieldType, Text
from mockserver.schema.object_types import ByType, MapOf, ObjectType, spec_dataclass, spec_field
from mockserver.sessions.injected_faults import FIXTURE_HEADER
from mockserver.sessions.journal import Decision, Outcome, generate_request_id
from mockserver.wire.answer import index_headers


@spec_dataclass
class ExplainInput:
    """A request to explain: its body, and optionally its vendor, path, headers and session."""

    body: dict[str, Any] = spec_field(MapOf(AnyValue()), "the JSON body")
    vendor: str | None = spec_field(Text(), "the vendor's name; default: the first vendor", default=None)
    path: str | None = spec_field(Text(), "the vendor's path; default: its chat completions", default=None)
    headers: dict[str, str] | None = spec_field(
        MapOf(Text()), "the request headers; default: a valid API key", default=None
    )
    session: str | None = spec_field(Text(), "the session of the request", default=None)


EXPLAIN_INPUT: FieldType = ByType(mapping=ObjectType(ExplainInput))


@dataclass(frozen=True, slots=True)
class DryRun:
    """The outcome of a dry run: status, fixture, and the near misses.

    The near misses are the fixtures tried before the one that matches; if none matches, the nearest ones.
    """

    request: ChatRequest
    status: int
    fixture: str
    source: str
    reason: str
    near_misses: tuple[NearMiss, ...]
    outcomes: Mapping[str, SdkOutcome]  # by release of the OpenAI SDK; empty if they were not measured
    omitted_count: int = 0  # mismatching fixtures that are not among the near misses
    fault: str = ""  # the fault that was applied
    instead_of: Fixture | None = None  # the fixture that matches, if the request names another one
    kind: Outcome = "answered"  # the kind of the answer
    unused_fault: str = ""  # the part of the reason about a fault that changes nothing


async def dry_run_input(
    pipeline: ChatPipeline, explain_input: ExplainInput, session: str | None = None
) -> DryRun:
    """Build the request of an input and run it without side effects.

    `session` applies if the input has none. Raises InputError for an unknown vendor or path.
    """
    request = await _build_request(pipeline, explain_input, explain_input.session or session)
    return await dry_run_request(pipeline, request)


async def dry_run_request(pipeline: ChatPipeline, request: ChatRequest) -> DryRun:
    """Run a parsed request without side effects."""
    copy = await pipeline.dry_run_copy(request.session)
    state = pipeline.effective_state(*await pipeline.store.overlays_and_counts(request.session))
    with SharedRegexBudget():
        if request.is_large:
            await copy.prepare(request)
        decision = await copy.decide(request, generate_request_id())
        # On a thread: it compares the texts of all fixtures, of which there may be thousands.
        return await asyncio.to_thread(_describe_dry_run, request, state, decision)


def _describe_dry_run(request: ChatRequest, state: EffectiveState, decision: Decision) -> DryRun:
    """Return the result of a dry run with the fixtures that come before the matching one, or the near misses."""
    status = decision.status
    fixture = state.fixtures.by_name(decision.fixture) if decision.fixture else None
    found = find_first_match(request, state.fixtures, state.answer_counts) if fixture else None
    matched = found.fixture if found else None
    raw = fixture is not None and any(response.raw or response.patch for response in fixture.responses)
    outcomes: Mapping[str, SdkOutcome] = {}
    is_measured = request.route.api == "chat" and not raw
    if request.vendor.profile.paths.openai and (is_measured or status >= 400):
        outcomes = find_sdk_outcomes(
            request.vendor.profile,
            decision.answer,
            decision.intended_answer,
            decision.fault,
            stream=request.stream,
        )
    misses: tuple[NearMiss, ...] = ()
    omitted = 0
    if decision.outcome not in ("refused", "unknown_path"):  # a fixture was to answer
        misses, omitted = _find_near_misses(request, state, matched)
    reason = decision.reason
    if fixture is not None and decision.response is not None:
        dropped = explain_dropped_reasoning(request, decision.response)
        reason = "; ".join(filter(None, (reason, dropped, _explain_choice(request, decision.response))))
    source = fixture.source if fixture else ""
    instead_of = None if fixture is matched else matched
    return DryRun(
        request,
        status,
        decision.fixture,
        source,
        reason,
        misses,
        outcomes,
        omitted,
        decision.fault,
        instead_of,
        decision.outcome,
        decision.unused_fault,
    )


def _explain_choice(request: ChatRequest, response: ResponseSpec) -> str:
    """Return that only the first of several choices is sent; empty if all are."""
    if request.route.api != "responses" or len(response.all_choices) < 2:
        return ""
    return f"the first of {len(response.all_choices)} choices is sent: a response has only one"


def _find_near_misses(
    request: ChatRequest, state: EffectiveState, matched: Fixture | None
) -> tuple[tuple[NearMiss, ...], int]:
    """Return the fixtures before the one that matches, or the nearest ones, and the number of omitted ones."""
    fixtures, counts = state.fixtures, state.answer_counts
    if matched is None:
        nearest = tuple(find_near_misses(request, fixtures, counts, MAX_NEAR_MISSES))
        return nearest, sum(1 for _ in fixtures) - len(nearest)
    before = list(takewhile(lambda one: one is not matched, fixtures))
    misses = tuple(NearMiss(one, find_mismatches(request, one, counts)) for one in before[:MAX_NEAR_MISSES])
    return misses, len(before) - len(misses)


async def _build_request(
    pipeline: ChatPipeline, explain_input: ExplainInput, session: str | None
) -> ChatRequest:
    vendors = pipeline.router.vendors
    name = explain_input.vendor or next(iter(vendors))
    if name not in vendors:
        raise InputError.from_message(f"found {name!r}, expected one of {', '.join(vendors)}", "vendor")
    vendor = vendors[name]
    path = explain_input.path or vendor.profile.paths.chat[0].replace(
        "{model}", str(explain_input.body.get("model", "model"))
    )
    key = vendor.profile.keys[0]
    defaults = {
        "content-type": "application/json",
        key.header: join_scheme(key.scheme, vendor.profile.sample_key),
    }
    headers = defaults | index_headers((explain_input.headers or {}).items())
    head = RequestHead("POST", f"/{name}{path}", "", session, headers)
    routed = route_head(head, pipeline.router)
    if routed is None:
        raise InputError.from_message(
            f"found {path!r}, expected a path like {vendor.profile.paths.chat[0]}", "path"
        )
    body = orjson.dumps(explain_input.body)

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    request = await pipeline.reader.read(routed, receive)
    if request.route.api == "responses":
        request = await load_conversation(request, pipeline.store, pipeline.reader.worker)
    return request


def format_dry_run(dry_run: DryRun) -> str:
    """Return the explanation as text for a terminal."""
    request = dry_run.request
    message = (
        format_value(request.parsed.last_user_text) if request.parsed.last_user_text else "no user message"
    )
    lines = [f"{request.vendor.profile.title}, {request.model or 'no model'}, {message}", ""]
    lines.append(f"  answers  {dry_run.status or 'none'}  {_describe_source(dry_run)}")
    if dry_run.instead_of is not None:
        other = dry_run.instead_of
        lines.append(f"           selected by {FIXTURE_HEADER}, instead of  {other.name}  ({other.source})")
    # If nothing matches, the near misses follow in place of the reason.
    reason = dry_run.unused_fault if dry_run.kind == "unmatched" else dry_run.reason
    if reason:
        lines.append(f"           {reason}")
    if dry_run.fault:
        lines.append(f"  fault    {dry_run.fault}")
    if dry_run.outcomes:
        lines.append(f"  openai   {describe_sdk_outcomes(dry_run.outcomes)}")
    for miss in dry_run.near_misses:
        lines += ["", f"  missed   {miss.fixture.name}  ({miss.fixture.source})"]
        lines += [f"           {difference}" for difference in miss.mismatches]
    if dry_run.omitted_count:
        lines += ["", f"  and {dry_run.omitted_count:,} more"]
    return "\n".join(lines)


def _describe_source(dry_run: DryRun) -> str:
    if dry_run.fixture:
        return f"{dry_run.fixture}  ({dry_run.source})"
    return _SOURCES.get(dry_run.kind, "no fixture matched")


_SOURCES: Mapping[Outcome, str] = {
    "generated": "a generated reply, since no fixture matched",
    "refused": "the request is refused",
    "unknown_path": "there is no such path",
}


MAX_NEAR_MISSES = 12  # near misses in an explanation
