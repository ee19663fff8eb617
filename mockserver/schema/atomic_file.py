"""The writing of users' files: a reader finds the old text or the new one, never a part of it."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

_FILE_NUMBERS = itertools.count(1)


def write_text_file(path: Path, text: str) -> None:
    """Write a text to a file, whose folder is created. Raises OSError; the old file is unchanged then.

    The text is written to another file first, whose hidden name no fixture file has.
    """
    path = Path(os.path.realpath(path))  # a link stays one
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{next(_FILE_NUMBERS)}.tmp")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
