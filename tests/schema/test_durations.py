"""A duration is a number with its unit, and is spelled as it would be written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.schema.durations import DURATION_PATTERN, MAX_DURATION, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30ms", 0.03),
        ("1.5s", 1.5),
        ("2m", 120.0),
        ("1h", 3600.0),
        ("1m30s", 90.0),
        ("1h2m3s4ms", 3723.004),
        ("0s", 0.0),
        ("0.5ms", 0.0005),
    ],
)
def test_a_number_with_its_unit_is_seconds(text: str, expected: float) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30", "write 30ms or 30s"),
        ("1.5", "write 1.5ms or 1.5s"),
        (".5", "write .5ms or .5s"),
        ("-5s", "cannot be negative"),
        ("-5", "cannot be negative"),
        ("", "expected a duration like 30ms or 1.5s"),
        ("soon", "found text 'soon', expected a duration"),
        ("inf", "expected a duration"),
        ("nans", "expected a duration"),
        ("30 ms", "expected a duration"),
        ("30ms\n", "expected a duration"),
        ("30s1m", "expected a duration"),
        ("1s1s", "expected a duration"),
        ("٣s", "expected a duration"),
        ("9000h", "a year at most"),
        ("9" * 5000 + "s", "…, a duration is a year at most"),
    ],
)
def test_whatever_else_is_refused_in_a_few_words(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        parse_duration(text)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.412, "412ms"),
        (0.41234, "412ms"),
        (0.00034, "0.34ms"),
        (0.0099999, "10ms"),
        (1.5, "1.5s"),
        (59.9999, "1m"),
        (60.005, "1m5ms"),
        (90, "1m30s"),
        (3600, "1h"),
        (3661.25, "1h1m1.25s"),
    ],
)
def test_it_is_spelled_as_a_person_writes_it(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
def test_what_is_no_duration_is_not_spelled(seconds: float) -> None:
    with pytest.raises(ValueError, match="finite and not negative"):
        format_duration(seconds)


@given(st.integers(0, int(MAX_DURATION * 1000)))
def test_reading_undoes_spelling(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.text() | st.from_regex(r"[0-9.]{1,4}(h|m|s|ms)([0-9]{1,3}(m|s|ms))?"))
def test_the_pattern_takes_what_is_read(text: str) -> None:
    try:
        parse_duration(text)
    except ValueError:
        return
    assert re.search(DURATION_PATTERN, text)
