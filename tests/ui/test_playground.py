"""What the playground sends is what any client would send, and it shows what is heard, as it comes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mockserver.testing import MockServer
from tests.conftest import StartServer
from tests.ui.browsing import PHONE, WIDE

FIXTURES = """
fixtures:
- {name: greeting, match: {user: Hello}, response: Good day.}
- {name: poem, match: {user: poem}, response: {chunks: [Roses, " are", {delay: 1h}, " red"]}}
- {name: cut, match: {user: cut}, response: {chunks: [One, " two", {delay: 1h}, " three"], fault: close@60ms}}
- {name: broken, match: {user: broken}, response: {chunks: [One, " two", " three"], fault: truncated_json@2}}
- {name: overloaded, match: {user: overloaded}, response: {chunks: [One, " two", " three"], fault: error_event@2}}
- {name: thinks, match: {user: think}, response: {reasoning: Let me see., text: "42", finish_reason: stop}}
- name: calls
  match: {user: weather}
  response: {tool_calls: [{name: get_weather, arguments: {city: Paris}}, {name: get_time, arguments: {}}]}
- {name: once, match: {user: sequence}, responses: [{error: 429, retry_after: 7s, times: 1}, At last.]}
- {name: no json, match: {user: no json}, response: {raw: {headers: {content-type: text/plain}, body: Hm.}}}
"""


@pytest.fixture(scope="module")
def own(start_server: StartServer) -> MockServer:
    return start_server(FIXTURES)


@pytest.fixture
def play(open_page: Page, own: MockServer) -> Page:
    """The playground as one finds it, after a reload."""
    own.reset()
    open_page.goto(f"{own.url}/#/playground")
    open_page.reload()
    expect(control(open_page, "Vendor")).to_have_value("aimlapi")
    return open_page


def control(page: Page, name: str) -> Any:
    """A select or an input by its label."""
    return page.locator("label.field", has=page.locator(f'.label:text-is("{name}")')).locator(
        "input, select, textarea"
    )


def panel(page: Page, name: str) -> Any:
    return page.get_by_role("article", name=name)


def send(page: Page, user: str | None = None) -> None:
    if user is not None:
        page.get_by_role("textbox", name="User").fill(user)
    page.get_by_role("button", name="Send").click()


def test_an_answer_is_heard_with_its_times_and_headers(play: Page, own: MockServer) -> None:
    send(play)
    answer = panel(play, "Answer")
    expect(answer.locator(".outcome")).to_have_text("200 answered")
    expect(answer.locator(".said")).to_have_text("Good day.")
    expect(answer.locator(".times")).to_contain_text("first byte")
    expect(answer.locator(".times")).to_contain_text("first token")
    expect(panel(play, "As it was sent")).to_contain_text("x-mock-fixture")
    expect(panel(play, "OpenAI SDK")).to_contain_text("no error")
    expect(panel(play, "OpenAI SDK")).to_contain_text("greeting")
    [request] = own.requests
    assert (request.session, request.stream, request.user) == ("playground", True, "Hello")
    expect(answer.get_by_role("link")).to_have_attribute("href", f"#/requests?id={request.id}")


def test_without_a_stream_the_whole_body_is_heard(play: Page, own: MockServer) -> None:
    play.get_by_label("stream").uncheck()
    play.get_by_role("textbox", name="System").fill("Be brief.")
    control(play, "Model").fill("o3-mini")
    control(play, "Vendor").select_option("omixa")
    expect(control(play, "Model")).to_have_value("o3-mini")
    expect(control(play, "API key")).to_have_value(own.omixa.sample_key)
    send(play)
    expect(panel(play, "Answer").locator(".said")).to_have_text("Good day.")
    [request] = own.requests
    assert request.body == {
        "model": "o3-mini",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
    }


def test_a_vendor_with_the_model_in_its_path_is_asked_there(play: Page, own: MockServer) -> None:
    control(play, "Vendor").select_option("segmind")
    send(play)
    expect(panel(play, "Answer").locator(".said")).to_have_text("Good day.")
    expect(panel(play, "OpenAI SDK")).to_contain_text("No OpenAI client can be pointed at Segmind")
    [request] = own.requests
    assert (request.path, request.model) == ("/v1/o1-preview", "o1-preview")


def test_tokens_appear_as_they_come_until_one_stops_listening(play: Page, own: MockServer) -> None:
    play.get_by_role("textbox", name="User").fill("poem")
    play.get_by_role("textbox", name="User").press("Control+Enter")
    answer = panel(play, "Answer")
    expect(answer.locator(".said")).to_have_text("Roses are")
    expect(answer.locator(".outcome")).to_have_text("200 open")
    expect(play.get_by_role("button", name="Send")).to_be_disabled()
    play.get_by_role("button", name="Stop").click()
    expect(answer.locator(".outcome")).to_have_text("200 client left")
    expect(answer.locator(".note")).to_have_text("You stopped listening.")
    expect(play.get_by_role("button", name="Send")).to_be_enabled()


@pytest.mark.parametrize(
    ("user", "outcome", "said", "note", "raises"),
    [
        ("cut", "200 cut off", "One two", "The connection broke after 3 events.", "APIConnectionError"),
        ("broken", "200 answered", "One two", "is no JSON: {", "JSONDecodeError"),
        ("overloaded", "200 answered", "One two", "is no part of an answer: {", "APIError"),
        ("no json", "200 answered", "Nothing was said.", "The body is no JSON.", "Nobody has measured"),
    ],
)
def test_what_is_odd_about_an_answer_is_said(
    play: Page, user: str, outcome: str, said: str, note: str, raises: str
) -> None:
    send(play, user)
    answer = panel(play, "Answer")
    expect(answer.locator(".outcome")).to_have_text(outcome)
    expect(answer.locator(".said")).to_have_text(said)
    expect(answer.locator(".note").first).to_contain_text(note)
    expect(panel(play, "OpenAI SDK")).to_contain_text(raises)


def test_reasoning_and_tool_calls_are_told_from_text(play: Page) -> None:
    control(play, "Vendor").select_option("omixa")
    said = panel(play, "Answer").locator(".said")
    send(play, "weather")
    expect(said.locator("pre")).to_have_text('get_weather {"city":"Paris"}\nget_time {}')
    send(play, "think")
    expect(said).to_contain_text("42")


def test_an_error_on_demand_is_heard_in_the_vendor_s_words_with_what_the_sdk_raises(play: Page) -> None:
    retry_after = control(play, "Retry-After")
    expect(retry_after).to_be_disabled()
    control(play, "Error").select_option("429")
    retry_after.select_option("5s")
    send(play)
    expect(panel(play, "Answer").locator(".outcome")).to_have_text("429 rate limited")
    expect(panel(play, "Answer").locator(".said pre")).to_contain_text('"statusCode": 429')
    expect(panel(play, "As it was sent")).to_contain_text("retry-after5")
    expect(panel(play, "OpenAI SDK")).to_contain_text("RateLimitError, 3 attempts")


def test_a_connection_that_breaks_at_once_is_no_status(play: Page) -> None:
    control(play, "Fault").select_option("empty")
    send(play)
    expect(panel(play, "Answer").locator(".outcome")).to_have_text("none cut off")
    expect(panel(play, "Answer").locator(".note")).to_have_text(
        "The connection broke before anything was heard."
    )
    play.get_by_label("stream").uncheck()
    control(play, "Fault").select_option("close")
    control(play, "Where it strikes").select_option("@0")
    send(play)
    expect(panel(play, "Answer").locator(".note")).to_have_text("The connection broke within the body.")


def test_what_is_explained_is_the_one_that_is_heard_in_a_sequence(play: Page) -> None:
    send(play, "sequence")
    expect(panel(play, "OpenAI SDK")).to_contain_text("RateLimitError")
    expect(panel(play, "As it was sent")).to_contain_text("retry-after7")
    send(play)
    expect(panel(play, "Answer").locator(".said")).to_have_text("At last.")
    expect(panel(play, "OpenAI SDK")).to_contain_text("no error")


def test_what_cannot_be_explained_says_why_and_is_sent_nevertheless(play: Page) -> None:
    play.get_by_role("textbox", name="Session").fill("")
    control(play, "Model").fill("a/b")
    play.route(
        "**/_mock/explain", lambda route: route.fulfill(status=500, json={"error": {"message": "Ow."}})
    )
    send(play)
    expect(panel(play, "OpenAI SDK")).to_contain_text("Ow.")
    expect(panel(play, "Answer").locator(".said")).to_have_text("Good day.")
    play.unroute("**/_mock/explain")


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "body"])
@pytest.mark.parametrize("vendor", ["aimlapi", "segmind"])
def test_the_python_code_asks_the_same(play: Page, own: MockServer, vendor: str, stream: bool) -> None:
    control(play, "Vendor").select_option(vendor)
    play.get_by_label("stream").set_checked(stream)
    play.get_by_role("textbox", name="User").fill('Hello "Ada"\nit\'s me \\ ☂')
    expect(panel(play, "Code").locator("pre")).to_contain_text("it's me")
    code = panel(play, "Code").locator("pre").inner_text()
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=50)
    assert "Good" in ran.stdout
    [request] = own.requests
    assert (request.session, request.user) == ("playground", 'Hello "Ada"\nit\'s me \\ ☂')
    assert request.stream is stream


def test_the_command_asks_the_same_and_is_copied(play: Page, own: MockServer) -> None:
    play.context.grant_permissions(["clipboard-read", "clipboard-write"])
    play.get_by_role("textbox", name="User").fill("Hello, it's me")
    control(play, "Error").select_option("503")
    play.get_by_role("button", name="curl").click()
    expect(panel(play, "Code").locator("pre")).to_contain_text("x-mock-error")
    panel(play, "Code").get_by_role("button", name="Copy").click()
    expect(panel(play, "Code").get_by_role("button", name="Copied")).to_be_visible()
    command = play.evaluate("navigator.clipboard.readText()")
    ran = subprocess.run(["sh", "-c", command], check=True, capture_output=True, timeout=50)
    assert b"503" in ran.stdout
    [request] = own.requests
    assert (request.user, request.status, request.session) == ("Hello, it's me", 503, "playground")


def test_where_a_page_may_not_copy_the_text_is_marked(play: Page) -> None:
    play.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('no')))")
    panel(play, "Code").get_by_role("button", name="Copy").click()
    expect(panel(play, "Code").get_by_role("button", name="Marked")).to_be_visible()
    assert play.evaluate("String(getSelection())").startswith("from openai")


def test_what_is_written_before_the_vendors_are_known_is_not_lost(
    own: MockServer, look: Callable[..., Any]
) -> None:
    with look() as page:
        page.add_init_script(
            """const real = fetch;
            const held = [];
            globalThis.release = () => held.forEach((go) => go());
            globalThis.fetch = (url, more) =>
              url.endsWith("/_mock") ? new Promise((done) => held.push(() => done(real(url, more)))) : real(url, more);
            """
        )
        page.goto(f"{own.url}/#/playground")
        page.get_by_role("textbox", name="User").fill("poem")
        control(page, "Model").fill("mine")
        page.get_by_role("textbox", name="User").press("Control+Enter")
        expect(page.get_by_role("button", name="Send")).to_be_disabled()
        page.evaluate("release()")
        expect(control(page, "API key")).to_have_value(own.aimlapi.sample_key)
        expect(page.get_by_role("textbox", name="User")).to_have_value("poem")
        expect(control(page, "Model")).to_have_value("mine")
        expect(page.get_by_role("button", name="Send")).to_be_enabled()


def test_a_filter_on_a_vendor_is_the_choice_of_that_vendor(own: MockServer, look: Callable[..., Any]) -> None:
    with look() as page:
        page.goto(f"{own.url}/#/playground?vendor=omixa")
        expect(control(page, "Vendor")).to_have_value("omixa")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_fits_every_width(own: MockServer, look: Callable[..., Any], size: tuple[int, int]) -> None:
    with look(size, "dark") as page:
        page.goto(f"{own.url}/#/playground")
        send(page)
        expect(panel(page, "Answer").locator(".said")).to_have_text("Good day.")
        assert page.evaluate("document.querySelector('main').scrollWidth") <= size[0]
