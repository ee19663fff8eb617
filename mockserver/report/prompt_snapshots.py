"""Prompt snapshots: the requests of a test, without ids and times, compared with those kept in a file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver.errors import InputError
from mockserver.report.prompt_mask import PromptMask
from mockserver.schema.atomic_file import write_text_file
from mockserver.schema.yaml_document import document_from_value, dump_yaml, load_document

Prompts = list[dict[str, Any]]

UPDATE_FLAG = "--mockserver-update"
_HEADER = f"# The requests of tests, written by `pytest {UPDATE_FLAG}`.\n"
_CONTEXT_LINES = 3


@dataclass(frozen=True, slots=True)
class SnapshotDefaults:
    """The folder of snapshot files, the name of the requests in them, and whether they are written."""

    folder: Path = Path()
    name: str = "requests"
    is_update: bool = False


def normalize_prompts(details: Iterable[Mapping[str, Any]]) -> Prompts:
    """Return the prompts of requests in the form of the admin API: vendor, path and body, ids and times masked."""
    mask = PromptMask()
    return [
        {
            "vendor": one["vendor"],
            "path": one["path"],
            "body": mask.apply((one.get("request") or {}).get("body")),
        }
        for one in details
    ]


def load_snapshots(path: Path) -> dict[str, Any]:
    """Return the prompts in a file by their name, an empty mapping without a file. Raises InputError."""
    if not path.exists():
        return {}
    value = load_document(path).value
    if not isinstance(value, dict):
        raise InputError.from_message("expected prompts by the name of their test", source=str(path))
    return value


def save_snapshot(path: Path, name: str, prompts: Prompts) -> None:
    """Write the prompts of one name to a file, and leave those of other names as they are. Raises InputError."""
    kept = load_snapshots(path)
    if kept.get(name) == prompts:
        return
    try:
        write_text_file(path, _HEADER + dump_yaml({**kept, name: prompts}, blocks=True))
    except OSError as error:
        raise InputError.from_message(f"cannot be written: {error.strerror}", source=str(path)) from None


def compare_snapshot(path: Path, name: str, prompts: Prompts) -> str:
    """Return how prompts differ from those kept in a file under a name, empty if they are equal."""
    kept = load_snapshots(path).get(name)
    if kept is None:
        return f"{path} has no prompts of {name!r}: run `pytest {UPDATE_FLAG}` to write them"
    # As they are after they have been written and read.
    found = document_from_value(prompts, name).value
    if kept == found:
        return ""
    before, after = (dump_yaml(value, blocks=True).splitlines() for value in (kept, found))
    lines = difflib.unified_diff(
        before,
        after,
        f"{path}: {name}",
        "this run",
        n=_CONTEXT_LINES,
        lineterm="",
    )
    return "\n".join([f"the prompts of {name!r} have changed; `pytest {UPDATE_FLAG}` accepts them:", *lines])
