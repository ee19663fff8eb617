"""The pytest plugin: the fixture and the marker `mockserver`, for a new session in each test.

pytest imports this module at every start, so it imports the rest of the package when a test first needs it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from mockserver.client.recorded_request import Request
    from mockserver.client.session_client import Remote, Session
    from mockserver.report.prompt_snapshots import SnapshotDefaults
    from mockserver.testing import MockServer


@dataclass(slots=True)
class PerTestState:
    """The state of one test: its session, its strictness, and its requests."""

    server: Remote
    session: Session
    strict: bool  # whether an unmatched request, or a stub without a reply, fails the test
    fixture_locations: dict[str, str]  # position in a file, by fixture name
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    requests: list[Request] = field(default_factory=list)  # as they were last read
    incomplete: str = ""  # why some are missing, if they are
    stray_requests: list[Request] = field(default_factory=list)  # to sessions that belong to no test
    late_requests: list[Request] = field(default_factory=list)  # to sessions of tests that have ended
    message: str = ""  # of the failure for unmatched requests and stubs
    explained: list[Request] = field(default_factory=list)  # in that message
    recording: Path | None = None  # the file of the answers of real vendors
    records: bool = False  # whether answers are added to it
    is_checked: bool = True  # False while unmatched requests still have to fail the test
    has_failed: bool = False

    @property
    def recording_hint(self) -> list[str]:
        """The line that says how to record the unmatched requests of a test with recordings."""
        if self.recording is None or self.records or not any(one.unmatched for one in self.requests):
            return []
        return [f"To record the answers in {self.recording}: pytest --mockserver-record"]

    def fail_for_problems(self) -> None:
        """Fail the test for its unmatched requests and for its stubs without a reply."""
        from mockserver.client.failure_report import format_problems  # noqa: PLC0415

        self.explained = [one for one in self.requests if one.unmatched]
        # Without the evicted requests it is unknown whether a fixture matched all of them.
        self.message = format_problems(self.explained, self.session.incomplete_stubs) or self.incomplete
        if self.message:
            self.message += "".join(f"\n{line}" for line in self.recording_hint)
            self.is_checked = True
            pytest.fail(self.message, pytrace=False)


@dataclass(slots=True)
class WorkerState:
    """The state of all tests of one process."""

    # The number of responses of each fixture of a file, by its position.
    answer_counts: dict[str, int] = field(default_factory=dict)
    late_lines: list[str] = field(default_factory=list)  # about requests to the sessions of ended tests
    ended_tests: dict[str, str] = field(default_factory=dict)  # their names, by session
    last_number: int = 0  # of the requests that were read from all sessions
    has_own_server: bool = False
    server: MockServer | None = None  # that of a run in which all calls are intercepted

    def read_requests(self, state: PerTestState) -> None:
        """Read the requests of a test, and those that have reached other sessions meanwhile."""
        state.requests, state.incomplete = state.session.read_requests()
        new = state.server.requests_since(self.last_number, _MAX_NEW_REQUESTS)
        self.last_number = max((one.number for one in new), default=self.last_number)
        state.late_requests += [one for one in new if one.session in self.ended_tests]
        if self.has_own_server:
            known = {*self.ended_tests, state.session.name}
            new = [one for one in new if one.arrived >= state.started_at]
            state.stray_requests += [one for one in new if one.session not in known]


STATE_KEY = pytest.StashKey[PerTestState]()
WORKER_KEY = pytest.StashKey[WorkerState]()


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
    group.addoption(
        "--mockserver-update",
        action="store_true",
        help="write the prompts of each test to the files of assert_prompts() instead of comparing them",
    )
    group.addoption(
        "--mockserver-record",
        action="store_true",
        help="forward the requests that nothing answers to the real vendors, in tests with record=... in their marker, "
        "and record the answers",
    )
    group.addoption(
        "--mockserver-record-mode",
        metavar="MODE",
        choices=_RECORD_MODES,
        default="new_episodes",
        help="what --mockserver-record forwards: new_episodes (the default), once, all or none",
    )
    group.addoption(
        "--mockserver-upstream",
        metavar="VENDOR=URL",
        action="append",
        default=[],
        help="the base URL of a vendor for --mockserver-record, in place of its own host",
    )
    group.addoption(
        "--mockserver-intercept",
        action="store_true",
        help="answer the calls of this process and its children to the vendors' own hosts, during the whole run",
    )
    group.addoption(
        "--mockserver-block-network",
        action="store_true",
        help="let no socket of this process connect to other machines, and fail tests that try",
    )
    parser.addini("mockserver_url", "the same as --mockserver-url", default="")
    parser.addini(
        "mockserver_args",
        "flags of `mockserver serve` for the server that the plugin starts, such as --seed 7; paths are relative to "
        "the configuration file",
        type="args",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "mockserver(fixtures=None, strict=True, record=None, intercept=False): fixtures is a fixture file or a list of "
        "them, relative to the test's file, or the word `shipped`, for the fixture `mockserver`; strict=False allows "
        "requests that no fixture matches; record is a folder, relative to the test's file, for the answers of real "
        "vendors; intercept=True answers calls to the vendors' own hosts, of this process and its children",
    )
    config.stash[WORKER_KEY] = WorkerState()
    if config.getoption("mockserver_block_network"):
        from mockserver.client.network_guard import start_network_guard  # noqa: PLC0415

        config.add_cleanup(start_network_guard(_configured_url(config)[1], config.rootpath))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Raise UsageError for the configuration of the server; start to intercept calls, if they are for the whole run."""
    config = session.config
    if config.getoption("mockserver_intercept"):
        _check_interception(config, "--mockserver-intercept")
    _check_configuration(config)
    if (
        config.getoption("mockserver_intercept")
        and not config.option.collectonly
        and not _has_workers(config)
    ):
        _intercept_run(config)


