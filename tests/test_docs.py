"""The documentation: its code blocks are run as they stand, its links resolve, its tables are complete."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
import requests
from click.testing import CliRunner

from mockserver import __version__
from mockserver.cli.main import main, serve
from mockserver.errors import STATUS_BY_KIND
from mockserver.fixtures.criteria import MatchSpec
from mockserver.fixtures.response_spec import ResponseSpec
from mockserver.matching.loader import load_fixture_set, locate_shipped_fixtures
from mockserver.schema.yaml_document import load_document, parse_yaml
from mockserver.testing import MockServer
from mockserver.wire.faults import FAULTS
from tests.conftest import RunPytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
AGENTS_PAGE = ROOT / "mockserver" / "llms.txt"
PAGES = [ROOT / "README.md", AGENTS_PAGE, *sorted(DOCS.glob("*.md"))]
ADDRESS = "http://127.0.0.1:8402"
FENCED = re.compile(r"(?:^<!-- check:\s(.*?)-->\n)?^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CHECK = re.compile(r"^(ask|stream|embed): (.*) => (.*?)\s*$", re.MULTILINE)
# The page for coding agents is read as plain text, in which a comment would be visible.
AGENTS_CHECKS = """\
ask: How is the weather? => Sunny.
ask: mock me a failure => 503
ask: once => First.
stream: break the stream => This is cut...
"""
RUN = {"python", "sh", "yaml", "yml"}
SHOWN = {"", "console", "text", "mermaid"}


@dataclass(frozen=True)
class Block:
    """A fenced block of code, the line of the page on which it begins, and the checks in the comment before it."""

    page: str
    line: int
    language: str
    code: str
    checks: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def _find_blocks() -> Iterator[Block]:
    for path in PAGES:
        text = path.read_text()
        for found in FENCED.finditer(text):
            line = text.count("\n", 0, found.start(3)) + 1
            checks = AGENTS_CHECKS if path == AGENTS_PAGE else found[1] or ""
            yield Block(str(path.relative_to(ROOT)), line, found[2], found[3], checks)


BLOCKS = list(_find_blocks())


def each(language: str, *, tests: bool = False) -> pytest.MarkDecorator:
    """Parametrize a test over the blocks in a language; `tests` selects those that define tests."""
    blocks = [
        pytest.param(block, marks=[pytest.mark.slow] * (tests and block.page != "README.md"), id=str(block))
        for block in BLOCKS
        if block.language == language and ("def test_" in block.code) is tests
    ]
    return pytest.mark.parametrize("block", blocks)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with MockServer() as server:
        yield server.url


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_in_a_language_that_is_run_or_only_shown(block: Block) -> None:
    assert block.language in RUN | SHOWN


@each("python")
def test_a_python_block_runs_and_prints_what_its_comments_show(block: Block, address: str) -> None:
    # A traceback shows the page's own line.
    code = "\n" * (block.line - 1) + block.code.replace(ADDRESS, address)
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(code, str(ROOT / block.page), "exec"), names)
    for client in (value for value in names.values() if type(value).__name__ == "OpenAI"):
        client.close()  # in a script the end of the process does it
    shown = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert shown in ([], output.getvalue().splitlines())


@each("python", tests=True)
def test_a_block_of_tests_passes(block: Block, run_pytest: RunPytest) -> None:
    run_pytest(block.code, apart=True).assert_outcomes(passed=block.code.count("def test_"))


def test_the_readme_is_short_and_names_the_quick_starts() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 200
    assert len(re.findall(r"^## Quick start: ", text, re.MULTILINE)) == 4
    assert text.count("](docs/") > len(list(DOCS.glob("*.md")))


@each("sh")
def test_a_shell_block_runs_and_receives_json(block: Block, address: str) -> None:
    assert shutil.which("curl"), "install curl: the examples are run as they stand"
    script = "set -e\n" + block.code.replace(ADDRESS, address)
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.count("{") > 0
    assert ran.stderr == ""


@each("yaml")
def test_a_fixture_block_answers_as_its_checks_say(block: Block, tmp_path: Path) -> None:
    checks = CHECK.findall(block.checks)
    path = tmp_path / "fixtures.yaml"
    path.write_text(block.code)
    assert checks
    assert len(checks) == len(block.checks.strip().splitlines())
    with MockServer(path, strict=True) as server:
        for way, question, expected in checks:
            if way == "embed":
                assert _embed(server, question) == expected
            else:
                assert _ask(server, question, stream=way == "stream").startswith(expected)


def _find_visible_checks(page: str) -> list[str]:
    """Return the lines with the notation of checks that a reader of the page would see."""
    shown = re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL)
    return re.findall(
        r"^(?:\W*(?:ask|stream|embed): .* => .*|# (?:ask|stream|embed|hear): .*)$", shown, re.MULTILINE
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_readers_see_no_checks(page: Path) -> None:
    text = page.read_text()
    assert _find_visible_checks(text) == []
    assert text.count("<!-- check:") == text.count("```yaml\n") or page == AGENTS_PAGE


def test_checks_outside_of_a_comment_are_visible() -> None:
    page = "<!-- check: ask: a => b -->\n```yaml\n# ask: c\n# ask: d => e\nstream: {f: g}\n```\n"
    assert _find_visible_checks(page) == ["# ask: c", "# ask: d => e"]


def _embed(server: MockServer, text: str) -> str:
    """The vector of a text, or the status of an error."""
    answer = requests.post(
        f"{server.url}/openai/v1/embeddings",
        headers={"Authorization": "Bearer any-key"},
        json={"model": "text-embedding-3-small", "input": text, "dimensions": 1},
        timeout=10,
    )
    return str(answer.json()["data"][0]["embedding"] if answer.ok else answer.status_code)


def _ask(server: MockServer, question: str, *, stream: bool) -> str:
    """Return the text that a client receives, with `...` where it breaks off, the status of an error, or raw bytes."""
    said = ""
    chat: dict[str, Any] = {
        "model": "o3-mini",
        "messages": [{"role": "user", "content": question}],
        "stream": stream,
    }
    url, headers = f"{server.url}/aimlapi/v1/chat/completions", {"Authorization": "Bearer any-key"}
    try:
        with requests.post(url, headers=headers, json=chat, stream=stream, timeout=10) as answer:
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


@each("yml")
def test_a_recipe_is_yaml_and_its_fixtures_are_good(block: Block) -> None:
    recipe = parse_yaml(block.code, block.page).value
    assert isinstance(recipe, dict)
    for text in re.findall(r"MOCKSERVER_FIXTURES_YAML: \|\n((?: {8}.*\n)+)", block.code):
        assert len(load_fixture_set((), textwrap.dedent(text))) == 1


def test_the_greeting_is_the_one_that_is_shown() -> None:
    shown = next(block.code for block in BLOCKS if block.language == "console" and "base_url" in block.code)
    assert [line.split() for line in shown.splitlines() if "base_url" in line or "POST" in line] == [
        ["AI/ML", "API", "base_url", f"{ADDRESS}/aimlapi/v1", "(errors", "2026-08,", "answers", "2024)"],
        ["Omixa", "base_url", f"{ADDRESS}/omixa/api/v1"],
        ["Segmind", "POST", f"{ADDRESS}/segmind/v1/o1-preview"],
    ]


def _find_broken_links(page: Path) -> list[str]:
    """Return the page's relative links that name no file, or a heading that their page does not have."""
    prose = re.sub(r"`[^`\n]*`", "", FENCED.sub("", page.read_text()))
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", prose) if "://" not in target]
    return [target for target in targets if not _resolves(page, target)]


