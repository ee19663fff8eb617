"""The proxy: real clients reach the server under the vendors' hosts, with its faults; all else is refused."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from mockserver.intercept import proxy as proxy_module
from mockserver.intercept import tls_layer
from mockserver.intercept.certificate_authority import CertificateAuthority
from mockserver.intercept.host_rules import HostRules
from mockserver.intercept.proxy import InterceptProxy
from mockserver.server.addresses import bind_socket
from tests.conftest import STACKS
from tests.intercept.intercepting_server import (
    HOST,
    PATH,
    InterceptingServer,
    complete,
    serve_hosts,
)


@pytest.fixture(scope="module")
def running() -> Iterator[InterceptingServer]:
    with serve_hosts() as running:
        yield running


def exchange(running: InterceptingServer, data: bytes) -> bytes:
    """Send bytes to the proxy, and return its answer up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as client:
        client.sendall(data)
        return b"".join(iter(lambda: client.recv(65_536), b""))


@pytest.mark.parametrize("stack", STACKS, ids="-".join)
def test_a_vendors_own_host_is_answered_through_a_tunnel_with_streams_errors_and_resets(
    stack: tuple[str, str],
) -> None:
    with serve_hosts(None, *stack) as running:
        connection = running.connect()
        plain = complete(connection)
        assert (plain.status, plain.body[:1]) == (201, b"{")
        stream = complete(connection, stream="yes")
        assert (stream.status, stream.body[-14:]) == (200, b"data: [DONE]\n\n")
        error = complete(connection, X_Mock_Error="429")
        assert (error.status, b"message" in error.body) == (429, True)
        with pytest.raises((ConnectionResetError, ssl.SSLEOFError)):  # the latter before Python 3.12.3
            complete(connection, X_Mock_Fault="reset")
        with pytest.raises(ConnectionResetError):
            complete(running.connect(port=80), X_Mock_Fault="reset")
        assert complete(running.connect("api.segmind.com"), "/v1/o1-preview", x_api_key="any").status == 200


def test_a_tunnel_to_the_port_of_plain_http_has_no_tls(running: InterceptingServer) -> None:
    assert complete(running.connect(port=80)).status == 201


def test_a_request_with_an_absolute_url_is_answered_and_its_connection_closed(
    running: InterceptingServer,
) -> None:
    connection = running.connect(port=80)
    connection._tunnel_host = None  # type: ignore[attr-defined]  # no CONNECT

    response = complete(connection, f"http://{HOST}{PATH}", Proxy_Connection="keep-alive")

    assert (response.status, response.headers["connection"], response.body[:1]) == (201, "close", b"{")


def test_a_call_to_another_host_is_refused_by_its_name_and_counted(running: InterceptingServer) -> None:
    before = running.proxy.refused["other.example:443"]
    with pytest.raises(OSError, match=r"403 mockserver: calls to other\.example:443 are refused"):
        complete(running.connect("other.example"))
    head = b"POST http://other.example/ HTTP/1.1\r\nContent-Length: 100000\r\n\r\n"
    answer = exchange(running, head + bytes(100_000))  # more than is read with the head

    assert answer.endswith(b"\r\n\r\nmockserver: calls to other.example:80 are refused\n")
    assert running.proxy.refused["other.example:443"] == before + 1
    assert running.proxy.refused["other.example:80"] == 1


def test_a_client_that_does_not_trust_the_certificates_is_counted(running: InterceptingServer) -> None:
    other = CertificateAuthority()
    with pytest.raises(ssl.SSLCertVerificationError):
        complete(running.connect("api.segmind.com", pem=other.pem))
    # The alert arrives before a later exchange ends, or soon after.
    assert any(running.proxy.distrusted or complete(running.connect()).status == 0 for _ in range(1000))
    assert running.proxy.distrusted == {"api.segmind.com:443": 1}


def test_a_handshake_that_is_none_is_not_counted(running: InterceptingServer) -> None:
    connect = f"CONNECT {HOST}:443 HTTP/1.1\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as client:
        client.sendall(connect)
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(1000) == b""

    assert HOST not in running.proxy.distrusted


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 mockserver: this is a proxy"),
        (b"GET / HTTP/1.1\r\nX: " + bytes(40_000), b"HTTP/1.1 431 mockserver: the head has more than"),
    ],
)
def test_a_request_that_is_none_for_a_proxy_is_an_error(
    running: InterceptingServer, data: bytes, expected: bytes
) -> None:
    assert exchange(running, data).startswith(expected)


def test_a_head_that_ends_early_is_an_error(running: InterceptingServer) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as client:
        client.sendall(b"CONNECT ")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1000).startswith(b"HTTP/1.1 400 mockserver: the head is not complete")


def test_a_refused_request_without_an_end_is_cut(
    running: InterceptingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_module, "_LINGER_TIMEOUT", 0.05)
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as client:
        client.sendall(b"POST http://other.example/ HTTP/1.1\r\nContent-Length: 5\r\n\r\n")
        while client.recv(1000):
            pass


@pytest.mark.parametrize("sent", [b"", f"CONNECT {HOST}:443 HTTP/1.1\r\n\r\n".encode()])
def test_a_client_that_sends_nothing_is_cut_after_a_time(
    running: InterceptingServer, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(proxy_module, "_HEAD_TIMEOUT", 0.05)
    monkeypatch.setattr(tls_layer, "HANDSHAKE_TIMEOUT", 0.05)

    assert exchange(running, sent)[:12] == (b"HTTP/1.1 200" if sent else b"")


def test_connections_that_are_opening_do_not_delay_the_end_of_the_server() -> None:
    with serve_hosts() as running:
        silent, opening = (
            socket.create_connection(("127.0.0.1", running.port), timeout=10) for _ in range(2)
        )
        opening.sendall(f"CONNECT {HOST}:443 HTTP/1.1\r\n\r\n".encode())
        assert opening.recv(1000).startswith(b"HTTP/1.1 200 ")
        running.server.stop()
        for client in (silent, opening):
            assert client.recv(1000) == b""
            client.close()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", running.port))


def test_connections_that_cannot_be_accepted_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_module, "_ACCEPT_PAUSE", 0)
    proxy = InterceptProxy(
        bind_socket("127.0.0.1", 0), HostRules(()), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    )
    reported: list[dict[str, Any]] = []

    async def run() -> bytes:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: reported.append(context))
        accept, failures = loop.sock_accept, [OSError(errno.EMFILE, "Too many open files")]

        async def accept_later(sock: socket.socket) -> Any:
            if failures:
                raise failures.pop()
            return await accept(sock)

        monkeypatch.setattr(loop, "sock_accept", accept_later)
        proxy.start(asyncio.Protocol)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        answer = await reader.readline()
        writer.close()
        proxy.close()
        return answer

    assert asyncio.run(run()).startswith(b"HTTP/1.1 400 ")
    assert [context["exception"].errno for context in reported] == [errno.EMFILE]


def test_only_a_number_of_refused_hosts_is_kept(
    running: InterceptingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_module, "_MAX_COUNTED_HOSTS", 0)
    for host in ("new.example", "other.example"):
        exchange(running, f"GET http://{host}:81/ HTTP/1.1\r\n\r\n".encode())

    assert "new.example:81" not in running.proxy.refused
