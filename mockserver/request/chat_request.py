"""The chat request: head and body of one client request. Errors in it are noted here and refused at admission."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from starlette.types import Message, Receive

from mockserver.memoize import BoundedCache, Memo, identity_dataclass
from mockserver.request.content_coding import BodyTooLargeError, UnknownCodingError, decode_body
from mockserver.request.request_body import (
    TOO_LARGE_BODY,
    TOO_MANY_VALUES,
    BodyErrorKind,
    LazyBody,
    ParsedBody,
    build_body_failure,
    get_message_text,
    has_too_many_values,
    iter_mappings,
    iter_message_parts,
    text_or_empty,
)
from mockserver.request.request_head import MAX_CACHED_HEAD, RoutedHead
from mockserver.request.worker_thread import WorkerThread
from mockserver.vendors.routing import RouteMatch
from mockserver.vendors.vendor import Vendor

_MAX_CACHED, _MAX_CACHED_BYTES = 256, 1_000_000  # requests of one server, and their bodies together
_MAX_CACHED_BODY = 4_000  # bytes; a request with a longer body is not cached
LARGE_BODY = 64 * 1024  # bytes; a larger body is parsed and examined on the worker thread
MAX_MODEL_LENGTH = 256  # characters; every chunk of a stream repeats the model's name
_IMAGE_PART_TYPES = ("image_url", "input_image", "image")


class ClientDisconnected(Exception):
    """The client closed the connection while its request was being read."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The message of a tool: the tool's name (None if it cannot be determined) and the text."""

    name: str | None
    text: str


@identity_dataclass
class ChatRequest:
    """A request to a vendor. Requests with the same bytes may share one.

    `attempt` is the number of earlier attempts that the client's SDK reports, 0 if it reports none. `memo` holds what
    is memoized for this request, such as the match of a fixture.
    """

    is_large: ClassVar[bool] = False  # whether the steps of the pipeline are prepared on the worker thread

    routed_head: RoutedHead
    route: RouteMatch
    vendor: Vendor
    method: str
    headers: Mapping[str, str]  # their names in lower case
    api_key: str | None
    session: str
    attempt: int
    raw: bytes  # the body, without its content codings
    lazy_body: LazyBody
    model: str  # a name that is too long is cut after one more character than it may have
    stream: bool  # whether a stream was requested from a vendor that supports streaming
    memo: Memo

    def unparsed_copy(self) -> ChatRequest:
        """Return a copy whose body is parsed independently of this one's."""
        return replace(self, lazy_body=self.lazy_body.unparsed_copy(), memo=Memo())

    @property
    def body(self) -> dict[str, Any]:
        """Return the JSON object in the body; {} if there is none, which `body_error` explains."""
        return self.lazy_body.parsed.body

    @property
    def body_error(self) -> BodyErrorKind:
        """Return the kind of error if there is no JSON object in the body, else an empty string."""
        return self.lazy_body.parsed.error

    @property
    def body_error_detail(self) -> str:
        """Return the text for `body_error`."""
        return self.lazy_body.parsed.error_detail

    @property
    def messages(self) -> tuple[dict[str, Any], ...]:
        """Return the messages that are objects."""
        return self.lazy_body.parsed.messages

    @property
    def last_user_text(self) -> str:
        """Return the text of the last user message."""
        return self.lazy_body.parsed.last_user_text

    @property
    def choice_count(self) -> int:
        """Return the number of choices requested (`n`); only for an admitted request."""
        return int(self.body.get("n") or 1)

    @property
    def user_turns(self) -> int:
        """Return the number of user messages."""
        return sum(message.get("role") == "user" for message in self.messages)

    @property
    def system_text(self) -> str:
        """Return the text of all system and developer messages, joined by line breaks."""
        texts = (get_message_text(m) for m in self.messages if m.get("role") in ("system", "developer"))
        return "\n".join(texts)

    @property
    def message_texts(self) -> tuple[str, ...]:
        """Return the text of every message."""
        return tuple(get_message_text(message) for message in self.messages)

    @property
    def has_image(self) -> bool:
        """Return whether any message contains an image."""
        return any(
            part.get("type") in _IMAGE_PART_TYPES
            for message in self.messages
            for part in iter_message_parts(message)
        )

    @property
    def tools(self) -> list[dict[str, Any]]:
        """Return the tools that are offered, as in the body."""
        return list(iter_mappings(self.body.get("tools")))

    @property
    def tool_names(self) -> tuple[str, ...]:
        """Return the names of the tools that are offered."""
        functions = (tool.get("function") for tool in self.tools)
        return tuple(
            text_or_empty(function.get("name")) for function in functions if isinstance(function, dict)
        )

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """Return the results of tools after the last assistant message, in their order."""
        newest = itertools.takewhile(
            lambda message: message.get("role") != "assistant", reversed(self.messages)
        )
        results = [message for message in newest if message.get("role") in ("tool", "function")]
        if not results:
            return ()
        names = self._called_tool_names({text_or_empty(one.get("tool_call_id")) for one in results})
        return tuple(
            ToolResult(
                text_or_empty(message.get("name"))
                or names.get(text_or_empty(message.get("tool_call_id")))
                or None,
                get_message_text(message),
            )
            for message in reversed(results)
        )

    @property
    def tool_result(self) -> ToolResult | None:
        """Return the last result of a tool after the last assistant message, None if there is none."""
        results = self.tool_results
        return results[-1] if results else None

    @property
    def response_format(self) -> str:
        """Return the requested format: `text`, `json_object` or `json_schema`."""
        value = self.body.get("response_format")
        return text_or_empty(value.get("type")) or "text" if isinstance(value, dict) else "text"

    def _called_tool_names(self, ids: set[str]) -> dict[str, str]:
        """Return the names of the tools whose last calls have these ids, by id."""
        names: dict[str, str] = {}
        for message in reversed(self.messages):
            for tool_call in iter_mappings(message.get("tool_calls")):
                function, identifier = tool_call.get("function"), text_or_empty(tool_call.get("id"))
                if identifier in ids and isinstance(function, dict):
                    names.setdefault(identifier, text_or_empty(function.get("name")))
            if len(names) == len(ids):
                break
        return names


