"""The clock of limits, windows and fault rules: it goes with the machine's, and somebody may move it on."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Seconds, as the machine counts them and as they were moved on, for one session or for all of them."""

    def __init__(self, machine: Callable[[], float] = time.monotonic) -> None:
        self._machine = machine
        # By session, and under None for all: when it was moved on, and by how much.
        self._moves: dict[str | None, list[tuple[float, float]]] = {}

    def now(self, session: str | None = None) -> float:
        """What it shows in a session; only differences mean something."""
        return self._machine() + self.ahead(session)

    def ahead(self, session: str | None = None, since: float = 0.0) -> float:
        """The seconds by which it was moved on, all in all or after a moment on the machine's clock."""
        if not self._moves:
            return 0.0
        scopes = {session, None}
        return sum(by for scope in scopes for when, by in self._moves.get(scope, ()) if when >= since)

    def elapsed(self, since: float, session: str | None = None) -> float:
        """The seconds in a session after a moment on the machine's clock."""
        return self._machine() - since + self.ahead(session, since)

    def advance(self, seconds: float, session: str | None = None) -> None:
        """Move it on, for a session or for all."""
        self._moves.setdefault(session, []).append((self._machine(), seconds))

    def restore(self, session: str | None = None) -> None:
        """It goes with the machine's again, in a session or in all of them."""
        if session is None:
            self._moves.clear()
        else:
            self._moves.pop(session, None)
