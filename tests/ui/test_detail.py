"""The detail panel: conversation, request and response, match, and actions."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mockserver.sessions.memory_journal import MemoryJournal
from mockserver.testing import MockServer
from tests.conftest import Json, StartServer
from tests.ui.browsing import PHONE, WIDE

Ask = Callable[..., Any]
Look = Callable[..., Any]

FIXTURES = """
fixtures:
- name: weather
  match: {user: weather, body: {temperature: 1}}
  response: {tool_calls: [{name: look, arguments: {in: Rome}}]}
- {name: any, match: {model: o1-*}, response: {reasoning: Let me see., text: It is fine.}}
"""
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5C"
    "YII="
)
SEEN: list[Json] = [{"type": "text", "text": "See this."}, {"type": "image_url", "image_url": {"url": PIXEL}}]
TALK: list[Json] = [
    {"role": "user", "content": SEEN},
    {"role": "assistant", "content": "I see."},
    {"role": "user", "content": "What is the weather?"},
]


@pytest.fixture
def own(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


@pytest.fixture
def panel(own: MockServer, page: Page) -> Any:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{own.url}/#/requests")
    return page.locator("#detail")


def open_newest(panel: Any, count: int = 1) -> Any:
    """Open the newest of so many requests with a click."""
    times = panel.page.locator("tbody td.col-time a")
    expect(times).to_have_count(count)
    times.first.click()
    return panel


def tab(panel: Any, name: str) -> Any:
    panel.get_by_role("tab", name=name).click()
    return panel.get_by_role("tabpanel", name=name)


def copied(panel: Any, what: str) -> str:
    panel.get_by_role("button", name=what).click()
    expect(panel.get_by_role("button", name="Copied")).to_be_visible()
    return str(panel.page.evaluate("navigator.clipboard.readText()"))


def test_messages_are_shown_as_a_conversation(asked: Ask, panel: Any) -> None:
    asked(TALK, model="o1", temperature=1)
    turns = open_newest(panel).locator(".message")
    expect(turns).to_have_text(
        ["userSee this.", "assistantI see.", "userWhat is the weather?", re.compile(CALLED)]
    )
    expect(turns.nth(0).locator("img")).to_have_attribute("src", PIXEL)
    expect(panel.get_by_role("heading", level=2)).to_be_focused()


def test_the_attempts_of_a_call_are_linked(asked: Ask, panel: Any) -> None:
    asked("Hello", headers={"X-Mock-Error": "503"})
    asked("Hello")
    nav = open_newest(panel, 2).get_by_role("navigation")
    expect(nav).to_contain_text("attempt 2 of 2")
    expect(panel.locator("dl").first).to_contain_text(re.compile(r"tokens\d+ in, \d+ outcost\$0\.\d+"))
    nav.get_by_role("link", name="Previous attempt").click()
    expect(panel.get_by_role("heading", level=2)).to_contain_text("503")
    expect(nav).to_contain_text("attempt 1 of 2")
    nav.get_by_role("link", name="Next attempt").click()
    expect(panel.get_by_role("heading", level=2)).to_contain_text("201")


def test_the_chunks_of_a_stream_are_joined(asked: Ask, panel: Any) -> None:
    asked("Hello", vendor="omixa", stream=True, show_thinking=True)
    expect(open_newest(panel).locator(".message").last).to_have_text("assistantLet me see.It is fine.")
    expect(panel.locator("dl").first).to_contain_text(re.compile(r"first token[\d.]+ ms"))
    events = tab(panel, "Request and response").locator(".events li")
    expect(events.last).to_contain_text("[DONE]")
    expect(events.first).to_contain_text(re.compile(r"\d ms"))


def test_an_error_is_shown_with_the_vendor_s_message(asked: Ask, panel: Any) -> None:
    asked("Hello", vendor="segmind", headers={"X-Mock-Error": "429", "X-Mock-Retry-After": "2s"})
    expect(open_newest(panel).locator(".note")).to_have_text(re.compile("."))
    expect(panel.locator("dl").first).to_contain_text("Retry-After2 s")
    wire = tab(panel, "Request and response")
    expect(wire).to_contain_text("Response 429")
    wire.locator("summary").last.click()
    expect(wire.locator("dl").last).to_contain_text("retry-after2")


def test_each_field_of_a_near_miss_is_matched_or_not(asked: Ask, panel: Any) -> None:
    asked("How is the weather?", temperature=2)
    match = tab(open_newest(panel), "Match")
    expect(match.get_by_label("The fixture that matched").locator("li li")).to_have_text(
        ["matched: model o1-*"]
    )
    near = match.get_by_label("Fixtures that did not match")
    expect(near.get_by_role("heading")).to_contain_text(["weather"])
    expect(near.locator("li li")).to_have_text(
        ["matched: user weather", "not matched: body.temperature expected 1, found 2"]
    )


@pytest.mark.parametrize(
    ("sent", "answer", "explained"),
    [
        ({"headers": {"Authorization": ""}}, "refused", "The request was refused before a fixture answered."),
        ({"model": "gpt-4o"}, "generated", "No fixture matched; the reply was generated."),
    ],
)
def test_an_answer_without_a_fixture_is_explained(
    asked: Ask, panel: Any, sent: Json, answer: str, explained: str
) -> None:
    asked("Hello", **sent)
    expect(panel.page.locator("tbody td.col-fixture")).to_have_text([re.compile(f"^{answer}")])
    expect(panel.page.locator("tbody tr.unmatched")).to_have_count(int(answer == "generated"))
    expect(open_newest(panel)).to_contain_text(f"answer{answer}")
    if answer == "refused":
        expect(panel).to_contain_text("reasonfound no API key, expected the header authorization")
    expect(tab(panel, "Match")).to_contain_text(explained)


def test_the_curl_command_sends_the_same_request(own: MockServer, asked: Ask, panel: Any) -> None:
    asked("It's $(me)", headers={"x-`id`": "'; exit 7; '"})
    open_newest(panel)
    command = copied(panel, "Copy as curl")
    ran = subprocess.run(["sh", "-c", command], check=True, capture_output=True, timeout=50)
    assert b"It is fine." in ran.stdout
    sent, repeated = own.requests
    assert (repeated.session, repeated.body) == (sent.session, sent.body)
    assert repeated.headers["x-`id`"] == "'; exit 7; '"


@pytest.mark.parametrize(
    ("vendor", "fields"),
    [
        ("aimlapi", {}),
        pytest.param("omixa", {"show_thinking": True}, marks=pytest.mark.slow),  # no parameter of the SDK
        pytest.param("omixa", {"stream": True}, marks=pytest.mark.slow),
        pytest.param("segmind", {}, marks=pytest.mark.slow),  # no API for the SDK
    ],
)
def test_the_python_code_sends_the_same_request(
    own: MockServer, asked: Ask, panel: Any, vendor: str, fields: Json
) -> None:
    asked("Hello", vendor=vendor, **fields)
    open_newest(panel)
    code = copied(panel, "Copy as Python")
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=50)
    assert "It is fine." in ran.stdout
    sent, repeated = own.requests
    assert (repeated.session, repeated.path, repeated.body) == (sent.session, sent.path, sent.body)


def test_the_query_is_shown_and_copied(own: MockServer, panel: Any, make_client: Any) -> None:
    client = make_client(own, "app")
    client.connection.request("POST", "/aimlapi/v1/chat/completions?a=1&key=hunter2", POEM, HEADERS)
    client.connection.getresponse().read()
    expect(open_newest(panel).locator("dl").first).to_contain_text("/v1/chat/completions?a=1&key=%E2%80%A6")
    assert "/v1/chat/completions?a=1&key=any-key" in copied(panel, "Copy as Python")
    expect(panel.get_by_role("button", name="Copy as curl")).to_be_visible()


def test_a_replay_is_another_request(own: MockServer, asked: Ask, panel: Any) -> None:
    asked("Hello")
    open_newest(panel)
    before = panel.page.url
    panel.get_by_role("button", name="Replay").click()
    expect(panel.page.locator("tbody tr")).to_have_count(2)
    expect(panel.page.locator("tbody tr[aria-current]")).to_have_count(1)
    assert panel.page.url != before
    assert [request.user for request in own.requests] == ["Hello", "Hello"]


def test_a_request_is_made_a_fixture_and_added(asked: Ask, panel: Any) -> None:
    asked("Good morning")
    open_newest(panel)
    panel.get_by_role("button", name="Make a fixture").click()
    dialog = panel.page.get_by_role("dialog")
    text = dialog.get_by_role("textbox")
    expect(text).to_have_value(re.compile("equals: Good morning"))
    text.fill("{name: oops, match: {usr: x}, response: y}")
    dialog.get_by_role("button", name="Add for app").click()
    expect(dialog.get_by_role("alert")).to_contain_text("did you mean 'user'")
    text.fill("{name: mine, match: {}, response: Another one.}")
    dialog.get_by_role("button", name="Add for app").click()
    expect(dialog).to_have_count(0)
    assert asked("Good morning").json["choices"][0]["message"]["content"] == "Another one."
    assert asked("Good morning", session="else").json["choices"][0]["message"]["content"] == "It is fine."


def test_escape_closes_it_and_restores_the_focus(asked: Ask, panel: Any) -> None:
    asked("Hello")
    link = panel.page.locator("tbody td.col-time a")
    link.focus()
    panel.page.keyboard.press("Enter")
    expect(panel.get_by_role("heading", level=2)).to_be_focused()
    panel.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(link).to_be_focused()


def test_arrow_keys_select_tabs(asked: Ask, panel: Any) -> None:
    asked("Hello")
    open_newest(panel).get_by_role("tab", name="Conversation").focus()
    panel.page.keyboard.press("ArrowLeft")
    expect(panel.get_by_role("tab", name="Match")).to_be_focused()
    expect(panel.get_by_role("tab", name="Match")).to_have_attribute("aria-selected", "true")
    panel.page.keyboard.press("ArrowRight")
    expect(panel.get_by_role("tabpanel", name="Conversation")).to_be_visible()


def test_an_open_request_is_updated_when_it_ends(
    asked: Ask, own: MockServer, panel: Any, make_client: Any
) -> None:
    own.on(user="poem").reply("A poem.", delay="1h")
    client = make_client(own, "app")
    client.connection.request("POST", "/aimlapi/v1/chat/completions", POEM, HEADERS)
    expect(open_newest(panel).locator("dl").first).to_contain_text("still open")
    client.connection.close()
    expect(panel.get_by_role("heading", level=2)).to_contain_text("client left")


def test_an_evicted_request_is_reported_as_not_found(own: MockServer, page: Page) -> None:
    page.goto(f"{own.url}/#/requests?id=req-0")
    expect(page.locator("#detail")).to_contain_text("the journal has no request 'req-0'")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#detail")).to_be_hidden()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_it_is_beside_the_view_or_replaces_it(
    own: MockServer, asked: Ask, look: Look, size: tuple[int, int], scheme: str
) -> None:
    asked(TALK, model="o1", temperature=1)
    with look(size, scheme) as page:
        page.goto(f"{own.url}/#/requests?id={own.requests[0].id}")
        expect(page.locator("#detail .message")).to_have_count(4)
        expect(page.locator("main")).to_be_visible(visible=size == WIDE)
        columns = page.locator("th:visible")
        if size == WIDE:
            expect(columns).to_have_text(
                ["Time", "Status", "Session", "Model", "Fixture", "Total", "Message"]
            )
        for name in ("Request and response", "Match"):
            tab(page.locator("#detail"), name)
            assert page.evaluate("document.documentElement.scrollWidth") == size[0]


CALLED = r'assistantlook\(\{"in": ?"Rome"\}\)'
POEM = '{"model": "o1-mini", "messages": [{"role": "user", "content": "poem"}]}'
HEADERS = {"authorization": "Bearer any", "content-type": "application/json", "x-mock-session": "app"}


def test_dropped_bodies_are_reported(own: MockServer, asked: Ask, panel: Any) -> None:
    journal = own._pipeline.store.journal
    assert isinstance(journal, MemoryJournal)
    journal.max_bytes = 100_000
    asked("Hello", padding="x" * 80_000)
    asked("Hello", padding="x" * 80_000)
    panel.page.locator("tbody td.col-time a").last.click()
    expect(panel).to_contain_text("The journal has dropped the bodies of this request and its answer")
    expect(panel).to_contain_text("answerfixture any")
    expect(panel.get_by_role("tab")).to_have_count(0)
