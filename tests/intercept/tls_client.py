"""A TLS client on a raw socket, which sees how the TCP connection below it ends."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True)
class Received:
    """What a client received; `end` is notified (close_notify), eof, reset or silence."""

    data: bytes
    end: str


class TlsClient:
    """One connection. Python's own TLS socket reports a reset as the end of the data before 3.12.3."""

    def __init__(
        self, address: tuple[str, int], trusted: str, host: str = "localhost", timeout: float = 10.0
    ) -> None:
        """Connect, and complete the handshake. Raises SSLError if the server's certificate is not trusted."""
        context = ssl.create_default_context(cadata=trusted)
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.sock = socket.create_connection(address, timeout=timeout)
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self._received, self._to_send, server_hostname=host)
        try:
            self._call(self.session.do_handshake)
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        self._call(lambda: self.session.write(data))

    def receive(self) -> bytes:
        """Return some data; nothing after a close_notify. Raises EOFError if the connection ends without one."""
        try:
            return self._call(lambda: self.session.read(65_536))
        except ssl.SSLZeroReturnError:  # both sides have sent one
            return b""

    def receive_all(self) -> Received:
        """Return everything until the connection ends or is silent for longer than the timeout."""
        data = bytearray()
        try:
            while part := self.receive():
                data += part
        except EOFError:
            return Received(bytes(data), "eof")
        except ConnectionResetError:
            return Received(bytes(data), "reset")
        except TimeoutError:
            return Received(bytes(data), "silence")
        return Received(bytes(data), "notified")

    def notify_close(self) -> None:
        """Send a close_notify and nothing more."""
        try:
            self.session.unwrap()
        except ssl.SSLWantReadError:
            self.sock.sendall(self._to_send.read())

    def _call(self, step: Callable[[], Value]) -> Value:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                pass
            finally:
                self.sock.sendall(self._to_send.read())
            data = self.sock.recv(65_536)
            if not data:
                raise EOFError
            self._received.write(data)


def read_response(client: Any) -> bytes:
    """Return a response with a content-length, from a connection that stays open."""
    text = bytearray()
    while b"\r\n\r\n" not in text:
        text += client.receive()
    head, _, body = text.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split()[0])
    while len(body) < length:
        body += client.receive()
    return bytes(body)
