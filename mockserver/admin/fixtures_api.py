"""Fixtures and fault rules in the admin API, in the order of matching and evaluation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from mockserver.errors import Problem
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.fixtures.fixture import Fixture
from mockserver.masking import is_secret_header, mask_headers, mask_key
from mockserver.matching.fixture_set import FixtureSet, LayeredFixtures
from mockserver.matching.shadowing import find_shadowed
from mockserver.pipeline import ChatPipeline
from mockserver.schema.field_types import AnyValue, Boolean, FieldType, Integer, Null, Number, OneOf, Text
from mockserver.schema.object_types import (
    OPTIONAL_TEXT,
    ByType,
    ListOf,
    ObjectType,
    spec_dataclass,
    spec_field,
)
from mockserver.sessions.store import ANSWERED, APPLIED, EVALUATED, Overlay

_SCOPE: FieldType = OneOf("session", "shared", "file")


@spec_dataclass
class FixtureView:
    """One fixture and its use."""

    name: str = spec_field(Text(), "its name")
    scope: str = spec_field(_SCOPE, "its owner: one session, all sessions (`shared`), or a file")
    session: str | None = spec_field(OPTIONAL_TEXT, "the session that owns it; null for other scopes")
    source: str = spec_field(Text(), "file and line that define it, or `runtime`")
    hits: int = spec_field(Integer(0), "how often it answered a request")
    never_used: bool = spec_field(Boolean(), "whether `hits` is 0")
    shadowed_by: str | None = spec_field(
        OPTIONAL_TEXT, "an earlier fixture that matches every request it matches"
    )
    definition: Any = spec_field(AnyValue(), "the fixture as it was written; API keys are masked")


@spec_dataclass
class ProblemView:
    """A problem in a fixture file, because of which an edit was not loaded."""

    source: str = spec_field(Text(), "the file")
    line: int = spec_field(Integer(0), "from 1; 0 where it has none")
    column: int = spec_field(Integer(0), "from 1; 0 where it has none")
    path: str = spec_field(Text(), "its path in the document")
    message: str = spec_field(Text(), "what was found and what was expected")


@spec_dataclass
class FixtureListView:
    """All fixtures, and the problems of their files."""

    fixtures: Sequence[FixtureView] = spec_field(ListOf(ObjectType(FixtureView)), "in the order of matching")
    problems: Sequence[ProblemView] = spec_field(
        ListOf(ObjectType(ProblemView)), "problems of the current files; the last valid ones are served"
    )


@spec_dataclass
class FaultRuleView:
    """One fault rule and its use."""

    id: str = spec_field(Text(), "its name")
    scope: str = spec_field(_SCOPE, "its owner: one session, all sessions (`shared`), or a file or flag")
    session: str | None = spec_field(OPTIONAL_TEXT, "the session that owns it; null for other scopes")
    source: str = spec_field(Text(), "file and line or flag that defines it, or `runtime`")
    evaluated: int = spec_field(Integer(0), "how often a request matched it")
    applied: int = spec_field(Integer(0), "how often it was applied")
    left_s: float | None = spec_field(
        ByType(number=Number(), null=Null()), "seconds until it expires; null: never"
    )
    over: bool = spec_field(
        Boolean(),
        "whether it has expired, or the session that owns it has used up its `times`",
    )
    definition: Any = spec_field(AnyValue(), "the rule as it was written; API keys are masked")


@spec_dataclass
class FaultRuleListView:
    """All fault rules in force."""

    faults: Sequence[FaultRuleView] = spec_field(
        ListOf(ObjectType(FaultRuleView)), "in the order of evaluation"
    )


async def collect_fixtures(pipeline: ChatPipeline, session: str | None) -> FixtureListView:
    """Return the fixtures that apply to a session; without one, those of all sessions."""
    hits = dict(await pipeline.store.counters(session, ANSWERED))
    own, shared = await collect_overlays(pipeline, session)
    problems = pipeline.load_problems
    # On a thread: there may be thousands of fixtures. Overlays and fixture sets are immutable.
    views = await asyncio.to_thread(_fixture_views, own, shared, pipeline.fixtures, hits, session)
    return FixtureListView(fixtures=views, problems=list(map(_problem_view, problems)))


def _fixture_views(
    own: Mapping[str, Overlay],
    shared: Overlay,
    from_files: FixtureSet,
    hits: Mapping[str, int],
    session: str | None,
) -> list[FixtureView]:
    fixture_sets = [layer.fixtures for layer in own.values()] if session is not None else []
    shadows = _find_shadows(*fixture_sets, shared.fixtures, from_files)
    views: list[FixtureView] = []
    for owner, layer in own.items():
        views += [_fixture_view(one, "session", owner, hits, shadows) for one in layer.fixtures]
    views += [_fixture_view(one, "shared", None, hits, shadows) for one in shared.fixtures]
    views += [_fixture_view(one, "file", None, hits, shadows) for one in from_files]
    return views


def _problem_view(problem: Problem) -> ProblemView:
    return ProblemView(
        source=problem.source,
        line=problem.line,
        column=problem.column,
        path=problem.path,
        message=problem.message,
    )


async def collect_fault_rules(pipeline: ChatPipeline, session: str | None) -> FaultRuleListView:
    """Return the fault rules that apply to a session; without one, those of all sessions."""
    store = pipeline.store
    names = await store.sessions() if session is None else (session,)
    evaluated = {name: await store.counters(name, EVALUATED) for name in names}
    applied = {name: await store.counters(name, APPLIED) for name in names}
    own, shared = await collect_overlays(pipeline, session)

    async def views(
        rules: Iterable[FaultRule], scope: str, owner: str | None = None
    ) -> AsyncIterator[FaultRuleView]:
        users = names if owner is None else (owner,)
        for one in rules:
            applied_counts = [count for name in users if (count := applied[name].get(one.counter_key, 0))]
            left = _seconds_left(one, await store.elapsed(one.active_since, owner or session))
            times = one.rule.times
            yield FaultRuleView(
                id=one.name,
                scope=scope,
                session=owner,
                source=one.source,
                evaluated=sum(evaluated[name].get(one.counter_key, 0) for name in users),
                applied=sum(applied_counts),
                left_s=left,
                over=left == 0 or (owner is not None and times is not None and sum(applied_counts) >= times),
                definition=redact_definition(one.definition),
            )

    faults = [rule for owner, layer in own.items() async for rule in views(layer.rules, "session", owner)]
    faults += [rule async for rule in views(shared.rules, "shared")]
    faults += [rule async for rule in views((*pipeline.fixtures.rules, *pipeline.fault_rules), "file")]
    return FaultRuleListView(faults=faults)


async def count_fixtures(pipeline: ChatPipeline) -> int:
    """Return the number of fixtures, including those of every session."""
    own, shared = await collect_overlays(pipeline, None)
    return sum(map(len, (pipeline.fixtures, shared.fixtures, *(layer.fixtures for layer in own.values()))))


def _seconds_left(rule: FaultRule, elapsed: float) -> float | None:
    duration = rule.rule.duration
    return None if duration is None else max(round(duration - elapsed, 3), 0)


async def collect_overlays(pipeline: ChatPipeline, session: str | None) -> tuple[dict[str, Overlay], Overlay]:
    """Return the non-empty overlays of a session, or of all sessions by their name, and the shared one."""
    names = sorted(await pipeline.store.sessions()) if session is None else (session,)
    own = {name: await pipeline.store.overlay(name) for name in names}
    return {
        name: layer for name, layer in own.items() if layer.fixtures or layer.rules
    }, await pipeline.store.overlay(None)


def _fixture_view(
    fixture: Fixture, scope: str, owner: str | None, hits: Mapping[str, int], shadows: Mapping[int, str]
) -> FixtureView:
    count = hits.get(fixture.counter_key, 0)
    return FixtureView(
        name=fixture.name,
        scope=scope,
        session=owner,
        source=fixture.source,
        hits=count,
        never_used=count == 0,
        shadowed_by=shadows.get(id(fixture)),
        definition=redact_definition(fixture.definition),
    )


@lru_cache(maxsize=4)
def _find_shadows(*fixture_sets: FixtureSet) -> Mapping[int, str]:
    """Map the id() of each shadowed fixture to the name of the one that shadows it."""
    in_order = tuple(LayeredFixtures(*fixture_sets))
    shadows = {id(fixture): before.name for fixture, before in find_shadowed(FixtureSet(in_order))}
    reachable = {id(fixture) for fixture in in_order}
    # A fixture is also hidden by one with the same name in a layer above.
    hidden = (one for fixtures in fixture_sets for one in fixtures if id(one) not in reachable)
    return shadows | {id(fixture): fixture.name for fixture in hidden}


def redact_definition(definition: Any) -> Any:
    """Return a definition with the secrets in its match and in the headers of its responses masked."""
    if not isinstance(definition, Mapping):
        return definition
    redacted = {
        name: _redact_response(item) if name in _RESPONSES else item for name, item in definition.items()
    }
    if isinstance(definition.get("match"), Mapping):
        redacted["match"] = _redact_match(definition["match"])
    return redacted


_RESPONSES = ("response", "responses", "raw")


def _redact_response(response: Any) -> Any:
    if isinstance(response, list):
        return list(map(_redact_response, response))
    if not isinstance(response, Mapping):
        return response
    redacted = redact_definition(response)
    if isinstance(response.get("headers"), Mapping):
        redacted["headers"] = mask_headers({name: str(value) for name, value in response["headers"].items()})
    return redacted


def _redact_match(definition: Mapping[str, Any]) -> dict[str, Any]:
    match = dict(definition)
    if "key" in match:
        match["key"] = _mask_predicate(match["key"])
    if isinstance(match.get("header"), Mapping):
        match["header"] = {
            name: _mask_predicate(value) if is_secret_header(name) else value
            for name, value in match["header"].items()
        }
    return match


def _mask_predicate(predicate: Any) -> Any:
    """Mask every text in a predicate whose texts are keys."""
    if isinstance(predicate, Mapping):
        return {name: _mask_predicate(value) for name, value in predicate.items()}
    if isinstance(predicate, list):
        return [_mask_predicate(item) for item in predicate]
    return mask_key(predicate) if isinstance(predicate, str) else predicate
