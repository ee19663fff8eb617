"""One client request, read once. Nothing is refused here: what is wrong with it is noted, and `gate` says no."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.types import Message, Receive

from mockserver.notes import Notes
from mockserver.origin import Origin
from mockserver.reading import Flaw, Reading, mappings, parts_of, text_of, word
from mockserver.value import single
from mockserver.vendors.directory import Place
from mockserver.vendors.vendor import Vendor

_MOST, _LONG = 256, 4_000  # calls that are remembered, and bytes of one that is too long for that
_IMAGES = ("image_url", "input_image", "image")


class ClientLeft(Exception):
    """The client closed the connection while its request was being read."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The last message, when it is a tool's: which tool it was (None when nothing says so), and its text."""

    name: str | None
    text: str


@single
class Call:
    """A request for a vendor: where it comes from, and what it says. Requests that are equal may share one.

    `notes` are for what follows from it alone, so that it is found out once and goes when the call does.
    """

    origin: Origin
    reading: Reading
    model: str
    stream: bool  # whether chunks are to be sent: what was asked, as far as the vendor streams at all
    notes: Notes

    def again(self) -> Call:
        """The same, to be read by somebody else, at another time."""
        return replace(self, reading=self.reading.again(), notes=Notes())

    @property
    def place(self) -> Place:
        return self.origin.place

    @property
    def vendor(self) -> Vendor:
        return self.origin.place.vendor

    @property
    def method(self) -> str:
        return self.origin.head.method

    @property
    def headers(self) -> Mapping[str, str]:
        return self.origin.head.headers

    @property
    def key(self) -> str | None:
        return self.origin.key

    @property
    def session(self) -> str:
        return self.origin.session

    @property
    def attempt(self) -> int:
        """How often the client's SDK says that it has tried before; 0 when it says nothing."""
        return self.origin.attempt

    @property
    def raw(self) -> bytes:
        return self.reading.raw

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; {} where `flaw` says why there is none."""
        return self.reading.words.body

    @property
    def flaw(self) -> Flaw:
        return self.reading.words.flaw

    @property
    def flaw_detail(self) -> str:
        return self.reading.words.detail

    @property
    def messages(self) -> tuple[dict[str, Any], ...]:
        return self.reading.words.messages

    @property
    def user(self) -> str:
        """The text of the last user message."""
        return self.reading.words.user

    @property
    def wanted(self) -> int:
        """The number of choices asked for, of a call that was let in."""
        return int(self.body.get("n") or 1)

    @property
    def turn(self) -> int:
        """The number of user messages so far."""
        return sum(message.get("role") == "user" for message in self.messages)

    @property
    def system(self) -> str:
        """The text of all system and developer messages."""
        said = (text_of(m) for m in self.messages if m.get("role") in ("system", "developer"))
        return "\n".join(said)

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of every message."""
        return tuple(text_of(message) for message in self.messages)

    @property
    def image(self) -> bool:
        """Whether any message carries an image."""
        return any(part.get("type") in _IMAGES for message in self.messages for part in parts_of(message))

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools offered, as the request has them."""
        return list(mappings(self.body.get("tools")))

    @property
    def tool_names(self) -> tuple[str, ...]:
        functions = (tool.get("function") for tool in self.tools)
        return tuple(word(function.get("name")) for function in functions if isinstance(function, dict))

    @property
    def tool_result(self) -> ToolResult | None:
        """What a tool answered, when that is the last thing said."""
        last = self.messages[-1] if self.messages else {}
        if last.get("role") not in ("tool", "function"):
            return None
        name = word(last.get("name")) or self._tool_called(last.get("tool_call_id"))
        return ToolResult(name or None, text_of(last))

    @property
    def response_format(self) -> str:
        """`text`, `json_object` or `json_schema`."""
        asked = self.body.get("response_format")
        return word(asked.get("type")) or "text" if isinstance(asked, dict) else "text"

    def _tool_called(self, identifier: object) -> str:
        """The tool of the last call that had this id; no name when there was none."""
        for message in reversed(self.messages):
            for made in mappings(message.get("tool_calls")):
                function = made.get("function")
                if made.get("id") == identifier and isinstance(function, dict):
                    return word(function.get("name"))
        return ""


class Reader:
    """Reads the requests of one server; `max_body` is in bytes."""

    def __init__(self, max_body: int) -> None:
        self._max_body = max_body
        self._known: dict[tuple[Origin, bytes], Call] = {}

    async def read(self, origin: Origin, receive: Receive) -> Call:
        """The whole request. Raises ClientLeft when the client did not stay to finish it."""
        most = self._max_body
        if origin.length > most:
            return _call(origin, b"", too_large=True)
        message = await receive()
        raw: bytes = message.get("body", b"")
        if message.get("more_body"):
            raw, message = await _whole(raw, receive, most)
        if message["type"] == "http.disconnect":
            raise ClientLeft
        if len(raw) > most:
            return _call(origin, b"", too_large=True)
        if len(raw) >= _LONG:
            return _call(origin, raw)
        return self._known.get((origin, raw)) or self._remembered(origin, raw)

    def _remembered(self, origin: Origin, raw: bytes) -> Call:
        """Many clients ask the same again and again."""
        if len(self._known) >= _MOST:
            self._known.clear()
        call = self._known[origin, raw] = _call(origin, raw)
        return call


def _call(origin: Origin, raw: bytes, *, too_large: bool = False) -> Call:
    place = origin.place
    reading = Reading(raw, prompt=place.vendor.profile.prompt, too_large=too_large)
    body = reading.words.body
    stream = place.vendor.streams and body.get("stream") is True
    return Call(origin, reading, place.model or word(body.get("model")), stream, Notes())


async def _whole(first: bytes, receive: Receive, most: int) -> tuple[bytes, Message]:
    """A body of several pieces, as far as it is not too large, and the last message of it."""
    pieces, size = [first], len(first)
    message: Message = {"type": "http.request", "more_body": True}
    while message.get("more_body") and size <= most:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
    return b"".join(pieces), message


_run = os.urandom(3).hex()
_count = itertools.count(1)


def new_id() -> str:
    """The id of a request, which no other has, not even in another process."""
    return f"req-{_run}-{next(_count)}"
