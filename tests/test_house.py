"""The code is held to the map in `mockserver.__doc__`, and to the rules that say what only one room may do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import mockserver

ROOT = Path(mockserver.__file__).parent
VENDORS = [path.stem for path in (ROOT / "vendors").glob("*.yaml")]


@dataclass(frozen=True)
class Module:
    """A module, by its name below the package: `wire.sse`."""

    name: str
    source: str
    tree: ast.Module


def _modules() -> Iterator[Module]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        source = path.read_text()
        if parts[-1] != "__init__":
            yield Module(".".join(parts), source, ast.parse(source))


MODULES = list(_modules())
NAMES = {module.name for module in MODULES}
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)


def _map() -> list[str]:
    """Every module in the order of the map: a room's lines from the top, its modules from the left."""
    told = (mockserver.__doc__ or "").partition("to its right.\n")[2]
    order = []
    for line in filter(None, map(str.strip, told.splitlines())):
        room, _, rest = line.partition(" ")
        if room.endswith("/"):
            modules = re.split(r"\s{2,}", rest.strip())[-1].split()
            order += [f"{room[:-1]}.{name}" for name in modules]
        else:
            order.append(room)
    return order


ORDER = _map()


def _imported(module: Module) -> Iterator[str]:
    """The modules of the package that a module imports, wherever in it."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            paths = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            paths = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for path in paths:
            if path.startswith("mockserver."):
                parts = path.split(".")[1:]
                found = [name for n in (len(parts), len(parts) - 1) if (name := ".".join(parts[:n])) in NAMES]
                yield from found[:1]


def _calls(module: Module) -> Iterator[str]:
    """The names of all that a module calls, the last part of a dotted one."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name


def _caught(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            yield from (part.id for part in ast.walk(node.type) if isinstance(part, ast.Name))


def _where(*calls: str) -> set[str]:
    return {module.name for module in MODULES if set(calls) & set(_calls(module))}


def test_every_module_stands_on_the_map_and_nothing_else_does() -> None:
    assert sorted(ORDER) == sorted(NAMES)


@each_module
def test_a_module_imports_only_from_its_right_and_from_below(module: Module) -> None:
    place = ORDER.index(module.name)
    upward = [name for name in _imported(module) if ORDER.index(name) <= place]
    assert upward == []


@each_module
def test_a_module_opens_with_one_sentence(module: Module) -> None:
    first = (ast.get_docstring(module.tree) or "").partition("\n")[0]
    assert re.fullmatch(r".+[.:?!]", first), first


@each_module
def test_a_module_is_named_for_its_subject(module: Module) -> None:
    assert module.name.rpartition(".")[2] not in {"utils", "helpers", "base", "common", "manager", "service"}


@each_module
def test_no_vendor_is_named_in_the_code(module: Module) -> None:
    assert [name for name in VENDORS if name in module.source.lower()] == []


@each_module
def test_the_project_speaks_of_itself_alone(module: Module) -> None:
    assert re.findall(r"(?i)\bissue #?\d|/work/|/home/|/root/", module.source) == []


def test_no_call_is_delayed_outside_playback() -> None:
    # The server waits for its own end, the watch for the next look, the health check for the next try; the demo is
    # no server but its clients, who wait before they try again.
    assert _where("sleep", "call_at", "call_later") == {
        "wire.playback",
        "server",
        "shelf.watch",
        "healthcheck",
        "demo",
    }


def test_only_sse_writes_data_lines() -> None:
    assert {module.name for module in MODULES if re.search(r"""["']data:""", module.source)} == {"wire.sse"}


def test_only_document_opens_files() -> None:
    opens = {
        m.name for m in MODULES if re.search(r"(?<!journal)\.open\(|(?<![\w.])(?<!def )open\(", m.source)
    }
    assert opens | _where("read_text", "read_bytes") == {"document"}


def test_an_api_error_is_caught_in_chat_alone() -> None:
    assert {module.name for module in MODULES if "ApiError" in _caught(module)} == {"chat"}


def test_an_input_error_is_caught_where_somebody_is_told() -> None:
    told = {module.name for module in MODULES if "InputError" in _caught(module)}
    # `record` asks whether a default could be written; `templated` tells the client.
    assert told == {
        "cli",
        "shelf.library",
        "shelf.watch",
        "reply.templated",
        "record",
        "control.door",
        "pytest_plugin",
    }


def test_entries_are_recorded_in_one_place() -> None:
    assert _where("Heard") == {"wire.playback"}
    assert {m.name for m in MODULES if re.search(r"\bjournal\.(open|decide|close)\(", m.source)} == {"chat"}
