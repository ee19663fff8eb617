"""One profile laid over another: what `extends` starts from, and the generation that `envelope` chooses.

A profile may start from a shipped one with `extends: NAME` and state only what differs; and it may hold several
generations of itself under `generations`, of which `envelope` chooses one. Both are the same thing: a mapping
laid over another. What a file that extends another states itself is laid over everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver import document
from mockserver.document import Document, Trail
from mockserver.errors import InputError, Problem
from mockserver.shape import choice, found

SHIPPED = Path(__file__).parent


def shipped() -> list[Path]:
    """The files of the vendors that come with the server, in the order in which they claim native paths."""
    return sorted(SHIPPED.glob("*.yaml"))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Laid(Document):
    """A profile that was laid together; what is wrong with it stands in one of these parts of what was written."""

    written_as: Document
    parts: tuple[Trail, ...]  # the first that has something at a path is the one that was heard

    def place(self, path: Trail) -> tuple[int, int]:
        return self.written_as.place(self._stated(path))

    def written(self, path: Trail) -> str | None:
        return self.written_as.written(self._stated(path))

    def flow(self, path: Trail) -> bool:
        return self.written_as.flow(self._stated(path))

    def _stated(self, path: Trail) -> Trail:
        trails = [(*part, *path) for part in self.parts]
        return next((trail for trail in trails if _leads(self.written_as.value, trail)), path)


def whole(file: Document) -> Document:
    """The profile that a file means. Raises InputError where it names what there is not."""
    stated: dict[str, Any] = dict(file.value)  # type: ignore[call-overload]
    base, own = (_base(stated.pop("extends"), file), stated) if "extends" in stated else (stated, {})
    generation, name = _generation(over(base, own), file)
    parts: tuple[Trail, ...] = ((), ("generations", name))
    return _Laid(
        name=file.name,
        value=over(over(base, generation), own),
        written_as=file,
        parts=parts if own else parts[::-1],
    )


def _base(name: Any, file: Document) -> Any:
    names = [path.stem for path in shipped()]
    if name not in names:
        raise _wrong(file, "extends", f"found {found(name)}, expected {choice(names)}")
    return document.read(SHIPPED / f"{name}.yaml").value


def _generation(whole: dict[str, Any], file: Document) -> tuple[dict[str, Any], str]:
    """What the chosen generation states, and its name; nothing where none is chosen."""
    chosen, known = whole.get("envelope"), whole.get("generations", {})
    if chosen is None or not isinstance(known, dict):
        return {}, ""
    name = str(chosen)
    if name not in known:
        expected = choice(known) if known else "none, because there are no generations here"
        raise _wrong(file, "envelope", f"found {found(chosen)}, expected {expected}")
    stated = known[name]
    return (stated if isinstance(stated, dict) else {}), name


def _wrong(file: Document, key: str, message: str) -> InputError:
    return InputError(Problem(message, key, file.name, *file.place((key,))))


def _leads(value: Any, trail: Trail) -> bool:
    try:
        for step in trail:
            value = value[step]
    except (LookupError, TypeError):
        return False
    return True


def over(below: Any, above: Any, at: tuple[str, ...] = ()) -> Any:
    """`above`, and what it does not state of `below`; a form is taken whole, because its order matters."""
    if _is_form(at) or not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    merged = {
        key: over(value, above[key], (*at, key)) if key in above else value for key, value in below.items()
    }
    return merged | {key: value for key, value in above.items() if key not in below}


def _is_form(at: tuple[str, ...]) -> bool:
    return at in FORMS or (at[:1] == ("endpoints",) and at[2:] in (("item",), ("body",)))


# Where a form stands.
FORMS = {
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
