"""The plan in the admin API: its steps, where it stands, and its restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mockserver.admin.event_stream import EventFeed
from mockserver.admin.fixtures_api import redact_definition
from mockserver.fixtures.plan_spec import PLAN, PlanSpec, PlanStep
from mockserver.pipeline import ChatPipeline
from mockserver.schema.field_types import AnyValue, FieldType, Integer, Null, Number, OneOf, Text
from mockserver.schema.object_types import (
    OPTIONAL_TEXT,
    ByType,
    ListOf,
    ObjectType,
    spec_dataclass,
    spec_field,
)
from mockserver.sessions.store import APPLIED, EVALUATED

_SECONDS: FieldType = ByType(number=Number(), null=Null())
PLAN_INPUT: FieldType = ByType(mapping=ObjectType(PlanSpec), sequence=PLAN)


@spec_dataclass
class PlanStepView:
    """One step of the plan and its use."""

    id: str = spec_field(Text(), "its name")
    source: str = spec_field(Text(), "file and line that define it, or `body`")
    at_s: float = spec_field(Number(0), "when it begins, in seconds after the first request")
    for_s: float | None = spec_field(_SECONDS, "the seconds for which it applies; null: to the end")
    state: str = spec_field(OneOf("pending", "active", "over"), "whether it has begun, or ended")
    probability: float = spec_field(
        Number(0, 1), "the probability that it applies now, 0 if it is not active"
    )
    evaluated: int = spec_field(Integer(0), "how often a request matched it since the plan began")
    applied: int = spec_field(Integer(0), "how often it was applied")
    definition: Any = spec_field(AnyValue(), "the step as it was written; API keys are masked")


@spec_dataclass
class PlanView:
    """The plan, and where it stands."""

    scope: str = spec_field(OneOf("shared", "file"), "whether it was set at run time (`shared`), or by files")
    elapsed_s: float | None = spec_field(_SECONDS, "seconds since the first request; null: none arrived yet")
    session: str | None = spec_field(OPTIONAL_TEXT, "the session whose clock is used; null: the common clock")
    steps: Sequence[PlanStepView] = spec_field(ListOf(ObjectType(PlanStepView)), "in order of precedence")


class PlanAdmin:
    """The plan of a pipeline, which all sessions share."""

    def __init__(self, pipeline: ChatPipeline, feed: EventFeed) -> None:
        self._pipeline = pipeline
        self._feed = feed

    async def view(self, session: str | None) -> PlanView:
        """Return the plan and where it stands by the clock of a session, with the counts of that session or of all."""
        store = self._pipeline.store
        overlay = await store.overlay(None)
        elapsed = await store.plan_elapsed(session)
        evaluated = await store.counters(session, EVALUATED)
        applied = await store.counters(session, APPLIED)
        return PlanView(
            scope="file" if overlay.plan is None else "shared",
            elapsed_s=None if elapsed is None else round(elapsed, 3),
            session=session,
            steps=[
                _step_view(
                    step,
                    -1 if elapsed is None else elapsed,
                    evaluated.get(step.rule.counter_key, 0),
                    applied.get(step.rule.counter_key, 0),
                )
                for step in (self._pipeline.fixtures.plan if overlay.plan is None else overlay.plan)
            ],
        )

    async def restart(self) -> None:
        """Let the plan begin again with the next request, its steps counted from 0."""
        store = self._pipeline.store
        overlay = await store.overlay(None)
        plan = self._pipeline.fixtures.plan if overlay.plan is None else overlay.plan
        await store.reset_counters(None, (EVALUATED, APPLIED), [step.rule.counter_key for step in plan])
        await store.restart_plan()
        self._feed.publish_change("plan", None)

    async def set(self, plan: tuple[PlanStep, ...] | None) -> None:
        """Replace the plan, or return to that of the files; it begins with the next request."""
        store = self._pipeline.store
        async with store.lock(None):
            await store.set_overlay(None, replace(await store.overlay(None), plan=plan))
        await self.restart()


def _step_view(step: PlanStep, elapsed: float, evaluated: int, applied: int) -> PlanStepView:
    state, rule = step.state_at(elapsed), step.rule.rule
    return PlanStepView(
        id=step.rule.name,
        source=step.rule.source,
        at_s=step.at,
        for_s=rule.duration,
        state=state,
        probability=round(rule.probability_at(elapsed - step.at), 6) if state == "active" else 0.0,
        evaluated=evaluated,
        applied=applied,
        definition=redact_definition(step.rule.definition),
    )
