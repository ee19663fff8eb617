"""The image: the files that it is built from, its locked dependencies, labels and health check."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from mockserver.cli.main import main

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LEFT_OUT = ("dev", "tokens")  # extras that the image does not have


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


def locked(name: str) -> dict[str, Version]:
    """The releases in a lock, and that each of them has a hash."""
    entries = re.findall(
        r"^([\w.-]+)==(\S+)(?: ;[^\n]*?)? \\\n((?:    --hash=\S+(?: \\)?\n)*)",
        (ROOT / ".ci" / name).read_text(),
        re.MULTILINE,
    )
    assert all(hashes for _, _, hashes in entries)
    return {canonicalize_name(package): Version(version) for package, version, _ in entries}


def test_the_image_has_every_dependency_in_the_release_that_was_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = [
        *project["dependencies"],
        *itertools.chain(*(extras[name] for name in extras if name not in LEFT_OUT)),
    ]
    image, tested = locked("image.lock"), locked("requirements.lock")
    for requirement in map(Requirement, needed):
        assert image[canonicalize_name(requirement.name)] in requirement.specifier
    assert {package: tested.get(package) for package in image} == image


def test_the_image_and_the_package_are_built_by_locked_releases() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for requirement in map(Requirement, project["build-system"]["requires"]):
        assert locked("build.lock")[canonicalize_name(requirement.name)] in requirement.specifier
    installed = re.findall(r"pip.* install (.*?)(?: \\)?$", DOCKERFILE, re.MULTILINE)
    assert installed
    assert [line for line in installed if "--require-hashes" not in line and "--no-index" not in line] == []


def test_the_dependencies_are_installed_before_the_source_is_copied() -> None:
    assert 0 < DOCKERFILE.index("image.lock\n") < DOCKERFILE.index("COPY mockserver")


@pytest.mark.parametrize("label", ["version", "source", "revision", "created"])
def test_a_label_is_a_build_argument(label: str) -> None:
    assert f"\nARG {label.upper()}=unknown\n" in DOCKERFILE
    assert f'org.opencontainers.image.{label}="${{{label.upper()}}}"' in DOCKERFILE


def test_it_runs_as_a_user_of_no_name_and_by_no_shell() -> None:
    assert re.search(r"^USER \d+:\d+$", DOCKERFILE, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["mockserver"\]$', DOCKERFILE, re.MULTILINE)


def test_the_version_is_written_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "mockserver/__init__.py"
    assert re.search(r"^ARG VERSION=unknown$", DOCKERFILE, re.MULTILINE)


def test_its_health_check_is_one_of_the_commands() -> None:
    [command] = re.findall(r"^HEALTHCHECK --interval=30s [^\[]* CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    program, name, *options = json.loads(command)
    assert program == "mockserver"
    assert main.commands[name].make_context(name, options).params["pid"] == 1
