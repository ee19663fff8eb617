"""An answer that is encoded once and said many times: where each has its own, there is a mark that is filled in.

A mark is a text, or a number, that no answer has by chance. Whoever renders an answer puts marks where it would put
an id or the time; the stencil finds them again in the bytes, wherever the vendor's form has brought them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast, overload

import orjson

from mockserver.wire.answer import Answer, Frame
from mockserver.wire.lines import Lines, encoded, length

Values = Mapping[str, str]
Parts = tuple[tuple[bytes, str], ...]  # what stands there, and the mark after it; the last has none

_FILLED = 1_000  # bytes of values, and of what holds them
_OURS = secrets.token_hex(8)
_DIGITS = str(secrets.randbelow(9 * 10**10) + 10**10)  # with four more a number that JSON can hold
_MARK = re.compile(rf"(blank-{_OURS}-\d{{4}}|{_DIGITS}\d{{4}})")
_IN_BYTES = re.compile(_MARK.pattern.encode())


class Marks:
    """The marks of one rendering, each with the name of what belongs there."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def text(self, name: str) -> str:
        """A mark where a text belongs."""
        mark = f"blank-{_OURS}-{len(self.names):04}"
        self.names[mark] = name
        return mark

    def number(self, name: str) -> int:
        """A mark where a number belongs."""
        mark = f"{_DIGITS}{len(self.names):04}"
        self.names[mark] = name
        return int(mark)


class Stencil:
    """An answer that is to be said whole, with marks in it. `blanks` are these, and the names of what they mark."""

    __slots__ = ("_between", "_head", "_last", "_tells", "_unit", "answer", "apart", "blanks", "size")

    def __init__(self, answer: Answer, marks: Marks) -> None:
        self.answer = answer
        frames = answer.frames
        texts = [frame.data for frame in frames]
        self._unit, self._between = _repeated(texts)
        lines = cast(Lines, encoded(answer.headers))  # whoever wrote them was held to what a head may have
        *self._head, (self._last, _) = _parts(lines.text)
        self._tells = not (answer.streamed or answer.bodiless or lines.tell_length)
        self.apart = any(frame.wait or frame.raw for frame in frames)
        self.size = sum(map(len, texts))
        met = {mark.decode() for text in texts for mark in _IN_BYTES.findall(text)}
        met.update(mark for _, value in answer.headers for mark in _MARK.findall(value))
        self.blanks = tuple((mark, name) for mark, name in marks.names.items() if mark in met)

    def body(self, values: Values) -> bytes:
        """All that its frames say."""
        return _filled(self._unit, values).join(self._between)

    def fill(self, values: Values, body: bytes) -> Answer:
        """The answer, filled; `body` is what `body` has made of these values."""
        form = self.answer
        text = (
            b"".join([before + values[mark].encode("latin-1", "replace") for before, mark in self._head])
            + self._last
        )
        if self._tells:
            text += length(len(body))
        return Answer(
            form.status, Lines(text), Filled(self, values, body), form.wait, form.ending, form.streamed
        )


class Filled(Sequence[Frame]):
    """The frames of a filled stencil, which are divided when somebody asks for one: most go out together.

    What they say is kept until it is taken, and filled in anew for who asks later: a journal keeps many of them.
    """

    __slots__ = ("_stencil", "_values", "_whole")

    def __init__(self, stencil: Stencil, values: Values, whole: bytes) -> None:
        self._stencil = stencil
        self._values = values
        self._whole = whole

    def take(self) -> bytes:
        """All that they say."""
        taken, self._whole = self._whole, b""
        return taken or self._stencil.body(self._values)

    @property
    def apart(self) -> bool:
        """Whether there is silence between them, or what is outside of HTTP."""
        return self._stencil.apart

    def __len__(self) -> int:
        return len(self._stencil.answer.frames)

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._stencil.answer.frames:
            yield replace(frame, data=_filled(_parts(frame.data), self._values))

    @overload
    def __getitem__(self, place: int) -> Frame: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Frame, ...]: ...
    def __getitem__(self, place: int | slice) -> Any:
        return tuple(self)[place]


def together(frames: Sequence[Frame]) -> bytes | None:
    """What frames say in one write; None where there is silence between them, or what is outside of HTTP."""
    if type(frames) is Filled:  # a Sequence is slow to be asked what it is
        return None if frames.apart else frames.take()
    if len(frames) == 1:
        only = frames[0]
        return None if only.wait or only.raw else only.data
    if any(frame.wait or frame.raw for frame in frames):
        return None
    return b"".join([frame.data for frame in frames])


def kept(frames: Sequence[Frame]) -> int:
    """The bytes that frames take as long as somebody keeps them; a stencil is not theirs."""
    return _FILLED if type(frames) is Filled else sum([len(frame.data) for frame in frames])


def _parts(text: bytes) -> Parts:
    *said, last = _IN_BYTES.split(text)
    marked = zip(said[::2], (mark.decode() for mark in said[1::2]), strict=True)
    return (*marked, (last, ""))


def _filled(parts: Parts, values: Values) -> bytes:
    *said, (last, _) = parts
    # A value stands inside of a JSON text, or is a number.
    return b"".join([before + orjson.dumps(values[mark])[1:-1] for before, mark in said]) + last


def _repeated(texts: list[bytes]) -> tuple[Parts, list[bytes]]:
    """What all chunks repeat, from their first mark to their last, and what stands between: both fill in one go."""
    text = b"".join(texts)
    first = next(filter(_IN_BYTES.search, texts), b"")
    marks = list(_IN_BYTES.finditer(first))
    if not marks:
        return _parts(b""), [text]
    unit = first[marks[0].start() : marks[-1].end()]
    between = text.split(unit)
    if any(map(_IN_BYTES.search, between)):
        return _parts(text), [b"", b""]
    return _parts(unit), between
