"""The supervisor of workers: starts them, replaces those that end, passes calls between them, and stops them together.

The first worker starts before the others, so that what keeps all of them from starting is reported once.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from mockserver.errors import InputError
from mockserver.schema.durations import format_duration
from mockserver.workers.message_channel import Message, MessageChannel
from mockserver.workers.restart_backoff import RestartBackoff
from mockserver.workers.worker_link import REFRESH, RELOAD_TIMEOUT
from mockserver.workers.worker_slot import EXIT_TIMEOUT, WorkerExit, WorkerSlot

MAX_FAILED_STARTS = 5  # of one worker in a row, if no other worker runs


class Supervisor:
    """The process that owns the workers. `log` receives one line for each event."""

    def __init__(self, slots: Sequence[WorkerSlot], log: Callable[[str], None]) -> None:
        self._slots = slots
        self._log = log
        self._first_settled = asyncio.Event()  # the first worker is ready, or has failed
        self._stopping = asyncio.Event()
        self._failure: WorkerExit | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Run the workers until SIGTERM or SIGINT; return the exit code.

        Raises InputError if the first worker finds invalid input.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        runs = [asyncio.create_task(self._keep_running(slot)) for slot in self._slots]
        for run in runs:
            run.add_done_callback(
                lambda _: self.stop()
            )  # none ends before, unless by an error of this program
        await self._stopping.wait()
        self._send_signal(signal.SIGTERM)
        _, late = await asyncio.wait(runs, timeout=EXIT_TIMEOUT)
        if late:
            self._send_signal(signal.SIGKILL)
        await asyncio.gather(*runs)
        if self._failure is None:
            return 0
        if self._failure.problems:
            raise InputError(*self._failure.problems)
        self._log(f"{self._failure.description}; the server stops")
        return 1

    def stop(self) -> None:
        """Begin to stop all workers."""
        self._stopping.set()
        self._first_settled.set()

    async def _keep_running(self, slot: WorkerSlot) -> None:
        """Run the processes of a slot, one after the other."""
        backoff, failed_starts = RestartBackoff(), 0
        if slot is not self._slots[0]:
            await self._first_settled.wait()
        while not self._stopping.is_set():
            ended = await slot.run_process(self._receive)
            failed_starts = 0 if ended.was_ready else failed_starts + 1
            if self._stopping.is_set():
                return
            if not self._first_settled.is_set() or self._is_hopeless(failed_starts):
                self._failure = ended
                return
            delay = backoff.next_delay(ended.seconds)
            self._report_restart(ended, delay)
            await self._pause(delay)

    def _report_restart(self, ended: WorkerExit, delay: float) -> None:
        for problem in ended.problems:
            self._log(str(problem))
        when = f" in {format_duration(delay)}" if delay else ""
        self._log(f"{ended.description}; another one starts{when}")

    def _is_hopeless(self, failed_starts: int) -> bool:
        return failed_starts >= MAX_FAILED_STARTS and not any(slot.is_ready for slot in self._slots)

    async def _pause(self, seconds: float) -> None:
        """Wait for some time, or until the server stops."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    def _receive(self, slot: WorkerSlot, channel: MessageChannel, message: Message) -> None:
        if message["type"] == "ready":
            slot.is_ready = True
            self._first_settled.set()
            if slot.starts > 1:
                self._log(f"worker {slot.number} runs again (process {slot.process_id})")
            # The files may have been edited between the start of a worker and now.
            self._start_task(self._ask_all(REFRESH, RELOAD_TIMEOUT))
        else:
            self._start_task(self._answer_call(channel, message))

    async def _answer_call(self, channel: MessageChannel, message: Message) -> None:
        """Let all workers do what one of them calls for, and send their results to it."""
        results = await self._ask_all(message["verb"], message["timeout"])
        current = [one for one in results if one is not None]
        silent = (one for one, result in zip(self._slots, results, strict=True) if result is None)
        former = [one.metrics for one in silent if one.metrics]
        channel.send(type="reply", id=message["id"], current=current, former=former)

    async def _ask_all(self, verb: str, timeout: float) -> list[Any]:  # noqa: ASYNC109 each slot has it
        return await asyncio.gather(*(slot.ask(verb, timeout) for slot in self._slots))

    def _start_task(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send_signal(self, number: signal.Signals) -> None:
        for slot in self._slots:
            slot.send_signal(number)
