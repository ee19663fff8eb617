"""The plugin as its users meet it: each run is a pytest of its own, and its report is read as they read it."""

from __future__ import annotations

import re

import pytest

from mockserver.testing import MockServer
from tests.conftest import RunPytest, import_for_tests

ASK = """
import http.client, json, unittest
from urllib.parse import urlsplit
import pytest

def ask(session, text, **more):
    url = urlsplit(session.aimlapi.url())
    client = http.client.HTTPConnection(url.netloc)
    body = {"model": "o1-preview", "messages": [{"role": "user", "content": text}], **more}
    client.request("POST", url.path, json.dumps(body), session.aimlapi.headers() | {"content-type": "application/json"})
    answer = client.getresponse()
    heard = json.load(answer)
    client.close()
    return heard["choices"][0]["message"]["content"] if answer.status < 400 else answer.status
"""


@pytest.fixture
def run_pytest(run_pytest: RunPytest, pytester: pytest.Pytester) -> RunPytest:
    """Runs tests that can `ask`."""
    return import_for_tests(run_pytest, pytester, ASK)


def test_a_request_that_nothing_matches_fails_the_test_with_what_came_nearest(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        def test_a(mockserver):
            mockserver.on(user="weather").reply("Sunny")
            ask(mockserver, "How is the wether?")
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        "*_ test_a _*",
        "A request matched no fixture:",
        "aimlapi o1-preview 'How is the wether?' -> 201, no fixture matched",
        "  on(user='weather') missed on user: expected text with 'weather', found 'How is the wether?'",
        "Set a response with mockserver.on(...).reply(...), or allow generated replies: *strict=False*",
        "*- mockserver -*",
        "session http://127.0.0.1:*/s/test_a-*",
        "1. aimlapi o1-preview 'How is the wether?' -> 201, no fixture matched",
    ])  # fmt: skip


def test_a_test_may_let_answers_be_made_up(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        @pytest.mark.mockserver(strict=False)
        class TestA:
            def test_a(self, mockserver):
                assert ask(mockserver, "How is the weather?")

            @pytest.mark.mockserver(strict=True)
            def test_the_nearest_marker_counts(self, mockserver):
                ask(mockserver, "How is the weather?")
                ask(mockserver, "And tomorrow?")
    """)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["2 requests matched no fixture:"])


def test_what_goes_wrong_on_purpose_is_no_miss(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        def test_a(mockserver):
            mockserver.fail(503, times=1)
            assert ask(mockserver, "anything") == 503
    """)
    result.assert_outcomes(passed=1)


