"""The package's metadata, which depends on the repository of a release, and the workflow that publishes it."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mockserver import __version__
from mockserver.schema.yaml_document import parse_yaml

ROOT = Path(__file__).parents[1]
URL = "https://forge.example/team/repository"


def load_hook() -> Any:
    """The module that the build asks for the README and the URLs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    path = ROOT / project["tool"]["hatch"]["metadata"]["hooks"]["custom"]["path"]
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def create_metadata() -> dict[str, Any]:
    metadata: dict[str, Any] = {"version": __version__}
    load_hook().ReleaseMetadata(str(ROOT), {}).update(metadata)
    return metadata


def read_workflow() -> Any:
    return parse_yaml((ROOT / ".github" / "workflows" / "publish.yml").read_text(), "publish.yml").value


def test_a_local_build_has_the_readme_as_it_is_and_no_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPOSITORY_URL", raising=False)
    readme = {"content-type": "text/markdown", "text": (ROOT / "README.md").read_text("utf-8")}
    assert create_metadata() == {"version": __version__, "readme": readme}


def test_a_release_has_absolute_links_to_files_of_its_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSITORY_URL", URL)
    metadata = create_metadata()
    readme = metadata["readme"]["text"]
    targets = re.findall(r"\]\(([^)]+)\)", readme)
    assert [target for target in targets if not target.startswith(("https://", "http://", "#"))] == []
    tagged = re.findall(rf"\]\({URL}/(?:blob|raw)/v{re.escape(__version__)}/([^)#]+)", readme)
    assert len(tagged) > 20
    assert [path for path in tagged if not (ROOT / path).exists()] == []
    assert metadata["urls"]["Source"] == URL
    assert all(url.startswith(URL) for url in metadata["urls"].values())


def test_code_other_links_and_anchors_stay_as_they_are() -> None:
    kept = "[a](https://a.example/b) [b](#b) `[c](d.md)`\n```py\ne[f](g)\n```\n"
    text = kept + "[`h`](i.md#j) [![k](l.png)](m.md)"
    assert load_hook().make_links_absolute(text, URL, "v1") == (
        f"{kept}[`h`]({URL}/blob/v1/i.md#j) [![k]({URL}/raw/v1/l.png)]({URL}/blob/v1/m.md)"
    )


def test_the_workflow_sets_every_build_argument_of_the_image() -> None:
    workflow = read_workflow()
    [build] = [
        step["with"] for step in workflow["jobs"]["image"]["steps"] if "build-args" in step.get("with", {})
    ]
    given = {line.partition("=")[0] for line in build["build-args"].splitlines()}
    assert given == set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert build["sbom"]
    assert build["provenance"] == "mode=max"


def test_only_checked_packages_are_published_without_a_stored_token() -> None:
    jobs = read_workflow()["jobs"]
    assert jobs["check"]["needs"] == "build"
    assert {jobs[name]["needs"] for name in ("pypi", "image")} == {"check"}
    assert jobs["pypi"]["permissions"] == {"id-token": "write"}
    for step in jobs["check"]["steps"]:
        for script in re.findall(r"source/(\S+)", step.get("run", "")):
            assert (ROOT / script).is_file()
