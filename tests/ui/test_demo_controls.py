"""The demo is started and stopped in the web UI, and shows a good and a bad client."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mockserver.testing import MockServer
from tests.conftest import StartServer


@pytest.fixture
def own(start_server: StartServer) -> MockServer:
    return start_server("fixtures: []", strict=True)


def notice(page: Page) -> Any:
    return page.get_by_role("region", name="Demo")


def runs(page: Page, own: MockServer) -> bool:
    answer: dict[str, Any] = page.request.get(f"{own.url}/_mock/demo").json()
    return bool(answer["running"])


def test_the_demo_is_started_where_nothing_is_to_be_seen(own: MockServer, page: Page) -> None:
    page.goto(own.url)
    expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()
    expect(notice(page)).to_be_hidden()
    page.get_by_role("button", name="Start the demo").click()
    expect(notice(page)).to_contain_text("The demo runs, round 1:")
    expect(page.locator(".lanes .lane").filter(has_text="demo-bad").first).to_be_visible()
    notice(page).get_by_role("link", name="demo-bad").click()
    expect(page.locator(".session-chip")).to_contain_text("demo-bad")
    page.get_by_role("link", name="Report").click()
    expect(page.locator("tr[data-rule=too-many-attempts]")).to_contain_text("demo-bad", timeout=20_000)
    notice(page).get_by_role("button", name="Stop the demo").click()
    expect(notice(page)).to_be_hidden()
    assert not runs(page, own)
    page.get_by_role("link", name="Timeline").click()
    own.reset()
    page.locator("#notices").get_by_role("button", name="Remove this filter").click()
    expect(page.get_by_role("button", name="Start the demo")).to_be_visible()


def test_the_playground_starts_and_stops_it_and_links_to_its_sessions(own: MockServer, page: Page) -> None:
    page.goto(f"{own.url}/#/playground")
    panel = page.get_by_role("article", name="Demo")
    expect(panel.get_by_role("listitem")).to_have_count(4)
    panel.get_by_role("button", name="Start the demo").click()
    expect(notice(page)).to_be_visible()
    assert runs(page, own)
    panel.get_by_role("button", name="Stop the demo").click()
    expect(notice(page)).to_be_hidden()
    assert not runs(page, own)
    panel.get_by_role("link", name="findings of demo-good").click()
    expect(page.locator(".session-chip")).to_contain_text("demo-good")
    expect(page.get_by_role("status").filter(has_text="0 errors and 0 advice")).to_be_visible()
