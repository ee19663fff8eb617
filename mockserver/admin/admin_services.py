"""The objects that the handlers of the admin API share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from mockserver.admin.accounts_api import (
    AccountAdmin,
)
from mockserver.admin.changes import RuntimeChanges
from mockserver.admin.error_responses import AdminError
from mockserver.admin.event_stream import EventFeed
from mockserver.admin.plan_api import PlanAdmin
from mockserver.admin.replay import Replayer
from mockserver.admin.request_input import AdminRequest
from mockserver.admin.request_watch import RequestWatches
from mockserver.admin.time_slices import TimeSlicer
from mockserver.pipeline import ChatPipeline
from mockserver.schema.messages import truncate_text
from mockserver.sessions.journal import JournalEntry
from mockserver.workers.worker_link import WorkerLink


class DemoClient(Protocol):
    """A client of the demo."""

    @property
    def session(self) -> str:
        """Return the name of its session."""
        ...

    @property
    def description(self) -> str:
        """Return what it does."""
        ...


class DemoControl(Protocol):
    """The demo, as the admin API controls it."""

    @property
    def clients(self) -> Sequence[DemoClient]:
        """Return its clients."""
        ...

    @property
    def is_running(self) -> bool:
        """Return whether it runs."""
        ...

    @property
    def rounds(self) -> int:
        """Return how often its script has begun since it was started."""
        ...

    async def start(self) -> None:
        """Start it, unless it runs."""
        ...

    async def stop(self) -> None:
        """Stop it, if it runs."""
        ...


GetDemo = Callable[[], DemoControl]


class AdminServices:
    """The objects that the handlers share; `get_demo` returns the demo, if the server listens on a socket."""

    def __init__(
        self, pipeline: ChatPipeline, get_demo: GetDemo | None = None, link: WorkerLink | None = None
    ) -> None:
        self.pipeline = pipeline
        self.get_demo = get_demo
        self.link = link  # to the other workers, if there are any
        self.feed = EventFeed(pipeline.store.events, pipeline.playback.closing)
        self.accounts = AccountAdmin(pipeline, self.feed)
        self.watches = RequestWatches()
        self.slicer = TimeSlicer()
        self.plan = PlanAdmin(pipeline, self.feed)
        self.changes = RuntimeChanges(pipeline, self.feed, self.accounts, self.watches)
        self.replayer = Replayer(pipeline)
        pipeline.store.journal.subscribe(self.feed.publish_request)
        pipeline.store.journal.subscribe(self.watches.publish)
        pipeline.listeners.append(lambda: self.feed.publish_change("fixtures", None))

    async def find_entry(self, request: AdminRequest) -> JournalEntry:
        """Return the journal entry that the path names. Raises AdminError if there is none."""
        entry = await self.pipeline.store.journal.entry(request.name)
        if entry is None or request.session not in (None, entry.session):
            raise AdminError(
                404, f"the journal has no request {truncate_text(request.name)!r}; it may have been evicted"
            )
        return entry
