"""A start imports what it needs, and no more: what is heavy and rare waits until somebody asks for it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from mockserver.testing import MockServer

# Which modules are heavy, and when they are needed.
HEAVY = {
    "faker": "something is made up, or a template asks for it",
    "jinja2": "a fixture is a template",
    "mockserver.invention.invent": "something is made up",
    "mockserver.control.admin": "the server is steered",
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


def ask(url: str, question: str) -> str:
    body = {"model": "o1-preview", "messages": [{"role": "user", "content": question}]}
    headers = {"Authorization": "Bearer any"}
    answer = requests.post(f"{url}/aimlapi/v1/chat/completions", json=body, headers=headers, timeout=20)
    return str(answer.json()["choices"][0]["message"]["content"])


def test_a_first_answer_needs_nothing_heavy_and_the_next_ones_get_what_they_need(tmp_path: Path) -> None:
    with command(tmp_path, "serve", "--port", "0") as server:
        assert server.stdout is not None
        url = re.findall(r"http://\S+", server.stdout.readline())[0]
        assert ask(url, "Hello") == "Hello! How can I assist you today?"
        needed = imported(tmp_path)
        assert ask(url, "What does nobody have a fixture for?")
        assert len(requests.get(f"{url}/_mock/requests", timeout=20).json()["requests"]) == 2
    assert {"mockserver.chat", "starlette", "uvicorn"} <= needed
    assert needed & HEAVY.keys() == set()
    assert {"faker", "mockserver.control.admin"} <= imported(tmp_path)


def test_a_health_check_imports_no_server(tmp_path: Path, server: MockServer) -> None:
    port = server.url.rpartition(":")[2]
    with command(tmp_path, "healthcheck", "--port", port) as checked:
        assert checked.wait() == 0
    assert "mockserver.healthcheck" in imported(tmp_path)
    assert imported(tmp_path) & {"starlette", "uvicorn", "yaml", "asyncio"} == set()


@pytest.mark.parametrize("options", [["--help"], ["--version"]])
def test_help_imports_no_server(tmp_path: Path, options: list[str]) -> None:
    with command(tmp_path, *options) as asked:
        assert asked.wait() == 0
    assert imported(tmp_path) & {"starlette", "uvicorn", "yaml", "asyncio"} == set()
