"""From paths to a shelf: every file is read and checked, and either all of them are good or nothing changes."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mockserver import document, shape
from mockserver.document import Document, Trail, clipped
from mockserver.errors import InputError, Problem
from mockserver.record import ListOf, sayings
from mockserver.shelf import template
from mockserver.shelf.account import Account
from mockserver.shelf.fixture import FILE, WRITTEN, File, Fixture, ready
from mockserver.shelf.match import masked
from mockserver.shelf.matching import Look, Shelf
from mockserver.shelf.rule import RULE, Laid, laid

RUNTIME = "runtime"  # the source of what was added while the server ran

TEXT = "MOCKSERVER_FIXTURES_YAML"  # what a text that is no file's is called
_PACKAGE = Path(__file__).parents[1]


def shipped() -> Path:
    """The folder of the fixtures that come with the server: in the wheel, or beside the package in a checkout."""
    carried = _PACKAGE / "shipped"
    return carried if carried.is_dir() else _PACKAGE.parent / "fixtures"


def load(paths: Iterable[Path], text: str = "") -> Shelf:
    """The shelf of a text and of these files and folders, or of the shipped ones when there is neither.

    Raises InputError with every problem of every file.
    """
    problems: list[Problem] = []
    paths = tuple(paths) or (() if text else (shipped(),))
    look = seen(paths)  # before they are read: what changes from now on is an edit
    found = list(_found(paths, problems))
    stems = Counter(file.stem for file in found)
    books: list[Book] = []
    sources = [(functools.partial(document.parse, text, TEXT), TEXT)] if text else []
    for file in found:
        label = file.stem if stems[file.stem] == 1 else str(file.with_suffix(""))
        sources.append((functools.partial(document.read, file), label))
    for read, label in sources:
        try:
            books.append(of(read(), label))
        except InputError as error:
            problems += error.problems
    problems += _twins(books)
    if problems:
        raise InputError(*problems)
    fixtures = (fixture for book in books for fixture in book.fixtures)
    rules = (rule for book in books for rule in book.rules)
    return Shelf(fixtures, look, rules, (account for book in books for account in book.accounts))


@dataclass(frozen=True, slots=True)
class Book:
    """What stands in one document, in its order; `trails` say where each fixture stands."""

    written: Document
    fixtures: tuple[Fixture, ...] = ()
    rules: tuple[Laid, ...] = ()
    accounts: tuple[Account, ...] = ()
    trails: tuple[Trail, ...] = ()


def of(written: Document, label: str | None = None) -> Book:
    """The book of a fixture file; what has no name is called `label#1`, ... Raises InputError."""
    if written.value is None:
        return Book(written)
    if not isinstance(written.value, dict):
        message = (
            f"found {shape.found(written.value)}, expected a mapping: write `fixtures:` above a list of them"
        )
        raise InputError(Problem(message, "", written.name, *written.place(())))
    file = shape.read(FILE, written)
    label = Path(written.name).stem if label is None else label
    return _book(written, file, label, ("fixtures",))


def added(written: Document, label: str) -> Book:
    """The book of what is added while the server runs: a file's text, a list of fixtures, or one fixture.

    Raises InputError.
    """
    value = written.value
    trail: Trail = ("fixtures",)
    if isinstance(value, list):
        file, trail = File(fixtures=shape.read(ListOf(WRITTEN), written)), ()
    elif isinstance(value, dict) and not value.keys() & sayings(File).keys():
        file, trail = File(fixtures=(shape.read(WRITTEN, written),)), ("",)
    else:
        file = shape.read(FILE, written)
    book = _book(written, file, label, trail)
    if problems := list(_twins([book])):
        raise InputError(*problems)
    return replace(
        book,
        fixtures=tuple(replace(one, source=RUNTIME) for one in book.fixtures),
        rules=tuple(replace(one, source=RUNTIME) for one in book.rules),
        accounts=tuple(replace(one, source=RUNTIME) for one in book.accounts),
    )


def after(book: Book, label: str, fixtures: int, rules: int) -> Book:
    """The same book where so many fixtures and rules have been added before: what has no name is called after that.

    Raises InputError.
    """
    if not fixtures and not rules:
        return book
    called = (
        one if (one.written or {}).get("name") else replace(one, name=f"{label}#{number}")
        for number, one in enumerate(book.fixtures, fixtures + 1)
    )
    book = replace(book, fixtures=tuple(called), rules=named(book.rules, label, rules))
    if problems := list(_twins([book])):
        raise InputError(*problems)
    return book


def rules(written: Document) -> tuple[Laid, ...]:
    """The fault rules that are added while the server runs, one or a list of them, without names yet.

    Raises InputError.
    """
    many = isinstance(written.value, list)
    read = shape.read(ListOf(RULE), written) if many else (shape.read(RULE, written),)
    plain = written.value if isinstance(written.value, list) else [written.value]
    return tuple(laid(one, "", RUNTIME, wrote) for one, wrote in zip(read, plain, strict=True))


def named(rules: Iterable[Laid], label: str, before: int) -> tuple[Laid, ...]:
    """The rules with their names, where there have been so many before."""
    return tuple(replace(one, name=f"{label}-fault-{number}") for number, one in enumerate(rules, before + 1))


def _book(written: Document, file: File, label: str, trail: Trail) -> Book:
    # An empty step says that the document is the fixture itself.
    trails = [() if trail == ("",) else (*trail, index) for index in range(len(file.fixtures))]
    fixtures = [
        ready(one, f"{label}#{number}", _source(written, trail), file.defaults, _at(written, trail))
        for number, (one, trail) in enumerate(zip(file.fixtures, trails, strict=True), 1)
    ]
    problems = [
        problem
        for fixture, trail in zip(fixtures, trails, strict=True)
        for problem in _templates(fixture, trail, written)
    ]
    if problems:
        raise InputError(*problems)
    rules = [
        laid(one, f"{label}-fault-{number}", _source(written, trail), _at(written, trail))
        for number, (one, trail) in enumerate(
            ((one, ("faults", index)) for index, one in enumerate(file.faults)), 1
        )
    ]
    accounts = tuple(
        replace(one, source=_source(written, ("accounts", index))) for index, one in enumerate(file.accounts)
    )
    return Book(written, tuple(fixtures), tuple(rules), accounts, tuple(trails))


def _source(written: Document, trail: Trail) -> str:
    line, _ = written.place(trail)
    return f"{written.name}:{line}" if line else written.name


def _at(written: Document, trail: Trail) -> Any:
    value: Any = written.value
    for step in trail:
        value = value[step]
    return value


def files(path: Path) -> list[Path]:
    """A file itself; a folder's fixture files, those of its folders included, in sorted order."""
    if not os.path.isdir(path):  # noqa: PTH112 which never raises, not even where one may not look
        return [path]
    found: list[Path] = []
    for folder, folders, names in os.walk(path):
        # Mounted volumes keep their older versions in hidden folders.
        folders[:] = [name for name in folders if not name.startswith(".")]
        kept = (name for name in names if name.endswith((".yaml", ".yml")) and not name.startswith("."))
        found += [Path(folder, name) for name in kept]
    return sorted(found)


