"""The table shows every request as it happens; its filter is kept in the URL."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mockserver.testing import MockServer
from tests.conftest import Client, MakeClient, StartServer
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


@pytest.mark.parametrize("size", [pytest.param(WIDE, marks=pytest.mark.slow), PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
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


def test_lists_ask_the_server_and_draw_only_the_rows_in_sight(
    many: MockServer, make_client: MakeClient, page: Page
) -> None:
    page.goto(f"{many.url}/#/requests")
    count = page.locator(".toolbar .count")
    expect(count).to_have_text("500 of 620 requests, newest first")
    expect(cells(page, "user").first).to_have_text("Hello 619")
    assert page.evaluate("document.querySelectorAll('tbody tr').length") < 80
    assert page.locator("table").get_attribute("aria-rowcount") == "501"
    page.get_by_role("link", name="Older").click()
    expect(count).to_have_text("501 to 620 of 620 requests, newest first")
    expect(cells(page, "user").first).to_have_text("Hello 119")
    make_client(many, "load").chat(content="Hello 620")
    expect(count).to_have_text("502 to 621 of 621 requests, newest first")
    expect(cells(page, "user").first).to_have_text("Hello 119")
    page.get_by_label("Search").fill("HELLO 10")
    expect(count).to_have_text("11 requests")  # 10 and 100 to 109, all older than the newest 500
    assert page.url.endswith("#/requests?q=HELLO+10")
    make_client(many, "load").chat(content="Hello 10 again")
    expect(cells(page, "user").first).to_have_text("Hello 10 again")
    page.get_by_role("link", name="Timeline").click()
    expect(count).to_have_text("12 calls")
    page.get_by_label("Search").fill("")
    expect(count).to_have_text("the newest 60 calls among 502 of 622 requests, newest first")
    page.get_by_role("link", name="Older").click()
    expect(count).to_have_text("the newest 60 calls among 61 to 560 of 622 requests, newest first")
    page.get_by_role("link", name="Newest").click()
    expect(count).to_contain_text("among 502 of 622")


def test_rows_stay_in_place_while_requests_arrive(
    many: MockServer, make_client: MakeClient, page: Page
) -> None:
    page.goto(f"{many.url}/#/requests")
    row = cells(page, "user").filter(has_text=re.compile("^Hello 6")).last
    expect(row).to_be_visible()
    text = row.inner_text()
    page.evaluate("document.querySelector('main').scrollTop = 90")
    client = make_client(many, "load")
    place = cells(page, "user").get_by_text(text, exact=True)
    before = place.bounding_box()["y"]
    client.chat(content="New 1")
    expect(page.locator(".toolbar .count")).to_contain_text("of 62")
    page.wait_for_function("() => document.querySelector('main').scrollTop > 90")
    assert abs(place.bounding_box()["y"] - before) < 1  # pixel; browsers round the position
    page.evaluate("document.querySelector('main').scrollTop = 0")
    expect(cells(page, "user").first).to_have_text("New 1")
    # A pressed pointer holds the rows, so that a click hits the row below it.
    page.mouse.move(600, 200)
    page.mouse.down()
    client.chat(content="New 2")
    expect(page.locator(".toolbar .count")).to_contain_text("of 62")
    pressed = page.evaluate("document.elementFromPoint(600, 200).closest('tr').dataset.id")
    page.mouse.up()
    expect(page.locator("#detail")).to_be_visible()
    assert f"id={pressed}" in page.url
    expect(cells(page, "user").first).to_have_text("New 2")


def test_arrow_keys_move_through_the_rows(many: MockServer, page: Page) -> None:
    page.goto(f"{many.url}/#/requests")
    page.locator("tbody td.col-time a").first.focus()
    newest = page.evaluate("document.activeElement.closest('tr').dataset.id")
    for key, index in (("ArrowDown", 3), ("End", 501), ("ArrowUp", 500), ("Home", 2), ("PageDown", None)):
        page.keyboard.press(key)
        place = page.evaluate("document.activeElement.closest('tr').getAttribute('aria-rowindex')")
        assert index is None or int(place) == index
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement.closest('tr').dataset.id") == newest


@pytest.fixture(scope="module")
def many(start_server: StartServer) -> MockServer:
    server = start_server("fixtures: [{match: {}, response: Fine.}]")
    client = Client(server, "load")
    for number in range(620):
        client.chat(content=f"Hello {number}")
    client.connection.close()
    return server
