"""One server for the whole run, and a plain client that remembers when it heard what."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]

if TYPE_CHECKING:
    from mockserver.sessions.journal import JournalEntry
    from mockserver.testing import MockServer

PATHS = {
    "aimlapi": "/aimlapi/v1/chat/completions",
    "segmind": "/segmind/v1/o1-preview",
    "omixa": "/omixa/api/v1/chat/completions",
}
Json = dict[str, Any]
Start = Callable[..., "MockServer"]
Callers = Callable[..., "Caller"]
Run = Callable[..., pytest.RunResult]
Complaint = Callable[[str], str]
# Other plugins take more time than ours.
SWIFT = [f"-pno:{name}" for name in ("cacheprovider", "hypothesispytest", "faker", "pytest_cov")]
_numbers = itertools.count(1)

with suppress(ImportError):  # the oldest client that is promised is tried without it
    from hypothesis import settings

    settings.register_profile("patient", deadline=None)  # no law is untrue because a machine is busy
    settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    """Leave the slow tests out, unless `-m` selects otherwise: `pytest -m slow` runs them."""
    config.addinivalue_line("markers", "slow: the same at full size; run by `pytest -m slow`")
    config.option.markexpr = config.option.markexpr or "not slow"


@dataclass
class Reply:
    """What a client heard. `arrivals` has the moment, in seconds since it asked, at which each event had arrived."""

    status: int
    headers: Message
    body: bytes
    arrivals: list[tuple[float, bytes]] = field(default_factory=list)

    @property
    def json(self) -> Json:
        whole: Json = json.loads(self.body)
        return whole

    @property
    def events(self) -> list[bytes]:
        """What the events of the stream carry, comments left out."""
        texts = self.body.decode().split("\n\n")
        return [text.removeprefix("data: ").encode() for text in texts if text.startswith("data: ")]

    @property
    def chunks(self) -> list[Json]:
        return [json.loads(event) for event in self.events if event != b"[DONE]"]

    def times(self, *words: bytes) -> list[float]:
        """When each event arrived that has all these words."""
        return [moment for moment, event in self.arrivals if all(word in event for word in words)]


class Caller:
    """A client of one server, in a session of its own, on a connection that it keeps."""

    def __init__(self, server: MockServer, session: str = "") -> None:
        self.server = server
        self.session = session or f"test-{next(_numbers)}"
        self.connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)

    def ask(
        self,
        vendor: str = "aimlapi",
        said: str | list[Json] = "Hello",
        headers: dict[str, str] | None = None,
        **body: Any,
    ) -> Reply:
        """One chat request; `said` is the user's message, or all messages."""
        began = time.perf_counter()
        response = self.send(vendor, said, headers, **body)
        whole, arrivals = bytearray(), []
        seen = 0
        while part := response.read1():
            whole += part
            moment = time.perf_counter() - began
            while (end := whole.find(b"\n\n", seen)) >= 0:
                arrivals.append((moment, bytes(whole[seen:end])))
                seen = end + 2
        response.read()  # nothing is left, but only now does http.client know that
        return Reply(response.status, response.headers, bytes(whole), arrivals)

    def send(
        self,
        vendor: str = "aimlapi",
        said: str | list[Json] = "Hello",
        headers: dict[str, str] | None = None,
        **body: Any,
    ) -> http.client.HTTPResponse:
        """The same, with nothing of the answer's body read yet."""
        messages = [{"role": "user", "content": said}] if isinstance(said, str) else said
        mine = {
            "Authorization": "Bearer key",
            "Content-Type": "application/json",
            "X-Mock-Session": self.session,
        }
        text = json.dumps({"model": "o1-preview", "messages": messages, **body})
        self.connection.request(
            "POST", PATHS.get(vendor, f"/{vendor}/api/v1/chat/completions"), text, mine | (headers or {})
        )
        return self.connection.getresponse()

    def entries(self, count: int, patience: float = 10.0) -> list[JournalEntry]:
        """What the journal has on this session, as soon as it has so many entries."""
        return entries(self.server, self.session, count, patience)


def entries(server: MockServer, session: str, count: int, patience: float = 10.0) -> list[JournalEntry]:
    """What the journal has on a session, as soon as it has so many entries; they are written when answers end."""
    deadline = time.monotonic() + patience
    tick = threading.Event()
    while len(found := [entry for entry in server.entries if entry.session == session]) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} entries after {patience} s"
        tick.wait(0.002)
    return found