def _resolves(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    path = page.parent / name if name else page
    return path.exists() and (not anchor or anchor in _list_anchors(path))


def _list_anchors(page: Path) -> list[str]:
    """Return what GitHub makes of the page's headings: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#{1,6} (.*)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings]


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_relative_link_and_anchor_resolves(page: Path) -> None:
    assert _find_broken_links(page) == []


def test_a_link_is_broken_without_its_file_or_its_heading(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# `Title`, of this page\n[a](page.md) [b](#title-of-this-page) [c](lost.md) [d](page.md#lost)\n"
        "![e](lost.png) [`f`](#lost) [g](https://example.com/#lost) `[h](lost)`\n```sh\n# Lost\n[i](lost)\n```\n"
    )
    assert _find_broken_links(page) == ["lost.md", "page.md#lost", "lost.png", "#lost"]


@pytest.mark.parametrize("index", ["README.md", "docs/README.md"])
def test_an_index_links_every_page(index: str) -> None:
    text = (ROOT / index).read_text()
    names = [path.name for path in DOCS.glob("*.md") if path.name != "README.md"]
    assert [name for name in names if f"{name})" not in text] == []


@pytest.mark.parametrize("option", [o for o in serve.params if isinstance(o, click.Option)], ids=str)
def test_every_flag_and_its_variable_are_in_the_table(option: click.Option) -> None:
    flag = next(name for name in option.opts if name.startswith("--"))
    assert f"| `{flag}` | `{option.envvar}` |" in (DOCS / "configuration.md").read_text()


@pytest.mark.parametrize("command", [name for name in main.commands if name != "serve"])
def test_every_command_is_documented(command: str) -> None:
    assert any(f"`mockserver {command}" in page.read_text() for page in PAGES)


@pytest.mark.parametrize(
    "names", [MatchSpec.__dataclass_fields__, ResponseSpec.__dataclass_fields__, FAULTS, STATUS_BY_KIND]
)
def test_the_page_for_coding_agents_is_printed_and_has_the_whole_grammar(names: Iterable[str]) -> None:
    page = CliRunner().invoke(main, ["docs"]).output
    assert page == AGENTS_PAGE.read_text()
    assert [name for name in names if f"`{name}`" not in page] == []


@pytest.mark.parametrize("kind", STATUS_BY_KIND)
def test_every_kind_of_error_is_documented(kind: str) -> None:
    assert f"`{kind}`" in (DOCS / "errors-and-faults.md").read_text()


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_documented(fault: str) -> None:
    assert re.search(rf"^\|[^|]*`{fault}`", (DOCS / "errors-and-faults.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("field", MatchSpec.__dataclass_fields__)
def test_every_field_of_a_match_is_documented(field: str) -> None:
    assert re.search(rf"\b{field}\b", (DOCS / "fixtures.md").read_text())


def _changelog_headings(level: int) -> list[str]:
    text = (ROOT / "CHANGELOG.md").read_text()
    return re.findall(rf"^{'#' * level} (.*)$", text, re.MULTILINE)


def test_the_changelog_has_unreleased_changes_first_and_dates_its_releases() -> None:
    first, *releases = _changelog_headings(2)
    assert first == "[Unreleased]"
    assert [text for text in releases if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", text)] == []


def test_the_changelog_groups_changes_by_kind() -> None:
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(_changelog_headings(3)) <= kinds


def test_the_changelog_announces_this_version_or_has_released_it() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    version = re.escape(__version__)
    assert re.search(rf"^The next release is {version}\b|^## \[{version}\] - ", text, re.MULTILINE)


def test_the_shipped_fixtures_are_where_the_documentation_says() -> None:
    assert locate_shipped_fixtures() == ROOT / "fixtures"
    assert load_document(locate_shipped_fixtures() / "hello.yaml").value
