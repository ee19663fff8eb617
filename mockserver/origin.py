"""Where a request comes from and where it goes: what follows from its head alone, the same for the same head."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from starlette.types import Scope

from mockserver.value import single
from mockserver.vendors.directory import Directory, Place
from mockserver.vendors.vendor import Vendor

SESSION = "x-mock-session"  # the header that names a session
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_USUAL = 2_000  # bytes of headers; what is longer is not kept


@single
class Head:
    """What is known of a request before its body is read. Many requests of one client have the same."""

    method: str
    path: str
    host: str
    session: str | None
    headers: Mapping[str, str]


@single
class Origin:
    """A head, and what the vendor it goes to makes of it.

    `attempt` is how often the client's SDK says that it has tried before; 0 when it says nothing.
    """

    head: Head
    place: Place
    key: str | None
    session: str
    attempt: int
    length: int  # bytes that the body is said to have; 0 when nobody says

    @property
    def vendor(self) -> Vendor:
        return self.place.vendor

    @property
    def headers(self) -> Mapping[str, str]:
        return self.head.headers


def head(scope: Scope) -> Head:
    """The head of a request, the `/s/{session}` prefix taken off its path."""
    pairs = scope["headers"]
    lines = b"\n".join(itertools.chain.from_iterable(pairs))
    if (
        len(lines) < _USUAL and lines.count(b"\n") == 2 * len(pairs) - 1
    ):  # none of them has a line's end in it
        return _known(scope["method"], scope["path"], lines)
    return _head(scope["method"], scope["path"], _decoded(pairs))


@lru_cache(maxsize=256)
def _known(method: str, path: str, lines: bytes) -> Head:
    words = lines.decode("latin-1").split("\n")
    return _head(method, path, dict(zip(words[::2], words[1::2], strict=True)))


def _decoded(pairs: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}


def _head(method: str, path: str, headers: Mapping[str, str]) -> Head:
    session = None
    if path.startswith("/s/"):
        session, slash, rest = path[3:].partition("/")
        path = slash + rest or "/"
    host = headers.get("host", "").lower()
    # A port is no part of a name; an IPv6 address has colons of its own.
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    return Head(method, path, name, session, headers)


def place(asked: Head, directory: Directory) -> Place | None:
    """Whom the request is for."""
    return directory.locate(asked.host, asked.method, asked.path)


def origin(asked: Head, directory: Directory) -> Origin | None:
    """Where a request comes from; None where no vendor has its path."""
    at = place(asked, directory)
    if at is None:
        return None
    key = at.vendor.key(asked.headers)
    return Origin(asked, at, key, session(asked, key), _attempt(asked.headers), _length(asked.headers))


def _attempt(headers: Mapping[str, str]) -> int:
    count = headers.get("x-stainless-retry-count", "0")
    return int(count) if count.isascii() and count.isdigit() and len(count) < 10 else 0


def _length(headers: Mapping[str, str]) -> int:
    length = headers.get("content-length", "")
    # A number of more than 4,300 digits is one that Python does not read.
    return int(length[:20]) if length.isdecimal() else 0


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
