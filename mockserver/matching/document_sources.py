"""The documents from which fixtures are loaded: files of one section, a text, and the fixture files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from mockserver.errors import InputError, Problem
from mockserver.schema.messages import truncate_text
from mockserver.schema.yaml_document import Document, format_path, load_document, parse_yaml

TEXT_SOURCE: Final = "MOCKSERVER_FIXTURES_YAML"  # the name of a text that is in no file

DocumentSource = tuple[Callable[[], Document], str]  # a function that reads it, and the label of its fixtures


def list_document_sources(
    files: Collection[Path], text: str, section_files: Mapping[str, Path]
) -> Iterator[DocumentSource]:
    """Yield the sources in order of precedence. A file that is named for its section is not read twice."""
    for key, file in section_files.items():
        yield partial(_load_section_file, file, key), file.stem
    if text:
        yield partial(parse_yaml, text, TEXT_SOURCE), TEXT_SOURCE
    stems = Counter(file.stem for file in files)
    section_paths = set(map(os.path.realpath, section_files.values()))
    for file in files:
        if os.path.realpath(file) not in section_paths:
            label = file.stem if stems[file.stem] == 1 else str(file.with_suffix(""))
            yield partial(load_document, file), label


def _load_section_file(file: Path, key: str) -> Document:
    """Load a file that must have this key and no other. Raises InputError."""
    document = load_document(file)
    found = list(document.value) if isinstance(document.value, dict) else []
    if key not in found:
        message = f"the key {key!r} is missing, expected a list"
        raise InputError(Problem(message, "", document.name, *document.position(())))
    if others := [name for name in found if name != key]:
        message = f"found {truncate_text(others[0])!r}, expected only {key!r}; pass a file with more as a fixture file"
        path = (others[0],)
        raise InputError(Problem(message, format_path(path), document.name, *document.position(path)))
    return document
