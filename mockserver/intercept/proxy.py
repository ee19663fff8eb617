"""A proxy on loopback: calls to the vendors' hosts are answered by this server, others are refused or let through.

The server takes over the connection itself, so that a fault such as a reset acts on the client's own socket.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from typing import cast

from mockserver.intercept.host_rules import HostRules
from mockserver.intercept.proxy_request import (
    TUNNEL_OPEN,
    ProxyError,
    ProxyRequest,
    is_tls_handshake,
    parse_proxy_request,
    read_head,
)
from mockserver.intercept.tls_layer import TlsLayer, TlsLayers
from mockserver.intercept.tunnel import NO_PROXIES, UpstreamProxies, run_tunnel

ProtocolFactory = Callable[[], asyncio.Protocol]

_MAX_OPENING = 1000  # connections whose head is not complete, and tunnels; the others wait to be accepted
_HEAD_TIMEOUT = 10.0  # seconds
_LINGER_TIMEOUT, _LINGER_BYTES = 1.0, 1_048_576  # of a request that is refused while its body arrives
_ACCEPT_PAUSE = 1.0  # seconds until the next attempt when connections cannot be accepted
_MAX_COUNTED_HOSTS = 1000
_PLAIN_PORT = 80


class InterceptProxy:
    """The proxy of one server; it runs on the server's event loop, from `start` to `close`."""

    def __init__(
        self,
        sock: socket.socket,
        rules: HostRules,
        context: ssl.SSLContext,
        upstream: UpstreamProxies = NO_PROXIES,
    ) -> None:
        """`sock` is bound to loopback; `context` is that of the TLS server for the rules' hosts.

        Calls that the rules allow go through the upstream proxies, if there are any.
        """
        sock.setblocking(False)
        sock.listen(socket.SOMAXCONN)  # a client may connect before the proxy accepts
        host, port = sock.getsockname()[:2]
        self.url = f"http://{host}:{port}"
        self._sock = sock
        self._rules = rules
        self._upstream = upstream
        self._layers = TlsLayers(context)
        self._tasks: set[asyncio.Task[None]] = set()
        self.refused: Counter[str] = Counter()
        self.distrusted: Counter[str] = Counter()

    def start(self, create_protocol: ProtocolFactory) -> None:
        """Accept connections; `create_protocol` creates the server's protocol for each one that it answers."""
        self._create_protocol = create_protocol
        self._slots = asyncio.Semaphore(_MAX_OPENING)
        self._start_task(self._accept_connections())

    def close(self) -> None:
        """Stop accepting, and close the connections that the server has not taken over. Idempotent."""
        for task in self._tasks:
            task.cancel()
        self._layers.abort_handshakes()
        self._sock.close()

    def _start_task(self, coroutine: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept_connections(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._slots.acquire()
            try:
                client, _ = await loop.sock_accept(self._sock)
            except OSError as error:
                self._slots.release()
                loop.call_exception_handler({"message": "the proxy cannot accept", "exception": error})
                await asyncio.sleep(_ACCEPT_PAUSE)
                continue
            client.setblocking(False)
            self._start_task(self._serve(client)).add_done_callback(lambda _: self._slots.release())

    async def _serve(self, client: socket.socket) -> None:
        """Read a head and do what it asks for, within the time limits."""
        with ExitStack() as owned, suppress(OSError, TimeoutError):
            owned.callback(client.close)
            try:
                async with asyncio.timeout(_HEAD_TIMEOUT):
                    data = await read_head(client)
                if is_tls_handshake(data):
                    layer = self._create_tls_layer(self._create_protocol(), "redirected connections")
                    await _give_connection(client, layer, data)
                    owned.pop_all()
                    return
                request = parse_proxy_request(data)
                action = self._rules.choose_action(request.host)
                if action == "answer":
                    await self._hand_over(client, request)
                    owned.pop_all()  # the connection is the server's now
                elif action == "tunnel":
                    await run_tunnel(client, request, self._upstream)
                else:
                    _count_host(self.refused, request.authority)
                    raise ProxyError(403, f"calls to {request.authority} are refused")
            except ProxyError as error:
                await _send_error(client, error)

    async def _hand_over(self, client: socket.socket, request: ProxyRequest) -> None:
        """Let the server go on with a connection."""
        protocol = self._create_protocol()
        if not request.head:
            await asyncio.get_running_loop().sock_sendall(client, TUNNEL_OPEN)
            if request.port != _PLAIN_PORT:
                protocol = self._create_tls_layer(protocol, request.authority)
        await _give_connection(client, protocol, request.head + request.rest)

    def _create_tls_layer(self, protocol: asyncio.Protocol, authority: str) -> TlsLayer:
        """Return the protocol that leads TLS, and gives the server's protocol the decrypted data."""

        def count_distrust(error: ssl.SSLError) -> None:
            if "ALERT" in (error.reason or ""):
                _count_host(self.distrusted, authority)

        return self._layers.create(protocol, count_distrust)


async def _give_connection(client: socket.socket, protocol: asyncio.Protocol, data: bytes) -> None:
    """Let a protocol go on with a connection, of which `data` has been read."""
    await asyncio.get_running_loop().connect_accepted_socket(lambda: _ReadAhead(protocol, data), client)


class _ReadAhead(asyncio.Protocol):
    """Gives a protocol its connection together with data that has been read already."""

    def __init__(self, protocol: asyncio.Protocol, data: bytes) -> None:
        self._protocol = protocol
        self._data = data

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pass on the connection, then the data."""
        cast("asyncio.Transport", transport).set_protocol(self._protocol)
        self._protocol.connection_made(transport)
        if self._data:
            self._protocol.data_received(self._data)


async def _send_error(client: socket.socket, error: ProxyError) -> None:
    """Answer with an error, whose text is in the reason phrase, too: for CONNECT, clients show nothing else."""
    text = f"mockserver: {error}"
    body = f"{text}\n"
    head = f"HTTP/1.1 {error.status} {text}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_LINGER_TIMEOUT):
        await loop.sock_sendall(client, f"{head}Connection: close\r\n\r\n{body}".encode())
        client.shutdown(socket.SHUT_WR)
        # Closing while a request arrives would be a reset, which may overtake the answer.
        left = _LINGER_BYTES
        while left > 0 and (data := await loop.sock_recv(client, 65_536)):
            left -= len(data)


def _count_host(counts: Counter[str], authority: str) -> None:
    """Count a call; beyond a number of hosts, only those that are known."""
    if authority in counts or len(counts) < _MAX_COUNTED_HOSTS:
        counts[authority] += 1
