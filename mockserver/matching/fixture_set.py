"""The loaded fixtures, and the search for the one that matches a request; mismatches explain why none does."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import partial
from time import thread_time
from typing import Any, Final

from mockserver.bounded_regex import BoundedRegex, RegexSearchError, SharedRegexBudget, note_regex_failure
from mockserver.errors import Problem
from mockserver.fixtures.account_spec import AccountSpec
from mockserver.fixtures.criteria import Criterion, MatchSpec, covers_api, find_api_mismatch
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.fixtures.fixture import ORIGINS, Fixture
from mockserver.fixtures.latency_rules import LatencyRuleSpec
from mockserver.fixtures.plan_spec import PlanStep
from mockserver.fixtures.predicates import MISSING, ExactLiteral, format_value, search_text, stringify_value
from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.masking import mask_key
from mockserver.matching.look_alikes import describe_look_alikes
from mockserver.matching.prefilter import FixturePrefilter
from mockserver.memoize import fast_dataclass
from mockserver.request.chat_request import ChatRequest
from mockserver.request.request_body import ToolResult
from mockserver.schema.yaml_document import FileStat

# What a file was when it was read, by its path: time, size and inode.
FileStats = Mapping[str, FileStat]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A field of a match that a request does not meet: the field, the expected and the found value."""

    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A fixture that did not answer, and why."""

    fixture: Fixture
    mismatches: tuple[Mismatch, ...]

    def __str__(self) -> str:
        return f"{self.fixture.name!r} missed on {'; '.join(map(str, self.mismatches))}"


@fast_dataclass
class FixtureMatch:
    """The fixture that answers, and with which of its responses."""

    fixture: Fixture
    response: ResponseSpec


class FixtureSet:
    """Fixtures in order of precedence, with the fault rules, accounts, latency rules and plan of their files.

    `file_stats` is the state of the files when they were read; `omitted_files` are those without fixtures.
    """

    __slots__ = (
        *("_by_name", "_is_indexing", "_prefilter", "accounts", "file_stats", "fixtures", "latency_rules"),
        *("memo_token", "omitted_files", "plan", "rules"),
    )

    def __init__(
        self,
        fixtures: Iterable[Fixture],
        file_stats: FileStats | None = None,
        rules: Iterable[FaultRule] = (),
        accounts: Iterable[AccountSpec] = (),
        omitted_files: Iterable[Problem] = (),
        latency_rules: Iterable[LatencyRuleSpec] = (),
        plan: Iterable[PlanStep] = (),
    ) -> None:
        self.fixtures = tuple(fixtures)
        self.file_stats: FileStats = file_stats or {}
        self.rules = tuple(rules)
        self.omitted_files = tuple(omitted_files)
        self.latency_rules = tuple(latency_rules)
        self.plan = tuple(plan)
        self.accounts: Mapping[str, AccountSpec] = {account.key: account for account in accounts}
        self._by_name = {fixture.name: fixture for fixture in self.fixtures}
        self._prefilter: FixturePrefilter | None = None
        self._is_indexing = False
        self.memo_token: object = object()  # of this shelf, and less than it

    def __len__(self) -> int:
        return len(self.fixtures)

    def __iter__(self) -> Iterator[Fixture]:
        return iter(self.fixtures)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def candidates(self, request: ChatRequest) -> Iterator[Fixture]:
        """Yield the fixtures that may match a request, in their order."""
        if len(self.fixtures) <= _PREFILTER_THRESHOLD or self._is_indexing:
            return iter(self.fixtures)
        return self.prefilter.candidates(request)

    def first_match(self, request: ChatRequest) -> Fixture | None:
        """Return the first fixture that matches a request, used up or not."""
        before: tuple[object, Fixture | None] | None = request.memo.get(_FIRST_MATCH_KEY)
        if before is not None and before[0] is self.memo_token:
            return before[1]
        with SharedRegexBudget() as budget:
            failure_count = len(budget.failures)
            found = next(find_all_matches(request, self), None)
        if len(budget.failures) == failure_count:  # else it may be found the next time
            request.memo[_FIRST_MATCH_KEY] = self.memo_token, found
        return found

    def keep_start_times(self, before: FixtureSet) -> FixtureSet:
        """Return the same set, in which unchanged fault rules are in force since the time they had in `before`."""
        known = {rule.counter_key: rule for rule in before.rules}
        rules = [
            replace(rule, active_since=old.active_since)
            if (old := known.get(rule.counter_key)) and old.definition == rule.definition
            else rule
            for rule in self.rules
        ]
        fixture_set = FixtureSet(
            self.fixtures,
            self.file_stats,
            rules,
            self.accounts.values(),
            self.omitted_files,
            self.latency_rules,
            self.plan,
        )
        fixture_set._prefilter = self._prefilter
        return fixture_set

    @property
    def all_rules(self) -> tuple[FaultRule, ...]:
        """The fault rules, and those of the plan."""
        return (*self.rules, *(step.rule for step in self.plan))

    @property
    def prefilter(self) -> FixturePrefilter:
        """The prefilter, built at its first use: many fixture sets are only parts of another."""
        if self._prefilter is None:
            self._prefilter = FixturePrefilter(self.fixtures)
        return self._prefilter

    async def build_prefilter(self) -> None:
        """Build the prefilter of a large set on a thread; requests are compared with all fixtures meanwhile."""
        if len(self.fixtures) > LARGE_SET:
            self._is_indexing = True
            try:
                self._prefilter = await asyncio.to_thread(FixturePrefilter, self.fixtures)
            finally:
                self._is_indexing = False

    def by_name(self, name: str) -> Fixture | None:
        """Return the fixture of this name, None if there is none."""
        return self._by_name.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all fixtures, in their order."""
        return tuple(self._by_name)


