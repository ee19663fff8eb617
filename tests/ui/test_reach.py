"""The web UI behind a path prefix, with a token, and after a restart of the server."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mockserver.testing import MockServer
from tests.conftest import MakeClient, StartServer

Ask = Callable[..., Any]


@contextmanager
def proxy(to: str, *, own_host: bool) -> Iterator[str]:
    """Yield the URL of a proxy that strips `/mock` from the path, and keeps or replaces the Host header."""
    upstream = to.removeprefix("http://")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            connection = http.client.HTTPConnection(upstream, timeout=20)
            length = int(self.headers.get("content-length", 0))
            headers = dict(self.headers) | ({"Host": upstream} if own_host else {})
            connection.request(
                self.command, self.path.removeprefix("/mock"), self.rfile.read(length), headers
            )
            response = connection.getresponse()
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name not in ("transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # the browser may leave the feed
                while part := response.read1():
                    self.wfile.write(part)
            connection.close()

        do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/mock/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "own_host",
    [pytest.param(False, marks=pytest.mark.slow), True],
    ids=["host-kept", "host-of-its-own"],
)
def test_it_works_behind_a_prefix_that_a_proxy_strips(
    own: MockServer, asked: Ask, look: Callable[..., Any], own_host: bool
) -> None:
    with proxy(own.url, own_host=own_host) as url, look() as page:
        page.goto(url)
        expect(page.locator("#live")).to_have_text("live")
        asked("Hello", session="behind")
        expect(page.locator(".lanes a.bar")).to_have_count(1)
        page.locator(".lanes a.bar").click()
        page.get_by_role("button", name="Replay").click()
        expect(page.locator(".lanes a.bar")).to_have_count(2)
        assert [request.session for request in own.requests] == ["behind", "behind"]


def test_a_server_with_a_token_asks_until_it_is_right(
    start_server: StartServer, make_client: MakeClient, page: Page
) -> None:
    server = start_server("fixtures: []", admin_token="sesame")  # noqa: S106 it opens nothing
    make_client(server, "app").chat()
    page.goto(server.url)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("the value of --admin-token")
    dialog.get_by_label("Token").fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("This token is wrong")
    page.keyboard.press("Escape")
    dialog.get_by_label("Token").fill("sesame")
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator(".lanes .lane")).to_have_count(1)
    page.reload()
    expect(page.locator(".lanes .lane")).to_have_count(1)
    assert page.evaluate("localStorage.length") == 0


def test_it_reconnects_when_the_server_is_back(
    start_server: StartServer, make_client: MakeClient, page: Page
) -> None:
    server = MockServer(reload=False).start()
    make_client(server, "before").chat()
    page.goto(f"{server.url}/#/requests")
    expect(page.locator("td.col-session")).to_have_text(["before"])
    server.stop()
    expect(page.locator("#live")).to_have_text("reconnecting")
    expect(page.get_by_role("alert").first).to_contain_text("The server does not answer since")
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("alert").last).to_contain_text("The server does not answer.")
    page.get_by_role("button", name="Close the message").click()
    expect(page.get_by_role("alert")).to_have_count(1)
    with MockServer(port=int(server.url.rpartition(":")[2]), reload=False) as again:
        make_client(again, "after").chat()
        expect(page.locator("td.col-session")).to_have_text(["after"])
        expect(page.locator("#live")).to_have_text("live")
        expect(page.get_by_role("alert")).to_have_count(0)


def test_a_chosen_session_is_named_in_every_view_until_it_is_removed(
    own: MockServer, asked: Ask, page: Page
) -> None:
    asked("Hello")
    page.goto(f"{own.url}/#/timeline?session=other")
    notice = page.locator(".session-notice")
    expect(notice).to_contain_text("Session other")
    for view, effect in EFFECTS.items():
        page.get_by_role("link", name=view, exact=True).click()
        expect(notice).to_contain_text(effect)
    page.get_by_role("link", name="Requests", exact=True).click()
    notice.get_by_role("button", name="Remove this filter").click()
    expect(notice).to_be_hidden()
    expect(page.locator("td.col-session")).to_have_text(["app"])
    expect(page.locator("main")).to_be_focused()


EFFECTS = {
    "Requests": "Clear deletes only these",
    "Playground": "session of its own",
    "Faults": "applies to it alone",
    "Fixtures": "Only the fixtures that apply to it",
    "Accounts": "the clock, apply to it alone",
}


def test_it_is_usable_with_the_keyboard(own: MockServer, asked: Ask, page: Page) -> None:
    asked("Hello")
    page.goto(own.url)
    expect(page.locator(".lanes a.bar")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.get_by_role("link", name="Requests").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Requests")).to_be_visible()
    expect(page.get_by_role("link", name="Requests")).to_have_attribute("aria-current", "page")


def test_an_unknown_view_shows_the_first(own: MockServer, page: Page) -> None:
    page.goto(f"{own.url}/#/nowhere?session=a")
    expect(page.get_by_role("region", name="Timeline")).to_be_visible()
    assert page.url.endswith("#/timeline?session=a")