def test_a_failed_test_shows_its_own_line_and_its_requests(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        def test_a(mockserver):
            mockserver.on(user="weather").reply("Sunny")
            ask(mockserver, "How is the weather?")
            ask(mockserver, "Nobody knows this one.")
            mockserver.assert_called(2, user="weather")

        def test_b(mockserver):
            mockserver.on(usre="weather")
    """)
    result.assert_outcomes(failed=2)
    assert result.stdout.str().count("A request matched no fixture") == 0  # one reason to fail is enough
    result.stdout.fnmatch_lines([
        '>       mockserver.assert_called(2, user="weather")',
        "E       AssertionError: expected 2 requests like user: text with 'weather'; found 1 of 2",
        "E         + aimlapi o1-preview 'How is the weather?' -> 201, fixture on(user='weather')",
        "E         - aimlapi o1-preview 'Nobody knows this one.' -> 201, no fixture matched",
        "E             user: expected text with 'weather', found 'Nobody knows this one.'",
        "test_it.py:*: AssertionError",
        "*- mockserver -*",
        "1. aimlapi o1-preview 'How is the weather?' -> 201, fixture on(user='weather')",
        "2. aimlapi o1-preview 'Nobody knows this one.' -> 201, no fixture matched",
        "     on(user='weather') missed on user: expected text with 'weather', found 'Nobody knows this one.'",
        '>       mockserver.on(usre="weather")',
        "E       TypeError: on(): unknown keyword 'usre', did you mean 'user'?",
        "no request has reached it",
    ])  # fmt: skip
    assert not re.search(r"mockserver/\w+\.py:\d+", result.stdout.str())


def test_a_report_says_why_a_request_got_another_answer(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        def test_no_fixture(mockserver):
            assert ask(mockserver, "weather?") == 1

        def test_no_reply(mockserver):
            mockserver.on(user="weather")
            assert ask(mockserver, "weather?") == 1

        @pytest.mark.mockserver(strict=False)
        def test_reply_too_late(mockserver):
            assert ask(mockserver, "weather?") == mockserver.on(user="weather").reply("Sunny")

        def test_refused(mockserver):
            mockserver.on(user="weather").reply("Sunny")
            assert ask(mockserver, "weather?", model="") == 1

        def test_refused_at_length(mockserver):
            assert ask(mockserver, "weather?", model={}, n="2", top_p="3", tools=4, temperature="5", stop=[6]) == 1

        def test_by_rule(mockserver):
            mockserver.on(user="weather").fail(503, message="down", times=1)
            assert ask(mockserver, "weather?") == 1

        class TestUnit(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def server(self, mockserver):
                self.mockserver = mockserver

            def test_unit(self):
                self.assertEqual(ask(self.mockserver, "weather?"), 1)

            def test_unmatched(self):
                ask(self.mockserver, "weather?")
    """, "--show-capture=no")  # fmt: skip
    result.assert_outcomes(failed=8)
    result.stdout.fnmatch_lines([
        "*_ test_no_fixture _*", "1. * -> 201, no fixture matched", "     there are no fixtures",
        "*_ test_no_reply _*", "test_it.py:*: on(user='weather') has no effect without .reply(...)",
        "*_ test_reply_too_late _*", "     on(user='weather') matches it, but was added after the request",
        "*_ test_refused _*", "1. * -> 400, refused: model: String must contain at least 1 char*",
        "*_ test_refused_at_length _*", "1. * -> 400, *",
        "*_ test_by_rule _*", "1. * -> 503, rule session-fault-1",
        "*_ TestUnit.test_unit _*", "1. * -> 201, no fixture matched", "     there are no fixtures",
        "*_ TestUnit.test_unmatched _*", "A request matched no fixture:", "  there are no fixtures",
    ])  # fmt: skip


