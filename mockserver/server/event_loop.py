"""The event loop and the thread of a server, independent of frozen clocks and of gevent."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from threading import Thread

from mockserver.wire.monotonic_clock import read_monotonic

if sys.platform == "win32":  # pragma: no cover
    from asyncio import ProactorEventLoop as PlatformEventLoop
else:
    from asyncio import SelectorEventLoop as PlatformEventLoop


class SteadyEventLoop(PlatformEventLoop):
    """asyncio's event loop, whose timers go on when a test freezes the time of its process."""

    def time(self) -> float:
        """Return the time of the loop's timers in seconds."""
        return read_monotonic()


def select_loop(name: str) -> str:
    """Return the value of uvicorn's option `loop` for `auto`, `uvloop` or `asyncio`."""
    if name == "auto":
        # uvloop never yields to gevent, which runs the server's worker threads as greenlets.
        name = "uvloop" if find_spec("uvloop") and not _is_patched_by_gevent() else "asyncio"
    return name if name == "uvloop" else f"{__name__}:{SteadyEventLoop.__name__}"


def start_thread(target: Callable[[], None]) -> Callable[[], object]:
    """Run a function on a thread of the operating system; return the function that waits for its end."""
    if not _is_patched_by_gevent():
        thread = Thread(target=target, name="mockserver", daemon=True)
        thread.start()
        return thread.join
    # gevent starts a greenlet for a `Thread`, and an event loop in it would block all others.
    wait_for_end: Callable[[], object] = import_module("gevent.threadpool").ThreadPool(1).spawn(target).get
    return wait_for_end


def _is_patched_by_gevent() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and monkey.is_module_patched("threading")
