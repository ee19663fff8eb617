"""The running of a server with several workers: the process of the supervisor, and that of a worker.

The supervisor imports none of the server, so that it takes little memory and no time at the start.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing.process import BaseProcess

from mockserver.cli.server_messages import format_dropped_lines, format_warnings
from mockserver.errors import InputError
from mockserver.server.addresses import bind_socket
from mockserver.server.log_writer import LogWriter
from mockserver.settings import Settings
from mockserver.workers.supervisor import Supervisor
from mockserver.workers.worker_link import WorkerLink, WorkerStart
from mockserver.workers.worker_slot import WorkerSlot


def run_workers(settings: Settings, count: int) -> int:
    """Serve with several processes until SIGTERM or SIGINT; return the exit code. Raises InputError."""
    if sys.platform == "win32":
        raise InputError.from_message(
            "is not available on Windows: start one server for each port", "--workers"
        )
    if settings.tls_port is not None:
        raise InputError.from_message("needs a server with one worker", "--tls-port")
    errors = LogWriter(sys.stderr, partial(format_dropped_lines, settings=settings))
    try:
        with bind_socket(settings.host, settings.port) as sock:
            sock.listen()  # a second server on this port is refused from now on
            start = partial(_start_process, replace(settings, page=False), sock)
            slots = [WorkerSlot(number, count, start) for number in range(1, count + 1)]
            supervisor = Supervisor(slots, lambda message: errors.write(format_warnings([message], settings)))
            return asyncio.run(supervisor.run())
    finally:
        errors.close()


def _start_process(
    settings: Settings, shared_socket: socket.socket, channel: socket.socket, start: WorkerStart
) -> BaseProcess:
    """Start the process of a worker, in a new interpreter. Raises OSError."""
    process = multiprocessing.get_context("spawn").Process(
        target=run_worker, args=(settings, shared_socket, channel, start), daemon=True
    )
    with _block_interrupt():
        process.start()
    return process


@contextmanager
def _block_interrupt() -> Iterator[None]:
    """Block SIGINT for the processes that are started: Ctrl-C reaches all of them, but the supervisor stops them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run_worker(
    settings: Settings, shared_socket: socket.socket, channel: socket.socket, start: WorkerStart
) -> None:
    """Serve as one of several workers, in a process of its own."""
    from mockserver.cli.server_run import run_server  # noqa: PLC0415 the supervisor needs no server

    link = WorkerLink(channel, start)
    try:
        run_server(settings, shared_socket, link)
    except InputError as error:
        link.report_failure(error.problems)
        raise SystemExit(2) from None
