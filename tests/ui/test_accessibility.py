"""axe-core finds nothing to complain about, and the UI is usable with the keyboard and with forced colours."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mockserver.testing import MockServer
from tests.conftest import Client, StartServer
from tests.ui.browsing import PHONE, WIDE, lacking

Look = Callable[..., Any]

FIXTURES = """
fixtures:
- {name: greeting, match: {user: Hello}, response: Good day.}
- {name: hidden, match: {user: Hello there}, response: {tool_calls: [{name: look, arguments: {in: Rome}}]}}
accounts:
- {key: sk-poor, balance: $1.00, rate_limit: 1/minute}
- {key: sk-gone, status: revoked}
"""
VIEWS = {  # with what shows that a view is complete
    "timeline": ".lanes .bar",
    "requests": "tbody tr",
    "playground": "[name=vendor] option",
    "faults": ".card.on",
    "fixtures": ".fixtures tbody tr",
    "accounts": ".account.refused",
}
RUN = """async () => (await axe.run()).violations.map(
  ({ id, impact, nodes }) => [id, impact, ...nodes.slice(0, 4).map(({ html }) => html)])"""


@pytest.fixture(scope="module")
def own(start_server: StartServer) -> MockServer:
    server = start_server(FIXTURES)
    server.fail(429, retry_after="1s", vendor="omixa")
    client = Client(server, "app")
    for vendor, message in (
        ("aimlapi", "Hello"),
        ("omixa", "Hello"),
        ("omixa", "Hello"),
        ("segmind", "Other"),
    ):
        client.chat(vendor, message)
    client.chat(headers={"Authorization": "Bearer sk-poor"})
    client.connection.close()
    return server


@pytest.fixture(scope="module")
def axe() -> str:
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:  # pragma: no cover
        lacking("axe-playwright-python: pip install -e '.[dev]'")
    return Path(str(found and found.origin)).with_name("axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("size", "scheme"),
    [(WIDE, "light"), pytest.param(PHONE, "dark", marks=pytest.mark.slow)],
    ids=["wide-light", "phone-dark"],
)
def test_axe_finds_nothing_in_any_view(
    own: MockServer, look: Look, axe: str, size: tuple[int, int], scheme: str
) -> None:
    with look(size, scheme) as page:
        page.goto(f"{own.url}/#/timeline")
        page.evaluate(axe)
        found = {}
        for view, complete in VIEWS.items():
            page.goto(f"{own.url}/#/{view}?session={'app' if view == 'requests' else ''}")
            expect(page.locator(complete).first).to_be_attached()
            found[view] = page.evaluate(RUN)
        for request in own.requests[:3:2]:
            page.goto(f"{own.url}/#/requests?id={request.id}")
            expect(page.locator("#detail .tab-panel")).to_be_visible()
            page.get_by_role("tab", name="Match").click()
            found["detail"] = page.evaluate(RUN)
        assert {view: problems for view, problems in found.items() if problems} == {}


def test_focus_returns_to_the_row_of_a_closed_request(own: MockServer, page: Page) -> None:
    newest = own.requests[-1]
    page.goto(f"{own.url}/#/requests?id={newest.id}")  # opened by a link: no element had the focus
    expect(page.locator("#detail h2")).to_be_focused()
    expect(page.locator("tr[aria-current]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(f"tr[data-id={newest.id}] a")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#detail h2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("tbody tr").nth(1).locator("a")).to_be_focused()
    page.get_by_role("link", name="Timeline").click()
    bars = page.locator("a.bar")
    bars.first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".lanes .lane").nth(1).locator("a.bar").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(bars.first).to_be_focused()
    page.keyboard.press("End")
    expect(bars.last).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#detail h2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(bars.last).to_be_focused()


def test_the_fields_of_a_form_are_in_the_order_in_which_they_are_filled_in(
    own: MockServer, page: Page
) -> None:
    for view, last in (("playground", "Send"), ("fixtures", "Add"), ("accounts", "Add")):
        page.goto(f"{own.url}/#/{view}")
        form = page.locator("form:has(button.primary)")
        button = form.get_by_role("button", name=last, exact=True)
        expect(button).to_be_enabled()
        button.focus()
        after = "(one) => [...one.form.elements].slice([...one.form.elements].indexOf(one) + 1).map((e) => e.tagName)"
        assert set(button.evaluate(after)) <= {"BUTTON"}


def test_forced_colours_keep_what_is_said_by_colour(own: MockServer, look: Look) -> None:
    with look() as page:
        page.emulate_media(forced_colors="active")
        page.goto(f"{own.url}/#/timeline")
        bar = page.locator(".bar.ok .duration").first
        expect(bar).to_be_attached()
        stroke = "(one) => getComputedStyle(one).stroke"
        assert bar.evaluate(stroke) != "none"
        page.get_by_role("link", name="Faults", exact=True).click()
        on = page.locator(".card.on")
        expect(on).to_have_count(1)
        assert on.evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "dark"), (PHONE, "light")], ids=["wide-dark", "phone-light"]
)
def test_axe_finds_nothing_while_the_demo_runs_and_a_request_is_repeated(
    start_server: StartServer, look: Look, axe: str, size: tuple[int, int], scheme: str
) -> None:
    server = start_server(FIXTURES)
    with look(size, scheme) as page:
        page.goto(f"{server.url}/#/playground")
        page.get_by_role("button", name="Start the demo").click()
        expect(page.get_by_role("region", name="Demo")).to_be_visible()
        page.locator("[name=api]").select_option("responses")
        page.get_by_role("button", name="Repeat 10 times").click()
        expect(page.get_by_role("article", name="Repeated requests")).to_contain_text("10 of 10")
        page.evaluate(axe)
        assert page.evaluate(RUN) == []
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
