"""The rules of masking: which kinds of values are masked, by detectors and by the user's regular expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from mockserver.bounded_regex import BoundedRegex, RegexSearchError, compile_regex
from mockserver.data_masking.detectors import DETECTORS
from mockserver.schema.messages import did_you_mean, format_alternatives, truncate_text

REGEX_KIND: Final = "regex"  # of the values that the user's regular expressions match
PLACEHOLDER: Final = re.compile(rf"<((?:{'|'.join(DETECTORS)}|{REGEX_KIND})-[1-9][0-9]{{0,5}})>")
_DATA_URL: Final = re.compile(r"(?i:data):[\w.+-]{1,80}/[\w.+-]{1,80}(?:;[\w=.+-]{1,80}){0,4},")
_DATA_URL_REST: Final = re.compile(r"[^\s\"'<>()\\]*")
_ESCAPE: Final = re.compile(r"\\(?:[bfnrt]|u[0-9a-fA-F]{4})")  # of a character in JSON text
_BINARY_DATA: Final = re.compile(r"[A-Za-z0-9+/_=-]{512,}")  # in base64


class FoundValue(NamedTuple):
    """The position of a value in a text. `name` is that of a placeholder which the text contains already."""

    start: int
    end: int
    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class MaskingRules:
    """The kinds of detected values and the user's expressions; `labels` are both as a recording lists them."""

    labels: tuple[str, ...]
    kinds: tuple[str, ...] = field(compare=False)
    patterns: tuple[BoundedRegex, ...] = field(compare=False)

    def without_patterns(self) -> MaskingRules:
        """Return the rules without the user's expressions."""
        return MaskingRules(self.kinds, self.kinds, ())

    def find_values(self, text: str, known: Mapping[str, str]) -> list[FoundValue]:
        """Return the values in a text in their order, without overlaps.

        `known` has the kinds of values that are found wherever they occur. Raises RegexSearchError.
        """
        found = [FoundValue(*match.span(), "", match[1]) for match in PLACEHOLDER.finditer(text)]
        for value, kind in known.items():
            found += _find_occurrences(text, value, kind)
        for start, end in _iter_searched_parts(text):
            for kind in self.kinds:
                spans = DETECTORS[kind](text, start, end)
                found += [FoundValue(_skip_escape(text, first), last, kind) for first, last in spans]
            for pattern in self.patterns:
                matches = pattern.find_spans(text[start:end])
                found += [FoundValue(start + first, start + last, REGEX_KIND) for first, last in matches]
        return list(_join_overlaps(found)) if len(found) > 1 else found


ALL_KINDS: Final = tuple(DETECTORS)
BUILT_IN_RULES: Final = MaskingRules(ALL_KINDS, ALL_KINDS, ())


def build_masking_rules(labels: tuple[str, ...]) -> MaskingRules:
    """Build the rules of a list of kinds and regular expressions. Raises ValueError."""
    patterns = [_compile_pattern(label) for label in labels if label not in DETECTORS]
    return MaskingRules(labels, tuple(kind for kind in ALL_KINDS if kind in labels), tuple(patterns))


def _compile_pattern(label: str) -> BoundedRegex:
    near = did_you_mean(label, ALL_KINDS)
    if near or not label:
        kinds = format_alternatives(ALL_KINDS)
        hint = f"{near}; for an expression write (?:{label})" if near else ""
        raise ValueError(f"found {label!r}, expected {kinds} or a regular expression{hint}")
    try:
        pattern = compile_regex(label)
        matches_nothing = pattern.search("") is not None
    except (re.error, OverflowError, RecursionError, RegexSearchError) as error:
        shown = truncate_text(label)
        raise ValueError(
            f"found {shown!r}, expected a regular expression as Python has them: {error}"
        ) from None
    if matches_nothing:
        raise ValueError(f"found {truncate_text(label)!r}, which matches an empty text")
    return pattern


def _find_occurrences(text: str, value: str, kind: str) -> Iterator[FoundValue]:
    at = text.find(value)
    while at >= 0:
        yield FoundValue(at, at + len(value), kind)
        at = text.find(value, at + len(value))


def _iter_searched_parts(text: str) -> Iterator[tuple[int, int]]:
    """Yield the positions of what is searched: everything but data URLs and encoded binary data."""
    if len(text) >= 512 and _BINARY_DATA.fullmatch(text):
        return
    start = 0
    for match in _DATA_URL.finditer(text):
        if match.start() >= start:
            yield start, match.start()
            rest = _DATA_URL_REST.match(text, match.end())
            start = rest.end() if rest else match.end()
    yield start, len(text)


def _skip_escape(text: str, start: int) -> int:
    """Return the start of a value without the end of an escape before it."""
    escape = _ESCAPE.match(text, start - 1) if start else None
    return escape.end() if escape else start


def _join_overlaps(found: list[FoundValue]) -> Iterator[FoundValue]:
    """Yield the values in their order; one that overlaps others contains them and has the kind of the first."""
    found.sort(key=lambda value: (value.start, -value.end))
    joined = found[0]
    for value in found[1:]:
        if value.start >= joined.end:
            yield joined
            joined = value
        elif value.end > joined.end:
            joined = joined._replace(end=value.end, kind=joined.kind or value.kind, name="")
    yield joined
