"""The relay of an answer that arrives while it is sent: nothing is decided in advance, and no byte waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from mockserver.wire.answer import Answer, Frame
from mockserver.wire.monotonic_clock import read_monotonic
from mockserver.wire.playback import (
    TRANSPORT_KEY,
    AsgiMessage,
    AsgiReceive,
    AsgiSend,
    Delivery,
    EndReason,
    close_connection,
)

MAX_KEPT_BYTES = 16 * 1024 * 1024  # of one body


class Relay:
    """One answer that is relayed to a client: the part that has arrived, and the times at which it was sent.

    `arrived_at` is when the client's request arrived, on `read_monotonic`.
    """

    def __init__(self, scope: AsgiMessage, send: AsgiSend, arrived_at: float) -> None:
        self._scope = scope
        self._send = send
        self._arrived_at = arrived_at
        self._last_at = read_monotonic()  # when the answer was requested, or its last part arrived
        self._head: Answer | None = None
        self._frames: list[Frame] = []
        self._times: list[float] = []
        self._size = 0

    @property
    def is_kept(self) -> bool:
        """Return whether the whole body is kept; one beyond the limit is relayed only."""
        return self._size <= MAX_KEPT_BYTES

    @property
    def answer(self) -> Answer:
        """Return the answer as far as it has arrived; the waits are those of its parts."""
        head = self._head or Answer(0, (), head=False)
        return replace(head, frames=tuple(self._frames))

    async def send_head(self, head: Answer) -> None:
        """Send the status line and headers."""
        self._head = replace(head, wait=self._measure_wait())
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in head.headers]
        await self._send({"type": "http.response.start", "status": head.status, "headers": headers})
        self._times.append(read_monotonic() - self._arrived_at)

    async def send_piece(self, data: bytes) -> None:
        """Send a part of the body as soon as it has arrived."""
        self._size += len(data)
        frame = Frame(data, self._measure_wait())
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        if self.is_kept:
            self._frames.append(frame)
            self._times.append(read_monotonic() - self._arrived_at)

    async def send_end(self) -> None:
        """Complete the message."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def drop(self) -> None:
        """Close the connection, so that the client sees that the answer is not complete."""
        transport = self._scope.get("state", {}).get(TRANSPORT_KEY)
        if transport is not None:
            close_connection(transport)

    def report(self, reason: EndReason) -> Delivery:
        """Return a report of what was sent."""
        seconds = read_monotonic() - self._arrived_at
        first, times = (self._times[0], tuple(self._times[1:])) if self._times else (None, ())
        status = self._head.status if self._head else 0
        return Delivery(status, first, seconds, self._size, times, reason)

    def _measure_wait(self) -> float:
        now = read_monotonic()
        wait, self._last_at = now - self._last_at, now
        return wait


async def run_while_connected(
    work: Coroutine[Any, Any, None], receive: AsgiReceive, closing: asyncio.Event
) -> EndReason:
    """Run a coroutine until its end, until the client disconnects or until the server stops; the latter cancel it.

    Return which of them it was. The request's body must have been read. Raises the exceptions of `work`.
    """
    task = asyncio.create_task(work)
    watchers = asyncio.create_task(_wait_for_disconnect(receive)), asyncio.create_task(closing.wait())
    try:
        await asyncio.wait({task, *watchers}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return "finished"
        return "left" if watchers[0].done() else "closed"
    finally:
        for each in (task, *watchers):
            each.cancel()
        await asyncio.wait({task, *watchers})


async def _wait_for_disconnect(receive: AsgiReceive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
