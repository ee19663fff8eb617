"""The `mockserver` fixture: a fresh session for each test, on one server for each worker.

pytest imports this module before it does anything else, so it imports the house when a test first asks for it.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockserver.client.recorded_request import Request
    from mockserver.client.session_client import Remote, Session


@dataclass(frozen=True, slots=True)
class PerTestState:
    """What one test has: its session, whether what nothing matches fails it, the fixtures of its marker's files."""

    session: Session
    strict: bool
    fixture_locations: dict[str, str] = field(
        default_factory=dict
    )  # where each of its marker's files stands, by name

    def unmatched(self) -> list[Request]:
        return [one for one in self.session.requests if one.unmatched]

    def report_text(self) -> str:
        """One line a request; for a report, which must come about whatever has happened to the server."""
        from mockserver.client.recorded_request import format_requests  # noqa: PLC0415

        try:
            lines = format_requests(self.session.requests, _MAX_REPORTED)
        except ConnectionError as error:
            lines = [str(error)]
        return "\n".join([f"session {self.session.url}", *(lines or ["no request has reached it"])])


STATE_KEY = pytest.StashKey[PerTestState]()
FAILED_KEY = pytest.StashKey[bool]()
ANSWER_COUNTS_KEY = pytest.StashKey[
    dict[str, int]
]()  # how often each fixture of a file, by its place, has answered


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mockserver", "mockserver: a mock LLM provider")
    group.addoption(
        "--mockserver-url",
        metavar="URL",
        help="run the tests against this server, in place of one that each worker starts (also: the variable "
        "MOCKSERVER_URL, and mockserver_url in the configuration file)",
    )
    group.addoption(
        "--mockserver-unused",
        action="store_true",
        help="fail when a fixture of a file that a marker names has answered in no test",
    )
    parser.addini("mockserver_url", "as --mockserver-url", default="")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "mockserver(fixtures=None, strict=True): fixture files, relative to the test's own file, that the "
        "`mockserver` of this test answers from; and whether a request that nothing matches fails the test",
    )
    config.stash[ANSWER_COUNTS_KEY] = {}


def pytest_sessionstart(session: pytest.Session) -> None:
    """One error for a server that is not there, not one for each test."""
    source, url = _configured_url(session.config)
    if not url or hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    try:
        _connect(url)._client.vendors  # noqa: B018, SLF001
    except (ValueError, ConnectionError) as error:
        raise pytest.UsageError(f"{source}: {error}") from None


@pytest.fixture(scope="session")
def mockserver_server(pytestconfig: pytest.Config) -> Iterator[Remote]:
    """The server that all tests of this worker share. Without a URL it serves the shipped fixtures."""
    _, url = _configured_url(pytestconfig)
    if url:
        yield _connect(url)
        return
    from mockserver.testing import MockServer  # noqa: PLC0415

    with MockServer() as server:
        yield server


