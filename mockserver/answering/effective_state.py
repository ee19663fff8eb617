"""The fixtures, fault rules, plan and accounts that apply to a request."""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.billing.charging import AccountRegistry
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.fixtures.plan_spec import PlanStep
from mockserver.matching.fixture_set import FixtureMatch, FixtureSet, LayeredFixtures, find_first_match
from mockserver.memoize import fast_dataclass
from mockserver.request.chat_request import ChatRequest


@fast_dataclass
class EffectiveState:
    """The fixtures, fault rules, plan and accounts in force for a session's requests, in order of precedence.

    `answer_counts` maps a fixture's `counter_key` to the number of times it has answered this session.
    """

    fixtures: FixtureSet | LayeredFixtures
    answer_counts: Mapping[str, int]
    fault_rules: tuple[FaultRule, ...]
    plan: tuple[PlanStep, ...]
    accounts: AccountRegistry
    checks_accounts: bool  # there are accounts, or a key without one is refused
    names_nearest: bool  # a generated reply names the nearest fixture


def find_match(request: ChatRequest, state: EffectiveState) -> FixtureMatch | None:
    """Return the first fixture that matches."""
    return find_first_match(request, state.fixtures, state.answer_counts)
