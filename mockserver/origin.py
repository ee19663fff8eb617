"""Where a request comes from and where it goes: what follows from its head alone, the same for the same head."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache

from starlette.types import Scope

from mockserver.notes import Notes
from mockserver.value import single
from mockserver.vendors.directory import Directory, Place
from mockserver.vendors.vendor import Vendor

SESSION = "x-mock-session"  # the header that names a session
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MOST, _LONG = 256, 2_000  # heads that are remembered, and letters of one that is too long for that


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

    `attempt` is how often the client's SDK says that it has tried before; 0 when it says nothing. `notes` are for what
    follows from it alone, so that it is found out once.
    """

    head: Head
    place: Place
    key: str | None
    session: str
    attempt: int
    length: int  # bytes that the body is said to have; 0 when nobody says
    notes: Notes

    @property
    def vendor(self) -> Vendor:
        return self.place.vendor

    @property
    def headers(self) -> Mapping[str, str]:
        return self.head.headers


def head(scope: Scope) -> Head:
    """The head of a request, the `/s/{session}` prefix taken off its path."""
    path: str = scope["path"]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    session = None
    if path.startswith("/s/"):
        session, slash, rest = path[3:].partition("/")
        path = slash + rest or "/"
    host = headers.get("host", "").lower()
    # A port is no part of a name; an IPv6 address has colons of its own.
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    return Head(scope["method"], path, name, session, headers)


def place(asked: Head, directory: Directory) -> Place | None:
    """Whom the request is for."""
    return directory.locate(asked.host, asked.method, asked.path)


def origin(asked: Head, directory: Directory) -> Origin | None:
    """Where a request comes from; None where no vendor has its path."""
    at = place(asked, directory)
    if at is None:
        return None
    key = at.vendor.key(asked.headers)
    return Origin(
        asked, at, key, session(asked, key), _attempt(asked.headers), _length(asked.headers), Notes()
    )


def _attempt(headers: Mapping[str, str]) -> int:
    count = headers.get("x-stainless-retry-count", "0")
    return int(count) if count.isascii() and count.isdigit() and len(count) < 10 else 0


def _length(headers: Mapping[str, str]) -> int:
    length = headers.get("content-length", "")
    # A number of more than 4,300 digits is one that Python does not read.
    return int(length[:20]) if length.isdecimal() else 0


class Origins:
    """The origins of one server, remembered: of many requests the heads are the same."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._known: dict[tuple[object, ...], tuple[Head, Origin | None]] = {}

    def of(self, scope: Scope) -> tuple[Head, Origin | None]:
        """The head of a request, and where that comes from; None where no vendor has its path."""
        key = scope["method"], scope["path"], *scope["headers"]
        found = self._known.get(key)
        if found is None:
            asked = head(scope)
            found = asked, origin(asked, self._directory)
            if len(asked.path) + sum(len(name) + len(value) for name, value in scope["headers"]) < _LONG:
                if len(self._known) >= _MOST:
                    self._known.clear()
                self._known[key] = found
        return found


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
