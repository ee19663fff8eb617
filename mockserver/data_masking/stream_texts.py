"""The texts of a stream, which arrive in pieces: they are masked as wholes and stay in pieces."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final

from mockserver.data_masking.value_masker import MaskedPart, ValueMasker, is_protected

_MAX_DEPTH: Final = 30  # levels of an event in which pieces are looked for
_POSITION_KEYS: Final = ("type", "item_id", "output_index", "content_index", "summary_index")  # of an event
_PIECE_KEYS: Final = ("delta", "partial_json", "text")
_LOG_PROBABILITIES: Final = "logprobs"


class StreamTexts:
    """The texts of a stream's events. Those at the same place of several events are the pieces of one text.

    A place is the keys that lead to a text, with the indexes beside them: `choices`, 0, `delta`, `content`.
    """

    def __init__(self, masker: ValueMasker) -> None:
        self._masker = masker
        self._pieces: dict[tuple[Any, ...], list[tuple[str, Callable[[str], None]]]] = {}
        self._choices: list[dict[str, Any]] = []  # with log probabilities

    def add_json(self, event: Any) -> Any:
        """Return the value of the next event with its texts masked; `mask_pieces` masks the pieces in it."""
        holder = [event]
        self._visit(holder, 0, (), "", 0)
        return holder[0]

    def add_text(self, text: str, replace: Callable[[str], None]) -> None:
        """Take a text that is no JSON as a piece of one text; `replace` receives what it becomes."""
        self._add_piece((), text, replace)

    def mask_pieces(self) -> None:
        """Mask the texts that are in pieces. Raises RegexSearchError."""
        is_changed = False
        for pieces in self._pieces.values():
            texts = [text for text, _ in pieces]
            masked_texts = mask_joined(self._masker, texts)
            is_changed = is_changed or masked_texts != texts
            for (_, replace), masked in zip(pieces, masked_texts, strict=True):
                replace(masked)
        for choice in self._choices if is_changed else ():
            choice[_LOG_PROBABILITIES] = None  # they repeat the text

    def _visit(self, holder: Any, key: str | int, place: tuple[Any, ...], name: str, depth: int) -> None:
        """Mask a value in its place, or take it as a piece. `place` leads to it, `name` is the nearest key."""
        value = holder[key]
        if isinstance(value, dict | list) and depth < _MAX_DEPTH:
            self._visit_items(holder, key, place, name, depth)
        elif (
            isinstance(value, str)
            and any(one in _PIECE_KEYS for one in place)
            and not is_protected(name, value)
        ):

            def replace(masked: str) -> None:
                holder[key] = masked

            self._add_piece(place, value, replace)
        else:
            holder[key] = self._masker.mask_json(value, name)

    def _visit_items(
        self, holder: Any, key: str | int, place: tuple[Any, ...], name: str, depth: int
    ) -> None:
        value = holder[key]
        if isinstance(value, list):
            copied: Any = list(value)
            for number in range(len(copied)):
                self._visit(copied, number, (*place, _get_index(copied[number], number)), name, depth + 1)
        else:
            copied = dict(value)
            own = place if place else tuple(str(copied.get(one)) for one in _POSITION_KEYS)
            for item in value:
                self._visit(copied, item, (*own, item), item, depth + 1)
            if copied.get(_LOG_PROBABILITIES) is not None:
                self._choices.append(copied)
        holder[key] = copied

    def _add_piece(self, place: tuple[Any, ...], text: str, replace: Callable[[str], None]) -> None:
        self._pieces.setdefault(place, []).append((text, replace))


def _get_index(item: Any, number: int) -> Any:
    """Return the index that an item states, else its number in its list."""
    index = item.get("index") if isinstance(item, dict) else None
    return index if isinstance(index, int) else number


def mask_joined(masker: ValueMasker, texts: Sequence[str]) -> list[str]:
    """Return the pieces of a text that is masked as a whole; a placeholder is in the piece where its value began."""
    parts = masker.split_text("".join(texts))
    if len(parts) == 1:
        return list(texts)
    masked, ends = [""] * len(texts), list(itertools.accumulate(map(len, texts)))
    at = piece = 0
    for part in parts:
        if isinstance(part, MaskedPart):
            piece = bisect_right(ends, at, piece)
            masked[piece] += str(part)
            at += part.length
            continue
        end = at + len(part)
        start = at
        while at < end:
            piece = bisect_right(ends, at, piece)
            stop = min(ends[piece], end)
            masked[piece] += part[at - start : stop - start]
            at = stop
    return masked
