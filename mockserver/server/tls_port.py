"""The TLS port: a second socket of a server, whose connections begin with a TLS handshake."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from contextlib import ExitStack
from typing import Any

from mockserver.intercept.server_certificate import ServerCertificate
from mockserver.intercept.tls_layer import TlsLayers, TlsTransport
from mockserver.server.addresses import bind_socket, format_server_url
from mockserver.settings import Settings

_REPORT_INTERVAL = 1.0  # seconds between two log lines about handshakes that fail
_PLAIN_HTTP = "a client sent plain HTTP to the TLS port, whose URLs begin with https://"
_NOT_TRUSTED = (
    "a client does not trust the certificate of the TLS port ({reason}): give it that of GET /_mock/ca.pem"
)
_FAILED = "a TLS handshake failed: {reason}"
_MESSAGES = {
    "HTTP_REQUEST": _PLAIN_HTTP,
    "TLSV1_ALERT_UNKNOWN_CA": _NOT_TRUSTED,
    "SSLV3_ALERT_BAD_CERTIFICATE": _NOT_TRUSTED,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _NOT_TRUSTED,
}


class TlsPort:
    """A bound socket and the TLS context of its connections, with the handshakes in progress."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        host, port = sock.getsockname()[:2]
        self.address = str(host), int(port)
        self.sock = sock
        self._layers = TlsLayers(context)
        self._is_closed = False
        self._next_report = 0.0

    @property
    def url(self) -> str:
        """The root URL, as a client on this machine uses it."""
        return format_server_url(self.address, "https")

    def has_accepted(self, tcp: asyncio.BaseTransport) -> bool:
        """Return whether a new connection is one of this port."""
        return bool(tcp.get_extra_info("sockname")[1] == self.address[1])

    def start_handshake(self, tcp: Any, protocol: asyncio.Protocol) -> None:
        """Start TLS on a new connection; `protocol` receives it when the handshake is complete."""
        if self._is_closed:
            tcp.abort()
            return
        layer = self._layers.create(protocol, self._report_failure)
        tcp.set_protocol(layer)
        layer.connection_made(tcp)

    def close(self) -> None:
        """Abort the handshakes in progress, because the server stops."""
        self._is_closed = True
        self._layers.abort_handshakes()

    def _report_failure(self, error: ssl.SSLError) -> None:
        """Log why a handshake failed, at most once a second."""
        now = asyncio.get_running_loop().time()
        if now >= self._next_report:
            self._next_report = now + _REPORT_INTERVAL
            message = _MESSAGES.get(error.reason, _FAILED).format(reason=error.reason)
            logging.getLogger("mockserver").warning("mockserver: %s", message)


class TlsConnections(asyncio.Protocol):
    """Mixin for uvicorn's protocols that starts TLS on the connections of the TLS port, if there is one."""

    tls_port: TlsPort | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve a plain connection or one whose handshake is complete; start the handshake of any other."""
        port = self.tls_port
        if port is None or isinstance(transport, TlsTransport) or not port.has_accepted(transport):
            super().connection_made(transport)
        else:
            port.start_handshake(transport, self)


def bind_ports(
    settings: Settings, certificate: ServerCertificate | None
) -> tuple[socket.socket, TlsPort | None]:
    """Bind the socket of the plain port, and with a certificate that of the TLS port. Raises InputError."""
    with ExitStack() as stack:
        sock = stack.enter_context(bind_socket(settings.host, settings.port))
        tls_port = None
        if certificate is not None:
            tls_sock = bind_socket(settings.host, settings.tls_port or 0, "tls_port")
            tls_port = TlsPort(tls_sock, certificate.context)
        stack.pop_all()
    return sock, tls_port
