"""The keys under which fixtures and fault rules are counted, equal in every reload and in every replica.

The position in a file is no part of a key, so that an edit does not move counters: a fixture counts under its name,
or under a hash of its match; a fault rule under a hash of its match and effect.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mockserver.fixtures.criteria import Criterion
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.fixtures.fixture import Fixture


def assign_fixture_keys(fixtures: Iterable[Fixture]) -> Iterator[Fixture]:
    """Yield the fixtures with their keys: the name, else a hash of the match and the number among equal ones."""
    seen: Counter[str] = Counter()
    for fixture in fixtures:
        digest = _compute_digest(_list_conditions(fixture.criteria))
        seen[digest] += 1
        is_named = bool((fixture.definition or {}).get("name"))
        yield fixture if is_named else replace(fixture, match_key=f"match:{digest}#{seen[digest]}")


def assign_rule_keys(rules: Iterable[FaultRule], origin: str) -> Iterator[FaultRule]:
    """Yield the fault rules with their keys: a hash of match and effect, and the number among equal ones.

    `origin` distinguishes the rules of files from those of flags.
    """
    seen: Counter[str] = Counter()
    for rule in rules:
        effect = (repr(rule.rule.error), str(rule.rule.fault), repr(rule.rule.delay))
        digest = _compute_digest([*_list_conditions(rule.criteria), *effect])
        seen[digest] += 1
        yield replace(rule, match_key=f"{origin}:{digest}#{seen[digest]}")


def _list_conditions(criteria: Iterable[Criterion]) -> list[str]:
    return sorted(f"{one.field} {one.predicate.canonical_form}" for one in criteria)


def _compute_digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:16]
