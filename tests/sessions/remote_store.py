"""A store that behaves like one in another process: it keeps bytes, and its methods suspend at random."""

from __future__ import annotations

import asyncio
import io
import json
import pickle
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mockserver.fixtures.account_spec import AccountSpec
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.money import Charge
from mockserver.server import app
from mockserver.server.addresses import bind_socket
from mockserver.server.app import create_app, load_vendors
from mockserver.server.uvicorn_server import BackgroundServer
from mockserver.sessions.adjustable_clock import ClockAdvances
from mockserver.sessions.counters import MetricLabels, MetricRow
from mockserver.sessions.jobs import Job
from mockserver.sessions.journal import (
    Decision,
    Journal,
    JournalEntry,
    JournalListener,
    JournalSize,
    Lifecycle,
)
from mockserver.sessions.ledger import AccountStatement, Denial, Hold
from mockserver.sessions.store import (
    ALL_COUNTERS,
    ANSWERED,
    EMPTY_OVERLAY,
    CounterKind,
    MemoryStore,
    Overlay,
    SessionStore,
)
from mockserver.sessions.stored_responses import StoredResponse
from mockserver.settings import Settings
from mockserver.vendors.vendor import Vendor
from mockserver.wire.playback import Delivery, Playback

Vendors = Mapping[str, Vendor]


