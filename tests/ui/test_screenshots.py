"""The screenshots of the documentation are taken by a script and are small files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver.testing import MockServer
from tests.conftest import StartServer
from tests.ui import screenshots
from tests.ui.browsing import Browser

ROOT = Path(__file__).parents[2]
SHOWN = (ROOT / "docs" / "web-ui.md").read_text()
README = (ROOT / "README.md").read_text()
MOST = 180_000  # bytes


@pytest.fixture(scope="module")
def demo(start_server: StartServer) -> MockServer:
    return start_server("fixtures: []", strict=True)


@pytest.mark.slow
@pytest.mark.parametrize("take", [screenshots.timeline, screenshots.report, screenshots.faults])
def test_a_screenshot_is_taken_and_the_stored_one_is_in_the_documentation(
    demo: MockServer, running: Browser, take: Callable[[Browser, str, Path], Path], tmp_path: Path
) -> None:
    taken = take(running, demo.url, tmp_path)
    kept = screenshots.HERE / taken.name
    assert taken.stat().st_size > 10_000
    assert kept.stat().st_size < MOST
    assert f"](../tests/ui/{kept.name})" in SHOWN
    assert (f"](tests/ui/{kept.name})" in README) is (kept.name == "timeline.png")
