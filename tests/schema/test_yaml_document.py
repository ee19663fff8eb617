"""A YAML or JSON text becomes plain values, and a path in it knows where it stands and how it was written."""

import enum
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import InputError, Problem
from mockserver.schema import yaml_document, yaml_scalars


@pytest.fixture(params=["libyaml", "pure"], autouse=True, scope="module")
def composer(request: pytest.FixtureRequest) -> Any:
    """Every law holds with and without libyaml."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "__with_libyaml__", request.param == "libyaml")
        patch.setattr(yaml_scalars, "create_composer", yaml_scalars._select_composer())
        yield request.param


def value(text: str) -> Any:
    return yaml_document.parse_yaml(text, "f.yaml").value


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        yaml_document.parse_yaml(text, "f.yaml")
    return caught.value.problems


def only(text: str) -> str:
    (problem,) = problems(text)
    return str(problem)


def test_libyaml_composes_where_it_is_there(composer: str) -> None:
    assert (yaml_scalars.create_composer is yaml_scalars._PurePythonComposer) == (composer == "pure")


def test_without_pyyamls_own_parser_class_the_pure_composer_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml.cyaml, "CParser")
    assert yaml_scalars._select_composer() is yaml_scalars._PurePythonComposer


# --- values


@pytest.mark.parametrize(
    "text",
    [
        *(
            "on",
            "off",
            "yes",
            "no",
            "y",
            "n",
            "On",
            "NO",
            "12:30",
            "2024-01-01",
            "017",
            "-017",
            "00",
            "1_000",
        ),
        *("0b1", "0x", "0o8", "-0x1F", "+.nan", "1e", ".e1", ".", "1.2.3", "nul", "tRue", "0.5."),
        *("$0.001", "3/minute", "1.5s", "=", "<<"),
    ],
)
def test_what_is_no_scalar_of_the_core_schema_is_text(text: str) -> None:
    assert value(f"[a, {text} ]") == ["a", text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("+5", 5),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.50", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1e3", -1000.0),
        ("6.02E+23", 6.02e23),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 017", "017"),
        ("!!int 017", None),
        ("!!int 5", 5),
        ("!!float 5", 5.0),
        ("!!bool true", True),
        ("!!null ~", None),
        ("!!map {}", {}),
        ("!!seq []", []),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("Grüße 😀", "Grüße 😀"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, expected: object) -> None:
    if text == "!!int 017":
        assert only(text) == "f.yaml:1:1: found '017', expected a whole number"
        return
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_nan_is_a_number_too() -> None:
    assert math.isnan(value(".NaN"))


def test_a_number_too_long_for_a_float_is_infinite_and_never_a_crash() -> None:
    assert value("9" * 5000) == math.inf
    assert "expected a whole number" in only("!!int " + "9" * 5000)
    assert "found '999" in only("!!bool " + "9" * 5000)


def test_an_empty_file_is_nothing() -> None:
    for text in ("", "  \n", "# only a comment\n", "\ufeff"):
        assert yaml_document.parse_yaml(text, "f").value is None
        assert yaml_document.parse_yaml(text, "f").position(("a",)) == (0, 0)


def test_a_key_is_what_was_written() -> None:
    assert value("404: a\ntrue: b\n1.50: c\n~: d\n'q': e\né: f") == {
        "404": "a",
        "true": "b",
        "1.50": "c",
        "~": "d",
        "q": "e",
        "é": "f",
    }


def test_json_is_read_as_it_is() -> None:
    told = {"a": [1, 2.5, None, True, "x\n\u2028\\ud83d"], "😀": {"b": "/\\"}, "slash": "\\\\u"}
    assert value(json.dumps(told)) == told
    assert value(json.dumps(told, ensure_ascii=False, indent=2)) == told
    assert value(r'["\ud83d\ude00", "\\ud83d\\ude00"]') == ["😀", r"\ud83d\ude00"]


def test_merged_keys_come_after_the_mapping_s_own() -> None:
    text = "x: &x {a: 1, b: 2}\ny: {b: 3, <<: *x}\nz: {<<: [*x, {a: 9, c: 1}], d: 4}\nw: {<<: {<<: *x, c: 5}}"
    read = yaml_document.parse_yaml(text, "f")
    assert read.value == {
        "x": {"a": 1, "b": 2},
        "y": {"a": 1, "b": 3},
        "z": {"a": 1, "b": 2, "c": 1, "d": 4},
        "w": {"a": 1, "b": 2, "c": 5},
    }
    assert read.position(("y", "a")) == (1, 8)
    assert read.position(("y", "b")) == (2, 5)
    assert read.position(("z", "a")) == (1, 8)
    assert read.position(("z", "c")) == (3, 21)
    assert read.position(("w", "c")) == (4, 18)


def test_an_alias_repeats_its_value() -> None:
    assert value("a: &a [1, {b: c}]\nd: *a\ne: [*a, *a]") == {
        "a": [1, {"b": "c"}],
        "d": [1, {"b": "c"}],
        "e": [[1, {"b": "c"}], [1, {"b": "c"}]],
    }


# --- places


TEXT = """\
fixtures:
  - name: a
    response: {text: 1.50, code: 017}
  - 'second'
