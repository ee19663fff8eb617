"""What a match, a response and a fault are called in Python is what they are called in a file."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any

import pytest

from mockserver.client.arguments import (
    FailArguments,
    FaultArguments,
    MatchArguments,
    ResponseArguments,
    check_keywords,
    encode_argument,
    format_arguments,
    select_keywords,
)
from mockserver.fixtures.criteria import MatchSpec
from mockserver.fixtures.fault_rules import FaultRuleSpec
from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.schema.object_types import get_spec_fields

FILES = {MatchArguments: get_spec_fields(MatchSpec), ResponseArguments: get_spec_fields(ResponseSpec)}


@pytest.mark.parametrize("words", FILES, ids=lambda words: words.__name__)
def test_the_keywords_are_the_words_of_a_file(words: type) -> None:
    assert set(words.__annotations__) == set(FILES[words])


def test_a_failure_has_the_words_of_a_fault_rule() -> None:
    rest = {name.rstrip("_") for name in FaultArguments.__annotations__}
    assert rest | {"match", "error"} == set(get_spec_fields(FaultRuleSpec))
    assert set(FailArguments.__annotations__) == {
        *MatchArguments.__annotations__,
        *FaultArguments.__annotations__,
    }


def test_a_slip_of_the_pen_is_told_with_what_was_meant() -> None:
    with pytest.raises(TypeError, match=r"on\(\): unknown keyword 'usre', did you mean 'user'\?"):
        check_keywords("on()", {"usre": "x"}, MatchArguments)


def test_a_word_like_no_other_is_told_with_what_there_is() -> None:
    with pytest.raises(TypeError, match="unknown keyword 'zzz', expected vendor, model"):
        check_keywords("on()", {"zzz": "x"}, MatchArguments)


def test_a_word_that_python_keeps_for_itself_has_a_tail() -> None:
    assert select_keywords({"for_": "1s", "user": "x"}, FaultArguments) == {"for": "1s"}


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (re.compile(r"\bgo\b"), {"regex": r"\bgo\b"}),
        (re.compile("go", re.IGNORECASE | re.DOTALL), {"regex": "(?is)go"}),
        (MappingProxyType({"equals": "go"}), {"equals": "go"}),
    ],
    ids=str,
)
def test_what_json_has_no_word_for_is_said_as_a_file_says_it(value: Any, meant: Any) -> None:
    assert encode_argument(value) == meant


def test_what_nobody_has_a_word_for_is_refused() -> None:
    with pytest.raises(TypeError, match=r"found <object object at .*, expected a value that JSON can hold"):
        encode_argument(object())


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({}, ""),
        ({"user": "weather", "stream": True}, "user='weather', stream=True"),
        ({"user": re.compile("a|b")}, "user=re.compile('a|b')"),
        (
            {"key": "sk-1", "header": {"x-api-key": "sk-1", "a": "b"}},
            "key='…', header={'x-api-key': '…', 'a': 'b'}",
        ),
        ({"user": "x" * 200}, f"user='{'x' * 78}…"),
    ],
    ids=str,
)
def test_keywords_are_spelled_as_they_were_written_but_for_keys(stated: dict[str, Any], said: str) -> None:
    assert format_arguments(stated) == said
