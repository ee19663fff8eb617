"""What the bytes of a request say: read when somebody asks, let go when nobody will, and read again for who asks later.

Decoded, a body takes as much memory again as its bytes, and more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import orjson

from mockserver.value import value

Flaw = Literal["", "too_large", "no_json"]
Message = dict[str, Any]


@value
class Words:
    """A body. It is {} where `flaw` says why there is no JSON object in it; `user` is the last user message's text."""

    body: dict[str, Any]
    messages: tuple[Message, ...]
    user: str
    flaw: Flaw = ""
    detail: str = ""


class Reading:
    """A body as bytes, and as words. `prompt` says whether a text of that name stands for a user message."""

    __slots__ = ("_words", "prompt", "raw", "too_large")

    def __init__(self, raw: bytes, *, prompt: bool = False, too_large: bool = False) -> None:
        self.raw = raw
        self.prompt = prompt
        self.too_large = too_large
        self._words: Words | None = None

    @property
    def words(self) -> Words:
        """What the bytes say."""
        words = self._words
        if words is None:
            words = self._words = _TOO_LARGE if self.too_large else _read(self.raw, prompt=self.prompt)
        return words

    @property
    def kept(self) -> bool:
        """Whether the words are there."""
        return self._words is not None

    def again(self) -> Reading:
        """The same bytes, not yet read."""
        return Reading(self.raw, prompt=self.prompt, too_large=self.too_large)

    def forget(self) -> None:
        """Let the words go, and keep the bytes."""
        self._words = None


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message; the text parts of one that has several stand on lines of their own."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(
        word(part.get("text")) for part in parts_of(message) if part.get("type") in ("text", "input_text")
    )


def parts_of(message: Mapping[str, Any]) -> Iterator[Message]:
    """The parts of a message whose content is a list."""
    yield from mappings(message.get("content"))


def mappings(value: object) -> Iterator[dict[str, Any]]:
    """The mappings in a list; none in anything else."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read(raw: bytes, *, prompt: bool) -> Words:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if not raw.strip():
            return _wrong("the body is empty, expected a JSON object")
        return _wrong(f"the body is not JSON: {_not_utf8(raw) or error}")
    if type(body) is not dict:
        return _wrong(f"the body is {_KINDS.get(type(body), 'a scalar')}, expected a JSON object")
    messages = _messages(body, prompt=prompt)
    for message in reversed(messages):
        if message.get("role") == "user":
            return Words(body, messages, text_of(message))
    return Words(body, messages, "")


def _messages(body: dict[str, Any], *, prompt: bool) -> tuple[Message, ...]:
    messages = body.get("messages")
    if type(messages) is list:
        return tuple([item for item in messages if type(item) is dict])
    said = body.get("prompt")
    if prompt and isinstance(said, str) and "messages" not in body:
        return ({"role": "user", "content": said},)
    return ()


def _wrong(detail: str) -> Words:
    return Words({}, (), "", "no_json", detail)


def _not_utf8(raw: bytes) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"found the byte 0x{raw[error.start]:02x} at {error.start}, expected UTF-8"
    return ""


_KINDS = {list: "an array", str: "a text", type(None): "null"}
_TOO_LARGE: Final = Words({}, (), "", "too_large")
