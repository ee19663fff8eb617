"""Field types of bytes: base64 text, and the content of a file in the document's own folder."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from pathlib import Path
from typing import Any

from mockserver.schema.field_types import Cursor, FieldType
from mockserver.schema.messages import truncate_text
from mockserver.schema.yaml_document import stat_file

MAX_FILE_SIZE = 32 * 1024 * 1024  # bytes
# A link or a named pipe, which would block, may have taken the file's place after it was checked.
_OPEN_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
)


class Base64Field(FieldType):
    """Base64 text; the result is bytes."""

    __slots__ = ()
    expected = "base64 text"

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Decode the text; line breaks and spaces are ignored."""
        if not isinstance(value, str):
            return cursor.report_type(value, self.expected)
        try:
            return base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            return cursor.report(f"found {truncate_text(value)!r}, expected base64: {error}")

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the text."""
        return {"type": "string", "contentEncoding": "base64"}


class FileField(FieldType):
    """A path relative to the document's folder; the result is the file's bytes, read at load.

    The file must be inside that folder, also after every symbolic link is followed: a fixture from elsewhere must
    not be able to publish other files of this machine.
    """

    __slots__ = ()
    expected = "the path of a file in the folder of this file"

    def read(self, value: Any, cursor: Cursor) -> Any:
        """Read the file."""
        if not isinstance(value, str):
            return cursor.report_type(value, self.expected)
        folder = cursor.document.folder
        if folder is None:
            return cursor.report("found a file, which only a fixture file can name; write base64")
        path = os.path.join(folder, value)  # noqa: PTH118 pathlib drops a final slash
        try:
            cursor.document.named_files[path] = stat_file(path)
            return _read_file_inside(folder, path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return cursor.report(f"the file {truncate_text(value)!r} cannot be read: {reason}")

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the path."""
        return {"type": "string", "minLength": 1}


def _read_file_inside(folder: Path, path: str) -> bytes:
    """Return the content of a regular file below a folder. Raises OSError, or ValueError with a message."""
    root = os.path.realpath(folder)
    path = os.path.realpath(path, strict=True)
    if not Path(path).is_relative_to(root):
        raise ValueError("it is outside the folder of this file")
    if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 `path` is text
        raise ValueError("it is not a regular file")
    with os.fdopen(os.open(path, _OPEN_FLAGS), "rb") as file:
        data = file.read(MAX_FILE_SIZE + 1)
    if len(data) > MAX_FILE_SIZE:
        raise ValueError(f"it has more than {MAX_FILE_SIZE:,} bytes")
    return data
