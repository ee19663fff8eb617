"""The accounts view shows balances and limits as they change; it tops up, revokes and advances the clock."""

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
- {key: sk-poor, name: Free plan, balance: $1.00}
- {key: sk-slow, rate_limit: [1/minute, 100000 tokens/hour]}
- {key: sk-rich, balance: 5000000 credits, forbidden: [o1-mini]}
"""


@pytest.fixture
def own(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


@pytest.fixture
def accounts(page: Page, own: MockServer) -> Page:
    page.goto(f"{own.url}/#/accounts")
    expect(account_cards(page)).to_have_count(3)
    expect(page.locator("#live")).to_have_text("live")
    return page


@pytest.fixture
def ask(own: MockServer, make_client: MakeClient) -> Callable[..., int]:
    client = make_client(own, "app")

    def asked(key: str, **more: Any) -> int:
        return int(client.chat(headers={"Authorization": f"Bearer {key}"}, **more).status)

    return asked


def account_cards(page: Page) -> Any:
    return page.get_by_role("list", name="Accounts").locator("li.account")


def account_card(page: Page, text: str) -> Any:
    return account_cards(page).filter(has_text=text)


def test_spending_is_shown_at_once(accounts: Page, ask: Callable[..., int]) -> None:
    poor = account_card(accounts, "session app")
    expect(account_card(accounts, "fixtures.yaml:7").locator(".balance b")).to_have_text("$1")
    assert ask("sk-poor") == 201
    expect(poor.locator(".balance b")).to_have_text("$0.98425")
    expect(poor).to_contain_text("$0.01575 spent on 1 request")
    expect(poor.get_by_role("heading")).to_have_text("Free plan")
    expect(poor.locator(".account-key")).to_have_text("… (key-0fb7a938)")
    expect(poor.get_by_role("button", name="Top up Free plan")).to_be_visible()


def test_an_account_is_topped_up_in_its_own_unit(accounts: Page, ask: Callable[..., int]) -> None:
    assert ask("sk-rich", model="gpt-4o") == 201
    rich = account_card(accounts, "session app")
    expect(rich).to_contain_text("forbidden models: o1-mini")
    before = rich.locator(".balance b")
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


def test_a_used_limit_is_reset_by_advancing_the_clock(accounts: Page, ask: Callable[..., int]) -> None:
    assert [ask("sk-slow"), ask("sk-slow")] == [201, 429]
    slow = account_card(accounts, "session app")
    expect(slow.get_by_role("progressbar", name="1/minute")).to_have_attribute("value", "1")
    expect(slow.locator(".limit").first).to_contain_text("1 of 1/minute, resets in")
    accounts.get_by_role("button", name="1 minute").click()
    expect(accounts.get_by_role("article", name="Clock")).to_contain_text("1 min ahead")
    expect(slow.get_by_role("progressbar", name="1/minute")).to_have_attribute("value", "0")
    assert ask("sk-slow") == 201
    accounts.get_by_role("button", name="1 hour").click()
    expect(accounts.get_by_role("article", name="Clock")).to_contain_text("1 h 1 min ahead")


def test_a_used_limit_is_updated_until_it_is_reset(accounts: Page, ask: Callable[..., int]) -> None:
    accounts.get_by_label("API key").fill("sk-quick")
    accounts.get_by_label("Rate limit").fill("1/second")
    accounts.get_by_role("button", name="Add", exact=True).click()
    expect(account_card(accounts, "added at run time")).to_have_count(1)
    assert ask("sk-quick") == 201
    quick = account_card(accounts, "session app").get_by_role("progressbar")
    expect(quick).to_have_attribute("value", "1")
    expect(quick).to_have_attribute("value", "0")


def test_a_key_is_revoked_and_reinstated(accounts: Page, ask: Callable[..., int]) -> None:
    poor = account_card(accounts, "fixtures.yaml:7")
    poor.get_by_role("button", name="Revoke").click()
    revoked = account_card(accounts, "revoked")
    expect(revoked).to_have_count(1)
    assert ask("sk-poor") == 401
    revoked.get_by_role("button", name="Reinstate").first.click()
    expect(account_card(accounts, "revoked")).to_have_count(0)
    assert ask("sk-poor") == 201


def test_an_account_is_added_and_removed(accounts: Page, ask: Callable[..., int]) -> None:
    accounts.get_by_label("API key").fill("sk-new")
    accounts.get_by_label("Name").fill("Tests")
    accounts.get_by_label("Balance").fill("5")
    accounts.get_by_role("button", name="Add", exact=True).click()
    expect(accounts.get_by_role("alert")).to_contain_text("balance")
    accounts.get_by_label("Balance").fill("$0.000001")
    accounts.get_by_role("button", name="Add", exact=True).click()
    new = account_card(accounts, "added at run time")
    expect(new.locator(".balance b")).to_have_text("$0.000001")
    expect(new.get_by_role("heading")).to_have_text("Tests")
    expect(accounts.get_by_label("API key")).to_have_value("")
    assert ask("sk-new") == 403
    expect(new).to_have_count(2)  # one more, of the session that sent the request
    new.first.get_by_role("button", name="Remove").click()
    expect(account_card(accounts, "added at run time")).to_have_count(0)
    assert ask("sk-new") == 201


def test_the_accounts_of_one_session_are_shown(accounts: Page, ask: Callable[..., int]) -> None:
    ask("sk-poor")
    accounts.goto(accounts.url + "?session=app")
    expect(account_cards(accounts)).to_have_count(3)
    expect(account_card(accounts, "session app")).to_have_count(3)
    accounts.get_by_role("button", name="1 hour").click()
    expect(accounts.get_by_role("article", name="Clock")).to_contain_text("1 h ahead")
    accounts.goto(accounts.url.partition("?")[0])
    expect(account_cards(accounts)).to_have_count(4)
    expect(accounts.get_by_role("article", name="Clock")).to_contain_text("same as the system clock")


def test_without_accounts_it_says_that_every_key_is_accepted(start_server: StartServer, page: Page) -> None:
    bare = start_server("fixtures: []")
    page.goto(f"{bare.url}/#/accounts")
    expect(page.get_by_text("every key is accepted")).to_be_visible()


@pytest.mark.parametrize("size", [pytest.param(WIDE, marks=pytest.mark.slow), PHONE], ids=["wide", "phone"])
def test_it_fits_every_width(own: MockServer, look: Callable[..., Any], size: tuple[int, int]) -> None:
    with look(size, "dark") as page:
        page.goto(f"{own.url}/#/accounts")
        expect(account_cards(page).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        assert page.evaluate("document.querySelector('main').scrollWidth") <= size[0]