def test_stubs_without_a_reply_and_requests_of_a_teardown_fail_a_test(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        @pytest.fixture
        def asking_afterwards(mockserver):
            yield
            ask(mockserver, "afterwards")

        @pytest.fixture
        def failing_afterwards(mockserver):
            yield
            mockserver.assert_called(user="never")

        def test_stub(mockserver):
            mockserver.on(user="weather")
            mockserver.on(user="fails").fail(503)

        def test_teardown(asking_afterwards): ...

        def test_failing_teardown(mockserver, failing_afterwards):
            mockserver.on().reply("Sunny")
            ask(mockserver, "weather?")

        @pytest.mark.xfail
        def test_expected_failure(mockserver):
            ask(mockserver, "weather?")
            raise AssertionError

        @pytest.fixture
        def failing_before(mockserver):
            ask(mockserver, "before")
            raise AssertionError

        def test_setup(failing_before): ...
    """)
    result.assert_outcomes(failed=1, errors=3, passed=2, xfailed=1)
    result.stdout.fnmatch_lines([
        "*_ ERROR at teardown of test_teardown _*", "A request matched no fixture:", "*'afterwards' -> 201, *",
        "*_ ERROR at teardown of test_failing_teardown _*", "*- mockserver -*", "1. *'weather?' -> 201, fixture on()",
        "*_ ERROR at setup of test_setup _*", "*- mockserver -*", "1. *'before' -> 201, no fixture matched",
        "*_ test_stub _*", "test_it.py:*: on(user='weather') has no effect without .reply(...)",
    ])  # fmt: skip
    assert "on(user='fails')" not in result.stdout.str()


def test_requests_that_went_elsewhere_are_reported(
    run_pytest: RunPytest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    result = run_pytest("""
        kept = []

        def test_one(mockserver):
            kept.append(mockserver)

        def test_subtests(mockserver, subtests, request):
            request.addfinalizer(lambda: ask(mockserver, "not late"))
            for number in range(2):
                with subtests.test():
                    assert ask(mockserver, "weather?") == number

        def test_two(mockserver):
            ask(kept[0], "late")

        def test_three(mockserver):
            ask(kept[0], "late"), ask(kept[0], "late")
            mockserver.assert_called(times=2)

        def test_four(mockserver, mockserver_server):
            ask(mockserver_server, "stray")
            raise AssertionError
    """)
    result.assert_outcomes(passed=2, failed=5)
    assert "the session of test_subtests, which has ended" not in result.stdout.str()
    result.stdout.fnmatch_lines([
        "*_ test_subtests *_*", "*- mockserver -*", "1. *", "*_ test_subtests *_*", "*- mockserver -*", "2. *",
        "*_ test_three _*",
        "E         no request has reached http://127.0.0.1:*/s/test_three-*",
        "E         HTTP_PROXY is set, and NO_PROXY does not contain 127.0.0.1: does the client send its requests to *",
        "*- mockserver -*",
        "no request has reached it",
        "HTTP_PROXY is set, and NO_PROXY does not contain 127.0.0.1: does the client send its requests to that proxy?",
        "2 requests reached the session of test_one, which has ended: is a client kept between tests?",
        "*_ test_four _*",
        "1 request reached the session key-* instead: use the URL of the test's session, http://*/s/test_four-*",
        "*= mockserver: requests after the end of a test =*",
        "test_it.py::test_two: 1 request reached the session of test_one, which has ended: is a client kept *",
    ])  # fmt: skip


def test_shipped_fixtures_are_served_for_the_word_only(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        @pytest.mark.mockserver(fixtures="shipped")
        def test_served(mockserver):
            assert ask(mockserver, "mock busy") == 503

        @pytest.mark.mockserver(fixtures="shipped")
        def test_own_are_nearest(mockserver):
            mockserver.on(user="weather", turn=2).reply("Sunny")
            ask(mockserver, "mock bus")

        def test_not_served(mockserver):
            ask(mockserver, "mock busy")
    """)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines([
        "*'mock bus' -> 201, no fixture matched", "  on(user='weather', turn=2) missed on user: *", "Set a response*",
        "*'mock busy' -> 201, no fixture matched", "  there are no fixtures", "Set a response*",
    ])  # fmt: skip
    assert "missed on user: expected 'mock" not in result.stdout.str()


