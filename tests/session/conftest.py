"""Calls that a test describes in a line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from mockserver import call as calls
from mockserver import origin as origins
from mockserver.call import Call
from mockserver.vendors import overlay, profile
from mockserver.vendors.directory import Directory
from mockserver.vendors.vendor import Vendor

Asked = Callable[..., Call]

GOOD = {"content-type": "application/json", "authorization": "Bearer k"}
HELLO = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
MOST = 1000  # bytes of a body


@pytest.fixture(scope="session")
def asked() -> Asked:
    """Reads the call that is like a good one, but for what is told."""
    directory = Directory(Vendor(profile.load(path)) for path in overlay.shipped())

    def read(
        body: Any = HELLO,
        *,
        path: str = "/aimlapi/v1/chat/completions",
        method: str = "POST",
        raw: bytes | None = None,
        **headers: str | None,
    ) -> Call:
        sent = {**GOOD, **{name.replace("_", "-"): value for name, value in headers.items()}}
        pairs = [
            (name.encode(), value.encode("latin-1")) for name, value in sent.items() if value is not None
        ]

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": json.dumps(body).encode() if raw is None else raw}

        head = origins.head({"type": "http", "method": method, "path": path, "headers": pairs})
        origin = origins.origin(head, directory)
        assert origin is not None
        return asyncio.run(calls.Reader(MOST).read(origin, receive))

    return read
