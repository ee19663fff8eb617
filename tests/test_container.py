"""The image is made of what the wheel is made of, and its health check is a command that there is."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from mockserver.cli.main import main

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def needed() -> list[str]:
    """What building the wheel reads."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    named = [project["project"]["readme"], *project["project"]["license-files"]]
    return ["pyproject.toml", *named, *wheel["packages"], *wheel["force-include"]]


@pytest.mark.parametrize("path", needed())
def test_what_the_wheel_needs_is_copied_and_not_ignored(path: str) -> None:
    copied = {
        word
        for line in re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE)
        for word in line.split()
    }
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert path in copied & let_in


def test_it_runs_as_a_user_of_no_name_and_by_no_shell() -> None:
    assert re.search(r"^USER \d+:\d+$", DOCKERFILE, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["mockserver"\]$', DOCKERFILE, re.MULTILINE)


def test_the_version_is_written_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "mockserver/__init__.py"
    assert re.search(r"^ARG VERSION=unknown$", DOCKERFILE, re.MULTILINE)


def test_its_health_check_is_one_of_the_commands() -> None:
    [command] = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    program, name = json.loads(command)
    assert program == "mockserver"
    assert name in main.commands
