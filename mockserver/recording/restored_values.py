"""The template of a masked response, which gives back the values of the request that it answers."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import Any, Final

from mockserver.data_masking.masking_rules import PLACEHOLDER

Definition = dict[str, Any]

_TEXT_FIELDS: Final = ("text", "refusal", "reasoning", "message")
_JSON_FIELDS: Final = ("json", "headers", "chunks")
_MAX_TEXTS: Final = 500  # of one response; a template is compiled for each of them
_SYNTAX: Final = re.compile(
    rf"\{{(?={PLACEHOLDER.pattern})|\{{[{{%#]|\r"
)  # that a template would read differently
_QUOTED_KINDS: Final = ("home", "key", "regex")  # of values with characters that JSON escapes


def restore_values(response: Definition, names: Container[str]) -> Definition:
    """Return the response as a template, in which each placeholder of these names gives the value of the request.

    A response without such a placeholder, or with very many texts, stays as it is.
    """
    texts = list(_iterate_texts(response))
    found = {match[1] for text in texts for match in PLACEHOLDER.finditer(text)}
    if len(texts) > _MAX_TEXTS or not any(name in names for name in found):
        return response
    return {**_TemplateWriter(names).write(response), "template": True}


def _iterate_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _iterate_texts(item)


class _TemplateWriter:
    """Writes the texts of a response as templates: placeholders of these names as expressions, the rest as it is."""

    def __init__(self, names: Container[str]) -> None:
        self._names = names

    def write(self, response: Definition) -> Definition:
        """Return a response, or a choice, whose texts are templates."""
        changes: Definition = {
            name: self._write_text(response[name]) for name in _TEXT_FIELDS if name in response
        }
        changes |= {name: self._write_json(response[name]) for name in _JSON_FIELDS if name in response}
        if "tool_calls" in response:
            changes["tool_calls"] = [
                {**call, "arguments": self._write_json(call["arguments"])} for call in response["tool_calls"]
            ]
        if "choices" in response:
            changes["choices"] = [self.write(choice) for choice in response["choices"]]
        if "raw" in response:
            raw = {name: item for name, item in response["raw"].items() if name in ("headers", "body", "sse")}
            changes["raw"] = response["raw"] | self._write_json(raw, is_quoted=True)
        return response | changes

    def _write_json(self, value: Any, *, is_quoted: bool = False) -> Any:
        if isinstance(value, str):
            return self._write_text(value, is_quoted=is_quoted)
        if isinstance(value, dict) and value.keys() != {"delay"}:  # a pause between chunks
            return {key: self._write_json(item, is_quoted=is_quoted) for key, item in value.items()}
        if isinstance(value, list):
            return [self._write_json(item, is_quoted=is_quoted) for item in value]
        return value

    def _write_text(self, text: str, *, is_quoted: bool = False) -> str:
        escaped = _SYNTAX.sub(lambda match: f"{{{{ {match[0]!r} }}}}", text)

        def write(match: re.Match[str]) -> str:
            if match[1] not in self._names:
                return match[0]
            value = f"mask['{match[1]}']"
            quotes = is_quoted and match[1].startswith(_QUOTED_KINDS)
            return f"{{{{ ({value} | tojson)[1:-1] }}}}" if quotes else f"{{{{ {value} }}}}"

        return PLACEHOLDER.sub(write, escaped)
