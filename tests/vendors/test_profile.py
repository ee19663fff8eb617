"""A profile means what it says; what is wrong with it is told with its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from mockserver.errors import STATUS_BY_KIND, InputError
from mockserver.vendors.model_spec import PriceSpec, SuccessSpec
from mockserver.vendors.profile import load_profile
from mockserver.vendors.profile_fields import RESERVED_NAMES
from mockserver.vendors.profile_inheritance import list_shipped_profiles, merge_profiles

if TYPE_CHECKING:
    from tests.vendors.conftest import Load

WHOLE = """\
name: fourth
title: Fourth
paths: {chat: [/chat]}
keys: [{header: X-Key}]
sample_key: k
sample_model: m
ids: {tool_call_id: 'call_{hex:8}'}
usage: {tokens: $total_tokens}
body: {whole: {say: $choices}, choice: {is: $message}, message: {text: $content}}
stream: {chunk: {say: $choices}, choice: {is: $delta}, opening: {}}
refusal: {body: {no: $message}}
error_texts: {}
"""


def told(load: Load, text: str) -> list[str]:
    """The problems of a profile, without the folder it stands in."""
    with pytest.raises(InputError) as caught:
        load(text)
    return ["mine.yaml" + str(problem).partition("mine.yaml")[2] for problem in caught.value.problems]


def changed(key: str, line: str) -> str:
    """The whole profile, with one of its lines written otherwise."""
    lines = [line if old.startswith(f"{key}:") else old for old in WHOLE.splitlines()]
    assert line in lines or not line
    return "\n".join(lines) + "\n"


def texts(written: str) -> str:
    """The whole profile with these texts of errors."""
    return changed("error_texts", f"error_texts: {written}")


def test_a_profile_needs_no_more_than_its_parts(load: Load) -> None:
    fourth = load(WHOLE)
    assert (fourth.name, fourth.hosts, fourth.success, fourth.prompt) == ("fourth", (), SuccessSpec(), False)
    assert fourth.keys[0].header == "x-key"


@pytest.mark.parametrize("key", [line.partition(":")[0] for line in WHOLE.splitlines()])
def test_a_missing_part_is_named(load: Load, key: str) -> None:
    [problem] = told(load, changed(key, ""))
    assert "mine.yaml:" in problem
    assert f"the key {key!r} is missing, expected " in problem


@pytest.mark.parametrize("name", RESERVED_NAMES)
def test_a_name_that_is_a_path_of_the_server_is_refused(load: Load, name: str) -> None:
    [problem] = told(load, changed("name", f"name: {name}"))
    assert (
        problem
        == f"mine.yaml:1:1: name: found {name!r}, which is the server's own path, expected another name"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[a, b]", "mine.yaml:1:1: found a list, expected a mapping"),
        ("text", "mine.yaml:1:1: found text 'text', expected a mapping"),
        ("", "mine.yaml: found nothing, expected a mapping"),
        (WHOLE + "hots: [a]\n", "mine.yaml:13:1: hots: unknown key 'hots', did you mean 'hosts'?"),
        (changed("name", "name: My Vendor"), "mine.yaml:1:1: name: found 'My Vendor', expected a name of lower-case"),
        (changed("paths", "paths: {chat: [chat]}"), "mine.yaml:3:16: paths.chat[0]: found 'chat', expected a path"),
        (changed("paths", "paths: {chat: [/chat/]}"), "paths.chat[0]: found '/chat/', expected a path like"),
        (changed("paths", "paths: {chat: ['/a b']}"), "paths.chat[0]: found '/a b', expected a path like"),
        (changed("paths", "paths: {chat: ['/{name}']}"), "paths.chat[0]: found '/{name}', expected a path like"),
        (changed("paths", "paths: {chat: ['/{model}/{model}']}"), "found '/{model}/{model}', expected a path like"),
        (changed("paths", "paths: {chat: []}"), "paths.chat: found a list of 0, expected a list of at least 1"),
        (changed("paths", "paths: {chat: [/a], owns: ['/{model}']}"), "paths.owns[0]: found '/{model}', expected"),
        (changed("keys", "keys: [{header: 'x key'}]"), "mine.yaml:4:9: keys[0].header: found the header name 'x key'"),
        (changed("ids", "ids: {a: b}"), "mine.yaml:7:1: ids: the key 'tool_call_id' is missing, expected a pattern"),
        (changed("ids", "ids: {tool_call_id: '{word:3}'}"), "ids.tool_call_id: found '{word:3}', expected {alnum:24}"),
        (changed("usage", "usage: 5"), "mine.yaml:8:1: usage: found the number 5, expected a mapping"),
        (texts("{rate_limit: {}}"),
         "400 to 599 or 'other', did you mean 'rate_limited'?"),
        (texts("{600: {}}"), "error_texts[\"600\"]: found '600', expected a kind, a status from 400"),
        (
            WHOLE + "credits_per_dollar: 0\n",
            "mine.yaml:13:1: credits_per_dollar: found 0, expected the number of credits for a dollar",
        ),
        (WHOLE + "checks: [key, body]\n", "checks: found key, body; expected each of content_type, key, model, bal"),
        (WHOLE + "checks: [key, key, body]\n", "mine.yaml:13:1: checks: found key, key, body; expected each of"),
        (WHOLE + "checks: []\n", "mine.yaml:13:1: checks: found nothing; expected each of content_type, key"),
        (WHOLE + "checks: [kye]\n", "mine.yaml:13:10: checks[0]: found text 'kye', expected content_type, key, model"),
        (texts("[]"), "mine.yaml:12:1: error_texts: found a list, expected a mapping"),
        (texts("{429: {message: Hello, world}}"), "quote the text that has a comma: message: 'He"),
        (texts("{429: {headers: {Content-Length: '0'}}}"), "found Content-Length, which the"),
        (texts("{429: {headers: {x: \"a\\nb\"}}}"), "found 'a\\nb', expected one line of ASCII"),
        (
            changed("stream", "stream: {chunk: {}, choice: {}, opening: {}, heartbeat: 0s}"),
            "found a duration of 0, expected one like 1s",
        ),
        (WHOLE + "hosts: ['api.example.com:80']\n", "hosts[0]: found 'api.example.com:80', expected a host's name"),
        (WHOLE + "echo: {x-id: '['}\n", "mine.yaml:13:8: echo[\"x-id\"]: found '[', expected a regular"),
        (WHOLE + "success: {body: 404}\n", "success.body: found the number 404, expected a whole number from 200 to"),
        (WHOLE + "extends: nobody\n", "mine.yaml:13:1: extends: found text 'nobody', expected aimlapi, omixa, openai "),
        ("{extends: [aimlapi]}", "mine.yaml:1:2: extends: found a list, expected aimlapi, omixa, openai "),
        (WHOLE + "envelope: new\n", "envelope: found text 'new', expected none, because there are no"),
        (WHOLE + "errors: {gone: {}}\n", "no versions here; the texts of errors are under error_texts"),
        ("extends: aimlapi\nanswers: 2025\n", "mine.yaml:2:1: answers: found the number 2025, expected 2024, 2026-01 "),
        (WHOLE + "versions: {a: {}, b: {}}\nenvelope: 2024\n",
         "mine.yaml:14:1: envelope: found the number 2024, expected a or b"),
        (WHOLE + "versions: 5\nenvelope: a\n", "versions: found the number 5, expected a mapping"),
        (WHOLE + "versions: {a: 5}\nenvelope: a\n", "versions.a: found the number 5, expected a mapping"),
        (WHOLE + "versions: {a: {errors: 5}}\nenvelope: a\n", "versions.a.errors: found the number 5, expected a ma"),
        (WHOLE + "versions: {a: {errors: {titel: x}}}\nerrors: a\n", "13:25: titel: unknown key 'titel', did you"),
        ("extends: aimlapi\nenvelope: '2025'\n", "mine.yaml:2:1: envelope: found text '2025', expected 2024, 2026-01 "),
        ("extends: aimlapi\nkeys:\n  - header: 'a b'\n", "mine.yaml:3:5: keys[0].header: found the header name 'a b'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(load: Load, text: str, problem: str) -> None:
    assert problem in "\n".join(told(load, text))


def test_everything_that_is_wrong_is_told_at_once(load: Load) -> None:
    wrong = WHOLE.replace("name: fourth", "name: 4").replace("[/chat]", "[chat]") + "prompt: yes\n"
    assert [problem.split(": ")[1] for problem in told(load, wrong)] == ["name", "paths.chat[0]", "prompt"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read: No such file"):
        load_profile(tmp_path / "none.yaml")


# --- one laid over another


@pytest.mark.parametrize(
    ("below", "above", "laid"),
    [
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, {"a": 1, "b": 3, "c": 4}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"usage": {"a": 1}}, {"usage": {"b": 2}}, {"usage": {"b": 2}}),
        ({"body": {"whole": {"a": 1}, "no_text": ""}}, {"body": {"whole": {"b": 2}}},
         {"body": {"whole": {"b": 2}, "no_text": ""}}),
    ],
)  # fmt: skip
def test_what_is_not_stated_stays_and_a_form_is_taken_whole(below: Any, above: Any, laid: Any) -> None:
    assert merge_profiles(below, above) == laid


def test_a_profile_states_only_what_differs_from_another(load: Load) -> None:
    mine = load("{extends: segmind, name: mine, strict_auth: true}")
    assert (mine.name, mine.strict_auth, mine.title) == ("mine", True, "Segmind")


@pytest.mark.parametrize(
    ("envelope", "keys", "content_type", "request_id", "success"),
    [
        ("'2024'", ["requestId", "statusCode", "timestamp", "path", "message"],
         "application/json; charset=utf-8", "{uuid}", SuccessSpec(body=201, stream=200)),
        ("2024", ["requestId", "statusCode", "timestamp", "path", "message"],
         "application/json; charset=utf-8", "{uuid}", SuccessSpec(body=201, stream=200)),
        ("2026-01", ["title", "status", "message", "instance", "timestamp", "error"],
         "application/json; charset=utf-8", "{nano:21}", SuccessSpec(body=200, stream=200)),
        ("2026-08", ["title", "status", "message", "instance", "requestId", "timestamp", "error"],
         "application/problem+json; charset=utf-8", "{nano:21}", SuccessSpec(body=200, stream=200)),
    ],
)  # fmt: skip
def test_the_envelope_selects_the_version_of_both(
    load: Load, envelope: str, keys: list[str], content_type: str, request_id: str, success: SuccessSpec
) -> None:
    mine = load(f"extends: aimlapi\nenvelope: {envelope}\n")
    assert list(mine.refusal.body) == keys
    assert mine.refusal.content_type == content_type
    assert mine.ids["request_id"] == request_id
    assert mine.success == success
    assert mine.errors == mine.answers == envelope.strip("'")


@pytest.mark.parametrize(
    ("text", "answers", "errors"),
    [
        ("", "2024", "2026-08"),
        ("errors: 2024\n", "2024", "2024"),
        ("answers: 2026-01\n", "2026-01", "2026-08"),
        ("envelope: 2026-01\nerrors: 2024\n", "2026-01", "2024"),
    ],
)
def test_errors_and_answers_are_chosen_apart(load: Load, text: str, answers: str, errors: str) -> None:
    mine = load(f"extends: aimlapi\n{text}")
    assert (mine.answers, mine.errors) == (answers, errors)
    assert mine.success.body == (201 if answers == "2024" else 200)
    assert next(iter(mine.refusal.body)) == ("requestId" if errors == "2024" else "title")


def test_what_a_file_states_itself_is_laid_over_the_generation_too(load: Load) -> None:
    mine = load("extends: aimlapi\nenvelope: 2026-08\nsuccess: {body: 202}\n")
    assert mine.success == SuccessSpec(body=202, stream=200)


def test_a_file_may_add_a_generation_to_what_it_extends(load: Load) -> None:
    mine = load("{extends: aimlapi, answers: next, versions: {next: {answers: {title: Next}}}}")
    assert (mine.title, mine.errors) == ("Next", "2026-08")


def test_a_generation_is_laid_over_the_profile_that_holds_it(load: Load) -> None:
    text = WHOLE + "envelope: b\nversions: {a: {answers: {title: A}}, b: {errors: {title: B}}}\n"
    assert load(text).title == "B"


def test_the_parts_of_a_shipped_profile_are_read(load: Load) -> None:
    model = (load("extends: aimlapi").models or {})["o1-preview"]
    assert model.price == PriceSpec(prompt=15.75, completion=63)
    assert model.roles == ("user", "assistant")


# --- the shipped ones

SHIPPED = list_shipped_profiles()
by_name = pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)


def test_four_vendors_are_shipped() -> None:
    assert [path.stem for path in SHIPPED] == ["aimlapi", "omixa", "openai", "segmind"]


@by_name
def test_a_profile_is_called_as_its_file(path: Path) -> None:
    assert load_profile(path).name == path.stem


@by_name
def test_every_kind_of_error_is_worded(path: Path) -> None:
    texts = load_profile(path).error_texts
    assert [kind for kind in (*STATUS_BY_KIND, "other") if kind not in texts] == []


@by_name
def test_every_generation_is_a_good_profile(path: Path, load: Load) -> None:
    for version in yaml.safe_load(path.read_text()).get("versions", {}):
        assert load(f"extends: {path.stem}\nenvelope: '{version}'\n").errors == version


@by_name
def test_every_wording_cites_how_sure_we_are(path: Path) -> None:
    for line in path.read_text().partition("\nerror_texts:")[2].partition("\nversions:")[0].splitlines():
        cited = "#" in line or line.startswith("    ") or not line.strip()
        assert cited, f"no label: {line}"
