"""Requests that offer an upgrade (`Upgrade: h2c`), served as if they did not.

RFC 9110, section 7.8: "A server MAY ignore a received Upgrade header field if it wishes to continue using the current
protocol on that connection." Stock Java clients and `curl --http2` offer h2c with every POST. httptools treats what
follows such a head as another protocol, and the body would be lost.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools


class IgnoredUpgrade(asyncio.Protocol):
    """Mixin for uvicorn's httptools protocol that parses a head again without its Upgrade field, and then the body.

    Only the head is known when the parser stops, and no request has been started for it. A new parser receives the
    same head without the offer, then the bytes that follow; the old one cannot continue.
    """

    parser: Any
    headers: list[tuple[bytes, bytes]]
    url: bytes
    logger: Any

    def data_received(self, data: bytes) -> None:
        """Parse bytes of the connection; several requests in them may offer an upgrade."""
        self._unset_keepalive_if_required()  # type: ignore[attr-defined]
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = self._repeat_head() + data[upgrade.args[0] :] if self._is_upgrade_offered() else b""
            except httptools.HttpParserError:
                message = "Invalid HTTP request received."
                self.logger.warning(message)
                self.send_400_response(message)  # type: ignore[attr-defined]
                return
            else:
                return

    def on_headers_complete(self) -> None:
        """Start the request, unless its head will be parsed again."""
        if not self.parser.should_upgrade() or not self._is_upgrade_offered():
            super().on_headers_complete()  # type: ignore[misc]

    def on_message_complete(self) -> None:
        """End the request's body, unless its head will be parsed again."""
        if not self.parser.should_upgrade() or not self._is_upgrade_offered():
            super().on_message_complete()  # type: ignore[misc]

    def _is_upgrade_offered(self) -> bool:
        # What follows CONNECT is another protocol in any case: parsing its head again would stop at the same place.
        return bool(self.parser.should_upgrade()) and self.parser.get_method() != b"CONNECT"

    def _repeat_head(self) -> bytes:
        """Return the head without its Upgrade fields, for a new parser."""
        line = b"%b %b HTTP/%b" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode(),
        )
        fields = [b"%b: %b" % (name, value) for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        return b"\r\n".join((line, *fields, b"", b""))
