"""Detection of fixtures that call a tool and answer the result of their own call with the same call again."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.errors import Problem
from mockserver.fixtures.criteria import Criterion
from mockserver.fixtures.fixture import Fixture
from mockserver.fixtures.response_spec import ChoiceSpec, ResponseSpec
from mockserver.matching.fixture_set import FixtureSet
from mockserver.request.request_body import ToolResult

_RESULT_FIELD = "tool_result"


def find_tool_call_loops(fixtures: FixtureSet) -> Iterator[Problem]:
    """Yield a warning for each fixture whose call would be repeated as soon as the client sends its result.

    A request with the result differs from the one before in its last messages only. An earlier fixture may answer it.
    """
    answering_results: list[Fixture] = []
    for fixture in fixtures.fixtures:
        names = _list_repeated_calls(fixture)
        results = tuple(ToolResult(name, "") for name in names)
        if names and _answers_results(fixture, results):
            earlier = (one for one in reversed(answering_results) if _answers_before(one, fixture, results))
            if next(earlier, None) is None:
                yield fixture.problem(
                    f"it answers the result of its own call of {', '.join(names)} with the same call again; "
                    "add `tool_result: false` to its match"
                )
        if any(term.field == _RESULT_FIELD for term in fixture.criteria):
            answering_results.append(fixture)


def _list_repeated_calls(fixture: Fixture) -> tuple[str, ...]:
    """Return the tools of the calls that a fixture repeats without end, with nothing else between them."""
    match fixture.then:
        case "cycle":
            repeated = fixture.responses
        case "repeat_last":
            repeated = fixture.responses[-1:]
        case _:  # a response without `times` never ends
            repeated = tuple(one for one in fixture.responses if one.times is None)
    calls = [_list_called_tools(response) for response in repeated]
    return tuple(dict.fromkeys(name for names in calls for name in names)) if all(calls) else ()


def _list_called_tools(response: ResponseSpec) -> list[str]:
    places: tuple[ResponseSpec | ChoiceSpec, ...] = (response, *(response.choices or ()))
    return [call.name for one in places for call in one.tool_calls or ()]


def _answers_results(fixture: Fixture, results: tuple[ToolResult, ...]) -> bool:
    """Return whether a fixture surely matches the next request, which has these results."""
    return not any(
        term.field.startswith("body.messages.")
        or (term.field == _RESULT_FIELD and not term.predicate.surely_holds(results))
        for term in fixture.criteria
    )


def _answers_before(earlier: Fixture, fixture: Fixture, results: tuple[ToolResult, ...]) -> bool:
    """Return whether an earlier fixture is known to match the next request of a fixture."""
    return all(
        term.predicate.surely_holds(results)
        if term.field == _RESULT_FIELD
        else any(_implies(own, term) for own in fixture.criteria)
        for term in earlier.criteria
    )


def _implies(own: Criterion, other: Criterion) -> bool:
    """Return whether a value that meets one criterion meets another, judged by the text that the first one names."""
    if own.field != other.field:
        return False
    return own.predicate.implies(other.predicate) or (
        own.predicate.substring is not None and other.predicate.surely_holds(own.predicate.substring)
    )
