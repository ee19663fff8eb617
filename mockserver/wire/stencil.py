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

from mockserver.wire.answer import Answer, Frame
from mockserver.wire.lines import Fill, Lines, Values, encoded, length

_FILLED = 1_000  # bytes of values, and of what holds them
_OURS = secrets.token_hex(8)
_DIGITS = str(secrets.randbelow(9 * 10**10) + 10**10)  # with four more a number that JSON can hold
_MARK = re.compile(rf"(blank-{_OURS}-\d{{4}}|{_DIGITS}\d{{4}})".encode())


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
    """An answer that is to be said whole, with marks in it. `blanks` names what belongs where these are.

    It is filled with the values of its blanks in their order, in letters that JSON and a head may have as they are.
    """

    __slots__ = ("_between", "_head", "_order", "_unit", "answer", "apart", "blanks", "size", "sized")

    def __init__(self, answer: Answer, marks: Marks) -> None:
        self.answer = answer
        frames = answer.frames
        texts = [frame.data for frame in frames]
        lines = cast(Lines, encoded(answer.headers))  # whoever wrote them was held to what a head may have
        met = {mark for text in (*texts, lines.text) for mark in _MARK.findall(text)}
        used = {mark.encode(): name for mark, name in marks.names.items() if mark.encode() in met}
        self.blanks = tuple(used.values())
        self._order = {mark: place for place, mark in enumerate(used)}
        unit, self._between = _repeated(texts)
        self._unit = _form(unit, self._order)
        self._head = _form(lines.text, self._order)
        self.sized = not (answer.streamed or answer.bodiless or lines.tell_length)
        self.apart = any(frame.wait or frame.raw for frame in frames)
        self.size = sum(map(len, (*texts, unit, *self._between)))  # bytes, of which it has most twice

    def body(self, values: Values) -> bytes:
        """All that its frames say. A value that they do not have may be anything."""
        return self._unit(values).join(self._between)

    def fill(self, values: Values, size: int) -> Answer:
        """The answer, filled; `size` is that of its body."""
        form = self.answer
        head = Lines((length(size),) if self.sized else (), self._head, values)
        return Answer(form.status, head, Filled(self, values), form.wait, form.ending, form.streamed)

    def frames(self, values: Values) -> Iterator[Frame]:
        """Each frame, filled."""
        for frame in self.answer.frames:
            yield replace(frame, data=_form(frame.data, self._order)(values))


class Filled(Sequence[Frame]):
    """The frames of a filled stencil, which are divided when somebody asks for one: most go out together.

    What they say is made anew for whoever asks: a journal keeps many of them.
    """

    __slots__ = ("_values", "stencil")

    def __init__(self, stencil: Stencil, values: Values) -> None:
        self.stencil = stencil
        self._values = values

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """Wherever they are kept besides, they are frames, without a stencil."""
        return tuple, (tuple(self),)

    @property
    def whole(self) -> bytes:
        """All that they say."""
        return self.stencil.body(self._values)

    @property
    def apart(self) -> bool:
        """Whether there is silence between them, or what is outside of HTTP."""
        return self.stencil.apart

    def __len__(self) -> int:
        return len(self.stencil.answer.frames)

    def __iter__(self) -> Iterator[Frame]:
        return self.stencil.frames(self._values)

    @overload
    def __getitem__(self, place: int) -> Frame: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Frame, ...]: ...
    def __getitem__(self, place: int | slice) -> Any:
        return tuple(self)[place]


def together(frames: Sequence[Frame]) -> bytes | None:
    """What frames say in one write; None where there is silence between them, or what is outside of HTTP."""
    if type(frames) is Filled:  # a Sequence is slow to be asked what it is
        return None if frames.apart else frames.whole
    if len(frames) == 1:
        only = frames[0]
        return None if only.wait or only.raw else only.data
    if any(frame.wait or frame.raw for frame in frames):
        return None
    return b"".join([frame.data for frame in frames])


def kept(frames: Sequence[Frame]) -> int:
    """The bytes that frames take as long as somebody keeps them, but for the stencil that they share with others."""
    return _FILLED if type(frames) is Filled else sum([len(frame.data) for frame in frames])


def shared(frames: Sequence[Frame]) -> Stencil | None:
    """The stencil that they share."""
    return frames.stencil if type(frames) is Filled else None


def _form(text: bytes, order: Mapping[bytes, int]) -> Fill:
    """What puts values in the place of a text's marks."""
    parts = _MARK.split(text)
    marks = parts[1::2]
    if not marks:
        return lambda _: text
    form = b"%b".join([part.replace(b"%", b"%%") for part in parts[::2]])
    pick = itemgetter(*(order[mark] for mark in marks))
    return lambda values: form % pick(values)


def _repeated(texts: list[bytes]) -> tuple[bytes, list[bytes]]:
    """What all chunks repeat, from their first mark to their last, and what stands between: both fill in one go."""
    text = b"".join(texts)
    first = next(filter(_MARK.search, texts), b"")
    marks = list(_MARK.finditer(first))
    if not marks:
        return b"", [text]
    unit = first[marks[0].start() : marks[-1].end()]
    between = text.split(unit)
    if any(map(_MARK.search, between)):
        return text, [b"", b""]
    return unit, between
