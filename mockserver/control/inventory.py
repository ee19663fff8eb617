"""What is in force: every fixture in the order in which it is asked, and every fault rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from mockserver.chat import Line
from mockserver.errors import Problem
from mockserver.record import ByType, ListOf, Record, record, said
from mockserver.session.store import ANSWERED, ROLLED, STRUCK, Layer
from mockserver.shape import Anything, Flag, Nothing, Number, OneOf, Shape, Text, Whole
from mockserver.shelf import reach
from mockserver.shelf.fixture import Fixture
from mockserver.shelf.match import is_secret, masked
from mockserver.shelf.matching import Shelf, Stack
from mockserver.shelf.rule import Laid

_NO_TEXT: Shape = ByType(text=Text(), null=Nothing())
_OF: Shape = OneOf("session", "shared", "file")


@record
class Shelved:
    """One fixture."""

    name: str = said(Text(), "its name")
    of: str = said(_OF, "who has it: a session, all of them (`shared`), or a file")
    session: str | None = said(_NO_TEXT, "whose it is, where it is a session's")
    source: str = said(Text(), "where it stands")
    hits: int = said(Whole(0), "how often it answered")
    never_used: bool = said(Flag(), "whether it did not")
    shadowed_by: str | None = said(_NO_TEXT, "the fixture that answers before it, always")
    written: Any = said(Anything(), "what stands there; keys are masked")


@record
class Mistake:
    """What is wrong with the files, so that an edit of theirs was not taken in."""

    source: str = said(Text(), "the file")
    line: int = said(Whole(0), "from 1; 0 where it has none")
    column: int = said(Whole(0), "from 1; 0 where it has none")
    path: str = said(Text(), "where it stands in the document")
    message: str = said(Text(), "what was found, and what was expected")


@record
class Inventory:
    """All fixtures."""

    fixtures: Sequence[Shelved] = said(ListOf(Record(Shelved)), "in the order in which they are asked")
    problems: Sequence[Mistake] = said(
        ListOf(Record(Mistake)), "of the files as they are now; the last good ones are served"
    )


@record
class InForce:
    """One fault rule."""

    id: str = said(Text(), "its name")
    of: str = said(_OF, "who has it: a session, all of them (`shared`), or a file or flag")
    session: str | None = said(_NO_TEXT, "whose it is, where it is a session's")
    source: str = said(Text(), "where it stands")
    rolled: int = said(Whole(0), "how often it was for a call")
    struck: int = said(Whole(0), "how often it struck")
    left_s: float | None = said(
        ByType(number=Number(), null=Nothing()), "seconds until its time is over; null: it has no end"
    )
    over: bool = said(
        Flag(),
        "whether it strikes no more: its time is over, or its times are, in each session that it struck",
    )
    written: Any = said(Anything(), "what stands there; keys are masked")


@record
class Rules:
    """All fault rules."""

    faults: Sequence[InForce] = said(ListOf(Record(InForce)), "in the order in which they are rolled")


async def fixtures(line: Line, session: str | None) -> Inventory:
    """Those that a session meets; without one, those of every session, and what they share."""
    hits = await line.store.counts(session, ANSWERED)
    own, shared = await layers(line, session)
    shelves = [layer.shelf for layer in own.values()] if session is not None else []
    shadows = _shadows(*shelves, shared.shelf, line.shelf)
    told: list[Shelved] = []
    for owner, layer in own.items():
        told += [_shelved(one, "session", owner, hits, shadows) for one in layer.shelf]
    told += [_shelved(one, "shared", None, hits, shadows) for one in shared.shelf]
    told += [_shelved(one, "file", None, hits, shadows) for one in line.shelf]
    return Inventory(fixtures=told, problems=[_mistake(one) for one in line.problems])


def _mistake(one: Problem) -> Mistake:
    return Mistake(source=one.source, line=one.line, column=one.column, path=one.path, message=one.message)


async def rules(line: Line, session: str | None) -> Rules:
    """Those that a session meets; without one, those of every session, and what they share."""
    store = line.store
    names = await store.sessions() if session is None else (session,)
    rolled = {name: await store.counts(name, ROLLED) for name in names}
    struck = {name: await store.counts(name, STRUCK) for name in names}
    own, shared = await layers(line, session)

    def told(laid: Iterable[Laid], of: str, owner: str | None = None) -> Iterator[InForce]:
        whose = names if owner is None else (owner,)
        for one in laid:
            struck_in = [count for name in whose if (count := struck[name].get(one.name, 0))]
            left = _left(one, store.clock.elapsed(one.since, owner or session))
            times = one.rule.times
            yield InForce(
                id=one.name,
                of=of,
                session=owner,
                source=one.source,
                rolled=sum(rolled[name].get(one.name, 0) for name in whose),
                struck=sum(struck_in),
                left_s=left,
                over=left == 0 or (bool(struck_in) and times is not None and min(struck_in) >= times),
                written=veiled(one.written),
            )

    mine = [rule for owner, layer in own.items() for rule in told(layer.rules, "session", owner)]
    rest = (*told(shared.rules, "shared"), *told((*line.shelf.rules, *line.rules), "file"))
    return Rules(faults=[*mine, *rest])


async def size(line: Line) -> int:
    """How many fixtures there are, those of every session included."""
    own, shared = await layers(line, None)
    return sum(map(len, (line.shelf, shared.shelf, *(layer.shelf for layer in own.values()))))


def _left(one: Laid, elapsed: float) -> float | None:
    lasting = one.rule.lasting
    return None if lasting is None else max(round(lasting - elapsed, 3), 0)


async def layers(line: Line, session: str | None) -> tuple[dict[str, Layer], Layer]:
    """The layers of a session, or of every one that has its own; and what they share."""
    names = await line.store.sessions() if session is None else (session,)
    own = {name: await line.store.layer(name) for name in names}
    return {name: layer for name, layer in own.items() if layer.shelf or layer.rules}, await line.store.layer(
        None
    )


def _shelved(
    one: Fixture, of: str, owner: str | None, hits: Mapping[str, int], shadows: Mapping[int, str]
) -> Shelved:
    count = hits.get(one.name, 0)
    return Shelved(
        name=one.name,
        of=of,
        session=owner,
        source=one.source,
        hits=count,
        never_used=count == 0,
        shadowed_by=shadows.get(id(one)),
        written=veiled(one.written),
    )


@lru_cache(maxsize=4)
def _shadows(*shelves: Shelf) -> Mapping[int, str]:
    """By a fixture's identity, the one that answers in its place: it covers it, or has its name."""
    asked = tuple(Stack(*shelves))
    shadows = {id(fixture): before.name for fixture, before in reach.shadowed(Shelf(asked))}
    met = {id(fixture) for fixture in asked}
    hidden = (fixture for shelf in shelves for fixture in shelf if id(fixture) not in met)
    return shadows | {id(fixture): fixture.name for fixture in hidden}


def veiled(written: Any) -> Any:
    """What a person wrote, with the keys in its match masked."""
    if not isinstance(written, Mapping) or not isinstance(written.get("match"), Mapping):
        return written
    match = dict(written["match"])
    if "key" in match:
        match["key"] = _masked(match["key"])
    if isinstance(match.get("header"), Mapping):
        match["header"] = {
            name: _masked(value) if is_secret(name) else value for name, value in match["header"].items()
        }
    return {**written, "match": match}


def _masked(condition: Any) -> Any:
    """A condition whose texts are keys, wherever they stand in it."""
    if isinstance(condition, Mapping):
        return {name: _masked(value) for name, value in condition.items()}
    if isinstance(condition, list):
        return [_masked(item) for item in condition]
    return masked(condition) if isinstance(condition, str) else condition
