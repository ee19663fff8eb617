"""Cassettes of vcrpy and of its relatives, such as pytest-recording and VCR for Ruby, as recorded exchanges."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Final

from mockserver.recording.http_exchange import HttpExchange, encode_content, read_headers
from mockserver.recording.import_problems import SkippedPart
from mockserver.wire.answer import Frame

INTERACTION_KEYS: Final = ("interactions", "http_interactions")
_TEXT_KEYS: Final = ("string", "content", "text")  # of a body that is a mapping


def read_cassette(value: Mapping[str, Any]) -> Iterator[HttpExchange | SkippedPart]:
    """Yield the exchanges of a cassette, and what is not in the form of one."""
    key = next(key for key in INTERACTION_KEYS if key in value)
    interactions = value[key]
    for number, interaction in enumerate(interactions if isinstance(interactions, list) else [interactions]):
        place = f"{key}[{number}]"
        try:
            yield _read_interaction(place, interaction["request"], interaction["response"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"no request and response as vcrpy writes them ({type(error).__name__}: {error})"
            yield SkippedPart(place, reason)


def _read_interaction(place: str, request: Any, response: Any) -> HttpExchange:
    return HttpExchange(
        place,
        str(request["method"]),
        str(request.get("uri", request.get("url"))),
        read_headers(request.get("headers")),
        _read_body(request),
        _read_status(response),
        read_headers(response.get("headers")),
        (Frame(_read_body(response)),),
    )


def _read_status(response: Mapping[str, Any]) -> int:
    status = response.get("status", response.get("status_code"))
    return int(status["code"] if isinstance(status, Mapping) else status)


def _read_body(message: Mapping[str, Any]) -> bytes:
    """Return the body of a message: a text, bytes, or a mapping with one of them, or a parsed JSON value."""
    if "parsed_body" in message:
        return encode_content(message["parsed_body"])
    body = message.get("body", message.get("content"))
    if isinstance(body, Mapping):
        if "base64_string" in body:
            return base64.b64decode(str(body["base64_string"]))
        return encode_content(next((body[key] for key in _TEXT_KEYS if key in body), body or None))
    return encode_content(body)
