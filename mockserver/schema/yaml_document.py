"""YAML and JSON texts as plain values, with the position of every path.

The values are dict (with text keys), list, str, int, float, bool and None, nested at most `MAX_NESTING` deep. YAML's
node graph is kept beside them, and searched only for the position of a problem.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from mockserver.errors import InputError, Problem
from mockserver.schema.messages import truncate_text
from mockserver.schema.yaml_scalars import (
    MAP_TAG,
    MAX_NESTING,
    MERGE_TAG,
    SCALAR_BY_TAG,
    SEQ_TAG,
    STR_TAG,
    TAG_PREFIX,
    TOO_DEEP,
    Dumper,
    Scalar,
    compose,
)

MAX_DOCUMENT_VALUES = 2_000_000  # in one document, each alias counted as its value
MAX_FILE_BYTES = 16_777_216  # ten thousand fixtures have about two million
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1  # what JSON encoders write

FileStat = tuple[int, int, int]  # time, size and inode of a file, which change when it does
ValuePath = tuple[str | int, ...]  # the keys and list positions that lead from the top to a value


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """The plain value of one text, and the positions of its parts.

    `folder` is that of the file, None if the text is not from a file. `named_files` are the paths of the files that
    are read because the text names them, each with its stat from before; None if there was none.
    """

    name: str
    value: object
    _root: Node | None = field(default=None, repr=False)
    _entries: dict[int, dict[str, tuple[Node, Node]]] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    named_files: dict[str, FileStat | None] = field(default_factory=dict, repr=False)

    def position(self, path: ValuePath) -> tuple[int, int]:
        """Return line and column, from 1, of a mapping's key or a list's item; (0, 0) without a text.

        A missing key has the position of the nearest existing path around it.
        """
        marked, _ = self._walk(path)
        return (0, 0) if marked is None else (marked.start_mark.line + 1, marked.start_mark.column + 1)

    def raw_scalar(self, path: ValuePath) -> str | None:
        """Return a scalar as it was written (`017`, `1.50`); None for anything else."""
        _, node = self._walk(path)
        return node.value if isinstance(node, ScalarNode) else None

    def is_flow_mapping(self, path: ValuePath) -> bool:
        """Return whether the mapping at this path is written `{a: b}`."""
        _, node = self._walk(path)
        return isinstance(node, MappingNode) and node.flow_style is True

    def _walk(self, path: ValuePath) -> tuple[Node | None, Node | None]:
        """Return the node that marks the position, and the value's own node (None if there is none)."""
        marked = node = self._root
        for step in path:
            if isinstance(node, MappingNode) and step in (entries := self._nodes_by_key(node)):
                marked, node = entries[str(step)]
            elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                marked = node = node.value[step]
            else:
                return marked, None
        return marked, node

    def _nodes_by_key(self, node: MappingNode) -> dict[str, tuple[Node, Node]]:
        """Return a mapping's nodes by key, merged ones included; cached, because mappings may be large."""
        if (known := self._entries.get(id(node))) is not None:
            return known
        own: dict[str, tuple[Node, Node]] = {}
        merged: dict[str, tuple[Node, Node]] = {}
        for key, item in node.value:
            if key.tag != MERGE_TAG:
                own[key.value] = (key, item)
                continue
            for source in item.value if isinstance(item, SequenceNode) else [item]:
                merged = self._nodes_by_key(source) | merged
        return self._entries.setdefault(id(node), merged | own)


def load_document(path: Path, name: str | None = None) -> Document:
    """Read and parse a file. Raises InputError, also for a file that cannot be read."""
    name = str(path) if name is None else name
    return replace(parse_yaml(read_text_file(path, name), name), folder=path.parent)


def stat_file(path: str | Path) -> FileStat | None:
    """Return the stat of a file, None if there is no file."""
    try:
        found = Path(path).stat()
    except OSError:
        return None  # between two versions of a file there may be none
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_text_file(path: Path, name: str | None = None, max_bytes: int = MAX_FILE_BYTES) -> str:
    """Return the text of a file of at most `max_bytes`. Raises InputError."""
    name = str(path) if name is None else name
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError.from_message(f"cannot be read: {reason}", source=name) from None
    if len(data) > max_bytes:
        message = f"found more than {max_bytes:,} bytes; split it into several files"
        raise InputError.from_message(message, source=name)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = len(before) - before.rfind(b"\n")
        message = f"found the byte 0x{data[error.start]:02x}, expected UTF-8 text"
        raise InputError(Problem(message, "", name, before.count(b"\n") + 1, column)) from None


