"""TLS between a TCP connection and the protocol of a server, on any event loop.

asyncio's TLS hides the TCP connection, which faults need, and until the handshake is complete it cannot be reached at
all. Here all data is encrypted and given to TCP when it is written, so that the TCP connection can be closed or reset
after it, and a server that stops can abort handshakes and waits for no alert of its clients.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from mockserver.wire.playback import TCP_TRANSPORT

_READ_SIZE = 256 * 1024  # bytes of one read; larger than a record of TLS
HANDSHAKE_TIMEOUT = 10.0  # seconds


def create_tls_context() -> ssl.SSLContext:
    """Return the context of a TLS server, as yet without a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context


class TlsTransport(asyncio.Transport):
    """The transport of a TLS connection: what is written becomes records, all else is that of TCP."""

    def __init__(self, tcp: asyncio.Transport, session: ssl.SSLObject, flush: Callable[[], None]) -> None:
        """`flush` writes the records that the session has made."""
        super().__init__({"sslcontext": session.context, "ssl_object": session, TCP_TRANSPORT: tcp})
        self._tcp = tcp
        self._session = session
        self._flush = flush

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Encrypt and send data; once the connection is closing, nothing is sent."""
        left = memoryview(data)
        while left and not self.is_closing():
            left = left[self._session.write(left) :]
        self._flush()

    def close(self) -> None:
        """Send what is buffered and a close_notify alert, then close the TCP connection."""
        if not self.is_closing():
            with contextlib.suppress(
                ssl.SSLError
            ):  # that of the client has not come; RFC 8446, 6.1 wants no wait
                self._session.unwrap()
            self._flush()
            self._tcp.close()

    def abort(self) -> None:
        """Close the TCP connection without sending what is buffered."""
        self._tcp.abort()

    def is_closing(self) -> bool:
        """Return whether the connection is closed or closing."""
        return self._tcp.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return information about the session, or else about the TCP connection."""
        own = super().get_extra_info(name)
        return self._tcp.get_extra_info(name, default) if own is None else own

    def pause_reading(self) -> None:
        """Receive nothing more until `resume_reading`."""
        self._tcp.pause_reading()

    def resume_reading(self) -> None:
        """Receive again."""
        self._tcp.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that the kernel has not taken yet."""
        return self._tcp.get_write_buffer_size()


class TlsLayer(asyncio.Protocol):
    """The protocol of a TCP connection that a client has opened, which leads its TLS.

    `protocol` is the one that a plain connection would have; it receives a TlsTransport when the handshake is complete.
    `on_failure` receives the error of a handshake that fails; one that is only cut off, or takes too long, has none.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        protocol: asyncio.Protocol,
        on_failure: Callable[[ssl.SSLError], None],
    ) -> None:
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._received, self._to_send, server_side=True)
        self._protocol = protocol
        self._on_failure = on_failure
        self._tcp: Any = None
        self._timer: Any = None
        self._transport: TlsTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the handshake of a new connection, for a bounded time."""
        self._tcp = transport
        self._timer = asyncio.get_running_loop().call_later(HANDSHAKE_TIMEOUT, self._tcp.abort)

    def abort_handshake(self) -> None:
        """Abort the connection if its handshake is in progress."""
        if self._transport is None:
            self._tcp.abort()

    def data_received(self, data: bytes) -> None:
        """Take records from TCP: first those of the handshake, then the client's data."""
        self._received.write(data)
        if self._transport is None:
            self._shake_hands()
        if self._transport is not None:
            self._read_records(self._transport)

    def eof_received(self) -> None:
        """Pass on the end of the client's data; the TCP connection then closes itself."""
        if self._transport is not None:
            self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on the end of the connection."""
        self._timer.cancel()
        if self._transport is not None:
            self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on that the client does not read."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the client reads again."""
        self._protocol.resume_writing()

    def _shake_hands(self) -> None:
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            self._flush()  # the alert that says why
            self._on_failure(error)
            self._tcp.close()
        else:
            self._timer.cancel()
            self._flush()
            self._transport = TlsTransport(self._tcp, self._session, self._flush)
            self._protocol.connection_made(self._transport)

    def _read_records(self, transport: TlsTransport) -> None:
        try:
            while not transport.is_closing():
                data = self._session.read(_READ_SIZE)
                if not data:  # close_notify
                    self._protocol.eof_received()
                    transport.close()
                    return
                self._protocol.data_received(data)
        except ssl.SSLWantReadError:
            self._flush()  # such as the answer to a KeyUpdate
        except ssl.SSLError:  # no record, or an alert
            transport.abort()

    def _flush(self) -> None:
        """Give TCP the records that the session has made."""
        if (data := self._to_send.read()) and not self._tcp.is_closing():
            self._tcp.write(data)


class TlsLayers:
    """The layers of the connections that share a TLS context."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._layers: WeakSet[TlsLayer] = WeakSet()

    def create(self, protocol: asyncio.Protocol, on_failure: Callable[[ssl.SSLError], None]) -> TlsLayer:
        """Return the layer of a new connection."""
        layer = TlsLayer(self._context, protocol, on_failure)
        self._layers.add(layer)
        return layer

    def abort_handshakes(self) -> None:
        """Abort the handshakes in progress, because the server stops."""
        for layer in list(self._layers):
            layer.abort_handshake()
