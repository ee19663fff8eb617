"""The supervisor: which processes it starts, replaces and stops, and what the workers do for each other.

The workers here are links without a server, in the event loop of the test.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable

import pytest

from mockserver.errors import InputError, Problem
from mockserver.workers import restart_backoff, supervisor, worker_slot
from mockserver.workers.message_channel import MessageChannel, encode_message
from mockserver.workers.supervisor import MAX_FAILED_STARTS, Supervisor
from mockserver.workers.worker_link import METRICS, REFRESH, WorkerLink, WorkerReplies, WorkerStart
from mockserver.workers.worker_slot import WorkerSlot

PROBLEM = Problem("found 1", "fixtures", "a.yaml", 2, 3)


class LinkedProcess:
    """The process of a worker, as far as the supervisor sees it."""

    def __init__(self, sock: socket.socket, start: WorkerStart) -> None:
        self._sock = sock.dup()
        self.link = WorkerLink(self._sock, start)
        self.refreshed = asyncio.Event()
        self.link.handlers = {METRICS: self.metrics, REFRESH: self.refresh}
        self.pid = 40 + start.number
        self.exitcode: int | None = None
        self.ignores_sigterm = False
        self._is_linked = False
        self.sentinel, self._end = os.pipe()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        with self._sock:
            if self.exitcode is None:
                self._is_linked = True
                await self.link.run()

    async def metrics(self) -> str:
        return f"metrics of {self.link.start.number} after {self.link.start.former_metrics!r}"

    async def refresh(self) -> bool:
        self.refreshed.set()
        return False

    def end(self, code: int) -> None:
        if self.exitcode is None:
            self.exitcode = code
            if self._is_linked:
                self.task.cancel()
            os.close(self._end)

    def fail(self, problems: tuple[Problem, ...] = ()) -> None:
        """End before the link runs."""
        self.link.report_failure(problems)
        self.end(2)

    def terminate(self) -> None:
        if not self.ignores_sigterm:
            self.end(-signal.SIGTERM)

    def kill(self) -> None:
        self.end(-signal.SIGKILL)

    def join(self) -> None:
        os.close(self.sentinel)


class Workers:
    """A supervisor of linked processes; `prepare` is called with each new one, and `refusals` are raised instead."""

    def __init__(self, count: int, prepare: Callable[[LinkedProcess], None] = lambda _: None) -> None:
        self.processes: list[LinkedProcess] = []
        self.refusals: list[OSError] = []
        self.lines: list[str] = []
        self._prepare = prepare
        self._changed = asyncio.Event()
        slots = [WorkerSlot(number, count, self.start) for number in range(1, count + 1)]
        self.supervisor = Supervisor(slots, self.log)

    def start(self, sock: socket.socket, start: WorkerStart) -> LinkedProcess:
        if self.refusals:
            raise self.refusals.pop()
        process = LinkedProcess(sock, start)
        self.processes.append(process)
        self._changed.set()
        self._prepare(process)
        return process

    def log(self, line: str) -> None:
        self.lines.append(line)
        self._changed.set()

    @property
    def exits(self) -> list[int | None]:
        return [one.exitcode for one in self.processes]

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def wait_for_start(self, number: int) -> LinkedProcess:
        """Return the process that was started as the given one, once the supervisor knows that it is ready."""
        await self.wait_until(lambda: len(self.processes) >= number)
        await self.processes[number - 1].refreshed.wait()
        return self.processes[number - 1]

    def run(self, use: Callable[[Workers], Awaitable[None]]) -> int:
        async def run() -> int:
            code = asyncio.create_task(self.supervisor.run())
            await use(self)
            return await code

        return asyncio.run(run())


@pytest.fixture(autouse=True)
def without_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart_backoff, "_FIRST_DELAY", 0.0)


async def wait(_: Workers) -> None:
    pass


def test_all_workers_do_what_one_calls_for_and_one_that_has_ended_is_replaced() -> None:
    async def use(workers: Workers) -> None:
        first, second = await workers.wait_for_start(1), await workers.wait_for_start(2)
        first_text, second_text = "metrics of 1 after ''", "metrics of 2 after ''"
        assert [one.link.start.announces for one in (first, second)] == [True, False]
        assert [one.link.is_first for one in (first, second)] == [True, False]
        replies = await second.link.call(METRICS, 20)
        assert replies == WorkerReplies([first_text, second_text])

        workers.refusals.append(OSError(11, "no more processes"))
        second.end(-signal.SIGKILL)
        replies = await first.link.call(METRICS, 20)
        assert replies == WorkerReplies([first_text], [second_text])

        third = await workers.wait_for_start(3)
        assert third.link.start == WorkerStart(2, 2, False, second_text)
        replies = await first.link.call(METRICS, 20)
        assert replies.current == [first_text, f"metrics of 2 after {second_text!r}"]
        os.kill(os.getpid(), signal.SIGTERM)

    workers = Workers(2)
    lines = [
        "worker 2 (process 42) was ended by SIGKILL; another one starts",
        "worker 2 cannot be started: no more processes; another one starts",
        "worker 2 runs again (process 42)",
    ]
    exits = [-signal.SIGTERM, -signal.SIGKILL, -signal.SIGTERM]
    assert (workers.run(use), workers.lines, workers.exits) == (0, lines, exits)


def test_a_worker_that_does_not_answer_in_time_contributes_its_last_metrics() -> None:
    async def use(workers: Workers) -> None:
        first, second = await workers.wait_for_start(1), await workers.wait_for_start(2)
        [_, last] = (await first.link.call(METRICS, 20)).current
        answers = asyncio.Event()

        async def answer_late() -> str:
            await answers.wait()
            return "too late"

        second.link.handlers[METRICS] = answer_late
        assert last in (await first.link.call(METRICS, 0.001)).former  # the first may be late, too
        answers.set()
        second.link.handlers[METRICS] = second.metrics
        assert (await first.link.call(METRICS, 20)).current[1] == last  # the late answer is for nobody
        workers.supervisor.stop()

    assert Workers(2).run(use) == 0


def test_a_call_that_is_cancelled_leaves_nothing_behind() -> None:
    async def use(workers: Workers) -> None:
        process = await workers.wait_for_start(1)
        call = asyncio.create_task(process.link.call(METRICS, 20))
        await asyncio.sleep(0)
        call.cancel()
        assert len((await process.link.call(METRICS, 20)).current) == 1
        call = asyncio.create_task(process.link.call("metrics", 20))
        await asyncio.sleep(0)
        workers.supervisor.stop()
        with pytest.raises(asyncio.CancelledError):
            await call

    assert Workers(1).run(use) == 0


def test_problems_of_the_first_worker_are_those_of_the_server() -> None:
    with pytest.raises(InputError) as caught:
        Workers(2, lambda process: process.fail((PROBLEM,))).run(wait)
    assert caught.value.problems == (PROBLEM,)


def test_a_first_worker_that_ends_before_it_is_ready_ends_the_server() -> None:
    workers = Workers(2, lambda process: process.end(3))
    assert workers.run(wait) == 1
    assert workers.lines == ["worker 1 (process 41) ended with code 3 before it was ready; the server stops"]
    assert len(workers.processes) == 1


def test_workers_that_cannot_start_again_end_the_server() -> None:
    def fail(process: LinkedProcess) -> None:
        if len(workers.processes) > 1:
            process.fail((PROBLEM,) if len(workers.processes) <= MAX_FAILED_STARTS else ())

    async def use(workers: Workers) -> None:
        (await workers.wait_for_start(1)).end(0)

    workers = Workers(1, fail)
    failed = "worker 1 (process 41) ended with code 2 before it was ready"
    lines = [
        "worker 1 (process 41) ended with code 0; another one starts",
        *[str(PROBLEM), f"{failed}; another one starts"] * (MAX_FAILED_STARTS - 1),
        f"{failed}; the server stops",
    ]
    assert (workers.run(use), workers.lines) == (1, lines)


def test_a_server_stops_while_it_waits_for_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart_backoff, "_FIRST_DELAY", 100.0)

    async def use(workers: Workers) -> None:
        (await workers.wait_for_start(1)).end(0)
        await workers.wait_until(lambda: bool(workers.lines))
        workers.supervisor.stop()

    workers = Workers(1)
    assert workers.run(use) == 0
    assert workers.lines == ["worker 1 (process 41) ended with code 0; another one starts in 5s"]


def test_a_worker_that_does_not_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "EXIT_TIMEOUT", 0.001)

    async def use(workers: Workers) -> None:
        (await workers.wait_for_start(1)).ignores_sigterm = True
        workers.supervisor.stop()

    workers = Workers(1)
    assert workers.run(use) == 0
    assert workers.processes[0].exitcode == -signal.SIGKILL


def test_a_worker_that_has_closed_its_channel_and_does_not_end_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_slot, "EXIT_TIMEOUT", 0.001)

    async def use(workers: Workers) -> None:
        (await workers.wait_for_start(1)).task.cancel()
        await workers.wait_for_start(2)
        workers.supervisor.stop()

    workers = Workers(1)
    first_line = "worker 1 (process 41) was ended by SIGKILL; another one starts"
    assert (workers.run(use), workers.lines[0]) == (0, first_line)


def test_a_worker_stops_when_its_supervisor_has_ended() -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        link = asyncio.create_task(WorkerLink(theirs, WorkerStart(1, 2)).run())
        channel = await MessageChannel.connect(ours)
        assert await channel.read() == {"type": "ready"}
        channel.close()
        await stopped.wait()
        await link

    asyncio.run(run())


def test_a_message_that_is_cut_off_is_the_end_of_its_channel() -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        channel = await MessageChannel.connect(ours)
        with theirs:
            theirs.sendall(encode_message(type="ready") + encode_message(type="ready")[:-1])
        assert await channel.read() == {"type": "ready"}
        assert await channel.read() is None
        channel.close()

    asyncio.run(run())
