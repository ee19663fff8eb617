"""The tasks of a worker for the other workers of its server: its metrics, and the fixtures that all of them serve."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mockserver.errors import InputError, Problem
from mockserver.matching.fixture_files import stat_fixture_files
from mockserver.matching.fixture_set import FixtureSet
from mockserver.matching.loader import OnReload
from mockserver.pipeline import ChatPipeline
from mockserver.workers.worker_link import METRICS, REFRESH, RELOAD, RELOAD_TIMEOUT, WorkerLink


class WorkerTasks:
    """The handlers of one worker. `on_reload` receives the problems of files that it cannot load."""

    def __init__(
        self,
        link: WorkerLink,
        pipeline: ChatPipeline,
        load: Callable[[], FixtureSet],
        watched: tuple[Path, ...],
        on_reload: OnReload,
    ) -> None:
        self._link = link
        self._pipeline = pipeline
        self._load = load
        self._watched = watched
        self._on_reload = on_reload
        self._tasks: set[asyncio.Task[None]] = set()
        link.handlers |= {METRICS: self.render_metrics, RELOAD: self.reload, REFRESH: self.refresh}

    async def render_metrics(self) -> str:
        """Return the metrics of this worker as text."""
        from mockserver.admin.api import import_metrics  # noqa: PLC0415 an expensive import that few servers need

        metrics = await asyncio.to_thread(import_metrics)
        text: str = await metrics.render_worker_metrics(self._pipeline, self._link.start.former_metrics)
        return text

    async def reload(self) -> dict[str, Any]:
        """Read the fixture files again; return the problems that they have."""
        problems = await self._load_files()
        return {"problems": [asdict(one) for one in problems]}

    async def refresh(self) -> bool:
        """Read the fixture files again if they differ from those that were read; return whether they do."""
        loaded = self._pipeline.fixtures.file_stats
        found = await asyncio.to_thread(stat_fixture_files, self._watched, frozenset(loaded))
        if found == loaded or not self._pipeline.settings.reload:
            return False
        if problems := await self._load_files():
            self._on_reload(InputError(*problems))
        return True

    async def _load_files(self) -> tuple[Problem, ...]:
        """Use the fixture files as they are now; return their problems, with which the fixtures stay as they were."""
        loaded = await asyncio.to_thread(self._try_load)
        if isinstance(loaded, InputError):
            return loaded.problems
        self._pipeline.replace_fixtures(loaded)
        return ()

    def _try_load(self) -> FixtureSet | InputError:
        try:
            return self._load()
        except InputError as error:
            return error

    def report_to_all(self, outcome: FixtureSet | InputError) -> None:
        """Report a reload once all workers have the same files."""
        if isinstance(outcome, InputError):
            self._on_reload(outcome)
            return
        task = asyncio.create_task(self._report_after_refresh(outcome))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _report_after_refresh(self, outcome: FixtureSet) -> None:
        await self._link.call(REFRESH, RELOAD_TIMEOUT)
        self._on_reload(outcome)
