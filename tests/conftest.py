"""Fixtures and helpers of the whole suite: a shared server, and an HTTP client that records arrival times."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from email.message import Message
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]

if TYPE_CHECKING:
    from mockserver.sessions.journal import JournalEntry
    from mockserver.testing import MockServer

# The servers and event loops on which behaviour at the level of the connection is tested.
STACKS = [
    ("httptools", "uvloop"),
    pytest.param(("httptools", "asyncio"), marks=pytest.mark.slow),
    pytest.param(("h11", "uvloop"), marks=pytest.mark.slow),
    ("h11", "asyncio"),
]
PATHS = {
    "aimlapi": "/aimlapi/v1/chat/completions",
    "segmind": "/segmind/v1/o1-preview",
    "openai": "/openai/v1/chat/completions",
    "omixa": "/omixa/api/v1/chat/completions",
}
# Modules that cannot be imported twice, and that a run of pytest in this process would remove again.
COMPILED = ("uvicorn.protocols.http.httptools_impl", "mockserver.server.http_upgrade", "cryptography.x509")
Json = dict[str, Any]
StartServer = Callable[..., "MockServer"]
MakeClient = Callable[..., "Client"]
RunPytest = Callable[..., pytest.RunResult]
ProfileError = Callable[[str], str]
# Loading other plugins takes longer than running ours.
WITHOUT_PLUGINS = [f"-pno:{name}" for name in ("cacheprovider", "hypothesispytest", "faker", "pytest_cov")]
_numbers = itertools.count(1)

with suppress(ImportError):  # the oldest supported openai is tested without it
    from hypothesis import settings

    settings.register_profile("no-deadline", deadline=None)  # a slow machine must not fail a test
    settings.load_profile("no-deadline")


def pytest_configure(config: pytest.Config) -> None:
    """Deselect the slow tests, unless `-m` selects otherwise: `pytest -m slow` runs them."""
    config.addinivalue_line("markers", "slow: the same at full size; run by `pytest -m slow`")
    config.option.markexpr = config.option.markexpr or "not slow"


@dataclass
class Reply:
    """A response as the client received it.

    `arrivals` has for each event of a stream the seconds from the request to its arrival.
    """

    status: int
    headers: Message
    body: bytes
    arrivals: list[tuple[float, bytes]] = field(default_factory=list)

    @property
    def json(self) -> Json:
        """The parsed body."""
        parsed: Json = json.loads(self.body)
        return parsed

    @property
    def events(self) -> list[bytes]:
        """The data of each event of the stream; comments are skipped."""
        texts = self.body.decode().split("\n\n")
        return [text.removeprefix("data: ").encode() for text in texts if text.startswith("data: ")]

    @property
    def chunks(self) -> list[Json]:
        """The parsed events of the stream, without the final `[DONE]`."""
        return [json.loads(event) for event in self.events if event != b"[DONE]"]

    def arrival_times(self, *texts: bytes) -> list[float]:
        """Return the arrival times of the events that contain all these texts."""
        return [moment for moment, event in self.arrivals if all(text in event for text in texts)]


class Client:
    """A client of one server with its own session and a persistent connection."""

    def __init__(self, server: MockServer, session: str = "") -> None:
        self.server = server
        self.session = session or f"test-{next(_numbers)}"
        self.connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)

    def chat(
        self,
        vendor: str = "aimlapi",
        content: str | list[Json] = "Hello",
        headers: dict[str, str] | None = None,
        **body: Any,
    ) -> Reply:
        """Send one chat request and read its response; `content` is the user's message, or all messages."""
        sent_at = time.perf_counter()
        response = self.send(vendor, content, headers, **body)
        received, arrivals = bytearray(), []
        start = 0
        while part := response.read1():
            received += part
            moment = time.perf_counter() - sent_at
            while (end := received.find(b"\n\n", start)) >= 0:
                arrivals.append((moment, bytes(received[start:end])))
                start = end + 2
        response.read()  # the body is complete; this makes http.client release the connection
        return Reply(response.status, response.headers, bytes(received), arrivals)

    def send(
        self,
        vendor: str = "aimlapi",
        content: str | list[Json] = "Hello",
        headers: dict[str, str] | None = None,
        **body: Any,
    ) -> http.client.HTTPResponse:
        """Send one chat request and return its response with the body still unread."""
        messages = [{"role": "user", "content": content}] if isinstance(content, str) else content
        defaults = {
            "Authorization": "Bearer key",
            "Content-Type": "application/json",
            "X-Mock-Session": self.session,
        }
        text = json.dumps({"model": "o1-preview", "messages": messages, **body})
        self.connection.request(
            "POST", PATHS.get(vendor, f"/{vendor}/api/v1/chat/completions"), text, defaults | (headers or {})
        )
        return self.connection.getresponse()

    def wait_for_entries(self, count: int, timeout: float = 10.0) -> list[JournalEntry]:
        """Wait until the journal has `count` entries of this session, and return them."""
        return wait_for_entries(self.server, self.session, count, timeout)


def wait_for_entries(
    server: MockServer, session: str, count: int, timeout: float = 10.0
) -> list[JournalEntry]:
    """Wait for `count` journal entries of a session, and return them; an entry is added when its answer ends."""
    deadline = time.monotonic() + timeout
    tick = threading.Event()
    while len(found := [entry for entry in server.entries if entry.session == session]) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} entries after {timeout} s"
        tick.wait(0.002)
    return found


