"""Templates are filled in a sandbox that nothing leaves and nothing overflows; mistakes are found at load."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2.compiler import CodeGenerator

from mockserver.errors import InputError
from mockserver.shelf import template
from mockserver.shelf.sandbox import MOST


def filled(text: str, **names: Any) -> str:
    return template.fill(text, {"user": "Ann", "body": {"a": [1, 2]}, **names})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello {{ user }}\n", "Hello Ann\n"),
        ("{{ body.a[1] + 1 }} {{ 2 ** 3 }} {{ 7 % 4 }} {{ 2 * 3 }}", "3 8 3 6"),
        ("{% for x in body.a %}{{ loop.index }}{{ x }},{% endfor %}", "11,22,"),
        ("{{ user ~ 1 ~ 'x' }} {{ user | upper }} {{ '-' * 3 }}", "Ann1x ANN ---"),
        ("{{ '%05.1f' | format(2.5) }} {{ '%s' % user }} {{ '{:>4}'.format(7) }}", "002.5 Ann    7"),
        ("{{ {'a': {1, 2} | list | length}.a if false else body | tojson }}", '{"a": [1, 2]}'),
        ("{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{{ twice(user) }}", "AnnAnn"),
        (
            "{{ user.replace('n', 'x') }} {{ (1, 2) | join('-') }} {{ 'a,b'.split(',') | length }}",
            "Axx 1-2 2",
        ),
    ],
)
def test_a_template_is_what_jinja_makes_of_it(text: str, expected: str) -> None:
    template.check(text.replace("{1, 2} | list", "[1, 2]"), frozenset())
    assert filled(text.replace("{1, 2} | list", "[1, 2]")) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ user.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ user | attr('__class__') }}",
        "{{ '{0.__class__}'.format(user) }}",
        "{{ body.update({'a': 1}) }}",
        "{{ (lambda: 1)() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_a_template_does_not_leave_the_sandbox(text: str) -> None:
    with pytest.raises(InputError, match="the template failed"):
        filled(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 10 ** 9 }}",
        "{{ 10 ** 9 * 'a' }}",
        "{{ [1] * 10 ** 9 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ (10 ** 7) ** 60 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%*d' % (10 ** 9, 1) }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ 'a'.ljust(10 ** 9) }}",
        "{{ 'a' | center(10 ** 9) }}",
        "{{ ('a' * 10 ** 5).replace('a', 'b' * 10 ** 5) }}",
        "{{ ['a' * 10 ** 5] * 10 ** 5 }}",
        "{{ ('a' * 10 ** 6) ~ 'b' ~ ('a' * 10 ** 6) }}",
        "{% set x = 'a' * 10 ** 6 %}{{ x + x }}",
        "{% set x = 'a' * 10 ** 5 %}{% for i in range(11) %}{{ x }}{% endfor %}",
        "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}",
        "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}",
        "{% set a = [1] %}" + "{% set a = [a, a] %}" * 40 + "{{ a }}",
        "{{ range(10 ** 9) | list }}",
    ],
)
def test_a_template_does_not_fill_the_memory_or_run_for_ever(text: str) -> None:
    with pytest.raises(InputError, match="the template failed"):
        filled(text)


def test_what_a_template_says_is_bounded() -> None:
    with pytest.raises(InputError, match="it says more than 1,000,000 characters"):
        filled("{{ a }}{{ a }}", a="x" * (MOST // 2 + 1))


@pytest.mark.parametrize("text", ["{{ [1, 2] | random }}", "{{ lipsum() }}"])
def test_chance_that_no_seed_reaches_is_not_there(text: str) -> None:
    with pytest.raises(ValueError, match="unknown"):
        template.check(text, frozenset())


@pytest.mark.parametrize(
    "text",
    [
        "{{ match.name }} {{ match['name'] }} {{ match[1] }} {{ match[0] }} {{ match[body.a[0]] }}",
        "{{ fake.first_name() }} {{ fake.bothify('??') }} {{ fake['email']() }} {{ body.anything.else }}",
        "{{ fake.random_int(0, 9999999) }} {{ fake.random_element(['a']) }} {{ namespace(a=1).a }}",
    ],
)
def test_what_may_be_right_is_no_mistake(text: str) -> None:
    template.check(text, frozenset({"name", 0, 1}))


def test_the_line_of_a_mistake_is_told_where_a_text_has_several() -> None:
    with pytest.raises(ValueError, match=r"\(line 2 of the text\)"):
        template.check("one\n{{ two", frozenset())


@pytest.mark.parametrize(
    "name", ["add_provider", "seed_instance", "generator", "parse", "unique", "_x", "items"]
)
def test_the_machinery_of_faker_is_out_of_reach(name: str) -> None:
    assert name not in template.providers()


def test_a_large_number_is_fine_where_it_makes_a_number() -> None:
    class Fake:
        def random_int(self, low: int, high: int) -> int:
            return high - low

    assert filled("{{ fake.random_int(0, 9999999) }}", fake=Fake()) == "9999999"


def test_a_failure_without_words_is_named() -> None:
    class Silent:
        def __str__(self) -> str:
            raise KeyError

    with pytest.raises(InputError, match="the template failed: KeyError"):
        filled("{{ x }}", x=Silent())


@pytest.mark.parametrize("hook", ["visit_For", "visit_Concat"])
def test_no_template_is_taken_where_jinja_lacks_what_bounds_it(
    monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    monkeypatch.delattr(CodeGenerator, hook)
    template._sandbox.cache_clear()
    with pytest.raises(
        ValueError, match=rf"no template can be bounded: Jinja2 .* has no CodeGenerator\.{hook}"
    ):
        template.check("{{ user }}", frozenset())
    monkeypatch.undo()
    template.check("{{ user }}", frozenset())
