"""The guard: no page of another site reaches the admin API, and with a token no request without it does."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from starlette.types import Message

from mockserver.admin.guard import AdminGuard, HostGuard
from mockserver.settings import Settings

no_body: Any = None  # the guard reads no body


def ask(headers: dict[str, str], guard: type[HostGuard] = AdminGuard, **settings: Any) -> tuple[int, Any]:
    """Return the status and the JSON of a request with these headers; 200 if the guard lets it through."""
    sent: list[Message] = []

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"{}"})

    async def send(message: Message) -> None:
        sent.append(message)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/_mock", "headers": pairs}
    asyncio.run(guard(inside, Settings(**settings))(scope, no_body, send))
    return sent[0]["status"], orjson.loads(sent[1]["body"])


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1:8402",
            "127.0.0.9",
            "10.0.0.1",
            "192.168.1.7:80",
            "[::1]:8402",
            "[fe80::1%eth0]",
            "[::1]",
        ),
        *("localhost", "LocalHost:1", "localhost.", "app.localhost:80", "mock", "mock_server:8402", "mock-1"),
        *("mac.local", "a.b.internal", "mock.test:1", "mock.default.svc", "nas.home.arpa", "MOCK.Test."),
    ],
)
@pytest.mark.parametrize("guard", [AdminGuard, HostGuard])
def test_private_hosts_are_accepted(host: str, guard: type[HostGuard]) -> None:
    assert ask({"host": host}, guard)[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example:8402", "localhost.evil", "local", ".local.evil.example"),
        *("", " ", ".", ":80", "127.0.0.1:80.evil.example", "localhost:80@evil.example", "evil.example."),
        *(
            "[::1",
            "[::1].evil.example",
            "[evil.example]",
            "::1",
            "evil.test.example",
            "0x7f.1",
            "xn--e1a.example",
        ),
    ],
)
@pytest.mark.parametrize("guard", [AdminGuard, HostGuard])
def test_hosts_that_may_be_public_names_are_refused(host: str, guard: type[HostGuard]) -> None:
    expected = 200 if host == "local" else 403  # a single label
    status, body = ask({"host": host}, guard)
    assert status == expected
    assert (
        expected == 200
        or "expected an IP address, localhost, a name without a dot" in body["error"]["message"]
    )


def test_a_missing_host_is_refused() -> None:
    assert ask({})[0] == 403


@pytest.mark.parametrize("host", ["mock.example", "Mock.Example:80", "mock.example.:8402"])
def test_the_listening_host_and_the_allowed_hosts_are_accepted(host: str) -> None:
    assert ask({"host": host}, host="Mock.example")[0] == 200
    assert ask({"host": host}, allowed_hosts=("other.example", "mock.example:8402"))[0] == 200
    assert ask({"host": host}, allowed_hosts=("example",))[0] == 403
    assert ask({"host": host}, allowed_hosts=("",))[0] == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[", "x"])
def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    for token in (None, "t"):
        headers = {"host": "127.0.0.1:8402", "origin": origin, "authorization": "Bearer t"}
        status, body = ask(headers, admin_token=token)
        assert status == 403
        assert "only this server's own pages may send it" in body["error"]["message"]


@pytest.mark.parametrize(
    "origin", [{}, {"origin": "https://evil.example"}, {"origin": "http://127.0.0.1:8402"}]
)
@pytest.mark.parametrize("token", [None, "t"])
def test_cross_site_requests_are_refused_with_or_without_an_origin(
    origin: dict[str, str], token: str | None
) -> None:
    headers = {"host": "127.0.0.1:8402", "authorization": "Bearer t", **origin}
    assert ask(headers | {"sec-fetch-site": "cross-site"}, admin_token=token)[0] == 403


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_requests_of_the_user_and_of_the_web_ui_are_accepted(site: str) -> None:
    assert ask({"host": "127.0.0.1:8402", "sec-fetch-site": site})[0] == 200


def test_the_web_ui_can_be_reached_by_a_link_on_another_site() -> None:
    assert ask({"host": "127.0.0.1:8402", "sec-fetch-site": "cross-site"}, HostGuard)[0] == 200


def test_a_proxy_may_rewrite_the_host_of_the_servers_own_page() -> None:
    headers = {"host": "127.0.0.1:8402", "origin": "https://mock.example"}
    assert ask(headers | {"sec-fetch-site": "same-origin"})[0] == 200
    assert ask(headers | {"sec-fetch-site": "same-site"})[0] == 403


def test_the_servers_own_origin_is_accepted() -> None:
    assert ask({"host": "127.0.0.1:8402", "origin": "http://127.0.0.1:8402"})[0] == 200


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer no", "Basic t", "t", "Bearer tt", "Bearer é"]
)
def test_a_wrong_token_is_refused(authorization: str) -> None:
    status, body = ask({"host": "127.0.0.1", "authorization": authorization}, admin_token="t")  # noqa: S106
    assert (status, "requires its token" in body["error"]["message"]) == (401, True)


def test_with_the_token_every_host_is_accepted() -> None:
    headers = {"host": "mock.example", "authorization": "bearer t"}
    assert ask(headers, admin_token="t")[0] == 200  # noqa: S106
    assert ask({"host": "mock.example"}, HostGuard, admin_token="t")[0] == 200  # noqa: S106
