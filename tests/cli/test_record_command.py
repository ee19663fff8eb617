"""The command `record`: its flags, what it reports, and its files."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from mockserver.cli.server_messages import StartReport, format_banner
from mockserver.server import app
from mockserver.settings import RecordSettings, Settings
from mockserver.testing import MockServer
from tests.cli.test_cli import ask, lines, process, refused, served


def test_record_has_its_own_flags_and_those_of_serve() -> None:
    flags = (
        "--to a --mode once --upstream aimlapi=http://x --upstream omixa=http://y --mask z --no-mask --strict"
        " --latency-to l.yaml"
    )
    settings = served("record", *flags.split(), "--port", "1")
    upstreams = ("aimlapi=http://x", "omixa=http://y")
    assert settings.record == RecordSettings(Path("a"), "once", upstreams, ("z",), True, Path("l.yaml"))
    assert (settings.strict, settings.port) == (True, 1)
    assert served("record", MOCKSERVER_TO="b", MOCKSERVER_MODE="none").record == RecordSettings(
        Path("b"), "none"
    )
    assert served("serve", MOCKSERVER_TO="b").record is None
    assert "'--to'" in refused("record")


def test_record_reports_each_recording(tmp_path: Path) -> None:
    with MockServer(reload=False) as vendor:
        to, upstream = str(tmp_path / "recordings"), f"aimlapi={vendor.url}/aimlapi"
        with process("record", "--to", to, "--port", "0", "--upstream", upstream) as server:
            greeting = lines(server, "seed")
            assert "recordings (mode new_episodes); other requests are forwarded and recorded" in greeting
            port = int(re.findall(r"http://127\.0\.0\.1:(\d+)", greeting)[0])
            assert ask(port, "I am ada@example.com") == 201
            assert lines(server, "recorded").lstrip() == (
                f"recorded 'i am email 1' in {tmp_path}/recordings/i-am-email-1.yaml; 1 value masked\n"
            )
            assert "forwarded" in lines(server, "aimlapi")
            server.send_signal(signal.SIGTERM)
            assert server.communicate(timeout=20)[1] == ""
    assert "ada@" not in (tmp_path / "recordings" / "i-am-email-1.yaml").read_text()


@pytest.mark.parametrize(("mode", "others"), [("all", "forwarded and recorded"), ("none", "refused")])
def test_the_start_reports_what_is_recorded(tmp_path: Path, mode: str, others: str) -> None:
    report = StartReport(("::1", 1), Settings(record=RecordSettings(tmp_path, mode)))
    text = format_banner(report, app.load_vendors())
    assert f"{tmp_path} (mode {mode}); other requests are {others}" in text
    assert "0 (no files)" in text
