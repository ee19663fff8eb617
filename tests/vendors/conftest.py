"""The vendors that come with the server, and profiles that a test writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver.vendors.profile import VendorProfile, load_profile
from mockserver.vendors.profile_inheritance import list_shipped_profiles
from mockserver.vendors.vendor import Vendor

Load = Callable[[str], VendorProfile]


@pytest.fixture(scope="session")
def vendors() -> dict[str, Vendor]:
    """The shipped vendors by name."""
    loaded = [load_profile(path) for path in list_shipped_profiles()]
    return {one.name: Vendor(one) for one in loaded}


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads the profile that a text is."""

    def loaded(text: str) -> VendorProfile:
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return load_profile(path)

    return loaded