def _has_workers(config: pytest.Config) -> bool:
    """Return whether pytest-xdist runs the tests in other processes."""
    return getattr(config.option, "dist", "no") != "no" and not hasattr(config, "workerinput")


def _intercept_run(config: pytest.Config) -> None:
    """Answer the calls to the vendors' own hosts to the end of the run; the test modules are not imported yet."""
    stack = ExitStack()
    config.add_cleanup(stack.close)
    try:
        server = stack.enter_context(_create_server(config))
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    stack.enter_context(server.intercept(allows_others=not config.getoption("mockserver_block_network")))
    config.stash[WORKER_KEY].server = server


def _check_configuration(config: pytest.Config) -> None:
    """Raise one UsageError for the configuration of the server, instead of one error per test."""
    source, url = _configured_url(config)
    if config.getoption("mockserver_update") and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("--mockserver-update: several processes (-n) would write to the same files")
    records = config.getoption("mockserver_record")
    if records and url:
        raise pytest.UsageError(
            f"--mockserver-record: the server of {source} cannot record the tests of this run"
        )
    if records and config.getoption("mockserver_block_network"):
        raise pytest.UsageError("--mockserver-record: --mockserver-block-network would block the vendors")
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    try:
        if records:
            source = "--mockserver-record"
            _check_recording(config)
        elif url:
            _connect(url)._client.vendors  # noqa: B018, SLF001
        else:
            source = "mockserver_args"
            _server_settings(config)
    except (ValueError, ConnectionError) as error:
        raise pytest.UsageError(f"{source}: {error}") from None


def _check_interception(config: pytest.Config, source: str) -> None:
    """Raise UsageError if calls to the vendors' hosts cannot be answered: without the extra, or by another server."""
    configured, _ = _configured_url(config)
    if configured:
        raise pytest.UsageError(f"{source}: the server of {configured} cannot answer calls of this process")
    if config.getoption("mockserver_record"):
        raise pytest.UsageError(f"{source}: --mockserver-record calls the vendors' own hosts")
    from mockserver.errors import InputError  # noqa: PLC0415

    try:
        import_module("mockserver.server.call_interception")
    except InputError as error:
        raise pytest.UsageError(f"{source}: {error}") from None


