"""What can be changed while the server runs: fixtures and fault rules, for one session or for all; and back."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from mockserver.chat import Line
from mockserver.control.accounts import Ledger
from mockserver.control.feed import Feed
from mockserver.control.refusal import Refused
from mockserver.document import clipped
from mockserver.session.store import ALL, ANSWERED, NO_SHELF, ROLLED, STRUCK, Counted, Layer
from mockserver.shape import meant
from mockserver.shelf import library
from mockserver.shelf.fixture import Fixture
from mockserver.shelf.library import Book
from mockserver.shelf.matching import Shelf
from mockserver.shelf.rule import Laid

_RULES: tuple[Counted, ...] = (ROLLED, STRUCK)


class Desk:
    """The changes. Whatever is new or gone is counted from nothing, in every session that it concerns."""

    def __init__(self, line: Line, feed: Feed, ledger: Ledger) -> None:
        self._line = line
        self._feed = feed
        self._ledger = ledger

    async def add(self, session: str | None, book: Book) -> Book:
        """Fixtures, and what else it has, before all others; named as they are now. Raises Refused."""
        async with self._line.store.turn(session):
            layer = await self._line.store.layer(session)
            book = library.after(book, label(session), layer.made, layer.laid)
            if taken := [one.name for one in book.fixtures if one.name in layer.shelf]:
                raise Refused(409, f"there is a fixture {clipped(taken[0])!r} already; PUT takes its place")
            shelf = Shelf((*book.fixtures, *layer.shelf))
            await self._stock(session, _with(layer, shelf, len(book.fixtures)), book.fixtures)
            if book.rules:
                await self._rule(session, book.rules)
        await self._ledger.add(session, book.accounts)
        return book

    async def exchange(self, session: str | None, book: Book) -> Book:
        """These fixtures in the place of all that were added; fault rules too, if it has any."""
        async with self._line.store.turn(session):
            before = await self._line.store.layer(session)
            book = library.after(book, label(session), 0, before.laid)
            layer = replace(before, shelf=Shelf(book.fixtures), made=len(book.fixtures))
            await self._stock(session, layer, (*before.shelf, *book.fixtures))
            if book.rules:
                await self._drop_rules(session)
                await self._rule(session, book.rules)
        if book.accounts:
            await self._ledger.clear(session)
            await self._ledger.add(session, book.accounts)
        return book

    async def put(self, session: str | None, name: str, book: Book) -> bool:
        """A fixture in the place of the one with this name, or before all others; returns whether it is new."""
        if len(book.fixtures) != 1 or book.rules:
            raise Refused(
                400, f"found {len(book.fixtures)} fixtures, expected the one that is called {name!r}"
            )
        [one] = book.fixtures
        stated = (one.written or {}).get("name", name)
        if stated != name:
            raise Refused(
                400, f"found the name {clipped(str(stated))!r}, expected {clipped(name)!r}, as in the path"
            )
        one = replace(one, name=name)
        async with self._line.store.turn(session):
            layer = await self._line.store.layer(session)
            new = name not in layer.shelf
            kept = [one if old.name == name else old for old in layer.shelf]
            await self._stock(session, _with(layer, Shelf((one, *kept) if new else kept), 1), [one])
        return new

    async def remove(self, session: str | None, name: str) -> None:
        async with self._line.store.turn(session):
            layer = await self._line.store.layer(session)
            gone = layer.shelf.named(name)
            if gone is None:
                raise self._absent(session, name, layer)
            shelf = Shelf(one for one in layer.shelf if one is not gone)
            await self._stock(session, replace(layer, shelf=shelf), [gone])

    async def clear(self, session: str | None) -> int:
        """No fixture but those of the files; returns how many are gone."""
        async with self._line.store.turn(session):
            layer = await self._line.store.layer(session)
            await self._stock(session, replace(layer, shelf=NO_SHELF, made=0), layer.shelf.fixtures)
        return len(layer.shelf)

    async def add_rules(self, session: str | None, rules: tuple[Laid, ...]) -> tuple[Laid, ...]:
        """These before all others; named as they are now."""
        async with self._line.store.turn(session):
            layer = await self._line.store.layer(session)
            rules = library.named(rules, label(session), layer.laid)
            await self._rule(session, rules)
        return rules

    async def remove_rule(self, session: str | None, name: str) -> None:
        async with self._line.store.turn(session):
            layer = await self._line.store.layer(session)
            kept = tuple(one for one in layer.rules if one.name != name)
            if len(kept) == len(layer.rules):
                known = [one.name for one in layer.rules]
                raise Refused(
                    404, f"there is no fault rule {clipped(name)!r} to take away{meant(name, known)}"
                )
            await self._line.store.lay(session, replace(layer, rules=kept))
        self._feed.change("faults", session)

    async def drop_rules(self, session: str | None) -> int:
        """No fault rule but those of files and flags; returns how many are gone."""
        async with self._line.store.turn(session):
            return await self._drop_rules(session)

    async def _drop_rules(self, session: str | None) -> int:
        layer = await self._line.store.layer(session)
        await self._line.store.lay(session, replace(layer, rules=(), laid=0))
        await self._line.store.uncount(session, _RULES, [one.name for one in layer.rules])
        self._feed.change("faults", session)
        return len(layer.rules)

    async def reload(self) -> int:
        """The files again; returns how many fixtures they have. Raises InputError."""
        shelf = await asyncio.to_thread(library.load, self._line.settings.paths)
        self._line.restock(shelf)
        return len(shelf)

    async def forget(self, session: str | None) -> int:
        """The journal begins again; returns how many entries are gone."""
        gone = await self._line.store.journal.forget(session)
        self._feed.change("requests", session)
        return gone

    async def reset(self, session: str | None, what: Collection[str]) -> None:
        """Back to the files: for a session, or for all of them and what they share."""
        store = self._line.store
        if "requests" in what:
            await self.forget(session)
        if "counters" in what:
            await store.uncount(session, ALL)
            self._feed.change("counters", session)
        for name in (session,) if session is not None else (None, *await store.sessions()):
            if "fixtures" in what:
                await self.clear(name)
            if "faults" in what:
                await self.drop_rules(name)
            if "accounts" in what:
                await self._ledger.clear(name)
        if "accounts" in what:
            await self._ledger.forgive(session)

    async def _stock(self, session: str | None, layer: Layer, changed: Collection[Fixture]) -> None:
        await self._line.store.lay(session, layer)
        await self._line.store.uncount(session, (ANSWERED,), [one.name for one in changed])
        self._feed.change("fixtures", session)

    async def _rule(self, session: str | None, rules: tuple[Laid, ...]) -> None:
        layer = await self._line.store.layer(session)
        made = replace(layer, rules=(*rules, *layer.rules), laid=layer.laid + len(rules))
        await self._line.store.lay(session, made)
        self._feed.change("faults", session)

    def _absent(self, session: str | None, name: str, layer: Layer) -> Refused:
        if name in self._line.shelf:
            where = self._line.shelf.named(name)
            return Refused(
                409, f"{clipped(name)!r} stands in {where.source if where else ''}, and only there"
            )
        whose = "shared" if session is None else f"of the session {session}"
        return Refused(404, f"there is no fixture {clipped(name)!r} {whose}{meant(name, layer.shelf.names)}")


def label(session: str | None) -> str:
    """What is added has this in its name, so that the same calls give the same names in every run."""
    return "shared" if session is None else "session"


def _with(layer: Layer, shelf: Shelf, made: int) -> Layer:
    return replace(layer, shelf=shelf, made=layer.made + made)
