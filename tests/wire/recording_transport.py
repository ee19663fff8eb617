"""A raw ear: what a client hears, to the byte, and how it ends."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass, field
from functools import cached_property


@dataclass
class Reading:
    """What a client heard, to the byte: `end` is eof, reset or silence."""

    text: bytes
    end: str
    seconds: float
    arrivals: list[tuple[float, int]] = field(default_factory=list)

    @property
    def head(self) -> bytes:
        """The head but for the clock."""
        head = self.text.partition(b"\r\n\r\n")[0]
        return re.sub(rb"(?i)date: [^\r]*\r\n", b"", head)

    @property
    def chunked(self) -> bool:
        return b"transfer-encoding: chunked" in self.head.lower()

    @cached_property
    def parts(self) -> tuple[bytes, bytes]:
        """The body without its framing, as far as the framing is good, and what comes then."""
        rest = self.text.partition(b"\r\n\r\n")[2]
        if not self.chunked:
            return rest, b""
        body = bytearray()
        while found := re.match(rb"([0-9a-f]+)\r\n", rest):
            size = int(found[1], 16)
            body += rest[found.end() :][:size]
            rest = rest[found.end() + size + 2 :]
        return bytes(body), rest

    @property
    def body(self) -> bytes:
        return self.parts[0]

    @property
    def complete(self) -> bool:
        return self.text.endswith(b"0\r\n\r\n") if self.chunked else self.end == "eof"


def listen(client: socket.socket, began: float) -> Reading:
    """Whatever still comes, until the connection ends or nothing comes for long."""
    text, arrivals, end = bytearray(), [], "eof"
    try:
        while data := client.recv(1 << 20):
            text += data
            arrivals.append((time.perf_counter() - began, len(data)))
    except ConnectionResetError:
        end = "reset"
    except TimeoutError:
        end = "silence"
    return Reading(bytes(text), end, time.perf_counter() - began, arrivals)
