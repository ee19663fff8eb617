"""Addresses: the socket that a server listens on, and how clients on this machine reach it.

The health check imports it, so it needs only the standard library.
"""

from __future__ import annotations

import errno
import socket
import sys

from mockserver.errors import InputError

_CONNECT_HOSTS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 of sockets on all addresses
_HOST_HINT = "use 127.0.0.1 to listen on this machine only, or 0.0.0.0 on all of its addresses"
_BIND_ERRORS = {
    errno.EADDRINUSE: "port {port} is taken on {host}: "
    "stop the other server or choose another port with {flag} (0 picks a free one)",
    errno.EACCES: "port {port} needs privileges: choose one above 1023 with {flag} (0 picks a free one)",
    errno.EADDRNOTAVAIL: "{host} is not an address of this machine: " + _HOST_HINT,
}


def bind_socket(host: str, port: int, setting: str = "port") -> socket.socket:
    """Bind a socket, so that the number of port 0 is known before the server starts.

    Raises InputError, which names the setting of the port.
    """
    if not 0 <= port <= 65535:
        raise InputError.from_message(
            f"port {port} does not exist: choose one from 1 to 65535, or 0 for a free one", setting
        )
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise InputError.from_message(
            f"{host!r} is not an address of this machine: {_HOST_HINT}", "host"
        ) from error
    # asyncio sets TCP_NODELAY only if the protocol is given; without it a small frame would wait for an ACK.
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, get_address_option(sys.platform), 1)
    try:
        sock.bind(address)
    except OSError as error:
        sock.close()
        message = _BIND_ERRORS.get(error.errno or 0, "{host}:{port} cannot be used: {error}")
        path = "host" if error.errno == errno.EADDRNOTAVAIL else setting
        flag = f"--{setting.replace('_', '-')}"
        raise InputError.from_message(
            message.format(host=host, port=port, error=error, flag=flag), path
        ) from error
    return sock


def get_connect_address(sock: socket.socket) -> tuple[str, int]:
    """Return the address that a client on this machine connects to."""
    host, port = sock.getsockname()[:2]
    return get_connect_host(host), int(port)


def get_address_option(platform: str) -> int:
    """Return the socket option with which a restarted server gets its port at once, but no second server gets it.

    On POSIX that is SO_REUSEADDR. On Windows SO_REUSEADDR would let two servers share a port, and
    SO_EXCLUSIVEADDRUSE (the complement of Winsock's SO_REUSEADDR, 4) forbids it.
    https://learn.microsoft.com/windows/win32/winsock/using-so-reuseaddr-and-so-exclusiveaddruse
    """
    return ~4 if platform == "win32" else socket.SO_REUSEADDR


def get_connect_host(host: str) -> str:
    """Return the host that a client on this machine connects to, for the host that a server listens on."""
    return _CONNECT_HOSTS.get(host, host)


def format_server_url(address: tuple[str, int], scheme: str = "http") -> str:
    """Return the root URL of a server at this address, as a client on this machine uses it."""
    return f"{scheme}://{format_address((get_connect_host(address[0]), address[1]))}"


def format_address(address: tuple[str, int]) -> str:
    """Return host and port as in a URL: that of IPv6 in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
