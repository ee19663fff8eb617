"""What the README shows, happens: its blocks are run as they stand, on a server at another address."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import requests

from mockserver import cli, document
from mockserver.errors import KINDS
from mockserver.shelf import library
from mockserver.shelf.match import Match
from mockserver.testing import MockServer
from mockserver.wire.faults import FAULTS
from tests.conftest import Run

README = (Path(__file__).parents[1] / "README.md").read_text()
ADDRESS = "http://127.0.0.1:8402"


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with MockServer() as server:
        yield server.url


@pytest.mark.parametrize("block", [block for block in _blocks("python") if "def test_" not in block])
def test_a_python_block_runs(block: str, address: str) -> None:
    exec(compile(block.replace(ADDRESS, address), "README.md", "exec"), {})


@pytest.mark.parametrize("block", [block for block in _blocks("python") if "def test_" in block])
def test_a_block_of_tests_passes(block: str, run: Run) -> None:
    run(block, apart=True).assert_outcomes(passed=block.count("def test_"))


@pytest.mark.parametrize("block", _blocks("sh"))
def test_a_shell_block_runs_and_hears_an_answer(block: str, address: str) -> None:
    assert shutil.which("curl"), "install curl: the README's examples are run as they stand"
    script = "set -e\n" + block.replace(ADDRESS, address)
    heard = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert heard.stdout.count("{") > 0
    assert heard.stderr == ""


@pytest.mark.parametrize("block", _blocks("yaml"))
def test_a_fixture_block_answers_as_it_says(block: str, tmp_path: Path) -> None:
    asked = re.findall(r"^# (ask|stream): (.*)\n# hear: (.*)$", block, re.MULTILINE)
    path = tmp_path / "fixtures.yaml"
    path.write_text(block)
    assert asked
    with MockServer(path, strict=True) as server:
        for way, question, expected in asked:
            assert _heard(server, question, stream=way == "stream").startswith(expected)


def _heard(server: MockServer, question: str, *, stream: bool) -> str:
    """What a client hears: a text, with `...` where it breaks off; the status of an error; or whatever it is."""
    said = ""
    try:
        answer = requests.post(
            f"{server.url}/aimlapi/v1/chat/completions",
            headers={"Authorization": "Bearer any-key"},
            json={
                "model": "o1-preview",
                "messages": [{"role": "user", "content": question}],
                "stream": stream,
            },
            stream=stream,
            timeout=10,
        )
        if not answer.ok:
            return str(answer.status_code)
        if not answer.headers["content-type"].startswith(("application/json", "text/event-stream")):
            return answer.text
        if not stream:
            return str(answer.json()["choices"][0]["message"]["content"])
        lines = filter(None, answer.iter_lines(1))
        for line in itertools.takewhile(lambda line: line != b"data: [DONE]", lines):
            said += json.loads(line.removeprefix(b"data: "))["choices"][0]["delta"].get("content", "")
    except (requests.RequestException, json.JSONDecodeError):
        said += "..."
    return said


@pytest.mark.parametrize("block", _blocks("yml"))
def test_a_recipe_is_yaml_and_its_fixtures_are_good(block: str) -> None:
    recipe = document.parse(block, "README.md").value
    assert isinstance(recipe, dict)
    for text in re.findall(r"MOCKSERVER_FIXTURES_YAML: \|\n((?: {8}.*\n)+)", block):
        assert len(library.load((), textwrap.dedent(text))) == 1


def test_the_greeting_is_the_one_that_is_shown() -> None:
    shown = next(block for block in _blocks("console") if "base_url" in block)
    assert [line.split() for line in shown.splitlines() if "base_url" in line or "POST" in line] == [
        ["AI/ML", "API", "base_url", f"{ADDRESS}/aimlapi/v1"],
        ["Omixa", "base_url", f"{ADDRESS}/omixa/api/v1"],
        ["Segmind", "POST", f"{ADDRESS}/segmind/v1/o1-preview"],
    ]


@pytest.mark.parametrize("option", [o for o in cli.serve.params if isinstance(o, click.Option)], ids=str)
def test_every_flag_and_its_variable_are_in_the_table(option: click.Option) -> None:
    flag = next(name for name in option.opts if name.startswith("--"))
    assert f"| `{flag}` | `{option.envvar}` |" in README


@pytest.mark.parametrize("command", cli.main.commands)
def test_every_command_is_told_of(command: str) -> None:
    assert f"`mockserver {command}" in README or command == "serve"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_error_is_told_of(kind: str) -> None:
    assert f"`{kind}`" in README


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_told_of(fault: str) -> None:
    assert re.search(rf"^\|[^|]*`{fault}`", README, re.MULTILINE)


@pytest.mark.parametrize("field", Match.__dataclass_fields__)
def test_every_field_of_a_match_is_told_of(field: str) -> None:
    assert re.search(rf"\b{field}\b", README)


def test_the_changelog_is_at_this_version() -> None:
    changes = (Path(__file__).parents[1] / "CHANGELOG.md").read_text()
    assert re.search(r"^## 0\.1\.0", changes, re.MULTILINE)


def test_the_shipped_fixtures_are_where_the_readme_says() -> None:
    assert library.shipped() == Path(__file__).parents[1] / "fixtures"
    assert document.read(library.shipped() / "hello.yaml").value
