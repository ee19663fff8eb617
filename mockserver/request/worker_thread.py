"""The worker thread of a server, for the long computations of large requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar, TypeVarTuple

ArgumentsT = TypeVarTuple("ArgumentsT")
T = TypeVar("T")


class WorkerThread:
    """One thread that runs functions one after the other, while the event loop serves other requests.

    There is only one, because the event loop shares the interpreter with every thread that computes.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "mockserver-worker")

    async def run(self, function: Callable[[*ArgumentsT], T], *arguments: *ArgumentsT) -> T:
        """Return the result of a function, called in the current context."""
        call = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, function, *arguments)
