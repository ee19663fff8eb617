"""One client request, read once. Nothing is refused here: what is wrong with it is noted, and `gate` says no."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Literal

import orjson
from starlette.types import Receive, Scope

from mockserver.vendors.directory import Directory, Place
from mockserver.vendors.vendor import Vendor

Flaw = Literal["", "too_large", "no_json"]

SESSION = "x-mock-session"  # the header that names a session
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_USUAL = 2_000  # bytes of headers; what is longer is not kept
_UNREAD: Final[dict[str, Any]] = {}
_IMAGES: Final = ("image_url", "input_image", "image")


class ClientLeft(Exception):
    """The client closed the connection while its request was being read."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The last message, when it is a tool's: which tool it was (None when nothing says so), and its text."""

    name: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A request for a vendor. `body` is {} and `flaw` says why when there is no JSON object in it."""

    id: str
    place: Place
    method: str
    headers: Mapping[str, str]
    raw: bytes
    body: dict[str, Any]
    flaw: Flaw
    flaw_detail: str
    key: str | None
    session: str
    model: str
    messages: tuple[dict[str, Any], ...]
    user: str
    shed: bool = False  # whether `body`, `messages` and `user` are left out, to be read again

    @property
    def vendor(self) -> Vendor:
        return self.place.vendor

    @property
    def stream(self) -> bool:
        """Whether chunks are to be sent: what was asked, as far as the vendor streams at all."""
        return self.body.get("stream") is True and self.vendor.profile.stream.mode == "openai"

    @property
    def wanted(self) -> int:
        """The number of choices asked for, of a call that was let in."""
        return int(self.body.get("n") or 1)

    @property
    def attempt(self) -> int:
        """How often the client's SDK says that it has tried before; 0 when it says nothing."""
        count = self.headers.get("x-stainless-retry-count", "0")
        return int(count) if count.isascii() and count.isdigit() and len(count) < 10 else 0

    @property
    def turn(self) -> int:
        """The number of user messages so far."""
        return sum(message.get("role") == "user" for message in self.messages)

    @property
    def system(self) -> str:
        """The text of all system and developer messages."""
        said = (text_of(m) for m in self.messages if m.get("role") in ("system", "developer"))
        return "\n".join(said)

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of every message."""
        return tuple(text_of(message) for message in self.messages)

    @property
    def image(self) -> bool:
        """Whether any message carries an image."""
        return any(part.get("type") in _IMAGES for message in self.messages for part in parts_of(message))

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools offered, as the request has them."""
        return list(_mappings(self.body.get("tools")))

    @property
    def tool_names(self) -> tuple[str, ...]:
        functions = (tool.get("function") for tool in self.tools)
        return tuple(_word(function.get("name")) for function in functions if isinstance(function, dict))

    @property
    def tool_result(self) -> ToolResult | None:
        """What a tool answered, when that is the last thing said."""
        last = self.messages[-1] if self.messages else {}
        if last.get("role") not in ("tool", "function"):
            return None
        name = _word(last.get("name")) or self._tool_called(last.get("tool_call_id"))
        return ToolResult(name or None, text_of(last))

    @property
    def response_format(self) -> str:
        """`text`, `json_object` or `json_schema`."""
        asked = self.body.get("response_format")
        return _word(asked.get("type")) or "text" if isinstance(asked, dict) else "text"

    def _tool_called(self, identifier: object) -> str:
        """The tool of the last call that had this id; no name when there was none."""
        for message in reversed(self.messages):
            for made in _mappings(message.get("tool_calls")):
                function = made.get("function")
                if made.get("id") == identifier and isinstance(function, dict):
                    return _word(function.get("name"))
        return ""


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a request before its body is read."""

    method: str
    path: str
    host: str
    session: str | None
    headers: Mapping[str, str]


def head(scope: Scope) -> Head:
    """The head of a request, the `/s/{session}` prefix taken off its path."""
    headers = _headers(scope["headers"])
    path: str = scope["path"]
    session = None
    if path.startswith("/s/"):
        session, slash, rest = path[3:].partition("/")
        path = slash + rest or "/"
    host = headers.get("host", "").lower()
    # A port is no part of a name; an IPv6 address has colons of its own.
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    return Head(scope["method"], path, name, session, headers)


def _headers(pairs: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Names and values as texts, decoded in one go, as far as none of them has a line's end in it."""
    lines = b"\n".join(itertools.chain.from_iterable(pairs))
    if lines.count(b"\n") == 2 * len(pairs) - 1:
        return _known(lines) if len(lines) < _USUAL else _texts(lines)
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}


@lru_cache(maxsize=256)
def _known(lines: bytes) -> Mapping[str, str]:
    """Many requests of one client have the same headers: they share them, in the journal too."""
    return _texts(lines)


