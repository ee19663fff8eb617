"""A server under measurement: a process on a core of its own, its time to the first answer, its CPU and memory."""

from __future__ import annotations

import http.client
import os
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks import asked

ROOT = Path(__file__).parents[2]
CORES = sorted(os.sched_getaffinity(0))
SERVER, CLIENT = CORES[0], CORES[-1]
_TICK = os.sysconf("SC_CLK_TCK")
# Settings that are not the defaults; and what would have every start compile the modules anew.
_NOT_PASSED = ("MOCKSERVER_", "PYTHONDONTWRITEBYTECODE")
_PATIENCE = 60.0  # seconds that a start may take


class Failed(Exception):
    """A server did not do what is to be measured."""


@dataclass(frozen=True)
class Answered:
    """What a server said to one request."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Served:
    """A server. `pid` is 0 where the process is not to be seen; seconds are those until its first answer."""

    name: str
    url: str
    pid: int
    wall: float = 0.0
    cpu_first: float = 0.0
    first: Answered | None = field(default=None, repr=False)

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.removeprefix("http://").partition("/")[0].partition(":")
        return host, int(port or 80)

    @property
    def path(self) -> str:
        return "/" + self.url.removeprefix("http://").partition("/")[2]

    def cpu(self) -> float:
        """Seconds of CPU that it and its workers have used so far; nothing is known without a pid."""
        return sum(map(cpu, (self.pid, *children_of(self.pid)))) if self.pid else 0.0

    def memory(self, what: str = "VmRSS") -> int:
        """Bytes that are resident now, or with `VmHWM` that were at most."""
        if not self.pid:
            return 0
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"^{what}:\s+(\d+) kB", status, re.MULTILINE)
        return int(found[1]) * 1024 if found else 0

    def ask(self, body: bytes) -> Answered:
        """One request, on a connection of its own. Failed where the answer is no good one."""
        connection = http.client.HTTPConnection(*self.address, timeout=_PATIENCE)
        connection.request("POST", self.path, body, asked.HEADERS)
        heard = connection.getresponse()
        answered = Answered(heard.status, tuple(heard.getheaders()), heard.read())
        connection.close()
        if not 200 <= answered.status <= 299:
            raise Failed(f"{self.name} answers {answered.status}: {answered.body[:500]!r}")
        return answered


def cpu(pid: int) -> float:
    """Seconds of CPU, the system's included, that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def children() -> float:
    """Seconds of CPU that our finished children have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def other(name: str, url: str) -> Served:
    """A server that somebody else has started."""
    port = Served(name, url, 0).address[1]
    found = subprocess.run(
        ["fuser", f"{port}/tcp"], capture_output=True, text=True, check=False
    ).stdout.split()
    return Served(name, url, int(found[0]) if found else 0)


@contextmanager
def mockserver(
    fixtures: Path | None, *flags: str, question: bytes = b"", cores: Collection[int] = (SERVER,)
) -> Iterator[Served]:
    """`mockserver serve` of this checkout, its log thrown away."""
    port = free_port()
    paths = [str(fixtures)] if fixtures else []
    # As most people have it: without the extra `tokens`.
    plain = ["--port", str(port), "--tokenizer", "estimate"]
    command = [sys.executable, "-m", "mockserver", "serve", *paths, *plain, *flags]
    with _running("mockserver", command, port, question or asked.body(asked.CANNED), cores) as served:
        yield served


@contextmanager
def bare(said: Path, *flags: str, question: bytes = b"") -> Iterator[Served]:
    """The bare application, which says what this file holds."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("bare.py")), str(port), str(said), *flags]
    with _running("bare", command, port, question or asked.body(asked.CANNED)) as served:
        yield served


@contextmanager
def _running(
    name: str, command: list[str], port: int, question: bytes, cores: Collection[int] = (SERVER,)
) -> Iterator[Served]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(_NOT_PASSED)}
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        os.sched_setaffinity(process.pid, cores)  # its workers inherit it
        url = f"http://127.0.0.1:{port}{asked.PATH}"
        first = _first(Served(name, url, process.pid), process, question)
        wall = time.perf_counter() - began
        yield Served(name, url, process.pid, wall, cpu(process.pid), first)
    finally:
        process.terminate()
        process.wait()


def _first(served: Served, process: subprocess.Popen[bytes], question: bytes) -> Answered:
    """Its first answer, as soon as there is one."""
    deadline = time.perf_counter() + _PATIENCE
    while time.perf_counter() < deadline and process.poll() is None:
        try:
            return served.ask(question)
        except ConnectionRefusedError:
            time.sleep(0.001)
    raise Failed(f"{served.name} does not start: no answer at {served.url}, exit code {process.poll()}")
