"""Calls that a test describes in a line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from mockserver.request.chat_request import ChatRequest, RequestReader
from mockserver.request.request_head import read_head, route_head
from mockserver.vendors.profile import load_profile
from mockserver.vendors.profile_inheritance import list_shipped_profiles
from mockserver.vendors.routing import VendorRouter
from mockserver.vendors.vendor import Vendor

Asked = Callable[..., ChatRequest]

GOOD = {"content-type": "application/json", "authorization": "Bearer k"}
HELLO = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
MOST = 1000  # bytes of a body


@pytest.fixture(scope="session")
def asked() -> Asked:
    """Reads the call that is like a good one, but for what is told."""
    directory = VendorRouter(Vendor(load_profile(path)) for path in list_shipped_profiles())

    def read(
        body: Any = HELLO,
        *,
        path: str = "/aimlapi/v1/chat/completions",
        method: str = "POST",
        raw: bytes | None = None,
        **headers: str | None,
    ) -> ChatRequest:
        sent = {**GOOD, **{name.replace("_", "-"): value for name, value in headers.items()}}
        pairs = [
            (name.encode(), value.encode("latin-1")) for name, value in sent.items() if value is not None
        ]

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": json.dumps(body).encode() if raw is None else raw}

        head = read_head({"type": "http", "method": method, "path": path, "headers": pairs})
        origin = route_head(head, directory)
        assert origin is not None
        return asyncio.run(RequestReader(MOST).read(origin, receive))

    return read
