"""What is in force: every fixture in the order in which it is asked, and every fault rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from mockserver.errors import Problem
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.fixtures.fixture import Fixture
from mockserver.masking import is_secret_header, mask_key
from mockserver.matching.fixture_set import FixtureSet, LayeredFixtures
from mockserver.matching.shadowing import find_shadowed
from mockserver.pipeline import ChatPipeline
from mockserver.schema.field_types import AnyValue, Boolean, FieldType, Integer, Null, Number, OneOf, Text
from mockserver.schema.object_types import ByType, ListOf, ObjectType, spec_dataclass, spec_field
from mockserver.sessions.store import ANSWERED, APPLIED, EVALUATED, Overlay

_OPTIONAL_TEXT: FieldType = ByType(text=Text(), null=Null())
_SCOPE: FieldType = OneOf("session", "shared", "file")


@spec_dataclass
class FixtureView:
    """One fixture."""

    name: str = spec_field(Text(), "its name")
    scope: str = spec_field(_SCOPE, "who has it: a session, all of them (`shared`), or a file")
    session: str | None = spec_field(_OPTIONAL_TEXT, "whose it is, where it is a session's")
    source: str = spec_field(Text(), "where it stands")
    hits: int = spec_field(Integer(0), "how often it answered")
    never_used: bool = spec_field(Boolean(), "whether it did not")
    shadowed_by: str | None = spec_field(_OPTIONAL_TEXT, "the fixture that answers before it, always")
    definition: Any = spec_field(AnyValue(), "what stands there; keys are masked")


@spec_dataclass
class ProblemView:
    """What is wrong with the files, so that an edit of theirs was not taken in."""

    source: str = spec_field(Text(), "the file")
    line: int = spec_field(Integer(0), "from 1; 0 where it has none")
    column: int = spec_field(Integer(0), "from 1; 0 where it has none")
    path: str = spec_field(Text(), "where it stands in the document")
    message: str = spec_field(Text(), "what was found, and what was expected")


@spec_dataclass
class FixtureListView:
    """All fixtures."""

    fixtures: Sequence[FixtureView] = spec_field(
        ListOf(ObjectType(FixtureView)), "in the order in which they are asked"
    )
    problems: Sequence[ProblemView] = spec_field(
        ListOf(ObjectType(ProblemView)), "of the files as they are now; the last good ones are served"
    )


@spec_dataclass
class FaultRuleView:
    """One fault rule."""

    id: str = spec_field(Text(), "its name")
    scope: str = spec_field(_SCOPE, "who has it: a session, all of them (`shared`), or a file or flag")
    session: str | None = spec_field(_OPTIONAL_TEXT, "whose it is, where it is a session's")
    source: str = spec_field(Text(), "where it stands")
    evaluated: int = spec_field(Integer(0), "how often it was for a call")
    applied: int = spec_field(Integer(0), "how often it struck")
    left_s: float | None = spec_field(
        ByType(number=Number(), null=Null()), "seconds until its time is over; null: it has no end"
    )
    over: bool = spec_field(
        Boolean(),
        "whether it strikes no more: its time is over, or its times are, in each session that it struck",
    )
    definition: Any = spec_field(AnyValue(), "what stands there; keys are masked")


@spec_dataclass
class FaultRuleListView:
    """All fault rules."""

    faults: Sequence[FaultRuleView] = spec_field(
        ListOf(ObjectType(FaultRuleView)), "in the order in which they are rolled"
    )


async def collect_fixtures(pipeline: ChatPipeline, session: str | None) -> FixtureListView:
    """Those that a session meets; without one, those of every session, and what they share."""
    hits = await pipeline.store.counters(session, ANSWERED)
    own, shared = await collect_overlays(pipeline, session)
    shelves = [layer.fixtures for layer in own.values()] if session is not None else []
    shadows = _find_shadows(*shelves, shared.fixtures, pipeline.fixtures)
    told: list[FixtureView] = []
    for owner, layer in own.items():
        told += [_fixture_view(one, "session", owner, hits, shadows) for one in layer.fixtures]
    told += [_fixture_view(one, "shared", None, hits, shadows) for one in shared.fixtures]
    told += [_fixture_view(one, "file", None, hits, shadows) for one in pipeline.fixtures]
    return FixtureListView(fixtures=told, problems=[_problem_view(one) for one in pipeline.load_problems])


def _problem_view(problem: Problem) -> ProblemView:
    return ProblemView(
        source=problem.source,
        line=problem.line,
        column=problem.column,
        path=problem.path,
        message=problem.message,
    )


async def collect_fault_rules(pipeline: ChatPipeline, session: str | None) -> FaultRuleListView:
    """Those that a session meets; without one, those of every session, and what they share."""
    store = pipeline.store
    names = await store.sessions() if session is None else (session,)
    rolled = {name: await store.counters(name, EVALUATED) for name in names}
    struck = {name: await store.counters(name, APPLIED) for name in names}
    own, shared = await collect_overlays(pipeline, session)

    def told(laid: Iterable[FaultRule], of: str, owner: str | None = None) -> Iterator[FaultRuleView]:
        whose = names if owner is None else (owner,)
        for one in laid:
            struck_in = [count for name in whose if (count := struck[name].get(one.name, 0))]
            left = _seconds_left(one, store.clock.elapsed(one.active_since, owner or session))
            times = one.rule.times
            yield FaultRuleView(
                id=one.name,
                scope=of,
                session=owner,
                source=one.source,
                evaluated=sum(rolled[name].get(one.name, 0) for name in whose),
                applied=sum(struck_in),
                left_s=left,
                over=left == 0 or (bool(struck_in) and times is not None and min(struck_in) >= times),
                definition=redact_definition(one.definition),
            )

    mine = [rule for owner, layer in own.items() for rule in told(layer.rules, "session", owner)]
    rest = (*told(shared.rules, "shared"), *told((*pipeline.fixtures.rules, *pipeline.fault_rules), "file"))
    return FaultRuleListView(faults=[*mine, *rest])


async def count_fixtures(pipeline: ChatPipeline) -> int:
    """How many fixtures there are, those of every session included."""
    own, shared = await collect_overlays(pipeline, None)
    return sum(map(len, (pipeline.fixtures, shared.fixtures, *(layer.fixtures for layer in own.values()))))


def _seconds_left(rule: FaultRule, elapsed: float) -> float | None:
    lasting = rule.rule.duration
    return None if lasting is None else max(round(lasting - elapsed, 3), 0)


async def collect_overlays(pipeline: ChatPipeline, session: str | None) -> tuple[dict[str, Overlay], Overlay]:
    """The layers of a session, or of every one that has its own; and what they share."""
    names = await pipeline.store.sessions() if session is None else (session,)
    own = {name: await pipeline.store.overlay(name) for name in names}
    return {
        name: layer for name, layer in own.items() if layer.fixtures or layer.rules
    }, await pipeline.store.overlay(None)


def _fixture_view(
    fixture: Fixture, scope: str, owner: str | None, hits: Mapping[str, int], shadows: Mapping[int, str]
) -> FixtureView:
    count = hits.get(fixture.name, 0)
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
    """By a fixture's identity, the one that answers in its place: it covers it, or has its name."""
    asked = tuple(LayeredFixtures(*fixture_sets))
    shadows = {id(fixture): before.name for fixture, before in find_shadowed(FixtureSet(asked))}
    met = {id(fixture) for fixture in asked}
    hidden = (fixture for shelf in fixture_sets for fixture in shelf if id(fixture) not in met)
    return shadows | {id(fixture): fixture.name for fixture in hidden}


def redact_definition(definition: Any) -> Any:
    """What a person wrote, with the keys in its match masked."""
    if not isinstance(definition, Mapping) or not isinstance(definition.get("match"), Mapping):
        return definition
    match = dict(definition["match"])
    if "key" in match:
        match["key"] = _mask_predicate(match["key"])
    if isinstance(match.get("header"), Mapping):
        match["header"] = {
            name: _mask_predicate(value) if is_secret_header(name) else value
            for name, value in match["header"].items()
        }
    return {**definition, "match": match}


def _mask_predicate(predicate: Any) -> Any:
    """A condition whose texts are keys, wherever they stand in it."""
    if isinstance(predicate, Mapping):
        return {name: _mask_predicate(value) for name, value in predicate.items()}
    if isinstance(predicate, list):
        return [_mask_predicate(item) for item in predicate]
    return mask_key(predicate) if isinstance(predicate, str) else predicate
