"""The server of the soak: it is started as the command line does, and reports its own tasks, files and memory."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.server.addresses import bind_socket
from mockserver.server.app import create_app, create_pipeline
from mockserver.server.connection_limits import raise_fd_limit
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.settings import Settings
from mockserver.wire.playback import Playback

USAGE_PATH = "/soak"
JOURNAL_SIZE = 500  # reached early, so that its memory is part of the state at the beginning
FIXTURES = """
fixtures:
- {name: text, match: {user: canned}, response: A canned text of several words.}
- {name: paced, match: {user: paced}, response: {text: one two three four five six, stream: {ttft: 5ms, tps: 400}}}
- {name: slow, match: {user: slow}, response: {text: one two three four five six, stream: {ttft: 5ms, tps: 1}}}
- {name: template, match: {user: template}, response: {template: true, text: "{{ model }} {{ fake.name() }}"}}
- name: flaky
  match: {user: flaky}
  then: cycle
  responses: [{error: 429, retry_after: 1s}, Third time lucky., 503]
"""


def read_usage() -> dict[str, int]:
    """Return the tasks of the running loop, the open files and the resident memory in bytes."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "tasks": len(asyncio.all_tasks()),
        "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "memory": pages * os.sysconf("SC_PAGE_SIZE"),
    }


def with_usage(app: ASGIApp) -> ASGIApp:
    """Return the application with a path that reports the usage."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != USAGE_PATH:
            await app(scope, receive, send)
            return
        body = json.dumps(read_usage()).encode()
        headers = [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return serve


def main() -> None:
    """Serve until SIGTERM; the first line of the output is the port."""
    settings = Settings(fixtures_yaml=FIXTURES, port=0, journal_size=JOURNAL_SIZE)
    playback = Playback()
    pipeline = create_pipeline(settings, playback, lambda _: None)
    raise_fd_limit()
    sock = bind_socket(settings.host, settings.port)
    sock.listen()
    sys.stdout.write(f"{sock.getsockname()[1]}\n")
    sys.stdout.flush()
    BackgroundServer(with_usage(create_app(pipeline, lambda _: None)), sock, playback).run()


if __name__ == "__main__":
    main()
