"""The index leaves out nothing that matches and asks next to nothing else: it never decides anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.fixtures.fixture import Fixture
from mockserver.fixtures.predicates import (
    ExactLiteral,
    Predicate,
    RequiredLiterals,
    SubstringLiteral,
    build_contains,
    build_equals,
    build_exists,
    build_glob,
    build_regex,
    combine_all,
    combine_any,
    negate_predicate,
)
from mockserver.fixtures.text_forms import fold_case
from mockserver.matching.fixture_set import FixtureSet, LayeredFixtures, find_first_match, find_mismatches
from mockserver.matching.loader import load_fixture_document
from mockserver.matching.prefilter import FixturePrefilter
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.yaml_document import document_from_value
from tests.matching_examples import build_request

# Few enough that they meet, and among them whatever two ideas of upper and lower case have ever disagreed on.
WORDS = (
    "weather",
    "Weather in",
    "strasse",
    "Straße",
    "ıi",
    "İ",
    "Iß",
    "ſet",
    "SET",
    "K",
    "k",
    "µ",
    "天气",
    "cafe\u0301",
    "CAFÉ",
    "17",
)
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
EXPRESSION = st.one_of(
    TEXT.map(re.escape),
    TEXT.map(lambda text: f"(?i){re.escape(text)}"),
    st.tuples(TEXT, TEXT).map(lambda two: f"(?:{re.escape(two[0])}|{re.escape(two[1])}) ?x*"),
    st.tuples(TEXT, TEXT).map(lambda two: rf"({re.escape(two[0])})+\s(?i:{re.escape(two[1])})?"),
    st.sampled_from([r"\w+", "^$", "(?!weather)set", "(?>set)", "null", "1"]),
)
SCALAR = st.one_of(TEXT, TEXT.map(lambda text: f"{text[:2]}*{text[-2:]}"))
OPERATORS = st.one_of(
    st.fixed_dictionaries({"equals": TEXT}),
    st.fixed_dictionaries({"contains": TEXT}),
    st.fixed_dictionaries({"regex": EXPRESSION}),
    st.fixed_dictionaries({"glob": SCALAR}),
    st.fixed_dictionaries({"contains": TEXT, "regex": EXPRESSION}),
    st.fixed_dictionaries({"not": SCALAR}),
    st.fixed_dictionaries({"exists": st.booleans()}),
)
ASKED = st.one_of(SCALAR, OPERATORS, st.lists(st.one_of(SCALAR, OPERATORS), min_size=1, max_size=3))
VALUE = st.one_of(
    st.none(), st.booleans(), st.sampled_from([1, 1.0, 17, 0]), TEXT, st.lists(TEXT, max_size=2)
)
ANY = st.one_of(ASKED, VALUE.filter(lambda value: not isinstance(value, list)))
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "user": ASKED,
    "system": ASKED,
    "any_message": ASKED,
    "model": ASKED,
    "body": st.fixed_dictionaries({"a": ANY}),
    "session": st.sampled_from(["s", "t", "*"]),
    "tools": st.one_of(st.booleans(), TEXT, st.lists(TEXT, min_size=1, max_size=2)),
    "turn": st.integers(0, 2),
}
MATCH = st.one_of(
    *(st.fixed_dictionaries({name: asked}) for name, asked in FIELDS.items()),
    st.fixed_dictionaries({}, optional=FIELDS),
)
FIXTURE = st.fixed_dictionaries(
    {"match": MATCH, "response": st.just("x") | st.just({"text": "x", "times": 1})}
)
MESSAGE = st.fixed_dictionaries({"role": st.sampled_from(["user", "system"]), "content": TEXT})


@st.composite
def calls(draw: st.DrawFn) -> ChatRequest:
    body: dict[str, Any] = draw(st.fixed_dictionaries({}, optional={"a": VALUE, "model": TEXT}))
    names = draw(st.lists(TEXT, max_size=2))
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    said = draw(st.lists(MESSAGE, min_size=1, max_size=3))
    return build_request(*said, session=draw(st.sampled_from(["s", "t"])), **({"tools": tools} | body))


def stocked(written: list[Any]) -> FixtureSet:
    return FixtureSet(load_fixture_document(document_from_value({"fixtures": written}, "f.yaml")).fixtures)


def plain_scan(asked: ChatRequest, fixtures: Iterator[Fixture], answered: dict[str, int]) -> Fixture | None:
    return next((one for one in fixtures if not find_mismatches(asked, one, answered)), None)


@given(st.lists(FIXTURE, min_size=5, max_size=60), calls(), st.data())
@settings(max_examples=80, deadline=None)
def test_the_same_fixture_answers_as_when_all_are_asked_in_turn(
    written: list[Any], asked: ChatRequest, data: st.DataObject
) -> None:
    shelf = stocked(written)
    matching_ones = [one for one in shelf if all(term.holds(asked) for term in one.criteria)]
    assert [
        one for one in FixturePrefilter(shelf.fixtures).candidates(asked) if one in matching_ones
    ] == matching_ones
    answered = data.draw(st.dictionaries(st.sampled_from(shelf.names), st.integers(0, 2)))
    found = find_first_match(asked, shelf, answered)
    assert (found and found.fixture) is plain_scan(asked, iter(shelf), answered)


@given(st.lists(st.lists(FIXTURE, min_size=5, max_size=12), min_size=2, max_size=3), calls())
@settings(max_examples=60, deadline=None)
def test_a_nearer_shelf_takes_the_place_of_what_has_the_same_name_farther_away(
    written: list[list[Any]], asked: ChatRequest
) -> None:
    stack = LayeredFixtures(*map(stocked, written))  # they have the same names: f#1, f#2 ...
    found = find_first_match(asked, stack, {})
    assert (found and found.fixture) is plain_scan(asked, iter(stack), {})


@given(EXPRESSION, TEXT)
def test_a_text_in_which_an_expression_is_found_has_its_clues(written: str, text: str) -> None:
    clues = build_regex(written).required_literals
    if clues and re.search(written, text):
        assert any(isinstance(one, SubstringLiteral) and one.substring in fold_case(text) for one in clues)


def test_letters_that_an_expression_takes_for_the_same_are_folded_to_the_same() -> None:
    cased = "".join(
        letter
        for letter in map(chr, range(0x110000))
        if letter != letter.casefold() or letter != letter.upper()
    )
    apart = [
        (one, other)
        for one in cased
        for other in re.findall(re.escape(one), cased, re.IGNORECASE)
        if fold_case(one) != fold_case(other)
    ]
    assert len(cased) > 2000
    assert apart == []


@pytest.mark.parametrize(
    ("written", "clues"),
    [
        (r"(?i)\bORDER 17\b", (SubstringLiteral("order 17"),)),
        (r"my name is (?P<name>\w+)", (SubstringLiteral("my name is "),)),
        ("(abcd|efgh)[xyz]+", (SubstringLiteral("abcd"), SubstringLiteral("efgh"))),
        ("(?:long one)+(?>short)", (SubstringLiteral("long one"),)),
        ("(?:never mind)*(?:maybe)?", ()),
        ("abc|.", ()),
        ("ab.cd", ()),
    ],
)
def test_the_clues_of_an_expression_are_letters_that_no_match_is_without(
    written: str, clues: RequiredLiterals
) -> None:
    assert build_regex(written).required_literals == clues


@pytest.mark.parametrize(
    ("made", "clues"),
    [
        (build_equals("Hi"), (ExactLiteral("Hi"),)),
        (build_equals(True), ()),
        (build_equals({"a": 1}), ()),
        (build_contains("İ ı"), (SubstringLiteral("i i"),)),
        (build_contains(7), ()),
        (build_glob("o1-*-mini"), (SubstringLiteral("-mini"),)),
        (build_glob("*"), ()),
        (build_exists(True), ()),
        (negate_predicate(build_equals("Hi")), ()),
        (combine_any([build_equals("a"), build_contains("b")]), (ExactLiteral("a"), SubstringLiteral("b"))),
        (combine_any([build_equals("a"), build_exists(False)]), ()),
        (combine_all([build_contains("ab"), build_equals("abc")]), (ExactLiteral("abc"),)),
    ],
)
def test_the_clues_of_a_condition_are_those_of_which_one_must_be_there(
    made: Predicate, clues: RequiredLiterals
) -> None:
    assert made.required_literals == clues


@pytest.fixture(scope="module")
def many() -> tuple[FixtureSet, list[str]]:
    """Ten thousand fixtures that write down whenever they are asked anything."""
    asked: list[str] = []
    kinds = ({"equals": "order {}"}, {"contains": "order {}!"}, {"regex": r"(?i)\bOrder {}\?"})

    def noted(fixture: Fixture) -> Fixture:
        def watched(one: Predicate) -> Predicate:
            def holds(found: Any) -> bool:
                asked.append(fixture.name)
                return one.holds(found)

            return replace(one, holds=holds)

        terms = tuple(replace(term, predicate=watched(term.predicate)) for term in fixture.criteria)
        return replace(fixture, criteria=terms)

    written = [
        {
            "name": f"f{number}",
            "match": {
                "vendor": "aimlapi",
                "user": {name: text.format(number) for name, text in kinds[number % 3].items()},
            },
            "response": "x",
        }
        for number in range(10_000)
    ]
    shelf = stocked(written)
    return FixtureSet(map(noted, shelf)), asked


@pytest.mark.parametrize(
    ("said", "name"), [("order 3000", "f3000"), ("An Order 4!", "f4"), ("order 5?", "f5")]
)
def test_of_ten_thousand_fixtures_only_those_are_asked_whose_clue_is_there(
    many: tuple[FixtureSet, list[str]], said: str, name: str
) -> None:
    shelf, asked = many
    asked.clear()
    found = find_first_match(build_request({"role": "user", "content": said}), shelf, {})
    assert found is not None
    assert found.fixture.name == name
    assert set(asked) == {name}


def test_a_text_of_a_megabyte_is_not_searched_once_for_every_fixture(
    many: tuple[FixtureSet, list[str]],
) -> None:
    shelf, asked = many
    asked.clear()
    said = "lorem ipsum " * 80_000 + "order 7!"
    found = find_first_match(build_request({"role": "user", "content": said}), shelf, {})
    assert found is not None
    assert found.fixture.name == "f7"
    assert set(asked) == {"f7"}


def test_a_few_parts_are_looked_for_one_by_one_in_a_long_text() -> None:
    shelf = stocked([{"match": {"user": f"order {number}!"}, "response": "x"} for number in range(100)])
    found = find_first_match(
        build_request({"role": "user", "content": "lorem ipsum " * 1_000 + "order 42!"}), shelf, {}
    )
    assert found is not None
    assert found.fixture.name == "f#43"


@pytest.mark.parametrize("value", [["x", "order 7"], "An Order 7", {"order 7": 1}])
def test_a_list_and_a_mapping_are_asked_for_whatever_they_may_have_in_them(value: Any) -> None:
    asked = [{"contains": "order 7"}, {"regex": "order 7"}, *({"contains": f"order {n}."} for n in range(10))]
    shelf = stocked([{"match": {"body": {"a": one}}, "response": "x"} for one in reversed(asked)])
    holding = [one for one in shelf if one.criteria[0].holds(build_request(a=value))]
    assert [one for one in shelf.candidates(build_request(a=value)) if one in holding] == holding != []
