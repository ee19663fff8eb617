"""The timeline shows how a client retries."""

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


def lane(page: Page, session: str) -> Any:
    return page.locator(".lanes .lane").filter(has=page.get_by_role("link", name=session, exact=True))


def bars(page: Page, session: str) -> Any:
    return lane(page, session).locator("a.bar")


def again(client: Client, times: int, **failure: str) -> None:
    """Send so many failing requests, then a successful one, without a wait between them."""
    headers = {f"X-Mock-{name.replace('_', '-')}": value for name, value in failure.items()}
    for number in range(times):
        client.chat(content="Hello", headers=headers | {"x-test": str(number)})
    client.chat(content="Hello")


def test_attempts_of_one_call_are_bars_in_one_lane(
    own: MockServer, make_client: MakeClient, page: Page
) -> None:
    page.goto(f"{own.url}/")
    again(make_client(own, "hammer"), 3, error="503")
    again(make_client(own, "single"), 0)
    expect(page.locator(".lanes .lane")).to_have_count(2)
    expect(bars(page, "hammer")).to_have_count(4)
    expect(bars(page, "single")).to_have_count(1)
    expect(lane(page, "hammer").locator(".assessment")).to_have_text("no backoff")
    expect(lane(page, "hammer").locator(".summary")).to_contain_text("✓ 4 attempts in")
    expect(lane(page, "hammer").locator(".bar.failed")).to_have_count(3)
    expect(lane(page, "single").locator(".assessment")).to_have_text("")
    page.get_by_label("retries only").check()
    expect(page.locator(".lanes .lane")).to_have_count(1)
    assert page.url.endswith("#/timeline?retries=only")


def test_every_view_groups_attempts_as_the_server_does(
    own: MockServer, make_client: MakeClient, page: Page
) -> None:
    client = make_client(own, "keyed")
    [refused, key] = {"X-Mock-Error": "402"}, {"idempotency-key": "k"}
    client.chat(content="Hello", headers=refused | key)
    client.chat(content="another body", headers=key)
    client.chat(content="another body", headers=key | {"sec-fetch-site": "same-origin"})
    page.goto(f"{own.url}/#/faults")
    # The call with both attempts is below the newest one.
    expect(page.locator(".latest-calls .lane").last.locator("a.bar")).to_have_count(2)
    page.goto(f"{own.url}/#/timeline")
    expect(page.locator(".lanes .lane")).to_have_count(2)
    expect(bars(page, "keyed").nth(2)).to_have_accessible_name(re.compile("Attempt 2"))
    bars(page, "keyed").last.click()
    expect(page.locator(".attempt-nav")).to_contain_text("attempt 2 of 2")
    page.get_by_role("link", name="Requests").click()
    expect(page.locator("tbody .col-attempt")).to_have_text(["1", "2", "1"])


def test_an_ignored_retry_after_is_shown(own: MockServer, make_client: MakeClient, page: Page) -> None:
    page.goto(f"{own.url}/")
    again(make_client(own, "impatient"), 1, error="429", retry_after="3s")
    expect(lane(page, "impatient").locator(".assessment.bad")).to_have_text("ignores Retry-After")
    expect(lane(page, "impatient").locator("text.wait-label")).to_contain_text("✕ Retry-After 3 s, waits")
    expect(lane(page, "impatient").locator("path.retry-after")).to_have_count(1)
    label = bars(page, "impatient").first.get_attribute("aria-label")
    assert label.startswith("Attempt 1: 429 rate limited, after")
    assert label.endswith("Retry-After 3 s")


def test_a_wait_is_drawn_while_it_lasts(own: MockServer, make_client: MakeClient, page: Page) -> None:
    page.goto(f"{own.url}/")
    make_client(own, "patient").chat(headers={"X-Mock-Error": "429", "X-Mock-Retry-After": "30s"})
    label = lane(page, "patient").locator("text.wait-label")
    expect(label).to_contain_text("Retry-After 30 s, no retry for")
    expect(lane(page, "patient").locator("path.retry-after")).to_have_count(1)
    line = lane(page, "patient").locator("line.pending")
    first = float(line.get_attribute("x2"))
    page.wait_for_function(
        "(first) => document.querySelector('line.pending').x2.baseVal.value > first", arg=first
    )
    # A client does not repeat a request without credit; the chart shows what it was asked to wait.
    make_client(own, "poor").chat(headers={"X-Mock-Error": "402", "X-Mock-Retry-After": "5s"})
    expect(lane(page, "poor").locator("text.wait-label")).to_have_text("Retry-After 5 s, no retry")
    expect(lane(page, "poor").locator("line.wait.pending")).to_have_count(0)
    expect(lane(page, "poor").locator("path.retry-after")).to_have_count(1)


