"""Two workers of one server: both serve the same socket, count together, load the same files, and refuse state.

Each worker is a server on a thread of the test, linked to the supervisor as a process would be.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from mockserver.admin.api import OPERATIONS
from mockserver.errors import InputError
from mockserver.matching.fixture_set import FixtureSet
from mockserver.pipeline import ChatPipeline
from mockserver.server.addresses import bind_socket, format_server_url
from mockserver.server.app import create_app, create_pipeline
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.settings import Settings
from mockserver.wire.playback import Playback
from mockserver.workers.supervisor import Supervisor
from mockserver.workers.worker_link import REFRESH, WorkerLink, WorkerStart
from mockserver.workers.worker_slot import WorkerSlot

pytestmark = pytest.mark.slow
FILE = "fixtures:\n- {{name: hello, match: {{user: hello}}, response: {}}}\n"
Outcome = FixtureSet | InputError


class ServerThread:
    """A worker on a thread, as the supervisor sees its process."""

    def __init__(self, shared: socket.socket, pipeline: ChatPipeline, link: WorkerLink) -> None:
        self.reports: list[Outcome] = []
        self.reported = threading.Event()
        self.pipeline = pipeline
        self.link = link
        self.pid, self.exitcode = 40 + link.start.number, 0
        self.sentinel, self._end = os.pipe()
        app = create_app(pipeline, self.report, ("127.0.0.1", 1), link=link)
        self._server = BackgroundServer(app, shared.dup(), pipeline.playback)
        self._server.start()

    def report(self, outcome: Outcome) -> None:
        self.reports.append(outcome)
        self.reported.set()

    def terminate(self) -> None:
        self._server.stop()
        os.close(self._end)

    kill = terminate

    def join(self) -> None:
        os.close(self.sentinel)


class SharedServer:
    """A server of two workers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sock = bind_socket("127.0.0.1", 0)
        self.sock.listen()
        self.url = format_server_url(self.sock.getsockname()[:2])
        self.workers: list[ServerThread] = []
        self.lines: list[str] = []

    def start_worker(self, channel: socket.socket, start: WorkerStart) -> ServerThread:
        pipeline = create_pipeline(self.settings, Playback(), lambda _: None)
        worker = ServerThread(self.sock, pipeline, WorkerLink(channel.dup(), start))
        self.workers.append(worker)
        return worker

    def send(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        headers = {"Authorization": "Bearer any"}
        response = requests.request(method, self.url + path, json=body, headers=headers, timeout=20)
        return response.status_code, response.content

    def send_json(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        status, text = self.send(method, path, body)
        return status, json.loads(text)

    def wait_for_both(self) -> None:
        assert any(self.metric("mockserver_workers") == 2 for _ in itertools.count())

    async def refresh(self, index: int) -> None:
        await self.workers[index].link.handlers[REFRESH]()

    def list_responses(self) -> list[str]:
        """Return the response of each worker's fixture."""
        definitions = (worker.pipeline.fixtures.fixtures[0].definition for worker in self.workers)
        return [str(one["response"]) for one in definitions]

    def metric(self, name: str) -> float:
        lines = self.send("GET", "/metrics")[1].decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def run_shared(settings: Settings, use: Callable[[SharedServer], None]) -> SharedServer:
    """Run a server of two workers while a function uses it, on another thread."""

    async def run() -> None:
        server = SharedServer(settings)
        with server.sock:
            slots = [WorkerSlot(number, 2, server.start_worker) for number in (1, 2)]
            supervisor = Supervisor(slots, server.lines.append)
            code = asyncio.create_task(supervisor.run())
            try:
                await asyncio.to_thread(server.wait_for_both)
                await asyncio.to_thread(use, server)
            finally:
                supervisor.stop()
                assert await code == 0
        servers.append(server)

    servers: list[SharedServer] = []
    asyncio.run(run())
    return servers[0]


def test_two_workers_count_together_and_refuse_what_needs_one_state(tmp_path: Path) -> None:
    def use(server: SharedServer) -> None:
        message = {"role": "user", "content": "hello"}
        body = {"model": "o1-preview", "messages": [message]}
        answers = [server.send("POST", "/aimlapi/v1/chat/completions", body)[0] for _ in range(5)]
        assert answers == [201] * 5
        assert server.metric("mockserver_requests_total") == 5
        assert server.metric("mockserver_fixtures") == 1
        assert server.metric("mockserver_workers") == 2

        status, index = server.send_json("GET", "/_mock")
        assert (status, index["workers"], index["counts"]) == (200, 2, {"fixtures": 1})
        for operation in OPERATIONS:
            path = operation.display_path.replace("{name}", "x")
            if not operation.is_stateless:
                status, refusal = server.send_json(operation.method, path)
                assert status == 409
                assert "each of the 2 workers of this server has its own" in refusal["error"]["message"]
        assert server.send("GET", "/_mock/schema")[0] == server.send("GET", "/_mock/openapi.json")[0] == 200

    file = tmp_path / "a.yaml"
    file.write_text(FILE.format("hi"))
    run_shared(Settings(paths=(file,), page=False), use)


def test_all_workers_have_a_reload_when_it_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"

    def use(server: SharedServer) -> None:
        first, second = server.workers
        file.write_text(FILE.format("longer"))
        assert first.reported.wait(20)
        assert server.list_responses() == ["longer"] * 2
        assert (len(first.reports), second.reports) == (1, [])

        first.reported.clear()
        file.write_text("fixtures: [")
        assert first.reported.wait(20)
        assert [isinstance(one, InputError) for one in first.reports] == [False, True]
        asyncio.run(server.refresh(1))
        assert [isinstance(one, InputError) for one in second.reports] == [True]
        status, refusal = server.send_json("POST", "/_mock/fixtures/reload")
        assert (status, len(refusal["error"]["problems"])) == (400, 1)
        assert server.list_responses() == ["longer"] * 2

    file.write_text(FILE.format("hi"))
    run_shared(Settings(paths=(file,), page=False), use)


def test_workers_that_ignore_edits_read_the_files_on_request(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"

    def use(server: SharedServer) -> None:
        file.write_text(FILE.format("longer"))
        asyncio.run(server.refresh(1))
        assert server.list_responses() == ["hi"] * 2
        assert server.send_json("POST", "/_mock/fixtures/reload") == (200, {"fixtures": 1})
        assert server.list_responses() == ["longer"] * 2

    file.write_text(FILE.format("hi"))
    run_shared(Settings(paths=(file,), page=False, reload=False), use)
