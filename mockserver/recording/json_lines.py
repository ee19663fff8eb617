"""Files with a request and its response in each line: OpenAI's batches, logs, and the export of this server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from mockserver.recording.http_exchange import HttpExchange, encode_content, read_headers
from mockserver.recording.import_problems import SkippedPart
from mockserver.wire.answer import Frame
from mockserver.wire.sse import encode_sse_event

Line = Mapping[str, Any]

_CHAT_URL: Final = "/v1/chat/completions"
_RESPONSES_URL: Final = "/v1/responses"
_BODY_KEYS: Final = ("messages", "input", "prompt")


class BatchRequests:
    """The requests of OpenAI's batches, by their `custom_id`; their results are in another file."""

    def __init__(self) -> None:
        self._requests: dict[str, Line] = {}

    def add_all(self, lines: Iterable[Any]) -> None:
        """Take the requests among these lines."""
        for line in lines:
            if isinstance(line, Mapping) and "custom_id" in line and "body" in line:
                self._requests[str(line["custom_id"])] = line

    def find(self, line: Line) -> Line | None:
        """Return the request of a result, None if it is in none of the files."""
        return self._requests.get(str(line.get("custom_id")))


def read_json_lines(lines: Iterable[Any], requests: BatchRequests) -> Iterator[HttpExchange | SkippedPart]:
    """Yield the exchanges in the lines of a file, and what is not in the form of one."""
    for number, line in enumerate(lines, 1):
        place = f"line {number}"
        try:
            if "custom_id" in line and "response" not in line:
                continue  # a request, which is imported with its result
            yield _read_line(place, line, requests)
        except _SkipError as error:
            yield SkippedPart(place, str(error))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"no request with its response ({type(error).__name__}: {error})"
            yield SkippedPart(place, reason)


class _SkipError(Exception):
    """A line cannot become an exchange; the message says why."""


def _read_line(place: str, line: Line, requests: BatchRequests) -> HttpExchange:
    request = line.get("request", line)
    if "custom_id" in line and "body" not in request:
        found = requests.find(line)
        if found is None:
            raise _SkipError(
                f"no file has the request with the custom_id {line['custom_id']!r}; import both files"
            )
        request = found
    if line["response"] is None:
        raise _SkipError(f"it has no response{_describe_error(line)}")
    if "vendor" in line and "path" in line:
        return _read_own_line(place, line)
    url, body = _read_request(request)
    status, headers, content = _read_response(line["response"])
    return HttpExchange(
        place,
        str(request.get("method", "POST")),
        url,
        read_headers(request.get("headers")),
        body,
        status,
        headers,
        (Frame(content),),
    )


def _describe_error(line: Line) -> str:
    error = line.get("error")
    return f": {error.get('message')}" if isinstance(error, Mapping) else ""


def _read_request(request: Line) -> tuple[str, bytes]:
    """Return the URL and the body of a request, which is the body itself, or has it."""
    body: Any = request
    if "body" in request:
        body = request["body"]
    elif "url" in request or not any(key in request for key in _BODY_KEYS):
        raise _SkipError("it has no body of a request")
    else:
        body = {key: value for key, value in request.items() if key != "response"}
    is_input = isinstance(body, Mapping) and "input" in body and "messages" not in body
    url = request.get("url") or (_RESPONSES_URL if is_input else _CHAT_URL)
    return str(url), encode_content(body)


def _read_response(response: Any) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    """Return the status, the headers and the body of a response, which is the body itself, or has it."""
    if isinstance(response, Mapping) and "body" in response:
        status = response.get("status_code", response.get("status", 200))
        return int(status), read_headers(response.get("headers")), encode_content(response["body"])
    is_error = isinstance(response, Mapping) and isinstance(response.get("error"), Mapping)
    return 400 if is_error else 200, (), encode_content(response)


def _read_own_line(place: str, line: Line) -> HttpExchange:
    """Return a request as the admin API describes it."""
    request, response = line["request"], line["response"]
    if line["vendor"] is None or line.get("bodies_dropped") or not response["status"]:
        raise _SkipError(
            "no vendor has its path" if line["vendor"] is None else "its bodies are not in the file"
        )
    query = f"?{request['query']}" if request.get("query") else ""
    return HttpExchange(
        place,
        str(line["method"]),
        f"{line['path']}{query}",
        read_headers(request["headers"]),
        encode_content(request["body"]),
        int(response["status"]),
        read_headers(response["headers"]),
        tuple(_read_frames(response)),
        str(line["vendor"]),
    )


def _read_frames(response: Line) -> Iterator[Frame]:
    """Yield the body of a response, or its events at the times at which they were sent."""
    if response.get("events") is None:
        yield Frame(encode_content(response["body"]))
        return
    before = 0.0
    for event in response["events"]:
        at = float(event["at_ms"] or before)
        yield Frame(encode_event(str(event["data"])), max(at - before, 0.0) / 1000)
        before = at


def encode_event(data: str) -> bytes:
    """Encode an event with this data, and with its type if the data names one, as the Responses API does."""
    if data.startswith(":"):
        return data.encode() + b"\n\n"
    try:
        kind = orjson.loads(data)["type"]
    except (ValueError, TypeError, KeyError):
        return encode_sse_event(data.encode())
    return f"event: {kind}\n".encode() + encode_sse_event(data.encode())
