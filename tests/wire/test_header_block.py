"""Headers are the same as lines and as pairs, but for the case of their names."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.wire.answer import CONTENT_LENGTH_LINE, Header, HeaderBlock, encode_headers

NAME = st.text("abcXYZ-", min_size=1)
VALUE = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=["Cc"]), max_size=9)


@given(st.lists(st.tuples(NAME, VALUE), max_size=4))
def test_lines_are_the_headers_they_were_made_of(headers: list[Header]) -> None:
    lines = encode_headers(headers)
    assert lines is not None
    assert lines == [(name.lower(), value) for name, value in headers]
    assert (len(lines), lines[:2]) == (len(headers), tuple(lines)[:2])
    assert pickle.loads(pickle.dumps(lines)) == lines  # noqa: S301 it is our own
    assert [*lines, ("x-more", "1")] == list(lines.with_lines((b"x-more: 1\r\n",)))


@pytest.mark.parametrize("value", ["a\nb", "a\r", "a\0", "日本", "\x7f"])
def test_what_no_head_may_have_is_no_line(value: str) -> None:
    assert encode_headers([("x-a", value)]) is None


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (HeaderBlock((b"x-a: content-length: 3\r\n",)), False),
        (HeaderBlock((b"x-a: 1\r\ncontent-length: 3\r\n",)), True),
        (HeaderBlock((b"x-a: 1\r\n", CONTENT_LENGTH_LINE % 3)), True),
        (HeaderBlock((), lambda _: b"content-length: 3\r\n"), True),
        (HeaderBlock(()), False),
    ],
)
def test_it_is_known_whether_they_tell_the_length(lines: HeaderBlock, told: bool) -> None:
    assert lines.has_content_length is told


def test_what_is_filled_in_stands_before_the_rest() -> None:
    lines = HeaderBlock((b"x-b: 2\r\n",), lambda values: b"x-a: %b\r\n" % values[0], (b"1",))
    assert lines == [("x-a", "1"), ("x-b", "2")]
    assert lines.text == b"x-a: 1\r\nx-b: 2\r\n"
