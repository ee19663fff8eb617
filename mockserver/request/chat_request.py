"""The chat request: head and body of one client request. Errors in it are noted here and refused at admission."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from starlette.types import Message, Receive

from mockserver.memoize import BoundedCache, Memo, identity_dataclass
from mockserver.request.content_coding import BodyTooLargeError, UnknownCodingError, decode_body
from mockserver.request.request_body import (
    TOO_LARGE_BODY,
    TOO_MANY_VALUES,
    LazyBody,
    ParsedBody,
    build_body_failure,
    has_too_many_values,
    text_or_empty,
)
from mockserver.request.request_head import MAX_CACHED_HEAD, RoutedHead
from mockserver.request.responses_input import Conversation, asks_for_summary
from mockserver.request.worker_thread import WorkerThread
from mockserver.vendors.routing import RouteMatch
from mockserver.vendors.vendor import Vendor

_MAX_CACHED, _MAX_CACHED_BYTES = 256, 1_000_000  # requests of one server, and their bodies together
_MAX_CACHED_BODY = 4_000  # bytes; a request with a longer body is not cached
LARGE_BODY = 64 * 1024  # bytes; a larger body is parsed and examined on the worker thread
MAX_MODEL_LENGTH = 256  # characters; every chunk of a stream repeats the model's name


class ClientDisconnected(Exception):
    """The client closed the connection while its request was being read."""


@identity_dataclass
class ChatRequest:
    """A request to a vendor. Requests with the same bytes may share one.

    `attempt` is the number of earlier attempts that the client's SDK reports, 0 if it reports none. `memo` holds what
    is memoized for this request, such as the match of a fixture.
    """

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
    is_large: bool  # whether the steps of the pipeline are prepared on the worker thread

    def unparsed_copy(self) -> ChatRequest:
        """Return a copy whose body is parsed independently of this one's."""
        return replace(self, lazy_body=self.lazy_body.unparsed_copy(), memo=Memo())

    def with_conversation(self, earlier: Conversation) -> ChatRequest:
        """Return a copy that continues a conversation."""
        return replace(self, lazy_body=self.lazy_body.with_conversation(earlier), memo=Memo())

    @property
    def is_reasoning_sent(self) -> bool:
        """Return whether the answer includes the reasoning; in Responses it is a summary that the request asks for."""
        if self.route.api == "responses":
            return asks_for_summary(self.parsed.body)
        return self.vendor.sends_reasoning(self.model, self.parsed.body)

    @property
    def parsed(self) -> ParsedBody:
        """Return the parsed body; it is parsed anew if it was dropped."""
        return self.lazy_body.parsed


class RequestReader:
    """The reader of one server's requests; `max_body` is in bytes. `worker` parses large bodies."""

    def __init__(self, max_body: int) -> None:
        self.worker = WorkerThread()
        self._max_body = max_body
        self._cache: BoundedCache[tuple[RoutedHead, bytes], ChatRequest] = BoundedCache(
            _MAX_CACHED,
            _MAX_CACHED_BYTES,
            on_evicted=lambda request: request.memo.clear(),  # the journal may keep the request
        )

    async def read(self, routed_head: RoutedHead, receive: Receive) -> ChatRequest:
        """Receive a whole request. Raises ClientDisconnected if the client leaves before its end."""
        max_body = self._max_body
        if routed_head.content_length > max_body:
            return build_chat_request(routed_head, b"", TOO_LARGE_BODY)
        message = await receive()
        raw: bytes = message.get("body", b"")
        if message.get("more_body"):
            raw, message = await _receive_rest(raw, receive, max_body)
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        if len(raw) > max_body:
            return build_chat_request(routed_head, b"", TOO_LARGE_BODY)
        failure = None
        if raw and "content-encoding" in routed_head.headers:
            raw, failure = await self._decode(routed_head, raw)
        elif len(raw) < _MAX_CACHED_BODY and routed_head.head.size < MAX_CACHED_HEAD:
            # Clients under test often repeat a request.
            key = routed_head, raw
            return self._cache.get(key) or self._cache.put(
                key, build_chat_request(routed_head, raw), len(raw)
            )
        if len(raw) > LARGE_BODY and failure is None:
            return await self.worker.run(_build_large_request, routed_head, raw)
        return build_chat_request(routed_head, raw, failure)

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
        return build_chat_request(routed_head, b"", TOO_MANY_VALUES)
    return build_chat_request(routed_head, raw, is_large=True)


def build_chat_request(
    routed_head: RoutedHead, raw: bytes, failure: ParsedBody | None = None, *, is_large: bool = False
) -> ChatRequest:
    """Build a request from its head and body; `failure` stands for a body that cannot be parsed."""
    route = routed_head.route
    lazy_body = LazyBody(raw, accept_prompt=route.vendor.profile.prompt, failure=failure, api=route.api)
    body = lazy_body.parsed.body
    model = (route.model or text_or_empty(body.get("model")))[: MAX_MODEL_LENGTH + 1]
    supports_streaming = route.vendor.supports_streaming and route.is_completion and not route.is_job
    stream = supports_streaming and body.get("stream") is True
    return ChatRequest(
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
        is_large,
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