class Latency:
    """A connection with a random latency of a few turns of the event loop."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    async def wait(self) -> None:
        for _ in range(self._rng.randrange(4)):
            await asyncio.sleep(0)


class Pickler(pickle.Pickler):
    """A pickler that stores vendors by name, since both sides have them."""

    def persistent_id(self, obj: Any) -> str | None:
        return obj.name if isinstance(obj, Vendor) else None


class Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, vendors: Vendors) -> None:
        super().__init__(io.BytesIO(data))
        self._vendors = vendors

    def persistent_load(self, pid: Any) -> Vendor:
        return self._vendors[pid]


class RemoteJournal:
    """A journal that keeps entries as bytes and writes them at every step."""

    def __init__(self, latency: Latency, vendors: Vendors) -> None:
        self._listeners: list[JournalListener] = []
        self._latency = latency
        self._vendors = vendors
        self._entries: dict[str, bytes] = {}
        self._sessions: defaultdict[str, list[str]] = defaultdict(list)  # its requests
        self._last = 0

    def subscribe(self, listener: JournalListener) -> None:
        self._listeners.append(listener)

    async def open(self, entry: JournalEntry) -> None:
        await self._latency.wait()
        self._last += 1
        entry.number = self._last
        self._sessions[entry.session].append(entry.id)
        await self._write("arrived", entry)

    async def decide(self, entry: JournalEntry, decision: Decision) -> None:
        await self._latency.wait()
        entry.decision = decision
        await self._write("decided", entry)

    async def close(self, entry: JournalEntry, delivery: Delivery) -> None:
        await self._latency.wait()
        entry.delivery = delivery
        await self._write("ended", entry)

    async def entries(self, session: str | None = None, since: int = 0) -> Sequence[JournalEntry]:
        await self._latency.wait()
        names = self._entries if session is None else self._sessions[session]
        found = [self._read(self._entries[name]) for name in names if name in self._entries]
        return sorted((one for one in found if one.number > since), key=lambda one: -one.number)

    async def entry(self, id: str) -> JournalEntry | None:  # noqa: A002
        await self._latency.wait()
        return self._read(self._entries[id]) if id in self._entries else None

    async def clear(self, session: str | None = None) -> int:
        removed = await self.entries(session)
        for one in removed:
            del self._entries[one.id]
        return len(removed)

    async def size(self) -> JournalSize:
        await self._latency.wait()
        return JournalSize(len(self._entries), 0)

    async def count_evicted(self, session: str | None = None) -> int:  # noqa: ARG002
        await self._latency.wait()
        return 0

    @property
    def max_entries(self) -> int:
        return 10_000

    async def _write(self, lifecycle: Lifecycle, entry: JournalEntry) -> None:
        buffer = io.BytesIO()
        Pickler(buffer).dump(entry)
        self._entries[entry.id] = buffer.getvalue()
        for listen in self._listeners:
            listen(lifecycle, entry)
        await self._latency.wait()

    def _read(self, data: bytes) -> JournalEntry:
        entry: JournalEntry = Unpickler(data, self._vendors).load()
        return entry


class RemoteStore:
    """A store that keeps counters as JSON, and overlays and ledgers as they are, since they are values."""

    def __init__(self, seed: int = 0) -> None:
        self._latency = Latency(seed)
        self.journal: Journal = RemoteJournal(self._latency, load_vendors().vendors)
        self._memory = MemoryStore()  # what it does not keep itself
        self.events = self._memory.events
        self._jobs: dict[str, bytes] = {}
        self._locks: defaultdict[str | None, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._counters: defaultdict[str, str] = defaultdict(lambda: "{}")
        self._overlays: defaultdict[str | None, Overlay] = defaultdict(lambda: EMPTY_OVERLAY)

    @asynccontextmanager
    async def lock(self, session: str | None) -> AsyncIterator[None]:
        async with self._locks[session]:
            await self._latency.wait()
            yield

    async def counters(self, session: str | None, kind: CounterKind) -> Mapping[str, int]:
        await self._latency.wait()
        total: Counter[str] = Counter()
        for name in list(self._counters) if session is None else [session]:
            total.update(json.loads(self._counters[name]).get(kind, {}))
        return dict(total)

    async def increment(self, session: str, kind: CounterKind, name: str) -> int:
        await self._latency.wait()
        counters = json.loads(self._counters[session])
        before: int = counters.setdefault(kind, {}).setdefault(name, 0)
        counters[kind][name] += 1
        self._counters[session] = json.dumps(counters)
        await self._latency.wait()
        return before

    async def reset_counters(
        self,
        session: str | None,
        kinds: Iterable[CounterKind] = ALL_COUNTERS,
        names: Collection[str] | None = None,
    ) -> None:
        await self._latency.wait()
        for one in list(self._counters) if session is None else [session]:
            counters = json.loads(self._counters[one])
            for kind in kinds:
                counts = counters.get(kind, {})
                counters[kind] = {
                    name: counts[name] for name in counts if names is not None and name not in names
                }
            self._counters[one] = json.dumps(counters)

    async def overlays_and_counts(self, session: str) -> tuple[Overlay, Overlay, Mapping[str, int]]:
        return await self.overlay(session), await self.overlay(None), await self.counters(session, ANSWERED)

    async def overlay(self, session: str | None) -> Overlay:
        await self._latency.wait()
        return self._overlays.get(session, EMPTY_OVERLAY)

    async def set_overlay(self, session: str | None, overlay: Overlay) -> None:
        await self._latency.wait()
        self._overlays[session] = overlay
        await self._latency.wait()

    async def admit(self, session: str, account: AccountSpec, minimum: Charge) -> Denial | None:
        await self._latency.wait()
        return await self._memory.admit(session, account, minimum)

    async def hold(
        self, session: str, account: AccountSpec, charge: Charge, minimum: Charge, tokens: int
    ) -> Denial | Hold:
        await self._latency.wait()
        return await self._memory.hold(session, account, charge, minimum, tokens)

    async def refund(self, session: str, key: str, hold: Hold, charge: Charge, *, void: bool = False) -> None:
        await self._latency.wait()
        await self._memory.refund(session, key, hold, charge, void=void)

    async def statement(self, session: str, account: AccountSpec) -> AccountStatement:
        await self._latency.wait()
        return await self._memory.statement(session, account)

    async def sessions_of_account(self, key: str) -> tuple[str, ...]:
        await self._latency.wait()
        return await self._memory.sessions_of_account(key)

    async def restore_balance(self, session: str | None, key: str) -> None:
        await self._latency.wait()
        await self._memory.restore_balance(session, key)

    async def reset_accounts(self, session: str | None) -> None:
        await self._latency.wait()
        await self._memory.reset_accounts(session)

    async def elapsed(self, since: float, session: str | None) -> float:
        await self._latency.wait()
        return await self._memory.elapsed(since, session)

    async def clock_offset(self, session: str | None) -> float:
        await self._latency.wait()
        return await self._memory.clock_offset(session)

    async def clock_advances(self, session: str | None) -> ClockAdvances:
        await self._latency.wait()
        return await self._memory.clock_advances(session)

    async def advance_clock(self, session: str | None, seconds: float) -> None:
        await self._latency.wait()
        await self._memory.advance_clock(session, seconds)

    async def reset_clock(self, session: str | None) -> None:
        await self._latency.wait()
        await self._memory.reset_clock(session)

    async def start_plan(self, session: str) -> float:
        await self._latency.wait()
        return await self._memory.start_plan(session)

    async def plan_elapsed(self, session: str | None) -> float | None:
        await self._latency.wait()
        return await self._memory.plan_elapsed(session)

    async def restart_plan(self) -> None:
        await self._latency.wait()
        await self._memory.restart_plan()

    async def count_request(
        self, request: ChatRequest | None, decision: Decision, delivery: Delivery
    ) -> None:
        await self._latency.wait()
        await self._memory.count_request(request, decision, delivery)

    async def request_counts(self) -> Sequence[tuple[MetricLabels, MetricRow]]:
        await self._latency.wait()
        return await self._memory.request_counts()

    async def add_job(self, job: Job) -> None:
        await self._latency.wait()
        self._jobs[job.id] = pickle.dumps(job)

    async def find_job(self, id: str) -> Job | None:  # noqa: A002
        await self._latency.wait()
        return pickle.loads(self._jobs[id]) if id in self._jobs else None  # noqa: S301 written above

    async def forget_jobs(self, session: str | None) -> None:
        await self._latency.wait()
        for id_, data in list(self._jobs.items()):
            if session in (None, pickle.loads(data).session):  # noqa: S301 written above
                del self._jobs[id_]

    async def add_response(self, session: str, response: StoredResponse) -> None:
        await self._latency.wait()
        await self._memory.add_response(session, pickle.loads(pickle.dumps(response)))  # noqa: S301 written here

    async def find_response(self, session: str, id: str) -> StoredResponse | None:  # noqa: A002
        await self._latency.wait()
        return await self._memory.find_response(session, id)

    async def find_response_item(self, session: str, id: str) -> Mapping[str, Any] | None:  # noqa: A002
        await self._latency.wait()
        return await self._memory.find_response_item(session, id)

    async def delete_response(self, session: str, id: str) -> bool:  # noqa: A002
        await self._latency.wait()
        return await self._memory.delete_response(session, id)

    async def forget_responses(self, session: str | None) -> None:
        await self._latency.wait()
        await self._memory.forget_responses(session)

    async def sessions(self) -> tuple[str, ...]:
        await self._latency.wait()
        return tuple({*self._counters, *(name for name in self._overlays if name is not None)})

    async def evicted_sessions(self) -> int:
        await self._latency.wait()
        return 0

    async def copy(self, session: str) -> SessionStore:
        copied = MemoryStore(1)
        for owner in (session, None):
            await copied.set_overlay(owner, await self.overlay(owner))
        for what in ALL_COUNTERS:
            for name, count in (await self.counters(session, what)).items():
                for _ in range(count):
                    await copied.increment(session, what, name)
        return copied


def served(store: SessionStore, file: Path) -> Iterator[str]:
    """Serve the fixtures of a file from this store; yield the URL once."""
    playback = Playback()
    line = app.create_pipeline(Settings(paths=(file,), seed=1, reload=False), playback, lambda _: None, store)
    server = BackgroundServer(create_app(line, lambda _: None), bind_socket("127.0.0.1", 0), playback)
    server.start()
    yield "http://{}:{}".format(*server.address)
    server.stop()
