"""The curl command of a request, run by a real shell with a curl that prints its arguments."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.admin.curl_command import format_curl_command, quote_for_shell
from mockserver.request.chat_request import RequestReader
from mockserver.request.request_head import RequestHead, route_head
from mockserver.sessions.journal import Arrival, JournalEntry
from tests.matching_examples import ROUTER

SHELL = shutil.which("bash") or "sh"
PWNED = "pwned"
PAYLOADS = [
    "'; touch pwned; '",
    "$(touch pwned)",
    "`touch pwned`",
    '"; touch pwned; "',
    "'\\''; touch pwned; '\\''",
    "\\'; touch pwned #",
    "$'\\x27; touch pwned'",
    "${KEY:=$(touch pwned)}",
    "!touch pwned",
    "\n touch pwned \n",
    "& touch pwned &",
    "| touch pwned",
    "> pwned",
    "* ? ~ {a,b} [x]",
]


@pytest.fixture
def curl_folder(tmp_path: Path) -> Path:
    """A folder with a `curl` that prints each of its arguments, ended by a NUL byte."""
    tool = tmp_path / "bin" / "curl"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    tool.chmod(0o755)
    return tmp_path


def run_command(command: str, folder: Path, **variables: str) -> list[str]:
    """Run a command in a shell and return the arguments that curl received; nothing else may have run."""
    environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", **variables}
    done = subprocess.run(
        [SHELL, "-c", command], cwd=folder, env=environment, capture_output=True, check=True
    )
    assert not done.stderr
    assert [one.name for one in folder.iterdir()] == ["bin"]
    return done.stdout.decode().split("\0")[:-1]


def build_entry(
    headers: dict[str, str] | None = None,
    path: str = "/x",
    query: str = "",
    method: str = "POST",
    body: str = "",
) -> JournalEntry:
    head = RequestHead(method, path, "localhost", None, {"host": "localhost:1", **(headers or {})}, query)
    routed_head = route_head(replace(head, method="POST", path="/aimlapi/v1/chat/completions"), ROUTER)
    assert routed_head is not None

    async def receive() -> Any:
        return {"type": "http.request", "body": body.encode(), "more_body": False}

    request = asyncio.run(RequestReader(1_000_000).read(routed_head, receive))
    return JournalEntry(Arrival("r", head, "mine", request))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_a_client_sends_is_run_by_the_shell(curl_folder: Path, payload: str) -> None:
    header = payload.replace("\n", " ")
    entry = build_entry(
        {
            "x-a": header,
            "x$(touch-pwned)": "1",
            "x`touch`": header,
            "host": payload,
            "authorization": f"A{payload}",
        },
        path=f"/v1/{payload}",
        query=f"q={payload}&api_key=B{payload}&{payload}={payload}",
        method=header,
        body=payload,
    )
    arguments = run_command(format_curl_command(entry), curl_folder)
    assert arguments[:3] == ["-s", "-X", header]
    assert unquote(arguments[3].partition("?")[0]) == f"http://localhost/v1/{payload}"
    assert f"x-a: {header}" in arguments
    assert "authorization: any-key" in arguments
    assert arguments[-2:] == ["--data-raw", payload]


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_quoted_text_is_one_word_without_control_characters(text: str) -> None:
    done = subprocess.run(
        [SHELL, "-c", f"printf '%s\\0' {quote_for_shell(text)}"], capture_output=True, check=True
    )
    [word] = done.stdout.decode().split("\0")[:-1]
    assert len(word) == len(text)
    assert all(one in (two, "\ufffd") for one, two in zip(word, text, strict=True))


def test_the_request_is_complete_but_for_its_secrets(curl_folder: Path) -> None:
    headers = {
        "authorization": "Bearer sk-1",
        "x-api-key": "sk-2",
        "x-empty": "",
        "content-length": "9",
        "x-b": "c",
    }
    entry = build_entry(headers, "/v1/a b", "x=1&key=sk-3&y=[2]&token=sk-4", body='{"a": "it\'s"}')
    expected = [
        *("-s", "-X", "POST", "http://localhost:1/v1/a%20b?x=1&key=K&y=%5B2%5D&token=K"),
        *("-H", "authorization: Bearer K", "-H", "x-api-key: K", "-H", "x-empty;", "-H", "x-b: c"),
        *("-H", "x-mock-session: mine", "--data-raw", '{"a": "it\'s"}'),
    ]
    command = format_curl_command(entry)
    assert run_command(command, curl_folder, KEY="K") == expected
    assert run_command(command, curl_folder) == [one.replace("K", "any-key") for one in expected]


def test_a_header_that_curl_would_read_as_a_file_is_left_out() -> None:
    assert "passwd" not in format_curl_command(build_entry({"@/etc/passwd": ""}))


@pytest.mark.parametrize("host", ["attacker@evil.example", "a b", "", "x;y", "x?y", "x/y"])
def test_an_odd_host_is_replaced(host: str) -> None:
    assert "'http://localhost/x'" in format_curl_command(build_entry({"host": host}))


def test_control_characters_that_a_terminal_interprets_are_replaced() -> None:
    command = format_curl_command(build_entry({"x-a": "\x9b201~"}, body="\x1b[201~\r\n rm\x00"))
    assert "--data-raw '\ufffd[201~\ufffd\n rm\ufffd'" in command
    assert "x-a: \ufffd201~" in command
