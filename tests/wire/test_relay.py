"""The relay of answers, where no server is needed to see it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from mockserver.wire.relay import Relay, run_while_connected


def test_only_a_disconnect_ends_the_work() -> None:
    messages: Iterator[dict[str, Any]] = iter([{"type": "http.request"}, {"type": "http.disconnect"}])
    has_ended = []

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            has_ended.append(True)

    async def run() -> str:
        return await run_while_connected(work(), receive, asyncio.Event())

    assert asyncio.run(run()) == "left"
    assert has_ended == [True]


def test_without_the_transport_only_the_server_can_close() -> None:
    async def send(message: Any) -> None:
        raise NotImplementedError

    relay = Relay({"state": {}}, send, 0.0)
    relay.drop()
    assert relay.report("closed").status == 0
