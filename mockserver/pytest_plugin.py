"""The pytest plugin: the fixture and the marker `mockserver`, for a new session in each test.

pytest imports this module at every start, so it imports the rest of the package when a test first needs it.
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
    """The state of one test: its session, its strictness, and the fixtures of its marker's files."""

    session: Session
    strict: bool  # whether an unmatched request fails the test
    fixture_locations: dict[str, str] = field(default_factory=dict)  # position in a file, by fixture name

    def unmatched(self) -> list[Request]:
        """Return the requests that no fixture matched."""
        return [one for one in self.session.requests if one.unmatched]

    def report_text(self) -> str:
        """Return the requests for a report, one per line; a server that does not respond is no error here."""
        from mockserver.client.recorded_request import format_requests  # noqa: PLC0415

        try:
            lines = format_requests(self.session.requests, _MAX_REPORTED)
        except ConnectionError as error:
            lines = [str(error)]
        return "\n".join([f"session {self.session.url}", *(lines or ["no request has reached it"])])


STATE_KEY = pytest.StashKey[PerTestState]()
FAILED_KEY = pytest.StashKey[bool]()
# The number of responses of each fixture of a file, by its position.
ANSWER_COUNTS_KEY = pytest.StashKey[dict[str, int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the plugin."""
    group = parser.getgroup("mockserver", "mockserver: a mock LLM provider")
    group.addoption(
        "--mockserver-url",
        metavar="URL",
        help="run the tests against this server instead of starting one in each worker (also: the variable "
        "MOCKSERVER_URL, or mockserver_url in the configuration file)",
    )
    group.addoption(
        "--mockserver-unused",
        action="store_true",
        help="fail if a fixture of a file named in a marker has responded in no test",
    )
    parser.addini("mockserver_url", "the same as --mockserver-url", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "mockserver(fixtures=None, strict=True): fixtures is a fixture file or a list of them, relative to the "
        "test's file, for the fixture `mockserver`; strict=False allows requests that no fixture matches",
    )
    config.stash[ANSWER_COUNTS_KEY] = {}


def pytest_sessionstart(session: pytest.Session) -> None:
    """Raise one UsageError if the configured server does not respond, instead of one error per test."""
    source, url = _configured_url(session.config)
    if not url or hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    try:
        _connect(url)._client.vendors  # noqa: B018, SLF001
    except (ValueError, ConnectionError) as error:
        raise pytest.UsageError(f"{source}: {error}") from None


@pytest.fixture(scope="session")
def mockserver_server(pytestconfig: pytest.Config) -> Iterator[Remote]:
    """The server that all tests of a worker share: the configured one, or a new one with the shipped fixtures.

    It is a `mockserver.testing.Remote`; its methods apply to the sessions of all tests.
    """
    _, url = _configured_url(pytestconfig)
    if url:
        yield _connect(url)
        return
    from mockserver.testing import MockServer  # noqa: PLC0415

    with MockServer() as server:
        yield server


@pytest.fixture
def mockserver(request: pytest.FixtureRequest, mockserver_server: Remote) -> Iterator[Session]:
    """A mock LLM server for this test: a `mockserver.testing.Session` on a real server.

    Example::

        from openai import OpenAI


        def test_the_client_retries_after_a_rate_limit(mockserver):
            mockserver.on(user="weather").reply("Sunny")
            mockserver.fail(429, retry_after="10ms", times=2)

            client = OpenAI(base_url=f"{mockserver.url}/v1", api_key="any-key")
            question = {"role": "user", "content": "How is the weather?"}
            answer = client.chat.completions.create(model="o3-mini", messages=[question])

            assert answer.choices[0].message.content == "Sunny"
            mockserver.assert_called(count=3, user="weather")

    The test fails when it ends if no fixture matched one of its requests; the message lists the nearest fixtures.
    The client has received a generated reply by then. The marker changes this, and adds fixture files:

    - `@pytest.mark.mockserver(strict=False)` allows requests that no fixture matches.
    - `@pytest.mark.mockserver(fixtures="tools.yaml")` loads a file, or a list of them, relative to the test's file.

    Fails the test with the problems of a fixture file that is invalid, and with those of a marker with unknown
    arguments. The methods of the session raise the errors that `mockserver.testing.Session` lists:
    InputError, TypeError, ConnectionError and AssertionError.
    """
    node: pytest.Item = request.node
    files, strict = _marker_options(node)
    label = re.sub(r"[^A-Za-z0-9._-]+", "-", node.name)[:40]
    session = mockserver_server.session(f"{label}-{secrets.token_hex(4)}")
    state = PerTestState(session, strict)
    state.fixture_locations.update(_load_fixture_files(session, files))
    node.stash[STATE_KEY] = state
    yield session
    _add_answer_counts(state, node.config.stash[ANSWER_COUNTS_KEY])
    if FAILED_KEY not in node.stash:
        session.reset()  # the session of a failed test stays for inspection


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test that has passed if no fixture matched one of its requests."""
    outcome = yield
    state = item.stash.get(STATE_KEY, None)
    unmatched = state.unmatched() if state and state.strict else []
    if unmatched:
        pytest.fail(_unmatched_message(unmatched), pytrace=False)
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the requests of a failed test to its report."""
    report = yield
    state = item.stash.get(STATE_KEY, None)
    if state and report.failed and report.when != "teardown":
        item.stash[FAILED_KEY] = True
        report.sections.append(("mockserver", state.report_text()))
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the counts of a worker of pytest-xdist."""
    counts = node.config.stash[ANSWER_COUNTS_KEY]
    for location, count in getattr(node, "workeroutput", {}).get(_WORKER_OUTPUT_KEY, {}).items():
        counts[location] = counts.get(location, 0) + count


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the counts of a worker to pytest-xdist; fail the run if a fixture is unused and that is an error."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput[_WORKER_OUTPUT_KEY] = config.stash[ANSWER_COUNTS_KEY]
    elif _unused_fixtures(config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the unused fixtures, if requested."""
    unused = _unused_fixtures(config)
    if unused:
        terminalreporter.section("mockserver: unused fixtures", red=True)
        for location in unused:
            terminalreporter.line(os.path.relpath(location, config.rootpath))


def _configured_url(config: pytest.Config) -> tuple[str, str]:
    """Return the name of the option with the server's URL, and the URL; two empty texts without one."""
    options = {
        "--mockserver-url": config.getoption("mockserver_url"),
        "MOCKSERVER_URL": os.environ.get("MOCKSERVER_URL"),
        "mockserver_url": config.getini("mockserver_url"),
    }
    return next(((source, url) for source, url in options.items() if url), ("", ""))


def _connect(url: str) -> Remote:
    from mockserver.client.session_client import Remote  # noqa: PLC0415

    return Remote(url, os.environ.get("MOCKSERVER_ADMIN_TOKEN"))


def _marker_options(node: pytest.Item) -> tuple[list[Path], bool]:
    """Return the files of a test's markers, the closest marker first, and whether the test is strict."""
    files: list[Path] = []
    strict: list[bool] = []
    for mark in node.iter_markers("mockserver"):
        fixtures, mark_strict = _parse_marker(mark)
        paths = [fixtures] if isinstance(fixtures, str | os.PathLike) else list(fixtures or ())
        files += [Path(node.path.parent, file) for file in paths]
        strict += [] if mark_strict is None else [mark_strict]
    return list(dict.fromkeys(files)), strict[0] if strict else True


def _parse_marker(mark: pytest.Mark) -> tuple[Any, bool | None]:
    try:
        return _bind_marker_arguments(*mark.args, **mark.kwargs)
    except TypeError as error:
        message = str(error).replace("_bind_marker_arguments()", "@pytest.mark.mockserver")
    pytest.fail(f"{message}; expected (fixtures='file.yaml' or a list, strict=True)", pytrace=False)


def _bind_marker_arguments(
    fixtures: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
    *,
    strict: bool | None = None,
) -> tuple[Any, bool | None]:
    """Return the arguments of a marker; the call raises TypeError for unknown ones."""
    return fixtures, strict


def _load_fixture_files(session: Session, files: list[Path]) -> dict[str, str]:
    from mockserver.errors import InputError  # noqa: PLC0415

    if not files:
        return {}
    try:
        return session.load(*files)
    except InputError as error:
        message = str(error)
    pytest.fail(f"@pytest.mark.mockserver: {message}", pytrace=False)


def _add_answer_counts(state: PerTestState, answer_counts: dict[str, int]) -> None:
    """Add the numbers of responses of a test's fixture files."""
    for one in state.session.fixtures if state.fixture_locations else ():
        if one.own and one.name in state.fixture_locations:
            location = state.fixture_locations[one.name]
            answer_counts[location] = answer_counts.get(location, 0) + one.hits


def _unused_fixtures(config: pytest.Config) -> list[str]:
    """Return the positions of the fixtures that have responded in no test, if this is requested."""
    if not config.getoption("mockserver_unused"):
        return []
    return sorted(location for location, count in config.stash[ANSWER_COUNTS_KEY].items() if not count)


def _unmatched_message(unmatched: list[Request]) -> str:
    subject = "A request" if len(unmatched) == 1 else f"{len(unmatched)} requests"
    details = "\n".join(request.explain(_MAX_NEAR_MISSES) for request in unmatched[:_MAX_EXPLAINED])
    return (
        f"{subject} matched no fixture:\n{details}\n"
        "Set a response with mockserver.on(...).reply(...), or allow generated replies: "
        "@pytest.mark.mockserver(strict=False)"
    )


_WORKER_OUTPUT_KEY = "mockserver_answered"
_MAX_REPORTED = 50  # requests in a report
_MAX_EXPLAINED = 3  # requests in a message
_MAX_NEAR_MISSES = 3  # of each request
