"""Faults are turned on and off with one click, and a banner shows those that are active."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mockserver.testing import MockServer
from tests.conftest import MakeClient, StartServer
from tests.ui.browsing import PHONE, WIDE

FIXTURES = """
fixtures:
- {name: greeting, match: {user: Hello}, response: Good day.}
- {name: poem, match: {user: poem}, response: {chunks: [Roses, " are", " red", " indeed"]}}
"""


@pytest.fixture(scope="module")
def own(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


@pytest.fixture
def faults(open_page: Page, own: MockServer) -> Page:
    own.reset()
    open_page.goto(f"{own.url}/#/faults")
    open_page.reload()
    expect(open_page.get_by_role("option", name="Omixa")).to_be_attached()
    expect(open_page.locator("#live")).to_have_text("live")
    return open_page


@pytest.fixture
def client(own: MockServer, make_client: MakeClient) -> Any:
    return make_client(own, "app")


def toggle(page: Page, title: str) -> Any:
    return page.get_by_role("button", name=title, exact=True)


def state(page: Page, title: str) -> Any:
    return page.locator("li.card", has=toggle(page, title)).locator(".card-state")


def banner(page: Page) -> Any:
    return page.get_by_role("status", name="Active faults")


def scope(page: Page, name: str) -> Any:
    return page.locator(f".form-row [name={name}]")


def rules(page: Page) -> Any:
    return page.get_by_role("article", name="Fault rules").locator("tbody tr")


@pytest.mark.parametrize(("title", "status"), [("Out of credit", 403), ("Rate limited", 429)])
def test_one_click_turns_a_fault_on_and_one_click_turns_it_off(
    faults: Page, client: Any, title: str, status: int
) -> None:
    expect(state(faults, title)).to_have_text("Off")
    expect(banner(faults)).to_be_empty()
    toggle(faults, title).click()
    expect(state(faults, title)).to_have_text("On for all requests · applied 0 times")
    expect(toggle(faults, title)).to_have_attribute("aria-pressed", "true")
    expect(banner(faults)).to_contain_text("1 fault active")
    assert client.chat().status == status
    expect(state(faults, title)).to_have_text("On for all requests · applied 1 time")
    toggle(faults, title).click()
    expect(state(faults, title)).to_have_text("Off")
    expect(banner(faults)).to_be_empty()
    assert client.chat().status == 201


def test_the_option_of_a_card_is_that_of_its_rule(faults: Page, own: MockServer, client: Any) -> None:
    option = faults.get_by_label("Rate limited: Retry-After")
    option.select_option("30s")
    toggle(faults, "Rate limited").click()
    expect(rules(faults).locator(".effect")).to_have_text(["429, Retry-After 30s"])
    option.select_option("1s")  # applies at once
    expect(rules(faults).locator(".effect")).to_have_text(["429, Retry-After 1s"])
    assert client.chat().headers["retry-after"] == "1"
    faults.request.delete(f"{own.url}/_mock/faults")
    own.fail(429, retry_after="7s")
    faults.locator("main").click()
    expect(option).to_have_value("7s")
    expect(state(faults, "Rate limited")).to_contain_text("On for all requests")


@pytest.mark.parametrize(
    ("title", "effect"),
    [
        ("Gateway timeout", "504, delayed by 10s"),
        ("Slow first token", "delayed by 5s"),
        ("Cut mid-stream", "reset@3"),
        ("Malformed stream", "truncated_json@2"),
        ("Flaky", "503, 20% of requests"),
    ],
)
def test_every_card_adds_its_own_rule(faults: Page, title: str, effect: str) -> None:
    toggle(faults, title).click()
    expect(rules(faults).locator(".effect")).to_have_text([effect])
    expect(faults.locator("button.toggle[aria-pressed=true]")).to_have_text([title])


def test_faults_are_usable_with_the_keyboard_alone(faults: Page) -> None:
    toggle(faults, "Out of credit").focus()
    faults.keyboard.press("Space")
    expect(state(faults, "Out of credit")).to_contain_text("On for all requests")
    faults.get_by_role("button", name="Turn off insufficient credits, all requests").press("Enter")
    expect(state(faults, "Out of credit")).to_have_text("Off")


def test_a_fault_applies_only_to_the_chosen_requests(faults: Page, own: MockServer, client: Any) -> None:
    scope(faults, "vendor").select_option("omixa")
    scope(faults, "model").fill("o3-*")
    scope(faults, "model").press("Tab")
    expect(scope(faults, "session")).to_be_focused()
    toggle(faults, "Invalid key").click()
    expect(state(faults, "Invalid key")).to_contain_text("On for omixa, o3-*")
    assert [client.chat("omixa", model=model).status for model in ("o1-preview", "o3-mini")] == [200, 401]
    assert client.chat("aimlapi", model="o3-mini").status == 200
    assert faults.url.endswith("#/faults?vendor=omixa&model=o3-*")


def test_a_fault_of_one_session_applies_to_no_other(
    faults: Page, client: Any, make_client: MakeClient
) -> None:
    scope(faults, "session").fill("app")
    scope(faults, "session").press("Enter")
    toggle(faults, "Out of credit").click()
    expect(state(faults, "Out of credit")).to_contain_text("On for session app")
    assert client.chat("segmind").status == 406
    assert make_client(client.server, "another").chat().status == 201
    expect(state(faults, "Out of credit")).to_contain_text("applied 1 time")
    toggle(faults, "Out of credit").click()
    expect(rules(faults)).to_have_count(0)


def test_a_fault_may_be_on_for_several_scopes(faults: Page) -> None:
    toggle(faults, "Out of credit").click()
    expect(state(faults, "Out of credit")).to_contain_text("all requests")
    scope(faults, "vendor").select_option("segmind")
    faults.get_by_role("button", name="Also for segmind").click()
    expect(state(faults, "Out of credit")).to_contain_text("On for segmind; all requests")
    expect(banner(faults)).to_contain_text("2 faults active")
    toggle(faults, "Out of credit").click()
    expect(state(faults, "Out of credit")).to_have_text("Off")


def test_a_fault_for_some_requests_of_a_session_expires(faults: Page, client: Any) -> None:
    scope(faults, "session").fill("app")
    scope(faults, "duration").select_option("3 requests of each session")
    toggle(faults, "Rate limited").click()
    expect(rules(faults).locator(".remaining")).to_have_text("3 of 3 requests left")
    assert client.chat().status == 429
    expect(rules(faults).locator(".remaining")).to_have_text("2 of 3 requests left")
    assert [client.chat().status for _ in range(3)] == [429, 429, 201]
    expect(rules(faults).locator(".remaining")).to_have_text("expired")
    expect(state(faults, "Rate limited")).to_have_text("Expired · applied 3 times")
    expect(banner(faults)).to_be_empty()
    toggle(faults, "Rate limited").click()
    expect(rules(faults).locator(".remaining")).to_have_text(["3 of 3 requests left"])


def test_a_fault_for_some_requests_of_all_sessions_is_never_over(
    faults: Page, client: Any, make_client: MakeClient
) -> None:
    scope(faults, "duration").select_option("1 request of each session")
    toggle(faults, "Rate limited").click()
    expect(state(faults, "Rate limited")).to_have_text("On for all requests · applied 0 times")
    assert [client.chat().status for _ in range(2)] == [429, 201]
    expect(state(faults, "Rate limited")).to_have_text("On for all requests · applied 1 time")
    expect(rules(faults).locator(".remaining")).to_have_text("1 left in each new session")
    expect(banner(faults)).to_contain_text("1 fault active")
    assert make_client(client.server, "next").chat().status == 429


def test_a_fault_with_a_duration_counts_down_and_follows_the_clock(
    faults: Page, own: MockServer, client: Any
) -> None:
    scope(faults, "duration").select_option("for 1 min")
    toggle(faults, "Rate limited").click()
    expect(rules(faults).locator(".remaining")).to_have_text("1 min left")
    expect(rules(faults).locator(".remaining")).to_have_text("59 s left")
    faults.request.post(f"{own.url}/_mock/clock", data={"advance": "59s"})
    expect(rules(faults).locator(".remaining")).to_have_text("expired")
    expect(banner(faults)).to_be_empty()
    assert client.chat().status == 201


def test_rules_made_elsewhere_appear_at_once_with_their_source(
    start_server: StartServer, look: Callable[..., Any]
) -> None:
    server = start_server(
        FIXTURES + "faults:\n- {match: {user: [a, b]}, error: timeout, delay: {median: 1s, p95: 2s}}\n",
        faults=("user=x fault=reset@1",),
    )
    with look() as page:
        page.goto(f"{server.url}/#/faults")
        expect(rules(page).locator(".effect")).to_have_text(
            ["timeout, delayed by {“median”:“1s”,“p95”:“2s”}".replace("“", '"').replace("”", '"'), "reset@1"]
        )
        expect(rules(page).locator(".scope")).to_have_text(['user ["a","b"]', "user x"])
        expect(rules(page).locator(".source")).to_contain_text(["fixtures.yaml:6", "--fault"])
        expect(rules(page).locator(".action")).to_have_text(["fixed", "fixed"])
        expect(banner(page)).to_contain_text("2 faults active")
        expect(banner(page).get_by_role("button")).to_have_count(0)
        server.session("demo").fail(fault={"slow": {"bytes_per_second": 9}}, times=2)
        server.fail(402)
        expect(rules(page)).to_have_count(4)
        expect(rules(page).locator(".scope").first).to_have_text("session demo")
        expect(banner(page)).to_contain_text("and 1 more")
        banner(page).get_by_role("button", name="Turn all off").click()
        expect(rules(page)).to_have_count(2)


def test_the_banner_is_on_every_view_and_turns_all_off(faults: Page, own: MockServer) -> None:
    toggle(faults, "Out of credit").click()
    expect(banner(faults)).to_contain_text("insufficient credits")  # it moves the cards
    toggle(faults, "Cut mid-stream").click()
    expect(banner(faults)).to_contain_text("2 faults active")
    for view in ("Requests", "Playground"):
        faults.get_by_role("link", name=view).click()
        expect(banner(faults)).to_contain_text("insufficient credits")
    banner(faults).get_by_role("button", name="Turn all off").click()
    expect(banner(faults)).to_be_empty()
    expect(faults.locator("#announcer")).to_have_text("2 faults turned off")
    assert own.session("app").requests == []


def test_a_rule_that_another_client_has_removed_is_no_error(faults: Page) -> None:
    toggle(faults, "Out of credit").click()
    expect(state(faults, "Out of credit")).to_contain_text("On for all requests")

    faults.evaluate(
        """() => {
          const real = globalThis.fetch;
          const gone = { error: { message: "there is no such rule", problems: [] } };
          globalThis.fetch = async (url, more) =>
            more.method === "DELETE" ? Response.json(gone, { status: 404 }) : real(url, more);
        }"""
    )
    toggle(faults, "Out of credit").click()
    expect(faults.locator("#announcer")).to_have_text("Out of credit is off")
    expect(faults.get_by_role("alert")).to_have_count(0)


def test_a_refused_change_shows_its_reason(faults: Page) -> None:
    scope(faults, "session").fill("no/session")
    scope(faults, "session").press("Tab")
    toggle(faults, "Out of credit").click()
    expect(faults.get_by_role("alert")).to_contain_text("expected 1 to 64 letters")
    scope(faults, "session").fill("")
    scope(faults, "session").press("Tab")
    toggle(faults, "Out of credit").click()
    expect(faults.get_by_role("alert")).to_have_count(0)
    expect(state(faults, "Out of credit")).to_contain_text("On for all requests")


@pytest.mark.parametrize("size", [pytest.param(WIDE, marks=pytest.mark.slow), PHONE], ids=["wide", "phone"])
def test_it_fits_every_width(own: MockServer, look: Callable[..., Any], size: tuple[int, int]) -> None:
    own.reset()
    own.fail(429, retry_after="1s", vendor="omixa", probability="50%")
    with look(size, "dark") as page:
        page.goto(f"{own.url}/#/faults")
        expect(rules(page)).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        assert page.evaluate("document.querySelector('main').scrollWidth") <= size[0]
