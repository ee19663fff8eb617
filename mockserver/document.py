"""A YAML or JSON text becomes plain values, and any path in it knows where it stands and how it was written.

The values are dict (with text for keys), list, str, int, float, bool and None, nested `LEVELS` deep at most,
so that whoever walks them needs no fear. YAML's node graph is kept beside them and walked only when somebody
asks for a place: a good file pays nothing for good messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from mockserver import scalars
from mockserver.errors import InputError, Problem
from mockserver.scalars import BY_TAG, LEVELS, MAP, MERGE, SEQ, TEXT, TOO_DEEP, YAML, Dumper

VALUES = 2_000_000  # in one document, each alias counted as what it stands for
LONG = 60  # characters of somebody's text that a message repeats

Trail = tuple[str | int, ...]  # the keys and list positions that lead from the top to a value


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One text's plain value, and what is known of where its parts stand."""

    name: str
    value: object
    _root: Node | None = field(default=None, repr=False)
    _entries: dict[int, dict[str, tuple[Node, Node]]] = field(default_factory=dict, repr=False)

    def place(self, path: Trail) -> tuple[int, int]:
        """Line and column from 1, of a mapping's key or a list's item; (0, 0) where there is no text.

        What is not there (a missing key) stands where the nearest thing around it stands.
        """
        marked, _ = self._walk(path)
        return (0, 0) if marked is None else (marked.start_mark.line + 1, marked.start_mark.column + 1)

    def written(self, path: Trail) -> str | None:
        """A scalar as it was written (`017`, `1.50`); None for anything else."""
        _, node = self._walk(path)
        return node.value if isinstance(node, ScalarNode) else None

    def flow(self, path: Trail) -> bool:
        """Whether the mapping at this path is written `{a: b}`."""
        _, node = self._walk(path)
        return isinstance(node, MappingNode) and node.flow_style is True

    def _walk(self, path: Trail) -> tuple[Node | None, Node | None]:
        """The node that marks the place, and the value's own node (None when the path leads nowhere)."""
        marked = node = self._root
        for step in path:
            if isinstance(node, MappingNode) and step in (entries := self._named(node)):
                marked, node = entries[str(step)]
            elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                marked = node = node.value[step]
            else:
                return marked, None
        return marked, node

    def _named(self, node: MappingNode) -> dict[str, tuple[Node, Node]]:
        """A mapping's nodes by key, merged ones included; kept, because a big mapping is asked often."""
        if (known := self._entries.get(id(node))) is not None:
            return known
        own: dict[str, tuple[Node, Node]] = {}
        merged: dict[str, tuple[Node, Node]] = {}
        for key, item in node.value:
            if key.tag != MERGE:
                own[key.value] = (key, item)
                continue
            for source in item.value if isinstance(item, SequenceNode) else [item]:
                merged = self._named(source) | merged
        return self._entries.setdefault(id(node), merged | own)


def read(path: Path, name: str | None = None) -> Document:
    """The file's document; a file that cannot be read is the person's problem too, hence an InputError."""
    name = str(path) if name is None else name
    return parse(text(path, name), name)


def text(path: Path, name: str | None = None) -> str:
    """The file's text, or an InputError."""
    name = str(path) if name is None else name
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError.of(f"cannot be read: {reason}", source=name) from None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = len(before) - before.rfind(b"\n")
        message = f"found the byte 0x{data[error.start]:02x}, expected UTF-8 text"
        raise InputError(Problem(message, "", name, before.count(b"\n") + 1, column)) from None


def parse(text: str, name: str) -> Document:
    """The text's document, or an InputError with everything that is wrong with it."""
    text = text.removeprefix("\ufeff")
    if bad := _UNPRINTABLE.search(text):
        line, column = text.count("\n", 0, bad.start()) + 1, bad.start() - text.rfind("\n", 0, bad.start())
        message = f"found the character U+{ord(bad[0]):04X}, which no YAML or JSON text may hold"
        raise InputError(Problem(message, "", name, line, column))
    if text.lstrip()[:1] in ("{", "["):
        text = _JSON_ESCAPE.sub(_joined, text)
    try:
        root = scalars.compose(text)
    except yaml.MarkedYAMLError as error:
        raise InputError(_explained(error, name, text)) from None
    except (ValueError, OverflowError) as error:  # PyYAML's own scanner lets them out on absurd numbers
        raise InputError.of(f"no valid YAML: {error}"[: 2 * LONG], source=name) from None
    builder = _Builder(name)
    value = None if root is None else builder.value(root)
    if builder.problems:
        raise InputError(*sorted(builder.problems, key=lambda problem: (problem.line, problem.column)))
    return Document(name, value, root)


def of(value: object, name: str) -> Document:
    """The document of a value that came from elsewhere (a JSON call, Python); it has no lines."""
    problems: list[Problem] = []
    plain = _plain(value, (), name, problems)
    if problems:
        raise InputError(*problems)
    return Document(name, plain)


def spell(value: object) -> str:
    """A value as YAML, which `parse` reads back."""
    return yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)


def spelled(path: Trail) -> str:
    """A path as a person reads it: `fixtures[2].response.text`, `header["x-tenant"]`."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif _WORD.match(step):
            parts.append(f".{step}")
        else:
            parts.append(f"[{json.dumps(clipped(step), ensure_ascii=False)}]")
    return "".join(parts).removeprefix(".")


def clipped(text: str) -> str:
    """A person's own text, short enough for a message."""
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


