"""What is measured, scene by scene; each says in rows what it found beside what was hoped for."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mockserver.settings import Settings
from tests.benchmarks import asked, calls, load, served, streams
from tests.benchmarks.load import Speed, Spread
from tests.benchmarks.served import Answered, Served

MB = 1_000_000
JOURNAL = Settings().journal_size


@dataclass(frozen=True)
class Row:
    """One line of the table. `ratio` is drawn, where there is one, beside the least that it should be."""

    what: str
    found: str
    goal: str = ""
    ratio: Spread | None = None
    least: float | None = None
    missed: bool = False  # a goal that holds on any machine, and is not met


@dataclass(frozen=True)
class Setting:
    """How long and how often; `others` are further servers, `folder` is for files."""

    folder: Path
    seconds: float
    rounds: int
    requests: int
    others: tuple[Served, ...] = ()

    def file(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def few(self) -> Path:
        return self.file("few.yaml", asked.FEW)

    def said(
        self, answered: Answered | None, name: str = "said.json", frames: list[str] | None = None
    ) -> Path:
        """What the bare application is to say: the same bytes."""
        assert answered is not None
        own = {"date", "transfer-encoding", "connection"}
        headers = [[name, value] for name, value in answered.headers if name.lower() not in own]
        frames = frames or [answered.body.decode()]
        return self.file(name, json.dumps({"status": answered.status, "headers": headers, "frames": frames}))


Scene = Callable[[Setting], Iterator[Row]]


def canned(setting: Setting) -> Iterator[Row]:
    """A JSON body, beside the bare application that reads the request and sends the same bytes."""
    yield from _beside_bare(setting, "canned JSON", asked.body(asked.CANNED), 0.70)
    question = asked.body(asked.CANNED, **asked.NUMBERED)
    yield from _beside_bare(setting, "canned JSON, each request another", question)


def stream(setting: Setting) -> Iterator[Row]:
    """A stream of fifty chunks without pace, beside one write of the same bytes."""
    question = asked.body(asked.STREAM, stream=True)
    yield from _beside_bare(setting, "stream of fifty chunks", question, 0.60)


def workers(setting: Setting) -> Iterator[Row]:
    """Two workers beside one process, both on all cores, which the load generator shares."""
    question = asked.body(asked.CANNED)
    flags = {"one process": (), "two workers": ("--workers", "2", "--state", "local")}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(served.mockserver(setting.few(), *flag, cores=served.CORES))
            for name, flag in flags.items()
        }
        bodies = {name: [setting.file("body.json", question)] for name in servers}
        speeds = load.rounds(servers, bodies, setting.seconds, setting.rounds, 4 * load.CONNECTIONS)
    yield _compared("two workers beside one process", speeds["two workers"], speeds["one process"], 1.60)


def _beside_bare(
    setting: Setting,
    what: str,
    question: bytes,
    least: float | None = None,
    *flags: str,
    connections: int = load.CONNECTIONS,
) -> Iterator[Row]:
    with ExitStack() as stack:
        mock = stack.enter_context(served.mockserver(setting.few(), question=question))
        said = setting.said(mock.first)
        bare = stack.enter_context(served.bare(said, *flags, question=question))
        servers = {one.name: one for one in (mock, bare, *setting.others)}
        body = setting.file("body.json", question)
        bodies = {name: [body] for name in servers}
        speeds = load.rounds(servers, bodies, setting.seconds, setting.rounds, connections)
        peak = mock.memory("VmHWM")
    for name in servers:
        if name == "bare":
            continue
        mine = name == "mockserver"
        yield _compared(
            what if mine else f"{what}, {name}", speeds[name], speeds["bare"], least if mine else None
        )
    if "--parse" in flags:
        yield Row(f"{what}, memory at most", f"{peak / MB:.0f} MB")


def _compared(what: str, speed: Speed, base: Speed, least: float | None) -> Row:
    ratio = speed.over(base)
    found = f"{ratio.rate.spelled()}; {speed.rate.median:,.0f} a second"
    if ratio.per_cpu.rounds:
        found = f"{found}; by CPU time {ratio.per_cpu.spelled()}"
    return Row(what, found, "" if least is None else f"at least {least:.2f}", ratio.rate, least)


def fixtures(setting: Setting) -> Iterator[Row]:
    """Ten thousand fixtures beside ten, and what it takes to load them."""
    count = 10_000
    bodies = {}
    with ExitStack() as stack:
        servers = {}
        for number in (10, count):
            questions = asked.questions(number)
            file = setting.file(f"{number}.yaml", asked.many(number))
            name = str(number)
            servers[name] = stack.enter_context(served.mockserver(file, question=questions[0]))
            bodies[name] = [setting.file(f"{number}-{n}.json", one) for n, one in enumerate(questions)]
        few, many = servers.values()
        memory = many.memory() - few.memory()
        speeds = load.rounds(servers, bodies, setting.seconds, setting.rounds)
    yield _compared(f"{count:,} fixtures beside ten", speeds[str(count)], speeds["10"], 0.85)
    took = f"{many.wall - few.wall:.1f} s, {many.cpu_first - few.cpu_first:.1f} s of CPU"
    yield Row(f"loading {count:,} fixtures", f"{took}; {memory / MB:.0f} MB", "under 5 s")


def paced(setting: Setting) -> Iterator[Row]:
    """A thousand streams at twenty chunks a second, and five thousand open at once."""
    many, more = 1_000, 5_000
    rate = f"{1 / asked.PACE:.0f} chunks a second"
    with served.mockserver(setting.few()) as mock:
        ran = streams.paced(mock, many)
        heard = mock.ask(asked.body(asked.STREAM, stream=True))
    yield Row(f"{many:,} streams at {rate}", _gaps(ran), "p99 at most 55 ms")
    events = [f"{event}\n\n" for event in heard.body.decode().split("\n\n") if event]
    frames = [events[0], *[events[1]] * asked.CHUNKS, *events[-2:]]
    said = setting.said(heard, frames=frames)
    with served.bare(said, "--pace", str(asked.PACE)) as bare:
        yield Row(f"{many:,} streams at {rate}, bare app", _gaps(streams.paced(bare, many)))
    for other in setting.others:
        yield Row(f"{many:,} streams at {rate}, {other.name}", _gaps(streams.paced(other, many)))
    with served.mockserver(setting.few()) as mock:
        held = streams.held(mock, more)
    yield Row(
        f"{more:,} streams open at once", f"{held.each / 1000:.1f} kB each; open after {held.seconds:.1f} s"
    )


def _gaps(ran: streams.Paced) -> str:
    middle, late = (ran.centile(part) * 1000 for part in (0.5, 0.99))
    return f"gaps p50 {middle:.1f} ms, p99 {late:.1f} ms; {ran.cpu:.1f} s of CPU"


def long(setting: Setting) -> Iterator[Row]:
    """Large requests, beside reading and parsing them alone."""
    for what, question in (
        ("conversation of 1 MB", asked.conversation(MB)),
        ("image of 10 MB", asked.image(10 * MB * 3 // 4)),
    ):
        yield from _beside_bare(setting, what, question, None, "--parse", connections=4)


def start(setting: Setting) -> Iterator[Row]:
    """From the command to the first answer, and whether a server is ready."""
    walls, cpus, checks = [], [], []
    for _ in range(2 * setting.rounds):
        with served.mockserver(None, question=asked.body("Hello")) as mock:
            walls.append(mock.wall)
            cpus.append(mock.cpu_first)
            memory = mock.memory()
            checks.append(_checked(mock))
    yield Row(
        "start to first answer",
        f"{min(walls):.2f} s at best, median {statistics.median(walls):.2f} s; "
        f"{statistics.median(cpus):.2f} s of CPU",
        "under 0.35 s",
    )
    yield Row("`mockserver healthcheck`", f"{statistics.median(checks):.2f} s of CPU")
    yield Row("memory, idle", f"{memory / MB:.0f} MB", "under 60 MB")


def page(setting: Setting) -> Iterator[Row]:
    """The requests of the web UI in a browser, while 200 of them arrive a second."""
    from tests.benchmarks import browser  # noqa: PLC0415 needs playwright and Chromium

    with served.mockserver(None, question=asked.body("Hello")) as mock:
        frames, task, click = browser.measure_page(mock, 3 * setting.seconds)
    yield Row(
        "web UI at 200 requests a second",
        f"{frames:.0f} frames a second; longest task {task:.0f} ms; a click answered in {click:.0f} ms",
        "at least 40; at most 100 ms; 150 ms",
    )


def _checked(mock: Served) -> float:
    """Seconds of CPU that a health check takes."""
    before = served.children()
    command = [sys.executable, "-m", "mockserver", "healthcheck", "--port", str(mock.address[1])]
    subprocess.run(command, cwd=served.ROOT, check=True)
    return served.children() - before


def memory(setting: Setting) -> Iterator[Row]:
    """What is left in memory after many requests."""
    body = [setting.file("body.json", asked.body(asked.CANNED))]
    with served.mockserver(setting.few()) as mock:
        idle = mock.memory()
        done = _asked(mock, body, 2 * JOURNAL)
        full = mock.memory()
        done += _asked(mock, body, setting.requests - done)
        grown = mock.memory() - full
    each = (full - idle) / JOURNAL
    yield Row(f"a journal of {JOURNAL:,} requests", f"{(full - idle) / MB:.0f} MB; {each / 1000:.1f} kB each")
    yield Row(f"memory after {done:,} requests", f"{grown / MB:+.1f} MB beyond the journal", "at most +10 MB")


def _asked(mock: Served, body: list[Path], least: int) -> int:
    """So many requests at least; how many they were."""
    done = 0
    while done < least:
        done += load.turn(mock, body, 2).requests
    return done


def interpreter(setting: Setting) -> Iterator[Row]:
    """Calls of the interpreter per answer: a rise is a slowdown on every machine."""
    for kind, question in (
        ("JSON", asked.body(asked.CANNED, **asked.NUMBERED)),
        ("stream", asked.body(asked.STREAM, stream=True, **asked.NUMBERED)),
    ):
        for which, most in _MOST_CALLS.items():
            body = question if which == "another" else question.replace(b"@NUMBER@", b"0000")
            found = calls.count(body, setting.rounds)
            yield Row(
                f"calls of the interpreter per usual answer, {kind}, {which}",
                f"{found:.0f}",
                f"at most {most}, within {_TOLERANCE:.0%}",
                missed=found > most * (1 + _TOLERANCE),
            )


# uvicorn's own calls included, which change with its version and Python's.
_MOST_CALLS = {"same": 220, "another": 330}  # a request like the last one, and a request with another `user`
_TOLERANCE = 0.05

SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (canned, stream, workers, fixtures, paced, long, start, page, memory, interpreter)
}
NEEDS_WRK = {"canned", "stream", "workers", "fixtures", "long", "memory"}
