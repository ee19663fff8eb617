"""Requests and fixture sets for tests, built without a server."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from mockserver.matching.fixture_set import FixtureSet
from mockserver.matching.loader import load_fixture_document
from mockserver.request.chat_request import ChatRequest, RequestReader
from mockserver.request.request_head import RequestHead, route_head
from mockserver.schema.yaml_document import parse_yaml
from mockserver.server.app import load_vendors

ROUTER = load_vendors()
USER = {"role": "user", "content": "What is the Weather in Paris?"}


def build_request(
    *messages: dict[str, Any],
    vendor: str = "aimlapi",
    headers: dict[str, str] | None = None,
    session: str | None = None,
    **body: Any,
) -> ChatRequest:
    """Build a request with these messages; without one, it asks about the weather."""
    defaults = {"content-type": "application/json", "authorization": "Bearer sk-1234567890"}
    request_body = {"model": "o1-preview", "messages": list(messages or [USER]), **body}
    head = RequestHead("POST", f"/{vendor}/v1/chat/completions", "", session, defaults | (headers or {}))
    routed_head = route_head(head, ROUTER)
    assert routed_head is not None

    async def receive() -> Any:
        return {"type": "http.request", "body": orjson.dumps(request_body), "more_body": False}

    return asyncio.run(RequestReader(1_000_000).read(routed_head, receive))


def build_fixture_set(*fixtures: str, before: str = "") -> FixtureSet:
    """Load these fixtures, each written as the inside of a YAML mapping; `before` is text above them."""
    lines = "".join(f"  - {{{fixture}}}\n" for fixture in fixtures)
    return FixtureSet(load_fixture_document(parse_yaml(f"{before}\nfixtures:\n{lines}", "f.yaml")).fixtures)
