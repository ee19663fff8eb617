"""A missing tool is said: on somebody's machine by a skip, in CI by a failure."""

from __future__ import annotations

import pytest

from tests.ui.browsing import chromium, lacking


def test_what_is_lacking_skips_on_a_machine_and_fails_in_ci() -> None:
    with pytest.raises(pytest.skip.Exception, match="need a pen"):
        lacking("a pen", {})
    with pytest.raises(pytest.fail.Exception, match="need a pen"):
        lacking("a pen", {"CI": "true"})


def test_a_chromium_is_found_by_any_of_its_names() -> None:
    assert chromium({"google-chrome": "/opt/chrome"}.get) == "/opt/chrome"


def test_no_chromium_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        chromium(lambda _: None)
