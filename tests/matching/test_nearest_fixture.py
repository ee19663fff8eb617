"""The nearest fixture that the log names: the fewest mismatches, then the most similar texts, in bounded steps."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.matching.fixture_set import FixtureSet, LayeredFixtures
from mockserver.matching.loader import load_fixture_document
from mockserver.matching.nearest_fixture import find_nearest_fixture
from mockserver.schema.yaml_document import document_from_value
from tests.request_fixtures import ReadRequest


def create_set(*matches: dict[str, Any]) -> FixtureSet:
    value = {
        "fixtures": [
            {"name": f"f{number}", "match": match, "response": "x"} for number, match in enumerate(matches)
        ]
    }
    return FixtureSet(load_fixture_document(document_from_value(value, "f.yaml")).fixtures)


@pytest.mark.parametrize(
    ("matches", "nearest"),
    [
        ([], ""),
        ([{"user": "bye", "turn": 2}, {"user": "help"}], "f1"),  # fewer mismatches
        ([{"user": "goodbye"}, {"user": "yellow"}], "f1"),  # more of `Hello`
        ([{"user": "by"}, {"user": "he"}], "f1"),  # texts shorter than a trigram
        ([{"user": "bye"}, {"turn": 3}], "f0"),  # the first of equals
        ([{"user": {"regex": "^x"}}, {"user": "Hell is"}], "f1"),
        ([{"user": "y"}] * 200 + [{"user": "Hello you"}], "f0"),  # it is not compared any more
    ],
)
def test_the_nearest_is_named(read_request: ReadRequest, matches: list[dict[str, Any]], nearest: str) -> None:
    assert find_nearest_fixture(read_request(), create_set(*matches)) == nearest


def test_it_is_memoized_for_the_same_fixtures(read_request: ReadRequest) -> None:
    request, first, second = (
        read_request(),
        create_set({"user": "a"}),
        create_set({"user": "b"}, {"user": "hell "}),
    )
    for fixtures, nearest in ((first, "f0"), (first, "f0"), (second, "f1"), (first, "f0")):
        assert find_nearest_fixture(request, fixtures) == nearest
    assert find_nearest_fixture(request, LayeredFixtures(second, first)) == "f1"
