"""The same request gets the same words, in any process; another seed, fixture or choice gets others."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from mockserver.errors import ApiError
from mockserver.rendering.templated_response import fill_response_template
from tests.matching_examples import USER, build_fixture_set, build_request

NAMED = (
    "name: who, match: {user: {regex: 'the (?P<what>\\w+)'}}, "
    "response: {template: true, text: '{{ fake.name() }} {{ fake.name() }}'}"
)


def words(written: str = NAMED, seed: int = 0, **asked: Any) -> list[str | None]:
    one = build_fixture_set(written).fixtures[0]
    return [
        choice.content
        for choice in fill_response_template(build_request(**asked), one, one.responses[0], seed).all_choices
    ]


def test_the_same_request_gets_the_same_words() -> None:
    assert words() == words()
    assert words(seed=1) != words()
    assert words(NAMED.replace("who", "whom")) != words()


def test_a_requests_own_seed_changes_its_words() -> None:
    one = build_fixture_set(NAMED).fixtures[0]
    texts = {
        fill_response_template(build_request(seed=seed), one, one.responses[0], 0).all_choices[0].content
        for seed in (None, 1, 2)
    }
    assert len(texts) == 3


def test_each_choice_has_words_of_its_own() -> None:
    first, second = words(n=2)
    assert first != second
    assert words(n=1) == [first]
    same = "{{ fake.name() }} {{ fake.name() }}"
    own = words(f"name: who, match: {{}}, response: {{template: true, choices: ['{same}', '{same}']}}", n=2)
    assert own == [first, second]


def test_another_process_finds_the_same_words() -> None:
    code = "from tests.rendering.test_templated_response import words; print(words(n=2))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == f"{words(n=2)}\n"


def test_a_template_sees_the_request() -> None:
    text = "{{ [user, match.what, body.n, vendor, model, key, session, turn, attempt, now.year > 2000] | join('|') }}"
    written = NAMED.replace("{{ fake.name() }} {{ fake.name() }}", text.replace("'", "''"))
    assert words(written, n=1, session="one", headers={"x-stainless-retry-count": "2"}) == [
        "What is the Weather in Paris?|Weather|1|aimlapi|o1-preview|sk-1234567890|one|1|2|True"
    ]


@pytest.mark.parametrize(
    ("response", "path", "expected"),
    [
        ("{template: true, error: 429, message: 'Slow, {{ user[:4] }}'}", "message", "Slow, What"),
        ("{template: true, raw: {body: '{{ turn }}'}}", "raw.body", "1"),
    ],
)
def test_errors_and_raw_answers_may_be_templates(response: str, path: str, expected: str) -> None:
    one = build_fixture_set(f"match: {{}}, response: {response}").fixtures[0]
    found: Any = fill_response_template(build_request(), one, one.responses[0], 0)
    for step in path.split("."):
        found = getattr(found, step)
    assert found == expected


@pytest.mark.parametrize(
    "response",
    [
        "{template: true, text: '{{ turn }}', headers: {x-a: '{{ user }}'}, patch: {body: {b: ['{{ model }}']}}}",
        "{template: true, error: 429, headers: {x-a: '{{ user }}'}}",
        "{template: true, raw: {headers: {x-a: '{{ user }}'}, body: a}}",
    ],
)
def test_templates_fill_headers_and_patches(response: str) -> None:
    one = build_fixture_set(f"match: {{}}, response: {response}").fixtures[0]
    asked = build_request({**USER, "content": " a\r\nx-b: ü "}, n=2)
    filled = fill_response_template(asked, one, one.responses[0], 0)
    headers = filled.headers if filled.raw is None else filled.raw.headers
    assert headers == {"x-a": "a%0D%0Ax-b: %C3%BC"}
    if filled.patch is not None:
        assert filled.patch.body == {"b": ["o1-preview"]}
        assert [choice.text for choice in filled.all_choices] == ["1", "1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ body.none }}", "'dict object' has no attribute 'none'"),
        ("{{ fake[user] }}", "has no attribute"),
        ("{{ match.what }}", "match has no group 'what': the expression found nothing in this request"),
        ("{{ 1 / 0 }}", "division by zero"),
    ],
)
def test_what_fails_at_the_request_is_the_mocks_own_error(text: str, message: str) -> None:
    one = build_fixture_set(NAMED.replace("{{ fake.name() }} {{ fake.name() }}", text)).fixtures[0]
    with pytest.raises(ApiError) as caught:
        fill_response_template(build_request({**USER, "content": "Hello"}), one, one.responses[0], 0)
    assert caught.value.kind == "server_error"
    assert str(caught.value.message).startswith("fixture 'who' (f.yaml:3): the template failed: ")
    assert message in str(caught.value.message)
    assert caught.value.headers == (("x-should-retry", "false"),)
