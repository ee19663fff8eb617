"""What would happen to a request, and why: decided as in earnest, with nothing counted and nothing played."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import orjson
from starlette.types import Message

from mockserver.admin.openai_exceptions import SdkOutcome, describe_sdk_outcome, find_sdk_outcome
from mockserver.errors import InputError
from mockserver.fixtures.fixture import Fixture
from mockserver.fixtures.predicates import format_value
from mockserver.matching.fixture_set import NearMiss, find_first_match, find_mismatches, find_near_misses
from mockserver.pipeline import ChatPipeline
from mockserver.request.chat_request import ChatRequest, generate_request_id
from mockserver.request.request_head import RequestHead, route_head
from mockserver.schema.field_types import AnyValue, FieldType, Text
from mockserver.schema.object_types import ByType, MapOf, ObjectType, spec_dataclass, spec_field
from mockserver.sessions.injected_faults import FIXTURE_HEADER
from mockserver.sessions.journal import JournalEntry


@spec_dataclass
class ExplainInput:
    """A request to explain: its body alone, or with where it goes and what headers it has."""

    body: dict[str, Any] = spec_field(MapOf(AnyValue()), "the JSON body")
    vendor: str | None = spec_field(Text(), "the vendor's name; absent: the first", default=None)
    path: str | None = spec_field(Text(), "the vendor's path; absent: its chat completions", default=None)
    headers: dict[str, str] | None = spec_field(MapOf(Text()), "headers, a key among them", default=None)
    session: str | None = spec_field(Text(), "the session", default=None)


EXPLAIN_INPUT: FieldType = ByType(mapping=ObjectType(ExplainInput))


@dataclass(frozen=True, slots=True)
class DryRun:
    """The answer of a request, the fixture it comes from, and what others missed.

    Those are the ones that are asked before the one that matches; where none does, the ones that came nearest.
    """

    request: ChatRequest
    status: int
    fixture: str
    source: str
    reason: str
    near_misses: tuple[NearMiss, ...]
    omitted_count: int = 0  # fixtures that missed, and are not among these
    fault: str = ""  # that struck
    outcome: SdkOutcome | None = None  # of the OpenAI SDK; None where nobody knows
    instead_of: Fixture | None = None  # that matches, where the request names another one


async def dry_run_input(
    pipeline: ChatPipeline, explain_input: ExplainInput, session: str | None = None
) -> DryRun:
    """Raises InputError when the request names no vendor that is known.

    `session` is whose request it is, where it does not say so itself.
    """
    call = await _build_request(pipeline, explain_input, explain_input.session or session)
    return await dry_run_request(pipeline, call)


async def dry_run_request(pipeline: ChatPipeline, request: ChatRequest) -> DryRun:
    """What would become of a call that has been read."""
    entry = JournalEntry(generate_request_id(), request.routed_head.head, request.session, request)
    rehearsed = await pipeline.dry_run_copy(request.session)
    shelf, answered, *_ = pipeline.effective_state(*await pipeline.store.overlays_and_counts(request.session))
    answer = await rehearsed.decide(request, entry)
    status = answer.status if answer.head else 0
    fixture = shelf.by_name(entry.fixture) if entry.fixture else None
    found = find_first_match(request, shelf, answered) if fixture else None
    matched = found.fixture if found else None
    raw = fixture is not None and any(response.raw for response in fixture.responses)
    outcome = None if raw and status < 400 else find_sdk_outcome(answer, entry.fault, stream=request.stream)
    if matched is None:
        misses = tuple(find_near_misses(request, shelf, answered, MAX_NEAR_MISSES))
        others = sum(1 for _ in shelf) - len(misses)
    else:
        before = list(takewhile(lambda one: one is not matched, shelf))
        misses = tuple(
            NearMiss(one, find_mismatches(request, one, answered)) for one in before[:MAX_NEAR_MISSES]
        )
        others = len(before) - len(misses)
    source = fixture.source if fixture else ""
    instead_of = None if fixture is matched else matched
    told = DryRun(request, status, entry.fixture, source, entry.reason, misses, others, entry.fault, outcome)
    return replace(told, instead_of=instead_of)


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
    own = {
        "content-type": "application/json",
        key.header: f"{key.scheme} {vendor.profile.sample_key}" if key.scheme else vendor.profile.sample_key,
    }
    headers = own | {name.lower(): value for name, value in (explain_input.headers or {}).items()}
    head = RequestHead("POST", f"/{name}{path}", "", session, headers)
    origin = route_head(head, pipeline.router)
    if origin is None:
        raise InputError.from_message(
            f"found {path!r}, expected a path like {vendor.profile.paths.chat[0]}", "path"
        )
    try:
        body = orjson.dumps(explain_input.body)
    except TypeError as error:
        raise InputError.from_message(f"cannot be sent as JSON: {error}", "body") from None

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return await pipeline.reader.read(origin, receive)


def format_dry_run(dry_run: DryRun) -> str:
    """The explanation as a person reads it."""
    call = dry_run.request
    said = format_value(call.last_user_text) if call.last_user_text else "no user message"
    lines = [f"{call.vendor.profile.title}, {call.model or 'no model'}, {said}", ""]
    status = dry_run.status or "none"
    if dry_run.fixture:
        lines.append(f"  answers  {status}  {dry_run.fixture}  ({dry_run.source})")
    else:
        lines.append(f"  answers  {status}  no fixture matched")
    if dry_run.instead_of is not None:
        other = dry_run.instead_of
        lines.append(f"           as {FIXTURE_HEADER} says, instead of  {other.name}  ({other.source})")
    if dry_run.reason and dry_run.fixture:
        lines.append(f"           {dry_run.reason}")
    if dry_run.fault:
        lines.append(f"  fault    {dry_run.fault}")
    if dry_run.outcome is not None and call.vendor.profile.paths.openai:
        lines.append(f"  openai   {describe_sdk_outcome(dry_run.outcome)}")
    for miss in dry_run.near_misses:
        lines += ["", f"  missed   {miss.fixture.name}  ({miss.fixture.source})"]
        lines += [f"           {difference}" for difference in miss.mismatches]
    if dry_run.omitted_count:
        lines += ["", f"  and {dry_run.omitted_count:,} more"]
    return "\n".join(lines)


MAX_NEAR_MISSES = 12  # misses that are told
