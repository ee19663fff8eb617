"""What would happen to a request, and why: decided as in earnest, with nothing counted and nothing played."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import orjson
from starlette.types import Message

from mockserver import call as calls
from mockserver import origin as origins
from mockserver.call import Call
from mockserver.chat import Line
from mockserver.control import raises
from mockserver.errors import InputError
from mockserver.origin import Head
from mockserver.record import ByType, MapOf, Record, record, said
from mockserver.session.demand import FIXTURE
from mockserver.session.journal import Entry
from mockserver.shape import Anything, Shape, Text
from mockserver.shelf import matching
from mockserver.shelf.condition import spell
from mockserver.shelf.fixture import Fixture
from mockserver.shelf.matching import Miss


@record
class Asked:
    """A request to explain: its body alone, or with where it goes and what headers it has."""

    body: dict[str, Any] = said(MapOf(Anything()), "the JSON body")
    vendor: str | None = said(Text(), "the vendor's name; absent: the first", default=None)
    path: str | None = said(Text(), "the vendor's path; absent: its chat completions", default=None)
    headers: dict[str, str] | None = said(MapOf(Text()), "headers, a key among them", default=None)
    session: str | None = said(Text(), "the session", default=None)


ASKED: Shape = ByType(mapping=Record(Asked))


@dataclass(frozen=True, slots=True)
class Explained:
    """The answer of a request, the fixture it comes from, and what others missed.

    Those are the ones that are asked before the one that matches; where none does, the ones that came nearest.
    """

    call: Call
    status: int
    fixture: str
    source: str
    why: str
    misses: tuple[Miss, ...]
    others: int = 0  # fixtures that missed, and are not among these
    fault: str = ""  # that struck
    outcome: raises.Outcome | None = None  # of the OpenAI SDK; None where nobody knows
    instead_of: Fixture | None = None  # that matches, where the request names another one


async def explain(line: Line, asked: Asked, session: str | None = None) -> Explained:
    """Raises InputError when the request names no vendor that is known.

    `session` is whose request it is, where it does not say so itself.
    """
    call = await _call(line, asked, asked.session or session)
    return await rehearse(line, call)


async def rehearse(line: Line, call: Call) -> Explained:
    """What would become of a call that has been read."""
    entry = Entry(calls.new_id(), call.origin.head, call.session, call)
    rehearsed = await line.rehearsed(call.session)
    shelf, answered, *_ = line.reached(*await line.store.meets(call.session))
    answer = await rehearsed.answer(call, entry)
    status = answer.status if answer.head else 0
    fixture = shelf.named(entry.fixture) if entry.fixture else None
    found = matching.pick(call, shelf, answered) if fixture else None
    matched = found.fixture if found else None
    raw = fixture is not None and any(response.raw for response in fixture.responses)
    outcome = None if raw and status < 400 else raises.of(answer, entry.fault, stream=call.stream)
    if matched is None:
        misses = tuple(matching.nearest(call, shelf, answered, MOST))
        others = sum(1 for _ in shelf) - len(misses)
    else:
        before = list(takewhile(lambda one: one is not matched, shelf))
        misses = tuple(Miss(one, matching.differences(call, one, answered)) for one in before[:MOST])
        others = len(before) - len(misses)
    source = fixture.source if fixture else ""
    instead_of = None if fixture is matched else matched
    told = Explained(call, status, entry.fixture, source, entry.why, misses, others, entry.fault, outcome)
    return replace(told, instead_of=instead_of)


async def _call(line: Line, asked: Asked, session: str | None) -> Call:
    vendors = line.directory.vendors
    name = asked.vendor or next(iter(vendors))
    if name not in vendors:
        raise InputError.of(f"found {name!r}, expected one of {', '.join(vendors)}", "vendor")
    vendor = vendors[name]
    path = asked.path or vendor.profile.paths.chat[0].replace(
        "{model}", str(asked.body.get("model", "model"))
    )
    key = vendor.profile.keys[0]
    own = {
        "content-type": "application/json",
        key.header: f"{key.scheme} {vendor.profile.sample_key}" if key.scheme else vendor.profile.sample_key,
    }
    headers = own | {name.lower(): value for name, value in (asked.headers or {}).items()}
    head = Head("POST", f"/{name}{path}", "", session, headers)
    origin = origins.origin(head, line.directory)
    if origin is None:
        raise InputError.of(f"found {path!r}, expected a path like {vendor.profile.paths.chat[0]}", "path")
    try:
        body = orjson.dumps(asked.body)
    except TypeError as error:
        raise InputError.of(f"cannot be sent as JSON: {error}", "body") from None

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return await line.reader.read(origin, receive)


def text(explained: Explained) -> str:
    """The explanation as a person reads it."""
    call = explained.call
    said = spell(call.user) if call.user else "no user message"
    lines = [f"{call.vendor.profile.title}, {call.model or 'no model'}, {said}", ""]
    status = explained.status or "none"
    if explained.fixture:
        lines.append(f"  answers  {status}  {explained.fixture}  ({explained.source})")
    else:
        lines.append(f"  answers  {status}  no fixture matched")
    if explained.instead_of is not None:
        other = explained.instead_of
        lines.append(f"           as {FIXTURE} says, instead of  {other.name}  ({other.source})")
    if explained.why and explained.fixture:
        lines.append(f"           {explained.why}")
    if explained.fault:
        lines.append(f"  fault    {explained.fault}")
    if explained.outcome is not None and call.vendor.profile.paths.openai:
        lines.append(f"  openai   {raises.text(explained.outcome)}")
    for miss in explained.misses:
        lines += ["", f"  missed   {miss.fixture.name}  ({miss.fixture.source})"]
        lines += [f"           {difference}" for difference in miss.differences]
    if explained.others:
        lines += ["", f"  and {explained.others:,} more"]
    return "\n".join(lines)


MOST = 12  # misses that are told
