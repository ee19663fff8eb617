"""The vendors that come with the server, and profiles that a test writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver.vendors import overlay, profile
from mockserver.vendors.profile import Profile
from mockserver.vendors.vendor import Vendor

Load = Callable[[str], Profile]


@pytest.fixture(scope="session")
def vendors() -> dict[str, Vendor]:
    """The shipped vendors by name."""
    loaded = [profile.load(path) for path in overlay.shipped()]
    return {one.name: Vendor(one) for one in loaded}


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads the profile that a text is."""

    def loaded(text: str) -> Profile:
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return profile.load(path)

    return loaded
