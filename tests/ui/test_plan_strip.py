"""A strip above every view shows where the plan stands."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mockserver.testing import MockServer
from tests.conftest import MakeClient, StartServer

FIXTURES = """
fixtures: [{match: {}, response: Good day.}]
plan:
- {at: 0s, for: 1h, error: 503, probability: {from: 100%, to: 50%}, match: {user: one}}
- {at: 1h, for: 30m, error: 429, retry_after: 2s}
- {at: 2h, delay: 1ms}
"""
MANY = "\n".join(f"- {{at: {number}h, for: 1h, error: 503}}" for number in range(1, 13))


@pytest.fixture(scope="module")
def own(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


@pytest.fixture
def client(own: MockServer, make_client: MakeClient) -> Any:
    return make_client(own, "app")


def strip(page: Page) -> Any:
    return page.get_by_role("region", name="Plan")


def test_the_strip_shows_each_step_and_follows_the_clock(page: Page, own: MockServer, client: Any) -> None:
    page.goto(own.url)
    steps = strip(page).get_by_role("listitem")
    expect(strip(page)).to_contain_text("begins with the next request")
    expect(steps).to_have_text(
        [
            "503, 100% to 50% of requests 0 ms – 1 h",
            "429, Retry-After 2s 1 h – 1 h 30 min",
            "delayed by 1ms from 2 h",
        ]
    )
    assert client.chat(content="one").status == 503
    expect(steps.nth(0)).to_have_class("active")
    expect(steps.nth(0)).to_contain_text("· 1")
    page.request.post(f"{own.url}/_mock/clock", data={"advance": "70m"})
    expect(strip(page)).to_contain_text("1 h 10 min")
    expect(steps.nth(0)).to_have_class("over")
    expect(steps.nth(1)).to_have_class("active")
    strip(page).get_by_role("button", name="Restart").click()
    expect(strip(page)).to_contain_text("begins with the next request")
    page.request.post(f"{own.url}/_mock/plan", data=MANY)
    expect(steps).to_have_count(9)
    expect(steps.last).to_have_text("12 steps in all")
    page.request.post(f"{own.url}/_mock/plan", data="[]")
    expect(strip(page)).to_be_hidden()
