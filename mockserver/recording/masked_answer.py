"""The masking of an answer: of its headers, of a body, and of a stream whose values are spread over events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson

from mockserver.data_masking.stream_texts import StreamTexts
from mockserver.data_masking.value_masker import ValueMasker, is_protected
from mockserver.masking import is_secret_header, mask_header
from mockserver.recording.exchange_response import is_lasting_header
from mockserver.recording.timed_events import TimedEvent, split_timed_events
from mockserver.wire.answer import Answer, Frame, Header
from mockserver.wire.frames import join_frames
from mockserver.wire.sse import DONE_DATA, replace_event_data, transform_other_lines

_INDENTED = b"\n  "  # in a body that a vendor sends with indentation


def mask_answer(answer: Answer, masker: ValueMasker) -> Answer:
    """Return an answer without the values that a masker finds, and without headers that are not written.

    A stream has a frame for each event then; the times stay as they are. Raises RegexSearchError.
    """
    headers = tuple(_mask_headers(answer.headers, masker))
    if answer.streamed:
        return replace(answer, headers=headers, frames=_mask_stream(answer, masker))
    body = join_frames(answer.frames)
    masked = _mask_body(body, masker)
    if masked == body:
        return replace(answer, headers=headers)
    wait = sum(frame.wait for frame in answer.frames)
    return replace(answer, headers=headers, frames=(Frame(masked, wait),))


def mask_bytes(data: bytes, masker: ValueMasker) -> bytes:
    """Return a text with its values masked, whatever its encoding is. Raises RegexSearchError."""
    text = data.decode(errors="surrogateescape")
    return masker.mask_text(text).encode(errors="surrogateescape")


def _mask_headers(headers: Iterable[Header], masker: ValueMasker) -> Iterable[Header]:
    for name, value in headers:
        if is_secret_header(name):
            yield name, mask_header(name, value)
        elif is_lasting_header(name.lower()):
            is_id = is_protected(name.replace("-", "_"), value)
            yield name, value if is_id else masker.mask_text(value)


def _mask_body(body: bytes, masker: ValueMasker) -> bytes:
    try:
        value = orjson.loads(body)
    except ValueError:
        return mask_bytes(body, masker)
    texts = StreamTexts(masker)  # a body is a stream of one event
    masked = texts.add_json(value)
    texts.mask_pieces()
    if masked == value:
        return body
    return orjson.dumps(masked, option=orjson.OPT_INDENT_2 if _INDENTED in body else None)


class _EventData:
    """The data of one event of a stream, before and after it is masked."""

    def __init__(self, event: TimedEvent, texts: StreamTexts) -> None:
        self._event = event
        self._text: str | None = None
        self._value = self._masked = None
        if event.data is None or event.data == DONE_DATA:
            return
        try:
            self._value = orjson.loads(event.data)
            self._masked = texts.add_json(self._value)
        except ValueError:
            texts.add_text(event.data.decode(errors="surrogateescape"), self._set_text)

    def _set_text(self, text: str) -> None:
        self._text = text

    def encode(self, masker: ValueMasker) -> bytes:
        """Return the bytes of the masked event."""
        text = self._event.text
        data = self._event.data
        if self._text is not None:
            data = self._text.encode(errors="surrogateescape")
        elif self._masked != self._value:
            data = orjson.dumps(self._masked)
        if data is not None and data != self._event.data:
            text = replace_event_data(text, data)
        return transform_other_lines(text, lambda line: mask_bytes(line, masker))


def _mask_stream(answer: Answer, masker: ValueMasker) -> tuple[Frame, ...]:
    events = split_timed_events(answer)
    texts = StreamTexts(masker)
    data: list[Any] = [_EventData(event, texts) for event in events]
    texts.mask_pieces()
    times = [answer.wait, *(event.at for event in events)]
    return tuple(
        Frame(one.encode(masker), at - before)
        for one, before, at in zip(data, times, times[1:], strict=False)
    )
