"""Answers that are encoded once and sent many times, with placeholders for the values that differ.

A placeholder is a random text or number that no answer contains by accident. The renderer writes placeholders instead
of an id or the time; they are found in the encoded bytes, wherever the vendor's template has put them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any, cast, overload

from mockserver.wire.answer import (
    CONTENT_LENGTH_LINE,
    Answer,
    BytesTemplate,
    FillValues,
    Frame,
    HeaderBlock,
    encode_headers,
)

_FILLED_SIZE = 1_000  # estimated bytes of the values and the objects that hold them
_RANDOM_TOKEN = secrets.token_hex(8)
_RANDOM_DIGITS = str(secrets.randbelow(9 * 10**10) + 10**10)  # with four more digits still exact in JSON
_PLACEHOLDER = re.compile(rf"(blank-{_RANDOM_TOKEN}-\d{{4}}|{_RANDOM_DIGITS}\d{{4}})".encode())


class Placeholders:
    """The placeholders of one rendering, each with the name of its value."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def add_text(self, name: str) -> str:
        """Return a new placeholder for a text."""
        placeholder = f"blank-{_RANDOM_TOKEN}-{len(self.names):04}"
        self.names[placeholder] = name
        return placeholder

    def add_number(self, name: str) -> int:
        """Return a new placeholder for a number."""
        placeholder = f"{_RANDOM_DIGITS}{len(self.names):04}"
        self.names[placeholder] = name
        return int(placeholder)


class PrerenderedAnswer:
    """An encoded answer with placeholders; `placeholder_names` lists the names of the values in order.

    The values must be safe in JSON and in a head without escaping.
    """

    __slots__ = (
        "_head_template",
        "_last_body",
        "_positions",
        "_separators",
        "_unit_template",
        "adds_content_length",
        "answer",
        "needs_separate_writes",
        "placeholder_names",
        "size",
    )

    def __init__(self, answer: Answer, placeholders: Placeholders) -> None:
        self.answer = answer
        frames = answer.frames
        texts = [frame.data for frame in frames]
        lines = cast(HeaderBlock, encode_headers(answer.headers))  # checked when the fixture was loaded
        found = {mark for text in (*texts, lines.text) for mark in _PLACEHOLDER.findall(text)}
        used = {mark.encode(): name for mark, name in placeholders.names.items() if mark.encode() in found}
        self.placeholder_names = tuple(used.values())
        self._positions = {mark: position for position, mark in enumerate(used)}
        unit, self._separators = _find_repeated_unit(texts)
        self._unit_template = _compile_bytes_template(unit, self._positions)
        self._head_template = _compile_bytes_template(lines.text, self._positions)
        self._last_body: tuple[FillValues | None, bytes] = None, b""  # most bodies are needed twice in a row
        self.adds_content_length = not (answer.streamed or answer.has_no_body or lines.has_content_length)
        self.needs_separate_writes = any(frame.wait or frame.raw for frame in frames)
        self.size = sum(map(len, (*texts, unit, *self._separators)))  # bytes; most of them are stored twice

    def body(self, values: FillValues) -> bytes:
        """Return the body with the values filled in. Values without a placeholder are ignored."""
        known, body = self._last_body
        return body if known is values else self._unit_template(values).join(self._separators)

    def fill(self, values: FillValues, body: bytes | None = None) -> Answer:
        """Return the answer with the values filled in; `body` is its body if it is known already."""
        answer, size = self.answer, 0
        if body is not None:
            self._last_body = values, body
            size = len(body)
        head = HeaderBlock(
            (CONTENT_LENGTH_LINE % size,) if self.adds_content_length else (), self._head_template, values
        )
        frames = FilledFrames(self, values)
        return Answer(
            answer.status,
            head,
            frames,
            answer.wait,
            answer.ending,
            answer.streamed,
            answer.head,
            answer.piece_size,
        )

    def frames(self, values: FillValues) -> Iterator[Frame]:
        """Yield each frame with the values filled in."""
        for frame in self.answer.frames:
            yield replace(frame, data=_compile_bytes_template(frame.data, self._positions)(values))


class FilledFrames(Sequence[Frame]):
    """The frames of a prerendered answer, separated only on access, because most are sent in one write.

    Their data is not cached, because the journal keeps many of them.
    """

    __slots__ = ("prerendered", "values")

    def __init__(self, prerendered: PrerenderedAnswer, values: FillValues) -> None:
        self.prerendered = prerendered
        self.values = values

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """Pickle as a tuple of frames, because the prerendered answer holds closures."""
        return tuple, (tuple(self),)

    @property
    def joined(self) -> bytes:
        """Return the data of all frames."""
        return self.prerendered.body(self.values)

    def __len__(self) -> int:
        return len(self.prerendered.answer.frames)

    def __iter__(self) -> Iterator[Frame]:
        return self.prerendered.frames(self.values)

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Frame, ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return tuple(self)[index]


def join_body(frames: Sequence[Frame]) -> bytes | None:
    """Return the data of all frames; None if there is a wait between them, or a raw frame."""
    if type(frames) is FilledFrames:  # isinstance() is slow on an abstract Sequence
        prerendered = frames.prerendered
        return None if prerendered.needs_separate_writes else prerendered.body(frames.values)
    if len(frames) == 1:
        only = frames[0]
        return None if only.wait or only.raw else only.data
    if any(frame.wait or frame.raw for frame in frames):
        return None
    return b"".join([frame.data for frame in frames])


def count_retained_bytes(frames: Sequence[Frame]) -> int:
    """Return the bytes that keeping these frames takes, without the prerendered answer they share with others."""
    return _FILLED_SIZE if type(frames) is FilledFrames else sum([len(frame.data) for frame in frames])


def find_prerendered(frames: Sequence[Frame]) -> PrerenderedAnswer | None:
    """Return the prerendered answer that the frames come from; None if there is none."""
    return frames.prerendered if type(frames) is FilledFrames else None


def _compile_bytes_template(text: bytes, positions: Mapping[bytes, int]) -> BytesTemplate:
    """Return a function that fills values into the placeholders of a text."""
    parts = _PLACEHOLDER.split(text)
    marks = parts[1::2]
    if not marks:
        return lambda _: text
    template = b"%b".join([part.replace(b"%", b"%%") for part in parts[::2]])
    pick = itemgetter(*(positions[mark] for mark in marks))
    return lambda values: template % pick(values)


def _find_repeated_unit(texts: list[bytes]) -> tuple[bytes, list[bytes]]:
    """Find the bytes that all chunks repeat (from first to last placeholder) and the texts between them.

    The unit is then filled once and joined by the texts. If they hold placeholders too, the whole text is the unit.
    """
    text = b"".join(texts)
    first = next(filter(_PLACEHOLDER.search, texts), b"")
    marks = list(_PLACEHOLDER.finditer(first))
    if not marks:
        return b"", [text]
    unit = first[marks[0].start() : marks[-1].end()]
    separators = text.split(unit)
    if any(map(_PLACEHOLDER.search, separators)):
        return text, [b"", b""]
    return unit, separators