def _check_recording(config: pytest.Config) -> None:
    """Raise ValueError if requests cannot be forwarded: without the extra, or for an invalid upstream."""
    from mockserver.errors import InputError  # noqa: PLC0415
    from mockserver.recording.upstream import check_upstream_client, find_upstreams  # noqa: PLC0415
    from mockserver.server.app import load_vendors  # noqa: PLC0415

    _, settings = _server_settings(config)
    try:
        check_upstream_client()
        find_upstreams(load_vendors(settings.get("vendors", ())), config.getoption("mockserver_upstream"))
    except InputError as error:
        raise ValueError(str(error)) from None


@pytest.fixture(scope="session")
def mockserver_server(pytestconfig: pytest.Config) -> Iterator[Remote]:
    """The server that all tests of a worker share: the configured one, or a new one without fixtures.

    It is a `mockserver.testing.Remote`; its methods apply to the sessions of all tests.
    """
    _, url = _configured_url(pytestconfig)
    if url:
        yield _connect(url)
        return
    worker = pytestconfig.stash[WORKER_KEY]
    if worker.server is not None:
        yield worker.server
        return
    message = ""
    try:
        server = _create_server(pytestconfig)
    except ValueError as error:
        message = str(error)
    if message:
        pytest.fail(message, pytrace=False)
    with server:
        yield server


def _create_server(config: pytest.Config) -> MockServer:
    """Return the plugin's own server, which is not started yet. Raises ValueError if its flags are invalid."""
    from mockserver.errors import InputError  # noqa: PLC0415
    from mockserver.testing import MockServer  # noqa: PLC0415

    paths, settings = _server_settings(config)
    try:
        server = MockServer(*paths, **settings)
    except InputError as error:
        raise ValueError(f"mockserver_args: {error}") from None
    config.stash[WORKER_KEY].has_own_server = True
    return server


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

    The test fails when it ends if no fixture matched one of its requests, or if `on(...)` was called without a reply;
    the message lists the nearest fixtures. The client has received a generated reply by then. The marker changes this,
    and adds fixture files:

    - `@pytest.mark.mockserver(strict=False)` allows requests that no fixture matches.
    - `@pytest.mark.mockserver(fixtures="tools.yaml")` loads a file, or a list of them, relative to the test's file.
    - `@pytest.mark.mockserver(record="recordings/")` replays the answers of real vendors, which `pytest
      --mockserver-record` has written to that folder, in a file for each test.
    - `@pytest.mark.mockserver(fixtures="shipped")` loads the fixtures that `mockserver` serves without a file.
    - `@pytest.mark.mockserver(intercept=True)` answers calls to the vendors' own hosts, also those of child processes.

    Fails the test with the problems of a fixture file that is invalid, and with those of a marker with unknown
    arguments. The methods of the session raise the errors that `mockserver.testing.Session` lists:
    InputError, TypeError, ConnectionError and AssertionError.
    """
    from mockserver.request.request_head import make_session_name  # noqa: PLC0415

    node: pytest.Item = request.node
    files, strict, folder = _marker_options(node)
    session = mockserver_server.session(make_session_name(node.name, secrets.token_hex(4)))
    recording = None if folder is None else _locate_recording(node, folder)
    if recording is not None and recording.exists() and _record_mode(node.config) != "all":
        files.append(recording)
    state = PerTestState(mockserver_server, session, strict, _load_fixture_files(session, files))
    state.recording = recording
    node.stash[STATE_KEY] = state
    session.snapshot_defaults = _snapshot_defaults(node)
    with _recording(node.config, state), _intercepting(node, state):
        yield session
    _end_test(node, state)


@contextmanager
def _intercepting(node: pytest.Item, state: PerTestState) -> Iterator[None]:
    """Answer the calls to the vendors' own hosts while a test runs, if its marker or the options say so."""
    if not _wants_interception(node):
        yield
        return
    try:
        _check_interception(node.config, "@pytest.mark.mockserver(intercept=True)")
    except pytest.UsageError as error:
        pytest.fail(str(error), pytrace=False)
    allows_others = not node.config.getoption("mockserver_block_network")
    with cast("MockServer", state.server).intercept(state.session, allows_others=allows_others):
        yield


