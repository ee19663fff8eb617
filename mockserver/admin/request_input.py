"""Requests to the admin API: query parameters and a JSON or YAML document, checked and bounded in size."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request

from mockserver.admin.error_responses import AdminError
from mockserver.errors import InputError, Problem
from mockserver.request.content_coding import BodyTooLargeError, UnknownCodingError, decode_body
from mockserver.request.request_head import SESSION_NAME_PATTERN, check_session_name, get_media_type
from mockserver.schema.messages import did_you_mean, format_alternatives, truncate_text
from mockserver.schema.yaml_document import Document, document_from_value, parse_yaml

BODY_SOURCE = "body"  # the name of the request body in messages

T = TypeVar("T")

MAX_JSON_VALUES = 1_000_000
MAX_YAML_VALUES = 200_000  # YAML takes a hundred times as long as JSON
_JSON_SEPARATORS = (b",", b"[", b"{")  # at least one for each value but the first
_YAML_SEPARATORS = (*_JSON_SEPARATORS, b"\n", b"- ", b"? ")
MAX_QUERY_FIELDS = 100
_INLINE_LIMIT = 16_384  # bytes up to which parsing is cheaper than a thread
_JSON_TYPES = re.compile(r"application/(?:[\w.-]+\+)?json")
# curl -d labels every body as a form.
_ACCEPTED_TYPES = re.compile(
    r"|text/.+|application/(?:x-)?yaml|application/octet-stream|application/x-www-form-urlencoded"
)


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """One query parameter: its description, its JSON Schema and its parser, which raises ValueError."""

    description: str
    schema: Mapping[str, Any]
    parse: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class AdminRequest:
    """One request to the admin API. `query` holds the given parameters, parsed."""

    http_request: Request
    query: Mapping[str, Any]
    max_body: int

    @property
    def session(self) -> str | None:
        """Return the session that the request is limited to, or None for all."""
        session: str | None = self.query.get("session")
        return session

    @property
    def has_body(self) -> bool:
        """Return whether the request has a body."""
        headers = self.http_request.headers
        return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"

    @property
    def name(self) -> str:
        """Return the name in the path."""
        name: str = self.http_request.path_params["name"]
        return name

    async def load_document(self) -> Document:
        """Return the document in the body. Raises AdminError, or InputError if it cannot be parsed."""
        return await self.load_as(lambda document: document)

    async def load_as(self, parse: Callable[[Document], T]) -> T:
        """Return the parsed document, passed through `parse`. Large bodies are parsed on a thread."""
        media_type = get_media_type(self.http_request.headers.get("content-type", ""))
        if not _JSON_TYPES.fullmatch(media_type) and not _ACCEPTED_TYPES.fullmatch(media_type):
            raise AdminError(
                415, f"found the Content-Type {truncate_text(media_type)!r}, expected JSON or YAML"
            )
        raw = await self._decode_body(await self._read_body())

        def load() -> T:
            return parse(_parse_document(raw, media_type))

        # The aliases of YAML, whose anchors begin with `&`, repeat large values in few bytes.
        is_short = len(raw) < _INLINE_LIMIT and b"&" not in raw
        return load() if is_short else await asyncio.to_thread(load)

    async def _read_body(self) -> bytes:
        body = bytearray()
        try:
            async for part in self.http_request.stream():
                body += part
                if len(body) > self.max_body:
                    raise AdminError(413, f"the body has more than {self.max_body:,} bytes")
        except ClientDisconnect:
            raise AdminError(400, "the client disconnected before the end of the body") from None
        return bytes(body)

    async def _decode_body(self, body: bytes) -> bytes:
        codings = ", ".join(self.http_request.headers.getlist("content-encoding"))
        if not codings or not body:
            return body
        try:
            return await asyncio.to_thread(decode_body, body, codings, self.max_body)
        except BodyTooLargeError:
            raise AdminError(413, f"the decoded body has more than {self.max_body:,} bytes") from None
        except UnknownCodingError as error:
            raise AdminError(415, str(error)) from None
        except ValueError as error:
            raise AdminError(400, str(error)) from None


def _parse_document(raw: bytes, media_type: str) -> Document:
    is_json = _JSON_TYPES.fullmatch(media_type) is not None
    _check_value_count(raw, _JSON_SEPARATORS, MAX_JSON_VALUES)
    if not raw:
        raise InputError.from_message("the body is empty, expected JSON or YAML", source=BODY_SOURCE)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        message = f"found the byte 0x{raw[error.start]:02x} at {error.start}, expected UTF-8 text"
        raise InputError.from_message(message, source=BODY_SOURCE) from None
    try:
        return document_from_value(orjson.loads(raw), BODY_SOURCE)
    except orjson.JSONDecodeError as error:
        if is_json:
            raise InputError(
                Problem(f"not JSON: {error.msg}", "", BODY_SOURCE, error.lineno, error.colno)
            ) from None
        _check_value_count(raw, _YAML_SEPARATORS, MAX_YAML_VALUES)
        return parse_yaml(text, BODY_SOURCE)


def _check_value_count(raw: bytes, separators: tuple[bytes, ...], maximum: int) -> None:
    """Raise AdminError for a document that may contain more values than the maximum.

    Memory and time grow with the number of values, not of bytes: 32 MB of `[0,0,...` would need a gigabyte.
    """
    if sum(map(raw.count, separators)) > maximum:
        raise AdminError(413, f"the body has more than {maximum:,} values")


def parse_admin_request(request: Request, allowed: tuple[str, ...], max_body: int) -> AdminRequest:
    """Parse a request whose query may have the allowed parameters. Raises AdminError with every problem."""
    query: dict[str, Any] = {}
    problems = []
    for name, value in _split_query(request.scope["query_string"]):
        try:
            if name not in allowed:
                expected = f"expected {format_alternatives(allowed)}" if allowed else "expected none"
                raise ValueError(
                    f"unknown parameter {truncate_text(name)!r}, {expected}{did_you_mean(name, allowed)}"
                )
            query[name] = QUERY_PARAMETERS[name].parse(value)
        except ValueError as error:
            problems.append(Problem(str(error), name))
    if problems:
        raise AdminError(400, "; ".join(map(str, problems)), problems)
    return AdminRequest(request, query, max_body)


def _split_query(query: bytes) -> list[tuple[str, str]]:
    """Return the names and values of a query. Raises AdminError if there are too many."""
    try:
        return parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        raise AdminError(400, f"the query has more than {MAX_QUERY_FIELDS} parameters") from None


def _parse_statuses(text: str) -> tuple[str, ...]:
    """Parse statuses such as `429,5xx`."""
    parts = tuple(part.strip().lower() for part in text.split(","))
    if len(parts) > MAX_QUERY_FIELDS:
        raise ValueError(f"found {len(parts)} statuses, expected at most {MAX_QUERY_FIELDS}")
    if not all(re.fullmatch(r"[1-5](?:[0-9]{2}|xx)|0", part) for part in parts):
        raise ValueError(
            f"found {truncate_text(text)!r}, expected statuses like 429 or 5xx, separated by commas"
        )
    return parts


def _parse_flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError(f"found {truncate_text(text)!r}, expected true or false")
    return _FLAGS[text.lower()]


def _parse_count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError(f"found {truncate_text(text)!r}, expected a whole number of at most nine digits")
    return int(text)


def _parse_reset_targets(text: str) -> tuple[str, ...]:
    return _parse_names(text, RESETTABLE)


def _parse_ends(text: str) -> tuple[str, ...]:
    return _parse_names(text, _ENDS)


def _parse_names(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Parse known names, separated by commas."""
    parts = tuple(part.strip() for part in text.split(","))
    for part in parts:
        if part not in known:
            hint = did_you_mean(part, known)
            raise ValueError(f"found {truncate_text(part)!r}, expected {format_alternatives(known)}{hint}")
    return parts


