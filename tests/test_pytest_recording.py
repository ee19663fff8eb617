"""The recording of tests by the plugin, and its guard of the network, as their users meet them."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver.client.network_guard import NetworkBlockedError, NetworkGuard
from mockserver.recording.session_recording import locate_test_file
from mockserver.testing import MockServer
from tests.conftest import RunPytest
from tests.recording.test_recorder import read_fixtures
from tests.test_pytest_plugin import ASK


@pytest.fixture(scope="module")
def vendor() -> Iterator[MockServer]:
    with MockServer(
        fixtures_yaml="fixtures: [{match: {user: Hello}, responses: [One, Two], then: cycle}]"
    ) as running:
        yield running


TESTS = """
    from asking import *

    @pytest.mark.mockserver(record="recordings")
    @pytest.mark.parametrize("name", ["a", "b/c"])
    def test_it(mockserver, name):
        mockserver.on(user="own").reply("Mine")
        assert ask(mockserver, f"Hello {name}") in ("One", "Two")
        assert ask(mockserver, "my own") == "Mine"

    @pytest.mark.mockserver(record="recordings")
    def test_its_message(mockserver):
        ask(mockserver, "Hello you")

    def test_not_recorded(mockserver):
        mockserver.on(user="own").reply("Mine")
        assert ask(mockserver, "my own") == "Mine"
"""


@pytest.mark.slow
def test_tests_are_recorded_once_and_replayed(
    run_pytest: RunPytest, pytester: pytest.Pytester, vendor: MockServer
) -> None:
    pytester.makepyfile(asking=ASK)
    missing = run_pytest(TESTS)
    missing.assert_outcomes(passed=1, failed=3)
    missing.stdout.fnmatch_lines(
        ["To record the answers in */recordings/test_it/test_it-a*: pytest --mockserver-record"]
    )

    missing.stdout.fnmatch_lines(
        ["To record the answers in */test_its_message.yaml: pytest --mockserver-record"]
    )

    upstream = f"--mockserver-upstream=aimlapi={vendor.url}/aimlapi"
    record = ("--mockserver-record", upstream)
    before = len(vendor.entries)
    run_pytest(TESTS, *record).assert_outcomes(passed=4)
    files = sorted((pytester.path / "recordings" / "test_it").iterdir())
    stems = [re.sub("-[0-9a-f]{8}$", "", path.stem) for path in files]
    assert stems == ["test_it-a", "test_it-b-c", "test_its_message"]
    texts = [path.read_text() for path in files]
    assert len(vendor.entries) == before + 3

    run_pytest(TESTS).assert_outcomes(passed=4)
    run_pytest(TESTS, *record).assert_outcomes(passed=4)
    run_pytest(TESTS, *record, "--mockserver-record-mode=once").assert_outcomes(passed=4)
    run_pytest(TESTS, *record, "--mockserver-record-mode=none").assert_outcomes(passed=4)
    assert [path.read_text() for path in files] == texts
    assert len(vendor.entries) == before + 3
    run_pytest(TESTS, *record, "--mockserver-record-mode=all").assert_outcomes(passed=4)
    assert len(vendor.entries) == before + 6


SPREAD = """
    from asking import *

    @pytest.mark.mockserver(record="recordings")
    @pytest.mark.parametrize("number", range(4))
    def test_it(mockserver, number):
        # The first question is that of all tests.
        assert [ask(mockserver, one) for one in ("Hello", f"Hello {number}")] == ["Hi", "Hi"]
