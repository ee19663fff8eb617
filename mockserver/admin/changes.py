"""Changes at run time: fixtures, fault rules and resets, for one session or for all."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from mockserver.admin.accounts_api import AccountAdmin
from mockserver.admin.error_responses import AdminError
from mockserver.admin.event_stream import EventFeed
from mockserver.admin.request_watch import RequestWatches
from mockserver.fixtures.fault_rules import FaultRule
from mockserver.fixtures.fixture import Fixture
from mockserver.matching.fixture_set import FixtureSet
from mockserver.matching.loader import LoadedFile, load_server_fixtures, number_rules, renumber_file
from mockserver.pipeline import ChatPipeline
from mockserver.schema.messages import did_you_mean, truncate_text
from mockserver.sessions.store import (
    ALL_COUNTERS,
    ANSWERED,
    APPLIED,
    EVALUATED,
    NO_FIXTURES,
    CounterKind,
    Overlay,
    RemovedFixture,
)

_MAX_REMOVED = 10  # fixtures of a scope whose removal can be undone
_RULE_COUNTERS: tuple[CounterKind, ...] = (EVALUATED, APPLIED)


class RuntimeChanges:
    """Applies changes at run time, and resets the counters of everything that is added or removed."""

    def __init__(
        self, pipeline: ChatPipeline, feed: EventFeed, accounts: AccountAdmin, watches: RequestWatches
    ) -> None:
        self._pipeline = pipeline
        self._feed = feed
        self._accounts = accounts
        self._watches = watches

    async def add(self, session: str | None, loaded: LoadedFile) -> LoadedFile:
        """Add the fixtures, rules and accounts of a document before all others; return them with their final names.

        Raises AdminError if a name is taken.
        """
        async with self._pipeline.store.lock(session):
            layer = await self._pipeline.store.overlay(session)
            loaded = renumber_file(
                loaded, format_scope_label(session), layer.fixtures_added, layer.rules_added
            )
            if taken := [one.name for one in loaded.fixtures if one.name in layer.fixtures]:
                raise self._name_taken(taken[0])
            fixtures = FixtureSet((*loaded.fixtures, *layer.fixtures))
            await self._set_fixtures(
                session, _with_fixtures(layer, fixtures, len(loaded.fixtures)), loaded.fixtures
            )
            if loaded.rules:
                await self._prepend_rules(session, loaded.rules)
        await self._accounts.add(session, loaded.accounts)
        return loaded

    async def replace_all(self, session: str | None, loaded: LoadedFile) -> LoadedFile:
        """Replace all added fixtures; and all added fault rules and accounts, if the document has any."""
        async with self._pipeline.store.lock(session):
            before = await self._pipeline.store.overlay(session)
            loaded = renumber_file(loaded, format_scope_label(session), 0, before.rules_added)
            layer = replace(before, fixtures=FixtureSet(loaded.fixtures), fixtures_added=len(loaded.fixtures))
            await self._set_fixtures(session, layer, (*before.fixtures, *loaded.fixtures))
            if loaded.rules:
                await self._clear_rules(session)
                await self._prepend_rules(session, loaded.rules)
        if loaded.accounts:
            await self._accounts.clear(session)
            await self._accounts.add(session, loaded.accounts)
        return loaded

    async def put(self, session: str | None, name: str, loaded: LoadedFile) -> bool:
        """Replace the fixture with this name, or add it before all others; return whether it is new."""
        if len(loaded.fixtures) != 1 or loaded.rules:
            raise AdminError(
                400, f"found {len(loaded.fixtures)} fixtures, expected one, named {truncate_text(name)!r}"
            )
        [fixture] = loaded.fixtures
        given = (fixture.definition or {}).get("name", name)
        if given != name:
            raise AdminError(
                400,
                f"found the name {truncate_text(str(given))!r}, expected {truncate_text(name)!r}, as in the path",
            )
        fixture = replace(fixture, name=name)
        async with self._pipeline.store.lock(session):
            layer = await self._pipeline.store.overlay(session)
            new = name not in layer.fixtures
            others = [fixture if old.name == name else old for old in layer.fixtures]
            await self._set_fixtures(
                session,
                _with_fixtures(layer, FixtureSet((fixture, *others) if new else others), 1),
                [fixture],
            )
        return new

    async def remove(self, session: str | None, name: str) -> None:
        """Remove a fixture that was added at run time. Raises AdminError if there is none."""
        async with self._pipeline.store.lock(session):
            layer = await self._pipeline.store.overlay(session)
            removed = layer.fixtures.by_name(name)
            if removed is None:
                raise self._not_found(session, name, layer)
            before = layer.fixtures.fixtures
            behind = frozenset(one.name for one in before[before.index(removed) + 1 :])
            last_removed = (RemovedFixture(removed, behind), *layer.removed)[:_MAX_REMOVED]
            others = FixtureSet(one for one in before if one is not removed)
            await self._set_fixtures(
                session, replace(layer, fixtures=others, removed=last_removed), [removed]
            )

    async def restore(self, session: str | None, name: str) -> None:
        """Put a fixture that was removed back in its place. Raises AdminError if it cannot be."""
        async with self._pipeline.store.lock(session):
            layer = await self._pipeline.store.overlay(session)
            found = next((one for one in layer.removed if one.fixture.name == name), None)
            if found is None:
                raise AdminError(404, f"no fixture {truncate_text(name)!r} was removed lately")
            if name in layer.fixtures:
                raise self._name_taken(name)
            fixture, behind = found
            fixtures = list(layer.fixtures)
            place = next((at for at, one in enumerate(fixtures) if one.name in behind), len(fixtures))
            fixtures.insert(place, fixture)
            removed = tuple(one for one in layer.removed if one is not found)
            await self._set_fixtures(
                session, replace(layer, fixtures=FixtureSet(fixtures), removed=removed), [fixture]
            )

    async def clear(self, session: str | None) -> int:
        """Remove all fixtures that were added at run time; return their number."""
        async with self._pipeline.store.lock(session):
            layer = await self._pipeline.store.overlay(session)
            await self._set_fixtures(
                session,
                replace(layer, fixtures=NO_FIXTURES, fixtures_added=0, removed=()),
                layer.fixtures.fixtures,
            )
        return len(layer.fixtures)

    async def add_rules(self, session: str | None, rules: tuple[FaultRule, ...]) -> tuple[FaultRule, ...]:
        """Add fault rules before all others; return them with their final names."""
        async with self._pipeline.store.lock(session):
            layer = await self._pipeline.store.overlay(session)
            rules = number_rules(rules, format_scope_label(session), layer.rules_added)
            await self._prepend_rules(session, rules)
        return rules

    async def remove_rule(self, session: str | None, name: str) -> None:
        """Remove a fault rule that was added at run time. Raises AdminError if there is none."""
        async with self._pipeline.store.lock(session):
            layer = await self._pipeline.store.overlay(session)
            rules = tuple(one for one in layer.rules if one.name != name)
            if len(rules) == len(layer.rules):
                known = [one.name for one in layer.rules]
                raise AdminError(
                    404,
                    f"there is no added fault rule {truncate_text(name)!r}{did_you_mean(name, known)}",
                )
            await self._pipeline.store.set_overlay(session, replace(layer, rules=rules))
        self._feed.publish_change("faults", session)

    async def clear_rules(self, session: str | None) -> int:
        """Remove all fault rules that were added at run time; return their number."""
        async with self._pipeline.store.lock(session):
            return await self._clear_rules(session)

    async def _clear_rules(self, session: str | None) -> int:
        layer = await self._pipeline.store.overlay(session)
        await self._pipeline.store.set_overlay(session, replace(layer, rules=(), rules_added=0))
        await self._pipeline.store.reset_counters(
            session, _RULE_COUNTERS, [one.counter_key for one in layer.rules]
        )
        self._feed.publish_change("faults", session)
        return len(layer.rules)

    async def reload(self) -> int:
        """Read the fixture files again; return the number of fixtures. Raises InputError."""
        settings = self._pipeline.settings
        fixtures = await asyncio.to_thread(load_server_fixtures, settings)
        self._pipeline.replace_fixtures(fixtures)
        return len(fixtures)

    async def forget_requests(self, session: str | None) -> int:
        """Remove the journal's entries; return their number."""
        removed = await self._pipeline.store.journal.clear(session)
        self._watches.clear(session)
        self._feed.publish_change("requests", session)
        return removed

    async def reset(self, session: str | None, what: Collection[str]) -> None:
        """Reset the named kinds of state to the files: for a session, or for all sessions and the shared state."""
        store = self._pipeline.store
        if "requests" in what:
            await self.forget_requests(session)
            await store.forget_jobs(session)
            await store.forget_responses(session)
        if "counters" in what:
            await store.reset_counters(session, ALL_COUNTERS)
            self._feed.publish_change("counters", session)
        for name in (session,) if session is not None else (None, *await store.sessions()):
            if "fixtures" in what:
                await self.clear(name)
            if "faults" in what:
                await self.clear_rules(name)
            if "accounts" in what:
                await self._accounts.clear(name)
        if "accounts" in what:
            await self._accounts.reset_spending(session)

    async def _set_fixtures(
        self, session: str | None, overlay: Overlay, changed: Collection[Fixture]
    ) -> None:
        await self._pipeline.store.set_overlay(session, overlay)
        await self._pipeline.store.reset_counters(session, (ANSWERED,), [one.counter_key for one in changed])
        self._feed.publish_change("fixtures", session)
        await overlay.fixtures.build_prefilter()

    async def _prepend_rules(self, session: str | None, rules: tuple[FaultRule, ...]) -> None:
        layer = await self._pipeline.store.overlay(session)
        changed = replace(layer, rules=(*rules, *layer.rules), rules_added=layer.rules_added + len(rules))
        await self._pipeline.store.set_overlay(session, changed)
        self._feed.publish_change("faults", session)

    def _name_taken(self, name: str) -> AdminError:
        return AdminError(409, f"there is a fixture {truncate_text(name)!r} already; PUT replaces it")

    def _not_found(self, session: str | None, name: str, overlay: Overlay) -> AdminError:
        if name in self._pipeline.fixtures:
            fixture = self._pipeline.fixtures.by_name(name)
            source = fixture.source if fixture else ""
            return AdminError(409, f"{truncate_text(name)!r} is defined in {source}; change it there")
        scope = "shared by all sessions" if session is None else f"in the session {session}"
        near = did_you_mean(name, overlay.fixtures.names)
        return AdminError(404, f"there is no added fixture {truncate_text(name)!r} {scope}{near}")


def format_scope_label(session: str | None) -> str:
    """Return the part of a generated name that identifies its scope; equal requests give equal names in every run."""
    return "shared" if session is None else "session"


def _with_fixtures(overlay: Overlay, fixtures: FixtureSet, added_count: int) -> Overlay:
    return replace(overlay, fixtures=fixtures, fixtures_added=overlay.fixtures_added + added_count)
