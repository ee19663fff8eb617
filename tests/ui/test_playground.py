"""The playground sends requests as any client would, and shows the response as it arrives."""

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
- {name: torn, match: {user: torn}, response: {chunks: [One, " two", " three", " four"], fault: reset@3}}
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
    """The playground after a reload."""
    own.reset()
    open_page.goto(f"{own.url}/#/playground")
    open_page.reload()
    expect(control(open_page, "Vendor")).to_have_value("aimlapi")
    return open_page


def control(page: Page, name: str) -> Any:
    """Return a select or an input by its label."""
    return page.locator("label.field", has=page.locator(f'.label:text-is("{name}")')).locator(
        "input, select, textarea"
    )


def panel(page: Page, name: str) -> Any:
    return page.get_by_role("article", name=name)


def send(page: Page, user: str | None = None) -> None:
    if user is not None:
        page.get_by_role("textbox", name="User").fill(user)
    page.get_by_role("button", name="Send").click()


def test_a_response_is_shown_with_its_times_and_headers(play: Page, own: MockServer) -> None:
    send(play)
    answer = panel(play, "Response")
    expect(answer.locator(".outcome")).to_have_text("200 answered")
    expect(answer.locator(".response-content")).to_have_text("Good day.")
    expect(answer.locator(".times")).to_contain_text("first byte")
    expect(answer.locator(".times")).to_contain_text("first token")
    expect(panel(play, "Raw response")).to_contain_text("x-mock-fixture")
    expect(panel(play, "OpenAI SDK")).to_contain_text("no error")
    expect(panel(play, "OpenAI SDK")).to_contain_text("greeting")
    [request] = own.requests
    assert (request.session, request.stream, request.user) == ("playground", True, "Hello")
    expect(answer.get_by_role("link")).to_have_attribute("href", f"#/requests?id={request.id}")


def test_without_a_stream_the_body_is_shown(play: Page, own: MockServer) -> None:
    play.get_by_label("stream").uncheck()
    play.get_by_role("textbox", name="System").fill("Be brief.")
    control(play, "Model").fill("o3-mini")
    control(play, "Vendor").select_option("omixa")
    expect(control(play, "Model")).to_have_value("o3-mini")
    expect(control(play, "API key")).to_have_value(own.omixa.sample_key)
    send(play)
    expect(panel(play, "Response").locator(".response-content")).to_have_text("Good day.")
    [request] = own.requests
    assert request.body == {
        "model": "o3-mini",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
    }


def test_the_headers_are_those_of_the_response_that_is_shown(play: Page) -> None:
    for vendor in ("aimlapi", "omixa", "aimlapi"):
        control(play, "Vendor").select_option(vendor)
        control(play, "Error").select_option("500")
        with play.expect_response("**/chat/completions") as sent:
            send(play)
        shown = panel(play, "Raw response").get_by_text("x-mock-request-id").locator("+ dd")
        expect(shown).to_have_text(sent.value.headers["x-mock-request-id"])


def test_a_vendor_may_have_the_model_in_its_path(play: Page, own: MockServer) -> None:
    control(play, "Vendor").select_option("segmind")
    send(play)
    expect(panel(play, "Response").locator(".response-content")).to_have_text("Good day.")
    expect(panel(play, "OpenAI SDK")).to_contain_text("The OpenAI SDK cannot be used with Segmind")
    [request] = own.requests
    assert (request.path, request.model) == ("/v1/o1-preview", "o1-preview")


def test_tokens_appear_as_they_arrive_until_stop(play: Page, own: MockServer) -> None:
    play.get_by_role("textbox", name="User").fill("poem")
    play.get_by_role("textbox", name="User").press("Control+Enter")
    answer = panel(play, "Response")
    expect(answer.locator(".response-content")).to_have_text("Roses are")
    expect(answer.locator(".outcome")).to_have_text("200 open")
    expect(play.get_by_role("button", name="Send")).to_be_disabled()
    play.get_by_role("button", name="Stop").click()
    expect(answer.locator(".outcome")).to_have_text("200 client left")
    expect(answer.locator(".note")).to_have_text("You stopped the request.")
    expect(play.get_by_role("button", name="Send")).to_be_enabled()


