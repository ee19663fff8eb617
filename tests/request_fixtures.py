"""A fixture that builds parsed requests without a server."""

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

ReadRequest = Callable[..., ChatRequest]

HEADERS = {"content-type": "application/json", "authorization": "Bearer k"}
HELLO = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
MAX_BODY_BYTES = 1000


@pytest.fixture(scope="session")
def read_request() -> ReadRequest:
    """Return a function that reads a valid request, changed by its arguments; a header of None is left out."""
    return create_request_reader(VendorRouter(Vendor(load_profile(path)) for path in list_shipped_profiles()))


def create_request_reader(router: VendorRouter, max_body: int = MAX_BODY_BYTES) -> ReadRequest:
    """Return a function that reads a valid request to one of these vendors, changed by its arguments."""

    def read(
        body: Any = HELLO,
        *,
        path: str = "/aimlapi/v1/chat/completions",
        method: str = "POST",
        raw: bytes | None = None,
        **headers: str | None,
    ) -> ChatRequest:
        sent = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
        pairs = [
            (name.encode(), value.encode("latin-1")) for name, value in sent.items() if value is not None
        ]

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": json.dumps(body).encode() if raw is None else raw}

        head = read_head({"type": "http", "method": method, "path": path, "headers": pairs})
        routed_head = route_head(head, router)
        assert routed_head is not None
        return asyncio.run(RequestReader(max_body).read(routed_head, receive))

    return read
