"""Playback: sends an answer on its schedule and reports what was delivered. Only this module delays an answer.

A schedule is cumulative: every frame has a deadline on the loop's clock, counted from the start of the
playback. A late frame (busy loop, slow reader) is sent at once and moves no later deadline, so that a stream
neither drifts nor grows.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from mockserver.memoize import fast_dataclass
from mockserver.wire.answer import Answer, Ending, Frame, HeaderBlock, add_content_length, encode_headers
from mockserver.wire.monotonic_clock import read_monotonic
from mockserver.wire.prerendered import join_body

AsgiMessage = MutableMapping[str, Any]
AsgiReceive = Callable[[], Awaitable[AsgiMessage]]
AsgiSend = Callable[[AsgiMessage], Awaitable[None]]
OnDelivered = Callable[["Delivery"], Awaitable[None]]
EndReason = Literal["finished", "dropped", "left", "closed"]

TRANSPORT_KEY = "mockserver.transport"  # `server` puts the transport into scope["state"] under this key,
SINGLE_WRITE_KEY = "mockserver.single_write"  # and the SingleWrite under this one, if the protocol has one
TCP_TRANSPORT = (
    "mockserver.tcp_transport"  # the extra info of a TLS transport: the transport of its TCP connection
)

_CHUNKED_HEADER = b"transfer-encoding: chunked\r\n"
_DRAIN_TIMEOUT = 1.0  # seconds that a reset waits for the data sent before it to arrive
_DRAIN_POLL = 0.0005, 0.01  # seconds between two checks: the first pause, and the longest


@fast_dataclass
class Delivery:
    """A report of what was sent; every time is in seconds since the request arrived.

    `status` is 0 if no status line was sent, and `first_byte` None if nothing was. `size` counts bytes of body.
    `times[i]` is when frame `i` of the answer was sent; frames not sent have none. The report is made just before
    the last bytes are written, and counts them.
    `end_reason`: finished; dropped, as the answer demands; left, by the client; closed, because the server stops.
    """

    status: int
    first_byte: float | None
    seconds: float
    size: int
    times: tuple[float, ...]
    end_reason: EndReason


class Playback:
    """The answers that one server is sending, and the event that the server stops.

    Other code that waits for long (an event feed, a verification) can watch `closing`, too.
    """

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        self._playing: set[_Playing] = set()

    @property
    def open_streams(self) -> int:
        """Return the number of streams in progress."""
        return sum(play.answer.streamed for play in self._playing)

    async def play(
        self,
        answer: Answer,
        scope: AsgiMessage,
        receive: AsgiReceive,
        send: AsgiSend,
        on_end: OnDelivered | None = None,
        arrived_at: float | None = None,
    ) -> Delivery:
        """Send the answer to its end, or until the client disconnects or the server stops (neither raises).

        The request's body must have been read. `arrived_at` is when that happened on `read_monotonic`; the
        default is now. `on_end` is awaited once, right before the last bytes or the drop, so that it is called
        before the client can see the end.
        """
        if scope.get("http_version") == "1.0":
            # HTTP/1.0 has no chunked transfer coding, so that the body needs its length.
            answer = replace(answer, streamed=False)
        answer = add_content_length(answer)
        prepared = _prepare_single_write(answer, scope, send)
        if prepared is not None:
            single_write, cycle, head, body = prepared
            now = read_monotonic() - arrived_at if arrived_at else 0.0
            delivery = Delivery(answer.status, now, now, len(body), (now,) * len(answer.frames), "finished")
            if on_end is not None:
                await on_end(delivery)
            single_write.send_response(
                cycle,
                answer.status,
                *(_with_chunked_framing(head, body, answer.piece_size) if answer.streamed else (head, body)),
            )
            return delivery
        play = _Playing(answer, scope, send, on_end, arrived_at)
        if not play.has_delays:
            return await play.run()
        self._playing.add(play)
        play.server_closing = self.closing.is_set()
        play.watcher = asyncio.create_task(play.watch_disconnect(receive))
        try:
            return await play.run()
        finally:
            play.watcher.cancel()
            self._playing.discard(play)

    def close(self) -> None:
        """End every answer in progress, because the server stops. Call it on the loop's thread; idempotent."""
        self.closing.set()
        for play in self._playing:
            play.server_closing = True
            play.wake()


def _prepare_single_write(
    answer: Answer, scope: AsgiMessage, send: AsgiSend
) -> tuple[Any, Any, bytes, bytes] | None:
    """Return the arguments of a single write (no task, no timer); None if the answer needs more than that."""
    single_write = scope["state"].get(SINGLE_WRITE_KEY) if "state" in scope else None
    if single_write is None or answer.wait or answer.ending is not Ending.FINISH or answer.has_no_body:
        return None
    lines = answer.headers if type(answer.headers) is HeaderBlock else encode_headers(answer.headers)
    cycle = single_write.take_cycle(send)
    if lines is None or cycle is None or scope["method"] == "HEAD":
        return None
    head = lines.text
    if b"connection: " in head:
        return None  # uvicorn obeys a Connection header
    body = join_body(answer.frames)
    return None if body is None else (single_write, cycle, head, body)


