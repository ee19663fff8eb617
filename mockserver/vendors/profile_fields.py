"""The field types of a profile: names, hosts, paths, headers, patterns and durations."""

from __future__ import annotations

import re

from mockserver.schema.field_types import AnyValue, Duration, FieldType, Number, Text
from mockserver.schema.object_types import MapOf, Validated
from mockserver.vendors.ids import create_id_factory
from mockserver.wire.answer import check_header_name, check_response_header_name

RESERVED_NAMES = ("_mock", "healthz", "readyz", "metrics", "s")  # the server's own paths


def _require_match(text: str, pattern: str, expected: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ValueError(f"found {text!r}, expected {expected}")
    return text


def _vendor_name(text: str) -> str:
    if text in RESERVED_NAMES:
        raise ValueError(f"found {text!r}, which is the server's own path, expected another name")
    return _require_match(text, r"[a-z][a-z0-9-]*", "a name of lower-case letters, digits and '-'")


def _host(text: str) -> str:
    return _require_match(
        text, r"[A-Za-z0-9.-]+", "a host's name without a port, like api.example.com"
    ).lower()


def _path(text: str) -> str:
    return _require_match(text, r"/|(?:/[A-Za-z0-9._~@:+-]+)+", "a path like /v1/chat/completions")


def _chat_path(text: str) -> str:
    _require_match(text, r"[^{}]*(?:/\{model\})?[^{}]*", "a path like /v1/chat/completions or /v1/{model}")
    _path(text.replace("{model}", "model"))
    return text


def _endpoint_path(text: str) -> str:
    _path(text.replace("/{id}", "", 1) or "/")
    return text


def _request_line(text: str) -> str:
    return _require_match(
        text, r"[A-Z]+ (?:/[A-Za-z0-9._~@:+{}-]+)+", "a method and a path like POST /v1/images"
    )


def _id_pattern(text: str) -> str:
    create_id_factory(text)
    return text


def _regular_expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"found {text!r}, expected a regular expression: {error}") from None
    return text


def _ascii_line(text: str) -> str:
    return _require_match(text, r"[\x20-\x7e]*", "one line of ASCII text")


def _nonzero_duration(seconds: float) -> float:
    if not seconds:
        raise ValueError("found a duration of 0, expected one like 1s")
    return seconds


def _nonzero_number(number: float) -> float:
    if not number:
        raise ValueError("found 0, expected the number of credits for a dollar")
    return number


def _header_map(headers: dict[str, str]) -> dict[str, str]:
    return {check_response_header_name(name): value for name, value in headers.items()}


CREDIT_RATE: FieldType = Validated(Number(0), _nonzero_number)
VENDOR_NAME: FieldType = Validated(Text(), _vendor_name)
HOST: FieldType = Validated(Text(), _host)
PATH: FieldType = Validated(Text(), _path)
CHAT_PATH: FieldType = Validated(Text(), _chat_path)
ENDPOINT_PATH: FieldType = Validated(Text(), _endpoint_path)
REQUEST_LINE: FieldType = Validated(Text(), _request_line)
ASCII_LINE: FieldType = Validated(Text(), _ascii_line)
HEADER_NAME: FieldType = Validated(Text(), check_header_name)
HEADER_MAP: FieldType = Validated(MapOf(ASCII_LINE), _header_map)
ID_PATTERN: FieldType = Validated(Text(), _id_pattern)
HEADER_PATTERNS: FieldType = Validated(
    MapOf(Validated(Text(), _regular_expression)), _header_map
)  # by header name
DURATION: FieldType = Validated(Duration(), _nonzero_duration)
TEMPLATE: FieldType = MapOf(AnyValue())
