"""Watches on the journal: a waiting request learns which entries of its session have changed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mockserver.sessions.journal import JournalEntry, Lifecycle


class RequestWatch:
    """The entries that have changed since they were last taken."""

    def __init__(self) -> None:
        self._changed: dict[str, JournalEntry] = {}
        self._cleared = False
        self._waiter: asyncio.Future[None] | None = None

    def add(self, entry: JournalEntry) -> None:
        """Note a change of an entry."""
        self._changed[entry.id] = entry
        self.wake()

    def clear(self) -> None:
        """Note that the journal was cleared."""
        self._changed.clear()
        self._cleared = True
        self.wake()

    def wake(self) -> None:
        """End the wait, if there is one."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take(self) -> tuple[list[JournalEntry], bool]:
        """Return the changed entries, and whether the journal was cleared before these changes."""
        taken = list(self._changed.values()), self._cleared
        self._changed, self._cleared = {}, False
        return taken

    async def wait(self, seconds: float) -> None:
        """Wait for a change, for `wake` or for a time in seconds."""
        if self._changed or self._cleared:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._waiter
        finally:
            self._waiter = None


class RequestWatches:
    """All watches, by session, so that a request costs nothing where its session is not watched."""

    def __init__(self) -> None:
        self._watches: defaultdict[str | None, set[RequestWatch]] = defaultdict(set)

    @contextmanager
    def watch(self, session: str | None) -> Iterator[RequestWatch]:
        """Watch the entries of a session, or of all."""
        watch = RequestWatch()
        self._watches[session].add(watch)
        try:
            yield watch
        finally:
            self._watches[session].discard(watch)
            if not self._watches[session]:
                del self._watches[session]

    def publish(self, _: Lifecycle, entry: JournalEntry) -> None:
        """Pass a step of an entry to the watches of its session."""
        if self._watches:
            for session in (entry.session, None):
                for watch in self._watches.get(session, ()):
                    watch.add(entry)

    def clear(self, session: str | None) -> None:
        """Report to the watches that the journal of a session, or of all, was cleared."""
        for name, watches in self._watches.items():
            if session is None or name in (session, None):
                for watch in watches:
                    watch.clear()
