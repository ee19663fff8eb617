"""How the words of a profile are spelled: names, hosts, paths, header lines, patterns and times."""

from __future__ import annotations

import re

from mockserver import money
from mockserver.record import Check, MapOf
from mockserver.shape import Anything, Duration, Number, Shape, Text
from mockserver.vendors import ids

RESERVED = ("_mock", "healthz", "readyz", "metrics", "s")  # the server's own paths


def _like(text: str, pattern: str, expected: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ValueError(f"found {text!r}, expected {expected}")
    return text


def _name(text: str) -> str:
    if text in RESERVED:
        raise ValueError(f"found {text!r}, which is the server's own path, expected another name")
    return _like(text, r"[a-z][a-z0-9-]*", "a name of lower-case letters, digits and '-'")


def _host(text: str) -> str:
    return _like(text, r"[A-Za-z0-9.-]+", "a host's name without a port, like api.example.com").lower()


def _path(text: str) -> str:
    return _like(text, r"/|(?:/[A-Za-z0-9._~@:+-]+)+", "a path like /v1/chat/completions")


def _chat_path(text: str) -> str:
    _like(text, r"[^{}]*(?:/\{model\})?[^{}]*", "a path like /v1/chat/completions or /v1/{model}")
    _path(text.replace("{model}", "model"))
    return text


def _endpoint(text: str) -> str:
    _path(text.removesuffix("/{id}") or "/")
    return text


def _pattern(text: str) -> str:
    ids.maker(text)
    return text


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"found {text!r}, expected a regular expression: {error}") from None
    return text


def _token(text: str) -> str:
    # RFC 9110, 5.6.2. In lower case, because that is how a request's headers are looked up.
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", text):
        raise ValueError(f"found the header name {text!r}, expected letters, digits and '-'")
    return text.lower()


def _line(text: str) -> str:
    return _like(text, r"[\x20-\x7e]*", "one line of ASCII text")


def _lasting(seconds: float) -> float:
    if not seconds:
        raise ValueError("found no time at all, expected a duration like 1s")
    return seconds


def _some(number: float) -> float:
    if not number:
        raise ValueError("found 0, expected what a dollar buys")
    return number


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {_token(name): value for name, value in headers.items()}


MONEY: Shape = Check(Text(), money.read, money.SCHEMA)
RATE: Shape = Check(Number(0), _some)
NAME: Shape = Check(Text(), _name)
HOST: Shape = Check(Text(), _host)
PATH: Shape = Check(Text(), _path)
CHAT_PATH: Shape = Check(Text(), _chat_path)
ENDPOINT: Shape = Check(Text(), _endpoint)
LINE: Shape = Check(Text(), _line)
HEADER: Shape = Check(Text(), _token)
HEADERS: Shape = Check(MapOf(LINE), _named)
PATTERN: Shape = Check(Text(), _pattern)
EXPRESSIONS: Shape = Check(MapOf(Check(Text(), _expression)), _named)  # by header
TIME: Shape = Check(Duration(), _lasting)
FORM: Shape = MapOf(Anything())
