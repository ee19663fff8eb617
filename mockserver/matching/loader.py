"""Loading and reloading of fixture files: either all files are valid, or nothing changes."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from mockserver.errors import InputError, Problem
from mockserver.fixtures.account_spec import AccountSpec
from mockserver.fixtures.fault_rules import FAULT_RULE, FaultRule, compile_rule
from mockserver.fixtures.fixture import FIXTURE, FIXTURE_FILE, Fixture, FixtureFileSpec, build_fixture
from mockserver.fixtures.jinja_template import check_template, collect_texts
from mockserver.fixtures.latency_rules import LatencyRuleSpec
from mockserver.fixtures.plan_spec import PlanStep
from mockserver.masking import mask_key
from mockserver.matching.counter_keys import assign_fixture_keys, assign_rule_keys
from mockserver.matching.document_sources import list_document_sources
from mockserver.matching.fixture_files import find_fixture_files, list_replayed_paths, stat_fixture_files
from mockserver.matching.fixture_set import LARGE_SET, FileStats, FixtureSet
from mockserver.matching.plan_loader import compile_plan, format_source, get_value_at
from mockserver.schema.field_types import read_document
from mockserver.schema.messages import describe_value, truncate_text
from mockserver.schema.object_types import ListOf, get_spec_fields
from mockserver.schema.yaml_document import (
    Document,
    ValuePath,
    document_from_value,
    format_path,
    stat_file,
)
from mockserver.settings import Settings

RUNTIME_SOURCE = "runtime"  # the source of what was added while the server ran

_PACKAGE_FOLDER = Path(__file__).parents[1]


def locate_shipped_fixtures() -> Path:
    """Return the folder of the shipped fixtures: in the wheel, or beside the package in a checkout."""
    carried = _PACKAGE_FOLDER / "shipped"
    return carried if carried.is_dir() else _PACKAGE_FOLDER.parent / "fixtures"


class FixtureFilesError(InputError):
    """The problems of fixture files; with the stats of the files that were read, and the files that they name."""

    def __init__(
        self, problems: Iterable[Problem], file_stats: FileStats, named_files: Iterable[str]
    ) -> None:
        super().__init__(*problems)
        self.file_stats = file_stats
        self.named_files = frozenset(named_files)


def load_fixture_set(
    paths: Iterable[Path], text: str = "", section_files: Mapping[str, Path] = MappingProxyType({})
) -> FixtureSet:
    """Load the fixtures of a text and of these files and folders; the shipped ones without either.

    `section_files` are further files by the key that each must have, as `latency`; what they contain comes first.
    Raises InputError with all problems of all files.
    """
    paths = tuple(paths)
    is_shipped = not (paths or text)
    paths = (locate_shipped_fixtures(),) if is_shipped else paths
    # Before the files are read: what changes from now on is an edit.
    look = dict(stat_fixture_files((*section_files.values(), *paths)))
    found = find_fixture_files(paths)
    problems = list(found.problems)
    loaded_files: list[LoadedFile] = []
    documents: list[Document] = []
    for read, label in list_document_sources(found.files, text, section_files):
        try:
            documents.append(read())
            loaded_files.append(load_fixture_document(documents[-1], label))
        except InputError as error:
            problems += error.problems
    problems += _find_duplicates(loaded_files)
    for document in documents:
        look |= {path: stat for path, stat in document.named_files.items() if stat is not None}
    if problems:
        named_files = (path for document in documents for path in document.named_files)
        raise FixtureFilesError(problems, look, (*named_files, *look, *map(str, section_files.values())))
    fixtures = [fixture for loaded in loaded_files for fixture in loaded.fixtures]
    if is_shipped:
        fixtures = [replace(fixture, origin="shipped") for fixture in fixtures]
    rules = (rule for loaded in loaded_files for rule in loaded.rules)
    accounts = (account for loaded in loaded_files for account in loaded.accounts)
    keyed_rules = assign_rule_keys(rules, "file")
    latency_rules = (rule for loaded in loaded_files for rule in loaded.latency_rules)
    plan = (step for loaded in loaded_files for step in loaded.plan)
    fixture_set = FixtureSet(
        assign_fixture_keys(fixtures), look, keyed_rules, accounts, found.omitted, latency_rules, plan
    )
    if len(fixture_set) > LARGE_SET:
        fixture_set.prefilter  # noqa: B018 it is built now, on the thread that loads the files
    return fixture_set


def load_server_fixtures(settings: Settings) -> FixtureSet:
    """Load the fixtures of a server: those of its paths, and the recordings that it replays. Raises InputError."""
    recordings = () if settings.record is None else list_replayed_paths(settings.record)
    paths, text = (*settings.paths, *recordings), settings.fixtures_yaml
    if settings.record is not None and not paths:
        text = text or "fixtures: []"
    return load_fixture_set(paths, text, settings.section_files)


def replace_loaded_files(fixture_set: FixtureSet, files: Sequence[LoadedFile]) -> FixtureSet:
    """Return a fixture set with the fixtures of files that were written since it was loaded, these last."""
    names = {file.document.name for file in files}
    kept = [one for one in fixture_set.fixtures if one.source.rpartition(":")[0] not in names]
    written = (fixture for file in files for fixture in file.fixtures)
    stats = {name: stat for name in names if (stat := stat_file(name)) is not None}
    return FixtureSet(
        assign_fixture_keys([*kept, *written]),
        {**fixture_set.file_stats, **stats},
        fixture_set.rules,
        fixture_set.accounts.values(),
        fixture_set.omitted_files,
        fixture_set.latency_rules,
    )


@functools.cache
def load_shipped_fixtures() -> LoadedFile:
    """Load the shipped fixtures as one document."""
    return LoadedFile(document_from_value({}, "shipped"), load_fixture_set(()).fixtures)


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """The contents of one document, in its order; `paths` has the position of each fixture."""

    document: Document
    fixtures: tuple[Fixture, ...] = ()
    rules: tuple[FaultRule, ...] = ()
    accounts: tuple[AccountSpec, ...] = ()
    latency_rules: tuple[LatencyRuleSpec, ...] = ()
    plan: tuple[PlanStep, ...] = ()
    paths: tuple[ValuePath, ...] = ()


def load_fixture_document(source: Document, label: str | None = None) -> LoadedFile:
    """Load the fixtures of a document; unnamed ones are called `label#1`, ... Raises InputError."""
    if source.value is None:
        return LoadedFile(source)
    if not isinstance(source.value, dict):
        message = f"found {describe_value(source.value)}, expected a mapping: write `fixtures:` above a list of them"
        raise InputError(Problem(message, "", source.name, *source.position(())))
    file = read_document(FIXTURE_FILE, source)
    label = Path(source.name).stem if label is None else label
    return _build_file(source, file, label, ("fixtures",))


def load_runtime_document(source: Document, label: str) -> LoadedFile:
    """Load the fixtures added at run time: a whole document, a list of fixtures, or one fixture.

    Raises InputError.
    """
    value = source.value
    path: ValuePath = ("fixtures",)
    if isinstance(value, list):
        file, path = FixtureFileSpec(fixtures=read_document(ListOf(FIXTURE), source)), ()
    elif isinstance(value, dict) and not value.keys() & get_spec_fields(FixtureFileSpec).keys():
        file, path = FixtureFileSpec(fixtures=(read_document(FIXTURE, source),)), ("",)
    else:
        file = read_document(FIXTURE_FILE, source)
    loaded = _build_file(source, file, label, path)
    if problems := [*_find_duplicates([loaded]), *_find_file_keys(source)]:
        raise InputError(*problems)
    return replace(
        loaded,
        fixtures=tuple(replace(one, source=RUNTIME_SOURCE, origin="runtime") for one in loaded.fixtures),
        rules=tuple(replace(one, source=RUNTIME_SOURCE) for one in loaded.rules),
        accounts=tuple(replace(one, source=RUNTIME_SOURCE) for one in loaded.accounts),
    )


def _find_file_keys(source: Document) -> Iterator[Problem]:
    """Yield the keys of a document that only files can have."""
    for key, hint in _FILE_KEYS.items():
        if isinstance(source.value, dict) and key in source.value:
            yield Problem(f"{key} has no effect here; {hint}", key, source.name, *source.position((key,)))


_FILE_KEYS = {"latency": "write it into a file", "plan": "send it to POST /_mock/plan"}


def renumber_file(file: LoadedFile, label: str, fixtures: int, rules: int) -> LoadedFile:
    """Return a file with its unnamed fixtures and rules numbered after those that were added before.

    Raises InputError.
    """
    if not fixtures and not rules:
        return file
    called = (
        one if (one.definition or {}).get("name") else replace(one, name=f"{label}#{number}")
        for number, one in enumerate(file.fixtures, fixtures + 1)
    )
    file = replace(file, fixtures=tuple(called), rules=number_rules(file.rules, label, rules))
    if problems := list(_find_duplicates([file])):
        raise InputError(*problems)
    return file


def parse_runtime_rules(source: Document) -> tuple[FaultRule, ...]:
    """Parse the fault rules added at run time, one or a list, still without names.

    Raises InputError.
    """
    many = isinstance(source.value, list)
    read = read_document(ListOf(FAULT_RULE), source) if many else (read_document(FAULT_RULE, source),)
    plain = source.value if isinstance(source.value, list) else [source.value]
    return tuple(compile_rule(one, "", RUNTIME_SOURCE, wrote) for one, wrote in zip(read, plain, strict=True))


def number_rules(rules: Iterable[FaultRule], label: str, before: int) -> tuple[FaultRule, ...]:
    """Name the unnamed rules, numbered after those that were added before."""
    return tuple(replace(one, name=f"{label}-fault-{number}") for number, one in enumerate(rules, before + 1))


def _build_file(source: Document, file: FixtureFileSpec, label: str, path: ValuePath) -> LoadedFile:
    # An empty step says that the document is the fixture itself.
    paths = [() if path == ("",) else (*path, index) for index in range(len(file.fixtures))]
    fixtures = [
        build_fixture(one, f"{label}#{number}", format_source(source, path), file, get_value_at(source, path))
        for number, (one, path) in enumerate(zip(file.fixtures, paths, strict=True), 1)
    ]
    problems = [
        problem
        for fixture, path in zip(fixtures, paths, strict=True)
        for problem in _check_templates(fixture, path, source)
    ]
    if problems:
        raise InputError(*problems)
    rules = [
        compile_rule(one, f"{label}-fault-{number}", format_source(source, path), get_value_at(source, path))
        for number, (one, path) in enumerate(
            ((one, ("faults", index)) for index, one in enumerate(file.faults)), 1
        )
    ]
    accounts = tuple(
        replace(one, source=format_source(source, ("accounts", index)))
        for index, one in enumerate(file.accounts)
    )
    plan = compile_plan(file.plan, source, ("plan",), label)
    return LoadedFile(source, tuple(fixtures), tuple(rules), accounts, file.latency, plan, tuple(paths))


def _check_templates(fixture: Fixture, fixture_path: ValuePath, written: Document) -> Iterator[Problem]:
    """Yield the problems of a fixture's templates that can be found without a request."""
    groups = frozenset(
        name
        for term in fixture.criteria
        for pattern in term.predicate.patterns
        for name in pattern.group_names
    )
    for number, response in enumerate(fixture.responses):
        for text, where in collect_texts(response) if response.template else ():
            try:
                check_template(text, groups, fixture.masking)
            except ValueError as error:
                answer = (
                    ("response",)
                    if "response" in get_value_at(written, fixture_path)
                    else ("responses", number)
                )
                path = (*fixture_path, *answer, *where)
                place = written.position(path)
                yield Problem(str(error), format_path(path), written.name, *place)