def folded(chunks: list[Json]) -> list[Json]:
    """The choices that a stream's chunks add up to: index, message, finish_reason; what is empty left out."""
    whole: dict[int, Json] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            one = whole.setdefault(choice["index"], {"index": choice["index"], "message": {"tool_calls": {}}})
            one["finish_reason"] = choice["finish_reason"]
            _add(one["message"], choice["delta"])
    for one in whole.values():
        calls = one["message"]["tool_calls"]
        one["message"]["tool_calls"] = [calls[index] for index in sorted(calls)]
    return bare([whole[index] for index in sorted(whole)])


def bare(choices: list[Json]) -> list[Json]:
    """Choices without what is empty: null, `""`, `[]` say nothing."""
    return [
        {
            **one,
            "message": {key: value for key, value in one["message"].items() if value not in (None, "", [])},
        }
        for one in choices
    ]


def _add(message: Json, delta: Json) -> None:
    for key, value in delta.items():
        if key == "tool_calls":
            for fragment in value:
                _call(message["tool_calls"], fragment)
        elif key == "role":
            message["role"] = value
        else:
            message[key] = (message.get(key) or "") + (value or "")


def _call(calls: dict[int, Json], fragment: Json) -> None:
    index, function = fragment["index"], fragment["function"]
    if index not in calls:
        calls[index] = {key: value for key, value in fragment.items() if key != "index"}
    else:
        calls[index]["function"]["arguments"] += function["arguments"]


@pytest.fixture(scope="session")
def server() -> Iterator[MockServer]:
    """A server with the shipped fixtures. Tests do not hear each other: each has its own session."""
    from mockserver.testing import MockServer  # noqa: PLC0415 a room's own tests need not wait for the whole house

    with MockServer() as running:
        yield running


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts a server with a fixture file of the test's own, and settings."""
    from mockserver.testing import MockServer  # noqa: PLC0415 as above

    with ThreadPoolExecutor() as pool, ExitStack() as stack:

        def started(fixtures: str, *profiles: str, **settings: Any) -> MockServer:
            folder = tmp_path_factory.mktemp("server")
            vendors = [folder / f"vendor{number}.yaml" for number in range(len(profiles))]
            for path, text in zip(vendors, profiles, strict=True):
                path.write_text(text, encoding="utf-8")
            file: Path = folder / "fixtures.yaml"
            file.write_text(fixtures, encoding="utf-8")
            server = MockServer(file, vendors=tuple(vendors), reload=False, **settings).start()
            stack.callback(pool.submit, server.stop)  # all at once, when the last test is over
            return server

        yield started


@pytest.fixture
def complaint(tmp_path: Path) -> Complaint:
    """Says what is wrong with a profile, mine.yaml, of which no server can be made."""
    from mockserver.errors import InputError  # noqa: PLC0415 as above
    from mockserver.testing import MockServer  # noqa: PLC0415 as above

    def complained(profile: str) -> str:
        file = tmp_path / "mine.yaml"
        file.write_text(profile)
        with pytest.raises(InputError) as caught:
            MockServer(vendors=(file,))
        return str(caught.value)

    return complained


@pytest.fixture
def callers(server: MockServer) -> Iterator[Callers]:
    """Makes clients: of the shared server and in a session of their own, unless told otherwise."""
    with ExitStack() as stack:

        def made(of: MockServer | None = None, session: str = "") -> Caller:
            one = Caller(of or server, session)
            stack.callback(one.connection.close)
            return one

        yield made


@pytest.fixture
def caller(callers: Callers) -> Caller:
    return callers()


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs pytest on a test file, with the plugin found as pip installs it; `apart` in a process of its own."""
    installed = pytester.mkdir("mockserver-0.dist-info")
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: mockserver\nVersion: 0\n")
    (installed / "entry_points.txt").write_text("[pytest11]\nmockserver = mockserver.pytest_plugin\n")
    path = (pytester.path, Path(__file__).parents[1], os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, path)))
    monkeypatch.syspath_prepend(pytester.path)

    def running(tests: str, *arguments: str, apart: bool = False) -> pytest.RunResult:
        pytester.makepyfile(test_it=textwrap.dedent(tests))
        if apart:
            return pytester.runpytest_subprocess(*SWIFT, *arguments, timeout=50)
        return pytester.runpytest_inprocess(*SWIFT, "-p", "no:asyncio", *arguments)

    return running
