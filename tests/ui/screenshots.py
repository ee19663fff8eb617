"""The screenshots of the documentation, taken of the demo: `python -m tests.ui.screenshots` takes them again.

`python -m tests.ui.screenshots dark FOLDER` takes those of the dark scheme into another folder, to look at.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from mockserver.testing import MockServer
from tests.ui.browsing import Browser, browser, window

HERE = Path(__file__).parent
SIZE = 1280, 760
# The call of the demo's first round that ends last among those that retry, and its summary.
LAST, SUMMARY = "Plan three days", "✓ 4 attempts in"


def timeline(running: Browser, url: str, folder: Path = HERE, scheme: str = "light") -> Path:
    """Take the timeline while a client waits as long as Retry-After says."""
    with window(running, SIZE, scheme) as page:
        _open(page, url, "timeline?retries=only")
        _wait_for_demo(page)
        _fail(page, url, {"x-mock-error": "503", "x-mock-delay": "300ms"})
        page.wait_for_timeout(900)  # as a client that backs off
        _fail(page, url, {"x-mock-error": "429", "x-mock-retry-after": "5s", "x-mock-delay": "400ms"})
        page.wait_for_function(HALF_WAY, timeout=20_000)
        return _taken(page, folder / "timeline.png")


def _fail(page: Page, url: str, headers: dict[str, str]) -> None:
    """Send the request of a client that tries again, with an injected error."""
    answer = page.request.post(
        f"{url}/omixa/api/v1/chat/completions",
        headers={"authorization": "Bearer any", "x-mock-session": "checkout", **headers},
        data={"model": "o1-preview", "messages": [{"role": "user", "content": "May I pay now?"}]},
    )
    assert answer.status == int(headers["x-mock-error"])


HALF_WAY = """() => {
  const lane = [...document.querySelectorAll(".lanes .lane")].find((one) => one.textContent.includes("checkout"));
  const line = lane?.querySelector("line.pending"), bracket = lane?.querySelector("path.retry-after");
  return line && bracket && line.getBBox().width > bracket.getBBox().width / 2;
}"""


def report(running: Browser, url: str, folder: Path = HERE, scheme: str = "light") -> Path:
    """Take the findings about the bad client."""
    with window(running, SIZE, scheme) as page:
        _open(page, url, "timeline")
        _wait_for_demo(page)
        page.goto(f"{url}/#/report?session=demo-bad")
        expect(page.locator("tr[data-rule=retry-after-shortened]").first).to_be_visible(timeout=30_000)
        expect(page.locator("tr[data-rule=permanent-error-retried]").first).to_be_visible(timeout=30_000)
        return _taken(page, folder / "report.png")


def faults(running: Browser, url: str, folder: Path = HERE, scheme: str = "light") -> Path:
    """Take the faults with one of them on, and its effect on the demo's calls."""
    with window(running, (1280, 900), scheme) as page:
        _open(page, url, "faults")
        button = page.get_by_role("button", name="Rate limited", exact=True)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        page.mouse.move(0, 0)
        expect(page.locator(".bar.limited").first).to_be_visible(timeout=30_000)
        return _taken(page, folder / "faults.png")


def _open(page: Page, url: str, view: str) -> None:
    """Open a view, then start the demo, so that the page's files do not delay its clients."""
    page.goto(f"{url}/#/{view}")
    expect(page.locator("#live")).to_have_text("live")
    assert page.request.post(f"{url}/_mock/demo").ok


def _wait_for_demo(page: Page) -> None:
    lane = page.locator(".lanes .lane").filter(has_text=LAST).last
    expect(lane.locator(".summary")).to_contain_text(SUMMARY, timeout=40_000)


def _taken(page: Page, path: Path) -> Path:
    path.write_bytes(page.screenshot())
    return path


if __name__ == "__main__":
    chosen, place = sys.argv[1:] or ("light", HERE)
    with MockServer(strict=True) as server, browser() as running:
        for take in (timeline, report, faults):
            take(running, server.url, Path(place), str(chosen))