def _wants_interception(node: pytest.Item) -> bool:
    """Return whether a test's closest marker with `intercept`, or the option, asks for it."""
    marked = _find_marked_interception(node)
    return bool(node.config.getoption("mockserver_intercept")) if marked is None else marked


def _find_marked_interception(node: pytest.Item) -> bool | None:
    values = (mark.kwargs.get("intercept") for mark in node.iter_markers("mockserver"))
    return next((bool(value) for value in values if value is not None), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Set up the fixture `mockserver` before all others in tests with `intercept=True`, also if they do not name it.

    The clients that other fixtures create then read the proxy from the environment.
    """
    for item in items:
        if _find_marked_interception(item):
            names: list[str] = getattr(item, "fixturenames", [])
            names[:] = ["mockserver", *(name for name in names if name != "mockserver")]


def _locate_recording(node: pytest.Item, folder: Path) -> Path:
    """Return the file of a test's recordings."""
    from mockserver.recording.session_recording import locate_test_file  # noqa: PLC0415

    return locate_test_file(folder, node.path.stem, ".".join(node.nodeid.split("::")[1:]))


def _record_mode(config: pytest.Config) -> str:
    """Return the mode in which tests are recorded, `none` if they are not."""
    mode: str = (
        config.getoption("mockserver_record_mode") if config.getoption("mockserver_record") else "none"
    )
    return mode


@contextmanager
def _recording(config: pytest.Config, state: PerTestState) -> Iterator[None]:
    """Record the requests of a test that nothing answers, if the marker and the options say so."""
    mode, path = _record_mode(config), state.recording
    if path is None or mode == "none" or (mode == "once" and path.exists()):
        yield
        return
    from mockserver.recording.session_recording import record_session, stop_recording  # noqa: PLC0415
    from mockserver.testing import MockServer  # noqa: PLC0415

    pipeline, name = cast(MockServer, state.server)._pipeline, str(state.session.name)  # noqa: SLF001
    record_session(pipeline, name, path)
    state.records = True
    yield
    stop_recording(pipeline, name)


def _end_test(node: pytest.Item, state: PerTestState) -> None:
    """Reset a test's session, unless the test has failed; fail it for what its fixtures' teardown has requested."""
    worker = node.config.stash[WORKER_KEY]
    _add_answer_counts(state, worker.answer_counts)
    try:
        if state.has_failed:
            with suppress(ConnectionError):  # of a server that the test has stopped
                worker.read_requests(state)
        else:
            worker.read_requests(state)
            _note_late_requests(node, state, worker)
            if not state.is_checked:
                state.fail_for_problems()
    finally:
        worker.ended_tests[str(state.session.name)] = node.name
        if not state.has_failed:
            state.session.reset()  # that of a failed test stays for inspection


def _note_late_requests(node: pytest.Item, state: PerTestState, worker: WorkerState) -> None:
    """Note the requests to the sessions of ended tests, for the summary."""
    if state.late_requests:
        from mockserver.client.failure_report import format_late_requests  # noqa: PLC0415

        lines = format_late_requests(state.late_requests, worker.ended_tests)
        worker.late_lines += [f"{node.nodeid}: {line}" for line in lines]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test whose fixtures tried to reach another machine, if that is blocked."""
    try:
        return (yield)
    finally:
        _fail_for_blocked_calls(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test whose fixtures tried to reach another machine as they ended, if that is blocked."""
    try:
        return (yield)
    finally:
        _fail_for_blocked_calls(item)


def _fail_for_blocked_calls(item: pytest.Item) -> None:
    """Fail a test for its calls to other machines, whatever the client has made of the error."""
    if not item.config.getoption("mockserver_block_network"):
        return
    from mockserver.client.network_guard import take_blocked_calls  # noqa: PLC0415

    if calls := take_blocked_calls():
        pytest.fail("\n".join(f"--mockserver-block-network: {call}" for call in calls), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test that has passed if no fixture matched one of its requests, or if a stub has no reply."""
    try:
        outcome = yield
    finally:
        _fail_for_blocked_calls(item)
    state = item.stash.get(STATE_KEY, None)
    if state and state.strict:
        state.is_checked = False
        state.requests, state.incomplete = state.session.read_requests()
        state.fail_for_problems()
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the requests of a failed test to its report, with an explanation of the unmatched ones."""
    report = yield
    state = item.stash.get(STATE_KEY, None)
    if state and report.failed and not (state.has_failed and report.when == "teardown"):
        if state.message not in str(call.excinfo and call.excinfo.value):
            state.message, state.explained = "", []  # the test has failed for a reason of its own
        lines = _report_lines(item, state, report.when)
        state.has_failed = True
        _add_section(report, "\n".join(lines))
    return report


def _add_section(report: pytest.TestReport, text: str) -> None:
    """Add a section to a report: if possible to the failure itself, which JUnit XML has and --show-capture=no keeps."""
    add_section = getattr(report.longrepr, "addsection", None)
    if add_section is None:  # a failure without a traceback is a plain text
        report.sections.append(("mockserver", text))
    else:
        add_section("mockserver", text)


def _report_lines(item: pytest.Item, state: PerTestState, when: str | None) -> list[str]:
    """Return the lines of a failed test's report; a server that does not respond is no error here."""
    from mockserver.client import failure_report  # noqa: PLC0415

    worker = item.config.stash[WORKER_KEY]
    try:
        if when == "teardown":  # the session has been reset
            state.explained = state.requests
        else:
            worker.read_requests(state)
        lines = failure_report.format_report(state.session, state.requests, state.explained, state.incomplete)
    except ConnectionError as error:
        return [str(error)]
    if not state.message:
        lines += state.recording_hint
        lines += failure_report.format_incomplete_stubs(state.session.incomplete_stubs)
    lines += failure_report.format_late_requests(state.late_requests, worker.ended_tests)
    if not state.requests:
        lines += failure_report.format_stray_requests(state.stray_requests, state.session)
    return lines


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the results of a worker of pytest-xdist."""
    state = node.config.stash[WORKER_KEY]
    counts, late_lines = getattr(node, "workeroutput", {}).get(_WORKER_OUTPUT_KEY, ({}, []))
    state.late_lines += late_lines
    for location, count in counts.items():
        state.answer_counts[location] = state.answer_counts.get(location, 0) + count


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the results of a worker to pytest-xdist; fail the run if a fixture is unused and that is an error."""
    config = session.config
    if hasattr(config, "workeroutput"):
        state = config.stash[WORKER_KEY]
        config.workeroutput[_WORKER_OUTPUT_KEY] = (state.answer_counts, state.late_lines)
    elif _unused_fixtures(config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the requests to ended tests, and the unused fixtures if requested."""
    late_lines = config.stash[WORKER_KEY].late_lines
    if late_lines:
        terminalreporter.section("mockserver: requests after the end of a test", yellow=True)
        for line in late_lines:
            terminalreporter.line(line)
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


def _snapshot_defaults(node: pytest.Item) -> SnapshotDefaults:
    """Return where the prompts of a test are kept: beside its file, under its name."""
    from mockserver.report.prompt_snapshots import SnapshotDefaults  # noqa: PLC0415

    name = f"{node.path.name}::{node.nodeid.partition('::')[2]}"
    return SnapshotDefaults(node.path.parent, name, node.config.getoption("mockserver_update"))


def _connect(url: str) -> Remote:
    from mockserver.client.session_client import Remote  # noqa: PLC0415

    return Remote(url, os.environ.get("MOCKSERVER_ADMIN_TOKEN"))


def _server_settings(config: pytest.Config) -> tuple[tuple[Path, ...], dict[str, Any]]:
    """Return the fixture paths and the settings of the plugin's server. Raises ValueError for invalid flags."""
    arguments: list[str] = config.getini("mockserver_args")
    settings: dict[str, Any] = {}
    if arguments:
        from mockserver.cli.server_flags import parse_server_flags  # noqa: PLC0415

        settings = parse_server_flags(arguments, config.inipath.parent if config.inipath else config.rootpath)
    paths = settings.pop("paths", ())
    if _record_mode(config) != "none":
        upstreams = tuple(config.getoption("mockserver_upstream"))
        from mockserver.settings import RecordSettings  # noqa: PLC0415

        settings["record"] = RecordSettings(None, _record_mode(config), upstreams)
    return paths, settings if paths else _WITHOUT_FIXTURES | settings


def _marker_options(node: pytest.Item) -> tuple[list[Path | None], bool, Path | None]:
    """Return the files of a test's markers, the closest marker first, whether it is strict, and where it is recorded.

    None stands for the shipped fixtures, and for a test that is not recorded.
    """
    files: list[Path | None] = []
    strict: list[bool] = []
    folders: list[Path] = []
    for mark in node.iter_markers("mockserver"):
        fixtures, mark_strict, record = _parse_marker(mark)
        folders += [] if record is None else [Path(node.path.parent, record)]
        paths = [fixtures] if isinstance(fixtures, str | os.PathLike) else list(fixtures or ())
        files += [None if file == _SHIPPED else Path(node.path.parent, file) for file in paths]
        strict += [] if mark_strict is None else [mark_strict]
    return list(dict.fromkeys(files)), strict[0] if strict else True, folders[0] if folders else None


def _parse_marker(mark: pytest.Mark) -> tuple[Any, bool | None, Any]:
    try:
        return _bind_marker_arguments(*mark.args, **mark.kwargs)
    except TypeError as error:
        message = str(error).replace("_bind_marker_arguments()", "@pytest.mark.mockserver")
    pytest.fail(
        f"{message}; expected (fixtures='file.yaml', 'shipped' or a list, strict=True, record='folder', "
        "intercept=True)",
        pytrace=False,
    )


def _bind_marker_arguments(
    fixtures: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
    *,
    strict: bool | None = None,
    record: str | os.PathLike[str] | None = None,
    intercept: bool = False,  # noqa: ARG001 read by `_wants_interception`
) -> tuple[Any, bool | None, Any]:
    """Return the arguments of a marker; the call raises TypeError for unknown ones."""
    return fixtures, strict, record


def _load_fixture_files(session: Session, files: list[Path | None]) -> dict[str, str]:
    """Load the fixtures of a test's markers; return the positions of those of files, by name."""
    from mockserver.errors import InputError  # noqa: PLC0415

    own = [file for file in files if file is not None]
    try:
        if len(own) < len(files):
            session.load_shipped()
        return session.load(*own) if own else {}
    except InputError as error:
        message = str(error)
    pytest.fail(f"@pytest.mark.mockserver: {message}", pytrace=False)


def _add_answer_counts(state: PerTestState, answer_counts: dict[str, int]) -> None:
    """Add the numbers of responses of a test's fixture files."""
    fixtures = state.session.fixtures if state.fixture_locations else ()
    hits = {one.name: one.hits for one in fixtures if one.own}
    for name, location in state.fixture_locations.items():
        answer_counts[location] = answer_counts.get(location, 0) + hits.get(name, 0)


def _unused_fixtures(config: pytest.Config) -> list[str]:
    """Return the positions of the fixtures that have responded in no test, if this is requested."""
    if not config.getoption("mockserver_unused"):
        return []
    return sorted(location for location, count in config.stash[WORKER_KEY].answer_counts.items() if not count)


_RECORD_MODES = ("new_episodes", "once", "all", "none")
_SHIPPED = "shipped"  # in a marker: the shipped fixtures
_WITHOUT_FIXTURES = {"fixtures_yaml": "fixtures: []"}
_WORKER_OUTPUT_KEY = "mockserver"
_MAX_NEW_REQUESTS = 1_000  # that are read from all sessions for a test