@pytest.mark.parametrize(
    ("user", "outcome", "content", "note", "sdk_outcome"),
    [
        ("cut", "200 cut off", "One two", "The connection broke after 3 events", "APIConnectionError"),
        ("torn", "200 cut off", "One two three", "The connection broke after 4 events", "APIConnectionError"),
        ("broken", "200 answered", "One two", "is not JSON: {", "JSONDecodeError"),
        ("overloaded", "200 answered", "One two", "is not a completion chunk: {", "APIError"),
        ("no json", "200 answered", "No content.", "The body is not JSON.", "Not known"),
    ],
)
def test_an_unusual_response_gets_a_note(
    play: Page, user: str, outcome: str, content: str, note: str, sdk_outcome: str
) -> None:
    send(play, user)
    answer = panel(play, "Response")
    expect(answer.locator(".outcome")).to_have_text(outcome)
    expect(answer.locator(".response-content")).to_have_text(content)
    expect(answer.locator(".note").first).to_contain_text(note)
    expect(panel(play, "OpenAI SDK")).to_contain_text(sdk_outcome)


def test_reasoning_and_tool_calls_are_distinguished_from_text(play: Page) -> None:
    control(play, "Vendor").select_option("omixa")
    content = panel(play, "Response").locator(".response-content")
    send(play, "weather")
    expect(content.locator("pre")).to_have_text('get_weather {"city":"Paris"}\nget_time {}')
    send(play, "think")
    expect(content).to_contain_text("42")


def test_an_injected_error_has_the_vendor_s_message_and_the_sdk_s_exception(play: Page) -> None:
    retry_after = control(play, "Retry-After")
    expect(retry_after).to_be_disabled()
    control(play, "Error").select_option("429")
    retry_after.select_option("5s")
    send(play)
    expect(panel(play, "Response").locator(".outcome")).to_have_text("429 rate limited")
    expect(panel(play, "Response").locator(".response-content pre")).to_contain_text('"status": 429')
    expect(panel(play, "Raw response")).to_contain_text("retry-after5")
    expect(panel(play, "OpenAI SDK")).to_contain_text("RateLimitError, 3 attempts")


def test_sending_again_is_no_retry_of_a_client(play: Page) -> None:
    control(play, "Error").select_option("429")
    control(play, "Retry-After").select_option("30s")
    for _ in range(2):
        with play.expect_response("**/chat/completions"):
            send(play)
        expect(play.get_by_role("button", name="Send")).to_be_enabled()
    play.get_by_role("link", name="Timeline").click()
    expect(play.locator(".lanes .lane")).to_have_count(2)
    expect(play.locator(".assessment.bad")).to_have_count(0)


def test_a_connection_that_breaks_at_once_has_no_status(play: Page) -> None:
    control(play, "Fault").select_option("empty")
    send(play)
    expect(panel(play, "Response").locator(".outcome")).to_have_text("none cut off")
    expect(panel(play, "Response").locator(".note")).to_have_text(
        "The connection broke before a response arrived."
    )
    play.get_by_label("stream").uncheck()
    control(play, "Fault").select_option("close")
    control(play, "Fault point").select_option("@0")
    send(play)
    expect(panel(play, "Response").locator(".note")).to_have_text("The connection broke within the body.")


def test_in_a_sequence_the_current_response_is_explained(play: Page) -> None:
    send(play, "sequence")
    expect(panel(play, "OpenAI SDK")).to_contain_text("RateLimitError")
    expect(panel(play, "Raw response")).to_contain_text("retry-after7")
    send(play)
    expect(panel(play, "Response").locator(".response-content")).to_have_text("At last.")
    expect(panel(play, "OpenAI SDK")).to_contain_text("no error")


