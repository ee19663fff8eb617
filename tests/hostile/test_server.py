"""The server process in a hostile environment: unread pipes, closed streams, repeated signals."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mockserver.cli.healthcheck import wait_until_ready
from mockserver.server.addresses import bind_socket
from mockserver.testing import MockServer

NAME = "n" * 4000  # of the fixture: every line of the log has it
FIXTURES = f"fixtures: [{{name: {NAME}, match: {{}}, response: Hello.}}]\n"
REQUESTS = 400  # their lines are more than the pipe and the queue hold
FORMATS = pytest.mark.parametrize("log_format", ["text", "json"])


@dataclass
class Running:
    """A running server process."""

    process: subprocess.Popen[str]
    port: int

    def chat(self, count: int = 1) -> None:
        body = json.dumps({"model": "o1-mini", "messages": [{"role": "user", "content": "hello"}]})
        headers = {"Authorization": "Bearer key", "Content-Type": "application/json"}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            for _ in range(count):
                connection.request("POST", "/aimlapi/v1/chat/completions", body, headers)
                response = connection.getresponse()
                response.read()
                assert response.status == 201

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[str, str]:
        """Stop the server with a signal; return what it still writes. Its exit code must be 0."""
        self.process.send_signal(number)
        output = self.process.communicate(timeout=20)
        assert self.process.returncode == 0
        return output


@contextmanager
def running(tmp_path: Path, *arguments: str, redirection: str = "", **options: Any) -> Iterator[Running]:
    """Start a server with its output in pipes; a shell applies the redirection, such as `>&-`."""
    path = tmp_path / "fixtures.yaml"
    path.write_text(FIXTURES)
    with closing(bind_socket("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    command = f'exec "$0" -m mockserver "$@" {redirection}'
    process = subprocess.Popen(
        [
            shutil.which("sh") or "sh",
            "-c",
            command,
            sys.executable,
            str(path),
            "--port",
            str(port),
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    try:
        wait_until_ready("127.0.0.1", port, wait=20)
        yield Running(process, port)
    finally:
        process.kill()
        process.communicate()


@FORMATS
def test_a_log_that_nobody_reads_stops_neither_requests_nor_sigterm(tmp_path: Path, log_format: str) -> None:
    with running(tmp_path, "--log-format", log_format) as server:
        server.chat(REQUESTS)
        wait_until_ready("127.0.0.1", server.port)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 0


@FORMATS
def test_dropped_lines_are_counted_and_reported_when_the_pipe_is_read(
    tmp_path: Path, log_format: str
) -> None:
    with running(tmp_path, "--log-format", log_format) as server:
        server.chat(REQUESTS)
        written = dropped = 0
        assert server.process.stdout is not None
        while written + dropped < REQUESTS:
            line = server.process.stdout.readline()
            assert line
            written += NAME in line
            report = re.search(r"(\d+) log lines? dropped", line)
            dropped += int(report[1]) if report else 0
        assert (written > 0, dropped > 0) == (True, True)
        server.chat()  # and then goes on
        assert NAME in server.stop()[0]


@FORMATS
def test_the_last_lines_are_written_before_the_end(tmp_path: Path, log_format: str) -> None:
    with running(tmp_path, "--log-format", log_format) as server:
        server.chat(10)
        assert server.stop()[0].count(NAME) == 10


def test_warnings_that_nobody_reads_stop_no_requests(tmp_path: Path) -> None:
    with running(tmp_path, pipesize=4096) as server:
        for _ in range(200):
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
                sock.sendall(b"this is not HTTP\r\n\r\n")
                assert b" 400 " in sock.recv(100)
        server.chat()
        assert server.stop()[1].count("Invalid HTTP request received.\n") == 200


def test_reports_of_reloads_take_the_same_way(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.chat(REQUESTS)
        (tmp_path / "fixtures.yaml").write_text("fixtures: [{match: {usr: \x1b[2J}}]")
        assert server.process.stderr is not None
        line = server.process.stderr.readline()  # the loop runs: the watcher has seen the edit
        assert line.startswith(f"mockserver: {tmp_path}")
        assert "\x1b" not in line
        server.chat()
        assert "Traceback" not in "".join(server.stop())


@FORMATS
def test_listening_beyond_loopback_without_a_token_is_one_line_on_stderr(
    tmp_path: Path, log_format: str
) -> None:
    with running(tmp_path, "--host", "0.0.0.0", "--log-format", log_format) as server:
        server.chat()
        errors = server.stop()[1]
    assert f"0.0.0.0 port {server.port} can be reached from other machines" in errors
    assert (errors.count("\n"), "--admin-token" in errors) == (1, True)


def test_a_slow_pattern_is_a_warning_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "slow").mkdir()
    path = tmp_path / "slow" / "slow.yaml"
    path.write_text("fixtures: [{name: slow, match: {user: {regex: '(a+)+$'}}, response: Hello.}]\n")
    with running(tmp_path, str(path)) as server:
        assert server.process.stderr is not None
        assert server.process.stderr.readline().startswith(f"mockserver: {path}:1:")


@pytest.mark.parametrize(
    "redirection", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full"]
)
def test_streams_that_cannot_be_written_are_no_reason_to_stop(tmp_path: Path, redirection: str) -> None:
    with running(tmp_path, redirection=redirection) as server:
        server.chat(3)
        output, errors = server.stop()
    assert (NAME in output) == redirection.startswith("2")
    assert errors == ""


def test_a_reader_that_leaves_is_no_reason_to_stop(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        assert server.process.stdout is not None
        server.process.stdout.close()
        server.chat(3)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.stderr is not None
        assert server.process.stderr.read() == ""
        assert server.process.wait(timeout=20) == 0


def test_a_client_cannot_write_lines_or_colours_into_the_log(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)) as connection:
            for path in ("/a%0a00:00:00%20forged", "/%1b[31mred", "/%c2%9b31m", "/%e2%80%ae"):
                connection.request("GET", path)
                assert connection.getresponse().read()
            body = json.dumps({"model": "o1\n\x1b[2J", "messages": [{"role": "user", "content": "hello"}]})
            headers = {"Authorization": "Bearer k", "Content-Type": "application/json"}
            connection.request("POST", "/omixa/api/v1/chat/completions", body, headers)
            connection.getresponse().read()
        output = server.stop()[0]
    assert "/a\\n00:00:00 forged" in output
    assert "o1\\n\\u001b[2J" in output
    assert re.findall("[^ -~\n]", output) == []


# --- signals


@pytest.mark.parametrize("module", ["click", "mockserver.settings", "starlette.routing", "uvicorn.server"])
@pytest.mark.usefixtures("handled_sigint")
def test_ctrl_c_during_the_start_prints_no_traceback(module: str) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "mockserver", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any(module == line.split("|")[-1].strip() for line in lines)
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=20)
        finally:
            process.kill()
    assert [line for line in errors.splitlines() if not line.startswith("import time:")] == []
    assert process.returncode == 130


def test_ctrl_c_twice_prints_no_traceback(tmp_path: Path) -> None:
    body = json.dumps({"model": "o1-mini", "messages": [{"role": "user", "content": "hello"}]})
    headers = {
        "Authorization": "Bearer key",
        "Content-Type": "application/json",
        "X-Mock-Fault": "hang@0",
    }
    with running(tmp_path) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("POST", "/aimlapi/v1/chat/completions", body, headers)
        with closing(connection), closing(connection.getresponse()):  # the head has arrived, the body hangs
            server.process.send_signal(signal.SIGINT)
            with suppress(ConnectionError):  # it ends when the first signal is handled
                while True:
                    socket.create_connection(("127.0.0.1", server.port), timeout=20).close()
            assert server.stop(signal.SIGINT)[1] == ""


RUNAWAY = """
import pytest
import requests

