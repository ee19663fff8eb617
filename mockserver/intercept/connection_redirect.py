"""Connections of this process to the vendors' hosts, redirected to a server below every HTTP client.

A client that exists already has read neither the proxy nor the trusted certificates from the environment. Here the
names of the vendors resolve to an address that only stands for them, a connection to it is made to the server instead,
and the certificate authority is added to the client's TLS context when a handshake with a vendor's host begins.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Collection
from typing import Any

from mockserver.intercept.host_rules import normalize_host

_STAND_IN = "127.83.84.85"  # the address that the vendors' names resolve to; nothing listens there
_PLAIN_PORT = 80


class ConnectionRedirect:
    """The changed functions of the modules `socket` and `ssl`, from `start` to `stop`.

    Event loops that do not use these modules, such as uvloop's, are not affected.
    """

    def __init__(
        self, hosts: Collection[str], tls: tuple[str, int], plain: tuple[str, int], authority: str
    ) -> None:
        """`tls` and `plain` are the addresses of the server, `authority` the certificate in PEM of its TLS."""
        self._hosts = hosts
        self._tls = tls
        self._plain = plain
        self._authority = authority
        self._changed: list[tuple[Any, str, Any]] = []

    def start(self) -> None:
        """Change the functions of this process."""
        for owner, name, change in (
            (socket, "getaddrinfo", self._resolve_hosts),
            (socket.socket, "connect", self._redirect),
            (socket.socket, "connect_ex", self._redirect),
            (ssl.SSLContext, "wrap_socket", self._add_trust),
            (ssl.SSLContext, "wrap_bio", self._add_trust),
        ):
            self._changed.append((owner, name, vars(owner).get(name)))
            setattr(owner, name, change(getattr(owner, name)))

    def stop(self) -> None:
        """Restore them."""
        while self._changed:
            owner, name, original = self._changed.pop()
            if original is None:  # inherited
                delattr(owner, name)
            else:
                setattr(owner, name, original)

    def _resolve_hosts(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def getaddrinfo(host: Any, *arguments: Any, **keywords: Any) -> Any:
            return original(_STAND_IN if self._is_vendors(host) else host, *arguments, **keywords)

        return getaddrinfo

    def _redirect(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(sock: socket.socket, address: Any) -> Any:
            if isinstance(address, tuple) and address[0] == _STAND_IN:
                address = self._plain if address[1] == _PLAIN_PORT else self._tls
            return original(sock, address)

        return connect

    def _add_trust(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def wrap(context: ssl.SSLContext, *arguments: Any, **keywords: Any) -> Any:
            if self._is_vendors(keywords.get("server_hostname")):
                context.load_verify_locations(cadata=self._authority)
            return original(context, *arguments, **keywords)

        return wrap

    def _is_vendors(self, host: object) -> bool:
        name = host.decode("latin-1") if isinstance(host, bytes) else host
        return isinstance(name, str) and normalize_host(name) in self._hosts