def test_a_request_is_sent_even_if_it_cannot_be_explained(play: Page) -> None:
    play.get_by_role("textbox", name="Session").fill("")
    control(play, "Model").fill("a/b")
    play.route(
        "**/_mock/explain", lambda route: route.fulfill(status=500, json={"error": {"message": "Ow."}})
    )
    send(play)
    expect(panel(play, "OpenAI SDK")).to_contain_text("Ow.")
    expect(panel(play, "Response").locator(".response-content")).to_have_text("Good day.")
    play.unroute("**/_mock/explain")


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "body"])
@pytest.mark.parametrize("vendor", [pytest.param("aimlapi", marks=pytest.mark.slow), "segmind"])
def test_the_python_code_sends_the_same_request(
    play: Page, own: MockServer, vendor: str, stream: bool
) -> None:
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


def test_the_curl_command_is_copied_and_sends_the_same_request(play: Page, own: MockServer) -> None:
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


@pytest.mark.parametrize(
    "stream", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["stream", "body"]
)
def test_the_python_code_for_the_responses_api_sends_the_same_request(
    play: Page, own: MockServer, stream: bool
) -> None:
    control(play, "API").select_option("responses")
    play.get_by_role("checkbox", name="stream").set_checked(stream)
    last = "print(event.delta" if stream else "print(response.output_text"
    expect(panel(play, "Code").locator("pre")).to_contain_text(last)
    code = panel(play, "Code").locator("pre").inner_text()
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=50)
    assert ran.stdout.strip() == "Good day."
    [request] = own.requests
    assert (request.path, request.user, request.stream) == ("/v1/responses", "Hello", stream)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "body"])
def test_the_responses_api_has_typed_events(play: Page, own: MockServer, stream: bool) -> None:
    control(play, "API").select_option("responses")
    expect(control(play, "Model")).to_have_value("o3-mini")  # o1-preview is not served
    play.get_by_role("textbox", name="System").fill("Be brief.")
    play.get_by_role("checkbox", name="stream").set_checked(stream)
    send(play)
    answer = panel(play, "Response")
    expect(answer.locator(".response-content")).to_have_text("Good day.")
    expect(answer.locator(".times")).to_contain_text("first token" if stream else "total")
    events = panel(play, "Raw response").locator("details", has_text="Events").first
    if stream:
        expect(events).to_contain_text("response.created")
        expect(events).to_contain_text("response.output_text.delta × 3")
        expect(events.get_by_role("listitem").last).to_have_text("response.completed")
    else:
        expect(events).to_be_hidden()
    expect(answer.locator(".note")).to_have_count(0)
    [request] = own.requests
    assert (request.path, request.body["instructions"]) == ("/v1/responses", "Be brief.")
    control(play, "Vendor").select_option("segmind")
    expect(control(play, "API")).to_be_disabled()
    expect(control(play, "API")).to_have_value("chat")


@pytest.mark.parametrize(
    ("user", "fault", "content", "note"),
    [
        ("weather", "", 'get_weather {"city":"Paris"}\nget_time {}', None),
        ("broken", "", "One two", "is not JSON: response.output_text.delta"),
        ("Hello", "end_early@1", "Good", "The stream ended without response.completed."),
        ("torn", "", "One two", "The connection broke after"),
    ],
)
def test_unusual_responses_of_the_responses_api(
    play: Page, user: str, fault: str, content: str, note: str | None
) -> None:
    control(play, "API").select_option("responses")
    name, _, point = fault.partition("@")
    control(play, "Fault").select_option(name)
    if fault:
        control(play, "Fault point").select_option(f"@{point}")
    send(play, user)
    expect(panel(play, "Response").locator(".response-content")).to_contain_text(content)
    if note:
        expect(panel(play, "Response").locator(".note").first).to_contain_text(note)


def test_samples_are_clicked(play: Page, own: MockServer) -> None:
    samples = play.get_by_role("group", name="Samples")
    answer = panel(play, "Response")
    samples.get_by_role("button", name="mock 429").click()
    expect(play.get_by_role("button", name="Send")).to_be_focused()
    send(play)
    expect(answer.locator(".outcome")).to_have_text("429 rate limited")
    samples.get_by_role("button", name="a tool").click()
    send(play)
    expect(answer.locator(".response-content pre")).to_contain_text('get_weather {"city":')
    samples.get_by_role("button", name="a JSON schema").click()
    for api in ("chat", "responses"):
        control(play, "API").select_option(api)
        send(play)
        expect(answer.locator(".response-content p")).to_contain_text('"sentiment":')
    samples.get_by_role("button", name="mock words").click()
    expect(control(play, "With")).to_have_value("")
    first, second = own.requests[1].body, own.requests[3].body
    assert first["tools"][0]["function"]["name"] == "get_weather"
    assert second["text"]["format"]["name"] == "review"


