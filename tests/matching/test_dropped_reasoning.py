"""Warnings about reasoning that no answer includes."""

from __future__ import annotations

import pytest

from mockserver.matching.dropped_reasoning import find_dropped_reasoning
from mockserver.matching.loader import load_fixture_set
from mockserver.server.app import load_vendors

VENDORS = load_vendors().vendors
HIDDEN = "MOCKSERVER_FIXTURES_YAML:2:1: a: its reasoning is never sent: "


@pytest.mark.parametrize(
    ("match", "warning"),
    [
        ("{vendor: segmind}", "Segmind hides it"),
        ("{vendor: aimlapi, model: o1-preview}", "o1-preview at AI/ML API hides it"),
        ("{vendor: aimlapi, model: 'o3-*', api: chat}", "o3-mini at AI/ML API hides it"),
        ("{vendor: [aimlapi, segmind], model: o1, api: chat}", "o1 at AI/ML API hides it, Segmind hides it"),
        ("{vendor: aimlapi}", None),
        ("{vendor: aimlapi, model: o1}", None),  # as a summary in Responses
        ("{vendor: aimlapi, model: deepseek-r1}", None),
        ("{vendor: omixa, model: o1-preview}", None),
        ("{model: o1-preview}", None),
        ("{vendor: nobody}", None),
    ],
)
def test_reasoning_that_is_hidden_by_each_match_is_reported(match: str, warning: str | None) -> None:
    fixtures = load_fixture_set(
        (), f"fixtures:\n- {{name: a, match: {match}, response: {{text: Hi, reasoning: Hm.}}}}\n"
    )
    found = [str(problem) for problem in find_dropped_reasoning(fixtures, VENDORS)]
    assert found == ([] if warning is None else [HIDDEN + warning])


@pytest.mark.parametrize("response", ["Hi", "{error: 429}", "{text: Hi, reasoning: ''}"])
def test_a_response_without_reasoning_is_not_reported(response: str) -> None:
    fixtures = load_fixture_set(
        (), f"fixtures:\n- {{name: a, match: {{vendor: segmind}}, response: {response}}}\n"
    )
    assert list(find_dropped_reasoning(fixtures, VENDORS)) == []
