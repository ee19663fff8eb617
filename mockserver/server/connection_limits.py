"""Limits of connections: open files, a log line when they run out, and a timeout while the client must send."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import sys
from collections.abc import Collection
from typing import Any

from mockserver.wire.monotonic_clock import read_monotonic

IDLE_TIMEOUT = 120.0  # seconds that a connection may wait for its client; longer than uvicorn's keep-alive
_SWEEPS_PER_TIMEOUT = 8
_MAX_OPEN_FILES = 65_536  # one client address has no more ports than this
_REPORT_INTERVAL = 1.0  # seconds between two log lines about connections that cannot be accepted
_OUT_OF_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def raise_fd_limit() -> None:
    """Raise the limit of open files as far as the system allows; the soft limit of a shell is often 1,024."""
    if sys.platform == "win32":  # pragma: no cover
        return
    import resource  # noqa: PLC0415 not available on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_OPEN_FILES)
    if soft < most:
        with contextlib.suppress(ValueError, OSError):  # a system may have a limit below its own hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class AcceptErrorHandler:
    """The exception handler of an event loop, with one line per second for connections that cannot be accepted.

    asyncio tries to accept as many connections as the backlog has, and reports each failure with a traceback. For each
    failure it accepts again a second later, and reports another one if the server has stopped in the meantime.
    """

    def __init__(self) -> None:
        self._next_report = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Report an exception that the loop has caught."""
        error = context.get("exception")
        if isinstance(error, ValueError) and "._start_serving(" in context.get("message", ""):
            return  # the socket is closed: the server stops
        if not isinstance(error, OSError) or error.errno not in _OUT_OF_RESOURCES:
            loop.default_exception_handler(context)
        elif loop.time() >= self._next_report:
            self._next_report = loop.time() + _REPORT_INTERVAL
            logging.getLogger("mockserver").warning(
                "mockserver: connections wait, because none can be accepted: %s; raise the limit (`ulimit -n`)",
                error.strerror,
            )


class IdleTimeout(asyncio.Protocol):
    """Mixin for uvicorn's protocols that records when data was last received, and frees a lost connection."""

    cycle: Any
    transport: asyncio.Transport
    last_received: float

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the time of a new connection."""
        self.last_received = read_monotonic()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Start the time anew and parse the data."""
        self.last_received = read_monotonic()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the connection. After a reset uvicorn keeps its timer, and with it all of its state, for 75 seconds."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # type: ignore[attr-defined]

    def is_overdue(self, latest: float) -> bool:
        """Return whether the client must send something (a request or the rest of one), and has not since `latest`."""
        if self.last_received >= latest:
            return False
        if getattr(self, "pipeline", None):  # requests wait for their turn, and reading is paused
            return False
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body


def start_idle_sweep(loop: asyncio.AbstractEventLoop, connections: Collection[Any]) -> None:
    """Close the connections that have waited for their client for IDLE_TIMEOUT seconds, as long as the loop runs.

    One timer for all connections costs less than restarting one for each with every request.
    """
    timeout = IDLE_TIMEOUT

    def sweep() -> None:
        latest = read_monotonic() - timeout
        for connection in list(connections):
            # A version of uvicorn without the parts that we need uses its own protocol.
            if isinstance(connection, IdleTimeout) and connection.is_overdue(latest):
                connection.transport.close()
        loop.call_later(timeout / _SWEEPS_PER_TIMEOUT, sweep)

    sweep()
