"""Many requests at once: wrk on one core, servers on the other, in rounds in which each has its turn."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import asked
from tests.benchmarks.served import Failed, Served

CONNECTIONS = 32
NEEDS = "wrk is not installed: apt-get install wrk"


def possible() -> bool:
    return shutil.which("wrk") is not None


@dataclass(frozen=True)
class Spread:
    """The rounds of one measurement."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def low(self) -> float:
        return min(self.rounds)

    @property
    def high(self) -> float:
        return max(self.rounds)

    def spelled(self, form: str = ".2f") -> str:
        return f"{self.median:{form}} ({self.low:{form}} to {self.high:{form}})"

    def over(self, other: Spread) -> Spread:
        """Round by round, the ratio to another."""
        return Spread(tuple(mine / its for mine, its in zip(self.rounds, other.rounds, strict=True) if its))


@dataclass(frozen=True)
class Turn:
    """What came of one turn: requests in a second of time, and in a second of the server's CPU (0: unknown)."""

    requests: int
    rate: float
    per_cpu: float
    p99: float


@dataclass(frozen=True)
class Speed:
    """All turns of one server."""

    rate: Spread
    per_cpu: Spread

    def over(self, other: Speed) -> Speed:
        return Speed(self.rate.over(other.rate), self.per_cpu.over(other.per_cpu))


def turn(served: Served, bodies: Sequence[Path], seconds: float, connections: int = CONNECTIONS) -> Turn:
    """Load a server. Failed where it does not answer as it should."""
    headers = [text for name, value in asked.HEADERS.items() for text in ("-H", f"{name}: {value}")]
    script = str(Path(__file__).with_name("load.lua"))
    length = f"-d{max(1, round(seconds))}s"
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        length,
        "--timeout",
        "20s",
        "-s",
        script,
        *headers,
        served.url,
    ]
    before = served.cpu()
    ran = subprocess.run(
        command,
        env={**os.environ, "BODIES": ":".join(map(str, bodies))},
        capture_output=True,
        text=True,
        check=False,
    )
    used = served.cpu() - before
    if ran.returncode:
        raise Failed(f"wrk does not run: {ran.stdout}{ran.stderr}")
    said = json.loads(ran.stdout.rpartition("\n{")[2].join("{ "))
    if said["bad"] or not said["requests"]:
        raise Failed(f"{served.name} does not answer {bodies[0].name} as it should:\n{ran.stdout}")
    requests = said["requests"]
    per_cpu = requests / used if used else 0.0
    return Turn(requests, requests / said["seconds"], per_cpu, said["p99"])


def rounds(
    servers: Mapping[str, Served],
    bodies: Mapping[str, Sequence[Path]],
    seconds: float,
    count: int,
    connections: int = CONNECTIONS,
) -> dict[str, Speed]:
    """The speed of each of these servers, each asked its own questions."""
    for name, served in servers.items():
        turn(served, bodies[name], 1, connections)  # what is done once is done
    turns: dict[str, list[Turn]] = {name: [] for name in servers}
    for _ in range(count):
        for name, served in servers.items():
            turns[name].append(turn(served, bodies[name], seconds, connections))
    return {name: _speed(taken) for name, taken in turns.items()}


def _speed(turns: Iterable[Turn]) -> Speed:
    taken = list(turns)
    return Speed(Spread(tuple(one.rate for one in taken)), Spread(tuple(one.per_cpu for one in taken)))
