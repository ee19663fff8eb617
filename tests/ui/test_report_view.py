"""The view of the report, and the calls that the server groups for the other views."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from mockserver.testing import MockServer
from tests.conftest import MakeClient


def test_findings_are_listed_with_their_requests(
    own: MockServer, make_client: MakeClient, page: Page
) -> None:
    page.goto(f"{own.url}/#/report")
    expect(page.get_by_role("status").filter(has_text="about")).to_have_text(
        "0 errors and 0 advice about 0 requests in 0 calls"
    )
    client = make_client(own, "stubborn")
    for _ in range(6):
        client.chat(headers={"X-Mock-Error": "401"})
    row = page.locator("tr[data-rule=permanent-error-retried]")
    expect(row).to_contain_text("tried again after 401, 5 times")
    expect(row).to_contain_text("Retry 408, 409, 429 and 5xx only.")
    expect(row.locator("td").first).to_have_text("error")
    expect(row).to_contain_text(re.compile(r"and 2 more in \d"))
    row.get_by_role("link").first.click()
    expect(page.locator("#detail")).to_be_visible()
    make_client(own, "other").chat(headers={"X-Mock-Error": "429"})
    expect(page.locator("tr[data-rule=gave-up-early]")).to_contain_text("gave up after 429")
    page.goto(f"{own.url}/#/report?session=other")
    expect(page.locator("tr[data-rule]")).to_have_count(1)


def test_findings_are_beside_the_calls_and_in_the_detail(
    own: MockServer, make_client: MakeClient, page: Page
) -> None:
    client = make_client(own, "stubborn")
    for _ in range(3):
        client.chat(headers={"X-Mock-Error": "401"})
    hasty = make_client(own, "hasty")
    for _ in range(3):
        hasty.chat(headers={"X-Mock-Error": "429", "X-Mock-Retry-After": "9s"})
    page.goto(f"{own.url}/#/timeline")
    # Two waits were too short; the rule is named once.
    expect(page.get_by_role("link", name="error: retry after shortened")).to_have_count(1)
    named = page.locator(".lanes .lane").get_by_role("link", name="error: permanent error retried")
    expect(named).to_have_attribute("title", re.compile("tried again after 401"))
    page.locator(".lanes .lane").last.locator("a.bar").first.press("Enter")  # the bars overlap
    found = page.get_by_role("list", name="Findings").locator("[data-rule=permanent-error-retried]")
    expect(found).to_contain_text("error tried again after 401")
    expect(found).to_contain_text("Retry 408, 409, 429 and 5xx only.")
    make_client(own, "well-behaved").chat()
    page.get_by_role("link", name="well-behaved").click()
    expect(page.get_by_role("list", name="Findings")).to_be_hidden()
    named.click()
    expect(page.locator("tr[data-rule=permanent-error-retried]")).to_be_visible()
    assert page.url.endswith("#/report?session=stubborn")


def test_an_incomplete_journal_is_reported(own: MockServer, make_client: MakeClient, page: Page) -> None:
    journal = own._pipeline.store.journal
    journal.max_entries = 2  # type: ignore[misc]
    client = make_client(own, "busy")
    for _ in range(3):
        client.chat()
    page.goto(f"{own.url}/#/report")
    expect(page.locator(".note")).to_contain_text("1 request was evicted")


def test_requests_are_verified(own: MockServer, make_client: MakeClient, page: Page) -> None:
    client = make_client(own, "checked")
    client.chat(content="Hello")
    client.chat(content="Good night")
    page.goto(f"{own.url}/#/report?session=checked")
    form = page.get_by_role("form", name="Verify requests")
    form.get_by_role("button", name="Verify").click()
    expect(form.get_by_role("status")).to_contain_text("As expected: 1 matching request.")
    expect(form.get_by_role("list", name="Matching requests").get_by_role("link")).to_have_count(1)
    form.get_by_label("At least").fill("2")
    form.get_by_label("At most").fill("3")
    form.get_by_label("At most").press("Enter")
    expect(form.get_by_role("status")).to_contain_text("expected 2 to 3 requests like user")
    expect(form.get_by_role("list", name="Near misses")).to_contain_text(re.compile("found .*Good night"))
    form.get_by_role("list", name="Near misses").get_by_role("link").click()
    expect(page.locator("#detail")).to_contain_text("Good night")
    form.get_by_label("YAML: a match").fill("")
    form.get_by_label("At least").fill("")
    form.get_by_role("button", name="Verify").click()
    expect(form.get_by_role("status")).to_contain_text("As expected: 2 matching requests.")
    form.get_by_label("YAML: a match").fill("model: nothing\nusr: x")
    form.get_by_role("button", name="Verify").click()
    expect(form.get_by_role("status")).to_contain_text("unknown key 'usr'")