def parse_yaml(text: str, name: str, scalars: Mapping[str, Scalar] = SCALAR_BY_TAG) -> Document:
    """Parse a YAML or JSON text with these kinds of scalars. Raises InputError with all of its problems."""
    text = text.removeprefix("\ufeff")
    if bad := _UNPRINTABLE.search(text):
        line, column = text.count("\n", 0, bad.start()) + 1, bad.start() - text.rfind("\n", 0, bad.start())
        message = f"found the character U+{ord(bad[0]):04X}, which no YAML or JSON text may hold"
        raise InputError(Problem(message, "", name, line, column))
    if text.lstrip()[:1] in ("{", "["):
        text = _JSON_ESCAPE.sub(_join_surrogates, text)
    try:
        root = compose(text)
    except yaml.MarkedYAMLError as error:
        raise InputError(_explain_yaml_error(error, name, text)) from None
    except (ValueError, OverflowError) as error:  # PyYAML's own scanner raises them for absurd numbers
        raise InputError.from_message(truncate_text(f"no valid YAML: {error}", 120), source=name) from None
    builder = _Builder(name, scalars)
    value = None if root is None else builder.build(root)
    if builder.problems:
        raise InputError(*sorted(builder.problems, key=lambda problem: (problem.line, problem.column)))
    return Document(name, value, root)


def document_from_value(value: object, name: str) -> Document:
    """Return the document of a value from JSON or Python; it has no positions."""
    problems: list[Problem] = []
    plain = _to_plain_value(value, (), name, problems)
    if problems:
        raise InputError(*problems)
    return Document(name, plain)


def dump_yaml(value: object, *, blocks: bool = False) -> str:
    """Format a value as YAML that `parse_yaml` reads back; `blocks` writes each line of a text on its own."""
    dumper = _BlockDumper if blocks else Dumper
    return yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True, width=100)


class _BlockDumper(Dumper):
    """A dumper that writes a text of several lines as a block."""


def _represent_text(dumper: _BlockDumper, text: str) -> Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_BlockDumper.add_representer(str, _represent_text)


def format_path(path: ValuePath) -> str:
    """Format a path: `fixtures[2].response.text`, `header["x-tenant"]`."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif _IDENTIFIER.match(step):
            parts.append(f".{step}")
        else:
            parts.append(f"[{json.dumps(truncate_text(step), ensure_ascii=False)}]")
    return "".join(parts).removeprefix(".")


def describe_large_integer(value: int) -> str | None:
    """Return what is wrong with an integer that has more than 64 bits; None for a smaller one."""
    if MIN_INTEGER <= value <= MAX_INTEGER:
        return None
    shown = hex(value) if value.bit_length() > 1_000 else str(value)  # str() refuses thousands of digits
    return f"found {truncate_text(shown)}, expected a whole number of at most 64 bits; quote it if it is text"


def _to_plain_value(value: object, path: ValuePath, name: str, problems: list[Problem]) -> object:
    """Return a value in the seven plain types themselves, converted from their subclasses."""
    if len(path) > MAX_NESTING:
        raise InputError.from_message(TOO_DEEP, format_path(path[:3]) + "…", name)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, list | tuple):
        return [_to_plain_value(item, (*path, index), name, problems) for index, item in enumerate(value)]
    if isinstance(value, dict):
        odd = [
            f"found the key {truncate_text(repr(key))}, expected text"
            for key in value
            if not isinstance(key, str)
        ]
        problems += [Problem(message, format_path(path), name) for message in odd]
        names = {str.__str__(key): item for key, item in value.items() if isinstance(key, str)}
        return {key: _to_plain_value(item, (*path, key), name, problems) for key, item in names.items()}
    for kind, exact in _PLAIN_TYPES:
        if isinstance(value, kind):
            if isinstance(value, int) and (problem := describe_large_integer(value)):
                problems.append(Problem(problem, format_path(path), name))
            return exact(value)
    message = f"found a {type(value).__name__}, expected a value that JSON can hold"
    problems.append(Problem(message, format_path(path), name))
    return None


# The member of a text or number enum is its value; its str() differs.
_PLAIN_TYPES: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

# https://yaml.org/spec/1.2.2/#51-character-set, which leaves out lone surrogates as well
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

# JSON writes a character beyond U+FFFF as two escapes, YAML as one. An escaped backslash is consumed first,
# so that what follows it is not taken for an escape.
_JSON_ESCAPE = re.compile(r"\\\\|\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)


def _join_surrogates(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[0]
    return rf"\U{0x10000 + (int(escape[1], 16) - 0xD800) * 0x400 + int(escape[2], 16) - 0xDC00:08x}"


class _Builder:
    """Converts a node graph into plain values, or into a list of its problems."""

    __slots__ = ("_name", "_open_nodes", "_scalars", "_value_count", "problems")

    def __init__(self, name: str, scalars: Mapping[str, Scalar]) -> None:
        self._scalars = scalars
        self.problems: dict[Problem, None] = {}  # in order, and once each: an alias repeats them
        self._name = name
        self._open_nodes: set[int] = set()  # the collections around the one being built
        self._value_count = 0

    def build(self, node: Node) -> object:
        """Return the plain value of a node. Raises InputError if the document is too large or too deep."""
        if isinstance(node, ScalarNode):
            return node.value if node.tag == STR_TAG and node.value.isascii() else self._scalar(node)
        if id(node) in self._open_nodes:
            return self._report(node, "an alias is inside the value that it repeats")
        self._value_count += len(node.value)
        if self._value_count > MAX_DOCUMENT_VALUES:
            raise InputError(
                self._problem_at(node, f"more than {MAX_DOCUMENT_VALUES:,} values, aliases counted in full")
            )
        if len(self._open_nodes) >= MAX_NESTING:  # a chain of aliases is nested deeper than its text
            raise InputError(self._problem_at(node, TOO_DEEP))
        self._open_nodes.add(id(node))
        built = self._mapping(node) if isinstance(node, MappingNode) else self._sequence(node)
        self._open_nodes.remove(id(node))
        return built

    def _scalar(self, node: ScalarNode) -> object:
        kind = self._scalars.get(node.tag)
        if kind is None:
            return self._report(node, _describe_tag(node))
        if re.fullmatch(kind.pattern, node.value) is None:
            return self._report(node, f"found {truncate_text(repr(node.value))}, expected {kind.description}")
        # Only the pure Python scanner accepts half a character, which no response could encode.
        if half := _SURROGATE.search(node.value):
            return self._report(node, f"found half of a character, U+{ord(half[0]):04X}")
        value = kind.convert(node.value)
        if type(value) is int and (problem := describe_large_integer(value)):
            return self._report(node, problem)
        return value

    def _sequence(self, node: Node) -> list[object]:
        if node.tag != SEQ_TAG:
            self._report(node, _describe_tag(node))
        return [self.build(item) for item in node.value]

    def _mapping(self, node: MappingNode) -> dict[str, object]:
        if node.tag != MAP_TAG:
            self._report(node, _describe_tag(node))
        own: dict[str, object] = {}
        merged: dict[str, object] | None = None
        for key, item in node.value:
            name = key.value if key.tag == STR_TAG and key.value.isascii() else self._key(key)
            if name in own or (key.tag == MERGE_TAG and merged is not None):
                first = next(k.start_mark.line + 1 for k, _ in node.value if k.value == key.value)
                self._report(key, f"duplicate key {truncate_text(name)!r}, which is on line {first} already")
            if key.tag == MERGE_TAG:
                merged = self._merge_value(item)
            else:
                own[name] = self.build(item)
        return own if merged is None else merged | own

    def _key(self, node: Node) -> str:
        if isinstance(node, ScalarNode):
            self._scalar(node)
            return str(node.value)
        hint = "; a text that starts with { needs quotes" if isinstance(node, MappingNode) else ""
        self._report(node, f"found a list or a mapping as a key, expected text{hint}")
        return f"\0{node.start_mark.index}"  # like no other key, so that it is no duplicate

    def _merge_value(self, node: Node) -> dict[str, object]:
        """Return the mapping that `<<` merges: https://yaml.org/type/merge.html, the first of several wins."""
        value = self.build(node)
        merged: dict[str, object] = {}
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                self._report(node, "found something else under <<, expected a mapping or a list of mappings")
                break
            merged = source | merged
        return merged

    def _report(self, node: Node, message: str) -> Any:
        self.problems[self._problem_at(node, message)] = None

    def _problem_at(self, node: Node, message: str) -> Problem:
        return Problem(message, "", self._name, node.start_mark.line + 1, node.start_mark.column + 1)


