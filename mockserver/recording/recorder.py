"""The recorder: it turns exchanges into fixtures, one file for each conversation, and writes the files."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mockserver.matching.loader import LoadedFile
from mockserver.recording.exchange import Exchange, build_exchange_request
from mockserver.recording.exchange_mask import ExchangeMask
from mockserver.recording.exchange_response import write_exchange_response
from mockserver.recording.recording_file import (
    NotExtensibleError,
    RecordingFile,
    WrittenFixture,
    list_fixture_names,
)
from mockserver.recording.recordings import (
    RecordedRequests,
    Recording,
    compute_request_key,
    find_first_prompt,
    write_slug,
)
from mockserver.vendors.routing import VendorRouter

_SUFFIXES = (".yaml", ".yml")


class RecordedFixture(NamedTuple):
    """The name of the fixture for an exchange, its file, and all files that have changed.

    `masked_count` is the number of values that are masked in the file.
    """

    name: str
    path: Path
    files: tuple[LoadedFile, ...]
    masked_count: int


class Recorder:
    """The recordings of one run. Not thread-safe.

    `taken_names` are the names of the fixtures that are served besides. With `is_new`, existing files are replaced.
    `masked_values` has the values that are masked in each file. In an import, answers may lack fields of today's.
    """

    def __init__(
        self,
        router: VendorRouter,
        mask: ExchangeMask | None = None,
        taken_names: Iterable[str] = (),
        *,
        is_new: bool = False,
        is_import: bool = False,
    ) -> None:
        self.requests = RecordedRequests(taken_names)
        self._router = router
        self.masked_values: defaultdict[Path, set[str]] = defaultdict(set)
        self._mask = mask or ExchangeMask()
        self._is_new = is_new
        self._is_import = is_import
        self._files: dict[Path, RecordingFile] = {}
        self._file_of: dict[Recording, RecordingFile] = {}

    def find(self, exchange: Exchange) -> Recording | None:
        """Return the recording of such a request in this run, None if there is none.

        Raises NoFixtureError if no fixture can answer the request.
        """
        request = build_exchange_request(self._mask.mask(exchange).exchange, self._router)
        return self.requests.find(compute_request_key(request), stream=request.stream)

    def record(self, exchange: Exchange, target: Path) -> RecordedFixture:
        """Write an exchange; return the name and the file of its fixture.

        `target` is a file, or a folder, in which each conversation has a file of its own.

        Raises NoFixtureError if no fixture can answer the request; OSError if a file cannot be written.
        """
        recording, changed = self.add(exchange, target)
        file = self._file_of[recording]
        files = dict.fromkeys(self._file_of[one] for one in changed)
        loaded = tuple(self._save(one) for one in files)
        masked_count = len(self.masked_values[file.path])
        return RecordedFixture(recording.name, file.path, loaded, masked_count)

    def add(self, exchange: Exchange, target: Path) -> tuple[Recording, list[Recording]]:
        """Take an exchange, to be written by `save_all`; return its recording, and all that have changed.

        Raises NoFixtureError if no fixture can answer the request.
        """
        masked = self._mask.mask(exchange)
        request = build_exchange_request(masked.exchange, self._router)
        response = masked.restore(
            write_exchange_response(request, masked.exchange.answer, may_have_more=self._is_import)
        )
        recording, changed = self.requests.add(compute_request_key(request), request, response)
        path = (
            target
            if target.suffix in _SUFFIXES
            else target / f"{write_slug(find_first_prompt(request), '-')}.yaml"
        )
        file = self._file_of.get(recording) or self._open(path)
        self._assign(recording, file)
        self.masked_values[file.path] |= masked.values
        return recording, changed

    def add_fixture(self, definition: Mapping[str, Any], path: Path) -> None:
        """Take a fixture that is written already, but for its name. Raises NoFixtureError."""
        masked, values = self._mask.mask_fixture(definition)
        user = masked["match"].get("user")
        name = self.requests.choose_name(user if isinstance(user, str) else "fixture")
        self._open(path).recordings.append(WrittenFixture({"name": name, **masked}))
        self.masked_values[path] |= values

    def save_all(self) -> None:
        """Write all files. Raises OSError if one cannot be written."""
        for file in tuple(self._files.values()):
            self._save(file)

    def _open(self, path: Path) -> RecordingFile:
        if path not in self._files:
            self._files[path] = RecordingFile(path, self._mask.header, self._is_new)
            if not self._is_new:
                self.requests.reserve_names(list_fixture_names(path))
        return self._files[path]

    def _assign(self, recording: Recording, file: RecordingFile) -> None:
        self._file_of[recording] = file
        if recording not in file.recordings:
            file.recordings.append(recording)

    def _save(self, file: RecordingFile) -> LoadedFile:
        """Write a file; if the existing one cannot be extended, the next one with a number in its name."""
        try:
            return file.save()
        except NotExtensibleError:
            stem, suffix = file.path.stem, file.path.suffix
            paths = (file.path.with_name(f"{stem}-{number}{suffix}") for number in itertools.count(2))
            file.move_to(next(path for path in paths if path not in self._files and not path.exists()))
            self._files[file.path] = file
            return file.save()
