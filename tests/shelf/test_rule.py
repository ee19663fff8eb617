"""A fault rule is written in a file, or in one line; either way what is wrong with it is told at once."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import document, shape
from mockserver.errors import InputError
from mockserver.shelf import library
from mockserver.shelf.rule import RULE, parse
from tests.shelf.asking import call


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("error=429", {"error": 429}),
        ("vendor=segmind error=429 times=2", {"match": {"vendor": "segmind"}, "error": 429, "times": 2}),
        ("fault=reset@3 probability=10%", {"fault": "reset@3", "probability": "10%"}),
        (
            "user='rate me' error=timeout for=2s",
            {"match": {"user": "rate me"}, "error": "timeout", "for": "2s"},
        ),
        ("'user={regex: a+}' delay=1s", {"match": {"user": {"regex": "a+"}}, "delay": "1s"}),
        ("'header={x-a: b}' error=500", {"match": {"header": {"x-a": "b"}}, "error": 500}),
        ("model=[a,b] error=500", {"match": {"model": ["a", "b"]}, "error": 500}),
    ],
)
def test_a_line_says_what_a_mapping_says(text: str, written: dict[str, Any]) -> None:
    laid = parse(text, "one", "--fault")
    assert laid.written == written
    assert (laid.name, laid.source) == ("one", "--fault")
    assert shape.read(RULE, document.of(written, "f"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--fault: it does nothing; expected error, fault or delay"),
        ("vendor=x", "--fault: it does nothing; expected error, fault or delay"),
        ("error", "--fault: found 'error', expected NAME=VALUE with one of vendor, model, key,"),
        ("error=429 error=500", "--fault: found 'error' twice"),
        ("eror=429", "--fault: found 'eror=429', did you mean 'error'?"),
        ("qqqq=1 error=500", "--fault: found 'qqqq=1', expected NAME=VALUE with one of vendor, model, key,"),
        ("error=", "--fault: error: found '', expected a number 400 to 599 or a kind"),
        ("error=200", "--fault: error: found the number 200, expected 400 to 599 or a kind"),
        ("fault=reste", "--fault: fault: found fault 'reste', expected one of"),
        ("delay=5", "--fault: delay: "),
        ("fault=reset message=x", "--fault: message: message goes with an error, and there is none here"),
        ("error='429", '--fault: found "error=\'429": No closing quotation'),
        ("error={", "--fault:2:1: did not find expected node content"),
        ("error=500 probability=2", "--fault: probability: found the number 2, expected a share like 20%"),
    ],
)
def test_a_line_that_is_wrong_says_so(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, "one", "--fault")
    assert str(caught.value).startswith(message)


def test_a_rule_is_for_the_calls_that_it_matches() -> None:
    laid = parse("user=weather model=o1-* error=500", "one", "")
    assert laid.meets(call(), laid.since)
    assert not laid.meets(call({"role": "user", "content": "Hello"}), laid.since)


def test_a_file_has_rules_with_names_and_places() -> None:
    book = library.of(
        document.parse("faults:\n- {error: 429}\n- {fault: reset, match: {user: x}}\n", "a/f.yaml")
    )
    assert [(rule.name, rule.source) for rule in book.rules] == [
        ("f-fault-1", "a/f.yaml:2"),
        ("f-fault-2", "a/f.yaml:3"),
    ]
    assert book.rules[1].written == {"fault": "reset", "match": {"user": "x"}}


def test_what_is_wrong_in_a_file_is_told_with_its_place() -> None:
    with pytest.raises(InputError) as caught:
        library.of(document.parse("faults:\n- {eror: 429}\n- {match: {usr: x}, error: 999}\n", "f.yaml"))
    assert [str(problem) for problem in caught.value.problems] == [
        "f.yaml:2:4: faults[0].eror: unknown key 'eror', did you mean 'error'?",
        "f.yaml:3:12: faults[1].match.usr: unknown key 'usr', did you mean 'user'?",
        "f.yaml:3:21: faults[1].error: found the number 999, expected 400 to 599 or a kind",
    ]


@pytest.mark.parametrize(
    ("text", "names", "rules"),
    [
        ("{match: {}, response: hi}", ["shared#3"], []),
        ("{name: a, match: {}, response: hi}", ["a"], []),
        ("[{match: {}, response: hi}, {match: {}, response: ho}]", ["shared#3", "shared#4"], []),
        ("[]", [], []),
        ("fixtures: [{match: {}, response: hi}]\nfaults: [{error: 500}]", ["shared#3"], ["shared-fault-5"]),
        ("defaults: {delay: 1s}", [], []),
    ],
)
def test_what_is_added_may_be_a_file_a_list_or_one(text: str, names: list[str], rules: list[str]) -> None:
    book = library.after(library.added(document.parse(text, "body"), "shared"), "shared", 2, 4)
    assert [one.name for one in book.fixtures] == names
    assert [one.name for one in book.rules] == rules
    sources = [*(one.source for one in book.fixtures), *(one.source for one in book.rules)]
    assert set(sources) <= {"runtime"}


def test_a_name_that_is_given_may_not_be_one_that_is_written() -> None:
    text = "[{match: {}, response: x}, {name: shared#3, match: {}, response: x}]"
    book = library.added(document.parse(text, "body"), "shared")
    assert library.after(book, "shared", 3, 0).fixtures[0].name == "shared#4"
    with pytest.raises(InputError, match="the name 'shared#3' is taken"):
        library.after(book, "shared", 2, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "body:1:1: found text 'hello', expected a mapping"),
        ("{response: hi}", "body:1:1: the key 'match' is missing, expected a mapping of conditions"),
        ("{match: {usr: x}, response: hi}", "body:1:10: match.usr: unknown key 'usr', did you mean 'user'?"),
        ("[{match: {}, response: {template: true, text: '{{ x }}'}}]", "body:1:41: [0].response.text: "),
        ("[{name: a, match: {}, response: x}, {name: a, match: {}, response: x}]", "body:1:38: [1].name: "),
        ("{match: {}, responses: [{template: true, text: '{{ x }}'}]}", "body:1:42: responses[0].text: "),
    ],
)
def test_what_is_wrong_with_what_is_added_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        library.added(document.parse(text, "body"), "shared")
    assert str(caught.value).startswith(message)