def _describe_tag(node: Node) -> str:
    shown = "!!" + node.tag.removeprefix(TAG_PREFIX) if node.tag.startswith(TAG_PREFIX) else node.tag
    return f"found the tag {truncate_text(shown)}, expected a plain value; a text that starts with ! needs quotes"


def _explain_yaml_error(error: yaml.MarkedYAMLError, name: str, text: str) -> Problem:
    """Convert PyYAML's error into one line, at the position to correct, with a hint."""
    context, problem = error.context or "", (error.problem or "").removeprefix("but ")
    mark, opened = error.problem_mark, error.context_mark
    details = f"{context} {problem} {text[mark.index : mark.index + 1] if mark else ''}"
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, details)), "")
    if opened is not None and "quoted scalar found unexpected end" in details:
        mark = opened
    elif opened is not None and "flow" in context and "expected ','" in problem:
        hint = f"the {text[opened.index]} on line {opened.line + 1} is not closed before this"
    message = "; ".join(part for part in (problem, hint) if part)
    return Problem(message, "", name, mark.line + 1 if mark else 0, mark.column + 1 if mark else 0)


_HINTS = (
    (r"another document", "write one document to a file, without a second ---"),
    (r"duplicate anchor", "an earlier &name is the same"),
    (r"found unexpected end of stream", "the quote that opens here is never closed"),
    (r"\t$|tab character", "indent with spaces, not with tabs"),
    (r"cannot start any token", "quote the text that starts with this character"),
    (r"mapping values", "quote the text that has a colon, and look at the indentation"),
    (r"escape", "in double quotes \\ starts an escape, single quotes take it as it is"),
    (r"undefined alias|scanning an (alias|anchor)", "quote the text that starts with * or &"),
    (r"expected key|block end|'-' indicator", "look at the indentation and the quotes around this"),
)