def without_transport(answer: Answer) -> Answer:
    """Return the answer, or a 501 in its place if it cannot be sent as ASGI messages alone."""
    raw = any(frame.raw for frame in answer.frames)
    return _NO_TRANSPORT if raw or answer.ending in (Ending.CLOSE, Ending.RESET) else answer


_NO_TRANSPORT = Answer(
    501,
    (("content-type", "text/plain"),),
    (
        Frame(
            b"mockserver cannot send this fault: it needs the connection itself, "
            b"which this version of uvicorn does not hand over. See the warning at the server's start.\n"
        ),
    ),
)


def _with_chunked_framing(head: bytes, body: bytes, piece_size: int) -> tuple[bytes, bytes]:
    """Return head and body with chunked transfer coding, the body as one chunk or in pieces."""
    if piece_size and body:
        chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in _split_pieces(body, piece_size)]
        return head + _CHUNKED_HEADER, b"%b0\r\n\r\n" % b"".join(chunks)
    return head + _CHUNKED_HEADER, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"


def _split_pieces(data: bytes, piece_size: int) -> list[bytes]:
    """Split data into pieces of at most `piece_size` bytes; 0 leaves it whole."""
    if not piece_size or len(data) <= piece_size:
        return [data]
    return [data[start : start + piece_size] for start in range(0, len(data), piece_size)]


class _Playing:
    """One answer in progress: what is sent so far, and the future that a wait ends by."""

    def __init__(
        self,
        answer: Answer,
        scope: AsgiMessage,
        send: AsgiSend,
        on_end: OnDelivered | None,
        arrived_at: float | None,
    ) -> None:
        self.answer = answer
        self.frames = () if scope["method"] == "HEAD" else tuple(answer.frames)
        self.has_delays = (
            bool(answer.wait) or answer.ending is not Ending.FINISH or any(f.wait for f in self.frames)
        )
        self.client_left = False
        self.server_closing = False
        self.watcher: asyncio.Task[None]
        self._scope = scope
        self._send = send
        self._on_end = on_end
        self._wake_future: asyncio.Future[None] | None = None
        self._arrived_at = read_monotonic() if arrived_at is None else arrived_at
        self._first_byte: float | None = None
        self._status = 0
        self._size = 0
        self._times: list[float] = []

    async def run(self) -> Delivery:
        """Send head, frames and ending, each after its wait; any wait may be interrupted."""
        deadline = asyncio.get_running_loop().time() + self.answer.wait
        if self.answer.wait and not await self.pause(deadline):
            return await self.interrupt()
        await self.send_head()
        batches = list(_write_batches(self.frames))
        for batch in batches:
            deadline += batch[0].wait
            if batch[0].wait and not await self.pause(deadline):
                return await self.interrupt()
            if batch is batches[-1] and self.answer.ending is Ending.FINISH:
                return await self.send_last(batch)
            await self.send_batch(batch)
        return await self.end()

    async def report_end(self, reason: EndReason) -> Delivery:
        """Report the delivery just before the last bytes or the drop, so that no client sees the end first."""
        seconds = read_monotonic() - self._arrived_at
        delivery = Delivery(self._status, self._first_byte, seconds, self._size, tuple(self._times), reason)
        if self._on_end is not None:
            await self._on_end(delivery)
        return delivery

    # Sending

    async def send_head(self) -> None:
        """Send the status line and headers, if the answer has them."""
        if not self.answer.head:
            return
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.answer.headers
        ]
        await self._send({"type": "http.response.start", "status": self.answer.status, "headers": headers})
        self._status = self.answer.status
        self._first_byte = read_monotonic() - self._arrived_at

    async def send_batch(self, batch: list[Frame]) -> None:
        """Send the frames of a batch in one write."""
        data = _join_batch(batch)
        if batch[0].raw:
            self.transport.write(data)
        elif data:
            await self.send_pieces(_split_pieces(data, self.answer.piece_size))
        self.record_sent(batch, len(data))

    async def send_pieces(self, pieces: Iterable[bytes]) -> None:
        """Send parts of the body, each as a chunk of its own."""
        for piece in pieces:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def send_last(self, batch: list[Frame]) -> Delivery:
        """Send the last frames and the end of a complete message in one write, to save a packet."""
        if self.has_delays and batch:
            # This writes nothing; it returns when a slow reader has read enough, or has disconnected.
            await self._send({"type": "http.response.body", "body": b"", "more_body": True})
        if self.client_left:
            return await self.report_end("left")
        data = _join_batch(batch)
        *pieces, last = _split_pieces(data, self.answer.piece_size)
        await self.send_pieces(pieces)
        self.record_sent(batch, len(data))
        delivery = await self.report_end("finished")
        await self._send({"type": "http.response.body", "body": last, "more_body": False})
        return delivery

    def record_sent(self, batch: list[Frame], size: int) -> None:
        """Note the time and size of a batch for the report."""
        now = read_monotonic() - self._arrived_at
        self._first_byte = now if self._first_byte is None and size else self._first_byte
        self._size += size
        self._times.extend([now] * len(batch))

    async def end(self) -> Delivery:
        """End the answer as its ending demands, after all frames are sent."""
        match self.answer.ending:
            case Ending.FINISH:
                return await self.send_last([])
            case Ending.HANG:
                await self.pause(None)
                return await self.interrupt()
            case Ending.RESET:
                await self.drain()
                return await self.drop(self.reset, "dropped")
            case _:  # CLOSE
                return await self.drop(partial(close_connection, self.transport), "dropped")

    async def interrupt(self) -> Delivery:
        """End an answer early: the client left, or the server stops. Only a chunked message can be completed."""
        if self.client_left:
            return await self.report_end("left")
        if self._status and self.answer.streamed and not any(frame.raw for frame in self.frames):
            delivery = await self.report_end("closed")
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            return delivery
        return await self.drop(self.close, "closed")

    # Waiting

    @property
    def should_stop(self) -> bool:
        """Return whether sending more is pointless."""
        return self.client_left or self.server_closing

    async def watch_disconnect(self, receive: AsgiReceive) -> None:
        """Wait until the client disconnects, then end the current wait."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self.client_left = True
        self.wake()

    async def pause(self, deadline: float | None) -> bool:
        """Wait until the deadline (None: without end). Return False as soon as sending more is pointless."""
        if self.should_stop:
            return False
        loop = asyncio.get_running_loop()
        if deadline is not None and deadline <= loop.time():
            return True
        self._wake_future = loop.create_future()
        timer = None if deadline is None else loop.call_at(deadline, self.wake)
        try:
            await self._wake_future
        finally:
            self._wake_future = None
            if timer is not None:
                timer.cancel()
        return not self.should_stop

    def wake(self) -> None:
        """End the current wait, if there is one."""
        if self._wake_future is not None and not self._wake_future.done():
            self._wake_future.set_result(None)

    # The connection

    @property
    def transport(self) -> asyncio.Transport:
        """Return the transport that `server` has put into the scope."""
        transport: asyncio.Transport = self._scope["state"][TRANSPORT_KEY]
        return transport

    async def drain(self) -> None:
        """Wait, for a bounded time, until the peer has what was sent: an RST discards data still in flight."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _DRAIN_TIMEOUT
        interval, longest = _DRAIN_POLL
        while (
            _unsent_bytes(self.transport)
            and loop.time() < deadline
            and await self.pause(min(loop.time() + interval, deadline))
        ):
            interval = min(interval * 2, longest)

    async def drop(self, disconnect: Callable[[], None], reason: EndReason) -> Delivery:
        """End the connection by `disconnect` and wait until it is lost."""
        delivery = await self.report_end(reason)
        disconnect()
        # If this returned before the connection is lost, uvicorn would log that the application sent no response.
        await asyncio.wait([self.watcher])
        return delivery

    def close(self) -> None:
        """Close the connection; without a transport, the server does so when it stops."""
        if TRANSPORT_KEY in self._scope["state"]:
            close_connection(self.transport)

    def reset(self) -> None:
        """Abort the connection with an RST."""
        if not self.transport.is_closing():
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, encode_linger_zero(sys.platform))
        self.transport.abort()


