"""The only module that delays anything: it plays an answer, and tells what of it was heard.

A schedule is cumulative: every frame has a deadline on the loop's clock, counted from the moment the play
began. A frame that is late (a busy loop, a slow reader) goes out at once and moves no deadline after it, so
that a stream neither drifts nor grows.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from dataclasses import replace
from typing import Any, Literal

from mockserver.memoize import fast_dataclass
from mockserver.wire.answer import Answer, Ending, Frame, HeaderBlock, add_content_length, encode_headers
from mockserver.wire.prerendered import join_body

AsgiMessage = MutableMapping[str, Any]
AsgiReceive = Callable[[], Awaitable[AsgiMessage]]
AsgiSend = Callable[[AsgiMessage], Awaitable[None]]
OnDelivered = Callable[["Delivery"], Awaitable[None]]
EndReason = Literal["finished", "dropped", "left", "closed"]

TRANSPORT_KEY = "mockserver.transport"  # where `server` puts the transport: scope["state"][TRANSPORT]
SINGLE_WRITE_KEY = (
    "mockserver.single_write"  # and what says a whole answer in one write, where the protocol has that
)

_CHUNKED_HEADER = b"transfer-encoding: chunked\r\n"
_DRAIN_TIMEOUT = 1.0  # seconds that a reset waits for what was said before to arrive
_DRAIN_POLL = 0.0005, 0.01  # seconds between two looks at it: the first pause, and the longest
_LINGER_ZERO = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: what makes a close an RST


@fast_dataclass
class Delivery:
    """What was heard; every time is in seconds since the request arrived.

    `status` is 0 and `first_byte` None where the client heard no status line, or nothing. `size` counts
    bytes of body. `times[i]` is when frame `i` of the answer went out; there are as many as were sent. The
    last bytes of an answer are on their way out when this is said, and counted.
    `ended`: finished; dropped, as the answer says; left, by the client; closed, because the server stops.
    """

    status: int
    first_byte: float | None
    seconds: float
    size: int
    times: tuple[float, ...]
    end_reason: EndReason


class Playback:
    """All the plays of one server, and the word that it stops.

    Whatever else waits for long (an event feed, a verification) may watch `closing` too.
    """

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        self._playing: set[_Playing] = set()

    @property
    def open_streams(self) -> int:
        """How many streams are under way."""
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
        """Play it to the end, or until the client leaves or the server stops; never raises for those.

        The request's body must have been read; `arrived` is when that was, on `time.perf_counter`, and now
        unless it is given. `on_end` is awaited once, right before the last bytes or the drop, so that the
        client cannot know of the end before others do.
        """
        if scope.get("http_version") == "1.0":
            # That version knows no chunks; what is said tells its length.
            answer = replace(answer, streamed=False)
        answer = add_content_length(answer)
        at_once = _prepare_single_write(answer, scope, send)
        if at_once is not None:
            single_write, cycle, head, body = at_once
            now = time.perf_counter() - arrived_at if arrived_at else 0.0
            heard = Delivery(answer.status, now, now, len(body), (now,) * len(answer.frames), "finished")
            if on_end is not None:
                await on_end(heard)
            single_write.send_response(
                cycle,
                answer.status,
                *(_with_chunked_framing(head, body) if answer.streamed else (head, body)),
            )
            return heard
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
        """The server stops: every open play ends now. Call it on the loop's thread, as often as you like."""
        self.closing.set()
        for play in self._playing:
            play.server_closing = True
            play.wake()


def _prepare_single_write(
    answer: Answer, scope: AsgiMessage, send: AsgiSend
) -> tuple[Any, Any, bytes, bytes] | None:
    """The usual answer: no task, no sleep, one write of its head and its body. None where it takes more than that."""
    single_write = scope["state"].get(SINGLE_WRITE_KEY) if "state" in scope else None
    if single_write is None or answer.wait or answer.ending is not Ending.FINISH or answer.has_no_body:
        return None
    lines = answer.headers if type(answer.headers) is HeaderBlock else encode_headers(answer.headers)
    cycle = single_write.take_cycle(send)
    if lines is None or cycle is None or scope["method"] == "HEAD":
        return None
    body = join_body(answer.frames)
    return None if body is None else (single_write, cycle, lines.text, body)


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