"""


@pytest.mark.parametrize(
    ("path", "place", "written", "flow"),
    [
        ((), (1, 1), None, False),
        (("fixtures",), (1, 1), None, False),
        (("fixtures", 0), (2, 5), None, False),
        (("fixtures", 0, "response"), (3, 5), None, True),
        (("fixtures", 0, "response", "text"), (3, 16), "1.50", False),
        (("fixtures", 0, "response", "code"), (3, 28), "017", False),
        (("fixtures", 0, "response", "missing"), (3, 5), None, False),
        (("fixtures", 0, "response", "missing", "more"), (3, 5), None, False),
        (("fixtures", 1), (4, 5), "second", False),
        (("fixtures", 2), (1, 1), None, False),
        (("fixtures", "name"), (1, 1), None, False),
        ((7,), (1, 1), None, False),
    ],
)
def test_a_path_knows_where_it_stands(
    path: yaml_document.ValuePath, place: tuple[int, int], written: str | None, flow: bool
) -> None:
    read = yaml_document.parse_yaml(TEXT, "f")
    assert (read.position(path), read.raw_scalar(path), read.is_flow_mapping(path)) == (place, written, flow)


def test_a_byte_order_mark_moves_nothing() -> None:
    assert yaml_document.parse_yaml("\ufeffa: 1", "f").position(("a",)) == (1, 1)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("fixtures", 2, "response", "text"), "fixtures[2].response.text"),
        (("header", "x-tenant"), 'header["x-tenant"]'),
        ((0, "a b", 'say "é"'), r'[0]["a b"]["say \"é\""]'),
        (("x" * 100 + "-",), '["' + "x" * 59 + '…"]'),
    ],
)
def test_a_path_prints_as_a_person_reads_it(path: yaml_document.ValuePath, text: str) -> None:
    assert yaml_document.format_path(path) == text


# --- refusals


def test_every_duplicate_is_told_with_both_lines() -> None:
    assert [str(problem) for problem in problems("a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\n'404': x\n404: y")] == [
        "f.yaml:3:1: duplicate key 'a', which is on line 1 already",
        "f.yaml:4:11: duplicate key 'd', which is on line 4 already",
        "f.yaml:6:1: duplicate key '404', which is on line 5 already",
    ]
    assert "duplicate key '<<'" in only("{<<: {a: 1}, <<: {b: 1}}")


@pytest.mark.parametrize("tag", ["!foo", "!!python/object:os.system", "!!binary", "!!set", "!<x:y>"])
@pytest.mark.parametrize("form", ["{} x", "{} [a]", "{} {{a: b}}", "{} key: x"])
def test_a_tag_that_is_no_plain_value_s_is_refused(tag: str, form: str) -> None:
    (problem,) = problems("\n- " + form.format(tag))
    shown = {"!<x:y>": "x:y"}.get(tag, tag)
    assert problem.message.startswith(f"found the tag {shown}, expected a plain value")
    assert (problem.line, problem.column) == (2, 3)


def test_every_bad_tag_and_duplicate_is_told_at_once_and_from_the_top() -> None:
    found = problems("a: &x !foo 1\nb: !!int x\nb: *x\nc: !!str [1]")
    assert [problem.line for problem in found] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: [1, 2\n\n", None, None, "the [ on line 1 is not closed before this"),
        ("é😀: 1\r\nb: [1, 2\r\n\r\n", None, None, "the [ on line 2 is not closed before this"),
        ("é😀: @", 1, 5, "quote the text that starts with this character"),
        ("{\n  a: 1", None, None, "the { on line 1 is not closed before this"),
        ("x: 1\na: 'it", 2, 4, "the quote that opens here is never closed"),
        ('a: "it\nb: 1', 1, 4, "the quote that opens here is never closed"),
        ("a:\n\tb: 1", 2, 1, "indent with spaces, not with tabs"),
        ("a: b: c", 1, 5, "quote the text that has a colon"),
        (r'a: "\d"', 1, None, r"in double quotes \ starts an escape"),
        ("a: *mini", 1, 4, "found undefined alias"),
        ("a: **", 1, None, "quote the text that starts with * or &"),
        ("a: @x", 1, 4, "quote the text that starts with this character"),
        ("a: %x", 1, 4, "quote the text that starts with this character"),
        ("a: 'x' y", 1, 8, "look at the indentation and the quotes around this"),
        ("a: 1\n---\nb: 1", 2, 1, "found another document; write one document to a file"),
        ("a: &x 1\nb: &x 2", 2, 4, "an earlier &name is the same"),
        (
            "a: {{ name }}",
            1,
            5,
            "found a list or a mapping as a key, expected text; a text that starts with {",
        ),
        ("? [a]\n: b\n? [a]\n", 1, 3, "found a list or a mapping as a key"),
        ("%YAML 9.1\n---\na", 1, 1, "incompatible YAML document"),
        ("<<: 3", 1, 5, "found something else under <<, expected a mapping"),
        ("<<: [{}, x]", 1, 5, "found something else under <<"),
        ("&a [*a]", 1, 1, "an alias is inside the value that it repeats"),
        ("&a {b: {<<: *a}}", 1, 1, "an alias is inside the value that it repeats"),
        ("a: b\nc: \x07", 2, 4, "found the character U+0007"),
        ("a: \ud800", 1, 4, "found the character U+D800"),
        (r'a: "\ud800"', 1, None, ""),
        (r'a: "\UFFFFFFFF"', None, None, ""),
        ("%YAML 1." + "9" * 5000 + "\n---\n", None, None, ""),
    ],
)
def test_what_is_no_yaml_is_told_where_and_how_to_mend_it(
    text: str, line: int | None, column: int | None, words: str
) -> None:
    problem = problems(text)[0]
    assert words in problem.message
    assert line in (None, problem.line)
    assert column in (None, problem.column)
    assert len(str(problem)) < 200


@pytest.mark.parametrize(
    ("opening", "column"), [("[", 65), ("- ", 129), ("? ", 129), ("{a: ", 257), ("[{a: ", 161)]
)
def test_nesting_has_a_bound(opening: str, column: int) -> None:
    assert only(opening * 100_000) == f"f.yaml:1:{column}: nested more than 64 levels deep"


def test_the_bound_on_nesting_is_reported_in_our_words_if_the_library_stops_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stops_first(text: str) -> Any:
        mark = yaml.Mark("", 1000, 0, 1000, "", 0)
        raise yaml.scanner.ScannerError(
            "while increasing flow level", mark, "exceeded maximum nesting depth", mark
        )

    monkeypatch.setattr(yaml_scalars, "create_composer", stops_first)
    assert only("[" * 2000) == "f.yaml:1:65: nested more than 64 levels deep"


def test_the_deepest_nesting_is_read() -> None:
    levels = yaml_scalars.MAX_NESTING
    assert value("[" * levels + "x" + "]" * levels)
    assert "nested" in only("[" * (levels + 1) + "]" * (levels + 1))
    chain = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, levels + 9))
    assert "nested" in only(chain)


def test_an_alias_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_document, "MAX_DOCUMENT_VALUES", 10_000)
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 20)
    )
    assert "more than 10,000 values, aliases counted in full" in only(bomb)


# --- files and values from elsewhere


def test_a_file_is_read_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("\ufeffa: ü\r\n".encode())
    assert yaml_document.load_document(path).value == {"a": "ü"}
    assert yaml_document.load_document(path).name == str(path)
    assert yaml_document.load_document(path, "short").name == "short"


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_bytes("a: é\nb: ".encode() + b"\xff")
    for path, words in (
        (tmp_path / "none", "f: cannot be read: No such file or directory"),
        (tmp_path, "f: cannot be read: Is a directory"),
        (Path("a\0b"), "f: cannot be read: embedded null"),
        (bad, "f:2:4: found the byte 0xff, expected UTF-8 text"),
    ):
        with pytest.raises(InputError) as caught:
            yaml_document.load_document(path, "f")
        assert str(caught.value).startswith(words)


class Word(str, enum.Enum):  # noqa: UP042  # whose str() is not its value
    A = "a"


def test_a_value_from_elsewhere_is_made_plain() -> None:
    made = yaml_document.document_from_value({Word.A: (Word.A, 1, 2.5, True, None)}, "call")
    assert made.value == {"a": ["a", 1, 2.5, True, None]}
    assert [type(item) for item in made.value["a"]] == [str, int, float, bool, type(None)]
    assert (made.position(("a",)), made.raw_scalar(("a",)), made.is_flow_mapping(())) == ((0, 0), None, False)


def test_a_value_that_is_not_plain_is_refused_wherever_it_is() -> None:
    with pytest.raises(InputError) as caught:
        yaml_document.document_from_value({"a": [{1}, b"x"], 3: 4}, "call")
    assert [str(problem) for problem in caught.value.problems] == [
        "call: found the key 3, expected text",
        "call: a[0]: found a set, expected a value that JSON can hold",
        "call: a[1]: found a bytes, expected a value that JSON can hold",
    ]
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InputError, match="nested more than 64"):
        yaml_document.document_from_value(endless, "call")


# --- laws


def settled(make: Callable[[], yaml_document.Document]) -> yaml_document.Document | None:
    try:
        return make()
    except InputError as error:
        assert all(problem.message for problem in error.problems)  # noqa: PT017  # either may come
        return None


YAMLISH = st.text("ab01 \n\t:-?[]{},#&*!|>'\"%@`\\~<.x\ud800\x07\ufeff\u2028é", max_size=60)


@given(YAMLISH | st.text())
def test_any_text_is_a_document_or_an_input_error(text: str) -> None:
    made = settled(lambda: yaml_document.parse_yaml(text, "f"))
    if made is not None:
        json.dumps(made.value)
        made.position(())


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_a_plain_value_is_its_own_document(told: object) -> None:
    assert yaml_document.document_from_value(told, "call").value == told


@given(PLAIN)
def test_dumped_yaml_and_json_are_read_back(told: object) -> None:
    text = json.dumps(told, allow_nan=True).replace("Infinity", ".inf")
    made = settled(lambda: yaml_document.parse_yaml(text, "f"))
    if made is not None and "inf" not in text:
        assert made.value == told
