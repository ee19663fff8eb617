"""A missing tool skips the tests on a developer's machine and fails them in CI."""

from __future__ import annotations

import pytest

from tests.ui.browsing import chromium, lacking


def test_a_missing_tool_skips_locally_and_fails_in_ci() -> None:
    with pytest.raises(pytest.skip.Exception, match="need a pen"):
        lacking("a pen", {})
    with pytest.raises(pytest.fail.Exception, match="need a pen"):
        lacking("a pen", {"CI": "true"})


def test_a_chromium_is_found_by_any_of_its_names() -> None:
    assert chromium({"google-chrome": "/opt/chrome"}.get) == "/opt/chrome"


def test_a_missing_chromium_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        chromium(lambda _: None)
