"""Which fixture answers? Matching is the absence of difference, so that a miss can explain itself."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import partial
from typing import Any, Final

from mockserver.call import Call, ToolResult
from mockserver.shelf.account import Account
from mockserver.shelf.condition import MISSING, as_text, spell
from mockserver.shelf.fixture import Fixture
from mockserver.shelf.index import Index
from mockserver.shelf.match import Term, masked
from mockserver.shelf.response import Response
from mockserver.shelf.rule import Laid
from mockserver.value import value

# What a file was when it was read, by its path: time, size and inode.
Look = Mapping[str, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a call and a match part: the field, what it expected, what it found."""

    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Miss:
    """A fixture that did not answer, and why."""

    fixture: Fixture
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        return f"{self.fixture.name!r} missed on {'; '.join(map(str, self.differences))}"


@value
class Found:
    """The fixture that answers, and with which of its responses."""

    fixture: Fixture
    response: Response


class Shelf:
    """All fixtures in the order in which they are asked, and the fault rules and accounts that stand beside them.

    `look` is what their files were when they were read.
    """

    __slots__ = ("_by_name", "_index", "_mark", "accounts", "fixtures", "look", "rules")

    def __init__(
        self,
        fixtures: Iterable[Fixture],
        look: Look | None = None,
        rules: Iterable[Laid] = (),
        accounts: Iterable[Account] = (),
    ) -> None:
        self.fixtures = tuple(fixtures)
        self.look: Look = look or {}
        self.rules = tuple(rules)
        self.accounts: Mapping[str, Account] = {account.key: account for account in accounts}
        self._by_name = {fixture.name: fixture for fixture in self.fixtures}
        self._index: Index | None = None
        self._mark = object()  # of this shelf, and less than it

    def __len__(self) -> int:
        return len(self.fixtures)

    def __iter__(self) -> Iterator[Fixture]:
        return iter(self.fixtures)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def near(self, call: Call) -> Iterator[Fixture]:
        """The fixtures that may answer a call, in their order."""
        if len(self.fixtures) <= _FEW:
            return iter(self.fixtures)
        return self.index.near(call)

    def first(self, call: Call) -> Fixture | None:
        """The first that has no difference from a call, noted with it: the same may be asked again and again."""
        before: tuple[object, Fixture | None] | None = call.notes.get(_FIRST)
        if before is not None and before[0] is self._mark:
            return before[1]
        found = next(holding(call, self), None)
        call.notes[_FIRST] = self._mark, found
        return found

    @property
    def index(self) -> Index:
        """Made when it is first needed: many a shelf is made only to be laid aside for the next."""
        if self._index is None:
            self._index = Index(self.fixtures)
        return self._index

    def named(self, name: str) -> Fixture | None:
        return self._by_name.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)


class Stack:
    """Several shelves, the nearest first. A fixture takes the place of those with its name on farther ones."""

    __slots__ = ("shelves",)

    def __init__(self, *shelves: Shelf) -> None:
        self.shelves = shelves

    def __iter__(self) -> Iterator[Fixture]:
        return self._seen(shelf.__iter__ for shelf in self.shelves)

    def first(self, call: Call) -> Fixture | None:
        """The first that has no difference from a call."""
        return next(holding(call, self), None)

    def near(self, call: Call) -> Iterator[Fixture]:
        """The fixtures that may answer a call, in their order."""
        return self._seen(partial(shelf.near, call) for shelf in self.shelves)

    def _seen(self, several: Iterable[Callable[[], Iterator[Fixture]]]) -> Iterator[Fixture]:
        """What each shelf gives, but for those whose place is taken."""
        for number, give in enumerate(several):
            nearer = self.shelves[:number]
            for fixture in give():
                if not any(fixture.name in one for one in nearer):
                    yield fixture

    def named(self, name: str) -> Fixture | None:
        return next((shelf.named(name) for shelf in self.shelves if name in shelf), None)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(fixture.name for fixture in self)


def over(*shelves: Shelf) -> Shelf | Stack:
    """These shelves, the nearest first; one alone where the others are empty, as they mostly are."""
    filled = [shelf for shelf in shelves if shelf.fixtures]
    return filled[0] if len(filled) == 1 else Stack(*filled)


def pick(call: Call, shelf: Shelf | Stack, answered: Mapping[str, int]) -> Found | None:
    """The first fixture that has no difference from the call and is not used up.

    `answered` says how often each fixture, by name, has answered in this session.
    """
    first = shelf.first(call)
    if first is None:
        return None
    response = first.after(answered.get(first.name, 0))
    if response is not None:
        return Found(first, response)
    for fixture in holding(call, shelf):
        response = fixture.after(answered.get(fixture.name, 0))
        if response is not None:
            return Found(fixture, response)
    return None


