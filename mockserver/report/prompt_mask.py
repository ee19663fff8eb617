"""Masks of what differs in each run of a test: ids and times in the body of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_ID_KEYS = ("id", "tool_call_id", "call_id", "item_id", "previous_response_id")
_TIME = r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?Z|[+-]\d\d:?\d\d)?"
_PATTERNS = {
    "uuid": re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),
    "time": re.compile(rf"\b\d{{4}}-\d\d-\d\d(?:[T ]{_TIME})?(?!\d)|\b{_TIME}(?!\d)"),
    "id": re.compile(r"\b(?:call|chatcmpl|req|resp|msg|run|thread|fc|toolu)[_-][0-9A-Za-z]{8,}\b"),
}


class PromptMask:
    """Replaces ids and times by numbered placeholders, equal ones by the same: `<id-1>`, `<time-2>`."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}

    def apply(self, value: Any, key: str = "") -> Any:
        """Return a JSON value with its ids and times masked; `key` is that of the value."""
        match value:
            case str():
                return self._replace("id", value) if value and key in _ID_KEYS else self._mask_text(value)
            case Mapping():
                return {name: self.apply(item, name) for name, item in value.items()}
            case list():
                return [self.apply(item) for item in value]
        return value

    def _mask_text(self, text: str) -> str:
        for kind, pattern in _PATTERNS.items():
            text = pattern.sub(lambda found, kind=kind: self._replace(kind, found[0]), text)  # type: ignore[misc]
        return text

    def _replace(self, kind: str, text: str) -> str:
        known = self._known.get((kind, text))
        if known is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            known = self._known[kind, text] = f"<{kind}-{self._counts[kind]}>"
        return known
