"""The fixture files of the given paths: in folders YAML files, and those JSON files that contain fixtures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from mockserver.errors import InputError, Problem
from mockserver.matching.fixture_set import FileStats
from mockserver.schema.messages import format_alternatives
from mockserver.schema.yaml_document import read_text_file, stat_file
from mockserver.settings import RecordSettings

_SUFFIXES = (".yaml", ".yml", ".json")
_SCHEMA_SUFFIX = ".schema.json"  # of JSON Schemas, such as the one that `mockserver init` writes
_MAX_FOLDERS = 10_000  # of one path; a link may lead anywhere
_CONTENT_KEYS: Final = ("fixtures", "faults", "accounts")  # a file without any of them adds nothing
_CONTENT_KEY = re.compile(rf"\b(?:{'|'.join(_CONTENT_KEYS)})[\"']?\s*:")


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """The files to load, each once; the JSON files without fixtures, with the reason; and what else is wrong."""

    files: tuple[Path, ...]
    omitted: tuple[Problem, ...]
    problems: tuple[Problem, ...]


def find_fixture_files(paths: Iterable[Path]) -> FoundFiles:
    """Find the fixture files of all paths. A path that is a file itself is always one of them."""
    files: dict[str, Path] = {}  # by their real paths
    omitted: list[Problem] = []
    problems: list[Problem] = []
    for path in paths:
        found, folder_count = _list_path(path)
        others = list(_find_other_json(found)) if folder_count else []
        without_fixtures = {problem.source for problem in others}
        kept = [file for file in found if str(file) not in without_fixtures]
        omitted += others
        if folder_count > _MAX_FOLDERS:
            message = f"found more than {_MAX_FOLDERS:,} folders, links included; name a smaller one"
            problems.append(Problem(message, source=str(path)))
        elif not kept:
            reasons = "".join(f"; {Path(one.source).name} is {one.message}" for one in others[:3])
            message = f"found no .yaml, .yml or .json file with fixtures in this folder{reasons}"
            problems.append(Problem(message, source=str(path)))
        for file in kept:
            # realpath() never raises, not even for a loop of links.
            files.setdefault(os.path.realpath(file), file)
    return FoundFiles(tuple(files.values()), tuple(omitted), tuple(problems))


def list_fixture_files(path: Path) -> list[Path]:
    """Return a file itself, or the YAML and JSON files of a folder and its subfolders, sorted; links are followed."""
    return _list_path(path)[0]


def list_replayed_paths(record: RecordSettings) -> tuple[Path, ...]:
    """Return the folder of the recordings of earlier runs, if they are replayed and there are any."""
    folder = record.folder
    if folder is None or record.mode == "all" or not folder.exists() or not list_fixture_files(folder):
        return ()
    return (folder,)


def forwards_requests(record: RecordSettings) -> bool:
    """Return whether a server forwards new requests with these settings."""
    if record.mode == "once" and record.folder is not None:
        return not list_replayed_paths(record)
    return record.mode != "none"


def stat_fixture_files(paths: Iterable[Path], named_files: Iterable[str] = ()) -> FileStats:
    """Return the stat of every file of the paths, and of the files that they name, to detect changes."""
    listed = (str(file) for path in paths for file in list_fixture_files(path))
    return {file: stat for file in (*listed, *named_files) if (stat := stat_file(file)) is not None}


def _list_path(path: Path) -> tuple[list[Path], int]:
    """Return the files of a path, and the number of folders in which they were found: 0 for a file."""
    if not os.path.isdir(path):  # noqa: PTH112 which never raises, not even where one may not look
        return [path], 0
    found: list[Path] = []
    folder_count = 0
    for folder, names in _walk_folders(path):
        folder_count += 1
        files = (Path(folder, name) for name in names if _is_fixture_name(name))
        # Not what would block, or never end: named pipes, devices, sockets.
        found += [file for file in files if os.path.isfile(file)]  # noqa: PTH113 never raises
    return sorted(found), folder_count


def _is_fixture_name(name: str) -> bool:
    return name.endswith(_SUFFIXES) and not name.startswith(".") and not name.endswith(_SCHEMA_SUFFIX)


def _walk_folders(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield a folder and its subfolders, each once, with the names in it; those behind links come last.

    The walk ends after the first folder beyond the limit.
    """
    roots, met = [str(path)], set[str]()
    for root in roots:  # the loop reaches the links that are added meanwhile
        for folder, folders, names in os.walk(root):
            real = os.path.realpath(folder)
            if real in met:
                folders.clear()
                continue
            met.add(real)
            yield folder, names
            if len(met) > _MAX_FOLDERS:
                return
            # Mounted volumes keep their older versions in hidden folders.
            folders[:] = [name for name in folders if not name.startswith(".")]
            links = (os.path.join(folder, name) for name in sorted(folders))  # noqa: PTH118 `folder` is text
            roots += filter(os.path.islink, links)


def _find_other_json(files: Iterable[Path]) -> Iterator[Problem]:
    """Yield the JSON files of a folder that contain no fixtures, with the reason."""
    for file in files:
        if file.suffix == ".json" and (reason := _describe_other_json(file)):
            yield Problem(reason, source=str(file))


def _describe_other_json(file: Path) -> str:
    """Return why a JSON file does not count as a fixture file; an empty text if it does."""
    try:
        text = read_text_file(file)
    except InputError as error:
        return f"omitted: {error.problems[0].message}"
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:  # an edit with a mistake, or another kind of file
        missing = _CONTENT_KEY.search(text) is None
    else:
        missing = not isinstance(value, dict) or value.keys().isdisjoint(_CONTENT_KEYS)
    return f"omitted: none of its keys is {format_alternatives(_CONTENT_KEYS)}" if missing else ""
