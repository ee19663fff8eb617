"""From paths to a shelf: every file is read and checked, and either all of them are good or nothing changes."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver import document, shape
from mockserver.document import Document, clipped
from mockserver.errors import InputError, Problem
from mockserver.shelf import template
from mockserver.shelf.fixture import FILE, Fixture, ready
from mockserver.shelf.matching import Look, Shelf

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
            written = read()
            books.append(Book(written, of(written, label)))
        except InputError as error:
            problems += error.problems
    problems += _twins(books)
    if problems:
        raise InputError(*problems)
    return Shelf((fixture for book in books for fixture in book.fixtures), look)


def of(written: Document, label: str | None = None) -> list[Fixture]:
    """The fixtures of one document; those without a name are called `label#1`, ... Raises InputError."""
    if written.value is None:
        return []
    if not isinstance(written.value, dict):
        message = (
            f"found {shape.found(written.value)}, expected a mapping: write `fixtures:` above a list of them"
        )
        raise InputError(Problem(message, "", written.name, *written.place(())))
    file = shape.read(FILE, written)
    label = Path(written.name).stem if label is None else label
    fixtures = []
    for number, one in enumerate(file.fixtures):
        line, _ = written.place(("fixtures", number))
        fixtures.append(ready(one, f"{label}#{number + 1}", f"{written.name}:{line}", file.defaults))
    problems = [
        problem for index, fixture in enumerate(fixtures) for problem in _templates(fixture, index, written)
    ]
    if problems:
        raise InputError(*problems)
    return fixtures


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


@dataclass(frozen=True, slots=True)
class Book:
    """A fixture file, and the fixtures in it, in their order."""

    written: Document
    fixtures: list[Fixture]


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


def _templates(fixture: Fixture, index: int, written: Document) -> Iterator[Problem]:
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
                path = ("fixtures", index, *_where(written, index, number), *where)
                place = written.place(path)
                yield Problem(str(error), document.spelled(path), written.name, *place)


def _where(written: Document, index: int, number: int) -> tuple[str | int, ...]:
    """The path of a fixture's response: `response`, or one of `responses`."""
    value: Any = written.value
    return ("response",) if "response" in value["fixtures"][index] else ("responses", number)


def _twins(books: Iterable[Book]) -> Iterator[Problem]:
    """The fixtures whose name another one has already."""
    met: dict[str, Fixture] = {}
    for book in books:
        for index, fixture in enumerate(book.fixtures):
            first = met.setdefault(fixture.name, fixture)
            if first is not fixture:
                path = ("fixtures", index, "name")
                message = f"the name {clipped(fixture.name)!r} is taken by the fixture at {first.source}"
                place = book.written.place(path)
                yield Problem(message, document.spelled(path), book.written.name, *place)
