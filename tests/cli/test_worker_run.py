"""`mockserver --workers`: what is refused, and a server of two processes from its start to its end."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from mockserver.cli.main import main
from mockserver.cli.server_flags import parse_server_flags
from mockserver.server.addresses import bind_socket

FIXTURES = "fixtures:\n- {name: hello, match: {user: hello}, response: hi}\n"
TWO = ("--workers", "2", "--state", "local")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("workers", ["2", "auto"])
def test_several_workers_need_to_know_where_their_state_is(workers: str) -> None:
    result = run("--workers", workers)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "mockserver: --workers: several workers cannot share sessions, limits and journal yet: add --state local to "
        "give each worker its own, or use one worker\n"
    )


def test_a_number_of_workers_has_bounds() -> None:
    assert "0 is not in the range 1<=x<=256" in run("--workers", "0").stderr
    assert "'x' is not a valid" in run("--workers", "x").stderr


def test_one_worker_is_a_server_without_a_supervisor() -> None:
    result = run("--workers", "1", "nothing.yaml")
    assert (result.exit_code, result.stderr) == (
        2,
        "mockserver: nothing.yaml: cannot be read: No such file or directory\n",
    )


def test_several_workers_are_not_available_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert "--workers: is not available on Windows" in run(*TWO).stderr


def test_several_workers_have_no_tls_port() -> None:
    assert run(*TWO, "--tls-port", "0").stderr == "mockserver: --tls-port: needs a server with one worker\n"


def test_a_port_that_is_taken_is_reported_once() -> None:
    with closing(bind_socket("127.0.0.1", 0)) as sock:
        sock.listen()
        port = sock.getsockname()[1]
        assert f"port {port} is taken on 127.0.0.1" in run(*TWO, "--port", str(port)).stderr


def test_the_server_of_a_test_has_one_process(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found --workers, expected flags of a server with one process"):
        parse_server_flags(TWO, tmp_path)
    assert parse_server_flags(["--state", "local", "--strict"], tmp_path) == {"strict": True}


# --- processes


class ServerProcesses:
    """A supervisor and its workers. They share one output, which ends when the last of them has ended."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mockserver", *arguments, *TWO, "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output: list[str] = []

    def read_until(self, text: str) -> str:
        """Read the output up to the line that contains a text; an empty text is in none of them but the end."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if text and text in line:
                return line
        assert not text
        return ""

    def find_workers(self) -> list[int]:
        """Return the ids of the workers' processes."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                if parent == self.process.pid and b"spawn_main" in (stat.parent / "cmdline").read_bytes():
                    found.append(int(stat.parent.name))
        return found


@contextmanager
def started(*arguments: str) -> Iterator[ServerProcesses]:
    server = ServerProcesses(*arguments)
    with server.process:
        try:
            yield server
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.process.pid, signal.SIGKILL)


def read_metrics(url: str) -> dict[str, float]:
    lines = requests.get(f"{url}/metrics", timeout=20).text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


def wait_for_workers(url: str) -> None:
    assert any(read_metrics(url)["mockserver_workers"] == 2 for _ in itertools.count())


@pytest.mark.slow
def test_two_workers_are_one_server_from_its_start_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(FIXTURES)
    with started(str(file)) as server:
        url = re.findall(r"http://\S+", server.read_until("mockserver"))[0]
        port = url.rpartition(":")[2]
        wait_for_workers(url)
        assert run("healthcheck", "--port", port).exit_code == 0
        assert f"port {port} is taken" in run("--port", port).stderr

        body = {"model": "o1-preview", "messages": [{"role": "user", "content": "hello"}]}
        headers = {"Authorization": "Bearer any"}
        for _ in range(6):
            answer = requests.post(
                f"{url}/aimlapi/v1/chat/completions", json=body, headers=headers, timeout=20
            )
            assert answer.status_code == 201
        [count] = [value for name, value in read_metrics(url).items() if "requests_total" in name]
        assert count == 6

        killed = max(server.find_workers())
        os.kill(killed, signal.SIGKILL)
        assert f"(process {killed}) was ended by SIGKILL; another one starts" in server.read_until("SIGKILL")
        server.read_until("runs again")
        wait_for_workers(url)
        [count] = [value for name, value in read_metrics(url).items() if "requests_total" in name]
        assert count == 6

        file.write_text(FIXTURES + "- {name: two, match: {user: two}, response: hi}\n")
        assert server.read_until("reloaded") == "reloaded 2 fixtures\n"
        for _ in range(8):
            assert requests.get(f"{url}/readyz", timeout=20).json()["fixtures"] == 2

        os.killpg(server.process.pid, signal.SIGINT)  # as Ctrl-C does
        server.read_until("")
        assert server.process.wait() == 0
    text = "".join(server.output)
    assert text.count(url) == 4  # the banner, once
    assert len(re.findall("aimlapi  o1-preview  json  201  hello", text)) == 6
    assert "Traceback" not in text


@pytest.mark.slow
def test_workers_end_when_their_supervisor_is_killed() -> None:
    with started() as server:
        url = re.findall(r"http://\S+", server.read_until("mockserver"))[0]
        wait_for_workers(url)
        server.process.kill()
        server.read_until("")
        assert "Traceback" not in "".join(server.output)


@pytest.mark.slow
def test_invalid_fixtures_are_reported_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("fixtures: 1")
    with started(str(tmp_path / "a.yaml")) as server:
        server.read_until("")
        assert server.process.wait() == 2
    assert server.output == [
        f"mockserver: {tmp_path}/a.yaml:1:1: fixtures: found the number 1, expected a list\n"
    ]
