"""A server whose process freezes its clock, or runs under gevent's patches."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from contextlib import AbstractContextManager

import pytest
import time_machine
from freezegun import freeze_time

from mockserver.server.event_loop import SteadyEventLoop
from mockserver.testing import MockServer
from tests.conftest import Client


@pytest.mark.parametrize("loop", [pytest.param("uvloop", marks=pytest.mark.slow), "asyncio"])
def test_delays_streams_waits_and_stop_go_on_while_the_clock_is_frozen(
    loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if loop == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    frozen_by: list[AbstractContextManager[object]] = [
        freeze_time("2024-01-01"),
        time_machine.travel("2024-01-01", tick=False),
    ]
    with MockServer(fixtures_yaml="fixtures: []") as server:
        assert isinstance(server._server._uvicorn._loop, SteadyEventLoop) == (loop == "asyncio")
        server.on(stream=False).reply("Sunny", delay="40ms")
        server.on(stream=True).reply("Sunny and warm", stream={"tps": 200})
        for number, frozen in enumerate(frozen_by, 1):
            client = Client(server)
            with frozen:
                assert client.chat("omixa").json["created"] == 1_704_067_200  # 2024-01-01
                assert client.chat("omixa", stream=True).events[-1] == b"[DONE]"
                server.wait_for(count=2 * number)
                with pytest.raises(AssertionError):
                    server.wait_for(count=9, within="20ms")
                request = server.requests[-2]
            assert 39 <= (request.total_ms or 0) < 10_000  # a timer may be early by its resolution
            client.connection.close()
        with freeze_time("2024-01-01"):
            server.stop()


def test_a_server_works_under_the_patches_of_gevent() -> None:
    script = """
        from gevent import monkey, spawn, joinall
        monkey.patch_all()
        import faulthandler
        faulthandler.dump_traceback_later(40, exit=True)
        from mockserver.testing import MockServer
        from tests.conftest import Client

        with MockServer(fixtures_yaml="fixtures: []") as server:
            server.on(stream=False).reply("Sunny", delay="40ms")
            server.on(stream=True).reply("Sunny and warm", stream={"tps": 200})
            jobs = [spawn(Client(server).chat, "omixa", stream=bool(number % 2)) for number in range(6)]
            jobs.append(spawn(server.wait_for, count=6))
            joinall(jobs, raise_error=True)
            assert [b"Sunny" in job.value.body for job in jobs[:6]] == [True] * 6
        try:
            server.requests
        except ConnectionError:
            print("stopped")
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
    )
    assert (result.stdout, result.stderr) == ("stopped\n", "")