def _plain(value: object, path: Trail, name: str, problems: list[Problem]) -> object:
    """The value in the seven plain types themselves, whatever subclass of them it came in."""
    if len(path) > LEVELS:
        raise InputError.of(TOO_DEEP, spelled(path[:3]) + "…", name)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, (*path, index), name, problems) for index, item in enumerate(value)]
    if isinstance(value, dict):
        odd = [
            f"found the key {clipped(repr(key))}, expected text" for key in value if not isinstance(key, str)
        ]
        problems += [Problem(message, spelled(path), name) for message in odd]
        names = {str.__str__(key): item for key, item in value.items() if isinstance(key, str)}
        return {key: _plain(item, (*path, key), name, problems) for key, item in names.items()}
    for kind, exact in _EXACT:
        if isinstance(value, kind):
            return exact(value)
    message = f"found a {type(value).__name__}, expected a value that JSON can hold"
    problems.append(Problem(message, spelled(path), name))
    return None


# An enum's member is the text or the number it stands for, whatever its str() says.
_EXACT: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

# https://yaml.org/spec/1.2.2/#51-character-set, which leaves out lone surrogates as well
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

# JSON writes a character beyond U+FFFF as two escapes, YAML as one. An escaped backslash is consumed first,
# so that what follows it is not taken for an escape.
_JSON_ESCAPE = re.compile(r"\\\\|\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)


def _joined(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[0]
    return rf"\U{0x10000 + (int(escape[1], 16) - 0xD800) * 0x400 + int(escape[2], 16) - 0xDC00:08x}"


class _Builder:
    """One walk over the node graph, which becomes plain values or a list of what is wrong with it."""

    __slots__ = ("_name", "_open", "_seen", "problems")

    def __init__(self, name: str) -> None:
        self.problems: dict[Problem, None] = {}  # in order, and once each: an alias tells it again
        self._name = name
        self._open: set[int] = set()  # the collections around the one being built
        self._seen = 0

    def value(self, node: Node) -> object:
        if isinstance(node, ScalarNode):
            return node.value if node.tag == TEXT and node.value.isascii() else self._scalar(node)
        if id(node) in self._open:
            return self._wrong(node, "an alias stands inside the very value that it repeats")
        self._seen += len(node.value)
        if self._seen > VALUES:
            raise InputError(self._problem(node, f"more than {VALUES:,} values, aliases counted in full"))
        if len(self._open) >= LEVELS:  # a chain of aliases is deeper than its text
            raise InputError(self._problem(node, TOO_DEEP))
        self._open.add(id(node))
        built = self._mapping(node) if isinstance(node, MappingNode) else self._sequence(node)
        self._open.remove(id(node))
        return built

    def _scalar(self, node: ScalarNode) -> object:
        kind = BY_TAG.get(node.tag)
        if kind is None:
            return self._wrong(node, _tagged(node))
        if re.fullmatch(kind.pattern, node.value) is None:
            return self._wrong(node, f"found {clipped(repr(node.value))}, expected {kind.words}")
        # Only the pure scanner lets half a character through, and no response could be encoded with it.
        if half := _SURROGATE.search(node.value):
            return self._wrong(node, f"found half of a character, U+{ord(half[0]):04X}")
        return kind.convert(node.value)

    def _sequence(self, node: Node) -> list[object]:
        if node.tag != SEQ:
            self._wrong(node, _tagged(node))
        return [self.value(item) for item in node.value]

    def _mapping(self, node: MappingNode) -> dict[str, object]:
        if node.tag != MAP:
            self._wrong(node, _tagged(node))
        own: dict[str, object] = {}
        merged: dict[str, object] | None = None
        for key, item in node.value:
            name = key.value if key.tag == TEXT and key.value.isascii() else self._key(key)
            if name in own or (key.tag == MERGE and merged is not None):
                first = next(k.start_mark.line + 1 for k, _ in node.value if k.value == key.value)
                self._wrong(key, f"duplicate key {clipped(name)!r}, which stands on line {first} already")
            if key.tag == MERGE:
                merged = self._merged(item)
            else:
                own[name] = self.value(item)
        return own if merged is None else merged | own

    def _key(self, node: Node) -> str:
        if isinstance(node, ScalarNode):
            self._scalar(node)
            return str(node.value)
        hint = "; a text that starts with { needs quotes" if isinstance(node, MappingNode) else ""
        self._wrong(node, f"found a list or a mapping as a key, expected text{hint}")
        return f"\0{node.start_mark.index}"  # like no other key, so that it is no duplicate

    def _merged(self, node: Node) -> dict[str, object]:
        """What `<<` brings along: https://yaml.org/type/merge.html, the first of several wins."""
        value = self.value(node)
        merged: dict[str, object] = {}
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                self._wrong(node, "found something else under <<, expected a mapping or a list of mappings")
                break
            merged = source | merged
        return merged

    def _wrong(self, node: Node, message: str) -> Any:
        self.problems[self._problem(node, message)] = None

    def _problem(self, node: Node, message: str) -> Problem:
        return Problem(message, "", self._name, node.start_mark.line + 1, node.start_mark.column + 1)


def _tagged(node: Node) -> str:
    shown = "!!" + node.tag.removeprefix(YAML) if node.tag.startswith(YAML) else node.tag
    return f"found the tag {clipped(shown)}, expected a plain value; a text that starts with ! needs quotes"


def _explained(error: yaml.MarkedYAMLError, name: str, text: str) -> Problem:
    """PyYAML's complaint in one line, at the place where a person has to look, with what usually helps."""
    context, problem = error.context or "", (error.problem or "").removeprefix("but ")
    mark, opened = error.problem_mark, error.context_mark
    told = f"{context} {problem} {text[mark.index : mark.index + 1] if mark else ''}"
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, told)), "")
    if opened is not None and "quoted scalar found unexpected end" in told:
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
