"""A health check says yes to a server that is ready, and to any other what was asked and what came back."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from mockserver.cli import healthcheck
from mockserver.cli.healthcheck import NotReady, read_server_arguments, wait_until_ready
from mockserver.cli.main import main
from mockserver.testing import MockServer


def port_of(server: MockServer) -> int:
    return int(server.url.rpartition(":")[2])


@contextmanager
def answering(said: bytes, *more: bytes) -> Iterator[int]:
    """The port of something that says this to its callers, one after the other; the last it says for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            told = [said, *more]
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(told[0])
                    if told[0] == b"":
                        connection.recv(1)  # silence, until the client has enough
                del told[: len(told) > 1]

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", ""])
def test_a_server_that_is_ready_is_found_wherever_it_was_told_to_listen(
    server: MockServer, host: str
) -> None:
    wait_until_ready(host, port_of(server))


@pytest.mark.parametrize("host", ["::", "[::]", "::1"])
def test_a_server_on_ipv6_is_found_too(host: str) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:  # pragma: no cover - as in some containers
        pytest.skip("this machine has no IPv6")
    with MockServer(host="::1") as server:
        wait_until_ready(host, port_of(server))


def test_where_nothing_listens_it_says_so_at_once_and_what_to_do() -> None:
    port = free_port()
    with pytest.raises(NotReady) as refused:
        wait_until_ready("0.0.0.0", port)
    assert str(refused.value) == (
        f"http://127.0.0.1:{port}/readyz: nothing listens there; "
        "start one with `mockserver serve`, or give its address with --host and --port"
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            b"HTTP/1.1 503 Not Yet\r\nContent-Length: 12\r\n\r\nstill\r\nbusy.",
            "answered 503 still busy.; look at the log",
        ),
        (b"HTTP/1.1 404 Not Found\r\n\r\n" + b"x" * 1000, f"answered 404 {'x' * 80}; look at the log"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the response is not HTTP (BadStatusLine)"),
        (b"", "no answer within 0.05 s; look at the server's log"),
    ],
    ids=["not ready", "somebody else", "no HTTP", "silence"],
)
def test_what_came_back_is_told_in_one_line(
    said: bytes, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not said:
        monkeypatch.setattr(healthcheck, "_REQUEST_TIMEOUT", 0.05)
    with answering(said) as port, pytest.raises(NotReady, match=f"^http://127.0.0.1:{port}/readyz: ") as no:
        wait_until_ready("127.0.0.1", port)
    assert expected in str(no.value)
    assert "\n" not in str(no.value)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b"])
def test_a_host_that_does_not_exist_is_told_as_such(host: str) -> None:
    with pytest.raises(NotReady, match=f"http://{host}:8402/readyz: it cannot be reached: "):
        wait_until_ready(host, 8402)


@pytest.mark.parametrize("port", [0, 65536])
def test_a_port_that_cannot_be_asked_is_told_as_such(port: int) -> None:
    with pytest.raises(
        NotReady, match=f"port {port} cannot be probed; give the port that the server printed"
    ):
        wait_until_ready("127.0.0.1", port)


def test_it_waits_for_a_server_that_becomes_ready_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    port, refused, ready = free_port(), threading.Event(), threading.Event()

    def sleep(_: float) -> None:
        refused.set()
        assert ready.wait(20)

    monkeypatch.setattr("mockserver.cli.healthcheck.time.sleep", sleep)
    checking = threading.Thread(target=wait_until_ready, args=("127.0.0.1", port, 60.0))
    checking.start()
    assert refused.wait(20)
    with MockServer(port=port):
        ready.set()
        checking.join()


def test_it_waits_for_a_server_that_is_there_and_not_ready_yet() -> None:
    with answering(b"HTTP/1.0 503 Not Yet\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n") as port:
        wait_until_ready("127.0.0.1", port, wait=20)


def test_it_does_not_wait_longer_than_it_may_and_says_how_long_it_has() -> None:
    began = time.monotonic()
    with pytest.raises(NotReady, match=r"nothing listens there; .* \(tried for 0.25 s\)$"):
        wait_until_ready("127.0.0.1", free_port(), wait=0.25)
    assert time.monotonic() - began >= 0.25


@pytest.mark.parametrize(
    ("command_line", "expected"),
    [
        ("/opt/bin/python /opt/bin/mockserver --port 9000 --host ::1", "http://[::1]:9000/"),
        ("/sbin/docker-init -- mockserver record --to /tmp/kept --port=9000", "http://127.0.0.2:9000/"),
        ("python -m mockserver --strict fixtures.yaml", "http://127.0.0.2:8000/"),
        ("python -m mockserver", "http://127.0.0.2:8000/"),
        ("python -m mockserver schema", "http://127.0.0.2:8000/"),
        ("/pause", "http://127.0.0.2:8000/"),
        ("", "http://127.0.0.2:8000/"),
    ],
)
def test_it_takes_the_flags_of_the_process_and_then_the_variables(
    command_line: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "cmdline").write_text("".join(f"{word}\0" for word in command_line.split()))
    monkeypatch.setattr(healthcheck, "_PROCESSES", tmp_path)
    monkeypatch.setattr(healthcheck, "_probe", lambda *_: "not probed")
    variables = {"MOCKSERVER_HOST": "127.0.0.2", "MOCKSERVER_PORT": "8000"}
    checked = CliRunner().invoke(main, ["healthcheck", "--pid", "1"], env=variables)
    assert checked.output == f"mockserver: {expected}readyz: not probed\n"


def test_a_process_that_does_not_exist_has_no_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healthcheck, "_PROCESSES", tmp_path)
    assert read_server_arguments(1) == []


def test_it_imports_nothing_but_the_standard_library() -> None:
    script = "import sys, mockserver.cli.healthcheck; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "mockserver.cli.healthcheck" in loaded
    assert not {"click", "starlette", "uvicorn", "yaml", "orjson"} & loaded
