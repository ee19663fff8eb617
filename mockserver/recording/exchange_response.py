"""The response of a recording: in the words of fixtures if these send the same answer, else its bytes."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from mockserver.errors import InputError
from mockserver.fixtures.response_spec import RESPONSE
from mockserver.masking import mask_headers
from mockserver.recording.answer_comparison import AnswerComparison
from mockserver.recording.error_writer import write_error
from mockserver.recording.response_writer import read_response
from mockserver.recording.stream_pacing import measure_pacing, write_event_lines
from mockserver.recording.timed_events import parse_chunks, split_timed_events
from mockserver.recording.usage_reader import list_usages
from mockserver.rendering.completion import render_completion
from mockserver.rendering.pacing import LazyRandom
from mockserver.request.chat_request import ChatRequest
from mockserver.schema.field_types import read_document
from mockserver.schema.yaml_document import document_from_value
from mockserver.wire.answer import Answer, index_headers
from mockserver.wire.frames import join_frames

Definition = dict[str, Any]

# Headers of one connection, of one answer, or of a gateway; they say nothing about the vendor's API.
_TRANSIENT_HEADER = re.compile(
    r"connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|date|server|via|age|vary|etag|alt-svc|nel"
    r"|report-to|reporting-endpoints|set-cookie|cache-control|expires|pragma|last-modified|request-id|.*processing-ms"
    r"|content-(?:length|encoding|security-policy.*)|(?:access-control|cross-origin|cf|x-mock)-.*|referrer-policy"
    r"|strict-transport-security|origin-agent-cluster|server-timing|traceparent|x-powered-by"
    r"|x-(?:request|correlation|trace|inference)-id|x-(?:amz|envoy|content|frame|xss|download|dns|permitted|cache"
    r"|served|timer|vercel|railway|cloud|runtime).*"
)
_RETRY_HEADERS = ("retry-after", "retry-after-ms")
_CHUNK_SIZES = (None, "word", "char", "whole")
_STATED_FIELDS = ("model", "system_fingerprint")


@dataclass(frozen=True, slots=True)
class _Wording:
    """A response that may send the answer again; `is_exact` demands the same chunks of a stream."""

    definition: Definition
    is_exact: bool = True


def write_exchange_response(
    request: ChatRequest, answer: Answer, *, may_have_more: bool = False
) -> Definition:
    """Return the response that sends this answer again, its pace included.

    It is in the words of fixtures if an answer rendered from them is the same apart from ids and times. It
    `may_have_more` fields: an old recording lacks those that its vendor has added since.
    """
    for more in (False, True) if may_have_more else (False,):
        for wording in _list_wordings(request, answer):
            if (written := _complete(request, wording, answer, may_have_more=more)) is not None:
                return written
    return {"raw": _write_bytes(answer)}


def _list_wordings(request: ChatRequest, answer: Answer) -> Iterator[_Wording]:
    """Yield the responses to try, the most readable one first."""
    if answer.status >= 400:
        error = write_error(request, answer)
        if error is not None:
            yield _Wording(error)
        return
    words = read_response(answer)
    if words is not None:
        # Some vendors send an empty text beside tool calls, others null.
        for text in ({}, {"text": ""}) if "text" not in words and "tool_calls" in words else ({},):
            for usage in list_usages(request, _read_usage(answer)):
                yield from _list_forms(answer, {**text, **words, **usage})


def _list_forms(answer: Answer, words: Definition) -> Iterator[_Wording]:
    """Yield the forms in which the content of a completion can be written."""
    if not answer.streamed:
        yield from (_Wording(one) for one in (_write_json(words), words) if one is not None)
        return
    pacing = measure_pacing(answer)
    streams = [
        words | _write_stream(pacing | ({} if size is None else {"chunk": size})) for size in _CHUNK_SIZES
    ]
    yield from map(_Wording, streams)
    for chunked in [words | _write_stream(pacing) | chunks for chunks in _write_chunks(answer, words)]:
        chunked.pop("text")
        yield _Wording(chunked)
        yield _Wording(chunked, is_exact=False)
    yield _Wording(streams[0], is_exact=False)


def _write_stream(pacing: Mapping[str, Any]) -> Definition:
    return {"stream": dict(pacing)} if pacing else {}


def _write_chunks(answer: Answer, words: Definition) -> Iterator[Definition]:
    """Yield the text of the only choice in the chunks in which it arrived."""
    if "text" not in words:
        return
    chunks = [orjson.loads(data) for data in parse_chunks(split_timed_events(answer))]
    if texts := [text for chunk in chunks for text in _list_deltas(chunk) if text]:
        yield {"chunks": texts}


def _list_deltas(chunk: Definition) -> list[str | None]:
    """Return the parts of the text in a chunk of chat completions, or in an event of the Responses API."""
    if chunk.get("type") == "response.output_text.delta":
        return [chunk["delta"]]
    return [choice["delta"].get("content") for choice in chunk.get("choices", ())]


def _write_json(words: Definition) -> Definition | None:
    """Return the response with its text as a JSON value, None if the text is no such document."""
    if not words.get("text", "").startswith(("{", "[")):
        return None
    try:
        value = orjson.loads(words["text"])
    except ValueError:
        return None
    if orjson.dumps(value).decode() != words["text"]:
        return None
    return {"json": value} | {name: item for name, item in words.items() if name != "text"}


def _read_usage(answer: Answer) -> Any:
    return next((one["usage"] for one in _read_objects(answer) if one.get("usage")), None)


def _read_objects(answer: Answer) -> list[Definition]:
    """Return the JSON objects of an answer: the body, or the chunks of a stream, the last one first.

    An event of the Responses API stands for the response in it.
    """
    data = parse_chunks(split_timed_events(answer))[::-1] if answer.streamed else [join_frames(answer.frames)]
    values: list[Definition] = list(map(orjson.loads, data))
    return [one["response"] if isinstance(one.get("response"), dict) else one for one in values]


def _complete(
    request: ChatRequest, wording: _Wording, answer: Answer, *, may_have_more: bool
) -> Definition | None:
    """Return a wording with the status, headers and fields that the vendor does not send by itself.

    None if it does not send the same answer even then.
    """
    definition = dict(wording.definition)
    try:
        rendered = _render(request, definition)
        if "error" not in definition:
            definition |= _state_fields(rendered, answer)
        again = _render(request, definition)
        comparison = AnswerComparison(_render(request, definition), again, answer)
    except InputError:  # a value that no fixture may have, such as a tool without a name
        return None
    is_same = comparison.has_same_bytes if wording.is_exact else comparison.has_same_message
    if not (comparison.has_same_content() if may_have_more else is_same()):
        return None
    headers = _list_own_headers(answer, rendered, again)
    return definition | ({"headers": mask_headers(headers)} if headers else {})


def _render(request: ChatRequest, definition: Definition) -> Answer:
    spec = read_document(RESPONSE, document_from_value(definition, "a recording"))
    return render_completion(request, spec, LazyRandom())


def _state_fields(rendered: Answer, answer: Answer) -> Definition:
    """Return the status and the fields of a response that the vendor would send with another value."""
    sent, received = (next(iter(_read_objects(one))) for one in (rendered, answer))
    status = {"status": answer.status} if answer.status != rendered.status else {}
    return status | {
        name: received[name]
        for name in _STATED_FIELDS
        if isinstance(received.get(name), str) and received[name] != sent.get(name)
    }


def _list_own_headers(answer: Answer, rendered: Answer, again: Answer) -> dict[str, str]:
    """Return the headers of an answer that the rendered one does not have."""
    sent, sent_again = index_headers(rendered.headers), index_headers(again.headers)
    return {
        name: value
        for name, value in _list_lasting_headers(answer).items()
        if _get_comparable(name, value) != _get_comparable(name, sent.get(name, ""))
        and sent.get(name) == sent_again.get(name)
        and not (name in _RETRY_HEADERS and name in sent)
    }


def _list_lasting_headers(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in index_headers(answer.headers).items() if is_lasting_header(name)}


def is_lasting_header(name: str) -> bool:
    """Return whether a header (in lower case) says something about the vendor's API."""
    return not _TRANSIENT_HEADER.fullmatch(name)


def _get_comparable(name: str, value: str) -> str:
    """Return a header's value without the parameters of a media type."""
    return value.partition(";")[0].strip().lower() if name == "content-type" else value


def _write_bytes(answer: Answer) -> Definition:
    """Return a raw response: the answer byte for byte, the pauses of a stream included."""
    headers = mask_headers(_list_lasting_headers(answer))
    head = {"status": answer.status, **({"headers": headers} if headers else {})}
    if answer.streamed:
        return {**head, "sse": write_event_lines(answer)}
    body = join_frames(answer.frames)
    try:
        return {**head, "body": body.decode()}
    except UnicodeDecodeError:
        return {**head, "base64": base64.b64encode(body).decode()}
