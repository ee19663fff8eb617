"""The recording of one session of a server that records: that of a test, in a file of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from mockserver.matching.loader import LoadedFile
from mockserver.pipeline import ChatPipeline
from mockserver.recording.forwarder import RecordingForwarder, RecordingTarget
from mockserver.recording.recording_setup import create_recorder
from mockserver.settings import RecordSettings

_UNUSUAL = re.compile(r"[^\w.-]+")
_MAX_NAME_LENGTH = 80  # characters, before the digest


def locate_test_file(folder: Path, module: str, test: str) -> Path:
    """Return the file for the recordings of a test; the path of a file stands for itself.

    `module` is the name of the test's file, `test` that of the test, its class and its parameters.
    """
    if folder.suffix in (".yaml", ".yml"):
        return folder
    name = _UNUSUAL.sub("-", test)[:_MAX_NAME_LENGTH].strip("-.")
    if name != test:  # another test may have the same name now
        name += f"-{hashlib.sha256(test.encode()).hexdigest()[:8]}"
    return folder / module / f"{name}.yaml"


def record_session(pipeline: ChatPipeline, session: str, path: Path) -> None:
    """Record the requests of a session that nothing else answers. The server has settings to record."""
    record = cast(RecordSettings, pipeline.settings.record)
    is_new = record.mode == "all"
    recorder = create_recorder(pipeline, record, is_new=is_new)
    target = RecordingTarget(recorder, path, not is_new, _publish_nothing)
    cast(RecordingForwarder, pipeline.forwarder).session_targets[session] = target


async def _publish_nothing(_: Sequence[LoadedFile]) -> None:
    """Leave the recordings of this run out: a test that repeats a request records each answer."""


def stop_recording(pipeline: ChatPipeline, session: str) -> None:
    """Forward no more requests of a session."""
    cast(RecordingForwarder, pipeline.forwarder).session_targets.pop(session, None)
