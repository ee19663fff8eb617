"""An answer that is encoded once and said many times: where each has its own, there is a mark that is filled in.

A mark is a text, or a number, that no answer has by chance. Whoever renders an answer puts marks where it would put
an id or the time; the stencil finds them again in the bytes, wherever the vendor's form has brought them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any, cast, overload

from mockserver.wire.answer import (
    Answer,
    BytesTemplate,
    FillValues,
    Frame,
    HeaderBlock,
    encode_content_length,
    encode_headers,
)

_FILLED_SIZE = 1_000  # bytes of values, and of what holds them
_RANDOM_TOKEN = secrets.token_hex(8)
_RANDOM_DIGITS = str(secrets.randbelow(9 * 10**10) + 10**10)  # with four more a number that JSON can hold
_PLACEHOLDER = re.compile(rf"(blank-{_RANDOM_TOKEN}-\d{{4}}|{_RANDOM_DIGITS}\d{{4}})".encode())


class Placeholders:
    """The marks of one rendering, each with the name of what belongs there."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def add_text(self, name: str) -> str:
        """A mark where a text belongs."""
        mark = f"blank-{_RANDOM_TOKEN}-{len(self.names):04}"
        self.names[mark] = name
        return mark

    def add_number(self, name: str) -> int:
        """A mark where a number belongs."""
        mark = f"{_RANDOM_DIGITS}{len(self.names):04}"
        self.names[mark] = name
        return int(mark)


class PrerenderedAnswer:
    """An answer that is to be said whole, with marks in it. `blanks` names what belongs where these are.

    It is filled with the values of its blanks in their order, in letters that JSON and a head may have as they are.
    """

    __slots__ = (
        "_head_template",
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
        lines = cast(
            HeaderBlock, encode_headers(answer.headers)
        )  # whoever wrote them was held to what a head may have
        met = {mark for text in (*texts, lines.text) for mark in _PLACEHOLDER.findall(text)}
        used = {mark.encode(): name for mark, name in placeholders.names.items() if mark.encode() in met}
        self.placeholder_names = tuple(used.values())
        self._positions = {mark: place for place, mark in enumerate(used)}
        unit, self._separators = _find_repeated_unit(texts)
        self._unit_template = _compile_bytes_template(unit, self._positions)
        self._head_template = _compile_bytes_template(lines.text, self._positions)
        self.adds_content_length = not (answer.streamed or answer.has_no_body or lines.has_content_length)
        self.needs_separate_writes = any(frame.wait or frame.raw for frame in frames)
        self.size = sum(map(len, (*texts, unit, *self._separators)))  # bytes, of which it has most twice

    def body(self, values: FillValues) -> bytes:
        """All that its frames say. A value that they do not have may be anything."""
        return self._unit_template(values).join(self._separators)

    def fill(self, values: FillValues, size: int) -> Answer:
        """The answer, filled; `size` is that of its body."""
        form = self.answer
        head = HeaderBlock(
            (encode_content_length(size),) if self.adds_content_length else (), self._head_template, values
        )
        return Answer(form.status, head, FilledFrames(self, values), form.wait, form.ending, form.streamed)

    def frames(self, values: FillValues) -> Iterator[Frame]:
        """Each frame, filled."""
        for frame in self.answer.frames:
            yield replace(frame, data=_compile_bytes_template(frame.data, self._positions)(values))


class FilledFrames(Sequence[Frame]):
    """The frames of a filled stencil, which are divided when somebody asks for one: most go out together.

    What they say is made anew for whoever asks: a journal keeps many of them.
    """

    __slots__ = ("_values", "prerendered")

    def __init__(self, prerendered: PrerenderedAnswer, values: FillValues) -> None:
        self.prerendered = prerendered
        self._values = values

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """Wherever they are kept besides, they are frames, without a stencil."""
        return tuple, (tuple(self),)

    @property
    def joined(self) -> bytes:
        """All that they say."""
        return self.prerendered.body(self._values)

    @property
    def needs_separate_writes(self) -> bool:
        """Whether there is silence between them, or what is outside of HTTP."""
        return self.prerendered.needs_separate_writes

    def __len__(self) -> int:
        return len(self.prerendered.answer.frames)

    def __iter__(self) -> Iterator[Frame]:
        return self.prerendered.frames(self._values)

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Frame, ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return tuple(self)[index]


def join_body(frames: Sequence[Frame]) -> bytes | None:
    """What frames say in one write; None where there is silence between them, or what is outside of HTTP."""
    if type(frames) is FilledFrames:  # a Sequence is slow to be asked what it is
        return None if frames.needs_separate_writes else frames.joined
    if len(frames) == 1:
        only = frames[0]
        return None if only.wait or only.raw else only.data
    if any(frame.wait or frame.raw for frame in frames):
        return None
    return b"".join([frame.data for frame in frames])


def count_retained_bytes(frames: Sequence[Frame]) -> int:
    """The bytes that frames take as long as somebody keeps them, but for the stencil that they share with others."""
    return _FILLED_SIZE if type(frames) is FilledFrames else sum([len(frame.data) for frame in frames])


def find_prerendered(frames: Sequence[Frame]) -> PrerenderedAnswer | None:
    """The stencil that they share."""
    return frames.prerendered if type(frames) is FilledFrames else None


def _compile_bytes_template(text: bytes, positions: Mapping[bytes, int]) -> BytesTemplate:
    """What puts values in the place of a text's marks."""
    parts = _PLACEHOLDER.split(text)
    marks = parts[1::2]
    if not marks:
        return lambda _: text
    form = b"%b".join([part.replace(b"%", b"%%") for part in parts[::2]])
    pick = itemgetter(*(positions[mark] for mark in marks))
    return lambda values: form % pick(values)


def _find_repeated_unit(texts: list[bytes]) -> tuple[bytes, list[bytes]]:
    """What all chunks repeat, from their first mark to their last, and what stands between: both fill in one go."""
    text = b"".join(texts)
    first = next(filter(_PLACEHOLDER.search, texts), b"")
    marks = list(_PLACEHOLDER.finditer(first))
    if not marks:
        return b"", [text]
    unit = first[marks[0].start() : marks[-1].end()]
    between = text.split(unit)
    if any(map(_PLACEHOLDER.search, between)):
        return text, [b"", b""]
    return unit, between
