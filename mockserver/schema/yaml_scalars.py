"""The scalars of YAML 1.2, and PyYAML's composers with these scalars and a limit on nesting."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode
from yaml.composer import Composer, ComposerError
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

MAX_NESTING = 64  # lists and mappings inside each other; a response's own JSON rarely reaches ten
TOO_DEEP = f"nested more than {MAX_NESTING} levels deep"

# The core schema of https://yaml.org/spec/1.2.2/#103-core-schema, except that 017 is text: an id, not 17.

TAG_PREFIX = "tag:yaml.org,2002:"
STR_TAG, MERGE_TAG, SEQ_TAG, MAP_TAG = (
    TAG_PREFIX + "str",
    TAG_PREFIX + "merge",
    TAG_PREFIX + "seq",
    TAG_PREFIX + "map",
)
_INT = r"[-+]?(?:0|[1-9][0-9]*)"

_BOOLEANS = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_NON_FINITE = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}


def _parse_int(text: str) -> int:
    return int(text, 0) if text.startswith(("0o", "0x")) else int(text)


def _parse_float(text: str) -> float:
    return float(_NON_FINITE.get(text.lower(), text))


@dataclass(frozen=True, slots=True)
class Scalar:
    """A kind of scalar: its pattern, its conversion, and its name in messages."""

    pattern: str
    convert: Callable[[str], object]
    description: str


# Plain scalars are tried in this order; 300 digits hold every float, and int() is slow for many more.
_SCALARS = {
    "null": Scalar("null|Null|NULL|~|", lambda _: None, "null"),
    "bool": Scalar("|".join(_BOOLEANS), _BOOLEANS.__getitem__, "true or false"),
    "int": Scalar(rf"(?!.{{301}})(?:{_INT}|0o[0-7]+|0x[0-9a-fA-F]+)", _parse_int, "a whole number"),
    "float": Scalar(
        rf"(?:{_INT}(?:\.[0-9]*)?|[-+]?\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        _parse_float,
        "a number",
    ),
    "merge": Scalar("<<", str, "<<"),
    "str": Scalar(r"[\s\S]*", str, "text"),
}
_PLAIN_SCALAR = re.compile(
    "|".join(f"(?P<{name}>{kind.pattern})" for name, kind in _SCALARS.items() if name != "str")
)
SCALAR_BY_TAG: Mapping[str, Scalar] = {TAG_PREFIX + name: kind for name, kind in _SCALARS.items()}
# Besides those, the tags of bytes and texts that libraries for Python and Ruby write.
_BINARY = Scalar(r"[A-Za-z0-9+/=\s]*", base64.b64decode, "bytes in base64")
CASSETTE_SCALARS: Mapping[str, Scalar] = {
    **SCALAR_BY_TAG,
    **dict.fromkeys((TAG_PREFIX + "binary", "!binary"), _BINARY),
    **{f"{TAG_PREFIX}python/{name}": _SCALARS["str"] for name in ("str", "unicode")},
}
_NON_TEXT_STARTS = frozenset("-+.0123456789~ntfNTF<")  # of everything above but text


class Dumper(yaml.SafeDumper):
    """Quotes every text that does not begin with a letter: YAML 1.1 and 1.2 differ in what is a number or a date."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> ScalarNode:
    return dumper.represent_scalar(STR_TAG, text, style=None if text[:1].isalpha() else '"')


Dumper.add_representer(str, _represent_text)


class _CoreSchemaComposer:
    """YAML 1.2's scalars and the nesting limit, for both of PyYAML's composers, which call these methods."""

    depth = 0

    def resolve(self, kind: type[Node], value: str, implicit: tuple[bool, bool]) -> str:
        """Return the tag of a node that has none."""
        if kind is not ScalarNode:
            return MAP_TAG if kind is MappingNode else SEQ_TAG
        if not implicit[0] or (value and value[0] not in _NON_TEXT_STARTS):
            return STR_TAG
        match = _PLAIN_SCALAR.fullmatch(value)
        return STR_TAG if match is None else f"{TAG_PREFIX}{match.lastgroup}"

    def descend_resolver(self, parent: Node | None, _: object) -> None:
        """Count a level. Both composers are recursive: 100,000 brackets would end the process."""
        self.depth += 1
        if parent is not None and self.depth > MAX_NESTING + 1:
            raise ComposerError(None, None, TOO_DEEP, parent.start_mark)

    def ascend_resolver(self) -> None:
        """Leave a level."""
        self.depth -= 1


class _PurePythonComposer(_CoreSchemaComposer, Reader, Scanner, Parser, Composer):
    """The composer that is always available."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)


def _select_composer() -> Callable[[str], Any]:
    """Return libyaml's composer, three times as fast, if PyYAML was built with it."""
    parser = getattr(getattr(yaml, "cyaml", None), "CParser", None)  # not part of PyYAML's interface
    if not yaml.__with_libyaml__ or parser is None:
        return _PurePythonComposer
    return type("_Fast", (_CoreSchemaComposer, parser), {})


create_composer = _select_composer()


def compose(text: str) -> Node | None:
    """Return a text's root node, None for an empty text. Raises yaml.MarkedYAMLError."""
    try:
        return create_composer(text).get_single_node()  # type: ignore[no-any-return]
    except yaml.MarkedYAMLError as error:
        if _LIBRARY_LIMIT not in (error.problem or ""):
            raise
    # libyaml reads ahead, so from 0.2.6 its own limit of 1,000 levels can be reached before ours.
    return _PurePythonComposer(text).get_single_node()


_LIBRARY_LIMIT = "maximum nesting depth"
