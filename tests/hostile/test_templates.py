"""Templates that are made to run long or to fill the memory, by their author or with the values of a request."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from mockserver.errors import ApiError, InputError
from mockserver.fixtures import template_budget
from mockserver.fixtures.jinja_template import check_template, fill_template
from mockserver.fixtures.template_budget import (
    MAX_ITEMS,
    MAX_SECONDS,
    MAX_SIZE,
    MAX_STEPS,
    MAX_WORK,
    TemplateBudget,
    measure_depth,
    measure_size,
)
from mockserver.generation.faker_text import seed_faker
from mockserver.rendering.templated_response import fill_response_template
from tests.matching_examples import build_fixture_set, build_request

WALL_LIMIT = 10 * MAX_SECONDS
LARGE = "a" * (MAX_SIZE // 2)
FAKE = seed_faker("en_US", 1)


def fill(text: str, **names: Any) -> str:
    values = {
        "user": "Ann",
        "large": LARGE,
        "million": 10**6,
        "body": {"n": 2**63 - 1, "ten": 10, "list": [1, 2], "text": "a\tb\n"},
        "fake": FAKE,
        "now": datetime.now(UTC),
    }
    return fill_template(text, values | names)


def assert_refused(text: str, message: str = "the template failed", **names: Any) -> None:
    started = time.thread_time()
    with pytest.raises(InputError, match=message):
        fill(text, **names)
    assert time.thread_time() - started < WALL_LIMIT


LOOP = "{% set ns = namespace(x=10, l=[], s='') %}{% for i in range(9000) %}{% set "


@pytest.mark.parametrize(
    "text",
    [
        LOOP + "ns.x = ns.x * ns.x %}{% endfor %}",
        LOOP + "ns.x = ns.x + ns.x %}{% endfor %}",
        LOOP + "ns.x = ns.x ** 2 %}{% endfor %}",
        LOOP + "ns.x = (ns.x * 1.5) | int * ns.x %}{% endfor %}",
        (
            "{{ 10 ** 64 * 10 ** 64 * 10 ** 64 * 10 ** 64 * 10 ** 64 * 10 ** 64 * 10 ** 64 * 10 ** 64"
            " * 10 ** 64 * 10 ** 64 * 10 ** 64 * 10 ** 64 * 10 ** 64 * 10 ** 64 * 10 ** 64 * 10 ** 64"
            " * 10 ** 64 * 10 ** 64 * 10 ** 64 * 10 ** 64 }}"
        ),
        "{{ ('f' * 10 ** 5) | int(base=16) }}",
        "{{ ('9' * 4000) | int }}",
        "{{ (1).from_bytes(('a' * 10 ** 5).encode(), 'big') }}",
        "{{ (1).to_bytes(10 ** 9, 'big') }}",
        "{{ 5 | round(-10 ** 6) }}",
        "{{ 5 | round(10 ** 6, 'ceil') }}",
        "{{ [2 ** 64] * 10 ** 5 | sum }}",
        "{{ fake.pydecimal(left_digits=9000) }}",
    ],
)
def test_numbers_do_not_grow(text: str) -> None:
    assert_refused(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ body.n + 1 }}", "9223372036854775808"),
        ("{{ 2 ** 64 * 2 ** 64 }}", str(2**128)),
        ("{{ 10 ** 6 * 10 ** 6 }} {{ 2.5 | round(1) }} {{ 7 // 2 }} {{ -3 }}", "1000000000000 2.5 3 -3"),
        (
            "{{ [1, 2, 3] | sum }} {{ [[1], [2]] | sum(start=[]) }} {{ range(100000) | sum }}",
            "6 [1, 2] 4999950000",
        ),
    ],
)
def test_ordinary_numbers_are_calculated(text: str, expected: str) -> None:
    assert fill(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ fake.random_number(digits=10 ** 6) }}",
        "{{ fake.random_number(10 ** 9) }}",
        "{{ fake.pyint(max_value=10 ** 6 * 10 ** 6 * 10 ** 6 * 10 ** 6) }}",
        "{{ fake.pystr(max_chars=10 ** 6) }}",
        "{{ fake.pystr(min_chars=10 ** 6, max_chars=10 ** 6) }}",
        "{{ fake.words(nb=10 ** 6) }}",
        "{{ fake.words(body.n) }}",
        "{{ fake.paragraphs(nb=5000) }}",
        "{{ fake.texts(nb_texts=1000, max_nb_chars=10000) }}",
        "{{ fake.password(length=10 ** 6) }}",
        "{{ fake.bothify('#' * 10 ** 5) }}",
        "{{ fake.pyfloat(left_digits=10 ** 6) }}",
        "{{ fake.file_path(depth=10 ** 5) }}",
        "{{ fake.json(num_rows=10 ** 6) }}",
        "{{ fake.json(data_columns={'a': 'pyint', 'b': 'pyint'} , num_rows=-10 ** 6) }}",
        "{{ fake.csv(num_rows=10 ** 6) }}",
        "{{ fake.random_elements(elements=['a'], length=10 ** 6) }}",
        "{{ fake.random_choices(range(10 ** 6) | list, length=10) }}",
        "{{ fake.image(size=(10 ** 5, 10 ** 5)) }}",
        "{{ fake.zip(uncompressed_size=10 ** 6, num_files=1000) }}",
        "{{ fake.time_series(precision=0.0001) | list }}",
        "{{ fake.time_series(precision=0.0001) | join }}",
        "{{ 'x' * 1000 | join(fake.time_series(precision=0.0001)) }}",
        "{{ ('x' * 1000).join(fake.time_series(precision=0.0001)) }}",
        "{{ 5 in fake.time_series(precision=0.0001) }}",
        "{{ fake.time_series(precision=0.0001) | map('string') | select('equalto', '1') | first }}",
        "{{ fake.time_series(precision=0.0001) | length }}",
        "{% for x in fake.time_series(precision=0.0001) %}{% endfor %}",
    ],
)
def test_faker_makes_small_things(text: str) -> None:
    assert_refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ fake.random_int(0, 2 ** 53) }}",
        "{{ fake.random_int(max=body.n) }}",
        "{{ fake.pyint(min_value=10 ** 9, max_value=10 ** 12) }}",
        "{{ fake.date_between('-10y', 'now') }}",
        "{{ fake.date_time(end_datetime=now) }} {{ fake.unix_time() }}",
        "{{ fake.pyfloat(left_digits=3, right_digits=2) }} {{ fake.pydecimal(left_digits=5) }}",
        "{{ fake.paragraphs(nb=5) | join(' ') }} {{ fake.text(2000) }}",
        "{{ fake.words(100) | join(' ') }} {{ fake.sentence(nb_words=30) }}",
        "{{ fake.json(data_columns={'a': 'pyint', 'b': 'name'}, num_rows=20) }}",
        "{{ fake.random_element(body.list) }} {{ fake.random_elements(elements=['a', 'b'], length=50) }}",
        "{{ fake.time_series() | list | length }}",
        "{{ now.strftime('%Y-%m-%d') }} {{ now.timestamp() }} {{ now.fromtimestamp(1700000000) }}",
        "{{ now.replace(microsecond=5) - now }}",
    ],
)
def test_ordinary_fakes_are_made(text: str) -> None:
    assert fill(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ('\t' * 1000).expandtabs(10 ** 6) }}",
        "{{ ('\t' * 1000).expandtabs(tabsize=10 ** 6) }}",
        "{{ ('\t' * 1000).encode().expandtabs(10 ** 6) }}",
        "{{ (body.text * 10 ** 5).expandtabs(body.ten * 100) }}",
        "{{ ('\n' * 10 ** 5) | indent(10 ** 5) }}",
        "{{ ('a\n' * 10 ** 4) | indent('x' * 10 ** 4) }}",
        "{{ ('{:999999}' * 1000).format(1) }}",
        "{{ ('{:{w}}' * 1000).format(1, w=10 ** 6) }}",
        "{{ '{:{}}'.format(1, 10 ** 9) }}",
        "{{ ('%999999d' * 1000) % 1 }}",
        "{{ ('%*d' * 100) % ((10 ** 6, 1) * 50) }}",
        "{{ ('%999999d' * 1000) | format(1) }}",
        "{{ ('%s' * 1000) | format(large) }}",
        "{{ '%.999999f%.999999f' % (1.5, 1.5) }}",
        "{{ now.strftime('%9999999Y') }}",
        "{{ (large * 3)[:1000] }}",
        "{{ large + large + large }}",
        "{{ [large, large, large] | join }}",
        "{{ ','.join([large, large, large]) }}",
        "{{ ('x' * 10 ** 4) | join(range(10 ** 4)) }}",
        "{{ range(10 ** 5) | join('x' * 10 ** 4) }}",
        "{{ range(10 ** 5) | map('string') | join('x' * 10 ** 4) }}",
        "{{ range(10 ** 5) | batch(10 ** 6, 'x') | list }}",
        "{{ [1] | slice(10 ** 6) | list }}",
        "{{ body | tojson(indent=10 ** 6) }}",
        (
            "{% set ns = namespace(x=[range(9000) | list]) %}"
            "{% for i in range(500) %}{% set ns.x = [ns.x] %}{% endfor %}"
            "{{ ns.x | tojson(indent=16) }}"
        ),
        (
            "{% set ns = namespace(x=[range(9000) | list]) %}"
            "{% for i in range(90) %}{% set ns.x = [ns.x] %}{% endfor %}"
            "{{ ns.x | pprint }}"
        ),
        "{{ 'a'.center(10 ** 9) }} {{ 'a'.encode().center(10 ** 9) }}",
        "{{ large.replace('a', 'aaa') }}",
        "{{ large.replace('', 'a' * 100) }}",
        "{{ ('a' * 10 ** 5).split('') }}",
        "{{ ('a ' * 10 ** 6).split() }}",
        "{{ large | list }}",
        "{{ range(10 ** 5) | map('center', 10 ** 4) | list }}",
    ],
)
def test_texts_and_lists_do_not_grow(text: str) -> None:
    assert_refused(text)


ROUNDS = "{% for i in range(9000) %}"


@pytest.mark.parametrize(
    "text",
    [
        ROUNDS + "{% if large in large %}{% endif %}{% endfor %}",
        ROUNDS + "{% if large ~ i == large ~ 1 %}{% endif %}{% endfor %}",
        ROUNDS + "{% set x = large | upper | lower %}{% endfor %}",
        ROUNDS + "{% set x = large.upper() %}{% endfor %}",
        ROUNDS + "{% set x = large + 'a' %}{% endfor %}",
        ROUNDS + "{% set x = large ~ i %}{% endfor %}",
        ROUNDS + "{% set x = large | wordwrap(1) %}{% endfor %}",
        ROUNDS + "{% set x = ('www.a ' * 1000) | urlize %}{% endfor %}",
        ROUNDS + "{% set x = range(100000) | list %}{% endfor %}",
        ROUNDS + "{% set x = range(100000) | select('equalto', -1) | list %}{% endfor %}",
        ROUNDS + "{% set x = range(100000) | selectattr('imag') | list %}{% endfor %}",
        ROUNDS + "{% set x = -1 in range(100000) | map('abs') %}{% endfor %}",
        ROUNDS + "{% set x = range(100000) | list == range(100000) | list %}{% endfor %}",
        ROUNDS + "{% if large is in large %}{% endif %}{% endfor %}",
        ROUNDS + "{% set x = fake.words(1000) %}{% endfor %}",
        ROUNDS + "{% set x = large | sort %}{% endfor %}",
        ROUNDS + "a" * 1000 + "{% endfor %}",
        ROUNDS + "{% set x %}" + "a" * 1000 + "{% endset %}{% endfor %}",
        "{% macro f() %}" + "a" * 1000 + "{% endmacro %}" + ROUNDS + "{% set x = f() %}{% endfor %}",
        "{% macro f(x) %}{{ caller() }}{% endmacro %}"
        + ROUNDS
        + "{% call f(large) %}b{% endcall %}{% endfor %}",
        ROUNDS + "{% filter upper %}" + "a" * 1000 + "{% endfilter %}{% endfor %}",
        "{% for x in range(10000) recursive %}{{ loop(range(10000)) if loop.depth < 3 }}{% endfor %}",
        "{% set l = namespace(x=[]) %}" + ROUNDS + "{% set l.x = l.x + [l.x] %}{% endfor %}",
        (
            "{% set a = [[1] * 10] * 5000 %}{{ a | sum(start=[]) | length }}{{ a | sum(start=[]) | length }}"
            "{{ a | sum(start=[]) | length }}{{ a | sum(start=[]) | length }}"
        ),
        "{% for a in range(100) %}{% for b in range(200) %}{% endfor %}{% endfor %}",
    ],
)
def test_repetition_ends(text: str) -> None:
    assert_refused(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ROUNDS * 2 + "{% endfor %}" * 2, f"it takes more than {MAX_STEPS:,} rounds of loops and calls"),
        (ROUNDS + "a" * 1000 + "{% endfor %}", f"its output has more than {MAX_SIZE:,} characters"),
        (
            ROUNDS + "{% set x = large | upper %}{% endfor %}",
            f"its operations take more than {MAX_WORK:,} characters",
        ),
        (
            "{{ 'a' * 10 ** 6 * 2 }}",
            f"a text or list is too large: {MAX_SIZE:,} characters or {MAX_ITEMS:,} items",
        ),
        ("{{ large * body.n }}", "a text or list is too large|number .* too large"),
        ("{{ 2 ** 64 ** 2 * 'a' }}", "a power is too large"),
        ("{{ 'a'.ljust(10 ** 30) }}", r"the number \.\.\. is too large here"),
        ("{{ fake.words(2000) }}", "nb is too large for words"),
        ("{{ fake.texts(1000, 9000) }}", "the numbers are too large together for texts"),
        ("{{ fake.lexify('?' * 10001) }}", "text is too large for lexify"),
        ("{{ 1.5 | round(101) }}", "a precision is too large"),
        ("{{ '9' * 1500 | int }}", "a number has too many digits"),
    ],
)
def test_the_message_names_the_limit(text: str, message: str) -> None:
    assert_refused(text.replace("'9' * 1500 | int", "('9' * 1500) | int"), message)


def test_the_time_is_bounded() -> None:
    budget = TemplateBudget()
    budget.extend(-2 * MAX_SECONDS)
    with pytest.raises(InputError, match="it takes more than 250 ms"):
        fill_template("{{ user }}", {"user": "Ann"}, budget)
    budget.extend(2 * MAX_SECONDS)
    assert fill_template("{{ user }}", {"user": "Ann"}, budget) == "Ann"


def test_all_texts_of_a_response_share_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_budget, "MAX_SECONDS", 60)
    loop = "{% for i in range(1000) %}" + "a" * 90 + "{% endfor %}"
    fixtures = build_fixture_set(f"match: {{}}, response: {{template: true, text: '{loop}'}}")
    fixture = fixtures.fixtures[0]
    response = fill_response_template(build_request(n=10), fixture, fixture.responses[0], 0)
    assert [len(choice.text or "") for choice in response.choices or ()] == [90_000] * 10
    with pytest.raises(ApiError, match="its output has more than 1,000,000 characters"):
        fill_response_template(build_request(n=12), fixture, fixture.responses[0], 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ 'a\tb'.expandtabs(4) }} {{ 'a\tb'.expandtabs() }}", "a   b a       b"),
        (
            "{{ 'a\nb' | indent(2) }} {{ 'a' | center(3) }} {{ '%03d' % 7 }} {{ '%*d' % (3, 7) }}",
            "a\n  b  a  007   7",
        ),
        (
            "{{ '{:>{w}}'.format(7, w=3) }} {{ '%s-%s' | format(1, 2) }} {{ '%(a)s' | format(a=1) }}",
            "  7 1-2 1",
        ),
        ("{{ 'a\nb' | indent('> ') }} {{ 5 | format }}", "a\n> b 5"),
        ("{{ body.list | tojson(indent=2) }}", "[\n  1,\n  2\n]"),
        ("{{ body | pprint }}"[:0] + "{{ body.list | pprint }}", "[1, 2]"),
        ("{{ body.list | map('string') | join(',') }} {{ body.list | batch(1) | list }}", "1,2 [[1], [2]]"),
        (
            "{{ [3, 1] | sort | first }} {{ 2 in [1, 2] }} {{ 1 < 2 <= 2 }} {{ 'n' in user }}",
            "1 True True True",
        ),
        ("{{ nothing | default('x') }} {{ nothing is defined }} {{ user is string }}", "x False True"),
        ("{{ ','.join(body.list | map('string')) }} {{ body.items() | list | length }}", "1,2 4"),
        (
            "{% for k, v in body.items() if k == 'ten' %}{{ loop.length }}{{ k }}{{ loop.last }}{% endfor %}",
            "1tenTrue",
        ),
        ("{% set x %}a{{ user }}{% endset %}{{ x | upper }}{% if body.ten >= 10 %}!{% endif %}", "AANN!"),
        ("{% for x in [1, [2, [3]]] recursive %}{{ loop(x) if x is iterable else x }}{% endfor %}", "123"),
        (
            "{{ [body.list, body.list] | sum(start=[]) }} {{ 5 | round }} {{ 'x' | length }}",
            "[1, 2, 1, 2] 5 1",
        ),
        ("{{ 'a'.encode().hex() }} {{ (3).bit_length() }} {{ 'ab' | reverse }}", "61 2 ba"),
        (
            "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ 3 * 'x' }}{{ [0] * 2 }}",
            "abxxx[0, 0]",
        ),
    ],
)
def test_ordinary_templates_are_filled(text: str, expected: str) -> None:
    check_template(text.replace("nothing", "user"), frozenset())
    assert fill(text) == expected


def test_a_long_ordinary_text_is_filled() -> None:
    text = "{% for word in user.split() %}{{ loop.index }}. {{ word | capitalize }}\n{% endfor %}"
    assert fill(text, user="word " * 2_000).count("\n") == 2_000
    assert len(fill("{{ user | upper | trim | replace('A', 'b') }}", user=LARGE)) == len(LARGE)


def test_sizes_and_depths_are_measured() -> None:
    assert (
        measure_size(["ab", {"c": (1, "d")}, b"e", {1}, range(3), {1: 2}.items()])
        == 6 * 10 + 2 + 10 + 1 + 20 + 1 + 1 + 10 + 30 + 10
    )
    assert [measure_depth(value) for value in (1, [], [1], {"a": [1]})] == [1, 1, 2, 3]


# --- nesting


NESTED = [
    ("{{ 1", " + 1", "", " }}"),
    ("{{ ", "[", "]", " }}"),
    ("{{ ", "[[], ", "]", " }}"),
    ("{{ user", " | upper", "", " }}"),
    ("{{ user", ".upper()", "", " }}"),
    ("{{ body", ".a", "", " is defined }}"),
    ("{{ ", "not ", "", "1 }}"),
    ("{{ 1", " and 1", "", " }}"),
    ("{{ 1", " ** 1", "", " }}"),
    ("", "{% if user %}", "{% endif %}", ""),
    ("", "{% for x in [1] %}", "{% endfor %}", ""),
    ("", "{% set x %}", "{% endset %}", ""),
    ("{% macro m() %}{{ caller() }}{% endmacro %}", "{% call m() %}", "{% endcall %}", ""),
]


@pytest.mark.parametrize(("start", "opening", "closing", "end"), NESTED)
@pytest.mark.parametrize("count", [80, 400, 3_000])
def test_deep_nesting_is_a_mistake(start: str, opening: str, closing: str, end: str, count: int) -> None:
    with pytest.raises(ValueError, match="no valid template: it is nested too deeply"):
        check_template(start + opening * count + closing * count + end, frozenset())


@pytest.mark.parametrize(("start", "opening", "closing", "end"), NESTED)
@pytest.mark.parametrize("count", [3, 12, 18])
def test_ordinary_nesting_is_filled(start: str, opening: str, closing: str, end: str, count: int) -> None:
    text = start + opening * count + closing * count + end
    check_template(text, frozenset())
    if ".a" not in text:
        fill(text)


def test_a_template_that_python_does_not_compile_is_a_mistake() -> None:
    text = "{% for x in [1] %}" * 25 + "{% endfor %}" * 25
    with pytest.raises(ValueError, match="no valid template: it is nested too deeply"):
        check_template(text, frozenset())
    assert_refused(text, "too many statically nested blocks")


def test_deep_parentheses_are_read() -> None:
    check_template("{{ " + "(" * 60 + "1" + ")" * 60 + " }}", frozenset())
    with pytest.raises(ValueError, match="nested too deeply"):
        check_template("{{ " + "(" * 3_000 + "1" + ")" * 3_000 + " }}", frozenset())


def test_the_parts_of_a_template_are_bounded() -> None:
    check_template("{{ user }}" * 400, frozenset())
    with pytest.raises(ValueError, match=r"the template has 20,002 parts, expected at most 10,000"):
        check_template("{{ user }}" * 20_000, frozenset())


@pytest.mark.parametrize("text", ["{{ 1" + " + 1" * 400 + " }}", "{{ " + "[" * 80 + "]" * 80 + " }}"])
def test_a_deep_template_in_a_file_has_a_position(text: str) -> None:
    with pytest.raises(InputError) as raised:
        build_fixture_set(f"match: {{}}, response: {{template: true, text: '{text}'}}")
    assert str(raised.value).startswith(
        "f.yaml:3:44: fixtures[0].response.text: no valid template: it is nested"
    )
