"""Calls that are let through: tunnels to other hosts, directly and through the proxy that was set before."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Iterator

import pytest

from mockserver.errors import InputError
from mockserver.intercept import tunnel
from mockserver.intercept.host_rules import HostRules
from mockserver.intercept.proxy_request import parse_proxy_request
from mockserver.intercept.tunnel import UpstreamProxies
from tests.intercept.intercepting_server import HOST, PATH, InterceptingServer, complete, serve_hosts


@pytest.fixture(scope="module")
def upstream() -> Iterator[InterceptingServer]:
    """The proxy that was set before; it answers for the vendors' hosts."""
    with serve_hosts() as running:
        yield running


@pytest.fixture(scope="module")
def running(upstream: InterceptingServer) -> Iterator[InterceptingServer]:
    """A proxy that lets calls through, to the one before it."""
    proxies = UpstreamProxies(
        {"http": upstream.proxy.url, "https": upstream.proxy.url, "no": "bypassed.localhost"}
    )
    with serve_hosts(HostRules((), [HOST, "*.example"]), upstream=proxies) as running:
        yield running


def exchange(running: InterceptingServer, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as client:
        client.sendall(data)
        return b"".join(iter(lambda: client.recv(65_536), b""))


def test_a_call_goes_through_the_proxy_that_was_set_before(running: InterceptingServer) -> None:
    connection = running.connect()
    assert complete(connection).status == 201
    assert complete(connection, stream="yes").body.endswith(b"data: [DONE]\n\n")
    plain = running.connect(port=80)
    plain._tunnel_host = None  # type: ignore[attr-defined]  # no CONNECT
    assert complete(plain, f"http://{HOST}{PATH}").status == 201


def test_a_reset_is_passed_on(running: InterceptingServer) -> None:
    with pytest.raises(ConnectionResetError):
        complete(running.connect(port=80), X_Mock_Fault="reset")


def test_a_call_to_this_machine_goes_to_it_directly(
    running: InterceptingServer, upstream: InterceptingServer
) -> None:
    port = upstream.server.address[1]
    head = b"GET /_mock HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    connect = f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode()

    assert re.match(rb"HTTP/1.1 200 .*\r\n\r\nHTTP/1.1 200 OK", exchange(running, connect + head))
    absolute = head.replace(b"/_mock", f"http://127.0.0.1:{port}/_mock".encode())
    assert exchange(running, absolute).startswith(b"HTTP/1.1 200 OK")


def test_a_host_that_cannot_be_reached_is_an_error_with_its_name(running: InterceptingServer) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{closed.getsockname()[1]}"
        answer = exchange(running, f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())

    assert answer.startswith(
        f"HTTP/1.1 502 mockserver: {target} cannot be reached: Connection refused".encode()
    )


def test_the_answer_of_the_proxy_before_is_shown(running: InterceptingServer) -> None:
    with pytest.raises(
        OSError, match=r"502 .* refuses other\.example:443: HTTP/1.1 403 mockserver: calls to other"
    ):
        complete(running.connect("other.example"))


def test_a_proxy_that_ends_or_is_silent_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "_CONNECT_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        proxies = UpstreamProxies({"https": f"http://127.0.0.1:{silent.getsockname()[1]}"})
        with serve_hosts(HostRules((), allow_all=True), upstream=proxies) as running:
            answer = exchange(running, b"CONNECT other.example:443 HTTP/1.1\r\n\r\n")

    assert answer.endswith(
        b"mockserver: the proxy that was set before refuses other.example:443: no answer\n"
    )


def test_an_error_without_a_number_has_its_text() -> None:
    assert tunnel._describe_error(TimeoutError()) == "no answer"
    assert (
        tunnel._describe_error(socket.gaierror(-2, "Name or service not known"))
        == "Name or service not known"
    )


def test_credentials_of_a_proxy_are_sent() -> None:
    request = parse_proxy_request(b"GET http://other.example/a HTTP/1.1\r\nAccept: */*\r\n\r\n")
    proxy = UpstreamProxies({"http": "http://user:p%40ss@proxy.example"}).find(request)

    assert proxy is not None
    assert tunnel._address_proxy(request, proxy) == (
        b"GET http://other.example/a HTTP/1.1\r\nProxy-Authorization: Basic %b\r\nHost: other.example\r\n"
        b"Connection: close\r\nAccept: */*\r\n\r\n" % base64.b64encode(b"user:p@ss")
    )


def test_no_proxy_is_obeyed() -> None:
    proxies = UpstreamProxies({"https": "http://proxy.example", "no": "internal.example"})

    hosts = ("other.example", "internal.example", "localhost")
    found = [
        proxies.find(parse_proxy_request(f"CONNECT {host}:443 HTTP/1.1\r\n\r\n".encode())) for host in hosts
    ]
    assert [url and url.hostname for url in found] == ["proxy.example", None, None]


def test_other_kinds_of_proxies_are_refused_without_their_credentials() -> None:
    with pytest.raises(InputError, match=r"^HTTPS_PROXY: is socks5://, expected http://$"):
        UpstreamProxies({"https": "socks5://user:secret@proxy.example"})


def test_hosts_are_allowed_by_name_or_with_all_subdomains() -> None:
    rules = HostRules(["api.vendor.example"], ["Exact.example.", "*.wild.example"])

    expected = {
        "api.vendor.example": "answer",
        "exact.example": "tunnel",
        "sub.exact.example": "refuse",
        "wild.example": "refuse",
        "a.wild.example": "tunnel",
        "127.0.0.2": "tunnel",
    }
    assert {host: rules.choose_action(host) for host in expected} == expected
    assert HostRules((), allow_all=True).choose_action("any.example") == "tunnel"
