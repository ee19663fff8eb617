"""What ends in one turn of the event loop is logged in one write, in its order; nothing is left unsaid."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from mockserver.request.chat_request import generate_request_id
from mockserver.request.request_head import RequestHead
from mockserver.server.access_log import AccessLog
from mockserver.sessions.journal import JournalEntry
from mockserver.wire.playback import Delivery


def entry(path: str) -> JournalEntry:
    return JournalEntry(generate_request_id(), RequestHead("GET", path, "", None, {}), "s")


def test_what_ends_together_is_said_together() -> None:
    said: list[str] = []
    log = AccessLog("text", said.append)

    async def ended() -> None:
        log(entry("/a"))
        log(entry("/b"))
        await asyncio.sleep(0)
        log(entry("/c"))

    asyncio.run(ended())
    first, second = said[0].splitlines()
    assert ("GET /a" in first, "GET /b" in second) == (True, True)
    log.flush()
    assert "GET /c" in said[1]
    log.flush()
    assert len(said) == 2


@pytest.mark.parametrize(
    ("seconds", "spelled"), [(0.00034, "0.3ms"), (0.00036, "0.4ms"), (0.0129, "13ms"), (0.9999, "1s")]
)
def test_a_time_is_rounded(seconds: float, spelled: str) -> None:
    said: list[str] = []
    one = entry("/a")
    one.delivery = Delivery(200, seconds, 1.5, 0, (), "left")

    async def ended() -> None:
        AccessLog("text", said.append)(one)
        await asyncio.sleep(0)

    asyncio.run(ended())
    assert f"first {spelled}  total 1.5s  left  " in said[0]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_control_characters_are_escaped(log_format: str) -> None:
    written: list[str] = []
    log = AccessLog(log_format, written.append)

    async def finish() -> None:
        forged = entry("/a\nforged\x1b[2J\x9b\u2028")
        forged.reason = "a\x85b\rc"
        log(forged)
        await asyncio.sleep(0)

    asyncio.run(finish())
    (text,) = written
    assert re.findall(r"[^ -~\n]", text) == []
    assert text.count("\n") == (1 if log_format == "text" else 0)  # the reason has its own line
    if log_format == "json":
        record = json.loads(text)
        assert (record["path"], record["reason"]) == ("/a\nforged\x1b[2J\x9b\u2028", "a\x85b\rc")