class _DerivedValue:
    """A property of ChatRequest whose value is computed once for a parsed body."""

    def __init__(self, computed: Any) -> None:
        self._compute = computed.fget

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, request: ChatRequest, owner: type) -> Any:
        return request.lazy_body.derive(self._name, None, lambda: self._compute(request))


class LargeRequest(ChatRequest):
    """A request with a large body. Values for which every message or tool is read are computed once."""

    __slots__ = ()
    is_large: ClassVar[bool] = True
    user_turns = _DerivedValue(ChatRequest.user_turns)
    system_text = _DerivedValue(ChatRequest.system_text)
    message_texts = _DerivedValue(ChatRequest.message_texts)
    has_image = _DerivedValue(ChatRequest.has_image)
    tool_names = _DerivedValue(ChatRequest.tool_names)
    tool_results = _DerivedValue(ChatRequest.tool_results)


class RequestReader:
    """The reader of one server's requests; `max_body` is in bytes. `worker` parses large bodies."""

    def __init__(self, max_body: int) -> None:
        self.worker = WorkerThread()
        self._max_body = max_body
        self._cache: BoundedCache[tuple[RoutedHead, bytes], ChatRequest] = BoundedCache(
            _MAX_CACHED, _MAX_CACHED_BYTES
        )

    async def read(self, routed_head: RoutedHead, receive: Receive) -> ChatRequest:
        """Receive a whole request. Raises ClientDisconnected if the client leaves before its end."""
        max_body = self._max_body
        if routed_head.content_length > max_body:
            return _build_request(routed_head, b"", TOO_LARGE_BODY)
        message = await receive()
        raw: bytes = message.get("body", b"")
        if message.get("more_body"):
            raw, message = await _receive_rest(raw, receive, max_body)
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        if len(raw) > max_body:
            return _build_request(routed_head, b"", TOO_LARGE_BODY)
        failure = None
        if raw and "content-encoding" in routed_head.headers:
            raw, failure = await self._decode(routed_head, raw)
        elif len(raw) < _MAX_CACHED_BODY and routed_head.head.size < MAX_CACHED_HEAD:
            # Clients under test often repeat a request.
            key = routed_head, raw
            return self._cache.get(key) or self._cache.put(key, _build_request(routed_head, raw), len(raw))
        if len(raw) > LARGE_BODY and failure is None:
            return await self.worker.run(_build_large_request, routed_head, raw)
        return _build_request(routed_head, raw, failure)

    async def _decode(self, routed_head: RoutedHead, raw: bytes) -> tuple[bytes, ParsedBody | None]:
        """Return the body without its content codings; if they cannot be undone, as it is, with the failure."""
        try:
            header = routed_head.headers["content-encoding"]
            return await asyncio.to_thread(decode_body, raw, header, self._max_body), None
        except BodyTooLargeError:
            return b"", TOO_LARGE_BODY
        except UnknownCodingError as error:
            return raw, build_body_failure("unknown_coding", str(error))
        except ValueError as error:
            return raw, build_body_failure("no_json", str(error))


def _build_large_request(routed_head: RoutedHead, raw: bytes) -> ChatRequest:
    if has_too_many_values(raw):
        return _build_request(routed_head, b"", TOO_MANY_VALUES)
    return _build_request(routed_head, raw, request_class=LargeRequest)


def _build_request(
    routed_head: RoutedHead,
    raw: bytes,
    failure: ParsedBody | None = None,
    request_class: type[ChatRequest] = ChatRequest,
) -> ChatRequest:
    route = routed_head.route
    lazy_body = LazyBody(raw, accept_prompt=route.vendor.profile.prompt, failure=failure)
    body = lazy_body.parsed.body
    model = (route.model or text_or_empty(body.get("model")))[: MAX_MODEL_LENGTH + 1]
    supports_streaming = route.vendor.supports_streaming and not route.is_job
    stream = supports_streaming and body.get("stream") is True
    return request_class(
        routed_head,
        route,
        route.vendor,
        routed_head.head.method,
        routed_head.head.headers,
        routed_head.api_key,
        routed_head.session,
        routed_head.attempt,
        raw,
        lazy_body,
        model,
        stream,
        Memo(),
    )


async def _receive_rest(first: bytes, receive: Receive, max_body: int) -> tuple[bytes, Message]:
    """Receive the rest of a body up to `max_body` bytes; return the body and the last ASGI message."""
    pieces, size = [first], len(first)
    message: Message = {"type": "http.request", "more_body": True}
    while message.get("more_body") and size <= max_body:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
    return b"".join(pieces), message
