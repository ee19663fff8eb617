"""A form keeps its order, leaves out what nobody fills, and prints what it is given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.vendors.placeholders import ABSENT, JsonTemplate, fill_optional_text, fill_text

VALUES = {"a": 1, "b": "two", "nothing": None, "list": [1], "absent": ABSENT}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_characters="$")),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
)


@pytest.mark.parametrize(
    ("tree", "filled"),
    [
        pytest.param({"x": "$a"}, {"x": 1}, id="a blank keeps the type of its value"),
        pytest.param({"x": "${a}"}, {"x": 1}, id="braces are the same blank"),
        pytest.param({"x": "$list"}, {"x": [1]}, id="a blank may be a whole tree"),
        pytest.param({"x": "$who", "y": 2}, {"y": 2}, id="an unfilled blank goes with its key"),
        pytest.param({"x": "$absent", "y": 2}, {"y": 2}, id="so does one that is filled with nothing"),
        pytest.param({"x": "$nothing"}, {"x": None}, id="None prints null"),
        pytest.param(["$a", "$who", "$b"], [1, "two"], id="a list closes up"),
        pytest.param({"x": {"y": ["$a", {"z": "$who"}]}}, {"x": {"y": [1, {}]}}, id="forms nest"),
        pytest.param({"x": "$a?"}, {"x": "1?"}, id="a blank in a sentence is text"),
        pytest.param({"x": "$$a"}, {"x": "$a"}, id="two dollars are one"),
        pytest.param({"x": "$$"}, {"x": "$"}, id="a dollar alone"),
        pytest.param({"x": "$5"}, {"x": "$5"}, id="a price is no blank"),
        pytest.param({"x": 5, "y": True, "z": None}, {"x": 5, "y": True, "z": None}, id="plain values stand"),
        pytest.param("$a", 1, id="a form may be one blank"),
        pytest.param("$who", ABSENT, id="which nobody may fill"),
    ],
)
def test_a_form_is_filled(tree: object, filled: object) -> None:
    assert JsonTemplate(tree).fill(VALUES) == filled


def test_a_form_keeps_the_order_of_its_keys() -> None:
    assert list(JsonTemplate({"z": "$b", "a": "$a", "m": 0}).fill(VALUES)) == ["z", "a", "m"]


@given(JSON)
def test_a_form_without_blanks_prints_itself(tree: Any) -> None:
    assert JsonTemplate(tree).fill({}) == tree


@pytest.mark.parametrize(
    ("sentence", "heard"),
    [
        (None, ""),
        ("", ""),
        ("as it is ", "as it is "),
        ("Cannot $method $path", "Cannot GET /v1"),
        ("${method}Exception", "GETException"),
        ("Bad request. $detail", "Bad request."),
        ("it costs $5 or $$method", "it costs $5 or $method"),
        ("$nothing and $absent", "and"),
    ],
)
def test_a_sentence_is_filled_with_text(sentence: str | None, heard: str) -> None:
    assert fill_text(sentence, {"method": "GET", "path": "/v1", "nothing": None, "absent": ABSENT}) == heard


@pytest.mark.parametrize(
    ("template", "filled"), [(None, None), ("", ""), ("$nothing", None), ("At $path", "At /v1")]
)
def test_an_empty_template_is_a_text_and_one_that_leaves_nothing_is_none(
    template: str | None, filled: str | None
) -> None:
    assert fill_optional_text(template, {"path": "/v1", "nothing": None}) == filled


def test_a_blank_inside_a_value_stays_as_the_client_sent_it() -> None:
    assert fill_text("Cannot $path", {"path": "/$method", "method": "GET"}) == "Cannot /$method"
