"""`MockServer`: one server on a thread, on a real socket, for the length of a `with`."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from anyio import to_thread

from mockserver.client.arguments import check_keywords
from mockserver.client.recorded_request import Request
from mockserver.client.session_client import Remote, Session
from mockserver.errors import InputError
from mockserver.matching.fixture_set import FixtureSet
from mockserver.server.app import create_app, create_pipeline
from mockserver.server.uvicorn_server import (
    BackgroundServer,
    bind_socket,
    format_server_url,
    get_connect_address,
)
from mockserver.sessions.journal import MAX_BYTES, JournalEntry
from mockserver.settings import Settings
from mockserver.wire.playback import Playback

__all__ = ["MockServer", "Remote", "Request", "Session"]


class _EndedEntries:
    """The last requests that have ended; added on the server's thread, read on others."""

    def __init__(self, max_entries: int) -> None:
        self._entries: deque[JournalEntry] = deque()
        self._max_entries = max_entries
        self._bytes = 0

    def add(self, entry: JournalEntry) -> None:
        """Add an entry, and evict the oldest ones beyond the bounds; the newest one always stays."""
        self._entries.append(entry)
        self._bytes += entry.size
        while len(self._entries) > 1 and (len(self._entries) > self._max_entries or self._bytes > MAX_BYTES):
            self._bytes -= self._entries.popleft().size

    def to_list(self) -> list[JournalEntry]:
        """Return a copy."""
        return list(self._entries)


class MockServer(Remote):
    """A running server. Without paths it serves the shipped fixtures; the port is free unless one is given.

    Itself it stands for all sessions, so that clients need no more than its `url`; `session()` makes one apart.
    `settings` are those of `mockserver.settings.Settings`: `MockServer(strict=True, seed=7)`.

    Raises InputError for fixtures or settings that are wrong.
    """

    def __init__(self, *paths: str | Path, port: int = 0, **settings: Any) -> None:
        check_keywords("MockServer()", settings, Settings)
        self.settings = Settings(paths=tuple(map(Path, paths)), port=port, **settings)
        self._ended = _EndedEntries(self.settings.journal_size)
        self.edits: list[FixtureSet | InputError] = []
        playback = Playback()
        self._pipeline = create_pipeline(self.settings, playback, self._record)
        sock = bind_socket(self.settings.host, port)
        app = create_app(self._pipeline, self.edits.append, get_connect_address(sock))
        self._server = BackgroundServer(app, sock, playback)
        super().__init__(format_server_url(self._server.address), self.settings.admin_token)

    @property
    def entries(self) -> list[JournalEntry]:
        """Return the requests that have ended, in that order; bounded in number and in bytes, as the journal is."""
        return self._ended.to_list()

    def _record(self, entry: JournalEntry) -> None:
        self._ended.add(entry)

    def reset(self) -> None:
        """Reset all sessions and what they share to the fixture files, and forget all requests."""
        super().reset()
        self._ended = _EndedEntries(self.settings.journal_size)

    def start(self) -> Self:
        """Serve on a thread; returns when the server answers. RuntimeError where it cannot."""
        self._server.start()
        return self

    def stop(self) -> None:
        """End every open answer, then the thread. Once is enough; more often is fine."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await to_thread.run_sync(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await to_thread.run_sync(self.stop)
