"""One profile laid over another: what `extends` starts from, and the generation that `envelope` chooses.

A profile may start from a shipped one with `extends: NAME` and state only what differs; and it may hold several
generations of itself under `generations`, of which `envelope` chooses one. Both are the same thing: a mapping
laid over another. What a file that extends another states itself is laid over everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver.errors import InputError, Problem
from mockserver.schema.messages import describe_value, format_alternatives
from mockserver.schema.yaml_document import Document, ValuePath, load_document

PROFILE_DIRECTORY = Path(__file__).parent


def list_shipped_profiles() -> list[Path]:
    """The files of the vendors that come with the server, in the order in which they claim native paths."""
    return sorted(PROFILE_DIRECTORY.glob("*.yaml"))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _MergedDocument(Document):
    """A profile that was laid together; what is wrong with it stands in one of these parts of what was written."""

    source: Document
    parts: tuple[ValuePath, ...]  # the first that has something at a path is the one that was heard

    def position(self, path: ValuePath) -> tuple[int, int]:
        return self.source.position(self._source_path(path))

    def raw_scalar(self, path: ValuePath) -> str | None:
        return self.source.raw_scalar(self._source_path(path))

    def is_flow_mapping(self, path: ValuePath) -> bool:
        return self.source.is_flow_mapping(self._source_path(path))

    def _source_path(self, path: ValuePath) -> ValuePath:
        trails = [(*part, *path) for part in self.parts]
        return next((trail for trail in trails if _path_exists(self.source.value, trail)), path)


def resolve_extends(file: Document) -> Document:
    """The profile that a file means. Raises InputError where it names what there is not."""
    stated: dict[str, Any] = dict(file.value)  # type: ignore[call-overload]
    base, own = (_load_base(stated.pop("extends"), file), stated) if "extends" in stated else (stated, {})
    generation, name = _chosen_version(merge_profiles(base, own), file)
    parts: tuple[ValuePath, ...] = ((), ("generations", name))
    return _MergedDocument(
        name=file.name,
        value=merge_profiles(merge_profiles(base, generation), own),
        source=file,
        parts=parts if own else parts[::-1],
    )


def _load_base(name: Any, file: Document) -> Any:
    names = [path.stem for path in list_shipped_profiles()]
    if name not in names:
        raise _key_error(
            file, "extends", f"found {describe_value(name)}, expected {format_alternatives(names)}"
        )
    return load_document(PROFILE_DIRECTORY / f"{name}.yaml").value


def _chosen_version(profile: dict[str, Any], file: Document) -> tuple[dict[str, Any], str]:
    """What the chosen generation states, and its name; nothing where none is chosen."""
    chosen, known = profile.get("envelope"), profile.get("generations", {})
    if chosen is None or not isinstance(known, dict):
        return {}, ""
    name = str(chosen)
    if name not in known:
        expected = format_alternatives(known) if known else "none, because there are no generations here"
        raise _key_error(file, "envelope", f"found {describe_value(chosen)}, expected {expected}")
    stated = known[name]
    return (stated if isinstance(stated, dict) else {}), name


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
    """`above`, and what it does not state of `below`; a form is taken whole, because its order matters."""
    if _is_template(path) or not (isinstance(base, dict) and isinstance(override, dict)):
        return override
    merged = {
        key: merge_profiles(value, override[key], (*path, key)) if key in override else value
        for key, value in base.items()
    }
    return merged | {key: value for key, value in override.items() if key not in base}


def _is_template(path: tuple[str, ...]) -> bool:
    return path in TEMPLATE_PATHS or (path[:1] == ("endpoints",) and path[2:] in (("item",), ("body",)))


# Where a form stands.
TEMPLATE_PATHS = {
    ("usage",),
    ("body", "whole"),
    ("body", "choice"),
    ("body", "message"),
    ("stream", "chunk"),
    ("stream", "choice"),
    ("stream", "opening"),
    ("stream", "usage_form"),
    ("stream", "last"),
    ("refusal", "body"),
}
