"""The place of one worker in the supervisor: its present process, and the metrics of those before it."""

from __future__ import annotations

import asyncio
import itertools
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from mockserver.errors import Problem
from mockserver.workers.message_channel import Message, MessageChannel
from mockserver.workers.worker_link import METRICS, WorkerStart

EXIT_TIMEOUT = 3.0  # seconds that a worker may take to end, before it is killed


class WorkerProcess(Protocol):
    """The process of a worker, as `multiprocessing` has it. Its sentinel becomes readable when it ends."""

    @property
    def pid(self) -> int | None: ...  # noqa: D102
    @property
    def exitcode(self) -> int | None: ...  # noqa: D102
    @property
    def sentinel(self) -> int: ...  # noqa: D102
    def terminate(self) -> None: ...  # noqa: D102
    def kill(self) -> None: ...  # noqa: D102
    def join(self) -> None: ...  # noqa: D102


StartProcess = Callable[[socket.socket, WorkerStart], WorkerProcess]
Receive = Callable[["WorkerSlot", MessageChannel, Message], None]


@dataclass(frozen=True, slots=True)
class WorkerExit:
    """The end of a worker's process; `was_ready` is whether it had served before."""

    description: str
    was_ready: bool
    seconds: float
    problems: tuple[Problem, ...] = ()


class WorkerSlot:
    """The place of one worker. Its process may end and be replaced; its number and its counts stay."""

    def __init__(self, number: int, count: int, start_process: StartProcess) -> None:
        self.number = number
        self.is_ready = False
        self.metrics = ""  # as the last process reported them, with those of the processes before
        self.starts = 0
        self._count = count
        self._start_process = start_process
        self._process: WorkerProcess | None = None
        self._channel: MessageChannel | None = None
        self._questions: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)
        self._problems: tuple[Problem, ...] = ()

    @property
    def process_id(self) -> int | None:
        """Return the id of the present process."""
        return None if self._process is None else self._process.pid

    async def run_process(self, receive: Receive) -> WorkerExit:
        """Start a process, and pass on its messages until it ends."""
        started_at = asyncio.get_running_loop().time()
        self._problems = ()
        self.starts += 1
        announces = self.number == self.starts == 1
        start = WorkerStart(self.number, self._count, announces, self.metrics)
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = self._process = self._start_process(theirs, start)
            except OSError as error:
                ours.close()
                description = f"worker {self.number} cannot be started: {error.strerror}"
                return WorkerExit(description, was_ready=False, seconds=0)
        was_ready = await self._pass_messages(ours, receive)
        code = await _wait_for_exit(process)
        description = f"worker {self.number} (process {process.pid}) {_describe_exit(code)}"
        if not was_ready:
            description += " before it was ready"
        seconds = asyncio.get_running_loop().time() - started_at
        return WorkerExit(description, was_ready, seconds, self._problems)

    async def _pass_messages(self, sock: socket.socket, receive: Receive) -> bool:
        """Pass on messages until the process closes its end; return whether it was ready."""
        channel = self._channel = await MessageChannel.connect(sock)
        while (message := await channel.read()) is not None:
            match message["type"]:
                case "result":
                    self._resolve(message["id"], message["result"])
                case "failed":
                    self._problems = tuple(Problem(**one) for one in message["problems"])
                case _:
                    receive(self, channel, message)
        channel.close()
        was_ready, self.is_ready = self.is_ready, False
        for number in tuple(self._questions):
            self._resolve(number, None)
        return was_ready

    async def ask(self, verb: str, timeout: float) -> Any:  # noqa: ASYNC109 a worker without an answer is no error
        """Let the worker do something; return its result, or None if it is not ready or does not answer in time."""
        if not self.is_ready or self._channel is None:
            return None
        number, answer = next(self._numbers), asyncio.get_running_loop().create_future()
        self._questions[number] = answer
        self._channel.send(type="run", id=number, verb=verb)
        try:
            async with asyncio.timeout(timeout):
                result = await answer
        except TimeoutError:
            return None
        finally:
            del self._questions[number]
        if verb == METRICS and result is not None:
            self.metrics = result
        return result

    def send_signal(self, number: signal.Signals) -> None:
        """Terminate or kill the process; one that has ended is left alone."""
        if self._process is not None:
            self._process.kill() if number == signal.SIGKILL else self._process.terminate()

    def _resolve(self, number: int, result: Any) -> None:
        answer = self._questions.get(number)
        if answer is not None and not answer.done():
            answer.set_result(result)


async def _wait_for_exit(process: WorkerProcess) -> int:
    """Return the exit code of a process that has closed its channel; kill it if it does not end."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process.sentinel, ended.set)
    try:
        async with asyncio.timeout(EXIT_TIMEOUT):
            await ended.wait()
    except TimeoutError:
        process.kill()
        await ended.wait()
    finally:
        loop.remove_reader(process.sentinel)
    process.join()
    return process.exitcode or 0


def _describe_exit(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
