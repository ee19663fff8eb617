"""Regular expressions with a time limit: the same results as `re`, the limit, and the budget that searches share."""

from __future__ import annotations

import re
import threading
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.bounded_regex import (
    REQUEST_TIME_LIMIT,
    BoundedRegex,
    RegexBudget,
    RegexSearchError,
    SharedRegexBudget,
    compile_regex,
    note_regex_failure,
)

RUNAWAY = r"(a|aa)+$"
RUNAWAY_TEXT = "a" * 60 + "b"

PIECES = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "[ab]",
        "[^a]",
        "(a|b)",
        "(?:ab)",
        "a{2}",
        "b{,2}",
        "{e}",
        "{i,d}",
        "[[:a]",
        r"\{",
        r"\w",
        "^",
        "$",
    ]
)
REPEATED = st.sampled_from(["", "", "*", "+?", "?", "{1,2}"])


@st.composite
def patterns(draw: st.DrawFn) -> str:
    pieces = draw(st.lists(PIECES, min_size=1, max_size=5))
    return "".join(piece if piece in "^$" else piece + draw(REPEATED) for piece in pieces)


def _compile_standard(pattern: str, flags: int = 0) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.compile(pattern, flags)


def _outcome(match: re.Match[str] | None) -> object:
    return match and (match.span(), match.groups())


@given(patterns(), st.text("ab{e}[:i,d", max_size=12))
def test_it_finds_what_re_finds(pattern: str, text: str) -> None:
    try:
        standard = _compile_standard(pattern)
    except re.error:
        with pytest.raises(re.error):
            compile_regex(pattern)
        return
    bounded = compile_regex(pattern)
    assert _outcome(bounded.search(text)) == _outcome(standard.search(text))
    assert _outcome(bounded.fullmatch(text)) == _outcome(standard.fullmatch(text))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(?:cat){e<=1}", "(?:cat){e<=1}"),
        ("x{e}", "y"),
        ("[[:alpha:]]", "z"),
        ("[[:alpha:]]", "a]"),
        (r"\{e}\[[:punct:]]", "{e}[:]"),
        ("(?#[)a{e}", "a{e}"),
        ("(?x) a  # [ {e}\n {e}", "a{e}"),
        ("[]{e}]", "{"),
        ("a{}", "a{}"),
        ("(?a)\\w", "é"),
        ("(?i)STRASSE", "straße"),
        ("(?ms)^b.c$", "a\nb\nc\nd"),
    ],
)
def test_it_reads_a_pattern_as_re_does(pattern: str, text: str) -> None:
    assert _outcome(compile_regex(pattern).search(text)) == _outcome(_compile_standard(pattern).search(text))


@pytest.mark.parametrize("flag", [re.ASCII, re.IGNORECASE, re.MULTILINE, re.DOTALL, re.VERBOSE])
def test_it_takes_the_flags_of_re(flag: re.RegexFlag) -> None:
    pattern = r"^a .\w$"
    bounded, standard = compile_regex(pattern, flag), re.compile(pattern, flag)
    assert bounded.flags == standard.flags
    for text in ("a xy", "A xy", "b\na xy", "a \ny", "axy", "a xé"):
        assert _outcome(bounded.search(text)) == _outcome(standard.search(text)), text


@pytest.mark.parametrize(
    "pattern", ["(", "a**", r"[a-\d]", "(?P<n>a)(?P<n>b)", r"\p{L}", "(?<=a+)b", "(?L)a"]
)
def test_it_refuses_what_re_refuses_with_the_same_message(pattern: str) -> None:
    with pytest.raises(re.error) as expected:
        re.compile(pattern)
    with pytest.raises(re.error) as raised:
        compile_regex(pattern)
    assert str(raised.value) == str(expected.value)


@pytest.mark.parametrize("pattern", ["a" * 600, r"(?P<word>b)\w" + "c" * 600])
def test_a_long_pattern_is_compiled_at_once(pattern: str) -> None:
    assert compile_regex(pattern).search(pattern.replace(r"(?P<word>b)\w", "bx")) is not None


def test_a_long_pattern_that_cannot_be_bounded_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regex.compile", _refuse)
    with pytest.raises(re.error, match="not here at position 1"):
        compile_regex("a" * 600)


def test_a_short_pattern_that_cannot_be_bounded_is_named_by_its_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bounded = compile_regex("abc")
    monkeypatch.setattr("regex.compile", _refuse)
    with pytest.raises(RegexSearchError, match=r"/abc/ cannot be searched with: not here at position 1"):
        bounded.search("abc")


