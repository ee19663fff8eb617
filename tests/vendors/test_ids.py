"""An identifier looks as its pattern says, and is never made twice."""

from __future__ import annotations

import re

import pytest

from mockserver.vendors.ids import create_id_factory


@pytest.mark.parametrize(
    ("pattern", "expression"),
    [
        ("chatcmpl-{alnum:29}", r"chatcmpl-[A-Za-z0-9]{29}"),
        ("{hex:32}", r"[0-9a-f]{32}"),
        ("{nano:21}", r"[A-Za-z0-9_-]{21}"),
        ("{uuid}", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        ("a-{hex:1}-b-{hex:256}", r"a-[0-9a-f]-b-[0-9a-f]{256}"),
        ("always this", r"always this"),
        ("", r""),
    ],
)
def test_an_identifier_looks_as_its_pattern_says(pattern: str, expression: str) -> None:
    assert re.fullmatch(expression, create_id_factory(pattern)())


def test_no_two_identifiers_are_the_same() -> None:
    make = create_id_factory("id-{alnum:16}")
    assert len({make() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("part", ["{word:3}", "{alnum}", "{alnum:0}", "{alnum:257}", "{uuid:5}", "{}"])
def test_an_unknown_part_is_refused_with_the_known_ones(part: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"found {part!r}, expected {{alnum:24}}")):
        create_id_factory(f"x-{part}-y")


@pytest.mark.parametrize("text", ['"', "\\", "é", "\n"])
def test_letters_that_json_or_a_head_would_write_in_another_way_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected printable ASCII without quotes and backslashes"):
        create_id_factory(f"a{text}-{{hex:3}}")


@pytest.mark.parametrize("pattern", ["x{alnum:3", "x}", "{{hex:3}"])
def test_a_brace_that_is_not_closed_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        create_id_factory(pattern)
