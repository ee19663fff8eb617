"""Clients that exist already reach a server under a vendor's own host, while the redirect lasts."""

from __future__ import annotations

import asyncio
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest
import requests

from mockserver.intercept.connection_redirect import ConnectionRedirect
from mockserver.testing import MockServer

URL = "https://api.aimlapi.com/v1/models"


@pytest.fixture(scope="module")
def redirect() -> Iterator[ConnectionRedirect]:
    with MockServer(tls_port=0) as server:
        tls, plain = (("127.0.0.1", urlsplit(url).port or 0) for url in (server.tls_url, server.url))
        yield ConnectionRedirect({"api.aimlapi.com"}, tls, plain, server.ca_pem)


async def get_status(host: str | bytes) -> bytes:
    """Return the status line that asyncio's own connection receives."""
    [*_, (_, _, _, _, address)] = await asyncio.get_running_loop().getaddrinfo(
        host, 443, type=socket.SOCK_STREAM
    )
    reader, writer = await asyncio.open_connection(
        str(address[0]), 443, ssl=ssl.create_default_context(), server_hostname="api.aimlapi.com"
    )
    writer.write(b"GET /v1/models HTTP/1.1\r\nHost: api.aimlapi.com\r\nConnection: close\r\n\r\n")
    line = await reader.readline()
    await reader.read()
    writer.close()
    return line


def test_clients_that_exist_already_reach_the_server(redirect: ConnectionRedirect) -> None:
    with httpx2.Client() as client, requests.Session() as session:
        redirect.start()
        try:
            assert client.get(URL).status_code == 200
            assert session.get(URL, timeout=10).status_code == 200
            with urllib.request.urlopen(URL) as response:
                assert response.status == 200
            assert client.get(URL.replace("https:", "http:")).status_code == 200
            assert [asyncio.run(get_status(host)) for host in ("API.aimlapi.com.", b"api.aimlapi.com")] == [
                b"HTTP/1.1 200 OK\r\n"
            ] * 2
        finally:
            redirect.stop()


def test_other_hosts_are_not_affected_and_all_is_restored(redirect: ConnectionRedirect) -> None:
    places = (
        (socket, "getaddrinfo"),
        (socket.socket, "connect"),
        (socket.socket, "connect_ex"),
        (ssl.SSLContext, "wrap_socket"),
        (ssl.SSLContext, "wrap_bio"),
    )
    before = [vars(owner).get(name) for owner, name in places]
    context = ssl.create_default_context()
    trusted = context.cert_store_stats()
    redirect.start()
    try:
        assert socket.getaddrinfo("127.0.0.9", 443)[0][4] == ("127.0.0.9", 443)
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="example.com")
        assert context.cert_store_stats() == trusted
        with socket.socket() as listening, socket.socket() as client:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            assert client.connect_ex(listening.getsockname()) == 0
    finally:
        redirect.stop()
    assert [vars(owner).get(name) for owner, name in places] == before
