"""Home directories in a text: that of this process, and those of other machines, where a recording may be replayed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Final

from mockserver.data_masking.text_windows import iter_matches

# Found at the folder that contains them; a backslash may be doubled in JSON text, and a slash escaped.
_FOLDER: Final = re.compile(r"(?:home|Users)(?:\\{1,4}|\\?/)[^\s\\/:*?\"'<>|,;()\[\]{}`]{1,64}")
_BEFORE: Final = re.compile(r"(?:\\?/|[A-Za-z]:(?:\\{1,4}|/))\Z")
_INSIDE_PATH: Final = re.compile(r"[\w.-]\Z")
_ESCAPE: Final = re.compile(r"\\[nrt]\Z")
_NEXT: Final = re.compile(r"[\w.-]*[\w-]")  # more of the same name


def find_homes(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the positions of home directories, without the paths below them."""
    if "home" in text or "Users" in text:
        for match in iter_matches(_FOLDER, text, start, end):
            before = _BEFORE.search(text[max(start, match.start() - 6) : match.start()])
            first = match.start() - (len(before[0]) if before else 0)
            if before and _is_path_start(text[max(start, first - 2) : first]):
                yield first, match.start() + len(match[0].rstrip("."))
    yield from _find_own_home(text, start, end)


def _find_own_home(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    own = os.path.expanduser("~")  # noqa: PTH111 a path that does not exist is no error
    at = text.find(own, start, end) if len(own) > 1 else -1
    while at >= 0:
        stop = at + len(own)
        if _is_path_start(text[max(start, at - 2) : at]) and not _NEXT.match(text, stop, stop + 80):
            yield at, stop
        at = text.find(own, stop, end)


def _is_path_start(before: str) -> bool:
    return not _INSIDE_PATH.search(before) or _ESCAPE.search(before) is not None
