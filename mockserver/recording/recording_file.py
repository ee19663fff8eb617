"""One file of recordings: what it had before this run, and the fixtures that this run has added or changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mockserver.errors import InputError
from mockserver.matching.loader import LoadedFile, load_fixture_document
from mockserver.recording.recordings import Recording
from mockserver.schema.atomic_file import write_text_file
from mockserver.schema.yaml_document import dump_yaml, load_document, parse_yaml, read_text_file

Definition = dict[str, Any]


class NotExtensibleError(Exception):
    """The existing file cannot be extended: it has another header, another form, or an error."""


@dataclass(frozen=True, slots=True, eq=False)
class WrittenFixture:
    """A fixture that is not compared with others."""

    definition: Definition

    def write(self) -> Definition:
        """Return the fixture."""
        return self.definition


@dataclass(eq=False)
class RecordingFile:
    """A file, and the recordings that this run keeps in it, in their order.

    `header` are the fields above the fixtures. An existing file is extended, unless `is_new`; an edit that the user
    makes during the run is kept.
    """

    path: Path
    header: Mapping[str, Any]
    is_new: bool
    recordings: list[Recording | WrittenFixture] = field(default_factory=list)
    _before: str = ""  # the text before the recordings
    _written: str | None = None  # the whole text, as it was written last,
    _saved: tuple[Recording | WrittenFixture, ...] = ()  # and the recordings in it

    def save(self) -> LoadedFile:
        """Write the recordings to the file, and return the fixtures that it has now.

        Raises NotExtensibleError; OSError if the file cannot be written.
        """
        try:
            self._keep_edits()
            text = self._compose([one.write() for one in self.recordings])
            loaded = load_fixture_document(parse_yaml(text, str(self.path)), self.path.stem)
        except InputError as error:
            raise NotExtensibleError from error
        write_text_file(self.path, text)
        self._written, self._saved = text, tuple(self.recordings)
        return loaded

    def move_to(self, path: Path) -> None:
        """Write the recordings that are not saved to a new file instead."""
        self.path, self.is_new, self._before, self._written = path, True, "", None

    def _keep_edits(self) -> None:
        """Take the text of the file as it is, if this run did not write it."""
        if self._written is None and self.is_new:
            return
        found = read_text_file(self.path) if self.path.exists() else ""
        if found != (self._written or ""):
            self._before = found
            # The recordings that were saved are part of the edited text.
            self.recordings[:] = [one for one in self.recordings if one not in self._saved]

    def _compose(self, definitions: list[Definition]) -> str:
        if self._before and not definitions:
            return self._before
        if not self._before:
            return dump_yaml({**self.header, "fixtures": definitions})
        text = f"{self._before.rstrip()}\n{dump_yaml(definitions)}"
        before, after = (parse_yaml(one, str(self.path)).value for one in (self._before, text))
        if not _is_extension(before, after, self.header, len(definitions)):
            raise NotExtensibleError
        return text


def list_fixture_names(path: Path) -> list[str]:
    """Return the names of the fixtures in a file, none for a file that cannot be loaded."""
    try:
        return [one.name for one in load_fixture_document(load_document(path)).fixtures]
    except InputError:
        return []


def _is_extension(before: Any, after: Any, header: Mapping[str, Any], count: int) -> bool:
    """Return whether a file has its old contents, the header, and so many fixtures more."""
    fixtures = before.get("fixtures") if isinstance(before, dict) else None
    if not isinstance(fixtures, list) or len(after["fixtures"]) != len(fixtures) + count:
        return False
    return all(before.get(name) == value for name, value in header.items())