def holding(call: Call, shelf: Shelf | Stack) -> Iterator[Fixture]:
    """The fixtures that have no difference from a call, used up or not, in their order."""
    for fixture in shelf.near(call):
        for term in fixture.terms:
            if not term.condition.holds(term.look(call)):
                break
        else:
            yield fixture


def nearest(call: Call, shelf: Iterable[Fixture], answered: Mapping[str, int], most: int = 3) -> list[Miss]:
    """The fixtures that came nearest: those that missed on the fewest fields, then on the likest texts."""
    few = heapq.nsmallest(_CANDIDATES, enumerate(shelf), lambda one: (_missed(call, one[1]), one[0]))
    ranked = sorted(few, key=lambda one: (_missed(call, one[1]), -_likeness(call, one[1]), one[0]))
    return [Miss(fixture, differences(call, fixture, answered)) for _, fixture in ranked[:most]]


def differences(call: Call, fixture: Fixture, answered: Mapping[str, int]) -> tuple[Difference, ...]:
    """Everything in which a call differs from what a fixture asks; nothing when it would answer."""
    unlike = tuple(
        Difference(term.field, term.condition.words, shown(term, call))
        for term in fixture.terms
        if not term.holds(call)
    )
    times = answered.get(fixture.name, 0)
    if not unlike and fixture.after(times) is None:
        return (Difference("times", "a response that is left", f"none: it has answered {times} times"),)
    return unlike


class Groups:
    """What a fixture's regular expressions found in a call: by name, by number, and 0 for the whole.

    No mapping: `match.items` is the group of that name.
    """

    __slots__ = ("_found",)

    def __init__(self, found: Mapping[str | int, str]) -> None:
        self._found = found

    def __getitem__(self, group: str | int) -> str:
        if group not in self._found:
            # No LookupError, of which Jinja2 would make words of its own.
            raise ValueError(f"match has no group {group!r}: the expression found nothing in this request")
        return self._found[group]


def groups(call: Call, fixture: Fixture) -> Groups:
    """The groups of all its expressions; where two have the same one, the first expression's."""
    found: dict[str | int, str] = {}
    for term in fixture.terms:
        texts = _texts(term.look(call)) if term.condition.patterns else ()
        for match in (pattern.search(text) for pattern in term.condition.patterns for text in texts):
            if match:
                numbered: dict[str | int, str | None] = dict(enumerate((match[0], *match.groups())))
                found = {name: text or "" for name, text in (numbered | match.groupdict()).items()} | found
    return Groups(found)


def shown(term: Term, call: Call) -> str:
    """What a term found in a call, as a message shows it: short, and never a key."""
    found = term.look(call)
    if found is MISSING:
        return _ABSENT.get(term.field, "nothing")
    if term.secret:
        return masked(found)
    match term.field:
        case "tool_result":
            return _result(found)
        case "tools":
            return ", ".join(found) or "no tools"
        case "any_message":
            return " and ".join(map(spell, found[-3:])) or "no message"
    return spell(found)


def _result(found: ToolResult | None) -> str:
    return f"a result of {found.name or 'a tool'}: {spell(found.text)}" if found else "no tool's result"


def _texts(found: Any) -> tuple[str, ...]:
    if isinstance(found, ToolResult):
        return (found.text,)
    if isinstance(found, tuple):
        return found
    return () if found is MISSING or found is None else (as_text(found),)


def _missed(call: Call, fixture: Fixture) -> int:
    return sum(not term.holds(call) for term in fixture.terms)


def _likeness(call: Call, fixture: Fixture) -> float:
    """How near, from 0 to 1, the texts came that a fixture looked for and did not find; nearest a slip of the pen."""
    near = [0.0]
    for term in fixture.terms:
        wanted, found = _wanted(term), term.look(call)
        if wanted and isinstance(found, str) and not term.holds(call):
            text = found[:_READ].casefold()
            same = SequenceMatcher(None, text, wanted[:_READ], autojunk=False).get_matching_blocks()
            near.append(max(block.size for block in same) / len(wanted))
    return max(near)


def _wanted(term: Term) -> str | None:
    literal = term.condition.literal
    return literal.casefold() if isinstance(literal, str) else term.condition.part


_FEW = 4  # fixtures that are asked sooner than looked up
_FIRST: Final = "first"
_CANDIDATES = 50  # fixtures whose texts are compared
_READ = 200  # characters of each
_ABSENT = {
    "key": "no key",
    "model": "no model",
    "user": "no user message",
    "system": "no system message",
}
