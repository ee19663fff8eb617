"""Failures are turned on and off by one click, and nobody who looks at the page can miss one that is on."""

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
    return page.locator("li.card", has=toggle(page, title)).locator(".now")


def banner(page: Page) -> Any:
    return page.get_by_role("status", name="Active faults")


def scope(page: Page, name: str) -> Any:
    return page.locator(f".whom [name={name}]")


def rules(page: Page) -> Any:
    return page.get_by_role("article", name="Fault rules").locator("tbody tr")


@pytest.mark.parametrize(
    ("title", "status"), [("Key refused", 401), ("Out of money", 402), ("Rate limited", 429)]
)
def test_one_click_makes_every_call_fail_and_one_click_mends_it(
    faults: Page, client: Any, title: str, status: int
) -> None:
    expect(state(faults, title)).to_have_text("Off")
    expect(banner(faults)).to_be_empty()
    toggle(faults, title).click()
    expect(state(faults, title)).to_have_text("On for all calls · struck 0 times")
    expect(toggle(faults, title)).to_have_attribute("aria-pressed", "true")
    expect(banner(faults)).to_contain_text("1 fault active")
    assert client.chat().status == status
    expect(state(faults, title)).to_have_text("On for all calls · struck 1 time")
    toggle(faults, title).click()
    expect(state(faults, title)).to_have_text("Off")
    expect(banner(faults)).to_be_empty()
    assert client.chat().status == 201


def test_a_card_s_choice_is_part_of_its_rule(faults: Page, client: Any) -> None:
    faults.get_by_label("Rate limited: Retry-After").select_option("30s")
    toggle(faults, "Rate limited").click()
    expect(rules(faults).locator(".deed")).to_have_text(["429, Retry-After 30s"])
    assert client.chat().headers["retry-after"] == "30"


@pytest.mark.parametrize(
    ("title", "deed"),
    [
        ("Gateway timeout", "504, 10s late"),
        ("Slow first token", "5s late"),
        ("Cut mid-stream", "reset@3"),
        ("Malformed stream", "truncated_json@2"),
        ("Flaky", "503, 20% of calls"),
    ],
)
def test_every_card_lays_a_rule_that_is_its_own(faults: Page, title: str, deed: str) -> None:
    toggle(faults, title).click()
    expect(rules(faults).locator(".deed")).to_have_text([deed])
    expect(faults.locator("button.toggle[aria-pressed=true]")).to_have_text([title])


def test_it_is_worked_by_the_keyboard_alone(faults: Page) -> None:
    toggle(faults, "Out of money").focus()
    faults.keyboard.press("Space")
    expect(state(faults, "Out of money")).to_contain_text("On for all calls")
    faults.get_by_role("button", name="402, all calls: off").press("Enter")
    expect(state(faults, "Out of money")).to_have_text("Off")


def test_a_failure_strikes_only_the_calls_that_are_chosen(faults: Page, own: MockServer, client: Any) -> None:
    scope(faults, "vendor").select_option("omixa")
    scope(faults, "model").fill("o3-*")
    scope(faults, "model").press("Tab")
    expect(scope(faults, "session")).to_be_focused()
    toggle(faults, "Key refused").click()
    expect(state(faults, "Key refused")).to_contain_text("On for omixa, o3-*")
    assert [client.chat("omixa", model=model).status for model in ("o1-preview", "o3-mini")] == [200, 401]
    assert client.chat("aimlapi", model="o3-mini").status == 200
    assert faults.url.endswith("#/faults?vendor=omixa&model=o3-*")


def test_a_failure_of_one_session_is_met_by_no_other(
    faults: Page, client: Any, make_client: MakeClient
) -> None:
    scope(faults, "session").fill("app")
    scope(faults, "session").press("Enter")
    toggle(faults, "Out of money").click()
    expect(state(faults, "Out of money")).to_contain_text("On for session app")
    assert client.chat().status == 402
    assert make_client(client.server, "another").chat().status == 201
    expect(state(faults, "Out of money")).to_contain_text("struck 1 time")
    toggle(faults, "Out of money").click()
    expect(rules(faults)).to_have_count(0)


def test_a_failure_may_be_on_for_others_too(faults: Page) -> None:
    toggle(faults, "Out of money").click()
    expect(state(faults, "Out of money")).to_contain_text("all calls")
    scope(faults, "vendor").select_option("segmind")
    faults.get_by_role("button", name="Also for segmind").click()
    expect(state(faults, "Out of money")).to_contain_text("On for segmind; all calls")
    expect(banner(faults)).to_contain_text("2 faults active")
    toggle(faults, "Out of money").click()
    expect(state(faults, "Out of money")).to_have_text("Off")


