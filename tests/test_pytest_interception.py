"""The plugin's interception: unmodified clients of a test reach its session under the vendors' own hosts."""

from __future__ import annotations

import sys

import pytest

from mockserver.intercept import certificate_authority
from mockserver.server import call_interception
from mockserver.testing import MockServer
from tests.conftest import RunPytest, import_for_tests

ASK = """
import http.client, json, os, subprocess, sys, urllib.request
import pytest

opener = urllib.request.build_opener()  # with the proxies at the time of its creation

def ask(text, opener=opener):
    body = {"model": "o3-mini", "messages": [{"role": "user", "content": text}]}
    headers = {"Authorization": "Bearer key", "Content-Type": "application/json"}
    url = "https://api.aimlapi.com/v1/chat/completions"
    with opener.open(urllib.request.Request(url, json.dumps(body).encode(), headers)) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]
"""


@pytest.fixture
def run_pytest(run_pytest: RunPytest, pytester: pytest.Pytester) -> RunPytest:
    """Runs tests that can `ask` a vendor's own host."""
    return import_for_tests(run_pytest, pytester, ASK)


def test_the_marker_answers_calls_to_the_vendors_hosts_during_its_test(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        @pytest.fixture
        def client():
            assert "HTTPS_PROXY" in os.environ
            return urllib.request.build_opener()

        @pytest.mark.mockserver(intercept=True)
        def test_a(client, mockserver):
            mockserver.on(user="weather").reply("Sunny")
            assert [ask("weather"), ask("weather", client)] == ["Sunny"] * 2
            mockserver.assert_called(2)

        @pytest.mark.mockserver(intercept=True)
        class TestB:
            def test_b(self, client):
                ask("something else", client)

            @pytest.mark.mockserver(intercept=False)
            def test_c(self):
                assert "HTTPS_PROXY" not in os.environ

        def test_d(mockserver):
            assert "HTTPS_PROXY" not in os.environ
    """)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        ["*_ TestB.test_b _*", "A request matched no fixture:", "aimlapi o3-mini 'something else' -> 200, *"]
    )


@pytest.mark.parametrize("arguments", [(), pytest.param(("-n2",), marks=pytest.mark.slow)], ids=str)
def test_the_option_answers_the_calls_of_the_whole_run(
    run_pytest: RunPytest, arguments: tuple[str, ...]
) -> None:
    result = run_pytest(
        """
        assert "HTTPS_PROXY" in os.environ  # already when the tests are imported

        @pytest.mark.parametrize("text", ["one", "two"])
        def test_with_a_session(mockserver, text):
            mockserver.on().reply(text)
            assert ask("anything") == text

        def test_without_one():
            assert ask("anything") not in ("one", "two")
        """,
        "--mockserver-intercept",
        *arguments,
        apart=bool(arguments),
    )
    result.assert_outcomes(passed=3)


TEST = """
    @pytest.mark.mockserver(intercept=True)
    def test_a():
        assert False, "not reached"
"""
OTHER_SERVER = "the server of --mockserver-url cannot answer calls of this process"
RECORDED = "--mockserver-record calls the vendors' own hosts"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--mockserver-url", "{url}"), OTHER_SERVER), (("--mockserver-record",), RECORDED)],
    ids=["url", "record"],
)
def test_what_cannot_be_intercepted_says_why(
    run_pytest: RunPytest, server: MockServer, arguments: tuple[str, ...], message: str
) -> None:
    arguments = tuple(one.format(url=server.url) for one in arguments)
    marked = run_pytest(TEST, *arguments)
    marked.assert_outcomes(errors=1)
    marked.stdout.fnmatch_lines([f"@pytest.mark.mockserver(intercept=True): {message}"])
    optional = run_pytest(TEST, "--mockserver-intercept", *arguments)
    assert optional.ret == pytest.ExitCode.USAGE_ERROR
    optional.stderr.fnmatch_lines([f"ERROR: --mockserver-intercept: {message}"])


def test_a_missing_extra_is_one_error(run_pytest: RunPytest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (call_interception.__name__, certificate_authority.__name__):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    result = run_pytest(TEST, "--mockserver-intercept")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --mockserver-intercept: the extra `tls` is not installed: *"])


def test_a_server_that_cannot_start_is_a_usage_error(
    run_pytest: RunPytest, pytester: pytest.Pytester
) -> None:
    pytester.makeini("[pytest]\nmockserver_args = --locale xx_XX")
    result = run_pytest(TEST, "--mockserver-intercept")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: mockserver_args: --locale: found the locale 'xx_XX'*"])
