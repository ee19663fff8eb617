"""The table shows every request as it happens; its filter is kept in the URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mockserver.testing import MockServer
from tests.conftest import MakeClient
from tests.ui.browsing import PHONE, WIDE

Ask = Callable[..., Any]
Look = Callable[..., Any]


def rows(page: Page) -> Any:
    return page.locator("tbody tr")


def cells(page: Page, name: str) -> Any:
    return page.locator(f"tbody td.col-{name}")


def test_earlier_and_new_requests_are_rows(own: MockServer, asked: Ask, page: Page) -> None:
    asked("Hello")
    page.goto(f"{own.url}/#/requests")
    expect(rows(page)).to_have_count(1)
    asked("mock 429", session="other", vendor="omixa", headers={"X-Mock-Error": "429"})
    expect(rows(page)).to_have_count(2)
    expect(cells(page, "session")).to_have_text(["other", "app"])
    expect(cells(page, "vendor")).to_have_text(["omixa", "aimlapi"])
    expect(cells(page, "model")).to_have_text(["o1-preview", "o1-preview"])
    expect(cells(page, "outcome")).to_have_text(["429 rate limited", "201 answered"])
    expect(cells(page, "fixture")).to_have_text(["injected", "greeting"])
    expect(cells(page, "attempt")).to_have_text(["1", "1"])
    expect(cells(page, "user")).to_have_text(["mock 429", "Hello"])


def test_a_request_is_open_until_it_ends(own: MockServer, make_client: MakeClient, page: Page) -> None:
    page.goto(f"{own.url}/#/requests")
    expect(page.get_by_text("No requests yet")).to_be_visible()
    expect(page.locator("#live")).to_have_text("live")
    client = make_client(own, "app")
    client.connection.request(
        "POST",
        "/aimlapi/v1/chat/completions",
        '{"model": "m", "messages": [{"role": "user", "content": "slow start"}]}',
        {"authorization": "Bearer any", "content-type": "application/json"},
    )
    expect(cells(page, "total")).to_have_text([""])
    expect(page.locator("tbody .outcome.open")).to_have_count(1)
    client.connection.close()
    expect(cells(page, "outcome")).to_have_text(["none client left"])


def test_attempts_are_numbered_even_if_the_client_sends_no_count(
    own: MockServer, asked: Ask, page: Page
) -> None:
    page.goto(f"{own.url}/#/requests")
    for _ in range(2):
        asked("Hello", headers={"X-Mock-Error": "503"})
    asked("Hello")
    asked("Hello")
    expect(cells(page, "attempt")).to_have_text(["1", "3", "2", "1"])


def test_a_filter_is_kept_in_the_url_and_a_link_shows_the_same(
    own: MockServer, asked: Ask, look: Look
) -> None:
    asked("Hello")
    asked("anything", session="other", headers={"X-Mock-Error": "503"})
    asked("Hello again", session="other")
    with look() as page:
        page.goto(f"{own.url}/#/requests")
        expect(rows(page)).to_have_count(3)
        page.get_by_label("Session").select_option("other")
        expect(rows(page)).to_have_count(2)
        page.get_by_label("Outcome").select_option("5xx")
        expect(cells(page, "user")).to_have_text(["anything"])
        page.get_by_label("Search").fill("nothing like it")
        expect(page.get_by_text("No request matches the filter")).to_be_visible()
        page.get_by_label("Search").fill("THING")
        expect(rows(page)).to_have_count(1)
        link = page.url
    assert link.endswith("#/requests?session=other&status=5xx&q=THING")
    with look() as page:
        page.goto(link)
        expect(cells(page, "user")).to_have_text(["anything"])
        expect(page.get_by_label("Session")).to_have_value("other")
        expect(page.get_by_label("Search")).to_have_value("THING")


def test_a_paused_table_counts_new_requests(own: MockServer, asked: Ask, page: Page) -> None:
    asked("Hello")
    page.goto(f"{own.url}/#/requests")
    expect(rows(page)).to_have_count(1)
    pause = page.get_by_role("button", name="Pause")
    assert pause.get_attribute("aria-pressed") is None  # its name changes instead
    pause.click()
    asked("Hello")
    expect(page.get_by_text("paused, 1 more since")).to_be_visible()
    expect(page.locator("#live")).to_have_text("paused")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Resume").click()
    expect(rows(page)).to_have_count(2)


def test_clear_deletes_the_requests_of_the_chosen_session(own: MockServer, asked: Ask, page: Page) -> None:
    asked("Hello")
    asked("Hello", session="other")
    page.goto(f"{own.url}/#/requests?session=other")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("No request matches the filter")).to_be_visible()
    assert [request.session for request in own.requests] == ["app"]
    page.get_by_label("Session").select_option("")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("No requests yet")).to_be_visible()
    assert own.requests == []


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_width_and_follows_the_colour_scheme(
    own: MockServer, asked: Ask, look: Look, size: tuple[int, int], scheme: str
) -> None:
    asked("Hello")
    with look(size, scheme) as page:
        page.goto(f"{own.url}/#/requests")
        expect(rows(page)).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == {"light": "rgb(246, 247, 248)", "dark": "rgb(16, 19, 24)"}[scheme]
        button = page.locator("#theme")
        for label, dark in (("Light", False), ("Dark", True)):
            button.click()
            expect(button).to_have_text(f"◐ {label}")
            assert (
                page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 19, 24)"
            ) is dark
        page.reload()
        expect(button).to_have_text("◐ Dark")


def test_a_thousand_requests_do_not_block_it_and_five_hundred_are_shown(
    own: MockServer, make_client: MakeClient, page: Page
) -> None:
    page.goto(f"{own.url}/#/requests")
    expect(page.locator("#live")).to_have_text("live")
    page.evaluate(
        """() => {
          globalThis.longest = 0;
          let last = performance.now();
          const frame = (now) => {
            globalThis.longest = Math.max(globalThis.longest, now - last);
            last = now;
            requestAnimationFrame(frame);
          };
          requestAnimationFrame(frame);
        }"""
    )
    client = make_client(own, "load")
    for number in range(1000):
        client.chat(content=f"Hello {number}")
    expect(cells(page, "user").first).to_have_text("Hello 999")
    expect(rows(page)).to_have_count(500)
    assert page.evaluate("globalThis.longest") < 2000  # milliseconds, on a busy machine
    page.get_by_label("Search").fill("Hello 99")
    expect(rows(page)).to_have_count(11)
