"""The fixtures, fault rules, plan and accounts that apply to a request."""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.billing.charging import AccountRegistry
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.fixtures.plan_spec import PlanStep
from mockserver.matching.fixture_set import FixtureSet, LayeredFixtures
from mockserver.memoize import fast_dataclass


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
