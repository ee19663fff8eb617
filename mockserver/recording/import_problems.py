"""The parts of imported files that become no fixture, or only in part."""

from __future__ import annotations

from typing import NamedTuple


class SkippedPart(NamedTuple):
    """A part of a file that is not imported, or the fields of one that are left out: where it stands, and why."""

    place: str
    reason: str
