"""The least that can answer: an ASGI application that says what it was told to say, on the same uvicorn.

    python bare.py PORT SAID.json [--parse] [--pace SECONDS]

SAID.json holds `status`, `headers` and `frames`, as texts. The request is read to its end; `--parse` parses it too,
`--pace` leaves so many seconds between two frames. Otherwise all frames go out in one write.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import uvicorn

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


async def _read(receive: Receive) -> bytes | None:
    """The body; None when the client did not stay to finish it."""
    message = await receive()
    whole: bytes = message.get("body", b"")
    if message.get("more_body"):
        gathered = bytearray(whole)
        while message.get("more_body"):
            message = await receive()
            gathered += message.get("body", b"")
        whole = bytes(gathered)
    if message["type"] == "http.disconnect":
        return None
    return whole


def app(said: Message, *, parse: bool, pace: float) -> App:
    """The application that says `said`."""
    headers = [(name.encode(), value.encode()) for name, value in said["headers"]]
    start = {"type": "http.response.start", "status": said["status"], "headers": headers}
    frames = [text.encode() for text in said["frames"]]
    whole = {"type": "http.response.body", "body": b"".join(frames)}

    async def at_once(_: Message, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            return
        if parse:
            orjson.loads(body)
        await send(start)
        await send(whole)

    async def paced(_: Message, receive: Receive, send: Send) -> None:
        await _read(receive)
        await send(start)
        clock = asyncio.get_running_loop().time
        due = clock()
        for frame in frames:
            due += pace
            await asyncio.sleep(due - clock())
            await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body"})

    return paced if pace else at_once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("said", type=Path)
    parser.add_argument("--parse", action="store_true")
    parser.add_argument("--pace", type=float, default=0.0)
    asked = parser.parse_args()
    said = json.loads(asked.said.read_text())
    # As `mockserver.server.uvicorn_server` has it, but for what it adds.
    uvicorn.run(
        app(said, parse=asked.parse, pace=asked.pace),
        port=asked.port,
        http="httptools",
        loop="uvloop",
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()
