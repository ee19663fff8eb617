"""The image: the files that it is built from, its locked dependencies, labels and health check."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from mockserver.cli.main import main
from mockserver.matching.loader import load_fixture_set
from mockserver.schema.yaml_document import parse_yaml
from mockserver.settings import Settings
from mockserver.testing import MockServer

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LEFT_OUT = ("dev", "tokens")  # extras that the image does not have


def needed() -> list[str]:
    """What building the wheel reads."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    hatch = project["tool"]["hatch"]
    wheel = hatch["build"]["targets"]["wheel"]
    named = ["README.md", hatch["metadata"]["hooks"]["custom"]["path"], *project["project"]["license-files"]]
    return ["pyproject.toml", *named, *wheel["packages"], *wheel["force-include"]]


@pytest.mark.parametrize("path", needed())
def test_what_the_wheel_needs_is_copied_and_not_ignored(path: str) -> None:
    copied = {
        word
        for line in re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE)
        for word in line.split()
    }
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert path in copied
    assert path in let_in or path.partition("/")[0] in let_in


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
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "mockserver/__init__.py"
    assert re.search(r"^ARG VERSION=unknown$", DOCKERFILE, re.MULTILINE)


def test_its_health_check_is_one_of_the_commands() -> None:
    [command] = re.findall(r"^HEALTHCHECK --interval=30s [^\[]* CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    program, name, *options = json.loads(command)
    assert program == "mockserver"
    assert main.commands[name].make_context(name, options).params["pid"] == 1


# --- the files for compose and Kubernetes


def read_manifests() -> dict[str, Any]:
    documents = (ROOT / "docs" / "kubernetes.yaml").read_text().split("\n---\n")
    manifests: list[Any] = [parse_yaml(text, "kubernetes.yaml").value for text in documents]
    return {manifest["kind"]: manifest for manifest in manifests}


def test_the_port_is_the_same_everywhere() -> None:
    manifests = read_manifests()
    [container] = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    [port] = container["ports"]
    [service_port] = manifests["Service"]["spec"]["ports"]
    assert service_port["targetPort"] == port["name"]
    assert {port["containerPort"], service_port["port"]} == {Settings().port}
    assert f"\nEXPOSE {Settings().port}\n" in DOCKERFILE


def test_the_probes_of_kubernetes_get_an_answer(server: MockServer) -> None:
    [container] = read_manifests()["Deployment"]["spec"]["template"]["spec"]["containers"]
    for probe, path in ("readinessProbe", "/readyz"), ("livenessProbe", "/healthz"):
        request = container[probe]["httpGet"]
        assert request == {"path": path, "port": container["ports"][0]["name"]}
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
        connection.request("GET", request["path"])
        assert connection.getresponse().status == 200
        connection.close()


def test_one_replica_is_selected_and_its_flags_exist() -> None:
    manifests = read_manifests()
    deployment = manifests["Deployment"]["spec"]
    assert deployment["replicas"] == 1
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == manifests["Service"]["spec"]["selector"] == labels
    [container] = deployment["template"]["spec"]["containers"]
    assert main.commands["serve"].make_context("serve", container["args"]).params["log_format"] == "json"


def test_the_server_loads_what_kubernetes_mounts(tmp_path: Path) -> None:
    manifests = read_manifests()
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    [volume], [container] = pod["volumes"], pod["containers"]
    [mount] = container["volumeMounts"]
    assert volume["name"] == mount["name"]
    assert volume["configMap"]["name"] == manifests["ConfigMap"]["metadata"]["name"]
    assert f"MOCKSERVER_FIXTURES={mount['mountPath']}\n" in DOCKERFILE
    # The kubelet writes a folder for each version, and links to the present one.
    (tmp_path / "..2026_01_02").mkdir()
    (tmp_path / "..data").symlink_to("..2026_01_02")
    for name, text in manifests["ConfigMap"]["data"].items():
        (tmp_path / "..2026_01_02" / name).write_text(text)
        (tmp_path / name).symlink_to(f"..data/{name}")
    assert len(load_fixture_set([tmp_path])) == 1


def test_the_services_of_compose_find_each_other() -> None:
    compose: Any = parse_yaml((ROOT / "docs" / "compose.yaml").read_text(), "compose.yaml").value
    mock, app = compose["services"]["mockserver"], compose["services"]["app"]
    assert len(load_fixture_set((), mock["environment"]["MOCKSERVER_FIXTURES_YAML"])) == 1
    assert mock["ports"] == [f"127.0.0.1:{Settings().port}:{Settings().port}"]
    assert app["environment"]["OPENAI_BASE_URL"] == f"http://mockserver:{Settings().port}/aimlapi/v1"
    assert app["depends_on"] == {"mockserver": {"condition": "service_healthy"}}
