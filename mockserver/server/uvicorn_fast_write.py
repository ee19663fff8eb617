"""Faster ways through uvicorn: requests without a task, and complete responses in one write.

They rely on internals of uvicorn's httptools protocol. The single write replaces two for head and body, which uvicorn
validates, and is not used if the protocol would do more than write. The responses of one turn of the event loop are
written at its end: each write wakes its reader, which costs less in a row.
"""

from __future__ import annotations

import asyncio
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import copy_context
from typing import Any

RawHeader = tuple[bytes, bytes]


class EagerRequests(asyncio.Protocol):
    """Mixin for uvicorn's httptools protocol that creates a task for a request only when the application first waits.

    Until then `asyncio.current_task` is None. A request starts when all that arrived with its head has been parsed, so
    that a short body is there. The idle sweep closes idle connections: it replaces uvicorn's timer for each response.
    """

    single_write: SingleWrite
    loop: asyncio.AbstractEventLoop
    tasks: set[asyncio.Task[Any]]
    transport: asyncio.Transport
    flow: Any
    pipeline: deque[tuple[Any, Any]]
    server_state: Any
    _is_receiving = False
    _ready: tuple[Any, Any] | None = (
        None  # the request that starts when the parser returns, and the application
    )

    def data_received(self, data: bytes) -> None:
        """Parse bytes of the connection, and start the requests that are in them."""
        self._is_receiving = True
        super().data_received(data)
        while self._ready is not None:
            cycle, app = self._ready
            self._ready = None
            self._start(cycle, app)
        self._is_receiving = False

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Start a request: without a task if it is in the bytes that are being received."""
        if self._is_receiving:
            self._ready = cycle, app
        else:
            super()._start_asgi_task(cycle, app)  # type: ignore[misc]

    def _start(self, cycle: Any, app: Any) -> None:
        if cycle.more_body:
            super()._start_asgi_task(cycle, app)  # type: ignore[misc]
            return
        if self.transport in self.single_write.pending:
            self.single_write.flush()  # this answer may be written at once
        if not (cycle.waiting_for_100_continue or self.flow.read_paused):
            cycle.receive = _receive_whole(cycle)
        context, coroutine = copy_context(), cycle.run_asgi(app)
        try:
            awaited = context.run(coroutine.send, None)
        except StopIteration:
            return
        task = self.loop.create_task(_continue(coroutine, awaited), context=context)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def on_response_complete(self) -> None:
        """Go on with the next request of the connection, if it has arrived."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())


def _receive_whole(cycle: Any) -> Callable[[], Coroutine[Any, Any, dict[str, Any]]]:
    """Return `cycle.receive` for a request that has arrived as a whole: its first message needs no wait."""
    receive_later, is_received = cycle.receive, False

    async def receive() -> dict[str, Any]:
        nonlocal is_received
        if is_received or cycle.disconnected:
            message: dict[str, Any] = await receive_later()
            return message
        is_received = True
        body, cycle.body = bytes(cycle.body), bytearray()
        cycle.message_event.clear()
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _continue(coroutine: Coroutine[Any, Any, None], awaited: Any) -> None:
    """Continue a coroutine that waits for `awaited` already."""
    await _pass_waits(coroutine, awaited)  # since Python 3.12 a task takes no generator


@types.coroutine
def _pass_waits(coroutine: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """Yield what a coroutine waits for, from `awaited` on."""
    while True:
        try:
            try:
                yield awaited
            except BaseException as error:  # noqa: BLE001 the coroutine handles it, or raises it again
                awaited = coroutine.throw(error)
            else:
                awaited = coroutine.send(None)
        except StopIteration:
            return


class SingleWrite:
    """The single-write path of one server. `cycle` is uvicorn's class of a request, `lines` are its status lines."""

    def __init__(self, cycle: Any, lines: dict[int, bytes]) -> None:
        self._cycle = cycle
        self._lines = lines
        self._default_headers: list[RawHeader] = []  # the headers that uvicorn adds, a new list every second
        self._encoded_defaults = b""
        self.pending: dict[asyncio.Transport, bytes] = {}  # the responses to write, by connection

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
        if not self.pending:
            asyncio.get_running_loop().call_soon(self.flush)
        response = b"".join((self._lines[status], self._encoded_defaults, head, b"\r\n", body))
        self.pending[cycle.transport] = response
        cycle.response_started = True
        cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()

    def flush(self) -> None:
        """Write the queued responses; must be called before anything else is done to these connections."""
        pending, self.pending = self.pending, {}
        for transport, data in pending.items():
            if not transport.is_closing():
                transport.write(data)
