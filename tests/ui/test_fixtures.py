"""The fixtures view shows fixtures in order, with their hits, and mistakes at their position."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mockserver.testing import MockServer
from tests.conftest import MakeClient, StartServer
from tests.ui.browsing import PHONE, WIDE

FIXTURES = """
fixtures:
- {name: greeting, match: {user: Hello}, response: Good day.}
- {name: weather, match: {user: weather, vendor: [aimlapi, omixa]}, response: {text: Sunny., delay: 1ms}}
- {name: hidden, match: {user: weather in Paris, vendor: omixa}, response: {error: 503}}
- name: retry
  match: {user: {equals: again, not: {contains: x}}}
  responses: [{error: 429, times: 1}, Third time lucky.]
- {name: anything, match: {}, response: {template: true, text: "{{ user }}"}}
"""


@pytest.fixture(scope="module")
def own(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


@pytest.fixture
def fixtures(open_page: Page, own: MockServer) -> Page:
    own.reset()
    open_page.goto(f"{own.url}/#/fixtures")
    open_page.reload()
    expect(rows(open_page)).to_have_count(5)
    expect(open_page.locator("#live")).to_have_text("live")
    return open_page


@pytest.fixture
def client(own: MockServer, make_client: MakeClient) -> Any:
    return make_client(own, "app")


def rows(page: Page) -> Any:
    return page.get_by_role("article", name="Fixtures").locator("tbody tr")


def cells(page: Page, number: int) -> Any:
    return rows(page).locator(f"td:nth-child({number})")


def add(page: Page, yaml: str, session: str = "") -> None:
    page.get_by_label("YAML").fill(yaml)
    page.get_by_label("For session").fill(session)
    page.get_by_role("button", name="Add", exact=True).click()


def test_fixtures_are_listed_in_order_with_match_and_response(fixtures: Page) -> None:
    expect(cells(fixtures, 1)).to_have_text(
        [
            "greeting",
            "weather",
            "hidden shadowed by weather",
            "retry",
            "anything",
        ]
    )
    expect(cells(fixtures, 2)).to_have_text(
        [
            "user Hello",
            "user weather, vendor aimlapi or omixa",
            "user weather in Paris, vendor omixa",
            "user “again” and not contains x",
            "any request",
        ]
    )
    expect(cells(fixtures, 3)).to_have_text(
        ["Good day.", "Sunny.", "status 503", "sequence of 2: status 429", "template true"]
    )
    expect(cells(fixtures, 4)).to_have_text(["never"] * 5)
    expect(cells(fixtures, 5).first).to_have_text("fixtures.yaml:3")


def test_hits_are_updated_at_once(fixtures: Page, client: Any) -> None:
    client.chat(content="Hello")
    client.chat(content="Hello")
    expect(cells(fixtures, 4).first).to_have_text("2")
    expect(cells(fixtures, 1).first).to_have_text("greeting")
    fixtures.get_by_label("State").select_option("never used")
    expect(rows(fixtures)).to_have_count(4)


def test_the_filter_is_kept_in_the_url(fixtures: Page) -> None:
    fixtures.get_by_label("Search").fill("SUNNY")
    expect(cells(fixtures, 1)).to_have_text(["weather"])
    fixtures.get_by_label("Search").fill("")
    fixtures.get_by_label("State").select_option("shadowed")
    expect(cells(fixtures, 1)).to_have_text(["hidden shadowed by weather"])
    assert fixtures.url.endswith("#/fixtures?state=shadowed")
    fixtures.get_by_label("Search").fill("zzz")
    expect(fixtures.get_by_text("No fixture matches the filter.")).to_be_visible()


def test_an_added_fixture_takes_precedence_and_is_removed(fixtures: Page, client: Any) -> None:
    add(fixtures, "name: mine\nmatch: {user: Hello}\nresponse: Ahoy.\n")
    expect(cells(fixtures, 1).first).to_have_text("mine")
    expect(cells(fixtures, 5).first).to_have_text("added for all sessions")
    assert client.chat(content="Hello").json["choices"][0]["message"]["content"] == "Ahoy."
    expect(cells(fixtures, 4).first).to_have_text("1")
    fixtures.get_by_label("State").select_option("added at run time")
    expect(rows(fixtures)).to_have_count(1)
    fixtures.get_by_role("button", name="Remove mine").press("Enter")
    expect(fixtures.get_by_text("No fixture matches the filter.")).to_be_visible()
    assert client.chat(content="Hello").json["choices"][0]["message"]["content"] == "Good day."
    undo = fixtures.get_by_role("button", name="Undo the removal of mine")
    expect(undo).to_be_focused()
    undo.press("Enter")
    expect(cells(fixtures, 1)).to_have_text(["mine"])
    expect(undo).to_be_hidden()
    assert client.chat(content="Hello").json["choices"][0]["message"]["content"] == "Ahoy."


def test_a_fixture_of_a_session_matches_in_no_other(
    fixtures: Page, client: Any, make_client: MakeClient
) -> None:
    add(fixtures, "- {name: ours, match: {user: Hello}, response: Ahoy.}", "app")
    expect(cells(fixtures, 5).first).to_have_text("added for app")
    assert client.chat(content="Hello").json["choices"][0]["message"]["content"] == "Ahoy."
    assert (
        make_client(client.server).chat(content="Hello").json["choices"][0]["message"]["content"]
        == "Good day."
    )
    fixtures.goto(fixtures.url.partition("#")[0] + "#/fixtures?session=another")
    expect(rows(fixtures)).to_have_count(5)
    fixtures.goto(fixtures.url.partition("#")[0] + "#/fixtures?session=app")
    expect(cells(fixtures, 1).nth(1)).to_have_text("greeting shadowed by ours")
    fixtures.get_by_role("button", name="Remove ours").click()
    expect(rows(fixtures)).to_have_count(5)


def test_mistakes_are_shown_at_their_position(fixtures: Page) -> None:
    add(fixtures, "match: {usr: weather}\nresponse: {text: Hello, world}\n")
    problems = fixtures.locator(".problem-item")
    expect(problems).to_have_count(2)
    expect(problems.first).to_contain_text("match.usr unknown key 'usr', did you mean 'user'?")
    expect(problems.first.locator("pre")).to_have_text("match: {usr: weather}\n        ^")
    text = fixtures.get_by_label("YAML")
    expect(text).to_be_focused()
    marked = "(area) => area.value.slice(area.selectionStart, area.selectionEnd)"
    assert text.evaluate(marked) == "match: {usr: weather}"
    fixtures.get_by_role("button", name="Line 2").click()
    assert text.evaluate(marked) == "response: {text: Hello, world}"
    text.press("End")
    text.press("Space")
    expect(problems).to_have_count(0)


def test_a_mistake_without_a_position_is_shown(fixtures: Page) -> None:
    add(fixtures, "{name: taken, match: {}, response: Once.}")
    expect(rows(fixtures)).to_have_count(6)
    add(fixtures, "{name: taken, match: {}, response: Twice.}")
    expect(fixtures.get_by_role("alert").locator(".note")).to_contain_text("PUT replaces it")


def test_mistakes_in_a_file_are_shown_until_they_are_corrected(
    tmp_path: Path, look: Callable[..., Any]
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("fixtures:\n- {name: one, match: {user: a}, response: A}\n")
    with MockServer(file) as server, look() as page:
        page.goto(f"{server.url}/#/fixtures")
        expect(rows(page)).to_have_count(1)
        file.write_text("fixtures:\n- {name: one, match: {usr: a}, response: A}\n- 5\n")
        broken = page.get_by_role("article", name="Mistakes in files")
        expect(broken.get_by_role("heading")).to_have_text("2 mistakes")
        expect(broken.get_by_role("listitem").first).to_contain_text("mine.yaml:2:23 fixtures[0].match.usr")
        expect(rows(page)).to_have_count(1)
        file.write_text(
            "fixtures:\n- {name: one, match: {user: a}, response: A}\n- {match: {user: b}, response: B}\n"
        )
        expect(rows(page)).to_have_count(2)
        expect(broken).to_be_hidden()


@pytest.mark.parametrize("size", [pytest.param(WIDE, marks=pytest.mark.slow), PHONE], ids=["wide", "phone"])
def test_it_fits_every_width(own: MockServer, look: Callable[..., Any], size: tuple[int, int]) -> None:
    own.reset()
    with look(size, "dark") as page:
        page.goto(f"{own.url}/#/fixtures")
        expect(rows(page)).to_have_count(5)
        expect(page.get_by_role("link", name="Fixtures")).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        assert page.evaluate("document.querySelector('main').scrollWidth") <= size[0]
