"""Code to copy, made of hostile input and run by a real shell and a real Python."""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from openai.resources.chat.completions import Completions

from tests.ui.conftest import RunModule

MODULE = "data/code-snippets.js"
PAYLOADS = [
    "'; touch pwned; '",
    "$(touch pwned)",
    "`touch pwned`",
    '"; touch pwned; "',
    "'\\''; touch pwned; '\\''",
    "\\'; touch pwned #",
    "\n touch pwned \n",
    "& touch pwned & | touch pwned > pwned",
    "* ? ~ {a,b} [x] @/etc/passwd -o pwned",
    "\"+__import__('os').system('touch pwned')+\"",
    "'''\"\"\"\\",
    "{__import__('os').system('touch pwned')}",
]
FAKE_CURL = "#!/bin/sh\nprintf '%s\\0' \"$@\"\n"
FAKE_OPENAI = """
import json, types

class OpenAI:
    def __init__(self, **client):
        def create(**request):
            print(json.dumps([client, request]))
            message = types.SimpleNamespace(content="")
            return types.SimpleNamespace(choices=[types.SimpleNamespace(message=message)])
        self.chat = types.SimpleNamespace(completions=types.SimpleNamespace(create=create))
"""
FAKE_REQUESTS = """
import json, types

def request(method, url, data=None, **options):
    text = None if data is None else data.decode()
    print(json.dumps([method, url, text, options]))
    return types.SimpleNamespace(status_code=200, text="")
"""
VENDOR = {"chat": "/v1/chat", "openai": "/v1", "key_header": "authorization", "key_scheme": "Bearer"}
CHAT = {"model": "m", "messages": []}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a curl and modules that print what they are called with."""
    files = {"bin/curl": FAKE_CURL, "lib/openai.py": FAKE_OPENAI, "lib/requests.py": FAKE_REQUESTS}
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    return tmp_path


def run_command(command: list[str], folder: Path) -> str:
    """Run a command and return its output; fail if it has written a file."""
    environment = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "lib"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True, timeout=50)
    assert ran.stderr == b""
    assert sorted(one.name for one in folder.iterdir()) == ["bin", "lib"]
    return ran.stdout.decode()


def run_python(code: str, folder: Path) -> Any:
    """Run code and return what the fake module has printed."""
    return json.loads(run_command([sys.executable, "-c", code], folder).splitlines()[0])


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_shell_runs_no_part_of_the_curl_command(run_module: RunModule, folder: Path, payload: str) -> None:
    body = {payload: payload, "stream": True}
    request = {"url": f"http://mock/{payload}", "headers": {f"x-{payload}": payload}, "body": body}
    command = run_module(MODULE, "m.curlCommand(a)", request)
    *arguments, data = run_command(["sh", "-c", command], folder).split("\0")[:-1]
    assert arguments == ["-sN", f"http://mock/{payload}", "-H", f"x-{payload}: {payload}", "--data-raw"]
    assert json.loads(data) == body


def test_the_curl_command_has_no_character_that_a_terminal_interprets(
    run_module: RunModule, folder: Path
) -> None:
    text = "\x1b[201~\x9b\r\x00\u202e\u2028\U000e0041"
    request = {"url": "http://mock/", "headers": {"x-a": "\x1b[201~"}, "body": {"a": text}}
    command = run_module(MODULE, "m.curlCommand(a)", request)
    assert command.replace("\n", "").isprintable()
    arguments = run_command(["sh", "-c", command], folder).split("\0")
    assert "x-a: \ufffd[201~" in arguments
    assert json.loads(arguments[-2]) == {"a": text}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_python_runs_no_part_of_a_request_for_the_sdk(
    run_module: RunModule, folder: Path, payload: str
) -> None:
    others = {payload: payload, "extra_headers": payload, "self": 1}
    request = {
        "baseUrl": payload,
        "key": payload,
        "headers": {payload: payload},
        "body": {"model": payload, "messages": [payload], **others},
    }
    client, call = run_python(run_module(MODULE, "m.openaiSnippet(a)", request), folder)
    assert client == {"base_url": payload, "api_key": payload}
    assert call == {
        "model": payload,
        "messages": [payload],
        "extra_body": others,
        "extra_headers": {payload: payload},
    }


@pytest.mark.parametrize("is_text", [True, False], ids=["text", "JSON"])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_python_runs_no_part_of_a_request_for_requests(
    run_module: RunModule, folder: Path, payload: str, is_text: bool
) -> None:
    body: Any = payload if is_text else {payload: [payload]}
    request = {"method": payload, "url": payload, "headers": {payload: payload}, "body": body}
    sent = run_python(run_module(MODULE, "m.requestsSnippet(a)", request), folder)
    options = {"headers": {payload: payload}} | ({} if is_text else {"json": body})
    assert sent == [payload, payload, body if is_text else None, options]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/v1/chat", CHAT, "client.chat.completions.create("),
        ("POST", "/v1/chat", {"model": "m"}, 'json={"model": "m"}'),
        ("POST", "/v1/chat", "no JSON", 'data="no JSON".encode('),
        ("POST", "/v1/embeddings", CHAT, 'json={"model": "m", "messages": []}'),
        ("GET", "/v1/models", None, 'requests.request(\n    "GET"'),
    ],
)
def test_only_chat_completions_are_sent_with_the_sdk(
    run_module: RunModule, method: str, path: str, body: Any, expected: str
) -> None:
    request = {"headers": {"content-type": "text/plain"}, "query": "", "body": body}
    detail = {"method": method, "path": path, "session": "s", "request": request}
    code = run_module(MODULE, "m.pythonSnippet(a[0], 'mine', a[1])", [detail, VENDOR])
    assert expected in code
    assert "any-key" in code
    assert ("import OpenAI" in code) is (expected.startswith("client"))
    assert ("text/plain" in code) is isinstance(body, str)


def test_python_keeps_the_query_but_for_its_secrets(run_module: RunModule, folder: Path) -> None:
    query = "a=it%27s&a=%22%3B&key=sk-%E2%80%A6%20%28key-0123abcd%29"
    request = {"headers": {}, "query": query, "body": CHAT}
    detail = {"method": "POST", "path": "/v1/chat", "session": "s", "request": request}
    code = run_module(MODULE, "m.pythonSnippet(a[0], 'mine', a[1])", [detail, VENDOR])
    [_, url, _, options] = run_python(code, folder)
    assert parse_qsl(urlsplit(url).query) == [("a", "it's"), ("a", '";'), ("key", "any-key")]
    assert options["json"] == CHAT


def test_a_literal_is_equal_to_any_string(run_module: RunModule) -> None:
    units = "Array.from({length: 65536}, (_, unit) => String.fromCharCode(unit))"  # with lone surrogates
    others = [0x10000, 0x1F600, 0xE0041, 0x10FFFF]
    strings = f"[...{units}, ...a.map((point) => String.fromCodePoint(point))]"
    literal = run_module(MODULE, f"m.pythonLiteral({strings})", others)
    assert ast.literal_eval(literal) == [chr(point) for point in [*range(65536), *others]]
    assert "\u202e" not in literal


def test_a_literal_is_equal_to_any_json_value(run_module: RunModule) -> None:
    text = (
        '{"a": [1, -2.5, 1e21, 1e-7, true, false, null, {}], "__proto__": {"": []}, "big": [1e999, -1e999]}'
    )
    assert ast.literal_eval(run_module(MODULE, "m.pythonLiteral(JSON.parse(a))", text)) == json.loads(text)


def test_the_sdk_accepts_every_keyword_argument(run_module: RunModule, folder: Path) -> None:
    accepted = set(inspect.signature(Completions.create).parameters)
    request = {"baseUrl": "", "key": "", "headers": {}, "body": dict.fromkeys([*accepted, "unknown"])}
    _, call = run_python(run_module(MODULE, "m.openaiSnippet(a)", request), folder)
    keywords = call.keys() - {"extra_body"}
    assert {"model", "messages", "stream"} <= keywords <= accepted
    assert keywords | call["extra_body"].keys() == {*accepted, "unknown"}
