"""The values of `--vendor`: a file, or a shipped profile by its name, in one of its versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.errors import InputError
from mockserver.server.app import load_vendors
from mockserver.vendors.profile_selection import VendorSelection, load_selected_profile
from mockserver.vendors.routing import RouteMatch


@pytest.mark.parametrize(
    ("selection", "answers", "errors"),
    [
        ("aimlapi", "2024", "2026-08"),
        ("aimlapi@2024", "2024", "2024"),
        ("aimlapi@2026-01", "2026-01", "2026-01"),
        ("aimlapi@2026-08", "2026-08", "2026-08"),
        ("omixa", None, None),
    ],
)
def test_a_name_selects_a_shipped_profile_and_its_version(
    selection: str, answers: str | None, errors: str | None
) -> None:
    profile = load_selected_profile(selection)
    assert (profile.name, profile.answers, profile.errors) == (selection.partition("@")[0], answers, errors)


@pytest.mark.parametrize("name", ["mine.yaml", "mine.YML", "./mine", "aimlapi@2024.yaml"])
def test_a_slash_or_the_suffix_makes_it_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("{extends: segmind, name: mine}")
    assert load_selected_profile(name).name == "mine"


@pytest.mark.parametrize(
    ("selection", "problem"),
    [
        (r"folder\mine", r"folder\mine: cannot be read: "),
        (Path("aimlapi"), "aimlapi: cannot be read: "),
        ("aimlapy", "--vendor: found 'aimlapy', did you mean 'aimlapi'?; a file has a slash or the suffix .yaml"),
        ("x@2024", "--vendor: found 'x@2024', expected aimlapi, omixa, openai or segmind; a file has a slash"),
        ("aimlapi@2025", "--vendor aimlapi@2025: envelope: found text '2025', expected 2024, 2026-01 or 2026-08"),
        ("omixa@2024", "--vendor omixa@2024: envelope: found text '2024', expected none, because there are no"),
    ],
)  # fmt: skip
def test_any_other_value_is_reported(selection: VendorSelection, problem: str) -> None:
    with pytest.raises(InputError) as raised:
        load_selected_profile(selection)
    assert problem in str(raised.value)


def test_a_version_keeps_name_prefix_host_and_native_path() -> None:
    router = load_vendors(["aimlapi@2026-01"])
    path = "/v1/chat/completions"
    found = [
        router.locate("", "POST", "/aimlapi" + path),
        router.locate("api.aimlapi.com", "POST", path),
        router.locate("", "POST", path),
    ]
    assert list(router.vendors) == ["aimlapi", "omixa", "segmind", "openai"]
    assert {route.vendor.profile.errors for route in found if isinstance(route, RouteMatch)} == {"2026-01"}
    assert all(found)


def test_two_versions_are_served_by_two_profiles(tmp_path: Path) -> None:
    for version in ("2024", "2026-01"):
        (tmp_path / f"{version}.yaml").write_text(
            f"extends: aimlapi\nname: at-{version}\nenvelope: {version}\n"
        )
    router = load_vendors(sorted(tmp_path.glob("*.yaml")))
    assert {name: vendor.profile.errors for name, vendor in router.vendors.items()} == {
        "aimlapi": "2026-08",
        "omixa": None,
        "segmind": None,
        "at-2024": "2024",
        "at-2026-01": "2026-01",
        "openai": None,
    }


NATIVE = ("", "POST", "/v1/chat/completions")
HOST = ("api.openai.com", "POST", "/v1/chat/completions")


def test_a_profile_that_is_not_listed_has_its_prefix_and_its_host_alone() -> None:
    router = load_vendors()
    route = router.locate("", "GET", "/openai/v1/models/gpt-4o")
    assert route is not None
    assert (route.vendor.name, route.item) == ("openai", "gpt-4o")
    assert [found and found.vendor.name for found in (router.locate(*NATIVE), router.locate(*HOST))] == [
        "aimlapi",
        "openai",
    ]
    assert list(router.listed_vendors) == ["aimlapi", "omixa", "segmind"]
    assert HOST[0] in router.hosts


@pytest.mark.parametrize("selection", ["openai", "openai-like.yaml"])
def test_a_selection_lists_it_and_gives_it_host_and_native_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, selection: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("openai-like.yaml").write_text("{extends: openai, name: openai-like}")
    router = load_vendors([selection])
    name = selection.removesuffix(".yaml")
    assert list(router.listed_vendors) == [name, "aimlapi", "omixa", "segmind"]
    assert [found and found.vendor.name for found in (router.locate(*NATIVE), router.locate(*HOST))] == [
        name
    ] * 2
    other = router.locate("", "POST", "/chat/completions")
    assert (other and other.vendor.name, "openai" in router.vendors) == ("aimlapi", True)


def test_a_shipped_profile_may_lose_its_native_paths_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("{extends: aimlapi, listed: false}")  # selected, so it is listed
    router = load_vendors([tmp_path / "mine.yaml"])
    assert list(router.listed_vendors) == ["aimlapi", "omixa", "segmind"]