def _texts(lines: bytes) -> Mapping[str, str]:
    words = lines.decode("latin-1").split("\n")
    return dict(zip(words[::2], words[1::2], strict=True))


def place(asked: Head, directory: Directory) -> Place | None:
    """Whom the request is for."""
    return directory.locate(asked.host, asked.method, asked.path)


async def read(asked: Head, at: Place, receive: Receive, max_body: int) -> Call:
    """The whole request. `max_body` is in bytes. Raises ClientLeft when the client did not stay to finish it."""
    raw, flaw = await _body(asked.headers, receive, max_body)
    body, detail = ({}, "") if flaw else _decoded(raw)
    if detail:
        flaw = "no_json"
    key = at.vendor.key(asked.headers)
    messages, user = _said(body, at.vendor)
    return Call(
        id=new_id(),
        place=at,
        method=asked.method,
        headers=asked.headers,
        raw=raw,
        body=body,
        flaw=flaw,
        flaw_detail=detail,
        key=key,
        session=session(asked, key),
        model=at.model or _word(body.get("model")),
        messages=messages,
        user=user,
    )


def shed(call: Call) -> Call:
    """The call without what its bytes say: decoded, they take as much memory again, and more."""
    return Call(
        call.id,
        call.place,
        call.method,
        call.headers,
        call.raw,
        _UNREAD,
        call.flaw,
        call.flaw_detail,
        call.key,
        call.session,
        call.model,
        (),
        "",
        shed=True,
    )


def again(call: Call) -> Call:
    """The call as it was before it was shed."""
    body, _ = ({}, "") if call.flaw else _decoded(call.raw)
    messages, user = _said(body, call.vendor)
    return replace(call, body=body, messages=messages, user=user, shed=False)


def session(asked: Head, key: str | None = None) -> str:
    """Whose request it is: the session that it names, or the account of its key."""
    named = asked.headers.get(SESSION) if asked.session is None else asked.session
    return account(key) if named is None else named


def is_session(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


@lru_cache(maxsize=4096)
def account(key: str | None) -> str:
    """The session of a key, which never shows the key."""
    return f"key-{hashlib.sha256(key.encode()).hexdigest()[:8]}" if key else "anonymous"


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message; the text parts of one that has several stand on lines of their own."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(
        _word(part.get("text")) for part in parts_of(message) if part.get("type") in ("text", "input_text")
    )


def parts_of(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a message whose content is a list."""
    yield from _mappings(message.get("content"))


async def _body(headers: Mapping[str, str], receive: Receive, most: int) -> tuple[bytes, Flaw]:
    if _declared(headers) > most:
        return b"", "too_large"
    message = await receive()
    whole: bytes = message.get("body", b"")
    if message.get("more_body"):
        pieces, size = [whole], len(whole)
        while message.get("more_body") and size <= most:
            message = await receive()
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
        whole = b"".join(pieces)
    if message["type"] == "http.disconnect":
        raise ClientLeft
    return (b"", "too_large") if len(whole) > most else (whole, "")


def _declared(headers: Mapping[str, str]) -> int:
    """The bytes that a body is said to have; 0 when nobody says."""
    length = headers.get("content-length", "")
    # A number of more than 4,300 digits is one that Python does not read.
    return int(length[:20]) if length.isdecimal() else 0


def _decoded(raw: bytes) -> tuple[dict[str, Any], str]:
    """The JSON object of a body, or why there is none."""
    if not raw.strip():
        return {}, "the body is empty, expected a JSON object"
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return {}, f"the body is not JSON: {_not_utf8(raw) or error}"
    if not isinstance(body, dict):
        return {}, f"the body is {_KINDS.get(type(body), 'a scalar')}, expected a JSON object"
    return body, ""


def _not_utf8(raw: bytes) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"found the byte 0x{raw[error.start]:02x} at {error.start}, expected UTF-8"
    return ""


def _said(body: dict[str, Any], vendor: Vendor) -> tuple[tuple[dict[str, Any], ...], str]:
    """The messages of a body, and the text of the user's last one."""
    messages = _messages(body, vendor)
    return messages, next((text_of(m) for m in reversed(messages) if m.get("role") == "user"), "")


def _messages(body: dict[str, Any], vendor: Vendor) -> tuple[dict[str, Any], ...]:
    prompt = body.get("prompt")
    if vendor.profile.prompt and isinstance(prompt, str) and "messages" not in body:
        return ({"role": "user", "content": prompt},)
    return tuple(_mappings(body.get("messages")))


def _mappings(value: object) -> Iterator[dict[str, Any]]:
    """The mappings in a list; none in anything else."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


_KINDS = {list: "an array", str: "a text", type(None): "null"}

_run = os.urandom(3).hex()
_count = itertools.count(1)


def new_id() -> str:
    """The id of a request, which no other has, not even in another process."""
    return f"req-{_run}-{next(_count)}"
