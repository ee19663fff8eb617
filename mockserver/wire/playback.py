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

from mockserver.value import value
from mockserver.wire.answer import Answer, Ending, Frame, settled
from mockserver.wire.lines import Lines, encoded
from mockserver.wire.stencil import together

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
OnEnd = Callable[["Heard"], Awaitable[None]]
Ended = Literal["finished", "dropped", "left", "closed"]

TRANSPORT = "mockserver.transport"  # where `server` puts the transport: scope["state"][TRANSPORT]
BREATH = "mockserver.breath"  # and what says a whole answer in one write, where the protocol has that

_CHUNKED = b"transfer-encoding: chunked\r\n"
_PATIENCE = 1.0  # seconds that a reset waits for what was said before to arrive
_LOOK = 0.0005, 0.01  # seconds between two looks at it: the first pause, and the longest
_LINGER_NONE = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: what makes a close an RST


@value
class Heard:
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
    ended: Ended


class Playback:
    """All the plays of one server, and the word that it stops.

    Whatever else waits for long (an event feed, a verification) may watch `closing` too.
    """

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        self._open: set[_Play] = set()

    @property
    def streams(self) -> int:
        """How many streams are under way."""
        return sum(play.answer.streamed for play in self._open)

    async def play(
        self,
        answer: Answer,
        scope: Message,
        receive: Receive,
        send: Send,
        on_end: OnEnd | None = None,
        arrived: float | None = None,
    ) -> Heard:
        """Play it to the end, or until the client leaves or the server stops; never raises for those.

        The request's body must have been read; `arrived` is when that was, on `time.perf_counter`, and now
        unless it is given. `on_end` is awaited once, right before the last bytes or the drop, so that the
        client cannot know of the end before others do.
        """
        if scope.get("http_version") == "1.0":
            # That version knows no chunks; what is said tells its length.
            answer = replace(answer, streamed=False)
        answer = settled(answer)
        at_once = _in_one_breath(answer, scope, send)
        if at_once is not None:
            breath, cycle, head, body = at_once
            now = time.perf_counter() - arrived if arrived else 0.0
            heard = Heard(answer.status, now, now, len(body), (now,) * len(answer.frames), "finished")
            if on_end is not None:
                await on_end(heard)
            breath.say(cycle, answer.status, *(_chunked(head, body) if answer.streamed else (head, body)))
            return heard
        play = _Play(answer, scope, send, on_end, arrived)
        if not play.waits:
            return await play.run()
        self._open.add(play)
        play.closed = self.closing.is_set()
        play.watcher = asyncio.create_task(play.watch(receive))
        try:
            return await play.run()
        finally:
            play.watcher.cancel()
            self._open.discard(play)

    def close(self) -> None:
        """The server stops: every open play ends now. Call it on the loop's thread, as often as you like."""
        self.closing.set()
        for play in self._open:
            play.closed = True
            play.rouse()


def _in_one_breath(answer: Answer, scope: Message, send: Send) -> tuple[Any, Any, bytes, bytes] | None:
    """The usual answer: no task, no sleep, one write of its head and its body. None where it takes more than that."""
    breath = scope["state"].get(BREATH) if "state" in scope else None
    if breath is None or answer.wait or answer.ending is not Ending.FINISH or answer.bodiless:
        return None
    lines = answer.headers if type(answer.headers) is Lines else encoded(answer.headers)
    cycle = breath.take(send)
    if lines is None or cycle is None or scope["method"] == "HEAD":
        return None
    body = together(answer.frames)
    return None if body is None else (breath, cycle, lines.text, body)


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