"""


@pytest.mark.slow
def test_workers_record_each_test_once_in_its_own_file(
    run_pytest: RunPytest, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(asking=ASK)
    with MockServer(fixtures_yaml="fixtures: [{match: {}, response: Hi}]") as vendor:
        upstream = f"--mockserver-upstream=aimlapi={vendor.url}/aimlapi"
        run_pytest(SPREAD, "--mockserver-record", upstream, "-n2", apart=True).assert_outcomes(passed=4)
        assert len(vendor.entries) == 8
    files = sorted((pytester.path / "recordings" / "test_it").iterdir())
    asked = [[one["match"]["user"]["equals"] for one in read_fixtures(file)] for file in files]
    assert sorted(asked) == [["Hello", f"Hello {number}"] for number in range(4)]
    run_pytest(SPREAD).assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--mockserver-url=http://127.0.0.1:1"], "the server of --mockserver-url cannot record"),
        (["--mockserver-block-network"], "--mockserver-block-network would block the vendors"),
        (["--mockserver-upstream=x"], "--upstream: found 'x', expected VENDOR=URL"),
        ([], "pip install 'mock-provider-server[[]record]'"),
    ],
)
def test_a_run_that_cannot_record_is_a_usage_error(
    run_pytest: RunPytest, monkeypatch: pytest.MonkeyPatch, arguments: list[str], problem: str
) -> None:
    if not arguments:
        monkeypatch.setattr("mockserver.recording.upstream.find_spec", lambda _: None)
    result = run_pytest("def test_a(): pass", "--mockserver-record", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{problem}*"])


def test_the_file_of_a_test_is_named_after_it() -> None:
    folder = Path("to")
    assert locate_test_file(folder, "test_a", "Class.test_b") == folder / "test_a" / "Class.test_b.yaml"
    one, other = (locate_test_file(folder, "test_a", f"test_b[{name}]") for name in ("a/b", "a b"))
    assert one.name.startswith("test_b-a-b-")
    assert one != other
    assert len(locate_test_file(folder, "test_a", "x" * 300).name) < 100
    assert locate_test_file(Path("one.yaml"), "test_a", "test_b") == Path("one.yaml")


# --- the network

BLOCKED = """
    import socket
    import pytest

    def leave():
        with pytest.raises(RuntimeError):
            socket.create_connection(("vendor.example", 443))

    def test_call():
        leave()

    def test_udp():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", ("192.0.2.1", 9))

    def test_local(mockserver):
        mockserver.on().reply("Mine")
        assert "aimlapi" in mockserver.aimlapi.url()
        with pytest.raises(OSError):
            socket.create_connection(("localhost", 1))

    @pytest.fixture
    def leaving():
        leave()

    def test_setup(leaving): pass

    @pytest.fixture
    def left():
        yield
        leave()

    def test_teardown(left): pass
"""


def test_a_test_that_leaves_this_machine_fails_and_names_the_call(run_pytest: RunPytest) -> None:
    run_pytest("def test_a(): pass", "--mockserver-block-network").assert_outcomes(passed=1)
    result = run_pytest(BLOCKED, "--mockserver-block-network")
    result.assert_outcomes(passed=2, failed=2, errors=2)
    text = result.stdout.str().partition(" short test summary ")[0]  # which is not truncated in CI
    lookup = "--mockserver-block-network: the lookup of vendor.example is blocked, at test_it.py:6: socket.create_conn"
    assert text.count(lookup) == 3
    assert "the connection to 192.0.2.1 port 9 is blocked, at test_it.py:13: sock.sendto(" in text


def test_the_guard_lets_pass_what_stays_on_this_machine(tmp_path: Path) -> None:
    guard = NetworkGuard(frozenset({"mock.example", "192.0.2.7"}), tmp_path)
    with socket.socket(socket.AF_INET6) as inet, socket.socket(socket.AF_UNIX) as unix:
        for host in (None, b"localhost", "", "a.localhost", "127.0.0.2", "::1", "0.0.0.0", "mock.example."):
            guard.check("socket.getaddrinfo", (host, 80, 0, 0, 0))
        for address in (("::1", 1, 0, 0), ("192.0.2.7", 1)):
            guard.check("socket.connect", (inet, address))
        guard.check("socket.connect", (unix, "/path"))
        guard.check("socket.sendmsg", (inet, None))
        guard.check("socket.bind", (inet, ("192.0.2.1", 1)))
        for event, arguments in (
            ("socket.gethostbyname", ("vendor.example",)),
            ("socket.sendmsg", (inet, ("2001:db8::1", 1))),
        ):
            with pytest.raises(NetworkBlockedError):
                guard.check(event, arguments)
    assert guard.take_blocked() == [
        "the lookup of vendor.example is blocked",
        "the connection to 2001:db8::1 port 1 is blocked",
    ]
    assert guard.take_blocked() == []


def test_a_blocked_call_is_named_by_a_line_of_the_tests() -> None:
    guard = NetworkGuard(frozenset(), Path(__file__).parent)
    with pytest.raises(NetworkBlockedError):
        guard.check("socket.getaddrinfo", ("vendor.example", 80))
    [call] = guard.take_blocked()
    assert ", at test_pytest_recording.py:" in call
    assert call.endswith(': guard.check("socket.getaddrinfo", ("vendor.example", 80))')


def test_a_configured_server_may_be_elsewhere(run_pytest: RunPytest, vendor: MockServer) -> None:
    tests = """
        def test_a(mockserver):
            assert mockserver.requests == []
    """
    result = run_pytest(tests, "--mockserver-block-network", f"--mockserver-url={vendor.url}")
    result.assert_outcomes(passed=1)
