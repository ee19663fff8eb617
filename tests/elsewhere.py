"""A store as another process would be: what it keeps is bytes, and every verb goes a way on which it is overtaken."""

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

from mockserver import app
from mockserver.money import Charge
from mockserver.server import Server, bind
from mockserver.session.clock import Clock
from mockserver.session.journal import Entry, Extent, Journal, Listener, Moment
from mockserver.session.purse import Denied, Paid, Statement
from mockserver.session.store import ALL, ANSWERED, EMPTY, Counted, Layer, Memory, Store
from mockserver.settings import Settings
from mockserver.shelf.account import Account
from mockserver.vendors.vendor import Vendor
from mockserver.wire.answer import Answer
from mockserver.wire.playback import Heard, Playback

Vendors = Mapping[str, Vendor]


class Way:
    """Whoever goes it is held up for a few rounds of the loop; how many, chance decides."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    async def go(self) -> None:
        for _ in range(self._chance.randrange(4)):
            await asyncio.sleep(0)


class Pickler(pickle.Pickler):
    """A vendor is known on both sides: its name is enough."""

    def persistent_id(self, obj: Any) -> str | None:
        return obj.name if isinstance(obj, Vendor) else None


class Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, vendors: Vendors) -> None:
        super().__init__(io.BytesIO(data))
        self._vendors = vendors

    def persistent_load(self, pid: Any) -> Vendor:
        return self._vendors[pid]


class Ledger:
    """The journal: entries as bytes, each written anew at every moment of it."""

    def __init__(self, way: Way, vendors: Vendors) -> None:
        self.listeners: list[Listener] = []
        self._way = way
        self._vendors = vendors
        self._entries: dict[str, bytes] = {}
        self._sessions: defaultdict[str, list[str]] = defaultdict(list)  # its requests
        self._last = 0
        self._waiting: list[asyncio.Future[None]] = []

    async def open(self, entry: Entry) -> None:
        await self._way.go()
        self._last += 1
        entry.number = self._last
        self._sessions[entry.session].append(entry.id)
        await self._write("arrived", entry)

    async def decide(self, entry: Entry, answer: Answer) -> None:
        await self._way.go()
        entry.answer = answer
        entry.status = answer.status if answer.head else 0
        await self._write("decided", entry)

    async def close(self, entry: Entry, heard: Heard) -> None:
        await self._way.go()
        entry.heard = heard
        await self._write("ended", entry)

    async def entries(self, session: str | None = None, since: int = 0) -> Sequence[Entry]:
        await self._way.go()
        names = self._entries if session is None else self._sessions[session]
        found = [self._read(self._entries[name]) for name in names if name in self._entries]
        return sorted((one for one in found if one.number > since), key=lambda one: -one.number)

    async def entry(self, id: str) -> Entry | None:  # noqa: A002
        await self._way.go()
        return self._read(self._entries[id]) if id in self._entries else None

    async def forget(self, session: str | None = None) -> int:
        gone = await self.entries(session)
        for one in gone:
            del self._entries[one.id]
        self._wake()
        return len(gone)

    async def extent(self) -> Extent:
        await self._way.go()
        return Extent(len(self._entries), 0)

    def change(self) -> asyncio.Future[None]:
        self._waiting.append(asyncio.get_running_loop().create_future())
        return self._waiting[-1]

    async def _write(self, moment: Moment, entry: Entry) -> None:
        told = io.BytesIO()
        Pickler(told).dump(entry)
        self._entries[entry.id] = told.getvalue()
        for listen in self.listeners:
            listen(moment, entry)
        self._wake()
        await self._way.go()

    def _read(self, data: bytes) -> Entry:
        entry: Entry = Unpickler(data, self._vendors).load()
        return entry

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)


class Elsewhere:
    """The store: counters as JSON; layers and purses as they are, since they are values."""

    def __init__(self, seed: int = 0) -> None:
        self._way = Way(seed)
        self.journal: Journal = Ledger(self._way, app.vendors().vendors)
        self.clock = Clock()
        self._purses = Memory()
        self._turns: defaultdict[str | None, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._counters: defaultdict[str, str] = defaultdict(lambda: "{}")
        self._layers: defaultdict[str | None, Layer] = defaultdict(lambda: EMPTY)

    @asynccontextmanager
    async def turn(self, session: str | None) -> AsyncIterator[None]:
        async with self._turns[session]:
            await self._way.go()
            yield

    async def counts(self, session: str | None, what: Counted) -> Mapping[str, int]:
        await self._way.go()
        total: Counter[str] = Counter()
        for name in list(self._counters) if session is None else [session]:
            total.update(json.loads(self._counters[name]).get(what, {}))
        return dict(total)

    async def count(self, session: str, what: Counted, name: str) -> int:
        await self._way.go()
        counters = json.loads(self._counters[session])
        before: int = counters.setdefault(what, {}).setdefault(name, 0)
        counters[what][name] += 1
        self._counters[session] = json.dumps(counters)
        await self._way.go()
        return before

    async def uncount(
        self, session: str | None, what: Iterable[Counted] = ALL, names: Collection[str] | None = None
    ) -> None:
        await self._way.go()
        for one in list(self._counters) if session is None else [session]:
            counters = json.loads(self._counters[one])
            for kind in what:
                kept = counters.get(kind, {})
                counters[kind] = {
                    name: kept[name] for name in kept if names is not None and name not in names
                }
            self._counters[one] = json.dumps(counters)

    async def meets(self, session: str) -> tuple[Layer, Layer, Mapping[str, int]]:
        return await self.layer(session), await self.layer(None), await self.counts(session, ANSWERED)

    async def layer(self, session: str | None) -> Layer:
        await self._way.go()
        return self._layers.get(session, EMPTY)

    async def lay(self, session: str | None, layer: Layer) -> None:
        await self._way.go()
        self._layers[session] = layer
        await self._way.go()

    async def enter(self, session: str, account: Account, least: Charge, now: float) -> Denied | None:
        await self._way.go()
        return await self._purses.enter(session, account, least, now)

    async def charge(
        self, session: str, account: Account, charge: Charge, least: Charge, tokens: int, now: float
    ) -> Denied | Paid:
        await self._way.go()
        return await self._purses.charge(session, account, charge, least, tokens, now)

    async def refund(self, session: str, key: str, paid: Paid, charge: Charge, *, void: bool = False) -> None:
        await self._way.go()
        await self._purses.refund(session, key, paid, charge, void=void)

    async def statement(self, session: str, account: Account, now: float) -> Statement:
        await self._way.go()
        return await self._purses.statement(session, account, now)

    async def spenders(self, key: str) -> tuple[str, ...]:
        await self._way.go()
        return await self._purses.spenders(key)

    async def redeem(self, session: str | None, key: str) -> None:
        await self._way.go()
        await self._purses.redeem(session, key)

    async def forgive(self, session: str | None) -> None:
        await self._way.go()
        await self._purses.forgive(session)

    async def sessions(self) -> tuple[str, ...]:
        await self._way.go()
        return tuple({*self._counters, *(name for name in self._layers if name is not None)})

    async def copy(self, session: str) -> Store:
        copied = Memory(1)
        for owner in (session, None):
            await copied.lay(owner, await self.layer(owner))
        for what in ALL:
            for name, count in (await self.counts(session, what)).items():
                for _ in range(count):
                    await copied.count(session, what, name)
        return copied


def served(store: Store, file: Path) -> Iterator[str]:
    """The URL of a server that remembers in this store."""
    playback = Playback()
    line = app.line(Settings(paths=(file,), seed=1, reload=False), playback, lambda _: None, store)
    server = Server(app.build(line, lambda _: None), bind("127.0.0.1", 0), playback)
    server.start()
    yield "http://{}:{}".format(*server.address)
    server.stop()
