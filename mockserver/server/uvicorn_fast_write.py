"""A faster way to send a complete response: one write, where uvicorn validates and sends head and body separately.

It relies on internals of uvicorn's httptools protocol, and is not used if that protocol would do more than write. The
responses of one turn of the event loop are written at its end: each write wakes its reader, which costs less in a row.
"""

from __future__ import annotations

import asyncio
from typing import Any

RawHeader = tuple[bytes, bytes]


class SingleWrite:
    """The single-write path of one server. `cycle` is uvicorn's class of a request, `lines` are its status lines."""

    def __init__(self, cycle: Any, lines: dict[int, bytes]) -> None:
        self._cycle = cycle
        self._lines = lines
        self._default_headers: list[RawHeader] = []  # the headers that uvicorn adds, a new list every second
        self._encoded_defaults = b""
        self._pending: list[tuple[asyncio.Transport, bytes]] = []

    def take_cycle(self, send: Any) -> Any:
        """Return uvicorn's request object for `send_response`; None if the answer must be sent as ASGI messages."""
        cycle: Any = getattr(send, "__self__", None)
        if (
            type(cycle) is not self._cycle
            or cycle.response_started
            or cycle.disconnected
            or not cycle.keep_alive
            or cycle.flow.write_paused
        ):
            return None
        return cycle

    def send_response(self, cycle: Any, status: int, head: bytes, body: bytes) -> None:
        """Queue a complete response: the status line, the encoded headers in `head`, and the encoded body."""
        if cycle.default_headers is not self._default_headers:
            self._default_headers = cycle.default_headers
            self._encoded_defaults = b"".join([b"%s: %s\r\n" % header for header in self._default_headers])
        if not self._pending:
            asyncio.get_running_loop().call_soon(self.flush)
        self._pending.append(
            (cycle.transport, b"".join((self._lines[status], self._encoded_defaults, head, b"\r\n", body)))
        )
        cycle.response_started = True
        cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()

    def flush(self) -> None:
        """Write the queued responses; must be called before anything else is done to these connections."""
        pending, self._pending = self._pending, []
        for transport, data in pending:
            if not transport.is_closing():
                transport.write(data)