from mockserver.bounded_regex import SharedRegexBudget


def test_a_search_that_does_not_end(mockserver, monkeypatch):
    monkeypatch.setattr(SharedRegexBudget.__init__, "__defaults__", (0.6,))  # seconds
    mockserver.on(user={"regex": "(a|aa)+$"}).reply("never")
    body = {"model": "o1-mini", "messages": [{"role": "user", "content": "a" * 60 + "b"}]}
    with pytest.raises(requests.Timeout):
        requests.post(f"{mockserver.url}/v1/chat/completions", json=body, timeout=0.1)
    print("\\nthe client timed out", flush=True)
    while True:
        requests.post(f"{mockserver.url}/v1/chat/completions", json=body)
"""


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("handled_sigint")
def test_timeouts_and_ctrl_c_work_while_a_pattern_is_searched(tmp_path: Path) -> None:
    (tmp_path / "test_runaway.py").write_text(RUNAWAY)
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", str(tmp_path)]
    # An interrupt in the trace function of coverage is lost, so that the process is not measured.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    # Python may raise KeyboardInterrupt where there is no line number; then pytest prints it on stderr, and returns 1.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path, env=environment
    ) as process:
        assert process.stdout is not None
        lines = itertools.takewhile("the client timed out\n".__ne__, process.stdout)
        before = "".join(lines)
        process.send_signal(signal.SIGINT)
        try:
            output, _ = process.communicate(timeout=150)
        finally:
            process.kill()
    assert "KeyboardInterrupt" in output, before + output
    assert process.returncode in (pytest.ExitCode.INTERRUPTED, 1)


# --- paths


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
@pytest.mark.parametrize(
    "path",
    [
        "/%0a",
        "/x%0a",
        "/x%0ay",
        "/healthz%0a",
        "/readyz%0a",
        "/metrics%0a",
        "/_mock%0a",
        "/aimlapi%0a/v1/models",
    ],
)
def test_a_line_feed_in_a_path_gets_the_usual_404(server: MockServer, method: str, path: str) -> None:
    status, body = send(server, method, path)
    assert (status, json.loads(body)["error"]["code"]) == (404, "no_such_path")


@pytest.mark.parametrize("path", ["/_mock/x%0a", "/_mock/%0ay", "/_mock/page/main.js%0a"])
def test_a_line_feed_in_a_path_of_the_admin_api_gets_its_404(server: MockServer, path: str) -> None:
    status, body = send(server, "GET", path)
    assert (status, json.loads(body).keys()) == (404, json.loads(send(server, "GET", "/_mock/x")[1]).keys())


def test_a_preflight_with_a_line_feed_in_its_path_is_answered(server: MockServer) -> None:
    headers = {"Origin": "https://x.example", "Access-Control-Request-Method": "POST"}
    assert send(server, "OPTIONS", "/aimlapi/v1/x%0a", headers)[0] == 200


def send(
    server: MockServer, method: str, path: str, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Send a request; return the status and body of its response."""
    with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)) as connection:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read()
