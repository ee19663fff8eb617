"""What the page's tests share: one browser, a window and a client for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest

from mockserver.testing import MockServer
from tests.conftest import Client, MakeClient, StartServer
from tests.ui.browsing import Browser, Page, browser, window

FIXTURES = """
fixtures:
- {name: greeting, match: {user: Hello}, response: Good day.}
- {name: slow start, match: {user: slow start}, response: {delay: 1h, text: At last.}}
- {name: poem, match: {user: poem}, response: {chunks: [Roses, " are", {delay: 30ms}, " red"]}}
- {name: cut, match: {user: cut}, response: {chunks: [One, " two", {delay: 30ms}, " three"], fault: reset@2}}
"""


@pytest.fixture(
    scope="module"
)  # no longer: playwright keeps a loop on this thread, which nobody else expects
def running() -> Iterator[Browser]:
    with browser() as one:
        yield one


@pytest.fixture
def look(running: Browser) -> Callable[..., AbstractContextManager[Page]]:
    """Opens windows."""
    return partial(window, running)


@pytest.fixture
def page(running: Browser) -> Iterator[Page]:
    with window(running) as one:
        yield one


@pytest.fixture(scope="module")
def open_page(running: Browser) -> Iterator[Page]:
    """A window that stays open for all tests of a module: whoever looks through it begins by reloading."""
    with window(running) as one:
        yield one


@pytest.fixture
def own(start_server: StartServer) -> MockServer:
    """A server of the test's own, because the page shows all that is asked of one."""
    return start_server(FIXTURES)


@pytest.fixture
def asked(own: MockServer, make_client: MakeClient) -> Callable[..., Any]:
    """Asks the test's own server, in the session that is named."""

    def ask(said: str, session: str = "app", vendor: str = "aimlapi", **more: Any) -> Any:
        return Client.chat(make_client(own, session), vendor, said, **more)

    return ask
