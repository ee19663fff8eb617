"""A start imports what it needs, and no more: what is heavy and rare waits until somebody asks for it."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from mockserver import __main__
from mockserver.server.connection_limits import raise_fd_limit
from mockserver.testing import MockServer

# Which modules are heavy, and when they are needed.
HEAVY = {
    "faker": "a JSON document or a text in another language is generated, or a template asks for it",
    "jinja2": "a fixture is a template",
    "mockserver.generation.generate": "something is made up",
    "mockserver.admin.api": "the server is steered",
}


@contextmanager
def command(tmp_path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command in a fresh interpreter, which writes down what it imports."""
    with (
        (tmp_path / "imported").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "mockserver", *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()


def imported(tmp_path: Path) -> set[str]:
    log = (tmp_path / "imported").read_text()
    return set(re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)$", log, re.MULTILINE))


def ask(url: str, question: str, **fields: object) -> str:
    body = {"model": "o1-preview", "messages": [{"role": "user", "content": question}], **fields}
    headers = {"Authorization": "Bearer any"}
    answer = requests.post(f"{url}/aimlapi/v1/chat/completions", json=body, headers=headers, timeout=20)
    return str(answer.json()["choices"][0]["message"]["content"])


def test_a_first_answer_needs_nothing_heavy_and_the_next_ones_get_what_they_need(tmp_path: Path) -> None:
    with command(tmp_path, "serve", "--port", "0") as server:
        assert server.stdout is not None
        url = re.findall(r"http://\S+", server.stdout.readline())[0]
        assert ask(url, "Hello") == "Hello! How can I assist you today?"
        needed = imported(tmp_path)
        assert ask(url, "Return JSON.", model="o3-mini", response_format={"type": "json_object"})
        assert len(requests.get(f"{url}/_mock/requests", timeout=20).json()["requests"]) == 2
    assert {"mockserver.pipeline", "starlette", "uvicorn"} <= needed
    assert needed & HEAVY.keys() == set()
    assert {"faker", "mockserver.admin.api"} <= imported(tmp_path)


def test_a_health_check_imports_no_server(tmp_path: Path, server: MockServer) -> None:
    port = server.url.rpartition(":")[2]
    with command(tmp_path, "healthcheck", "--port", port) as checked:
        assert checked.wait() == 0
    assert "mockserver.cli.healthcheck" in imported(tmp_path)
    assert imported(tmp_path) & {"starlette", "uvicorn", "yaml", "asyncio"} == set()


@pytest.mark.parametrize("options", [["--help"], ["--version"]])
def test_help_imports_no_server(tmp_path: Path, options: list[str]) -> None:
    with command(tmp_path, *options) as asked:
        assert asked.wait() == 0
    assert imported(tmp_path) & {"starlette", "uvicorn", "yaml", "asyncio"} == set()


def test_more_connections_than_a_shell_allows_are_answered() -> None:
    few, many = 40, 100
    limited = f"ulimit -S -n {few}; exec '{sys.executable}' -m mockserver --port 0"
    with subprocess.Popen(["bash", "-c", limited], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(re.findall(r"http://127.0.0.1:(\d+)", server.stdout.readline())[0])
            with ExitStack() as stack:
                here = ("127.0.0.1", port)
                calls = [stack.enter_context(socket.create_connection(here, timeout=20)) for _ in range(many)]
                for call in calls:
                    call.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert {call.recv(12) for call in calls} == {b"HTTP/1.1 200"}
        finally:
            server.terminate()


def test_a_system_that_allows_no_more_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int, limits: tuple[int, int]) -> None:
        asked.append(limits)
        raise ValueError("not allowed to raise maximum limit")

    asked: list[tuple[int, int]] = []
    known = iter([(64, 128), (64, resource.RLIM_INFINITY), (1024, 1024), (64, 10**9)])
    monkeypatch.setattr(resource, "setrlimit", refuse)
    monkeypatch.setattr(resource, "getrlimit", lambda _: next(known))
    for _ in range(4):
        raise_fd_limit()
    assert asked == [(128, 128), (65_536, resource.RLIM_INFINITY), (65_536, 10**9)]


def test_ctrl_c_outside_of_the_running_server_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    installed = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(sys, "argv", ["mockserver", "--version"])
    try:
        for handler, expected in ((signal.default_int_handler, [130]), (lambda *_: None, [130])):
            signal.signal(signal.SIGINT, handler)
            with pytest.raises(SystemExit):
                __main__.run()
            signal.raise_signal(signal.SIGINT)
            assert codes == expected  # a handler that was there before is kept
    finally:
        signal.signal(signal.SIGINT, installed)
