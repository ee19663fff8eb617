"""The fixtures of a file that says `masked` are compared with masked requests; those of other files are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mockserver.bounded_regex import SharedRegexBudget
from mockserver.data_masking.masked_request import mask_request
from mockserver.data_masking.masking_rules import BUILT_IN_RULES
from mockserver.errors import ApiError, InputError
from mockserver.matching.fixture_set import FixtureSet, find_first_match, find_mismatches
from mockserver.matching.loader import load_fixture_document, load_runtime_document
from mockserver.matching.shadowing import find_shadowed
from mockserver.rendering.templated_response import fill_response_template
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.yaml_document import parse_yaml
from tests.request_fixtures import ReadRequest

RECORDING = """
masked: [email, key, 'cust-\\d+']
fixtures:
- name: mail
  match:
    model: gpt-4o
    system: {equals: Serve <regex-1>.}
    user: {equals: Write to <email-1> about <email-2>}
    body: {user: <email-1>}
    header: {x-who: jane@x.de}
  response: {template: true, text: "To {{ mask['email-2'] }} ({{ mask['email-1'] }}, {{ mask['regex-1'] }}): Hi."}
- name: asks too much
  match: {user: much, any_message: <email-1>}
  response: {template: true, text: "{{ mask['email-2'] }}"}
- {name: result, match: {tool_result: {contains: <key-1>}}, response: Stored.}
"""
PLAIN = "fixtures:\n- {name: plain, match: {user: {equals: jane@x.de}}, response: Hi.}\n"


def load(*texts: str) -> FixtureSet:
    return FixtureSet(
        fixture
        for number, text in enumerate(texts)
        for fixture in load_fixture_document(parse_yaml(text, f"{number}.yaml")).fixtures
    )


def ask(read_request: ReadRequest, text: str, *more: Any, **body: Any) -> ChatRequest:
    messages = [{"role": "system", "content": "Serve cust-77."}, {"role": "user", "content": text}, *more]
    return read_request({"model": "gpt-4o", "messages": messages, **body}, x_who="jane@x.de")


def find_name(request: ChatRequest, fixtures: FixtureSet) -> str | None:
    found = find_first_match(request, fixtures, {})
    return found.fixture.name if found else None


def test_a_recording_matches_other_values_and_gives_them_back(read_request: ReadRequest) -> None:
    fixtures = load(RECORDING, PLAIN)
    request = ask(read_request, "Write to ann@y.de about bob@y.de", user="ann@y.de")
    found = find_first_match(request, fixtures, {})
    assert found is not None
    filled = fill_response_template(request, found.fixture, found.response, 0)
    assert filled.all_choices[0].content == "To bob@y.de (ann@y.de, cust-77): Hi."
    assert find_name(ask(read_request, "Write to ann@y.de about bob@y.de", user="bob@y.de"), fixtures) is None
    again = ask(read_request, "Write to <email-1> about <email-2>", user="<email-1>")
    assert find_name(again, fixtures) == "mail"


def test_other_files_see_requests_as_they_are(read_request: ReadRequest) -> None:
    assert find_name(ask(read_request, "jane@x.de"), load(RECORDING, PLAIN)) == "plain"
    assert find_name(ask(read_request, "<email-1>"), load(RECORDING, PLAIN)) is None


def test_results_of_tools_are_masked(read_request: ReadRequest) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "store", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "call_1", "content": "key sk-" + "abcdefghijklmnop1"}
    request = ask(read_request, "x", {"role": "assistant", "tool_calls": [call]}, result)
    assert find_name(request, load(RECORDING)) == "result"


def test_a_value_that_a_request_does_not_have_is_an_error(read_request: ReadRequest) -> None:
    request = ask(read_request, "much a@x.de")
    found = find_first_match(request, load(RECORDING), {})
    assert found is not None
    with pytest.raises(ApiError, match="mask has no 'email-2': this request has regex-1 or email-1"):
        fill_response_template(request, found.fixture, found.response, 0)


def test_the_index_of_many_fixtures_looks_at_masked_values(read_request: ReadRequest) -> None:
    many = "".join(
        f"- {{name: n{n}, match: {{user: {{equals: '<email-1> {n}'}}}}, response: x}}\n" for n in range(9)
    )
    fixtures = load(
        f"masked: [email]\nfixtures:\n{many}", PLAIN, "fixtures:\n" + many.replace("name: n", "name: m")
    )
    assert find_name(ask(read_request, "a@x.de 7"), fixtures) == "n7"
    assert find_name(ask(read_request, "jane@x.de"), fixtures) == "plain"


def test_a_masked_fixture_is_not_taken_for_the_same_as_another() -> None:
    one = "fixtures:\n- {name: NAME, match: {user: {equals: x}}, response: a}\n"
    later = one.replace("NAME", "later")
    assert list(find_shadowed(load(one, "masked: [email]\n" + later))) == []
    masked = [f"masked: [email]\n{text}" for text in (one, later)]
    assert [fixture.name for fixture, _ in find_shadowed(load(*masked))] == ["later"]


def test_a_request_without_a_json_body_is_not_masked(read_request: ReadRequest) -> None:
    request = read_request(raw=b"{")
    assert mask_request(request, BUILT_IN_RULES).request is request


def test_a_mismatch_shows_the_masked_text(read_request: ReadRequest) -> None:
    fixture = load(RECORDING).fixtures[1]
    (mismatch,) = find_mismatches(ask(read_request, "few a@x.de"), fixture, {})
    assert str(mismatch) == "user: expected text with 'much', found 'few <email-1>'"


def test_an_expression_without_result_is_noted(read_request: ReadRequest) -> None:
    fixtures = load(
        "masked: [email, '(?:(a|b|ab)*c)|!']\nfixtures: [{name: n, match: {user: <email-1>}, response: x}]"
    )
    with SharedRegexBudget() as budget:
        assert find_name(ask(read_request, "ab" * 200 + "a@x.de"), fixtures) == "n"
    assert "a masked fixture does not match: the regular expression" in budget.failures[0]


def test_fixtures_added_at_run_time_may_be_masked(read_request: ReadRequest) -> None:
    loaded = load_runtime_document(parse_yaml(RECORDING, "added"), "added")
    assert find_name(ask(read_request, "much a@x.de"), FixtureSet(loaded.fixtures)) == "asks too much"


def _problems() -> Iterator[tuple[str, str]]:
    yield "masked: [emial]", "masked: found 'emial', expected"
    yield "masked: []", "masked"
    yield PLAIN.replace("Hi.", "{template: true, text: \"{{ mask['email-1'] }}\"}"), "unknown name 'mask'"
    text = PLAIN.replace("Hi.", '{template: true, text: "{{ TEXT }}"}')
    yield (
        "masked: [email]\n" + text.replace("TEXT", "mask['mail']"),
        "unknown name 'mail' of mask, expected a kind",
    )
    yield (
        "masked: [email]\n" + text.replace("TEXT", "mask.email-1"),
        "unknown name 'email' of mask, expected a kind",
    )


@pytest.mark.parametrize(("text", "problem"), list(_problems()))
def test_mistakes_are_found_while_loading(text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        load(text)
    assert problem in str(caught.value)