def test_flags_in_the_configuration_are_those_of_the_server(
    run_pytest: RunPytest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCKSERVER_PORT", "nonsense")
    monkeypatch.setenv("MOCKSERVER_STRICT", "1")
    (pytester.path / "own.yaml").write_text("fixtures: [{match: {user: hello}, response: from a file}]\n")
    tests = """
        def test_a(mockserver, mockserver_server):
            assert ask(mockserver, "hello") == "from a file"
            settings = mockserver_server.settings
            assert (settings.seed, settings.strict, settings.mock_messages) == (7, False, False)
            assert settings.latency.parent == settings.paths[0].parent
    """

    def run(flags: str) -> pytest.RunResult:
        pytester.makeini(f"[pytest]\nmockserver_args = {flags}\n")
        return run_pytest(tests)

    (pytester.path / "latency.yaml").write_text("latency: []")
    run("own.yaml --seed 7 --no-mock-messages --latency latency.yaml").assert_outcomes(passed=1)
    missing = run("missing.yaml")
    missing.assert_outcomes(errors=1)
    missing.stdout.fnmatch_lines(["mockserver_args: missing.yaml: cannot be read: No such file or directory"])
    for flags, message in (
        ("--sede 7", "No such option '--sede'*--seed*"),
        ("--help", "found --help, expected *"),
    ):
        wrong = run(flags)
        assert wrong.ret == pytest.ExitCode.USAGE_ERROR
        wrong.stderr.fnmatch_lines([f"ERROR: mockserver_args: {message}"])


def test_a_report_comes_about_when_the_server_is_gone(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        def test_a(mockserver, mockserver_server):
            mockserver_server.stop()
            raise AssertionError("because")
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E       AssertionError: because", "no mockserver answers at http://127.0.0.1:*"]
    )


FILES = """
    @pytest.mark.mockserver(fixtures="one.yaml")
    def test_a(mockserver):
        assert ask(mockserver, "one") == "1.50"

    @pytest.mark.mockserver(fixtures=["two.yaml", "one.yaml"])
    def test_b(mockserver):
        assert ask(mockserver, "both") == "two"
        assert ask(mockserver, "hello there") == "here too"
"""


@pytest.fixture
def files(pytester: pytest.Pytester) -> None:
    one = (
        "fixtures:\n"
        "- {match: {user: one}, response: {text: 1.50}}\n"
        "- {match: {user: both}, response: one}\n"
        "- {match: {user: never}, response: never}\n"
    )
    (pytester.path / "one.yaml").write_text(one)
    two = (
        "fixtures:\n"
        "- {name: hello, match: {user: hello}, response: here too}\n"
        "- {name: two, match: {user: both}, response: two}\n"
    )
    (pytester.path / "two.yaml").write_text(two)


@pytest.mark.parametrize(
    "workers", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)], ids=["alone", "xdist"]
)
@pytest.mark.usefixtures("files")
def test_fixtures_come_from_files_and_those_that_never_answer_are_told(
    run_pytest: RunPytest, workers: tuple[str, ...]
) -> None:
    result = run_pytest(FILES, "--mockserver-unused", *workers, apart=bool(workers))
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    lines = result.outlines
    unused = next(index for index, line in enumerate(lines) if "mockserver: unused fixtures" in line)
    assert lines[unused + 1 : unused + 3] == ["one.yaml:3: one#2", "one.yaml:4: one#3"]


@pytest.mark.usefixtures("files")
def test_nobody_is_told_who_did_not_ask(run_pytest: RunPytest) -> None:
    result = run_pytest(FILES)
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.OK
    assert "never" not in result.stdout.str()


@pytest.mark.usefixtures("files")
def test_when_every_fixture_answers_nothing_is_told(run_pytest: RunPytest) -> None:
    result = run_pytest(
        """
        @pytest.mark.mockserver(fixtures="two.yaml")
        def test_a(mockserver):
            ask(mockserver, "hello"), ask(mockserver, "both")

        def test_b(): ...
        """,
        "--mockserver-unused",
    )
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.OK


def test_a_marker_that_cannot_be_followed_says_why_in_a_line(
    run_pytest: RunPytest, pytester: pytest.Pytester
) -> None:
    (pytester.path / "bad.yaml").write_text("fixtures:\n- {match: {usre: x}, response: x}\n")
    result = run_pytest("""
        @pytest.mark.mockserver(fixture="bad.yaml")
        def test_a(mockserver): ...

        @pytest.mark.mockserver("bad.yaml")
        def test_b(mockserver): ...
    """)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines([
        "@pytest.mark.mockserver got an unexpected keyword argument 'fixture'*; expected (fixtures='file.yaml', *",
        "@pytest.mark.mockserver: *bad.yaml:2:12: fixtures[[]0].match.usre: unknown key 'usre', did you mean 'user'?",
    ])  # fmt: skip
    assert "During handling" not in result.stdout.str()


MANY = """
    @pytest.mark.parametrize("number", range(300))
    def test_one_of_many(mockserver, number):
        mockserver.on(user="weather").reply(f"{number} once", f"{number} again")
        if number % 3:
            mockserver.fail(429, times=number % 3)
        heard = [ask(mockserver, "How is the weather?") for _ in range(number % 3 + 2)]
        assert heard == [429] * (number % 3) + [f"{number} once", f"{number} again"]
        mockserver.assert_called(number % 3 + 2, user="weather")
"""


