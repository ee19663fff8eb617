"""Replay of journalled requests."""

from __future__ import annotations

import asyncio

from starlette.types import Message

from mockserver.admin.error_responses import AdminError
from mockserver.pipeline import ChatPipeline
from mockserver.sessions.journal import DROPPED_BODY, Arrival, JournalEntry, generate_request_id
from mockserver.wire.answer import Ending
from mockserver.wire.playback import TRANSPORT_KEY

MAX_RUNNING = 100  # replays whose streams are still open
REPLAY_WAIT_SECONDS = 1.0  # seconds to wait for the answer; playback continues after that


class _NullTransport(asyncio.Transport):
    """A client that discards everything, and disconnects when its connection is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.disconnected = asyncio.Event()

    def is_closing(self) -> bool:
        """Return True, so that nothing waits for the transport."""
        return True

    def write(self, data: object) -> None:
        """Discard the data."""

    def close(self) -> None:
        """Disconnect the client."""
        self.disconnected.set()

    abort = close

    async def receive(self) -> Message:
        """Wait until the connection is closed."""
        await self.disconnected.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Discard the message."""


class Replayer:
    """Sends journalled requests again. Each replay is a request of its own: counted and journalled."""

    def __init__(self, pipeline: ChatPipeline) -> None:
        self._pipeline = pipeline
        self._running: set[asyncio.Task[None]] = set()

    async def replay(self, entry: JournalEntry) -> JournalEntry:
        """Send a request again; return the new entry, which has usually ended.

        Raises AdminError while too many replays are running.
        """
        if entry.dropped:
            raise AdminError(409, DROPPED_BODY)
        if len(self._running) >= MAX_RUNNING:
            raise AdminError(429, f"{MAX_RUNNING} replays are still running; wait until one has ended")
        copy = JournalEntry(
            Arrival(generate_request_id(), entry.head, entry.session, entry.request_with_body, is_replay=True)
        )
        client = _NullTransport()
        scope = {"method": entry.head.method, "state": {TRANSPORT_KEY: client}}
        task = asyncio.create_task(self._pipeline.handle(copy, scope, client.receive, client.send))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=REPLAY_WAIT_SECONDS)
        if copy.answer is not None and copy.answer.ending is Ending.HANG:
            client.close()  # nothing else would ever end it
            await asyncio.wait({task})
        return copy
