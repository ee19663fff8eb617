"""The masker of one request and its answer: it numbers the values and replaces them with placeholders."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from mockserver.data_masking.contact_data import is_card_number
from mockserver.data_masking.known_keys import find_known_keys
from mockserver.data_masking.masking_rules import FoundValue, MaskingRules

_MAX_DEPTH: Final = 100  # levels of a JSON value; what is deeper is masked as one text
_MIN_KNOWN_LENGTH: Final = 4  # characters of a value that is looked for wherever it may occur
_LAST_KEYS: Final = (
    "contents",
    "input",
    "messages",
    "prompt",
)  # the conversation, which grows with every turn
_ID_KEY: Final = re.compile(r"(?:.*_)?ids?|system_fingerprint")
_NAME_KEYS: Final = ("model", "name", "object", "obfuscation", "role", "type")
_ID: Final = re.compile(r"[\w.:|-]{1,256}")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_-]{0,64}")


@dataclass(frozen=True, slots=True)
class MaskedPart:
    """A part of a text that is masked, by its name (`email-1`) and its length."""

    name: str
    length: int

    def __str__(self) -> str:
        return f"<{self.name}>"


class ValueMasker:
    """Masks the texts of one request, then those of its answer.

    Values are numbered by their first appearance, each kind by itself. `secrets` are masked wherever they occur.
    `values` has the values by their names.
    """

    def __init__(self, rules: MaskingRules, secrets: Iterable[str] = ()) -> None:
        self.rules = rules
        self.values: dict[str, str] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._last_numbers: Counter[str] = Counter()
        self._known = dict.fromkeys(secrets, "key")

    def look_for_known_values(self) -> None:
        """From now on mask the values that were found so far wherever they occur."""
        for (kind, value), name in self._names.items():
            if len(value) >= _MIN_KNOWN_LENGTH and value != f"<{name}>":
                self._known.setdefault(value, kind)

    def split_text(self, text: str) -> list[str | MaskedPart]:
        """Return a text in parts, masked and unmasked ones. Raises RegexSearchError."""
        parts: list[str | MaskedPart] = []
        done = 0
        for found in self.rules.find_values(text, self._known):
            parts += (
                text[done : found.start],
                MaskedPart(self._find_name(text, found), found.end - found.start),
            )
            done = found.end
        return [*parts, text[done:]]

    def mask_text(self, text: str) -> str:
        """Return a text with placeholders such as `<email-1>`. Raises RegexSearchError."""
        return "".join(map(str, self.split_text(text)))

    def mask_json(self, value: Any, key: str = "", depth: int = 0) -> Any:
        """Return a JSON value in which all texts are masked but for ids. Raises RegexSearchError."""
        if isinstance(value, str):
            return value if is_protected(key, value) else self.mask_text(value)
        if isinstance(value, int):
            return self._mask_number(key, value)
        if depth > _MAX_DEPTH and isinstance(value, dict | list):
            return self.mask_text(" ".join(_iter_scalars(value)))
        if isinstance(value, list):
            return [self.mask_json(item, key, depth + 1) for item in value]
        if isinstance(value, dict):
            return self._mask_mapping(value, depth)
        return value

    def _mask_mapping(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        # Not in their order: clients differ in it, and the numbers of what comes first must not change in later turns.
        order = sorted(value, key=lambda key: (key in _LAST_KEYS, key))
        masked = {key: self.mask_json(value[key], key, depth + 1) for key in order}
        return {key if _PLAIN_KEY.fullmatch(key) else self.mask_text(key): masked[key] for key in value}

    def _mask_number(self, key: str, value: int) -> int | str:
        is_card = "card" in self.rules.kinds and not _ID_KEY.fullmatch(key) and is_card_number(str(value))
        return self.mask_text(str(value)) if is_card else value

    def _find_name(self, text: str, found: FoundValue) -> str:
        """Return the name of a value, a new one at its first appearance."""
        value = text[found.start : found.end]
        kind = found.kind or found.name.partition("-")[0]
        name = self._names.get((kind, value))
        if name is None:
            name = found.name or f"{kind}-{self._last_numbers[kind] + 1}"
            self._last_numbers[kind] = max(self._last_numbers[kind], int(name.rpartition("-")[2]))
            self._names[kind, value] = name
            self.values.setdefault(name, value)
        return name


def _iter_scalars(value: Any) -> Iterator[str]:
    """Yield the keys and scalars of a JSON value of any depth, the last ones first."""
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            rest += one.keys()
            rest += one.values()
        elif isinstance(one, list):
            rest += one
        else:
            yield str(one)


def is_protected(key: str, value: str) -> bool:
    """Return whether the value of a key is an id or a name of the protocol, which is never masked."""
    if not _ID_KEY.fullmatch(key) and (key not in _NAME_KEYS or value.isdecimal()):
        return False
    return _ID.fullmatch(value) is not None and not any(find_known_keys(value, 0, len(value)))