def test_a_fault_is_turned_on_in_two_clicks_and_its_effect_is_beside_it(
    own: MockServer, make_client: MakeClient, page: Page
) -> None:
    page.goto(f"{own.url}/#/timeline?session=app")
    expect(page.locator("#live")).to_have_text("live")
    menu = page.locator(".fault-menu")
    menu.locator("summary").click()
    expect(menu).to_contain_text("For session app:")
    menu.get_by_role("button", name="Rate limited").click()
    expect(menu.get_by_role("button", name="Rate limited")).to_have_attribute("aria-pressed", "true")
    assert [make_client(own, name).chat().status for name in ("app", "other")] == [429, 201]
    expect(lane(page, "app").locator(".summary")).to_contain_text("429 rate limited")
    page.keyboard.press("Escape")
    expect(menu.get_by_role("button", name="Rate limited")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()
    menu.locator("summary").click()
    page.locator("main").click(position={"x": 5, "y": 500})
    expect(menu.get_by_role("link", name="All faults")).to_be_hidden()
    page.get_by_role("link", name="Faults", exact=True).click()
    latest = page.get_by_role("article", name="Latest calls")
    expect(latest.locator(".lane a.bar")).to_have_count(1)
    card = page.get_by_role("button", name="Rate limited", exact=True)
    card.click()
    expect(card).to_have_attribute("aria-pressed", "false")  # now the server has removed the rule
    make_client(own, "app").chat()
    expect(latest.locator(".bar.ok")).to_have_count(1)
    page.get_by_role("link", name="Timeline").click()
    page.locator(".fault-menu summary").click()
    page.keyboard.press("Tab")
    page.get_by_label("Search").focus()
    expect(page.locator(".fault-menu")).not_to_have_attribute("open", "")


def test_the_large_size_can_be_read_from_afar(own: MockServer, asked: Ask, page: Page) -> None:
    asked("Hello")
    page.goto(f"{own.url}/")
    texts = ".lane-label a, .lane-label .user, .track text, .ruler text, .toolbar select"
    size = """(texts) => [...document.querySelectorAll(texts)]
              .map((one) => parseFloat(getComputedStyle(one).fontSize))"""
    track = lane(page, "app").locator(".track")
    expect(track.locator("text.summary")).to_have_count(1)
    assert min(page.evaluate(size, texts)) < 14
    before = track.bounding_box()["height"]
    page.get_by_role("button", name="Large text").click()
    expect(page.get_by_role("button", name="Large text")).to_have_attribute("aria-pressed", "true")
    assert 16 <= min(page.evaluate(size, texts)) <= max(page.evaluate(size, texts)) <= 20
    page.reload()
    expect(track.locator("text.summary")).to_have_count(1)
    assert track.bounding_box()["height"] > 1.3 * before
    assert page.evaluate("document.documentElement.scrollWidth") == WIDE[0]
    expect(page.get_by_role("list", name="Legend")).to_be_hidden()
    page.get_by_role("button", name="Legend").click()
    expect(page.get_by_role("list", name="Legend")).to_contain_text("rate limited")
    page.get_by_role("button", name="Large text").click()
    expect(page.get_by_role("button", name="Large text")).to_have_attribute("aria-pressed", "false")


def test_frames_of_a_stream_are_ticks_and_a_cut_is_marked(
    own: MockServer, asked: Ask, make_client: MakeClient, page: Page
) -> None:
    page.goto(f"{own.url}/")
    asked("poem", session="poet", stream=True)
    expect(lane(page, "poet").locator("path.frames")).to_have_attribute("d", TICKS)
    expect(lane(page, "poet").locator("path.cut-mark")).to_have_count(0)
    response = make_client(own, "torn").send(content="cut", stream=True)
    with pytest.raises(ConnectionResetError):
        response.read()
    expect(lane(page, "torn").locator(".bar.cut path.cut-mark")).to_have_count(1)
    expect(lane(page, "torn").locator(".summary")).to_contain_text("cut off")


def test_the_bar_of_an_open_request_grows_until_it_ends(
    own: MockServer, make_client: MakeClient, page: Page
) -> None:
    page.goto(f"{own.url}/")
    client = make_client(own, "waiting")
    client.connection.request("POST", "/aimlapi/v1/chat/completions", SLOW, HEADERS)
    bar = lane(page, "waiting").locator(".bar.open .duration")
    expect(bar).to_have_count(1)
    first = float(bar.get_attribute("width"))
    page.wait_for_function(
        "(first) => document.querySelector('.bar .duration').width.baseVal.value != first", arg=first
    )
    client.connection.close()
    expect(lane(page, "waiting").locator(".bar.left")).to_have_count(1)
    expect(lane(page, "waiting").locator(".summary")).to_contain_text("client left")


def test_the_axis_may_follow_the_clock_and_have_a_chosen_length(
    own: MockServer, asked: Ask, page: Page
) -> None:
    asked("Hello", session="first")
    asked("Hello", session="second")
    page.goto(f"{own.url}/")
    marks = page.locator(".ruler text")
    expect(marks.first).to_have_text("0")
    page.get_by_label("Length of the time axis").select_option("5000")
    expect(marks.last).to_have_text("5 s")
    page.get_by_label("Time axis", exact=True).select_option("clock")
    expect(marks.first).to_have_text(CLOCK)
    assert page.url.endswith("#/timeline?span=5000&axis=clock")


@pytest.mark.slow
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_demo_shows_good_and_bad_clients_at_any_width(
    demo: MockServer, look: Look, size: tuple[int, int], scheme: str
) -> None:
    with look(size, scheme) as page:
        page.goto(demo.url)
        for prompt, text in ASSESSMENTS.items():
            asked = page.locator(".lanes .lane").filter(has_text=prompt).last
            expect(asked.locator(".assessment")).to_have_text(text, timeout=20_000)
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]


@pytest.fixture(scope="module")
def demo(start_server: StartServer) -> MockServer:
    return start_server("fixtures: []", strict=True, demo=True)


TICKS = re.compile(r"(M\S+ \d+v10){2,}")
CLOCK = re.compile(r"\d\d:\d\d:\d\d")
HEADERS = {"authorization": "Bearer any", "content-type": "application/json", "x-mock-session": "waiting"}
SLOW = '{"model": "m", "messages": [{"role": "user", "content": "slow start"}]}'
ASSESSMENTS = {
    "Summarise this page": "no backoff",
    "Is this payment fraudulent?": "honours Retry-After",
    "Translate the menu": "ignores Retry-After",
    "Plan three days": "backs off",
    "Read me the news": "retries",
    "My parcel has not arrived": "",
}