def _find_duplicates(files: Iterable[LoadedFile]) -> Iterator[Problem]:
    """Yield the fixtures whose name, and the accounts whose key, another one has already."""
    met: dict[str, Fixture] = {}
    keys: dict[str, AccountSpec] = {}
    for loaded in files:
        for fixture, fixture_path in zip(loaded.fixtures, loaded.paths, strict=True):
            first = met.setdefault(fixture.name, fixture)
            if first is not fixture:
                path = (*fixture_path, "name")
                message = (
                    f"the name {truncate_text(fixture.name)!r} is taken by the fixture at {first.source}"
                )
                place = loaded.document.position(path)
                yield Problem(message, format_path(path), loaded.document.name, *place)
        for index, account in enumerate(loaded.accounts):
            known = keys.setdefault(account.key, account)
            if known is not account:
                path = ("accounts", index, "key")
                message = f"the key {mask_key(account.key)} is an account already, at {known.source}"
                yield Problem(
                    message, format_path(path), loaded.document.name, *loaded.document.position(path)
                )


POLL_INTERVAL = 0.2  # seconds
MAX_UNSTABLE_POLLS = 3  # polls that find the files changed again, before they are read all the same

OnReload = Callable[[FixtureSet | InputError], None]


async def watch_fixture_files(
    paths: tuple[Path, ...],
    read_loaded: Callable[[], FileStats],
    load: Callable[[], FixtureSet],
    on_change: Callable[[FixtureSet], None],
    on_reload: OnReload,
) -> None:
    """Load the files again after each edit, until the task is cancelled; no error ends it.

    `read_loaded` returns the stats of the files that are loaded, from before they were read; they change when the
    server itself writes a file. `on_change` receives the fixtures of a
    valid edit, `on_reload` those or the error. An edit is read once two polls find the same files, so that no file
    is read half written; files that change all the time are read nevertheless.
    """
    loaded = read_loaded()
    poll, reported = _FilePoll(loaded), ""
    while True:
        await asyncio.sleep(POLL_INTERVAL)
        try:
            found = await asyncio.to_thread(stat_fixture_files, paths, poll.named_files)
            if loaded is not read_loaded():
                loaded = read_loaded()
                poll.note_loaded(loaded, loaded)
            if not poll.is_edited(found):
                continue
            fixtures = await asyncio.to_thread(load)
            poll.note_loaded(fixtures.file_stats, fixtures.file_stats)
            on_change(fixtures)
            on_reload(fixtures)
            reported = ""
        except Exception as error:  # noqa: BLE001 whatever it is, the next edit may be valid
            if isinstance(error, FixtureFilesError):
                poll.note_loaded(error.file_stats, error.named_files)
            problem = error if isinstance(error, InputError) else _describe_unexpected(error)
            if problem is error or str(problem) != reported:  # an error of every poll is reported once
                with contextlib.suppress(Exception):
                    on_reload(problem)
            reported = str(problem)


class _FilePoll:
    """The stats that the last polls found. `named_files` are watched besides those in the paths."""

    def __init__(self, loaded: FileStats) -> None:
        self.named_files: frozenset[str] = frozenset(loaded)
        self._loaded = self._last = loaded
        self._unstable_polls = 0

    def note_loaded(self, file_stats: FileStats, named_files: Iterable[str]) -> None:
        """Take these stats as those of the loaded files."""
        self.named_files = frozenset(named_files)
        self._loaded = self._last = file_stats

    def is_edited(self, now: FileStats) -> bool:
        """Return whether the files are to be read again; if so, take these stats as those of the loaded files."""
        self._unstable_polls = 0 if now == self._last else self._unstable_polls + 1
        self._last = now
        if now == self._loaded or 0 < self._unstable_polls < MAX_UNSTABLE_POLLS:
            return False
        self._loaded, self._unstable_polls = now, 0
        return True


def _describe_unexpected(error: Exception) -> InputError:
    return InputError.from_message(f"unexpected {type(error).__name__}: {error}", source="the fixture files")
