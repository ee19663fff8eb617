"""A server with an intercepting proxy, and a client that reaches it under the vendors' own hosts."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

from mockserver.intercept.certificate_authority import CertificateAuthority
from mockserver.intercept.host_rules import HostRules
from mockserver.intercept.proxy import InterceptProxy
from mockserver.intercept.tunnel import NO_PROXIES, UpstreamProxies
from mockserver.server.addresses import bind_socket
from mockserver.server.app import create_app, create_pipeline
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.settings import Settings
from mockserver.wire.playback import Playback
from tests.conftest import Reply

HOST = "api.aimlapi.com"
PATH = "/v1/chat/completions"
AUTHORITY = CertificateAuthority([HOST, "api.segmind.com"])


@dataclass
class InterceptingServer:
    proxy: InterceptProxy
    server: BackgroundServer
    stack: ExitStack

    @property
    def port(self) -> int:
        return int(self.proxy.url.rpartition(":")[2])

    def connect(
        self, host: str = HOST, port: int = 443, *, pem: str = AUTHORITY.pem
    ) -> http.client.HTTPConnection:
        """Return a connection that opens a tunnel to a host when it is used."""
        if port == 80:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        else:
            context = ssl.create_default_context(cadata=pem)
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=context)
        connection.set_tunnel(host, port)
        return self.stack.enter_context(closing(connection))


def complete(connection: http.client.HTTPConnection, target: str = PATH, **headers: str) -> Reply:
    """Request a completion; the header `stream` asks for a stream."""
    body: dict[str, Any] = {"model": "o1-preview", "messages": [{"role": "user", "content": "Hello"}]}
    body["stream"] = bool(headers.pop("stream", ""))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Authorization": "Bearer any-key", "Content-Type": "application/json"} | named
    connection.request("POST", target, json.dumps(body), sent)
    with connection.getresponse() as response:
        return Reply(response.status, response.headers, response.read())


@contextmanager
def serve_hosts(
    rules: HostRules | None = None,
    http: str = "auto",
    loop: str = "auto",
    upstream: UpstreamProxies = NO_PROXIES,
) -> Iterator[InterceptingServer]:
    """Run a server that answers for the hosts of the authority."""
    rules = rules or HostRules(AUTHORITY.hosts[3:])
    proxy = InterceptProxy(bind_socket("127.0.0.1", 0), rules, AUTHORITY.create_server_context(), upstream)
    playback = Playback()
    pipeline = create_pipeline(Settings(), playback, lambda _: None)
    sock = bind_socket("127.0.0.1", 0)
    server = BackgroundServer(create_app(pipeline), sock, playback, http=http, loop=loop, proxy=proxy)
    server.start()
    try:
        with ExitStack() as stack:
            yield InterceptingServer(proxy, server, stack)
    finally:
        server.stop()
