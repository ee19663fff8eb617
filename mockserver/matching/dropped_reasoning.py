"""Detection of reasoning in fixtures that no answer includes, because the vendor or the model hides it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mockserver.errors import Problem
from mockserver.fixtures.criteria import list_apis
from mockserver.fixtures.fixture import Fixture
from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.matching.fixture_set import FixtureSet
from mockserver.request.chat_request import ChatRequest
from mockserver.vendors.vendor import Vendor


def find_dropped_reasoning(fixtures: FixtureSet, vendors: Mapping[str, Vendor]) -> Iterator[Problem]:
    """Yield a warning for each fixture whose reasoning is dropped, whatever vendor and model a request names."""
    for fixture in fixtures.fixtures:
        if any(map(has_reasoning, fixture.responses)):
            matching = [vendor for vendor in vendors.values() if _may_match(fixture, "vendor", vendor.name)]
            hiding = [_describe_hiding_models(fixture, vendor) for vendor in matching]
            if hiding and all(hiding):
                yield fixture.problem(f"its reasoning is never sent: {', '.join(filter(None, hiding))}")


def has_reasoning(response: ResponseSpec) -> bool:
    """Return whether a response states reasoning."""
    return any(choice.reasoning for choice in response.all_choices)


def explain_dropped_reasoning(request: ChatRequest, response: ResponseSpec) -> str:
    """Return why the answer to a request lacks the reasoning of its response; empty if it does not."""
    vendor, title = request.vendor, request.vendor.profile.title
    if not has_reasoning(response) or request.is_reasoning_sent:
        return ""
    if request.route.api == "responses":
        return "the reasoning is not sent: the request has no `reasoning.summary`"
    if vendor.hides_reasoning(request.model):
        return f"the reasoning is not sent: {request.model} at {title} hides it"
    return f"the reasoning is not sent: the request has no `{vendor.profile.thinking}: true`"


def _describe_hiding_models(fixture: Fixture, vendor: Vendor) -> str | None:
    """Return the vendor or its models that hide the reasoning of a fixture; None if some model may send it."""
    title = vendor.profile.title
    if vendor.profile.hides_reasoning:
        return f"{title} hides it"
    names = [name for name in vendor.models.names if _may_match(fixture, "model", name)]
    is_limited = any(term.field == "model" for term in fixture.criteria)
    if not is_limited or not names or not all(map(vendor.hides_reasoning, names)):
        return None
    has_summaries = vendor.profile.paths.responses and "responses" in list_apis(fixture.match)
    if has_summaries and any(vendor.serves(name, "responses") for name in names):
        return None  # a request to the Responses API may ask for a summary
    return f"{names[0]} at {title} hides it"


def _may_match(fixture: Fixture, field: str, value: str) -> bool:
    return all(term.predicate.surely_holds(value) for term in fixture.criteria if term.field == field)
