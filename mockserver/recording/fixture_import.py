"""The import of recordings that other programs have made: files of several formats become files of fixtures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from mockserver.errors import InputError, Problem
from mockserver.fixtures.fixture import FIXTURE
from mockserver.recording.aimock_file import read_aimock_fixtures
from mockserver.recording.cassette_file import INTERACTION_KEYS, read_cassette
from mockserver.recording.exchange_mask import ExchangeMask
from mockserver.recording.fixture_writer import NoFixtureError
from mockserver.recording.har_file import read_har
from mockserver.recording.http_exchange import HttpExchange, ImportRouter
from mockserver.recording.import_problems import SkippedPart
from mockserver.recording.json_lines import BatchRequests, read_json_lines
from mockserver.recording.recorder import Recorder
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import document_from_value, parse_yaml, read_text_file
from mockserver.schema.yaml_scalars import CASSETTE_SCALARS

Parts = Iterator["HttpExchange | SkippedPart | dict[str, Any]"]

_MAX_BYTES: Final = 256 * 1024 * 1024  # of a JSON file; one of YAML has the limit of fixture files
_YAML_SUFFIXES: Final = (".yaml", ".yml")
_MAX_PARTS: Final = 5_000  # requests and fixtures of one import, each of which is compared with all others
_EXPECTED: Final = (
    "a vcrpy cassette, a HAR file, aimock fixtures, or a request with its response in each line"
)


@dataclass
class ImportedFile:
    """An imported file: the number of its requests and fixtures, and of its masked values.

    The target is not written if all requests equal those of other files, whose fixtures then have the answers.
    """

    source: Path
    target: Path
    part_count: int = 0
    masked_count: int = 0
    is_written: bool = True


@dataclass
class ImportResult:
    """The written files, and the parts of the sources that are not in them."""

    files: list[ImportedFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def import_files(
    paths: Iterable[Path],
    folder: Path,
    router: ImportRouter,
    mask: ExchangeMask,
    taken_names: Iterable[str] = (),
) -> ImportResult:
    """Write the contents of files as fixtures to a folder: a file for each, with its name.

    Raises InputError for a file of no known format, or if a file of the name exists; OSError if none can be written.
    """
    sources = {path: _load(path) for path in paths}
    requests = BatchRequests()
    for value in sources.values():
        requests.add_all(value if isinstance(value, list) else ())
    targets = {path: folder / f"{path.stem}.yaml" for path in sources}
    for target in targets.values():
        if target.exists():
            raise InputError.from_message(
                "exists already; remove it, or name another folder", source=str(target)
            )
    importer = _Importer(router, mask, taken_names)
    for path, value in sources.items():
        importer.add_file(path, targets[path], _read_parts(path, value, requests))
    importer.save()
    return importer.result


class _Importer:
    """Adds the parts of files to a recorder, and writes all files at the end."""

    def __init__(self, router: ImportRouter, mask: ExchangeMask, taken_names: Iterable[str]) -> None:
        self.result = ImportResult()
        self._router = router
        self._recorder = Recorder(router.router, mask, taken_names, is_new=True, is_import=True)
        self._count = 0

    def add_file(self, source: Path, target: Path, parts: Parts) -> None:
        """Add the parts of a file, and note those that cannot be added."""
        imported = ImportedFile(source, target)
        self.result.files.append(imported)
        for part in parts:
            if isinstance(part, SkippedPart):
                self.result.problems.append(Problem(part.reason, part.place, str(source)))
                continue
            self._count += 1
            if self._count > _MAX_PARTS:
                raise InputError.from_message(
                    f"found more than {_MAX_PARTS:,} requests; import fewer at a time", source=str(source)
                )
            if isinstance(part, HttpExchange):
                imported.part_count += self._add_exchange(part, source, target)
            else:
                imported.part_count += self._add_fixture(part, source, target)

    def _add_exchange(self, part: HttpExchange, source: Path, target: Path) -> bool:
        try:
            self._recorder.add(self._router.build_exchange(part), target)
        except NoFixtureError as error:
            self.result.problems.append(Problem(f"not imported: {error}", part.place, str(source)))
            return False
        return True

    def _add_fixture(self, definition: dict[str, Any], source: Path, target: Path) -> bool:
        try:
            read_document(FIXTURE, document_from_value(definition, str(source)))
        except InputError as error:
            problem = error.problems[0]
            self.result.problems.append(
                Problem(f"not imported: {problem.message}", problem.path, str(source))
            )
            return False
        self._recorder.add_fixture(definition, target)
        return True

    def save(self) -> None:
        """Write the files."""
        self._recorder.save_all()
        for imported in self.result.files:
            imported.masked_count = len(self._recorder.masked_values[imported.target])
            imported.is_written = imported.target.exists()


def _load(path: Path) -> Any:
    """Return the value of a file; a list of the values of its lines if it has one in each. Raises InputError."""
    if path.suffix in _YAML_SUFFIXES:
        return parse_yaml(read_text_file(path), str(path), CASSETTE_SCALARS).value
    text = read_text_file(path, max_bytes=_MAX_BYTES)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return list(_parse_lines(text, path))
    return [value] if isinstance(value, Mapping) and "response" in value else value


def _parse_lines(text: str, path: Path) -> Iterator[Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as error:
                message = f"expected {_EXPECTED}; not JSON: {error.msg}"
                raise InputError(Problem(message, "", str(path), number, error.colno)) from None


def _read_parts(path: Path, value: Any, requests: BatchRequests) -> Parts:
    """Return the parts of a file. Raises InputError if it has another format."""
    if isinstance(value, list):
        return read_json_lines(value, requests)
    if isinstance(value, Mapping):
        if any(key in value for key in INTERACTION_KEYS):
            return read_cassette(value)
        if isinstance(value.get("log"), Mapping) and "entries" in value["log"]:
            return read_har(value)
        if isinstance(value.get("fixtures"), list):
            return read_aimock_fixtures(value)
    raise InputError.from_message(f"expected {_EXPECTED}", source=str(path))