def fold_chunks(chunks: list[Json]) -> list[Json]:
    """Fold the chunks of a stream into choices (index, message, finish_reason) without their empty fields."""
    choices: dict[int, Json] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            empty = {"index": choice["index"], "message": {"tool_calls": {}}}
            folded = choices.setdefault(choice["index"], empty)
            folded["finish_reason"] = choice["finish_reason"]
            _add_delta(folded["message"], choice["delta"])
    for folded in choices.values():
        calls = folded["message"]["tool_calls"]
        folded["message"]["tool_calls"] = [calls[index] for index in sorted(calls)]
    return drop_empty([choices[index] for index in sorted(choices)])


def drop_empty(choices: list[Json]) -> list[Json]:
    """Drop the fields of the choices' messages that are null, `""` or `[]`."""
    return [
        {
            **one,
            "message": {key: value for key, value in one["message"].items() if value not in (None, "", [])},
        }
        for one in choices
    ]


def _add_delta(message: Json, delta: Json) -> None:
    for key, value in delta.items():
        if key == "tool_calls":
            for fragment in value:
                _add_tool_call(message["tool_calls"], fragment)
        elif key == "role":
            message["role"] = value
        else:
            message[key] = (message.get(key) or "") + (value or "")


def _add_tool_call(calls: dict[int, Json], fragment: Json) -> None:
    index, function = fragment["index"], fragment["function"]
    if index not in calls:
        calls[index] = {key: value for key, value in fragment.items() if key != "index"}
    else:
        calls[index]["function"]["arguments"] += function["arguments"]


@pytest.fixture(scope="session")
def server() -> Iterator[MockServer]:
    """Serve the shipped fixtures for all tests; each test has its own session."""
    from mockserver.testing import MockServer  # noqa: PLC0415 imported late, so that unit tests start fast

    with MockServer() as running:
        yield running


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Return a function that starts a server with the test's own fixture file, profiles and settings."""
    from mockserver.testing import MockServer  # noqa: PLC0415 as above

    with ThreadPoolExecutor() as pool, ExitStack() as stack:

        def start(fixtures: str, *profiles: str, **settings: Any) -> MockServer:
            folder = tmp_path_factory.mktemp("server")
            vendors = [folder / f"vendor{number}.yaml" for number in range(len(profiles))]
            for path, text in zip(vendors, profiles, strict=True):
                path.write_text(text, encoding="utf-8")
            file: Path = folder / "fixtures.yaml"
            file.write_text(fixtures, encoding="utf-8")
            server = MockServer(file, vendors=tuple(vendors), reload=False, **settings).start()
            stack.callback(pool.submit, server.stop)  # in parallel, after the last test
            return server

        yield start


@pytest.fixture
def profile_error(tmp_path: Path) -> ProfileError:
    """Return a function that returns the error of starting a server with this invalid profile, `mine.yaml`."""
    from mockserver.errors import InputError  # noqa: PLC0415 as above
    from mockserver.testing import MockServer  # noqa: PLC0415 as above

    def get_error(profile: str) -> str:
        file = tmp_path / "mine.yaml"
        file.write_text(profile)
        with pytest.raises(InputError) as caught:
            MockServer(vendors=(file,))
        return str(caught.value)

    return get_error


@pytest.fixture
def make_client(server: MockServer) -> Iterator[MakeClient]:
    """Return a function that creates a client: by default of the shared server, with a new session."""
    with ExitStack() as stack:

        def make(of: MockServer | None = None, session: str = "") -> Client:
            client = Client(of or server, session)
            stack.callback(client.connection.close)
            return client

        yield make


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    """Return a client of the shared server with a new session."""
    return make_client()


@pytest.fixture(scope="session")
def compiled_modules() -> None:
    """Import the modules that a run of pytest in this process must not import."""
    for name in COMPILED:
        import_module(name)


@pytest.fixture
def run_pytest(
    compiled_modules: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> RunPytest:
    """Return a function that runs pytest on a test file, with the plugin installed; `apart` uses a new process."""
    installed = pytester.mkdir("mockserver-0.dist-info")
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: mockserver\nVersion: 0\n")
    (installed / "entry_points.txt").write_text("[pytest11]\nmockserver = mockserver.pytest_plugin\n")
    path = (pytester.path, Path(__file__).parents[1], os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, path)))
    monkeypatch.syspath_prepend(pytester.path)

    def run(tests: str, *arguments: str, apart: bool = False) -> pytest.RunResult:
        pytester.makepyfile(test_it=textwrap.dedent(tests))
        if apart:
            return pytester.runpytest_subprocess(*WITHOUT_PLUGINS, *arguments, timeout=50)
        return pytester.runpytest_inprocess(*WITHOUT_PLUGINS, "-p", "no:asyncio", *arguments)

    return run


def import_for_tests(run_pytest: RunPytest, pytester: pytest.Pytester, source: str) -> RunPytest:
    """Return `run_pytest` for tests that use what the source of a module defines."""
    pytester.makepyfile(asking=source)

    def running(tests: str, *arguments: str, apart: bool = False) -> pytest.RunResult:
        return run_pytest("from asking import *\n" + textwrap.dedent(tests), *arguments, apart=apart)

    return running


@pytest.fixture
def handled_sigint() -> Iterator[None]:
    """Let child processes receive SIGINT: a shell has it ignored in everything that it starts in the background."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)