def close_connection(transport: asyncio.Transport) -> None:
    """Close a connection in the middle of an answer.

    Under TLS no close_notify alert is sent: it would state that the data is complete (RFC 8446, 6.1).
    """
    transport.get_extra_info(TCP_TRANSPORT, transport).close()


def encode_linger_zero(platform: str) -> bytes:
    """Encode the SO_LINGER option that makes a close an RST: enabled, with a time of 0 seconds.

    `struct linger` has two ints on POSIX and two u_shorts in Winsock, which refuses a value of another size.
    https://learn.microsoft.com/windows/win32/api/winsock2/ns-winsock2-linger
    """
    return struct.pack("HH" if platform == "win32" else "ii", 1, 0)


def _join_batch(batch: list[Frame]) -> bytes:
    return batch[0].data if len(batch) == 1 else b"".join(frame.data for frame in batch)


def _write_batches(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Yield the frames of each write: consecutive ones without a wait between them and in the same framing."""
    batch: list[Frame] = []
    for frame in frames:
        if batch and (frame.wait or frame.raw != batch[0].raw):
            yield batch
            batch = []
        batch.append(frame)
    if batch:
        yield batch


def _unsent_bytes(transport: asyncio.Transport) -> int:
    """Return the bytes that the peer has not acknowledged: our buffer and the kernel's send queue."""
    if transport.is_closing():
        return 0
    return transport.get_write_buffer_size() + _send_queue_size(transport.get_extra_info("socket").fileno())


if sys.platform == "linux":
    import fcntl
    import termios

    def _send_queue_size(sock: int) -> int:
        # tcp(7): SIOCOUTQ, "the amount of unsent data in the socket send queue"; it has TIOCOUTQ's number.
        return int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)

else:  # pragma: no cover

    def _send_queue_size(sock: int) -> int:  # noqa: ARG001
        return 0  # not available: only our own buffer is counted
