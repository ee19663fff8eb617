"""One client request, read once. Nothing is refused here: what is wrong with it is noted, and `gate` says no."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.types import Message, Receive

from mockserver.memoize import Memo, identity_dataclass
from mockserver.request.request_body import (
    BodyErrorKind,
    LazyBody,
    get_message_text,
    iter_mappings,
    iter_message_parts,
    text_or_empty,
)
from mockserver.request.request_head import RoutedHead
from mockserver.vendors.routing import RouteMatch
from mockserver.vendors.vendor import Vendor

_MAX_CACHED, _MAX_CACHED_BYTES = (
    256,
    4_000,
)  # calls that are remembered, and bytes of one that is too long for that
_IMAGE_PART_TYPES = ("image_url", "input_image", "image")


class ClientDisconnected(Exception):
    """The client closed the connection while its request was being read."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The last message, when it is a tool's: which tool it was (None when nothing says so), and its text."""

    name: str | None
    text: str


@identity_dataclass
class ChatRequest:
    """A request for a vendor: where it comes from, and what it says. Requests that are equal may share one.

    `notes` are for what follows from it alone, so that it is found out once and goes when the call does.
    """

    routed_head: RoutedHead
    lazy_body: LazyBody
    model: str
    stream: bool  # whether chunks are to be sent: what was asked, as far as the vendor streams at all
    memo: Memo

    def unparsed_copy(self) -> ChatRequest:
        """The same, to be read by somebody else, at another time."""
        return replace(self, lazy_body=self.lazy_body.unparsed_copy(), memo=Memo())

    @property
    def route(self) -> RouteMatch:
        return self.routed_head.route

    @property
    def vendor(self) -> Vendor:
        return self.routed_head.route.vendor

    @property
    def method(self) -> str:
        return self.routed_head.head.method

    @property
    def headers(self) -> Mapping[str, str]:
        return self.routed_head.head.headers

    @property
    def api_key(self) -> str | None:
        return self.routed_head.api_key

    @property
    def session(self) -> str:
        return self.routed_head.session

    @property
    def attempt(self) -> int:
        """How often the client's SDK says that it has tried before; 0 when it says nothing."""
        return self.routed_head.attempt

    @property
    def raw(self) -> bytes:
        return self.lazy_body.raw

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; {} where `flaw` says why there is none."""
        return self.lazy_body.parsed.body

    @property
    def body_error(self) -> BodyErrorKind:
        return self.lazy_body.parsed.error

    @property
    def body_error_detail(self) -> str:
        return self.lazy_body.parsed.error_detail

    @property
    def messages(self) -> tuple[dict[str, Any], ...]:
        return self.lazy_body.parsed.messages

    @property
    def last_user_text(self) -> str:
        """The text of the last user message."""
        return self.lazy_body.parsed.last_user_text

    @property
    def choice_count(self) -> int:
        """The number of choices asked for, of a call that was let in."""
        return int(self.body.get("n") or 1)

    @property
    def user_turns(self) -> int:
        """The number of user messages so far."""
        return sum(message.get("role") == "user" for message in self.messages)

    @property
    def system_text(self) -> str:
        """The text of all system and developer messages."""
        said = (get_message_text(m) for m in self.messages if m.get("role") in ("system", "developer"))
        return "\n".join(said)

    @property
    def message_texts(self) -> tuple[str, ...]:
        """The text of every message."""
        return tuple(get_message_text(message) for message in self.messages)

    @property
    def has_image(self) -> bool:
        """Whether any message carries an image."""
        return any(
            part.get("type") in _IMAGE_PART_TYPES
            for message in self.messages
            for part in iter_message_parts(message)
        )

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools offered, as the request has them."""
        return list(iter_mappings(self.body.get("tools")))

    @property
    def tool_names(self) -> tuple[str, ...]:
        functions = (tool.get("function") for tool in self.tools)
        return tuple(
            text_or_empty(function.get("name")) for function in functions if isinstance(function, dict)
        )

    @property
    def tool_result(self) -> ToolResult | None:
        """What a tool answered, when that is the last thing said."""
        last = self.messages[-1] if self.messages else {}
        if last.get("role") not in ("tool", "function"):
            return None
        name = text_or_empty(last.get("name")) or self._called_tool_name(last.get("tool_call_id"))
        return ToolResult(name or None, get_message_text(last))

    @property
    def response_format(self) -> str:
        """`text`, `json_object` or `json_schema`."""
        asked = self.body.get("response_format")
        return text_or_empty(asked.get("type")) or "text" if isinstance(asked, dict) else "text"

    def _called_tool_name(self, identifier: object) -> str:
        """The tool of the last call that had this id; no name when there was none."""
        for message in reversed(self.messages):
            for made in iter_mappings(message.get("tool_calls")):
                function = made.get("function")
                if made.get("id") == identifier and isinstance(function, dict):
                    return text_or_empty(function.get("name"))
        return ""


class RequestReader:
    """Reads the requests of one server; `max_body` is in bytes."""

    def __init__(self, max_body: int) -> None:
        self._max_body = max_body
        self._cache: dict[tuple[RoutedHead, bytes], ChatRequest] = {}

    async def read(self, routed_head: RoutedHead, receive: Receive) -> ChatRequest:
        """The whole request. Raises ClientLeft when the client did not stay to finish it."""
        most = self._max_body
        if routed_head.content_length > most:
            return _build_request(routed_head, b"", too_large=True)
        message = await receive()
        raw: bytes = message.get("body", b"")
        if message.get("more_body"):
            raw, message = await _receive_rest(raw, receive, most)
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        if len(raw) > most:
            return _build_request(routed_head, b"", too_large=True)
        if len(raw) >= _MAX_CACHED_BYTES:
            return _build_request(routed_head, raw)
        return self._cache.get((routed_head, raw)) or self._cached_request(routed_head, raw)

    def _cached_request(self, routed_head: RoutedHead, raw: bytes) -> ChatRequest:
        """Many clients ask the same again and again."""
        if len(self._cache) >= _MAX_CACHED:
            self._cache.clear()
        call = self._cache[routed_head, raw] = _build_request(routed_head, raw)
        return call


def _build_request(routed_head: RoutedHead, raw: bytes, *, too_large: bool = False) -> ChatRequest:
    place = routed_head.route
    reading = LazyBody(raw, accept_prompt=place.vendor.profile.prompt, too_large=too_large)
    body = reading.parsed.body
    stream = place.vendor.supports_streaming and body.get("stream") is True
    return ChatRequest(routed_head, reading, place.model or text_or_empty(body.get("model")), stream, Memo())


async def _receive_rest(first: bytes, receive: Receive, max_body: int) -> tuple[bytes, Message]:
    """A body of several pieces, as far as it is not too large, and the last message of it."""
    pieces, size = [first], len(first)
    message: Message = {"type": "http.request", "more_body": True}
    while message.get("more_body") and size <= max_body:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
    return b"".join(pieces), message


_PROCESS_TOKEN = os.urandom(3).hex()
_REQUEST_NUMBERS = itertools.count(1)


def generate_request_id() -> str:
    """The id of a request, which no other has, not even in another process."""
    return f"req-{_PROCESS_TOKEN}-{next(_REQUEST_NUMBERS)}"