def seen(paths: Iterable[Path]) -> Look:
    """What a change would change: time, size and inode of every file."""
    found: dict[str, tuple[int, int, int]] = {}
    for file in (file for path in paths for file in files(path)):
        try:
            known = file.stat()
        except OSError:
            continue  # between two versions of a file there may be none
        found[str(file)] = known.st_mtime_ns, known.st_size, known.st_ino
    return found


def _found(paths: Iterable[Path], problems: list[Problem]) -> Iterator[Path]:
    """The files of all paths, one that is named twice once."""
    met: set[Path] = set()
    for path in paths:
        found = files(path)
        if not found:
            problems.append(Problem("found no .yaml or .yml file in this folder", source=str(path)))
        for file in found:
            real = Path(os.path.realpath(file))  # which never raises either, not even for a loop of links
            if real not in met:
                met.add(real)
                yield file


def _templates(fixture: Fixture, trail: Trail, written: Document) -> Iterator[Problem]:
    """What can be known to be wrong with the templates of a fixture."""
    groups = frozenset(
        name
        for term in fixture.terms
        for pattern in term.condition.patterns
        for name in (*pattern.groupindex, *range(pattern.groups + 1))
    )
    for number, response in enumerate(fixture.responses):
        for text, where in template.texts(response) if response.template else ():
            try:
                template.check(text, groups)
            except ValueError as error:
                answer = ("response",) if "response" in _at(written, trail) else ("responses", number)
                path = (*trail, *answer, *where)
                place = written.place(path)
                yield Problem(str(error), document.spelled(path), written.name, *place)


def _twins(books: Iterable[Book]) -> Iterator[Problem]:
    """The fixtures whose name another one has already, and the accounts whose key."""
    met: dict[str, Fixture] = {}
    keys: dict[str, Account] = {}
    for book in books:
        for fixture, trail in zip(book.fixtures, book.trails, strict=True):
            first = met.setdefault(fixture.name, fixture)
            if first is not fixture:
                path = (*trail, "name")
                message = f"the name {clipped(fixture.name)!r} is taken by the fixture at {first.source}"
                place = book.written.place(path)
                yield Problem(message, document.spelled(path), book.written.name, *place)
        for index, account in enumerate(book.accounts):
            known = keys.setdefault(account.key, account)
            if known is not account:
                path = ("accounts", index, "key")
                message = f"the key {masked(account.key)} is an account already, at {known.source}"
                yield Problem(message, document.spelled(path), book.written.name, *book.written.place(path))
