"""The guard of the network: no socket of this process may reach another machine."""

from __future__ import annotations

import ipaddress
import linecache
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyname_ex")
_SENDS = ("socket.connect", "socket.sendto", "socket.sendmsg")
_INTERNET = (socket.AF_INET, socket.AF_INET6)


class NetworkBlockedError(RuntimeError):
    """A call tried to reach another machine. It is no OSError, which a client might take for a failure to retry."""


class NetworkGuard:
    """Blocks the calls that would leave this machine, and notes each. `allowed` are hosts and addresses that may pass.

    `root` is the folder of the tests: a call is named by the innermost line in it.
    """

    def __init__(self, allowed: frozenset[str], root: Path) -> None:
        self.blocked: list[str] = []
        self._allowed = allowed
        self._root = f"{root}{os.sep}"

    def check(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raise NetworkBlockedError if an audit event is a call that leaves this machine."""
        if event in _LOOKUPS:
            host = _read_text(arguments[0])
            if host is not None and not self._may_pass(host):
                self._block(f"the lookup of {host}")
        elif event in _SENDS and arguments[0].family in _INTERNET and isinstance(arguments[1], tuple):
            host, port = arguments[1][:2]
            if not self._may_pass(_read_text(host) or ""):
                self._block(f"the connection to {host} port {port}")

    def _may_pass(self, host: str) -> bool:
        name = host.lower().rstrip(".")
        if name in self._allowed or name in ("", "localhost") or name.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(name.partition("%")[0])
        except ValueError:  # a name
            return False
        return address.is_loopback or address.is_unspecified

    def _block(self, call: str) -> None:
        place = _find_place(sys._getframe(), self._root)  # noqa: SLF001 there is no other way to a frame
        message = f"{call} is blocked{place}"
        self.blocked.append(message)
        raise NetworkBlockedError(f"--mockserver-block-network: {message}")

    def take_blocked(self) -> list[str]:
        """Return the blocked calls since the last time, each once."""
        blocked, self.blocked = self.blocked, []
        return list(dict.fromkeys(blocked))


def _read_text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else None


def _find_place(frame: FrameType | None, root: str) -> str:
    """Return the innermost line of the tests that led to a call, empty if none did."""
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(root) and "site-packages" not in path and path != __file__:
            line = linecache.getline(path, frame.f_lineno).strip()
            return f", at {os.path.relpath(path, root)}:{frame.f_lineno}: {line}"
        frame = frame.f_back
    return ""


class _Hook:
    """The audit hook of this process, which cannot be removed; `guard` is None while nothing is blocked."""

    guard: NetworkGuard | None = None
    is_installed = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.guard is not None and event.startswith("socket."):  # pragma: no branch
            self.guard.check(event, arguments)  # pragma: no cover  # no tracer sees an audit hook


_HOOK = _Hook()


def start_network_guard(server_url: str, root: Path) -> Callable[[], None]:
    """Block all calls to other machines but those to a server; return the function that ends this."""
    host = urlsplit(server_url).hostname
    allowed = {host} if host else set()
    with suppress(OSError):
        allowed |= {str(address[0]) for *_, address in socket.getaddrinfo(host, None)} if host else set()
    if not _HOOK.is_installed:
        sys.addaudithook(_HOOK)
        _HOOK.is_installed = True
    before, _HOOK.guard = _HOOK.guard, NetworkGuard(frozenset(allowed), root)

    def end() -> None:
        _HOOK.guard = before

    return end


def take_blocked_calls() -> list[str]:
    """Return the calls that were blocked since the last time."""
    return [] if _HOOK.guard is None else _HOOK.guard.take_blocked()