def _refuse(*_: object) -> None:
    import regex  # noqa: PLC0415

    raise regex.error("not here", "abc", 1)


def test_the_groups_have_their_names_and_numbers() -> None:
    assert compile_regex(r"(a)(?P<word>\w)").group_names == ("word", 0, 1, 2)


# --- the limit


def test_a_runaway_pattern_stops() -> None:
    started = time.thread_time()
    with pytest.raises(RegexSearchError, match=r"/\(a\|aa\)\+\$/ reached the limit of 50 ms per request"):
        compile_regex(RUNAWAY).search(RUNAWAY_TEXT)
    assert time.thread_time() - started < 10 * REQUEST_TIME_LIMIT


def test_a_long_pattern_is_shortened_in_the_message() -> None:
    with pytest.raises(RegexSearchError, match=r"/\(a\|aa\)\+\$\|b{50}…/") as raised:
        compile_regex(RUNAWAY + "|" + "b" * 90).search(RUNAWAY_TEXT)
    assert len(str(raised.value)) < 150


def test_other_threads_run_meanwhile() -> None:
    # A thread that only holds the GIL between its rounds sees the search from within: it must get rounds in.
    rounds, stop = 0, threading.Event()
    pattern = compile_regex(RUNAWAY)

    def count() -> None:
        nonlocal rounds
        while not stop.is_set():
            rounds += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        before = rounds
        with pytest.raises(RegexSearchError):
            pattern.search(RUNAWAY_TEXT)
        assert rounds > before
    finally:
        stop.set()
        thread.join()


def test_searches_share_the_budget_of_a_request() -> None:
    started = time.thread_time()
    with SharedRegexBudget() as budget:
        for length in range(60, 80):
            with pytest.raises(RegexSearchError):
                compile_regex(RUNAWAY).search("a" * length + "b")
        assert 0 < budget.remaining < REQUEST_TIME_LIMIT / 100
    assert time.thread_time() - started < 10 * REQUEST_TIME_LIMIT


def test_a_slow_pattern_leaves_time_for_the_next() -> None:
    with SharedRegexBudget():
        with pytest.raises(RegexSearchError):
            compile_regex(RUNAWAY).search(RUNAWAY_TEXT)
        assert compile_regex("b$").search(RUNAWAY_TEXT) is not None


def test_a_search_that_reached_the_limit_is_not_repeated() -> None:
    pattern = compile_regex(RUNAWAY)
    with SharedRegexBudget() as budget:
        with pytest.raises(RegexSearchError):
            pattern.search(RUNAWAY_TEXT)
        remaining = budget.remaining
        with pytest.raises(RegexSearchError):
            pattern.search(RUNAWAY_TEXT)
        assert budget.remaining == remaining
        assert pattern.search("aa") is not None


def test_a_block_inside_a_block_shares_its_budget() -> None:
    with SharedRegexBudget() as outer:
        with SharedRegexBudget() as inner:
            assert inner is outer
        with SharedRegexBudget() as second:
            assert second is outer
    with SharedRegexBudget() as later:
        assert later is not outer


def test_without_a_block_every_search_has_a_budget_of_its_own() -> None:
    pattern = compile_regex(RUNAWAY)
    for _ in range(2):
        with pytest.raises(RegexSearchError):
            pattern.search(RUNAWAY_TEXT)
    assert pattern.search("aaa") is not None


def test_failures_are_noted_in_the_shared_budget() -> None:
    error = RegexSearchError("a+", "failed")
    note_regex_failure("nothing", error)
    with SharedRegexBudget() as budget:
        note_regex_failure("the fixture 'a'", error)
    assert budget.failures == ["the fixture 'a' does not match: the regular expression /a+/ failed"]


def test_an_empty_budget_ends_a_slow_search_at_once() -> None:
    budget = RegexBudget(1e-9)
    calls: list[float] = []

    def method(_: str, timeout: float, *, concurrent: bool) -> None:
        calls.append(timeout)
        raise TimeoutError

    with pytest.raises(RegexSearchError):
        budget.run(method, "text", "pattern")
    assert len(calls) == 2
    assert max(calls) < 1e-9


def test_a_compiled_pattern_is_one_type() -> None:
    assert isinstance(compile_regex("a"), BoundedRegex)
