"""Tunnels to hosts that may be called: bytes are passed on unread, through the proxy that was set before."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed lacks it

from mockserver.errors import InputError
from mockserver.intercept.host_rules import is_loopback
from mockserver.intercept.proxy_request import TUNNEL_OPEN, ProxyError, ProxyRequest
from mockserver.wire.playback import encode_linger_zero

_CONNECT_TIMEOUT = 10.0  # seconds
_READ_SIZE = 65_536


@dataclass(frozen=True, slots=True)
class UpstreamProxies:
    """The proxies of the environment, as `urllib.request.getproxies_environment` returns them, each a URL."""

    urls: Mapping[str, str]

    def __post_init__(self) -> None:
        """Check the URLs. Raises InputError for a proxy that is not spoken to by HTTP."""
        for name in ("http", "https"):
            url = urlsplit(self.urls.get(name, "http://"))
            if url.scheme != "http":
                raise InputError.from_message(
                    f"is {url.scheme}://, expected http://", f"{name.upper()}_PROXY"
                )

    def find(self, request: ProxyRequest) -> SplitResult | None:
        """Return the URL of the proxy for a request, None without one."""
        url = self.urls.get("http" if request.head else "https")
        if not url or is_loopback(request.host) or proxy_bypass_environment(request.host, dict(self.urls)):
            return None
        return urlsplit(url)


NO_PROXIES: Final = UpstreamProxies({})


async def run_tunnel(client: socket.socket, request: ProxyRequest, proxies: UpstreamProxies) -> None:
    """Pass bytes on between a client and the host that it calls, until both have ended. Raises ProxyError."""
    proxy = proxies.find(request)
    host, port = (request.host, request.port) if proxy is None else (proxy.hostname or "", proxy.port or 80)
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        raise ProxyError(502, f"{request.authority} cannot be reached: {_describe_error(error)}") from error
    with closing(writer):
        if request.head:
            writer.write(request.head if proxy is None else _address_proxy(request, proxy))
        else:
            if proxy is not None:
                await _open_upstream_tunnel(reader, writer, request.authority, proxy)
            await asyncio.get_running_loop().sock_sendall(client, TUNNEL_OPEN)
        writer.write(request.rest)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_send_up(client, writer))
                both.create_task(_send_down(reader, client))
        except* OSError:  # one side has reset its connection, and the other is to see that
            linger = encode_linger_zero(sys.platform)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()


def _describe_error(error: OSError | TimeoutError) -> str:
    """Return what failed, in words that fit into a reason phrase."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or "no answer"


async def _open_upstream_tunnel(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authority: str, proxy: SplitResult
) -> None:
    target = authority.encode()
    writer.write(b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (target, target, _format_credentials(proxy)))
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            head = await reader.readuntil(b"\r\n\r\n")
    except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
        head = b"no answer"
    status = head.split(b"\r\n", 1)[0].decode("latin-1")
    if not status.startswith(("HTTP/1.1 2", "HTTP/1.0 2")):
        raise ProxyError(502, f"the proxy that was set before refuses {authority}: {status}")


def _address_proxy(request: ProxyRequest, proxy: SplitResult) -> bytes:
    """Return the head of a request with its absolute URL, as a proxy wants it."""
    line, fields = request.head.split(b"\r\n", 1)
    method, _, version = line.split(b" ")
    return b"%b %b %b\r\n%b%b" % (method, request.url.encode(), version, _format_credentials(proxy), fields)


def _format_credentials(proxy: SplitResult) -> bytes:
    if proxy.username is None:
        return b""
    credentials = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return b"Proxy-Authorization: Basic %b\r\n" % base64.b64encode(credentials)


async def _send_up(client: socket.socket, writer: asyncio.StreamWriter) -> None:
    while data := await asyncio.get_running_loop().sock_recv(client, _READ_SIZE):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def _send_down(reader: asyncio.StreamReader, client: socket.socket) -> None:
    while data := await reader.read(_READ_SIZE):
        await asyncio.get_running_loop().sock_sendall(client, data)
    client.shutdown(socket.SHUT_WR)
