"""The fixture that is nearest to a request, found in few steps: the log names it for each generated reply."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from time import thread_time
from typing import Final

from mockserver.fixtures.fixture import ORIGINS, Fixture
from mockserver.matching.fixture_set import FixtureSet, LayeredFixtures, get_expected_text
from mockserver.request.chat_request import ChatRequest


def find_nearest_fixture(request: ChatRequest, fixtures: FixtureSet | LayeredFixtures) -> str:
    """Return the name of the fixture with the fewest mismatches, of equal ones that with the most similar texts.

    Those added at run time take precedence, and shipped ones come last.
    Only the first fixtures are compared, with the beginning of each text. Without fixtures the name is empty.
    """
    token = fixtures.memo_token
    before: tuple[object, str] | None = request.memo.get(_MEMO_KEY)
    if before is not None and before[0] == token:
        return before[1]
    name = _find_name(request, islice(fixtures, _MAX_FIXTURES))
    request.memo[_MEMO_KEY] = token, name
    return name


def _find_name(request: ChatRequest, fixtures: Iterable[Fixture]) -> str:
    deadline = thread_time() + _MAX_SECONDS
    in_time = (one for position, one in enumerate(fixtures) if not position or thread_time() < deadline)
    ranked = ((*_rate_fixture(request, fixture), fixture.name) for fixture in in_time)
    return min(ranked, key=lambda one: one[:3], default=(0, 0, 0.0, ""))[3]


def _rate_fixture(request: ChatRequest, fixture: Fixture) -> tuple[int, int, float]:
    """Return the position of the origin, the number of mismatches, and how unlike the texts are, from -1 to 0."""
    mismatches, similarity = 0, 0.0
    for criterion in fixture.criteria:
        if criterion.holds(request):
            continue
        mismatches += 1
        expected, found = get_expected_text(criterion), criterion.get_value(request)
        if expected and isinstance(found, str):
            text = found[:_COMPARED_LENGTH].casefold()
            similarity = max(similarity, _compute_shared_part(expected[:_COMPARED_LENGTH], text))
    return ORIGINS.index(fixture.origin), mismatches, -similarity


def _compute_shared_part(expected: str, found: str) -> float:
    """Return the part of the trigrams of a text that another text contains, from 0 to 1."""
    trigrams = {expected[start : start + 3] for start in range(max(len(expected) - 2, 1))}
    return sum(trigram in found for trigram in trigrams) / len(trigrams)


_MEMO_KEY: Final = "nearest"
_MAX_SECONDS = 0.05  # processor time, after which no other fixture is compared
_MAX_FIXTURES = 200  # fixtures that are compared
_COMPARED_LENGTH = 200  # characters of each text
