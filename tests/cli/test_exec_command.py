"""The command `exec`: a program whose calls to the vendors' own hosts are answered."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from mockserver.cli import exec_run
from mockserver.cli.main import main
from tests.cli.test_cli import refused

APPLICATION = """
import os, sys, urllib.error, urllib.request
with urllib.request.urlopen(os.environ["MOCKSERVER_URL"] + "/healthz") as health:
    assert health.status == 200
for host in ("api.openai.com", "api.aimlapi.com", "other.example"):
    request = urllib.request.Request(f"https://{host}/v1/models", headers={"Authorization": "Bearer any-key"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            print(answer.status, sys.stdin.readline().strip(), len(os.listdir(os.environ["FOLDER"])))
    except urllib.error.URLError as error:
        sys.exit(str(error))
"""


def test_calls_to_the_vendors_are_answered_and_others_are_refused_and_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("FOLDER", str(tmp_path))
    read, write = os.pipe()
    os.write(write, b"first\nsecond\n")
    os.close(write)
    stdin = os.dup(0)
    os.dup2(read, 0)
    try:
        result = CliRunner().invoke(main, ["exec", "--", sys.executable, "-S", "-c", APPLICATION])
    finally:
        os.dup2(stdin, 0)
        os.close(stdin)
        os.close(read)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "mockserver: 2 requests answered, 1 call to other hosts refused: other.example:443; "
        "a client that ignores proxy settings is not seen\n"
    )
    output, errors = capfd.readouterr()
    assert output == "200 first 1\n200 second 1\n"
    assert "403 mockserver: calls to other.example:443 are refused" in errors
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_cannot_be_run_is_one_line() -> None:
    result = CliRunner().invoke(main, ["exec", "--port", "0", "--", "no-such-command"])

    assert (result.exit_code, result.stderr) == (
        127,
        "mockserver: no-such-command: No such file or directory\n",
    )


@pytest.mark.parametrize("option", ["--allow=other.example", "--allow-all"])
def test_a_proxy_that_was_set_before_and_cannot_be_used_is_an_error(option: str) -> None:
    variables = {"https_proxy": "socks5://proxy.example"}
    assert refused("exec", option, "--", "true", **variables) == "HTTPS_PROXY: is socks5://, expected http://"


@pytest.mark.parametrize("arguments", [(), ("fixtures.yaml",), ("--",)])
def test_a_command_is_required(arguments: tuple[str, ...]) -> None:
    assert refused("exec", *arguments) == (
        "a command is missing: mockserver exec [OPTIONS] [PATHS] -- COMMAND"
    )


def test_the_usage_shows_where_the_command_is() -> None:
    assert "mockserver exec [OPTIONS] [PATHS]... -- COMMAND..." in " ".join(
        CliRunner().invoke(main, ["exec", "--help"], prog_name="mockserver").stdout.split()
    )


def test_hosts_are_listed_with_their_counts_the_first_ones_only() -> None:
    counts = Counter({f"host{number}:443": 12 - number for number in range(12)})

    assert exec_run._list_hosts(Counter()) == ""
    assert exec_run._list_hosts(Counter({"a:443": 2, "b:80": 1})) == ": a:443 (2), b:80"
    assert exec_run._list_hosts(counts).endswith("host9:443 (3), and 2 more")


def test_clients_that_do_not_trust_the_certificates_are_reported() -> None:
    lines = list(exec_run._summarize_calls(1, Counter(), Counter({"a:443": 2})))

    assert (
        lines[1]
        == "2 connections closed by clients that do not trust the certificates of this run: a:443 (2)"
    )
