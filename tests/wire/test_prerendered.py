"""A filled stencil is the answer that would have been rendered with those values in it, whole and in frames."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.wire.answer import Answer, Frame
from mockserver.wire.prerendered import (
    FilledFrames,
    Placeholders,
    PrerenderedAnswer,
    count_retained_bytes,
    find_prerendered,
    join_body,
)

Render = Callable[[str, int], list[Frame]]
WORD = st.text("abc XYZ019-_%{}", max_size=8)


def body(id: str, created: int) -> list[Frame]:  # noqa: A002
    return [Frame(orjson.dumps({"id": id, "text": "Hi", "created": created, "again": f"{id}!"}))]


def chunks(id: str, created: int) -> list[Frame]:  # noqa: A002
    return [Frame(orjson.dumps({"id": id, "at": created, "text": word})) for word in ("a", "b")] + [
        Frame(b"end")
    ]


def uneven(id: str, created: int) -> list[Frame]:  # noqa: A002
    return [Frame(b"no mark"), *chunks(id, created), Frame(orjson.dumps([created, id])), Frame(b"", 0.5)]


def silent(id: str, created: int) -> list[Frame]:  # noqa: A002
    return [Frame(b"always the same")]


def stencil(render: Render) -> PrerenderedAnswer:
    marks = Placeholders()
    name, number = marks.add_text("id"), marks.add_number("created")
    marks.add_text("never used")
    headers = (("x-id", f"<{name}>"), ("x-fixed", "1"), ("x-both", f"{number}{name}"))
    return PrerenderedAnswer(Answer(201, headers, tuple(render(name, number)), streamed=True), marks)


@pytest.mark.parametrize("render", [body, chunks, uneven, silent])
@given(id=WORD, created=st.integers(0, 2**40))
def test_it_is_what_would_have_been_rendered(render: Render, id: str, created: int) -> None:  # noqa: A002
    made = stencil(render)
    values = id.encode(), str(created).encode()
    answer = made.fill(values, made.body(values))
    frames = render(id, created)
    assert list(answer.frames) == frames
    assert isinstance(answer.frames, FilledFrames)
    assert answer.frames.joined == b"".join(frame.data for frame in frames)
    assert answer.headers == (("x-id", f"<{id}>"), ("x-fixed", "1"), ("x-both", f"{created}{id}"))
    assert (answer.status, answer.streamed) == (201, True)


def test_only_the_marks_that_were_used_are_blanks() -> None:
    assert stencil(body).placeholder_names == ("id", "created")


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ((), b""),
        ((Frame(b"a"),), b"a"),
        ((Frame(b"a", 1),), None),
        ((Frame(b"a", raw=True),), None),
        ((Frame(b"a"), Frame(b"b")), b"ab"),
        ((Frame(b"a"), Frame(b"b", 1)), None),
        ((Frame(b"a"), Frame(b"b", raw=True)), None),
    ],
)
def test_frames_go_together_where_no_silence_parts_them(
    frames: tuple[Frame, ...], said: bytes | None
) -> None:
    assert join_body(frames) == said
    made = PrerenderedAnswer(Answer(200, (), frames), Placeholders())
    assert join_body(FilledFrames(made, ())) == said


def test_filled_frames_can_be_counted_and_cut() -> None:
    made = stencil(chunks)
    frames = made.fill((b"7", b"7")).frames
    assert len(frames) == 3
    assert frames[2] == Frame(b"end")
    assert frames[:1] == (Frame(b'{"id":"7","at":7,"text":"a"}'),)


def test_what_is_kept_of_filled_frames_is_their_values_alone() -> None:
    made = PrerenderedAnswer(Answer(200, (), (Frame(b"x" * 5_000), Frame(b"y" * 5_000))), Placeholders())
    assert count_retained_bytes(FilledFrames(made, ())) == 1_000
    assert (find_prerendered(FilledFrames(made, ())), find_prerendered(made.answer.frames)) == (made, None)
    assert count_retained_bytes(made.answer.frames) == 10_000