def _chunked(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Head and body as they are said where no length was told."""
    return head + _CHUNKED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"


class _Play:
    """One answer under way: what it has said so far, and what may wake it."""

    def __init__(
        self,
        answer: Answer,
        scope: Message,
        send: Send,
        on_end: OnEnd | None,
        arrived: float | None,
    ) -> None:
        self.answer = answer
        self.frames = () if scope["method"] == "HEAD" else tuple(answer.frames)
        self.waits = (
            bool(answer.wait) or answer.ending is not Ending.FINISH or any(f.wait for f in self.frames)
        )
        self.left = False
        self.closed = False
        self.watcher: asyncio.Task[None]
        self._scope = scope
        self._send = send
        self._on_end = on_end
        self._wake: asyncio.Future[None] | None = None
        self._arrived = time.perf_counter() if arrived is None else arrived
        self._first: float | None = None
        self._status = 0
        self._size = 0
        self._times: list[float] = []

    async def run(self) -> Heard:
        """Silence, head, frames, ending; each pause may be the last."""
        deadline = asyncio.get_running_loop().time() + self.answer.wait
        if self.answer.wait and not await self.pause(deadline):
            return await self.interrupted()
        await self.begin()
        batches = list(_batches(self.frames))
        for batch in batches:
            deadline += batch[0].wait
            if batch[0].wait and not await self.pause(deadline):
                return await self.interrupted()
            if batch is batches[-1] and self.answer.ending is Ending.FINISH:
                return await self.finish(batch)
            await self.say(batch)
        return await self.end()

    async def ended(self, how: Ended) -> Heard:
        """What was heard, told before anybody can know it: the last bytes, or the drop, are next."""
        seconds = time.perf_counter() - self._arrived
        heard = Heard(self._status, self._first, seconds, self._size, tuple(self._times), how)
        if self._on_end is not None:
            await self._on_end(heard)
        return heard

    # The voice

    async def begin(self) -> None:
        if not self.answer.head:
            return
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.answer.headers
        ]
        await self._send({"type": "http.response.start", "status": self.answer.status, "headers": headers})
        self._status = self.answer.status
        self._first = time.perf_counter() - self._arrived

    async def say(self, batch: list[Frame]) -> None:
        """One write."""
        data = _joined(batch)
        if batch[0].raw:
            self.transport.write(data)
        elif data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
        self.count(batch, len(data))

    async def finish(self, batch: list[Frame]) -> Heard:
        """The last write of a message that is to be whole: it also ends it, to spare a packet."""
        if self.waits and batch:
            # Nothing is written by this; it returns when a slow reader has taken enough, or has left.
            await self._send({"type": "http.response.body", "body": b"", "more_body": True})
        if self.left:
            return await self.ended("left")
        data = _joined(batch)
        self.count(batch, len(data))
        heard = await self.ended("finished")
        await self._send({"type": "http.response.body", "body": data, "more_body": False})
        return heard

    def count(self, batch: list[Frame], size: int) -> None:
        now = time.perf_counter() - self._arrived
        self._first = now if self._first is None and size else self._first
        self._size += size
        self._times.extend([now] * len(batch))

    async def end(self) -> Heard:
        match self.answer.ending:
            case Ending.FINISH:
                return await self.finish([])
            case Ending.HANG:
                await self.pause(None)
                return await self.interrupted()
            case Ending.RESET:
                await self.drain()
                return await self.drop(self.reset, "dropped")
            case _:  # CLOSE
                return await self.drop(self.transport.close, "dropped")

    async def interrupted(self) -> Heard:
        """The client left, or the server stops. A chunked message can be finished; any other is cut."""
        if self.left:
            return await self.ended("left")
        if self._status and self.answer.streamed and not any(frame.raw for frame in self.frames):
            heard = await self.ended("closed")
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            return heard
        return await self.drop(self.close, "closed")

    # The ear

    @property
    def over(self) -> bool:
        return self.left or self.closed

    async def watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left = True
        self.rouse()

    async def pause(self, deadline: float | None) -> bool:
        """Be silent until the deadline, for ever without one; False as soon as going on is of no use."""
        if self.over:
            return False
        loop = asyncio.get_running_loop()
        if deadline is not None and deadline <= loop.time():
            return True
        self._wake = loop.create_future()
        timer = None if deadline is None else loop.call_at(deadline, self.rouse)
        try:
            await self._wake
        finally:
            self._wake = None
            if timer is not None:
                timer.cancel()
        return not self.over

    def rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    # The wire

    @property
    def transport(self) -> asyncio.Transport:
        transport: asyncio.Transport = self._scope["state"][TRANSPORT]
        return transport

    async def drain(self) -> None:
        """An RST throws away what is still on its way: wait, within reason, until what was said is there."""
        loop = asyncio.get_running_loop()
        patience = loop.time() + _PATIENCE
        look, longest = _LOOK
        while (
            _unsent(self.transport)
            and loop.time() < patience
            and await self.pause(min(loop.time() + look, patience))
        ):
            look = min(look * 2, longest)

    async def drop(self, cut: Callable[[], None], how: Ended) -> Heard:
        """The connection ends here, one way or the other; it may take a while to follow."""
        heard = await self.ended(how)
        cut()
        # uvicorn takes a play that returns before the connection is lost for one that forgot to answer.
        await asyncio.wait([self.watcher])
        return heard

    def close(self) -> None:
        """Close the connection; without a transport, the server does so as it stops."""
        if TRANSPORT in self._scope["state"]:
            self.transport.close()

    def reset(self) -> None:
        if not self.transport.is_closing():
            wire = self.transport.get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        self.transport.abort()


def _joined(batch: list[Frame]) -> bytes:
    return batch[0].data if len(batch) == 1 else b"".join(frame.data for frame in batch)


def _batches(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Frames that go out in one write: those that follow without a wait, in the same framing."""
    batch: list[Frame] = []
    for frame in frames:
        if batch and (frame.wait or frame.raw != batch[0].raw):
            yield batch
            batch = []
        batch.append(frame)
    if batch:
        yield batch


def _unsent(transport: asyncio.Transport) -> int:
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