def test_the_next_calls_fail_and_then_it_is_over(faults: Page, client: Any) -> None:
    scope(faults, "lasts").select_option("the next 3 calls")
    toggle(faults, "Rate limited").click()
    expect(rules(faults).locator(".rest")).to_have_text("3 of 3 calls left")
    assert client.chat().status == 429
    expect(rules(faults).locator(".rest")).to_have_text("2 of 3 calls left")
    assert [client.chat().status for _ in range(3)] == [429, 429, 201]
    expect(rules(faults).locator(".rest")).to_have_text("over")
    expect(state(faults, "Rate limited")).to_have_text("Over · struck 3 times")
    expect(banner(faults)).to_be_empty()
    toggle(faults, "Rate limited").click()
    expect(rules(faults).locator(".rest")).to_have_text(["3 of 3 calls left"])


def test_a_failure_for_a_time_counts_down_and_follows_the_clock(
    faults: Page, own: MockServer, client: Any
) -> None:
    scope(faults, "lasts").select_option("for 1 min")
    toggle(faults, "Rate limited").click()
    expect(rules(faults).locator(".rest")).to_have_text("1 min left")
    expect(rules(faults).locator(".rest")).to_have_text("59 s left")
    faults.request.post(f"{own.url}/_mock/clock", data={"advance": "59s"})
    expect(rules(faults).locator(".rest")).to_have_text("over")
    expect(banner(faults)).to_be_empty()
    assert client.chat().status == 201


def test_rules_made_elsewhere_appear_at_once_and_say_where_from(
    start_server: StartServer, look: Callable[..., Any]
) -> None:
    server = start_server(
        FIXTURES + "faults:\n- {match: {user: [a, b]}, error: timeout, delay: {median: 1s, p95: 2s}}\n",
        faults=("user=x fault=reset@1",),
    )
    with look() as page:
        page.goto(f"{server.url}/#/faults")
        expect(rules(page).locator(".deed")).to_have_text(
            ["timeout, {“median”:“1s”,“p95”:“2s”} late".replace("“", '"').replace("”", '"'), "reset@1"]
        )
        expect(rules(page).locator(".scope")).to_have_text(['user ["a","b"]', "user x"])
        expect(rules(page).locator(".source")).to_contain_text(["fixtures.yaml:6", "--fault"])
        expect(rules(page).locator(".act")).to_have_text(["stays", "stays"])
        expect(banner(page)).to_contain_text("2 faults active")
        expect(banner(page).get_by_role("button")).to_have_count(0)
        server.session("demo").fail(fault={"slow": {"bytes_per_second": 9}}, times=2)
        server.fail(402)
        expect(rules(page)).to_have_count(4)
        expect(rules(page).locator(".scope").first).to_have_text("session demo")
        expect(banner(page)).to_contain_text("and 1 more")
        banner(page).get_by_role("button", name="All off").click()
        expect(rules(page)).to_have_count(2)


def test_the_banner_is_on_every_view_and_ends_it_all(faults: Page, own: MockServer) -> None:
    toggle(faults, "Out of money").click()
    toggle(faults, "Cut mid-stream").click()
    expect(banner(faults)).to_contain_text("2 faults active")
    for view in ("Requests", "Playground"):
        faults.get_by_role("link", name=view).click()
        expect(banner(faults)).to_contain_text("402")
    banner(faults).get_by_role("button", name="All off").click()
    expect(banner(faults)).to_be_empty()
    expect(faults.locator("#said")).to_have_text("2 faults off")
    assert own.session("app").requests == []


def test_what_somebody_else_has_turned_off_is_no_mistake(faults: Page) -> None:
    toggle(faults, "Out of money").click()
    expect(state(faults, "Out of money")).to_contain_text("On for all calls")

    faults.evaluate(
        """() => {
          const real = globalThis.fetch;
          const gone = { error: { message: "there is no such rule", problems: [] } };
          globalThis.fetch = async (url, more) =>
            more.method === "DELETE" ? Response.json(gone, { status: 404 }) : real(url, more);
        }"""
    )
    toggle(faults, "Out of money").click()
    expect(faults.locator("#said")).to_have_text("Out of money is off")
    expect(faults.get_by_role("alert")).to_have_count(0)


def test_what_is_refused_says_why(faults: Page) -> None:
    scope(faults, "session").fill("no/session")
    scope(faults, "session").press("Tab")
    toggle(faults, "Out of money").click()
    expect(faults.get_by_role("alert")).to_contain_text("expected 1 to 64 letters")
    scope(faults, "session").fill("")
    scope(faults, "session").press("Tab")
    toggle(faults, "Out of money").click()
    expect(faults.get_by_role("alert")).to_have_count(0)
    expect(state(faults, "Out of money")).to_contain_text("On for all calls")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_fits_every_width(own: MockServer, look: Callable[..., Any], size: tuple[int, int]) -> None:
    own.reset()
    own.fail(429, retry_after="1s", vendor="omixa", probability="50%")
    with look(size, "dark") as page:
        page.goto(f"{own.url}/#/faults")
        expect(rules(page)).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        assert page.evaluate("document.querySelector('main').scrollWidth") <= size[0]