_FLAGS = {"": True, "true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_ENDS = ("finished", "dropped", "left", "closed", "open")
RESETTABLE = ("requests", "counters", "faults", "fixtures", "accounts", "plan")
_STRING_SCHEMA: Mapping[str, Any] = {"type": "string"}
_COUNT_SCHEMA: Mapping[str, Any] = {"type": "integer", "minimum": 0}
_FLAG_SCHEMA: Mapping[str, Any] = {"enum": ["true", "false", "1", "0", "yes", "no", ""]}

QUERY_PARAMETERS: dict[str, QueryParameter] = {
    "session": QueryParameter(
        "limits the request to one session; default: reads all sessions and changes the shared state",
        {"type": "string", "pattern": SESSION_NAME_PATTERN},
        check_session_name,
    ),
    "status": QueryParameter(
        "only requests with these statuses, for example `429,5xx`", _STRING_SCHEMA, _parse_statuses
    ),
    "fixture": QueryParameter("only requests that this fixture matched", _STRING_SCHEMA, str),
    "unmatched": QueryParameter(
        "only requests that no fixture matched; `false`: that one matched",
        _FLAG_SCHEMA,
        _parse_flag,
    ),
    "vendor": QueryParameter("only requests to this vendor", _STRING_SCHEMA, str),
    "ended": QueryParameter(
        "only requests with these ends, separated by commas: finished, dropped, left, closed, or open for none yet",
        _STRING_SCHEMA,
        _parse_ends,
    ),
    "faulty": QueryParameter(
        "only requests to whose answer a fault was applied; `false`: none was", _FLAG_SCHEMA, _parse_flag
    ),
    "q": QueryParameter(
        "only requests with this text, in any case, in their id, session, vendor, model, path, fixture, outcome, "
        "rule, fault, or the beginning of the last user message",
        _STRING_SCHEMA,
        str,
    ),
    "before": QueryParameter(
        "only requests that arrived before the one with this number: the next page",
        _COUNT_SCHEMA,
        _parse_count,
    ),
    "attempts": QueryParameter(
        "also the requests that may be attempts of the same calls", _FLAG_SCHEMA, _parse_flag
    ),
    "since": QueryParameter(
        "only requests that arrived after the one with this number",
        _COUNT_SCHEMA,
        _parse_count,
    ),
    "limit": QueryParameter("the maximum number of requests", _COUNT_SCHEMA, _parse_count),
    "what": QueryParameter(
        "the kinds of state to reset, separated by commas: " + ", ".join(RESETTABLE),
        _STRING_SCHEMA,
        _parse_reset_targets,
    ),
}
