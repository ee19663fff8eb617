"""The screenshots of the documentation, taken of the demo: `python -m tests.ui.screenshots` takes them again."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from mockserver.testing import MockServer
from tests.ui.browsing import Browser, browser, window

HERE = Path(__file__).parent
SIZE = 1280, 760
# The summary of the call that ends last.
LAST = "✓ 4 attempts in"


def timeline(running: Browser, url: str, folder: Path = HERE) -> Path:
    """Take the timeline after the first round of the demo."""
    with window(running, SIZE) as page:
        page.goto(f"{url}/#/timeline")
        lane = page.locator(".lanes .lane").filter(has_text="Plan three days").last
        expect(lane.locator(".summary")).to_contain_text(LAST, timeout=30_000)
        return _taken(page.screenshot(), folder / "timeline.png")


def faults(running: Browser, url: str, folder: Path = HERE) -> Path:
    """Take the faults with two of them on."""
    with window(running, (1280, 900)) as page:
        page.goto(f"{url}/#/faults")
        for title in ("Rate limited", "Cut mid-stream"):
            page.get_by_role("button", name=title, exact=True).click()
            expect(page.get_by_role("button", name=title, exact=True)).to_have_attribute(
                "aria-pressed", "true"
            )
        page.mouse.move(0, 0)
        return _taken(page.screenshot(), folder / "faults.png")


def _taken(picture: bytes, path: Path) -> Path:
    path.write_bytes(picture)
    return path


if __name__ == "__main__":
    with MockServer(strict=True, demo=True) as server, browser() as running:
        timeline(running, server.url)
        faults(running, server.url)