class LayeredFixtures:
    """Several fixture sets in order of precedence; a fixture hides those of the same name in later sets."""

    __slots__ = ("layers",)

    def __init__(self, *layers: FixtureSet) -> None:
        self.layers = layers

    @property
    def memo_token(self) -> object:
        """Return the value that stands for these fixtures in what is memoized for a request."""
        return tuple(fixture_set.memo_token for fixture_set in self.layers)

    def __iter__(self) -> Iterator[Fixture]:
        return self._not_overridden(fixture_set.__iter__ for fixture_set in self.layers)

    def first_match(self, request: ChatRequest) -> Fixture | None:
        """Return the first fixture that matches a request, used up or not."""
        return next(find_all_matches(request, self), None)

    def candidates(self, request: ChatRequest) -> Iterator[Fixture]:
        """Yield the fixtures that may match a request, in their order."""
        return self._not_overridden(partial(fixture_set.candidates, request) for fixture_set in self.layers)

    def _not_overridden(self, sources: Iterable[Callable[[], Iterator[Fixture]]]) -> Iterator[Fixture]:
        """Yield the fixtures of each layer without those whose name an earlier layer has."""
        for number, give in enumerate(sources):
            nearer = self.layers[:number]
            for fixture in give():
                if not any(fixture.name in one for one in nearer):
                    yield fixture

    def by_name(self, name: str) -> Fixture | None:
        """Return the fixture of this name, None if there is none."""
        return next((fixture_set.by_name(name) for fixture_set in self.layers if name in fixture_set), None)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all fixtures, in their order."""
        return tuple(fixture.name for fixture in self)


def layer_fixture_sets(*fixture_sets: FixtureSet) -> FixtureSet | LayeredFixtures:
    """Combine fixture sets in order of precedence; a single non-empty one, the usual case, is returned itself."""
    filled = [fixture_set for fixture_set in fixture_sets if fixture_set.fixtures]
    return filled[0] if len(filled) == 1 else LayeredFixtures(*filled)


def find_first_match(
    request: ChatRequest, fixtures: FixtureSet | LayeredFixtures, answer_counts: Mapping[str, int]
) -> FixtureMatch | None:
    """Return the first fixture that matches a request and is not used up.

    `answer_counts` has the number of responses of each fixture in this session, by its `counter_key`.
    """
    if request.is_large:
        return _pick_unused(_iter_known_matches(request, fixtures), answer_counts)
    first = fixtures.first_match(request)
    if first is None:
        return None
    response = first.response_at(answer_counts.get(first.counter_key, 0))
    if response is not None:
        return FixtureMatch(first, response)
    return _pick_unused(find_all_matches(request, fixtures), answer_counts)


def _pick_unused(matches: Iterator[Fixture], answer_counts: Mapping[str, int]) -> FixtureMatch | None:
    for fixture in matches:
        response = fixture.response_at(answer_counts.get(fixture.counter_key, 0))
        if response is not None:
            return FixtureMatch(fixture, response)
    return None


def _iter_known_matches(request: ChatRequest, fixtures: FixtureSet | LayeredFixtures) -> Iterator[Fixture]:
    """Yield the fixtures that match a large request; no fixture is compared with it twice."""
    known = request.lazy_body.derive("matches", None, lambda: _KnownMatches(request, fixtures))
    if known.token != fixtures.memo_token:  # the fixtures have changed
        known = _KnownMatches(request, fixtures)
    yield from known.found
    for fixture in known.others:
        known.found.append(fixture)
        yield fixture


class _KnownMatches:
    """The fixtures that are known to match a request, and the search for others."""

    __slots__ = ("found", "others", "token")

    def __init__(self, request: ChatRequest, fixtures: FixtureSet | LayeredFixtures) -> None:
        self.token = fixtures.memo_token
        self.found: list[Fixture] = []
        self.others = find_all_matches(request, fixtures)


def find_all_matches(request: ChatRequest, fixtures: FixtureSet | LayeredFixtures) -> Iterator[Fixture]:
    """Return the fixtures that match a request, used up or not, in their order."""
    is_completion = request.route.is_completion
    for fixture in fixtures.candidates(request):
        if not is_completion and not covers_api(fixture.match, request):
            continue
        try:
            for term in fixture.criteria:
                if not term.predicate.holds(term.get_value(request)):
                    break
            else:
                yield fixture
        except RegexSearchError as error:
            note_regex_failure(f"the fixture {fixture.name!r} ({fixture.source})", error)


def find_near_misses(
    request: ChatRequest,
    fixtures: FixtureSet | LayeredFixtures,
    answer_counts: Mapping[str, int],
    limit: int = 3,
) -> list[NearMiss]:
    """Return the nearest fixtures: those with the fewest mismatches, then those with the most similar texts.

    Those added at run time come first, and shipped ones are listed only if there are no others. With many fixtures and
    a long request, only those are compared for which the time is enough.
    """
    with SharedRegexBudget():
        own = (fixture for fixture in fixtures if fixture.origin != "shipped")
        few = heapq.nsmallest(_MAX_CANDIDATES, _iter_mismatch_counts(request, own, limit))
        few = few or heapq.nsmallest(_MAX_CANDIDATES, _iter_mismatch_counts(request, fixtures, limit))
        ranked = sorted(few, key=lambda one: (one[0], -_text_similarity(request, one[2]), one[1]))
        return [
            NearMiss(fixture, find_mismatches(request, fixture, answer_counts))
            for *_, fixture in ranked[:limit]
        ]


def find_mismatches(
    request: ChatRequest, fixture: Fixture, answer_counts: Mapping[str, int]
) -> tuple[Mismatch, ...]:
    """Return all mismatches of a request and a fixture; none if it matches."""
    unlike = find_match_mismatches(request, fixture.match, fixture.criteria)
    times = answer_counts.get(fixture.counter_key, 0)
    if not unlike and fixture.response_at(times) is None:
        return (Mismatch("times", "a response that is left", f"none: it has answered {times} times"),)
    return unlike


def find_match_mismatches(
    request: ChatRequest, match: MatchSpec, criteria: Iterable[Criterion]
) -> tuple[Mismatch, ...]:
    """Return a mismatch for the api of a match without one, and for each criterion that a request does not meet."""
    mismatches = find_criteria_mismatches(request, criteria)
    other_api = find_api_mismatch(match, request)
    return mismatches if other_api is None else (Mismatch(*other_api), *mismatches)


def find_criteria_mismatches(request: ChatRequest, criteria: Iterable[Criterion]) -> tuple[Mismatch, ...]:
    """Return a mismatch for each criterion that a request does not meet."""
    mismatches: list[Mismatch] = []
    for criterion in criteria:
        found = describe_found(criterion, request)
        try:
            if criterion.predicate.holds(criterion.get_value(request)):
                continue
        except RegexSearchError as error:
            found = f"{found}, but {error}"
        else:
            found += _describe_differences(criterion, request)
        mismatches.append(Mismatch(criterion.field, criterion.predicate.description, found))
    return tuple(mismatches)


class RegexGroups:
    """The groups of a fixture's regular expressions in a request: by name, by number, and 0 for the whole match.

    No mapping: `match.items` is the group of that name.
    """

    __slots__ = ("_groups",)

    def __init__(self, groups: Mapping[str | int, str]) -> None:
        self._groups = groups

    def __getitem__(self, group: str | int) -> str:
        if group not in self._groups:
            # No LookupError, of which Jinja2 would make words of its own.
            raise ValueError(f"match has no group {group!r}: the expression found nothing in this request")
        return self._groups[group]


def extract_regex_groups(request: ChatRequest, fixture: Fixture) -> RegexGroups:
    """Return the groups of all expressions of a fixture; of equal names, those of the first expression."""
    found: dict[str | int, str] = {}
    for term in fixture.criteria:
        texts = _searchable_texts(term.get_value(request)) if term.predicate.patterns else ()
        for match in (_search_text(pattern, text) for pattern in term.predicate.patterns for text in texts):
            if match:
                numbered: dict[str | int, str | None] = dict(enumerate((match[0], *match.groups())))
                found = {name: text or "" for name, text in (numbered | match.groupdict()).items()} | found
    return RegexGroups(found)


def _search_text(pattern: BoundedRegex, text: str) -> Any:
    try:
        return search_text(pattern, text)
    except RegexSearchError:
        return None


def describe_found(criterion: Criterion, request: ChatRequest) -> str:
    """Describe the value of a criterion in a request for messages: truncated, and never a key."""
    found = criterion.get_value(request)
    if found is MISSING:
        return _ABSENT.get(criterion.field, "nothing")
    if criterion.secret:
        return mask_key(found)
    match criterion.field:
        case "tool_result":
            return _describe_tool_results(found)
        case "tools":
            return ", ".join(found) or "no tools"
        case "any_message":
            return " and ".join(map(format_value, found[-3:])) or "no message"
    return format_value(found)


def _describe_differences(criterion: Criterion, request: ChatRequest) -> str:
    """Describe the characters by which a found text differs from an expected one that looks like it."""
    if criterion.secret:
        return ""
    texts = _searchable_texts(criterion.get_value(request))[-_MAX_COMPARED_TEXTS:]
    expected = [
        literal.value if isinstance(literal, ExactLiteral) else literal.substring
        for literal in criterion.required_literals[:_MAX_COMPARED_TEXTS]
    ]
    found = (describe_look_alikes(one, text) for one in expected if isinstance(one, str) for text in texts)
    return next(filter(None, found), "")


def _describe_tool_results(found: tuple[ToolResult, ...]) -> str:
    shown = (f"a result of {one.name or 'a tool'}: {format_value(one.text)}" for one in found[-3:])
    return " and ".join(shown) or "no tool's result"


def _searchable_texts(found: Any) -> tuple[str, ...]:
    if isinstance(found, tuple):
        return tuple(one.text if isinstance(one, ToolResult) else one for one in found)
    return () if found is MISSING or found is None else (stringify_value(found),)


def _iter_mismatch_counts(
    request: ChatRequest, fixtures: Iterable[Fixture], at_least: int
) -> Iterator[tuple[tuple[int, int], int, Fixture]]:
    """Yield the origin with the number of mismatches, the position and the fixture, until the time is over."""
    deadline = thread_time() + _NEAR_MISS_SECONDS
    for position, fixture in enumerate(fixtures):
        if position >= at_least and thread_time() > deadline:
            return
        mismatches = sum(not term.holds(request) for term in fixture.criteria)
        yield (ORIGINS.index(fixture.origin), mismatches), position, fixture


def _text_similarity(request: ChatRequest, fixture: Fixture) -> float:
    """Return the similarity, from 0 to 1, of the expected texts and those in the request."""
    near = [0.0]
    for term in fixture.criteria:
        wanted, found = get_expected_text(term), term.get_value(request)
        if wanted and isinstance(found, str) and not term.holds(request):
            text = found[:_COMPARED_LENGTH].casefold()
            same = SequenceMatcher(
                None, text, wanted[:_COMPARED_LENGTH], autojunk=False
            ).get_matching_blocks()
            near.append(max(block.size for block in same) / len(wanted))
    return max(near)


def get_expected_text(criterion: Criterion) -> str | None:
    """Return the text that a criterion expects or looks for, in lower case; None if it is no plain text."""
    literal = criterion.predicate.exact_value
    return literal.casefold() if isinstance(literal, str) else criterion.predicate.substring


LARGE_SET = 1_000  # fixtures, whose prefilter takes ten milliseconds to build
_PREFILTER_THRESHOLD = 4  # up to this number, checking all fixtures is faster
_FIRST_MATCH_KEY: Final = "first"
_NEAR_MISS_SECONDS = 0.05  # processor time for comparing a request with all fixtures
_MAX_CANDIDATES = 50  # fixtures whose texts are compared
_MAX_COMPARED_TEXTS = 3  # of a list that are searched for characters that look alike
_COMPARED_LENGTH = 200  # characters of each
_ABSENT = {
    "key": "no key",
    "model": "no model",
    "user": "no user message",
    "system": "no system message",
}