@pytest.mark.parametrize("how", [pytest.param("flag", marks=pytest.mark.slow), "variable", "file"])
def test_many_tests_share_a_server_that_runs_already(
    run_pytest: RunPytest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with MockServer() as server:
        arguments = []
        if how == "flag":
            arguments = ["--mockserver-url", server.url, "-n", "2"]
        elif how == "variable":
            monkeypatch.setenv("MOCKSERVER_URL", server.url)
        else:
            pytester.makeini(f"[pytest]\nmockserver_url = {server.url}\n")
        count = 40 if how == "flag" else 3
        result = run_pytest(MANY.replace("300", str(count)), *arguments, apart=how == "flag")
        result.assert_outcomes(passed=count)
        sessions = {entry.session for entry in server.entries}
        assert len(sessions) == count
        assert server.requests == []  # a test that has passed leaves nothing behind


REFUSED = "--mockserver-url: no mockserver answers at http://127.0.0.1:1: *refused*"


@pytest.mark.parametrize(
    ("url", "said", "workers"),
    [
        ("http://127.0.0.1:1", REFUSED, ()),
        ("http://127.0.0.1:1", REFUSED, ("-n", "2")),
        ("localhost:8402", "--mockserver-url: found 'localhost:8402', expected a server's root like *", ()),
    ],
)
def test_a_server_that_is_not_there_is_one_error(
    run_pytest: RunPytest, url: str, said: str, workers: tuple[str, ...]
) -> None:
    result = run_pytest(MANY, "--mockserver-url", url, *workers, apart=bool(workers))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}"])
    assert "test_one_of_many" not in result.stdout.str()


def test_nobody_needs_a_server_to_list_the_tests(run_pytest: RunPytest) -> None:
    result = run_pytest(MANY, "--mockserver-url", "http://127.0.0.1:1", "--collect-only", "-q")
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize("mark", [pytest.param("anyio", marks=pytest.mark.slow), "asyncio"])
def test_async_tests_have_it_too(run_pytest: RunPytest, mark: str) -> None:
    result = run_pytest(
        f"""
        import asyncio
        from openai import AsyncOpenAI

        pytestmark = pytest.mark.{mark}

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        async def test_a(mockserver):
            mockserver.on(user="weather").reply("Sunny")
            async with AsyncOpenAI(**mockserver.omixa.openai()) as client:
                asking = client.chat.completions.create(
                    model="o1-preview", messages=[{{"role": "user", "content": "weather?"}}]
                )
                waiting = asyncio.to_thread(mockserver.wait_for, user="weather")
                answer, _ = await asyncio.gather(asking, waiting)
            assert answer.choices[0].message.content == "Sunny"

        async def test_b(mockserver):
            await asyncio.to_thread(ask, mockserver, "weather?")
        """,
        apart=True,
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["A request matched no fixture:"])


def test_it_can_be_switched_off(run_pytest: RunPytest) -> None:
    result = run_pytest("def test_a(mockserver): ...", "-p", "no:mockserver", apart=True)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'mockserver' not found"])


def test_it_tells_what_there_is_to_set(run_pytest: RunPytest) -> None:
    told = run_pytest("", "--help").stdout.str()
    assert "--mockserver-url=URL" in told
    assert "--mockserver-unused" in told
    assert (
        "mockserver(fixtures=None, strict=True, record=None, intercept=False)"
        in run_pytest("", "--markers").stdout.str()
    )


def test_it_imports_next_to_nothing_before_a_test_asks_for_it(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        import sys

        def test_a():
            assert {name for name in sys.modules if name.startswith("mockserver")} == {
                "mockserver", "mockserver.pytest_plugin"
            }
    """, apart=True)  # fmt: skip
    result.assert_outcomes(passed=1)
