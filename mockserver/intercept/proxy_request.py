"""The head of a request to the proxy: CONNECT with a host and port, or a method with an absolute URL.

RFC 9112, section 3.2.
"""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from mockserver.intercept.host_rules import normalize_host

TUNNEL_OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"
_MAX_HEAD = 32_768  # bytes; vendors' keys and cookies take a few thousand
_READ_SIZE = 16_384
_HANDSHAKE = b"\x16"  # the content type of the first record; RFC 8446, 5.1
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/1\.[01]")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@]+):([0-9]{1,5})")
# Fields of one connection (RFC 9110, 7.6.1) but for those of the framing, and the Host, which the URL replaces.
_DROPPED_FIELDS = frozenset(
    (
        *(b"connection", b"host", b"keep-alive", b"proxy-connection", b"proxy-authenticate"),
        *(b"proxy-authorization", b"upgrade", b"http2-settings"),
    )
)


class ProxyError(Exception):
    """A request that the proxy answers itself, with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """The target of a request; `head` is the head to send to it, empty for CONNECT; `rest` are bytes that follow."""

    host: str
    port: int
    head: bytes
    url: str
    rest: bytes

    @property
    def authority(self) -> str:
        """Host and port, as in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


async def read_head(client: socket.socket) -> bytes:
    """Read until the end of a head; bytes after it may follow. Of a TLS handshake, read the first bytes.

    Raises ProxyError if the head is too long, or not complete.
    """
    loop = asyncio.get_running_loop()
    head = b""
    while b"\r\n\r\n" not in head and not is_tls_handshake(head):
        if len(head) > _MAX_HEAD:
            raise ProxyError(431, f"the head has more than {_MAX_HEAD} bytes")
        data = await loop.sock_recv(client, _READ_SIZE)
        if not data:
            raise ProxyError(400, "the head is not complete")
        head += data
    return head


def is_tls_handshake(data: bytes) -> bool:
    """Return whether a connection begins with a TLS handshake, as one of `ConnectionRedirect` does."""
    return data.startswith(_HANDSHAKE)


def parse_proxy_request(data: bytes) -> ProxyRequest:
    """Parse a complete head. Raises ProxyError for a request that is not for a proxy."""
    head, _, rest = data.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    parsed = _REQUEST_LINE.fullmatch(line)
    if parsed is None:
        raise ProxyError(400, "the request line is not that of HTTP/1.1")
    method, target = parsed[1], parsed[2].decode("ascii")
    if method == b"CONNECT":
        host, port = _parse_authority(target)
        return ProxyRequest(host, port, b"", "", rest)
    url = _parse_url(target)
    path = url._replace(scheme="", netloc="", path=url.path or "/", fragment="").geturl()
    kept = [one for one in fields if one.partition(b":")[0].lower() not in _DROPPED_FIELDS]
    # Each request has a connection of its own, because the next one may be for another host.
    own = (b"Host: %b" % url.netloc.rpartition("@")[2].encode(), b"Connection: close")
    lines = (b"%b %b HTTP/1.1" % (method, path.encode()), *own, *kept, b"", b"")
    return ProxyRequest(normalize_host(url.hostname or ""), url.port or 80, b"\r\n".join(lines), target, rest)


def _parse_authority(target: str) -> tuple[str, int]:
    parsed = _AUTHORITY.fullmatch(target)
    if parsed is None or not 0 < int(parsed[2]) < 65_536:
        raise ProxyError(400, "CONNECT needs HOST:PORT")
    return normalize_host(parsed[1]), int(parsed[2])


def _parse_url(target: str) -> SplitResult:
    try:
        url = urlsplit(target)
        is_valid = url.scheme == "http" and bool(url.hostname) and url.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ProxyError(400, "this is a proxy: the request needs CONNECT or an absolute http URL")
    return url
