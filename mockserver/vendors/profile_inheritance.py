"""Inheritance of profiles: the base that `extends` names, and the versions that `answers` and `errors` select.

A profile may extend a shipped one (`extends: NAME`) and state only the differences; and it may describe several
versions of the vendor under `versions`, each with the differences of its answers and of its errors. `answers` and
`errors` select one version each, `envelope` selects both. All merge one mapping over another.
The fields of a file that extends another take precedence over the base and its versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver.errors import InputError, Problem
from mockserver.schema.messages import describe_value, format_alternatives
from mockserver.schema.yaml_document import Document, ValuePath, load_document

PROFILE_DIRECTORY = Path(__file__).parent


def list_shipped_profiles() -> list[Path]:
    """Return the profiles that come with the server, in the order in which they claim native paths."""
    return sorted(PROFILE_DIRECTORY.glob("*.yaml"))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _MergedDocument(Document):
    """A merged profile; positions of problems refer to the parts of the source file."""

    source: Document
    parts: tuple[ValuePath, ...]  # in order of precedence: the first that has a value at a path

    def position(self, path: ValuePath) -> tuple[int, int]:
        return self.source.position(self._source_path(path))

    def raw_scalar(self, path: ValuePath) -> str | None:
        return self.source.raw_scalar(self._source_path(path))

    def is_flow_mapping(self, path: ValuePath) -> bool:
        return self.source.is_flow_mapping(self._source_path(path))

    def _source_path(self, path: ValuePath) -> ValuePath:
        candidates = [(*part, *path) for part in self.parts]
        return next((one for one in candidates if _path_exists(self.source.value, one)), path)


def resolve_extends(file: Document) -> Document:
    """Return the merged profile of a file. Raises InputError for an unknown base or version."""
    stated: dict[str, Any] = dict(file.value)  # type: ignore[call-overload]
    base, own = (_load_base(stated.pop("extends"), file), stated) if "extends" in stated else (stated, {})
    versions = merge_profiles(base, own).get("versions", {})
    chosen = {part: _choose_version(part, (own, base), versions, file) for part in VERSIONED_PARTS}
    merged = base
    for part, name in chosen.items():
        merged = merge_profiles(merged, _differences(versions, name, part))
    value = {**merge_profiles(merged, own), **chosen}
    value.pop(BOTH_PARTS, None)
    parts: tuple[ValuePath, ...] = ((), *(("versions", name or "", part) for part, name in chosen.items()))
    return _MergedDocument(name=file.name, value=value, source=file, parts=parts if own else parts[::-1])


def _load_base(name: Any, file: Document) -> Any:
    names = [path.stem for path in list_shipped_profiles()]
    if name not in names:
        raise _key_error(
            file, "extends", f"found {describe_value(name)}, expected {format_alternatives(names)}"
        )
    return load_document(PROFILE_DIRECTORY / f"{name}.yaml").value


def _choose_version(
    part: str, profiles: Iterable[Mapping[str, Any]], versions: Any, file: Document
) -> str | None:
    """Return the version of a part that the first of the profiles selects; None if none of them does."""
    stated = ((key, profile.get(key)) for profile in profiles for key in (part, BOTH_PARTS))
    key, chosen = next(((key, value) for key, value in stated if value is not None), (part, None))
    if chosen is None or not isinstance(versions, dict):
        return None
    if str(chosen) not in versions:
        expected = format_alternatives(versions) if versions else "none, because there are no versions here"
        hint = "; the texts of errors are under error_texts" if isinstance(chosen, dict) else ""
        raise _key_error(file, key, f"found {describe_value(chosen)}, expected {expected}{hint}")
    return str(chosen)


def _differences(versions: Any, name: str | None, part: str) -> dict[str, Any]:
    """Return the fields of one part of a version; empty if they are invalid, which the profile's reader reports."""
    version = versions.get(name) if isinstance(versions, dict) else None
    stated = version.get(part) if isinstance(version, dict) else None
    return stated if isinstance(stated, dict) else {}


def _key_error(file: Document, key: str, message: str) -> InputError:
    return InputError(Problem(message, key, file.name, *file.position((key,))))


def _path_exists(value: Any, path: ValuePath) -> bool:
    try:
        for step in path:
            value = value[step]
    except (LookupError, TypeError):
        return False
    return True


def merge_profiles(base: Any, override: Any, path: tuple[str, ...] = ()) -> Any:
    """Merge two profiles; `override` takes precedence. A template is replaced whole, because its key order matters."""
    if _is_template(path) or not (isinstance(base, dict) and isinstance(override, dict)):
        return override
    merged = {
        key: merge_profiles(value, override[key], (*path, key)) if key in override else value
        for key, value in base.items()
    }
    return merged | {key: value for key, value in override.items() if key not in base}


def _is_template(path: tuple[str, ...]) -> bool:
    return path in TEMPLATE_PATHS or (path[:1] == ("endpoints",) and path[2:] in (("item",), ("body",)))


VERSIONED_PARTS = ("answers", "errors")  # each selects a version of its own
BOTH_PARTS = "envelope"  # the key that selects one version for both
# The paths of the templates.
TEMPLATE_PATHS = {
    ("usage",),
    ("body", "whole"),
    ("body", "choice"),
    ("body", "message"),
    ("stream", "chunk"),
    ("stream", "choice"),
    ("stream", "opening"),
    ("stream", "reasoning_delta"),
    ("stream", "text_delta"),
    ("stream", "usage_form"),
    ("stream", "last"),
    *(("responses", name) for name in ("usage", "body", "reasoning", "message", "function_call")),
    *(("responses", name) for name in ("text", "refusal", "deleted")),
    ("embeddings", "body"),
    ("embeddings", "item"),
    ("refusal", "headers"),
    ("refusal", "body"),
    ("refusal", "upstream"),
}
