"""What a call of the control API asks: its parameters and its document, JSON or YAML, read and bounded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request

from mockserver import document
from mockserver.control.refusal import Refused
from mockserver.document import Document, clipped
from mockserver.errors import InputError, Problem
from mockserver.origin import is_session
from mockserver.shape import choice, meant

BODY = "body"  # what a message calls the document that was sent

T = TypeVar("T")

_LITTLE = 16_384  # bytes that are read sooner than a thread is asked to
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json")
# curl -d says that a body is a form, whatever it is.
_ANY = re.compile(
    r"|text/.+|application/(?:x-)?yaml|application/octet-stream|application/x-www-form-urlencoded"
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter: what it is, its JSON Schema, and how it is read (ValueError: it cannot be)."""

    documentation: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One call. `query` holds the parameters that were given."""

    request: Request
    query: Mapping[str, Any]
    most: int

    @property
    def session(self) -> str | None:
        session: str | None = self.query.get("session")
        return session

    @property
    def name(self) -> str:
        """What the path names."""
        name: str = self.request.path_params["name"]
        return name

    async def document(self) -> Document:
        """What was sent. Raises Refused, or InputError where it cannot be read."""
        return await self.read(lambda written: written)

    async def read(self, read: Callable[[Document], T]) -> T:
        """What is made of what was sent; much of it on a thread, while other calls go on."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not _JSON.fullmatch(kind) and not _ANY.fullmatch(kind):
            raise Refused(415, f"found the Content-Type {clipped(kind)!r}, expected JSON or YAML")
        raw = await self._body()

        def made() -> T:
            return read(_document(raw, kind))

        return made() if len(raw) < _LITTLE else await asyncio.to_thread(made)

    async def _body(self) -> bytes:
        gathered = bytearray()
        try:
            async for part in self.request.stream():
                gathered += part
                if len(gathered) > self.most:
                    raise Refused(413, f"the body has more than {self.most:,} bytes")
        except ClientDisconnect:
            raise Refused(400, "the client left before it had said everything") from None
        return bytes(gathered)


def _document(raw: bytes, kind: str) -> Document:
    if not raw:
        raise InputError.of("nothing was sent, expected JSON or YAML", source=BODY)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        message = f"found the byte 0x{raw[error.start]:02x} at {error.start}, expected UTF-8 text"
        raise InputError.of(message, source=BODY) from None
    try:
        return document.of(orjson.loads(raw), BODY)
    except orjson.JSONDecodeError as error:
        if _JSON.fullmatch(kind):
            raise InputError(Problem(f"no JSON: {error.msg}", "", BODY, error.lineno, error.colno)) from None
        return document.parse(text, BODY)


def read(request: Request, known: tuple[str, ...], most: int) -> Asked:
    """A call that may have these parameters. Raises Refused with everything that is wrong with them."""
    query: dict[str, Any] = {}
    problems = []
    for name, value in parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True):
        try:
            if name not in known:
                expected = f"expected {choice(known)}" if known else "there are none here"
                raise ValueError(f"unknown parameter {clipped(name)!r}, {expected}{meant(name, known)}")
            query[name] = PARAMETERS[name].read(value)
        except ValueError as error:
            problems.append(Problem(str(error), name))
    if problems:
        raise Refused(400, "; ".join(map(str, problems)), problems)
    return Asked(request, query, most)


def _session(text: str) -> str:
    if not is_session(text):
        raise ValueError(f"found {clipped(text)!r}, expected 1 to 64 letters, digits, '.', '_' or '-'")
    return text


def _statuses(text: str) -> tuple[str, ...]:
    """Each as a person writes it: `429`, `5xx`."""
    parts = tuple(part.strip().lower() for part in text.split(","))
    if not all(re.fullmatch(r"[1-5](?:[0-9]{2}|xx)|0", part) for part in parts):
        raise ValueError(f"found {clipped(text)!r}, expected statuses like 429 or 5xx, with commas between")
    return parts


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError(f"found {clipped(text)!r}, expected true or false")
    return _FLAGS[text.lower()]


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError(f"found {clipped(text)!r}, expected a whole number of nine digits at most")
    return int(text)


def _what(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(","))
    for part in parts:
        if part not in RESETTABLE:
            raise ValueError(
                f"found {clipped(part)!r}, expected {choice(RESETTABLE)}{meant(part, RESETTABLE)}"
            )
    return parts


_FLAGS = {"": True, "true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
RESETTABLE = ("requests", "counters", "faults", "fixtures", "accounts")
_TEXT: Mapping[str, Any] = {"type": "string"}

PARAMETERS: dict[str, Parameter] = {
    "session": Parameter(
        "this session alone; absent: all are read, and what they share is changed",
        {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        _session,
    ),
    "status": Parameter("these statuses, as `429,5xx`", _TEXT, _statuses),
    "fixture": Parameter("that this fixture matched", _TEXT, str),
    "unmatched": Parameter(
        "that no fixture matched, or that one did",
        {"enum": ["true", "false", "1", "0", "yes", "no", ""]},
        _flag,
    ),
    "since": Parameter(
        "that arrived after the one with this number", {"type": "integer", "minimum": 0}, _count
    ),
    "limit": Parameter("so many at most", {"type": "integer", "minimum": 0}, _count),
    "what": Parameter("what goes back: some of " + ", ".join(RESETTABLE), _TEXT, _what),
}
