"""Patches of a rendered answer: the keys of its JSON that a fixture changes or removes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import orjson

from mockserver.fixtures.patch_spec import JsonObject, PatchSpec
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.sse import DONE_DATA, encode_sse_event, parse_sse_event


def patch_answer(patch: PatchSpec, answer: Answer) -> Answer:
    """Return a completion with its body, or the chunks of its stream, patched."""
    frames = tuple(answer.frames)
    patched = _patch_chunks(patch, frames) if answer.streamed else _patch_body(patch, frames)
    return replace(answer, frames=tuple(patched))


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396): a null removes its key, objects are merged, other values replaced."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def _patch_body(patch: PatchSpec, frames: Iterable[Frame]) -> Iterator[Frame]:
    for frame in frames:
        body = _patch_choices(orjson.loads(frame.data), "message", patch.message, patch.choice)
        yield replace(frame, data=orjson.dumps(merge_patch(body, patch.body or {})))


def _patch_chunks(patch: PatchSpec, frames: tuple[Frame, ...]) -> Iterator[Frame]:
    events = [parse_sse_event(frame.data) for frame in frames]
    indexes = [index for index, data in enumerate(events) if data not in (None, DONE_DATA)]
    for index, (frame, data) in enumerate(zip(frames, events, strict=True)):
        if data is None or data == DONE_DATA:
            yield frame
            continue
        chunk = _patch_choices(orjson.loads(data), "delta", patch.delta, patch.choice)
        chunk = merge_patch(chunk, patch.chunk or {})
        if index == indexes[0]:
            chunk = merge_patch(chunk, patch.first_chunk or {})
        if index == indexes[-1]:
            chunk = merge_patch(chunk, patch.last_chunk or {})
        yield replace(frame, data=encode_sse_event(orjson.dumps(chunk)))


def _patch_choices(
    document: JsonObject, name: str, inner: JsonObject | None, choice_patch: JsonObject | None
) -> JsonObject:
    """Return a body or chunk with each choice patched, and in it the message or delta under `name`."""
    for index, choice in enumerate(document.get("choices", ())):
        patched = merge_patch(choice, {} if inner is None else {name: inner})
        document["choices"][index] = merge_patch(patched, choice_patch or {})
    return document
