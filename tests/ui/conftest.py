"""Fixtures of the web UI's tests: one browser for all, and a window and a client for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest

from mockserver.testing import MockServer
from tests.conftest import Client, MakeClient, StartServer
from tests.ui.browsing import Browser, Page, browser, window

RunModule = Callable[..., Any]

FIXTURES = """
fixtures:
- {name: greeting, match: {user: Hello}, response: Good day.}
- {name: slow start, match: {user: slow start}, response: {delay: 1h, text: At last.}}
- {name: poem, match: {user: poem}, response: {chunks: [Roses, " are", {delay: 30ms}, " red"]}}
- {name: cut, match: {user: cut}, response: {chunks: [One, " two", {delay: 30ms}, " three"], fault: reset@2}}
"""


# Not for the whole session: playwright keeps an event loop on this thread, which other tests do not expect.
@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser() as one:
        yield one


@pytest.fixture
def look(running: Browser) -> Callable[..., AbstractContextManager[Page]]:
    """Return a function that opens a window."""
    return partial(window, running)


@pytest.fixture
def page(running: Browser) -> Iterator[Page]:
    with window(running) as one:
        yield one


@pytest.fixture(scope="module")
def open_page(running: Browser) -> Iterator[Page]:
    """Yield a window that stays open for all tests of a module; each test reloads it first."""
    with window(running) as one:
        yield one


@pytest.fixture
def own(start_server: StartServer) -> MockServer:
    """Start a server for one test, because the web UI shows all requests of a server."""
    return start_server(FIXTURES)


@pytest.fixture
def asked(own: MockServer, make_client: MakeClient) -> Callable[..., Any]:
    """Return a function that sends a chat request to the test's own server."""

    def ask(message: str, session: str = "app", vendor: str = "aimlapi", **more: Any) -> Any:
        return Client.chat(make_client(own, session), vendor, message, **more)

    return ask


@pytest.fixture(scope="module")
def run_module(running: Browser, server: MockServer) -> Iterator[RunModule]:
    """Yield a function that runs an expression with a module of the UI as `m` and an argument as `a`."""
    with window(running) as page:
        page.goto(f"{server.url}/_mock/page/icon.svg")

        def run(module: str, expression: str, argument: Any = None) -> Any:
            script = f"async (a) => {{ const m = await import('./{module}'); return {expression}; }}"
            return page.evaluate(script, argument)

        yield run
