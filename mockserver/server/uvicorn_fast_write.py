"""A whole answer in one breath: one write, where uvicorn would check, join and send the head and the body apart.

It knows uvicorn's httptools protocol from within, and steps back wherever that one would do more than write. What is
said in one turn of the event loop is written when the turn is over: a write wakes whoever reads it, and many of them
are woken once.
"""

from __future__ import annotations

import asyncio
from typing import Any

RawHeader = tuple[bytes, bytes]


class SingleWrite:
    """The breath of one server. `cycle` is uvicorn's class of a request, `lines` are its status lines."""

    def __init__(self, cycle: Any, lines: dict[int, bytes]) -> None:
        self._cycle = cycle
        self._lines = lines
        self._default_headers: list[RawHeader] = []  # the headers that uvicorn adds, a new list every second
        self._encoded_defaults = b""
        self._pending: list[tuple[asyncio.Transport, bytes]] = []

    def take_cycle(self, send: Any) -> Any:
        """What `say` needs; None where the answer must be sent as ASGI has it."""
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
        """The status line, the headers as they stand in `head`, the body as it stands; then it is over."""
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
        """Write what was said: before anything else is done to these connections."""
        said, self._pending = self._pending, []
        for transport, text in said:
            if not transport.is_closing():
                transport.write(text)
