"""`MockServer`: one server on a thread, on a real socket, for the length of a `with`."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mockserver import words
from mockserver.app import build, line
from mockserver.errors import InputError
from mockserver.server import Server, bind
from mockserver.session.journal import Entry
from mockserver.settings import Settings
from mockserver.shelf.matching import Shelf
from mockserver.wire.playback import Playback


class MockServer:
    """A running server. Without paths it serves the shipped fixtures; the port is free unless one is given.

    Raises InputError for fixtures or settings that are wrong.
    """

    def __init__(self, *paths: str | Path, port: int = 0, **settings: Any) -> None:
        self.settings = Settings(paths=tuple(map(Path, paths)), port=port, **settings)
        self.entries: list[Entry] = []
        self.edits: list[Shelf | InputError] = []
        playback = Playback()
        self._line = line(self.settings, playback, self.entries.append)
        app = build(self._line, self.edits.append)
        self._server = Server(app, bind(self.settings.host, port), playback)

    @property
    def url(self) -> str:
        """The server's root, as `http://127.0.0.1:8402`."""
        return words.url(self._server.address)

    def start(self) -> Self:
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