@pytest.fixture
def mockserver(request: pytest.FixtureRequest, mockserver_server: Remote) -> Iterator[Session]:
    """A session of this test's own: `mockserver.on(user="weather").reply("Sunny")`.

    A request that no fixture matches fails the test, with what came nearest, unless the test is marked
    `@pytest.mark.mockserver(strict=False)`. The client hears an answer all the same, an invented one most often:
    other tests share the server, so the journal is judged when the test is over.
    """
    node: pytest.Item = request.node
    files, strict = _marker_options(node)
    label = re.sub(r"[^A-Za-z0-9._-]+", "-", node.name)[:40]
    session = mockserver_server.session(f"{label}-{secrets.token_hex(4)}")
    given = PerTestState(session, strict)
    given.fixture_locations.update(_load_fixture_files(session, files))
    node.stash[STATE_KEY] = given
    yield session
    _add_answer_counts(given, node.config.stash[ANSWER_COUNTS_KEY])
    if FAILED_KEY not in node.stash:
        session.reset()  # of a test that failed, what happened stays to be looked at


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test that has passed fails after all when nothing matched a request of it."""
    outcome = yield
    given = item.stash.get(STATE_KEY, None)
    unmatched = given.unmatched() if given and given.strict else []
    if unmatched:
        pytest.fail(_unmatched_message(unmatched), pytrace=False)
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    given = item.stash.get(STATE_KEY, None)
    if given and report.failed and report.when != "teardown":
        item.stash[FAILED_KEY] = True
        report.sections.append(("mockserver", given.report_text()))
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a worker of pytest-xdist has counted."""
    answered = node.config.stash[ANSWER_COUNTS_KEY]
    for place, times in getattr(node, "workeroutput", {}).get(_WORKER_OUTPUT_KEY, {}).items():
        answered[place] = answered.get(place, 0) + times


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput[_WORKER_OUTPUT_KEY] = config.stash[ANSWER_COUNTS_KEY]
    elif _unused_fixtures(config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    unused = _unused_fixtures(config)
    if unused:
        terminalreporter.section("mockserver: fixtures that never answered", red=True)
        for place in unused:
            terminalreporter.line(os.path.relpath(place, config.rootpath))


def _configured_url(config: pytest.Config) -> tuple[str, str]:
    """Where the tests are to run, and who says so; nothing when nobody does."""
    stated = {
        "--mockserver-url": config.getoption("mockserver_url"),
        "MOCKSERVER_URL": os.environ.get("MOCKSERVER_URL"),
        "mockserver_url": config.getini("mockserver_url"),
    }
    return next(((source, url) for source, url in stated.items() if url), ("", ""))


def _connect(url: str) -> Remote:
    from mockserver.client.session_client import Remote  # noqa: PLC0415

    return Remote(url, os.environ.get("MOCKSERVER_ADMIN_TOKEN"))


def _marker_options(node: pytest.Item) -> tuple[list[Path], bool]:
    """The files that the markers of a test name, the nearest marker's first; and whether the test is strict."""
    files: list[Path] = []
    strict: list[bool] = []
    for mark in node.iter_markers("mockserver"):
        fixtures, strictly = _parse_marker(mark)
        named = [fixtures] if isinstance(fixtures, str | os.PathLike) else list(fixtures or ())
        files += [Path(node.path.parent, file) for file in named]
        strict += [] if strictly is None else [strictly]
    return list(dict.fromkeys(files)), strict[0] if strict else True


def _parse_marker(mark: pytest.Mark) -> tuple[Any, bool | None]:
    try:
        return _bind_marker_arguments(*mark.args, **mark.kwargs)
    except TypeError as error:
        wrong = str(error).replace("_bind_marker_arguments()", "@pytest.mark.mockserver")
    pytest.fail(f"{wrong}; expected (fixtures='file.yaml' or a list, strict=True)", pytrace=False)


def _bind_marker_arguments(
    fixtures: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
    *,
    strict: bool | None = None,
) -> tuple[Any, bool | None]:
    """What a marker may say."""
    return fixtures, strict


def _load_fixture_files(session: Session, files: list[Path]) -> dict[str, str]:
    from mockserver.errors import InputError  # noqa: PLC0415

    if not files:
        return {}
    try:
        return session.load(*files)
    except InputError as error:
        wrong = str(error)
    pytest.fail(f"@pytest.mark.mockserver: {wrong}", pytrace=False)


def _add_answer_counts(state: PerTestState, answer_counts: dict[str, int]) -> None:
    """How often the fixtures of a test's files have answered."""
    for one in state.session.fixtures if state.fixture_locations else ():
        if one.own and one.name in state.fixture_locations:
            place = state.fixture_locations[one.name]
            answer_counts[place] = answer_counts.get(place, 0) + one.hits


def _unused_fixtures(config: pytest.Config) -> list[str]:
    """The places of the fixtures that have answered in no test."""
    if not config.getoption("mockserver_unused"):
        return []
    return sorted(place for place, times in config.stash[ANSWER_COUNTS_KEY].items() if not times)


def _unmatched_message(unmatched: list[Request]) -> str:
    one = len(unmatched) == 1
    told = "\n".join(request.explain(_MAX_NEAR_MISSES) for request in unmatched[:_MAX_EXPLAINED])
    return (
        f"{'A request' if one else f'{len(unmatched)} requests'} matched no fixture:\n{told}\n"
        "Say what is answered with mockserver.on(...).reply(...), or let it be made up: "
        "@pytest.mark.mockserver(strict=False)"
    )


_WORKER_OUTPUT_KEY = "mockserver_answered"
_MAX_REPORTED = 50  # requests in a report
_MAX_EXPLAINED = 3  # requests in a message
_MAX_NEAR_MISSES = 3  # misses of each