def _with_chunked_framing(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Head and body as they are said where no length was told."""
    return head + _CHUNKED_HEADER, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"


class _Playing:
    """One answer under way: what it has said so far, and what may wake it."""

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
        self._arrived_at = time.perf_counter() if arrived_at is None else arrived_at
        self._first_byte: float | None = None
        self._status = 0
        self._size = 0
        self._times: list[float] = []

    async def run(self) -> Delivery:
        """Silence, head, frames, ending; each pause may be the last."""
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
        """What was heard, told before anybody can know it: the last bytes, or the drop, are next."""
        seconds = time.perf_counter() - self._arrived_at
        heard = Delivery(self._status, self._first_byte, seconds, self._size, tuple(self._times), reason)
        if self._on_end is not None:
            await self._on_end(heard)
        return heard

    # The voice

    async def send_head(self) -> None:
        if not self.answer.head:
            return
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.answer.headers
        ]
        await self._send({"type": "http.response.start", "status": self.answer.status, "headers": headers})
        self._status = self.answer.status
        self._first_byte = time.perf_counter() - self._arrived_at

    async def send_batch(self, batch: list[Frame]) -> None:
        """One write."""
        data = _join_batch(batch)
        if batch[0].raw:
            self.transport.write(data)
        elif data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
        self.record_sent(batch, len(data))

    async def send_last(self, batch: list[Frame]) -> Delivery:
        """The last write of a message that is to be whole: it also ends it, to spare a packet."""
        if self.has_delays and batch:
            # Nothing is written by this; it returns when a slow reader has taken enough, or has left.
            await self._send({"type": "http.response.body", "body": b"", "more_body": True})
        if self.client_left:
            return await self.report_end("left")
        data = _join_batch(batch)
        self.record_sent(batch, len(data))
        heard = await self.report_end("finished")
        await self._send({"type": "http.response.body", "body": data, "more_body": False})
        return heard

    def record_sent(self, batch: list[Frame], size: int) -> None:
        now = time.perf_counter() - self._arrived_at
        self._first_byte = now if self._first_byte is None and size else self._first_byte
        self._size += size
        self._times.extend([now] * len(batch))

    async def end(self) -> Delivery:
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
                return await self.drop(self.transport.close, "dropped")

    async def interrupt(self) -> Delivery:
        """The client left, or the server stops. A chunked message can be finished; any other is cut."""
        if self.client_left:
            return await self.report_end("left")
        if self._status and self.answer.streamed and not any(frame.raw for frame in self.frames):
            heard = await self.report_end("closed")
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            return heard
        return await self.drop(self.close, "closed")

    # The ear

    @property
    def should_stop(self) -> bool:
        return self.client_left or self.server_closing

    async def watch_disconnect(self, receive: AsgiReceive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.client_left = True
        self.wake()

    async def pause(self, deadline: float | None) -> bool:
        """Be silent until the deadline, for ever without one; False as soon as going on is of no use."""
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
        if self._wake_future is not None and not self._wake_future.done():
            self._wake_future.set_result(None)

    # The wire

    @property
    def transport(self) -> asyncio.Transport:
        transport: asyncio.Transport = self._scope["state"][TRANSPORT_KEY]
        return transport

    async def drain(self) -> None:
        """An RST throws away what is still on its way: wait, within reason, until what was said is there."""
        loop = asyncio.get_running_loop()
        patience = loop.time() + _DRAIN_TIMEOUT
        look, longest = _DRAIN_POLL
        while (
            _unsent_bytes(self.transport)
            and loop.time() < patience
            and await self.pause(min(loop.time() + look, patience))
        ):
            look = min(look * 2, longest)

    async def drop(self, disconnect: Callable[[], None], reason: EndReason) -> Delivery:
        """The connection ends here, one way or the other; it may take a while to follow."""
        heard = await self.report_end(reason)
        disconnect()
        # uvicorn takes a play that returns before the connection is lost for one that forgot to answer.
        await asyncio.wait([self.watcher])
        return heard

    def close(self) -> None:
        """Close the connection; without a transport, the server does so as it stops."""
        if TRANSPORT_KEY in self._scope["state"]:
            self.transport.close()

    def reset(self) -> None:
        if not self.transport.is_closing():
            wire = self.transport.get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.transport.abort()


def _join_batch(batch: list[Frame]) -> bytes:
    return batch[0].data if len(batch) == 1 else b"".join(frame.data for frame in batch)


def _write_batches(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Frames that go out in one write: those that follow without a wait, in the same framing."""
    batch: list[Frame] = []
    for frame in frames:
        if batch and (frame.wait or frame.raw != batch[0].raw):
            yield batch
            batch = []
        batch.append(frame)
    if batch:
        yield batch


def _unsent_bytes(transport: asyncio.Transport) -> int:
    """Bytes that the peer's kernel has not acknowledged: our buffer, and the kernel's send queue."""
    if transport.is_closing():
        return 0
    return transport.get_write_buffer_size() + _queued(transport.get_extra_info("socket").fileno())


if sys.platform == "linux":
    import fcntl
    import termios

    def _queued(wire: int) -> int:
        # tcp(7): SIOCOUTQ, "the amount of unsent data in the socket send queue"; it has TIOCOUTQ's number.
        return int.from_bytes(fcntl.ioctl(wire, termios.TIOCOUTQ, bytes(4)), sys.byteorder)

else:  # pragma: no cover

    def _queued(wire: int) -> int:  # noqa: ARG001
        return 0  # no such call: our own buffer must do
