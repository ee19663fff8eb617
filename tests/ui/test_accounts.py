"""What each key has left is shown as it is spent, and filled up, revoked or waited for by a click."""

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
- name: greeting
  match: {user: Hello}
  response: {text: Good day., usage: {prompt_tokens: 1000, completion_tokens: 0}}
accounts:
- {key: sk-poor, balance: $1.00}
- {key: sk-slow, rate_limit: [1/minute, 100000 tokens/hour]}
- {key: sk-rich, balance: 5000000 credits, forbidden: [o1-mini]}
"""


@pytest.fixture
def own(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


@pytest.fixture
def accounts(page: Page, own: MockServer) -> Page:
    page.goto(f"{own.url}/#/accounts")
    expect(purses(page)).to_have_count(3)
    expect(page.locator("#live")).to_have_text("live")
    return page


@pytest.fixture
def ask(own: MockServer, make_client: MakeClient) -> Callable[..., int]:
    client = make_client(own, "app")

    def asked(key: str, **more: Any) -> int:
        return int(client.chat(headers={"Authorization": f"Bearer {key}"}, **more).status)

    return asked


def purses(page: Page) -> Any:
    return page.get_by_role("list", name="Accounts").locator("li.purse")


def purse(page: Page, words: str) -> Any:
    return purses(page).filter(has_text=words)


def test_what_is_spent_is_seen_as_it_goes(accounts: Page, ask: Callable[..., int]) -> None:
    poor = purse(accounts, "session app")
    expect(purse(accounts, "fixtures.yaml:7").locator(".left b")).to_have_text("$1")
    assert ask("sk-poor") == 201
    expect(poor.locator(".left b")).to_have_text("$0.98425")
    expect(poor).to_contain_text("$0.01575 spent on 1 answer")


def test_an_empty_account_is_topped_up_in_its_own_money(accounts: Page, ask: Callable[..., int]) -> None:
    assert ask("sk-rich", model="gpt-4o") == 201
    rich = purse(accounts, "session app")
    expect(rich).to_contain_text("may not use o1-mini")
    before = rich.locator(".left b")
    expect(before).to_have_text("4,994,750 credits")
    amount = rich.get_by_label("Amount")
    expect(amount).to_have_value("5000 credits")
    amount.fill("250 credits")
    amount.press("Enter")
    expect(before).to_have_text("4,995,000 credits")
    expect(amount).to_have_value("250 credits")
    amount.fill("$5")
    rich.get_by_role("button", name="Top up").click()
    expect(accounts.get_by_role("alert")).to_contain_text("expected an amount like its balance")
    amount.fill("1 credit")
    rich.get_by_role("button", name="Top up").click()
    expect(accounts.get_by_role("alert")).to_have_count(0)


def test_a_limit_fills_and_the_clock_empties_it(accounts: Page, ask: Callable[..., int]) -> None:
    assert [ask("sk-slow"), ask("sk-slow")] == [201, 429]
    slow = purse(accounts, "session app")
    expect(slow.get_by_role("progressbar", name="1/minute")).to_have_attribute("value", "1")
    expect(slow.locator(".limit").first).to_contain_text("1 of 1/minute, all free in")
    accounts.get_by_role("button", name="1 minute").click()
    expect(accounts.get_by_role("article", name="Clock")).to_contain_text("1 min ahead")
    expect(slow.get_by_role("progressbar", name="1/minute")).to_have_attribute("value", "0")
    assert ask("sk-slow") == 201
    accounts.get_by_role("button", name="1 hour").click()
    expect(accounts.get_by_role("article", name="Clock")).to_contain_text("1 h 1 min ahead")


def test_a_limit_that_is_used_is_looked_at_until_it_is_free(accounts: Page, ask: Callable[..., int]) -> None:
    accounts.get_by_label("API key").fill("sk-quick")
    accounts.get_by_label("Rate limit").fill("1/second")
    accounts.get_by_role("button", name="Add", exact=True).click()
    expect(purse(accounts, "added while it runs")).to_have_count(1)
    assert ask("sk-quick") == 201
    quick = purse(accounts, "session app").get_by_role("progressbar")
    expect(quick).to_have_attribute("value", "1")
    expect(quick).to_have_attribute("value", "0")


def test_a_key_is_revoked_and_reinstated(accounts: Page, ask: Callable[..., int]) -> None:
    poor = purse(accounts, "fixtures.yaml:7")
    poor.get_by_role("button", name="Revoke").click()
    revoked = purse(accounts, "revoked")
    expect(revoked).to_have_count(1)
    assert ask("sk-poor") == 401
    revoked.get_by_role("button", name="Reinstate").first.click()
    expect(purse(accounts, "revoked")).to_have_count(0)
    assert ask("sk-poor") == 201


def test_an_account_is_added_and_removed(accounts: Page, ask: Callable[..., int]) -> None:
    accounts.get_by_label("API key").fill("sk-new")
    accounts.get_by_label("Balance").fill("5")
    accounts.get_by_role("button", name="Add", exact=True).click()
    expect(accounts.get_by_role("alert")).to_contain_text("balance")
    accounts.get_by_label("Balance").fill("$0.000001")
    accounts.get_by_role("button", name="Add", exact=True).click()
    new = purse(accounts, "added while it runs")
    expect(new.locator(".left b")).to_have_text("$0.000001")
    expect(accounts.get_by_label("API key")).to_have_value("")
    assert ask("sk-new") == 403
    expect(new).to_have_count(2)  # one more, of the session that asked
    new.first.get_by_role("button", name="Remove").click()
    expect(purse(accounts, "added while it runs")).to_have_count(0)
    assert ask("sk-new") == 201


def test_one_session_is_looked_at_alone(accounts: Page, ask: Callable[..., int]) -> None:
    ask("sk-poor")
    accounts.goto(accounts.url + "?session=app")
    expect(purses(accounts)).to_have_count(3)
    expect(purse(accounts, "session app")).to_have_count(3)
    accounts.get_by_role("button", name="1 hour").click()
    expect(accounts.get_by_role("article", name="Clock")).to_contain_text("1 h ahead")
    accounts.goto(accounts.url.partition("?")[0])
    expect(purses(accounts)).to_have_count(4)
    expect(accounts.get_by_role("article", name="Clock")).to_contain_text("as the machine's")


def test_without_accounts_it_says_that_every_key_is_welcome(start_server: StartServer, page: Page) -> None:
    bare = start_server("fixtures: []")
    page.goto(f"{bare.url}/#/accounts")
    expect(page.get_by_text("every key is welcome")).to_be_visible()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_fits_every_width(own: MockServer, look: Callable[..., Any], size: tuple[int, int]) -> None:
    with look(size, "dark") as page:
        page.goto(f"{own.url}/#/accounts")
        expect(purses(page).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        assert page.evaluate("document.querySelector('main').scrollWidth") <= size[0]
