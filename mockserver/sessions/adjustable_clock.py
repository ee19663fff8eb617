"""The clock of limits, fault rules and the plan, which tests advance by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from mockserver.wire.monotonic_clock import read_monotonic

_MAX_ADVANCES = 100  # of the clock of one session
_MAX_ADVANCED_SESSIONS = 10_000


ClockAdvances = Sequence[tuple[float, float]]


def read_session_time(moment: float, advances: ClockAdvances) -> float:
    """Return a moment of the machine's clock on the clock of a session with these advances."""
    return moment + sum(seconds for when, seconds in advances if when <= moment)


class AdjustableClock:
    """The machine's monotonic clock, which tests advance by hand for one session or for all of them."""

    def __init__(self, monotonic: Callable[[], float] = read_monotonic) -> None:
        self._monotonic = monotonic
        # By session, with None for all: when the clock was advanced, and by how many seconds.
        self._advances: dict[str | None, list[tuple[float, float]]] = {None: []}

    def now(self, session: str | None = None) -> float:
        """Return the time of a session in seconds; only differences are meaningful."""
        return self._monotonic() + self.offset(session)

    def read_machine(self) -> float:
        """Return the present moment of the machine's clock, from which `elapsed` counts."""
        return self._monotonic()

    def offset(self, session: str | None = None, since: float = 0.0) -> float:
        """Return the seconds by which the clock was advanced, in total or since a moment of the machine's clock."""
        if len(self._advances) == 1 and not self._advances[None]:
            return 0.0
        scopes = {session, None}
        return sum(
            seconds for scope in scopes for when, seconds in self._advances.get(scope, ()) if when >= since
        )

    def elapsed(self, since: float, session: str | None = None) -> float:
        """Return the seconds that have passed in a session since a moment of the machine's clock."""
        return self._monotonic() - since + self.offset(session, since)

    def advances(self, session: str | None = None) -> tuple[tuple[float, float], ...]:
        """Return when the clock of a session was advanced, on the machine's clock, and by how many seconds."""
        scopes = {session, None}
        return tuple(sorted(one for scope in scopes for one in self._advances.get(scope, ())))

    def advance(self, seconds: float, session: str | None = None) -> None:
        """Advance the clock of a session, or of all.

        Beyond _MAX_ADVANCES the two oldest are merged, so that the total stays right; beyond _MAX_ADVANCED_SESSIONS
        the session that was advanced first is forgotten.
        """
        advances = self._advances.setdefault(session, [])
        advances.append((self._monotonic(), seconds))
        if len(advances) > _MAX_ADVANCES:
            (_, first), (when, second) = advances[:2]
            advances[:2] = [(when, first + second)]
        if len(self._advances) > _MAX_ADVANCED_SESSIONS:
            del self._advances[next(islice(self._advances, 1, None))]  # None comes first

    def reset(self, session: str | None = None) -> None:
        """Undo the advances of a session, or of all."""
        if session is None:
            self._advances = {None: []}
        else:
            self._advances.pop(session, None)
