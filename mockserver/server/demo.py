"""The demo: scripted clients with good and bad retry policies, which send requests until they are stopped.

A round makes the same requests with the same waits in every run, over real connections. At its beginning the balances
are full again, and the plan restarts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from mockserver.admin.event_stream import EventFeed
from mockserver.admin.plan_api import PlanAdmin
from mockserver.matching.fixture_set import FixtureSet
from mockserver.matching.loader import LoadedFile
from mockserver.pipeline import ChatPipeline
from mockserver.server.demo_clients import CLIENTS, ScriptedClient, load_client_document, load_demo_plan
from mockserver.server.demo_traffic import ClientRun, Wait, wait_seconds
from mockserver.sessions.store import ANSWERED

ROUND_PAUSE = 6.0  # seconds between two rounds


class DemoRunner:
    """The demo of one server, which listens on `address`. It is stopped at first."""

    def __init__(
        self,
        pipeline: ChatPipeline,
        address: tuple[str, int],
        clients: Sequence[ScriptedClient] = CLIENTS,
        wait: Wait = wait_seconds,
    ) -> None:
        self.rounds = 0  # that have begun since the start
        self.clients = tuple(clients)
        self._pipeline = pipeline
        self._address = address
        self._wait = wait
        self._feed = EventFeed(pipeline.store.events, pipeline.playback.closing)
        self._plan_admin = PlanAdmin(pipeline, self._feed)
        self._plan = load_demo_plan()
        self._changing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Return whether it runs."""
        return self._task is not None and not self._task.done()

    async def start(self) -> None:
        """Start it, unless it runs."""
        async with self._changing:
            if self.is_running:
                return
            self.rounds = 0
            await self._add_plan()
            self._task = asyncio.create_task(self._run())
            self._feed.publish_change("demo", None)

    async def stop(self) -> None:
        """Stop its clients at once, and remove its plan. Its sessions remain, so that one can look at them."""
        async with self._changing:
            if self._task is None:
                return
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
            if await self._has_own_plan():
                await self._plan_admin.set(None)
            self._feed.publish_change("demo", None)

    async def _run(self) -> None:
        """Play rounds until the server stops."""
        async with asyncio.TaskGroup() as group:
            rounds = group.create_task(self._play_rounds())
            await self._pipeline.playback.closing.wait()
            rounds.cancel()

    async def _play_rounds(self) -> None:
        vendors = tuple(self._pipeline.router.listed_vendors.values())
        known_keys_only = self._pipeline.settings.known_keys_only
        documents = {
            client.session: load_client_document(client, vendors, known_keys_only=known_keys_only)
            for client in self.clients
        }
        while True:
            self.rounds += 1
            for session, document in documents.items():
                await self._prepare_session(session, document)
            if await self._has_own_plan():
                await self._plan_admin.restart()
            for what in ("fixtures", "accounts", "demo"):
                self._feed.publish_change(what, None)
            runs = (
                ClientRun(client, vendors, self._address, self.rounds, self._wait) for client in self.clients
            )
            await asyncio.gather(*(run.run() for run in runs))
            await self._wait("", ROUND_PAUSE)

    async def _prepare_session(self, session: str, loaded: LoadedFile) -> None:
        """Add what a session lacks of its fixtures and accounts, and let these begin again."""
        store = self._pipeline.store
        async with store.lock(session):
            overlay = await store.overlay(session)
            present = {fixture.name for fixture in overlay.fixtures.fixtures}
            missing = tuple(fixture for fixture in loaded.fixtures if fixture.name not in present)
            fixtures = FixtureSet((*overlay.fixtures.fixtures, *missing))
            await store.set_overlay(
                session,
                replace(
                    overlay,
                    fixtures=fixtures,
                    fixtures_added=overlay.fixtures_added + len(missing),
                    accounts={account.key: account for account in loaded.accounts} | dict(overlay.accounts),
                ),
            )
            await store.reset_counters(session, (ANSWERED,), [fixture.counter_key for fixture in fixtures])
            await store.reset_accounts(session)

    async def _add_plan(self) -> None:
        """Set the plan of the demo if there is no other."""
        overlay = await self._pipeline.store.overlay(None)
        if overlay.plan is None and not self._pipeline.fixtures.plan:
            await self._plan_admin.set(self._plan)

    async def _has_own_plan(self) -> bool:
        return (await self._pipeline.store.overlay(None)).plan == self._plan
