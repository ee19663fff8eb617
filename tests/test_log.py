"""What ends in one turn of the event loop is logged in one write, in its order; nothing is left unsaid."""

from __future__ import annotations

import asyncio

from mockserver import call as calls
from mockserver.log import Log
from mockserver.origin import Head
from mockserver.session.journal import Entry


def entry(path: str) -> Entry:
    return Entry(calls.new_id(), Head("GET", path, "", None, {}), "s")


def test_what_ends_together_is_said_together() -> None:
    said: list[str] = []
    log = Log("text", said.append)

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
