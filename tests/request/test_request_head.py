"""Tests of repeated headers and of blanks around values."""

from __future__ import annotations

import pytest

from mockserver.request.request_head import RequestHead, read_head


def read(*headers: tuple[str, str]) -> RequestHead:
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return read_head({"type": "http", "method": "POST", "path": "/", "headers": pairs})


def test_repeated_headers_are_all_kept_and_joined() -> None:
    lines = (("x-tag", "a"), ("accept", "text/html"), ("x-tag", "b, c"), ("x-tag", "a"), ("x-tag", ""))
    head = read(*lines)
    assert head.headers == {"x-tag": "a, b, c, a, ", "accept": "text/html"}
    assert head.raw_headers == lines


def test_repeated_cookies_are_joined_by_semicolons() -> None:
    assert read(("cookie", "a=1"), ("cookie", "b=2; c=3")).headers == {"cookie": "a=1; b=2; c=3"}


@pytest.mark.parametrize("name", ["authorization", "content-type", "host", "user-agent"])
def test_the_first_value_of_a_single_header_counts(name: str) -> None:
    head = read((name, "first"), (name, "second"))
    assert head.headers == {name: "first"}
    assert head.raw_headers == ((name, "first"), (name, "second"))


def test_blanks_around_a_value_are_not_part_of_it() -> None:
    head = read(("x-tag", " \ta b \t "), ("x-space", "\xa0"))
    assert head.headers == {"x-tag": "a b", "x-space": "\xa0"}
    assert head.raw_headers == (("x-tag", "a b"), ("x-space", "\xa0"))
