"""The rules of the proxy: which hosts this server answers for, and which calls to others are let through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
HostAction = Literal["answer", "tunnel", "refuse"]


class HostRules:
    """The vendors' hosts, which are answered; hosts that may be called; all others are refused."""

    def __init__(self, hosts: Iterable[str], allowed: Iterable[str] = (), *, allow_all: bool = False) -> None:
        """`allowed` are names, each without its subdomains; `*.example.com` is those of `example.com`."""
        self.hosts = frozenset(hosts)
        self._allowed = frozenset(map(normalize_host, allowed))
        self._suffixes = tuple(one.removeprefix("*") for one in self._allowed if one.startswith("*."))
        self._allow_all = allow_all

    def choose_action(self, host: str) -> HostAction:
        """Return what the proxy does with a call to a host; this machine itself is not another host."""
        if host in self.hosts:
            return "answer"
        is_allowed = self._allow_all or host in self._allowed or host.endswith(self._suffixes)
        return "tunnel" if is_allowed or is_loopback(host) else "refuse"


def normalize_host(host: str) -> str:
    """Return a host as it is compared: lower case, without the final dot or the brackets of IPv6."""
    return host.strip("[]").rstrip(".").lower()


def is_loopback(host: str) -> bool:
    """Return whether a host in its normal form is this machine."""
    return host in LOOPBACK_NAMES or host.startswith("127.")
