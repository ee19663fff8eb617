"""Conversations of the Responses API: earlier responses that a request continues, and stored ones that it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from mockserver.errors import ApiError
from mockserver.request.chat_request import ChatRequest
from mockserver.request.responses_input import Conversation, convert_input, iter_references
from mockserver.request.worker_thread import WorkerThread
from mockserver.schema.messages import truncate_text
from mockserver.sessions.store import SessionStore
from mockserver.sessions.stored_responses import StoredResponse
from mockserver.wire.answer import Answer, Frame
from mockserver.wire.prerendered import FilledFrames
from mockserver.wire.sse import find_event_data


async def load_conversation(request: ChatRequest, store: SessionStore, worker: WorkerThread) -> ChatRequest:
    """Return a request to the Responses API with the conversation that it continues; itself if there is none."""
    body = request.parsed.body
    previous_id, references = body.get("previous_response_id"), tuple(iter_references(body.get("input")))
    if not isinstance(previous_id, str) and not references:
        return request
    earlier = await _find_conversation(request, store, previous_id, references)
    continued = request.with_conversation(earlier)
    if request.is_large:
        await worker.run(lambda: continued.parsed)
    return continued


async def store_response(request: ChatRequest, answer: Answer, store: SessionStore) -> None:
    """Store the response to a request, if the request or the vendor's default says so."""
    body = request.parsed.body
    stated = body.get("store")
    if not (request.vendor.responses.spec.store if stated is None else stated):
        return
    response = _extract_response(answer)
    if response is None:
        return
    # Instructions are not part of a conversation.
    start = 1 if isinstance(body.get("instructions"), str) else 0
    messages = (*request.parsed.messages[start:], *convert_input(response["output"], {}))
    encoded = orjson.dumps(response)
    stored = StoredResponse(response["id"], request.vendor.name, messages, encoded, 2 * len(request.raw))
    await store.add_response(request.session, stored)


async def read_stored_response(request: ChatRequest, store: SessionStore) -> Answer:
    """Return a stored response, or delete it. Raises ApiError if there is none."""
    vendor, id_ = request.vendor, request.route.item
    stored = await store.find_response(request.session, id_)
    if stored is None or stored.vendor != vendor.name:
        raise ApiError("not_found", f"Response with id '{truncate_text(id_, 80)}' not found.")
    body = stored.body
    if request.method == "DELETE":
        await store.delete_response(request.session, id_)
        body = orjson.dumps(vendor.responses.deleted.fill({"id": id_}))
    values = {name: vendor.new_id(name) for name in vendor.profile.ids}
    headers = (("content-type", vendor.profile.body.content_type), *vendor.headers(values, body))
    return Answer(200, headers, (Frame(body),))


async def _find_conversation(
    request: ChatRequest, store: SessionStore, previous_id: object, references: Iterable[str]
) -> Conversation:
    """Return the conversation up to a response, with the items of these ids, or the error of what is not stored."""
    messages: tuple[dict[str, Any], ...] = ()
    if isinstance(previous_id, str):
        stored = await store.find_response(request.session, previous_id)
        if stored is None or stored.vendor != request.vendor.name:
            message = f"Previous response with id '{truncate_text(previous_id, 80)}' not found."
            error = ApiError("invalid_request", message, code="previous_response_not_found")
            return Conversation(error=error)
        messages = stored.messages
    items: dict[str, Mapping[str, Any]] = {}
    for id_ in references:
        item = await store.find_response_item(request.session, id_)
        if item is None:
            message = f"Item with id '{truncate_text(id_, 80)}' not found. {_NOT_PERSISTED}"
            return Conversation(error=ApiError("not_found", message))
        items[id_] = item
    return Conversation(messages, items)


def _extract_response(answer: Answer) -> dict[str, Any] | None:
    """Return the response of a body or of the last event of a stream; None if the answer has none."""
    frames = answer.frames
    data = frames.joined if isinstance(frames, FilledFrames) else b"".join([frame.data for frame in frames])
    if answer.streamed:
        data = find_event_data(data.rstrip().rpartition(b"\n\n")[2]) or b""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    match value.get("response", value) if isinstance(value, dict) else None:
        case {"id": str(), "output": list()} as response:
            return response
    return None


# OpenAI's text [C in clients' logs]
_NOT_PERSISTED = (
    "Items are not persisted when `store` is set to false. "
    "Try again with `store` set to true, or remove this item from your input."
)