def test_a_stream_has_the_chosen_pace(play: Page, own: MockServer) -> None:
    control(play, "Pace").select_option("10000")
    send(play)
    expect(panel(play, "Response").locator(".response-content")).to_have_text("Good day.")
    [request] = own.requests
    assert request.headers["x-mock-fault"] == "slow=10000"
    play.get_by_role("checkbox", name="stream").uncheck()
    expect(control(play, "Pace")).to_be_disabled()
    expect(panel(play, "Code").locator("pre")).not_to_contain_text("slow=")
    play.get_by_role("checkbox", name="stream").check()
    control(play, "Fault").select_option("no_done")
    expect(control(play, "Pace")).to_be_disabled()
    expect(panel(play, "Code").locator("pre")).to_contain_text('"x-mock-fault": "no_done"')


def test_a_request_is_repeated(play: Page, own: MockServer) -> None:
    results = panel(play, "Repeated requests")
    expect(results).to_be_hidden()
    play.get_by_role("textbox", name="User").fill("sequence")
    play.get_by_role("button", name="Repeat 10 times").click()
    expect(results.get_by_role("status")).to_have_text("10 of 10")
    expect(results.get_by_role("listitem").first).to_contain_text("429 rate limited")
    expect(results.get_by_role("listitem").last).to_contain_text("answered")
    ids = [request.id for request in own.requests]
    expect(results.get_by_role("link")).to_have_text(ids)
    send(play, "Hello")
    expect(panel(play, "Response").locator(".response-content")).to_have_text("Good day.")
    expect(results).to_be_hidden()


def test_a_repetition_is_stopped(play: Page, own: MockServer) -> None:
    play.get_by_role("textbox", name="User").fill("poem")
    play.get_by_role("button", name="Repeat 10 times").click()
    expect(panel(play, "Response").locator(".response-content")).to_have_text("Roses are")
    expect(play.get_by_role("button", name="Send")).to_be_disabled()
    play.get_by_role("button", name="Stop", exact=True).click()
    results = panel(play, "Repeated requests")
    expect(results.get_by_role("listitem")).to_have_count(1)
    expect(results.get_by_role("listitem")).to_contain_text("client left")
    expect(play.get_by_role("button", name="Send")).to_be_enabled()
    assert len(own.requests) == 1
    play.get_by_role("textbox", name="User").fill("")
    play.get_by_role("button", name="Repeat 10 times").click()
    expect(play.get_by_role("button", name="Send")).to_be_enabled()  # the form is not valid
    assert len(own.requests) == 1


def test_if_copying_is_forbidden_the_text_is_selected(play: Page) -> None:
    play.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('no')))")
    panel(play, "Code").get_by_role("button", name="Copy").click()
    expect(panel(play, "Code").get_by_role("button", name="Selected")).to_be_visible()
    assert play.evaluate("String(getSelection())").startswith("from openai")


def test_input_before_the_vendors_are_loaded_is_kept(own: MockServer, look: Callable[..., Any]) -> None:
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


def test_a_filter_by_vendor_selects_that_vendor(own: MockServer, look: Callable[..., Any]) -> None:
    with look() as page:
        page.goto(f"{own.url}/#/playground?vendor=omixa")
        expect(control(page, "Vendor")).to_have_value("omixa")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_fits_every_width(own: MockServer, look: Callable[..., Any], size: tuple[int, int]) -> None:
    with look(size, "dark") as page:
        page.goto(f"{own.url}/#/playground")
        send(page)
        expect(panel(page, "Response").locator(".response-content")).to_have_text("Good day.")
        assert page.evaluate("document.querySelector('main').scrollWidth") <= size[0]
