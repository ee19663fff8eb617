"""Nobody steers the server by way of somebody else's browser, and with a token nobody does without it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from starlette.types import Message

from mockserver.admin.guard import AdminGuard

no_body: Any = None  # nobody reads one


def asked(
    headers: dict[str, str], token: str | None = None, here: str | None = "127.0.0.1", host: str = "127.0.0.1"
) -> tuple[int, Any]:
    """The status and the JSON of a call with these headers; 200 where it is let through."""
    heard: list[Message] = []

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"{}"})

    async def send(message: Message) -> None:
        heard.append(message)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    server = None if here is None else (here, 8402)
    scope = {"type": "http", "method": "GET", "path": "/_mock", "headers": pairs, "server": server}
    asyncio.run(AdminGuard(inside, token, host)(scope, no_body, send))
    return heard[0]["status"], orjson.loads(heard[1]["body"])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8402",
        "127.0.0.9",
        "localhost",
        "LocalHost:1",
        "app.localhost:80",
        "[::1]:8402",
        "127.1.2.3",
    ],
)
def test_this_machine_may(host: str) -> None:
    assert asked({"host": host})[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8402", "", "localhost.evil", "10.0.0.1"]
)
@pytest.mark.parametrize("here", ["127.0.0.1", "::1"])
def test_a_name_that_was_bent_to_a_loopback_address_may_not(host: str, here: str) -> None:
    status, told = asked({"host": host}, here=here)
    assert status == 403
    assert "on a loopback address, which only localhost is" in told["error"]["message"]


def test_the_name_under_which_it_was_told_to_listen_may() -> None:
    assert asked({"host": "mock.test:80"}, host="Mock.Test")[0] == 200


@pytest.mark.parametrize("here", ["10.0.0.5", None])
def test_any_name_may_where_the_address_is_no_loopback(here: str | None) -> None:
    assert asked({"host": "mock.internal"}, here=here)[0] == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[", "x"])
def test_a_page_of_another_site_may_not(origin: str) -> None:
    for token in (None, "t"):
        status, told = asked({"host": "127.0.0.1:8402", "origin": origin, "authorization": "Bearer t"}, token)
        assert status == 403
        assert "only this server's own may" in told["error"]["message"]


def test_the_browser_itself_may_say_whose_page_asks() -> None:
    headers = {"host": "127.0.0.1:8402", "origin": "https://mock.example"}
    assert asked(headers | {"sec-fetch-site": "same-origin"})[0] == 200
    assert asked(headers | {"sec-fetch-site": "same-site"})[0] == 403


def test_a_page_of_its_own_may() -> None:
    assert asked({"host": "127.0.0.1:8402", "origin": "http://127.0.0.1:8402"})[0] == 200


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer no", "Basic t", "t", "Bearer tt", "Bearer é"]
)
def test_without_the_token_nobody_may(authorization: str) -> None:
    status, told = asked({"host": "127.0.0.1", "authorization": authorization}, "t")
    assert (status, "asks for its token" in told["error"]["message"]) == (401, True)


def test_with_the_token_any_host_may() -> None:
    assert asked({"host": "mock.example", "authorization": "bearer t"}, "t")[0] == 200
